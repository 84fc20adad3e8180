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
//! From the bottom: [`bytes`] writes numbers, texts and values, and adds checksum and compression; [`columns`] knows
//! blocks, dictionaries and one column per attribute, but no record; [`shared_tables`] is what rows share;
//! [`spans`], [`checkpoints`] and [`logs`] say which field is which byte of a row and which column. `search`,
//! `stats_columns` and `log_search` read only what they need.

mod arrivals;
mod bytes;
mod candidates;
mod checkpoints;
mod columns;
mod error;
mod fold;
mod logs;
mod prepare;
mod record;
#[cfg(test)]
mod samples;
mod search;
mod shared_tables;
mod spans;
#[cfg(test)]
mod tests;
mod trace_pieces;

use std::ops::Range;

use crate::model::{Parts, Record, RecordKind};
use crate::store::sqlite::codec::bytes::envelope;
use crate::store::sqlite::codec::candidates::Candidates;
use crate::store::sqlite::codec::checkpoints::checkpoint_columns;
use crate::store::sqlite::codec::columns::{ColumnReader, TraceRuns};
use crate::store::sqlite::codec::logs::log_columns;
use crate::store::sqlite::codec::shared_tables::SharedColumns;
use crate::store::sqlite::codec::spans::span_columns;
use crate::store::sqlite::codec::spans::span_rows;
use crate::store::sqlite::codec::spans::span_slices::SpanRows;

pub use self::arrivals::{Arrival, Arrived, decode as decode_arrivals, encode as encode_arrivals};
pub use self::bytes::envelope::{check, content_bytes};
pub use self::candidates::RowTest;
pub use self::checkpoints::checkpoint_columns::read_checkpoints_for_stats;
pub use self::columns::{
    BlockIndex, ColumnSource, Segment, WantedRows, block_range, build_of_keys, column_header_bytes, may_contain,
    may_contain_key, rows_of_trace,
};
pub use self::error::CodecError;
pub use self::fold::{FoldColumns, decode_fold, decode_folds, encode_fold};
pub use self::logs::log_columns::{LogForStats, read_log_rows, read_logs_for_stats};
pub use self::logs::log_search::{LogRow, search_logs};
pub use self::prepare::{Prepared, decode_inbox, prepare, repack, times_of};
pub use self::record::NO_TRACE;
pub use self::search::{traces_of_project, traces_with_attribute};
pub use self::spans::stats_columns::read_spans_for_stats;
pub use self::trace_pieces::{Piece, encode_piece};

/// Seals records, all of this kind and in the order of [`Record::order`], into a segment.
///
/// # Errors
/// None that is known: what is sealed was encoded just before.
pub fn seal(kind: RecordKind, records: &[&Record]) -> Result<Segment, CodecError> {
    let records = || records.iter().copied();
    match kind {
        RecordKind::Spans => {
            let content = span_rows::encode(&Record::spans(records()));
            let mut rows = SpanRows::default();
            rows.add(&content)?;
            Ok(span_columns::seal_spans(&rows)?.0)
        }
        RecordKind::Checkpoints => checkpoint_columns::seal_checkpoints(&Record::checkpoints(records())),
        RecordKind::Logs => log_columns::seal_logs(&Record::logs(records())),
    }
}

/// Seals the spans of payloads ([`Prepared::payload`]), in any order, into a segment; with it comes, for each of its
/// rows, the place of the payload it was in. The segment is the one [`seal`] makes of the decoded spans, but nothing is
/// decoded.
///
/// # Errors
/// A payload is damaged, or none of spans.
pub fn seal_span_payloads(payloads: &[&[u8]]) -> Result<(Segment, Vec<usize>), CodecError> {
    let contents = payloads.iter().map(|payload| envelope::unwrap_lz4(payload)).collect::<Result<Vec<_>, _>>()?;
    let mut rows = SpanRows::default();
    contents.iter().try_for_each(|content| rows.add(content))?;
    span_columns::seal_spans(&rows)
}

/// Reads the records of a segment of this kind, in their order.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn read_records(
    kind: RecordKind,
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    wanted: WantedRows<'_, Range<usize>>,
) -> Result<Vec<Record>, CodecError> {
    let mut records = Vec::new();
    each_block(kind, source, index, wanted, &Parts::ALL, &[], |_, found| {
        records.extend(found);
        Ok(())
    })?;
    Ok(records)
}

/// Reads these parts of the records of a segment of this kind, in their order, block after block, so that nobody has to
/// hold more than one; `visit` is told which. Records that cannot meet the tests are passed over.
///
/// # Errors
/// The source fails or what it gives is damaged, and those of `visit`.
pub fn each_block(
    kind: RecordKind,
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    wanted: WantedRows<'_, impl IntoIterator<Item = usize>>,
    parts: &Parts,
    tests: &[RowTest<'_>],
    mut visit: impl FnMut(usize, Vec<Record>) -> Result<(), CodecError>,
) -> Result<(), CodecError> {
    let mut columns = ColumnReader::new(source);
    let mut shared = SharedColumns::open(&mut columns)?;
    let mut candidates = Candidates::new(tests);
    for number in wanted.blocks {
        let block = &mut columns.block(index, number)?;
        let traces = TraceRuns::read(block)?;
        let rows = traces.rows_of(wanted.trace);
        let mut rows: Vec<usize> = rows.collect();
        if !candidates.are_all() && kind != RecordKind::Checkpoints && !rows.is_empty() {
            let found = candidates.find(kind, block, &mut shared)?;
            rows.retain(|row| found.get(*row).is_some_and(|is_found| *is_found));
        }
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { continue };
        let range = *first..*last + 1;
        let records = match kind {
            RecordKind::Spans => {
                let spans = span_columns::read_spans(block, &mut shared, &traces, &rows, parts)?;
                spans.into_iter().map(Record::Span).collect()
            }
            RecordKind::Checkpoints => {
                let checkpoints = checkpoint_columns::read_checkpoints(block, &traces, range)?;
                checkpoints.into_iter().map(Record::Checkpoint).collect()
            }
            RecordKind::Logs => {
                let logs = log_columns::read_logs(block, &mut shared, &traces, rows.iter().copied(), parts)?;
                logs.into_iter().map(Record::Log).collect()
            }
        };
        visit(number, records)?;
    }
    Ok(())
}
