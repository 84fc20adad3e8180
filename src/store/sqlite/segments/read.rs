//! Records of segments: all of one, those of a trace, or only what a question needs of them.
//!
//! A question goes on without what is damaged, which is noted. Only [`records`] and [`each_block`] fail: who rewrites a
//! segment must have all of it.

use std::ops::Range;

use rusqlite::{Connection, Row};

use super::super::codec::{self, Arrived, BlockIndex, CodecError, LogForStats, LogRow, RowTest, WantedRows};
use super::super::damage::{Part, tolerate};
use super::super::sql;
use super::super::tables::{kind_column, to_column};
use super::catalogue::{Extent, arrivals, column_bytes, extents, extents_since, index};
use super::segment_columns::Columns;
use crate::model::stats::SpanForStats;
use crate::model::{Checkpoint, LogMatcher, LogRecord, Parts, Record, RecordKind, TraceFold, TraceId};
use crate::store::{Error, Result};

/// A segment whose columns take no more is read column by column, a larger one block by block.
const MOST_WHOLE_BYTES: u64 = 8 << 20;

/// All records of a segment, in its order.
pub fn records(connection: &Connection, extent: &Extent) -> Result<Vec<Arrived>> {
    let records = all_of(connection, extent, None)?;
    match u64::try_from(records.len()) {
        Ok(rows) if rows == extent.rows => Ok(records),
        _ => Err(Error::Corrupt(format!("segment {} of {} rows has {}", extent.id, extent.rows, records.len()))),
    }
}

/// The records of one trace in a segment, in its order.
pub fn arrived_of(connection: &Connection, extent: &Extent, trace: &TraceId) -> Result<Vec<Arrived>> {
    Ok(tolerate(Part::Segment(extent.id), all_of(connection, extent, Some(trace)))?.unwrap_or_default())
}

fn all_of(connection: &Connection, extent: &Extent, only: Option<&TraceId>) -> Result<Vec<Arrived>> {
    let mut records = Vec::new();
    each_block(
        connection,
        extent,
        only,
        |_| true,
        |_, found| {
            records.extend(found);
            Ok(())
        },
    )?;
    Ok(records)
}

/// Calls `visit` with the records of a segment, or of one trace in it, block after block, and with the place of the
/// first of them among its rows. Of blocks whose rows are not wanted nothing is read.
pub fn each_block(
    connection: &Connection,
    extent: &Extent,
    only: Option<&TraceId>,
    is_wanted: impl Fn(Range<usize>) -> bool,
    mut visit: impl FnMut(usize, Vec<Arrived>) -> std::result::Result<(), CodecError>,
) -> Result<()> {
    let id = extent.id;
    let index = index(connection, id)?;
    let is_small = only.is_none() && column_bytes(connection, id)? <= MOST_WHOLE_BYTES;
    let mut columns = Columns::new(connection, id, index.len(), is_small);
    let (blocks, first_row) = match only {
        None => (0..index.len(), 0),
        Some(trace) => {
            let rows = codec::rows_of_trace(&mut columns, &index, trace);
            (index.blocks_of(trace), columns.check(rows)?.start)
        }
    };
    let (mut rows_of_block, mut end) = (Vec::with_capacity(index.len()), 0);
    for block in index.iter() {
        rows_of_block.push(end..end + block.rows);
        end += block.rows;
    }
    let arrivals = arrivals(connection, id)?;
    if arrivals.len() != end || extent.rows != end as u64 {
        let (said, arrived) = (extent.rows, arrivals.len());
        return Err(Error::Corrupt(format!("segment {id} of {said} rows has {end} and {arrived} arrivals")));
    }
    let rows_of = |block: usize| rows_of_block.get(block).cloned().unwrap_or_default();
    let blocks = blocks.filter(|block| is_wanted(rows_of(*block)));
    let wanted = WantedRows { blocks, trace: only };
    let read = codec::each_block(extent.kind, &mut columns, &index, wanted, &Parts::ALL, &[], |block, records| {
        let first = rows_of(block).start.max(first_row);
        let came = arrivals.get(first..first + records.len()).ok_or(CodecError::Malformed("rows of a block"))?;
        visit(first, records.into_iter().zip(came).map(|(record, came)| Arrived { arrival: *came, record }).collect())
    });
    columns.check(read)
}

/// Calls `visit` with these parts of the records of a segment that can meet the tests, block after block.
pub fn each_block_of_parts(
    connection: &Connection,
    extent: &Extent,
    parts: &Parts,
    tests: &[RowTest<'_>],
    mut visit: impl FnMut(Vec<Record>) -> std::result::Result<(), CodecError>,
) -> Result<()> {
    let index = index(connection, extent.id)?;
    let is_small = column_bytes(connection, extent.id)? <= MOST_WHOLE_BYTES;
    let mut columns = Columns::new(connection, extent.id, index.len(), is_small);
    let wanted = WantedRows { blocks: 0..index.len(), trace: None };
    let read = codec::each_block(extent.kind, &mut columns, &index, wanted, parts, tests, |_, records| visit(records));
    columns.check(read)
}

/// Reads a segment through its columns, each of which is read once, as a whole; nothing when it is damaged.
fn with_columns<T: Default>(
    connection: &Connection,
    id: i64,
    read: impl FnOnce(&mut Columns<'_>, &BlockIndex) -> std::result::Result<T, CodecError>,
) -> Result<T> {
    let read = || {
        let index = index(connection, id)?;
        let mut columns = Columns::new(connection, id, index.len(), true);
        let outcome = read(&mut columns, &index);
        columns.check(outcome)
    };
    Ok(tolerate(Part::Segment(id), read())?.unwrap_or_default())
}

/// What statistics need of all spans of a segment, in its order.
pub fn spans_for_stats(connection: &Connection, id: i64, with_model: bool) -> Result<Vec<SpanForStats>> {
    with_columns(connection, id, |columns, index| {
        codec::read_spans_for_stats(columns, index, 0..index.len(), with_model)
    })
}

/// What statistics need of all checkpoints of a segment, in its order.
pub fn checkpoints_for_stats(connection: &Connection, id: i64) -> Result<Vec<Checkpoint>> {
    with_columns(connection, id, |columns, index| codec::read_checkpoints_for_stats(columns, index, 0..index.len()))
}

/// What statistics need of all log records of a segment, in its order.
pub fn logs_for_stats(connection: &Connection, id: i64) -> Result<Vec<LogForStats>> {
    with_columns(connection, id, |columns, index| codec::read_logs_for_stats(columns, index, 0..index.len()))
}

/// The log records of a segment that may match, in its order; see [`codec::search_logs`].
pub fn search_logs(
    connection: &Connection,
    id: i64,
    matcher: &LogMatcher<'_>,
    times_ns: (u64, u64),
) -> Result<Vec<LogRow>> {
    with_columns(connection, id, |columns, index| codec::search_logs(columns, index, matcher, times_ns))
}

/// Chosen log records of a segment, which come in its order; none when one is damaged.
pub fn log_rows(connection: &Connection, id: i64, rows: &[(usize, usize)]) -> Result<Vec<LogRecord>> {
    let read = || {
        let index = index(connection, id)?;
        let blocks = rows.chunk_by(|a, b| a.0 == b.0).count();
        let is_most = blocks * 2 > index.len();
        let mut columns = Columns::new(connection, id, index.len(), is_most);
        let logs = codec::read_log_rows(&mut columns, &index, rows);
        columns.check(logs)
    };
    Ok(tolerate(Part::Segment(id), read())?.unwrap_or_default())
}

/// Traces with a sealed span that has all these attributes and may belong to a trace that started since.
pub fn with_attributes(connection: &Connection, pairs: &[(String, String)], since_ns: u64) -> Result<Vec<TraceId>> {
    let mut traces = Vec::new();
    for extent in extents_since(connection, RecordKind::Spans, since_ns)? {
        let find = |columns: &mut Columns<'_>, index: &BlockIndex| codec::traces_with_attribute(columns, index, pairs);
        traces.extend(with_columns(connection, extent.id, find)?);
    }
    Ok(traces)
}

/// Calls `visit` with each trace that has a sealed record of a project, or with `is_of` false one that is not of it;
/// several times with a trace in several segments.
pub fn each_of_project(
    connection: &Connection,
    (project, is_of): (&str, bool),
    mut visit: impl FnMut(TraceId),
) -> Result<()> {
    for kind in RecordKind::ALL {
        for extent in extents(connection, kind)? {
            let found = with_columns(connection, extent.id, |columns, index| {
                codec::traces_of_project(columns, index, kind, (project, is_of))
            });
            found?.into_iter().for_each(&mut visit);
        }
    }
    Ok(())
}

/// Calls `visit` with every sealed record, those of each segment in its order.
pub fn each_record(connection: &Connection, mut visit: impl FnMut(Record)) -> Result<()> {
    for kind in RecordKind::ALL {
        for extent in extents(connection, kind)? {
            each_block(
                connection,
                &extent,
                None,
                |_| true,
                |_, found| {
                    found.into_iter().for_each(|arrived| visit(arrived.record));
                    Ok(())
                },
            )?;
        }
    }
    Ok(())
}

/// Sealed records of one kind and trace that are to be read.
struct StoredRecords<'a> {
    kind: RecordKind,
    trace: &'a TraceId,
    /// From when to when the records start, unix nanoseconds.
    starts_ns: (u64, u64),
    /// A segment to leave out.
    except: Option<i64>,
    /// Only from segments with writes up to this number.
    up_to_seq: i64,
}

impl StoredRecords<'_> {
    /// The wanted records of a segment, whose row has its filter and the index of its blocks after its id.
    fn read_from(&self, connection: &Connection, id: i64, row: &Row<'_>) -> Result<Vec<Record>> {
        if !codec::may_contain(sql::bytes(row.get_ref(1)?)?, self.trace) {
            return Ok(Vec::new());
        }
        let (from_ns, to_ns) = self.starts_ns;
        let index = BlockIndex::decode(sql::bytes(row.get_ref(2)?)?)?;
        let mut columns = Columns::new(connection, id, index.len(), false);
        // Of a trace long enough to have several blocks, these follow one another in time.
        let is_in_time = |block: &usize| {
            index.get(*block).is_some_and(|block| block.min_start_ns <= to_ns && block.max_start_ns >= from_ns)
        };
        let mut blocks = index.blocks_of(self.trace);
        let Some(first) = blocks.clone().find(is_in_time) else { return Ok(Vec::new()) };
        let last = blocks.rfind(is_in_time).unwrap_or(first);
        let rows = WantedRows { blocks: first..last + 1, trace: Some(self.trace) };
        let found = codec::read_records(self.kind, &mut columns, &index, rows);
        columns.check(found)
    }
}

/// All sealed records of a trace, whatever its fold says.
pub fn all_records_of(connection: &Connection, trace: &TraceId) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for kind in RecordKind::ALL {
        let wanted = StoredRecords { kind, trace, starts_ns: (0, u64::MAX), except: None, up_to_seq: i64::MAX };
        records.extend(records_where(connection, wanted, |_| true)?);
    }
    Ok(records)
}

/// The sealed records of one trace, which has the given fold; those of segment `except` are left out.
pub fn records_of(
    connection: &Connection,
    trace: &TraceId,
    fold: &TraceFold,
    except: Option<i64>,
) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for (kind, count) in RecordKind::ALL.into_iter().zip([fold.spans, fold.checkpoints, fold.logs]) {
        if count > 0 {
            records.extend(records_of_kind(connection, kind, trace, fold, except)?);
        }
    }
    Ok(records)
}

/// The sealed records of one kind and trace, which has the given fold; those of segment `except` are left out.
pub fn records_of_kind(
    connection: &Connection,
    kind: RecordKind,
    trace: &TraceId,
    fold: &TraceFold,
    except: Option<i64>,
) -> Result<Vec<Record>> {
    let starts_ns = fold.reach_ns();
    let wanted = StoredRecords { kind, trace, starts_ns, except, up_to_seq: i64::MAX };
    records_where(connection, wanted, |_| true)
}

/// The wanted records that are to be kept, which is asked for each segment as soon as it is read.
fn records_where(
    connection: &Connection,
    wanted: StoredRecords<'_>,
    is_kept: impl Fn(&Record) -> bool,
) -> Result<Vec<Record>> {
    let sql = "SELECT id, trace_filter, blocks FROM segments
               WHERE kind = ?1 AND min_start_ns <= ?2 AND max_start_ns >= ?3 AND first_seq <= ?4";
    let (from_ns, to_ns) = wanted.starts_ns;
    let bounds = [kind_column(wanted.kind), to_column(to_ns), to_column(from_ns), wanted.up_to_seq];
    let mut records = Vec::new();
    sql::each(connection, sql, bounds, |row| {
        let id: i64 = row.get(0)?;
        if wanted.except != Some(id) {
            let found = tolerate(Part::Segment(id), wanted.read_from(connection, id, row))?;
            records.extend(found.into_iter().flatten().filter(&is_kept));
        }
        Ok(())
    })?;
    Ok(records)
}

/// The sealed records of one kind and trace that start at one of these times, which come sorted, in writes up to a
/// number; and some later ones.
pub fn records_at(
    connection: &Connection,
    kind: RecordKind,
    trace: &TraceId,
    times_ns: &[u64],
    up_to_seq: i64,
) -> Result<Vec<Record>> {
    let (Some(first), Some(last)) = (times_ns.first(), times_ns.last()) else { return Ok(Vec::new()) };
    let wanted = StoredRecords { kind, trace, starts_ns: (*first, *last), except: None, up_to_seq };
    records_where(connection, wanted, |record| times_ns.binary_search(&record.start().0).is_ok())
}
