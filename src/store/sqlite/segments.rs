//! Sealed segments in their tables: records of one kind sorted by trace, a row per column.
//!
//! Beside the codec's columns a segment keeps its arrivals: which write each record came with and when that was
//! received. They keep the commit order readable after sealing, and retention exact.

use std::ops::Range;

use rusqlite::{Connection, Row, params};

use super::{
    arrivals::{self, Arrival},
    codec::{self, BlockIndex, CodecError, LightLog, LogRow, Segment},
    columns::Columns,
    inbox::{self, Waiting},
    keys::{from_column, kind_column, read_kind, to_column},
};
use crate::{
    model::{Checkpoint, LogMatcher, LogRecord, Record, RecordKind, TraceFold, TraceId, stats::SpanForStats},
    store::{Error, Result},
};

/// A segment whose columns take no more is read column by column, a larger one block by block.
const MOST_WHOLE_BYTES: u64 = 8 << 20;

/// A record with how it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arrived {
    /// With which write, and when.
    pub arrival: Arrival,
    /// The record.
    pub record: Record,
}

/// A segment ready to be stored.
#[derive(Debug)]
pub(super) struct Sealed {
    kind: RecordKind,
    segment: Segment,
    arrivals: Vec<u8>,
    seqs: (i64, i64),
    received_ns: (u64, u64),
}

/// Seals records, all of this kind, into a segment; takes at least one.
///
/// # Errors
/// None that is known: what is sealed was read before.
pub(super) fn seal(kind: RecordKind, records: &[Arrived]) -> Result<Sealed> {
    let mut rows: Vec<&Arrived> = records.iter().collect();
    rows.sort_by(|a, b| a.record.order(&b.record));
    let segment = codec::seal(kind, &rows.iter().map(|row| &row.record).collect::<Vec<_>>())?;
    Ok(sealed(kind, segment, &rows.iter().map(|row| row.arrival).collect::<Vec<_>>()))
}

/// Seals rows of the inbox, all of this kind, into a segment; takes at least one record.
///
/// # Errors
/// A row is damaged.
pub(super) fn seal_waiting(kind: RecordKind, waiting: &[&Waiting]) -> Result<Sealed> {
    if kind != RecordKind::Spans {
        let mut records = Vec::new();
        for row in waiting {
            records.extend(row.decode()?.arrived());
        }
        return seal(kind, &records);
    }
    let payloads: Vec<&[u8]> = waiting.iter().map(|row| row.payload.as_slice()).collect();
    let (segment, payload_of_row) = codec::seal_span_payloads(&payloads)?;
    let arrival = |payload: &usize| waiting.get(*payload).map(|row| row.arrival());
    Ok(sealed(kind, segment, &payload_of_row.iter().filter_map(arrival).collect::<Vec<_>>()))
}

fn sealed(kind: RecordKind, segment: Segment, arrived: &[Arrival]) -> Sealed {
    let seqs = arrived.iter().fold((i64::MAX, 0), |(low, high), row| (low.min(row.seq), high.max(row.seq)));
    let received_ns =
        arrived.iter().fold((u64::MAX, 0), |(low, high), row| (low.min(row.received_ns), high.max(row.received_ns)));
    Sealed { kind, segment, arrivals: arrivals::encode(arrived), seqs, received_ns }
}

/// Stores a segment.
pub(super) fn insert(transaction: &Connection, sealed: &Sealed) -> Result<()> {
    let services = serde_json::to_string(&sealed.segment.services).unwrap_or_default();
    transaction
        .prepare_cached(
            "INSERT INTO segments(kind, rows, first_seq, last_seq, min_received_ns, max_received_ns, min_start_ns,
                                  max_start_ns, services, blocks, trace_filter, arrivals)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            kind_column(sealed.kind),
            sealed.segment.rows,
            sealed.seqs.0,
            sealed.seqs.1,
            to_column(sealed.received_ns.0),
            to_column(sealed.received_ns.1),
            to_column(sealed.segment.min_start_ns),
            to_column(sealed.segment.max_start_ns),
            services,
            sealed.segment.blocks,
            sealed.segment.trace_filter,
            sealed.arrivals,
        ])?;
    let id = transaction.last_insert_rowid();
    let mut insert =
        transaction.prepare_cached("INSERT INTO segment_columns(segment, name, data) VALUES (?1, ?2, ?3)")?;
    for (name, data) in &sealed.segment.columns {
        insert.execute(params![id, name, data])?;
    }
    Ok(())
}

/// Removes a segment.
pub(super) fn remove(transaction: &Connection, id: i64) -> Result<()> {
    transaction.prepare_cached("DELETE FROM segment_columns WHERE segment = ?1")?.execute([id])?;
    transaction.prepare_cached("DELETE FROM segments WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// The first and last number of the writes that segments stand for which hold some after `after`, up to `last`; by the
/// first.
pub(super) fn spans_of_seqs(connection: &Connection, after: i64, last: i64) -> Result<Vec<(i64, i64)>> {
    let mut select = connection.prepare_cached(
        "SELECT first_seq, last_seq FROM segments WHERE last_seq > ?1 AND first_seq <= ?2 ORDER BY first_seq",
    )?;
    let rows = select.query_map([after, last], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What a segment's row says without its blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Its id.
    pub id: i64,
    /// Which kind of record it holds.
    pub kind: RecordKind,
    /// Its records.
    pub rows: u64,
    /// Number of the first write it stands for.
    pub first_seq: i64,
    /// Number of the last one.
    pub last_seq: i64,
}

/// All segments of a kind in commit order.
pub(super) fn extents(connection: &Connection, kind: RecordKind) -> Result<Vec<Extent>> {
    extents_where(connection, kind, "last_seq > ?2", 0)
}

/// Segments of a kind with records of writes after `seq`, in commit order.
pub(super) fn extents_after(connection: &Connection, kind: RecordKind, seq: i64) -> Result<Vec<Extent>> {
    extents_where(connection, kind, "last_seq > ?2", seq)
}

/// Segments of a kind with records received before `cutoff_ns`, in commit order.
pub(super) fn extents_received_before(
    connection: &Connection,
    kind: RecordKind,
    cutoff_ns: u64,
) -> Result<Vec<Extent>> {
    extents_where(connection, kind, "min_received_ns < ?2", to_column(cutoff_ns))
}

fn extents_where(connection: &Connection, kind: RecordKind, condition: &str, bound: i64) -> Result<Vec<Extent>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT id, kind, rows, first_seq, last_seq FROM segments WHERE kind = ?1 AND {condition} ORDER BY first_seq"
    ))?;
    read_extents(select.query(params![kind_column(kind), bound])?)
}

/// Segments of a kind with records that start in a time, in commit order.
pub(super) fn extents_overlapping(
    connection: &Connection,
    kind: RecordKind,
    (from_ns, to_ns): (u64, u64),
) -> Result<Vec<Extent>> {
    let mut select = connection.prepare_cached(
        "SELECT id, kind, rows, first_seq, last_seq FROM segments
         WHERE kind = ?1 AND min_start_ns <= ?2 AND max_start_ns >= ?3 ORDER BY first_seq",
    )?;
    read_extents(select.query(params![kind_column(kind), to_column(to_ns), to_column(from_ns)])?)
}

fn read_extents(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Extent>> {
    let mut extents = Vec::new();
    while let Some(row) = rows.next()? {
        extents.push(read_extent(row)?);
    }
    Ok(extents)
}

fn read_extent(row: &Row<'_>) -> Result<Extent> {
    Ok(Extent {
        id: row.get(0)?,
        kind: read_kind(row.get(1)?)?,
        rows: from_column(row.get(2)?),
        first_seq: row.get(3)?,
        last_seq: row.get(4)?,
    })
}

/// How many records of each kind are sealed, in the order of [`RecordKind::ALL`].
pub(super) fn counts(connection: &Connection) -> Result<[u64; 3]> {
    let mut select = connection.prepare_cached("SELECT COALESCE(SUM(rows), 0) FROM segments WHERE kind = ?1")?;
    let mut count = |kind| select.query_row([kind_column(kind)], |row| row.get(0)).map(from_column);
    let [spans, checkpoints, logs] = RecordKind::ALL;
    Ok([count(spans)?, count(checkpoints)?, count(logs)?])
}

/// How many bytes the columns of a segment take.
pub(super) fn column_bytes(connection: &Connection, id: i64) -> Result<u64> {
    let mut select =
        connection.prepare_cached("SELECT COALESCE(SUM(length(data)), 0) FROM segment_columns WHERE segment = ?1")?;
    Ok(select.query_row([id], |row| row.get(0)).map(from_column)?)
}

/// How many blocks a segment has.
pub(super) fn block_count(connection: &Connection, id: i64) -> Result<usize> {
    Ok(index(connection, id)?.len())
}

/// All records of a segment, in its order.
pub(super) fn records(connection: &Connection, extent: &Extent) -> Result<Vec<Arrived>> {
    let records = all_of(connection, extent, None)?;
    match u64::try_from(records.len()) {
        Ok(rows) if rows == extent.rows => Ok(records),
        _ => Err(Error::Corrupt(format!("segment {} of {} rows has {}", extent.id, extent.rows, records.len()))),
    }
}

/// The records of one trace in a segment, in its order.
pub(super) fn arrived_of(connection: &Connection, extent: &Extent, trace: &TraceId) -> Result<Vec<Arrived>> {
    all_of(connection, extent, Some(trace))
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
pub(super) fn each_block(
    connection: &Connection,
    extent: &Extent,
    only: Option<&TraceId>,
    is_wanted: impl Fn(Range<usize>) -> bool,
    mut visit: impl FnMut(usize, Vec<Arrived>) -> std::result::Result<(), CodecError>,
) -> Result<()> {
    let id = extent.id;
    let index = index(connection, id)?;
    let is_small = only.is_none() && column_bytes(connection, id)? <= MOST_WHOLE_BYTES;
    let read = if is_small { Columns::whole } else { Columns::by_block };
    let mut columns = read(connection, id, index.len());
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
    if arrivals.len() != end {
        return Err(Error::Corrupt(format!("segment {id} has {end} rows and {} arrivals", arrivals.len())));
    }
    let rows_of = |block: usize| rows_of_block.get(block).cloned().unwrap_or_default();
    let blocks = blocks.filter(|block| is_wanted(rows_of(*block)));
    let read = codec::each_block(extent.kind, &mut columns, &index, (blocks, only), |block, records| {
        let first = rows_of(block).start.max(first_row);
        let came = arrivals.get(first..first + records.len()).ok_or(CodecError::Malformed("rows of a block"))?;
        visit(first, records.into_iter().zip(came).map(|(record, came)| Arrived { arrival: *came, record }).collect())
    });
    columns.check(read)
}

/// How each record of a segment came, in its order.
pub(super) fn arrivals(connection: &Connection, id: i64) -> Result<Vec<Arrival>> {
    let mut select = connection.prepare_cached("SELECT arrivals FROM segments WHERE id = ?1")?;
    let encoded: Vec<u8> = select.query_row([id], |row| row.get(0))?;
    arrivals::decode(&encoded).ok_or_else(|| Error::Corrupt(format!("arrivals of segment {id}")))
}

/// Number of the first sealed write received at or after a time; `None` when there is none.
pub(super) fn first_received_since(connection: &Connection, received_ns: u64) -> Result<Option<i64>> {
    let mut select = connection.prepare_cached(
        "SELECT id, first_seq, min_received_ns FROM segments WHERE max_received_ns >= ?1 ORDER BY first_seq",
    )?;
    let mut rows = select.query([to_column(received_ns)])?;
    let mut first: Option<i64> = None;
    while let Some(row) = rows.next()? {
        let (id, first_seq, min_received_ns): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if first.is_some_and(|first| first <= first_seq) {
            continue;
        }
        let found = match from_column(min_received_ns) >= received_ns {
            true => Some(first_seq),
            // The time lies within this segment, as it does in one of them at most unless a clock was set back.
            false => {
                let since = |arrival: &&Arrival| arrival.received_ns >= received_ns;
                arrivals(connection, id)?.iter().filter(since).map(|arrival| arrival.seq).min()
            }
        };
        first = first.into_iter().chain(found).min();
    }
    Ok(first)
}

fn index(connection: &Connection, id: i64) -> Result<BlockIndex> {
    let mut select = connection.prepare_cached("SELECT blocks FROM segments WHERE id = ?1")?;
    let blocks: Vec<u8> = select.query_row([id], |row| row.get(0))?;
    Ok(BlockIndex::decode(&blocks)?)
}

/// What statistics need of all spans of a segment, in its order.
pub(super) fn light_spans(connection: &Connection, id: i64, with_model: bool) -> Result<Vec<SpanForStats>> {
    let index = index(connection, id)?;
    let mut columns = Columns::whole(connection, id, index.len());
    let spans = codec::read_light(&mut columns, &index, 0..index.len(), with_model);
    columns.check(spans)
}

/// What statistics need of all checkpoints of a segment, in its order.
pub(super) fn light_checkpoints(connection: &Connection, id: i64) -> Result<Vec<Checkpoint>> {
    let index = index(connection, id)?;
    let mut columns = Columns::whole(connection, id, index.len());
    let checkpoints = codec::read_light_checkpoints(&mut columns, &index, 0..index.len());
    columns.check(checkpoints)
}

/// The services of each segment of a kind.
pub(super) fn services(connection: &Connection, kind: RecordKind) -> Result<Vec<Vec<String>>> {
    let mut select = connection.prepare_cached("SELECT services FROM segments WHERE kind = ?1")?;
    let mut rows = select.query([kind_column(kind)])?;
    let mut services = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        services.push(serde_json::from_str(text).map_err(|error| Error::Corrupt(error.to_string()))?);
    }
    Ok(services)
}

/// What statistics need of all log records of a segment, in its order.
pub(super) fn light_logs(connection: &Connection, id: i64) -> Result<Vec<LightLog>> {
    let index = index(connection, id)?;
    let mut columns = Columns::whole(connection, id, index.len());
    let logs = codec::read_light_logs(&mut columns, &index, 0..index.len());
    columns.check(logs)
}

/// A segment, and from when to when its records begin, unix nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timed {
    /// The segment.
    pub extent: Extent,
    /// The earliest and the latest; the segment may end sooner than they say, but never later.
    pub starts_ns: (u64, u64),
}

/// Segments of a kind with records that start in a time, and with some of a service where one is asked for.
pub(super) fn timed(
    connection: &Connection,
    kind: RecordKind,
    (from_ns, to_ns): (u64, u64),
    service: Option<&str>,
) -> Result<Vec<Timed>> {
    let mut select = connection.prepare_cached(
        "SELECT id, kind, rows, first_seq, last_seq, min_start_ns, max_start_ns, services FROM segments
         WHERE kind = ?1 AND min_start_ns <= ?2 AND max_start_ns >= ?3",
    )?;
    let mut rows = select.query(params![kind_column(kind), to_column(to_ns), to_column(from_ns)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let services: Vec<String> = serde_json::from_str(row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?)
            .map_err(|error| Error::Corrupt(format!("services of a segment: {error}")))?;
        if service.is_none_or(|service| services.iter().any(|known| known == service)) {
            let starts_ns = (from_column(row.get(5)?), inbox::latest(row.get(6)?));
            found.push(Timed { extent: read_extent(row)?, starts_ns });
        }
    }
    Ok(found)
}

/// The log records of a segment that may match, in its order; see [`codec::search_logs`].
pub(super) fn search_logs(
    connection: &Connection,
    id: i64,
    matcher: &LogMatcher<'_>,
    times_ns: (u64, u64),
) -> Result<Vec<LogRow>> {
    let index = index(connection, id)?;
    let mut columns = Columns::whole(connection, id, index.len());
    let rows = codec::search_logs(&mut columns, &index, matcher, times_ns);
    columns.check(rows)
}

/// Chosen log records of a segment, which come in its order.
pub(super) fn log_rows(connection: &Connection, id: i64, rows: &[(usize, usize)]) -> Result<Vec<LogRecord>> {
    let index = index(connection, id)?;
    let blocks = rows.chunk_by(|a, b| a.0 == b.0).count();
    let is_most = blocks * 2 > index.len();
    let read = if is_most { Columns::whole } else { Columns::by_block };
    let mut columns = read(connection, id, index.len());
    let logs = codec::read_log_rows(&mut columns, &index, rows);
    columns.check(logs)
}

/// Traces with a sealed span that has all these attributes and may belong to a trace that started since.
pub(super) fn with_attributes(
    connection: &Connection,
    pairs: &[(String, String)],
    since_ns: u64,
) -> Result<Vec<TraceId>> {
    let mut traces = Vec::new();
    for extent in extents_overlapping(connection, RecordKind::Spans, (since_ns, u64::MAX))? {
        let index = index(connection, extent.id)?;
        let mut columns = Columns::whole(connection, extent.id, index.len());
        let found = codec::traces_with_attribute(&mut columns, &index, pairs);
        traces.extend(columns.check(found)?);
    }
    Ok(traces)
}

/// Traces with a sealed record that is of a project and may belong to a trace that started since.
pub(super) fn of_project(connection: &Connection, project: &str, since_ns: u64) -> Result<Vec<TraceId>> {
    let mut traces = Vec::new();
    for kind in RecordKind::ALL {
        for extent in extents_overlapping(connection, kind, (since_ns, u64::MAX))? {
            let index = index(connection, extent.id)?;
            let mut columns = Columns::whole(connection, extent.id, index.len());
            let found = codec::traces_of_project(&mut columns, &index, (kind, project));
            traces.extend(columns.check(found)?);
        }
    }
    Ok(traces)
}

/// Which sealed records to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// Their kind.
    pub kind: RecordKind,
    /// Their trace.
    pub trace: &'a TraceId,
    /// From when to when they start, unix nanoseconds.
    pub starts_ns: (u64, u64),
    /// A segment to leave out.
    pub except: Option<i64>,
    /// Only from segments with writes up to this number.
    pub up_to_seq: i64,
}

/// The sealed records of one trace, which has the given fold; those of segment `except` are left out.
pub(super) fn records_of(
    connection: &Connection,
    trace: &TraceId,
    fold: &TraceFold,
    except: Option<i64>,
) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for (kind, count) in RecordKind::ALL.into_iter().zip([fold.spans, fold.checkpoints, fold.logs]) {
        if count > 0 {
            let wish = Wish { kind, trace, starts_ns: (fold.start_ns, fold.end_ns), except, up_to_seq: i64::MAX };
            each_segment(connection, wish, |_, found| {
                records.extend(found);
                Ok(())
            })?;
        }
    }
    Ok(records)
}

/// Calls `visit` with the id of each segment that has records a wish names, and those records.
pub(super) fn each_segment(
    connection: &Connection,
    wish: Wish<'_>,
    mut visit: impl FnMut(i64, Vec<Record>) -> Result<()>,
) -> Result<()> {
    let mut select = connection.prepare_cached(
        "SELECT id, trace_filter, blocks FROM segments
         WHERE kind = ?1 AND min_start_ns <= ?2 AND max_start_ns >= ?3 AND first_seq <= ?4",
    )?;
    let (from_ns, to_ns) = wish.starts_ns;
    let bounds = params![kind_column(wish.kind), to_column(to_ns), to_column(from_ns), wish.up_to_seq];
    let mut rows = select.query(bounds)?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let filter = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        if wish.except == Some(id) || !codec::may_contain(filter, wish.trace) {
            continue;
        }
        let index = BlockIndex::decode(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
        let mut columns = Columns::by_block(connection, id, index.len());
        // Of a trace long enough to have several blocks, these follow one another in time.
        let is_in_time = |block: &usize| {
            index.get(*block).is_some_and(|block| block.min_start_ns <= to_ns && block.max_start_ns >= from_ns)
        };
        let mut blocks = index.blocks_of(wish.trace);
        let Some(first) = blocks.clone().find(is_in_time) else { continue };
        let last = blocks.rfind(is_in_time).unwrap_or(first);
        let found = codec::read_records(wish.kind, &mut columns, &index, (first..last + 1, Some(wish.trace)));
        let found = columns.check(found)?;
        if !found.is_empty() {
            visit(id, found)?;
        }
    }
    Ok(())
}

/// The sealed records of one kind and trace that start at one of these times, which come sorted, in writes up to a
/// number; and some later ones.
pub(super) fn records_at(
    connection: &Connection,
    (kind, trace): (RecordKind, &TraceId),
    times_ns: &[u64],
    up_to_seq: i64,
) -> Result<Vec<Record>> {
    let (Some(first), Some(last)) = (times_ns.first(), times_ns.last()) else { return Ok(Vec::new()) };
    let mut records = Vec::new();
    let wish = Wish { kind, trace, starts_ns: (*first, *last), except: None, up_to_seq };
    each_segment(connection, wish, |_, found| {
        records.extend(found.into_iter().filter(|record| times_ns.binary_search(&record.start().0).is_ok()));
        Ok(())
    })?;
    Ok(records)
}

/// Whether a segment may hold records of any of these traces; false is certain.
pub(super) fn may_hold<'a>(
    connection: &Connection,
    id: i64,
    mut traces: impl Iterator<Item = &'a TraceId>,
) -> Result<bool> {
    let mut select = connection.prepare_cached("SELECT trace_filter FROM segments WHERE id = ?1")?;
    let filter: Vec<u8> = select.query_row([id], |row| row.get(0))?;
    Ok(traces.any(|trace| codec::may_contain(&filter, trace)))
}
