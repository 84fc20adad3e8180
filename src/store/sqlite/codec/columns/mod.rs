//! Columns of segments: blocks, dictionaries and one column per attribute. Nothing here knows a field of a record.

mod attribute_reader;
mod attribute_writer;
mod distinct;
mod filter;
mod index;
mod known;
mod layout;
mod planes;
mod reader;
mod rows;
mod shape;
mod templates;
mod writer;

pub use self::attribute_reader::{AttributeReader, PlaceCells};
pub use self::attribute_writer::{AttributeWriter, EncodedAttributes, RawAttributes, Shape};
pub use self::distinct::Distinct;
pub use self::filter::{build_of_keys, may_contain, may_contain_key};
pub use self::index::{BlockIndex, BlockSummary};
pub use self::known::Known;
pub use self::layout::{
    CODED, ColumnSource, PLAIN, SHARED_FRAME, Segment, TEMPLATES, block_range, column_header_bytes,
};
pub use self::planes::{Numbers, decimals, put_planes, put_planes_of_width};
pub use self::reader::{Block, ColumnReader, Strings};
pub use self::rows::{BYTES_PER_BLOCK, Columnar, TraceRuns, WantedRows, rows_of_trace, seal_rows};
pub use self::shape::{REST, REST_COLUMN, SHAPE_COLUMN, Shapes, column_name};
pub use self::templates::{TemplateStrings, put_templates};
pub use self::writer::ColumnWriter;
