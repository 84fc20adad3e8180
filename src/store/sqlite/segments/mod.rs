//! Sealed segments in their tables: records of one kind sorted by trace, a row per column.
//!
//! Beside the codec's columns a segment keeps its arrivals: which write each record came with and when that was
//! received. They keep the commit order readable after sealing, and retention exact.

mod catalogue;
mod read;
mod segment_columns;
mod write;

pub use self::catalogue::{
    Extent, arrivals, check_kinds, column_bytes, count, extents, extents_after, extents_overlapping,
    extents_received_before, first_received_since, has_requests, index, known_arrivals, may_hold, services,
    spans_of_seqs, timed,
};
pub use self::read::{
    all_records_of, arrived_of, checkpoints_for_stats, each_block, each_block_of_parts, each_of_project, each_record,
    log_rows, logs_for_stats, records, records_at, records_of, records_of_kind, search_logs, spans_for_stats,
    with_attributes,
};
pub use self::write::{Sealed, insert, remove, seal, seal_waiting};
