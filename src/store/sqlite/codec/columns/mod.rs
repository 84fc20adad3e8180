//! Columns of segments: blocks, dictionaries and one column per attribute. Nothing here knows a field of a record.

mod attribute_reader;
mod attribute_writer;
mod filter;
mod index;
mod known;
mod layout;
mod planes;
mod reader;
mod rows;
mod shape;
mod writer;

pub use self::{
    attribute_reader::{AttributeReader, BlockShapes, PlaceCells},
    attribute_writer::{AttributeWriter, EncodedAttributes, RawAttributes, Shape},
    filter::may_contain,
    index::{BlockIndex, BlockSummary},
    known::Known,
    layout::{CODED, ColumnSource, PLAIN, SHARED_FRAME, Segment, block_range, column_header_bytes},
    planes::{Numbers, put_planes, put_planes_of_width},
    reader::{ColumnReader, Strings},
    rows::{
        BYTES_PER_BLOCK, Columnar, SharedArcs, SharedValues, TraceRuns, WantedRows, block_summary, once, rows_of_trace,
        seal_rows, trace_runs,
    },
    shape::{REST, REST_COLUMN, SHAPE_COLUMN, Shapes, column_name},
    writer::{Cells, ColumnWriter},
};
