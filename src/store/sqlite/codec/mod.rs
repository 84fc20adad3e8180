//! Records to bytes and back: the inbox encoding and the columns of sealed segments. Pure functions; no SQLite here.
//!
//! The `parquet` crate (60.1, no arrow, zstd 1, dictionaries, one optional column per attribute, pages of 1024 rows with
//! their index) was measured against these segments on the spans of `benches/codec.rs`, 16,384 at a time, one thread,
//! both sides alternating on a busy machine. It writes as fast (267 k against 295 k spans/s, within the noise), takes
//! 1.23 times the bytes (78.1 against 63.6 a span), adds 1.84 MB to the binary, scans the columns of the statistics at
//! 0.86 of the speed, and searched an attribute 2.5 to 8 times faster, which was a hash of every row's resource here and
//! no longer is. But it reads one trace 6 times slower (1.8 ms against 0.29 ms, past the millisecond `show` may cost),
//! and its columns had no place for links, trace state, dropped counts, arrays, maps and bytes. So the format is our own,
//! because a trace by its id is the question asked most.
//!
//! A write becomes one [`Prepared`]: rows behind tables of what they share, lz4, made for speed ([`prepare()`]). Many
//! writes become one [`Segment`]: rows sorted by trace and cut into blocks of about a thousand, each column of each
//! block a frame of its own under zstd, so that a trace costs a block of its columns and a search a column of all
//! blocks ([`seal`]). All stored bytes carry a checksum, and no bytes, damaged or forged, make a reader panic or
//! reserve more than their size warrants.
//!
//! From the bottom: `bytes` and `value` write numbers, strings and values; `envelope` adds checksum and compression;
//! `columns` and `attributes` (with `shape`) know blocks, dictionaries and one column per attribute, but no record;
//! `rows` is what all kinds of record share, and `span_columns`, `checkpoint_columns` and `log_columns` say which field
//! is which column. `light`, `search` and `log_search` read only what they need.

mod attributes;
mod bytes;
mod checkpoint_columns;
mod checkpoint_rows;
mod columns;
mod envelope;
mod error;
mod filter;
mod fold;
mod inbox;
mod index;
mod light;
mod log_columns;
mod log_rows;
mod log_search;
mod prepare;
mod record;
mod rows;
#[cfg(test)]
mod samples;
mod search;
mod segment;
mod shape;
mod span_columns;
mod span_rows;
#[cfg(test)]
mod tests;
mod value;

use std::ops::Range;

pub use checkpoint_columns::read_light_checkpoints;
pub use error::CodecError;
pub use filter::may_contain;
pub use fold::{decode_fold, decode_folds, encode_fold, encode_folds};
pub use index::{BlockIndex, BlockSummary};
pub use light::read_light;
pub use log_columns::{LightLog, read_light_logs, read_log_rows};
pub use log_search::{LogRow, search_logs};
pub use prepare::{Prepared, content_bytes, decode_inbox, prepare, repack};
pub use record::NO_TRACE;
pub use rows::rows_of_trace;
pub use search::{traces_of_project, traces_with_attribute};
pub use segment::{ColumnSource, Segment, block_range, column_header_bytes};
pub use span_columns::read_spans;

use self::{
    checkpoint_columns::each_block_of_checkpoints, log_columns::each_block_of_logs, span_columns::each_block_of_spans,
    span_rows::SpanRows,
};

use crate::model::{Record, RecordKind, TraceId};

/// Seals records, all of this kind and in the order of [`Record::order`], into a segment.
///
/// # Errors
/// None that is known: what is sealed was encoded just before.
pub fn seal(kind: RecordKind, records: &[&Record]) -> Result<Segment, CodecError> {
    let records = || records.iter().copied();
    match kind {
        RecordKind::Spans => {
            let content = inbox::encode(&Record::spans(records()));
            let mut rows = SpanRows::default();
            rows.add(&content)?;
            Ok(span_columns::seal_spans(&rows)?.0)
        }
        RecordKind::Checkpoints => checkpoint_columns::seal_checkpoints(&Record::checkpoints(records())),
        RecordKind::Logs => log_columns::seal_logs(&Record::logs(records())),
    }
}

/// Seals the spans of payloads ([`Prepared::payload`]), in any order, into a segment; with it comes, for each of its
/// rows, the place of the payload it was in. The same as [`seal`] of the decoded spans, without decoding them.
///
/// # Errors
/// A payload is damaged, or none of spans.
pub fn seal_span_payloads(payloads: &[&[u8]]) -> Result<(Segment, Vec<usize>), CodecError> {
    let contents = payloads.iter().map(|payload| envelope::unwrap_lz4(payload)).collect::<Result<Vec<_>, _>>()?;
    let mut rows = SpanRows::default();
    contents.iter().try_for_each(|content| rows.add(content))?;
    span_columns::seal_spans(&rows)
}

/// Reads the records of a segment of this kind, in their order: those of `blocks`, or only those of one trace in them.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn read_records(
    kind: RecordKind,
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    (blocks, only): (Range<usize>, Option<&TraceId>),
) -> Result<Vec<Record>, CodecError> {
    let mut records = Vec::new();
    each_block(kind, source, index, (blocks, only), |_, found| {
        records.extend(found);
        Ok(())
    })?;
    Ok(records)
}

/// The same, block after block, so that nobody has to hold more than one; `visit` is told which.
///
/// # Errors
/// Also those of `visit`.
pub fn each_block(
    kind: RecordKind,
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    wanted: (impl IntoIterator<Item = usize>, Option<&TraceId>),
    mut visit: impl FnMut(usize, Vec<Record>) -> Result<(), CodecError>,
) -> Result<(), CodecError> {
    match kind {
        RecordKind::Spans => each_block_of_spans(source, index, wanted, |block, spans| {
            visit(block, spans.into_iter().map(Record::Span).collect())
        }),
        RecordKind::Checkpoints => each_block_of_checkpoints(source, index, wanted, |block, checkpoints| {
            visit(block, checkpoints.into_iter().map(Record::Checkpoint).collect())
        }),
        RecordKind::Logs => each_block_of_logs(source, index, wanted, |block, logs| {
            visit(block, logs.into_iter().map(Record::Log).collect())
        }),
    }
}
