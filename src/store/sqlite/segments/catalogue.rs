//! Which segments there are and what their rows say of them, without reading a column.

use rusqlite::{Connection, Row, params};

use super::super::codec::{self, Arrival, BlockIndex};
use super::super::tables::{from_column, inbox, kind_column, read_kind, to_column};
use crate::model::{RecordKind, TraceId};
use crate::store::{Error, Result};

/// The first and last number of the writes that segments stand for which hold some after `after`, up to `last`; by the
/// first.
pub fn spans_of_seqs(connection: &Connection, after: i64, last: i64) -> Result<Vec<(i64, i64)>> {
    let mut select = connection.prepare_cached(
        "SELECT first_seq, last_seq FROM segments WHERE last_seq > ?1 AND first_seq <= ?2 ORDER BY first_seq",
    )?;
    let rows = select.query_map([after, last], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What a segment's row says without its blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The id of the segment.
    pub id: i64,
    /// Which kind of record the segment holds.
    pub kind: RecordKind,
    /// How many records the segment holds.
    pub rows: u64,
    /// Number of the first write the segment stands for.
    pub first_seq: i64,
    /// Number of the last write the segment stands for.
    pub last_seq: i64,
}

/// All segments of a kind in commit order.
pub fn extents(connection: &Connection, kind: RecordKind) -> Result<Vec<Extent>> {
    extents_where(connection, kind, "last_seq > ?2", 0)
}

/// Segments of a kind with records of writes after `seq`, in commit order.
pub fn extents_after(connection: &Connection, kind: RecordKind, seq: i64) -> Result<Vec<Extent>> {
    extents_where(connection, kind, "last_seq > ?2", seq)
}

/// Segments of a kind with records received before `cutoff_ns`, in commit order.
pub fn extents_received_before(connection: &Connection, kind: RecordKind, cutoff_ns: u64) -> Result<Vec<Extent>> {
    extents_where(connection, kind, "min_received_ns < ?2", to_column(cutoff_ns))
}

fn extents_where(connection: &Connection, kind: RecordKind, condition: &str, bound: i64) -> Result<Vec<Extent>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT id, kind, rows, first_seq, last_seq FROM segments WHERE kind = ?1 AND {condition} ORDER BY first_seq"
    ))?;
    read_extents(select.query(params![kind_column(kind), bound])?)
}

/// Segments of a kind with records that start in a time, in commit order.
pub fn extents_overlapping(
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
pub fn counts(connection: &Connection) -> Result<[u64; 3]> {
    let mut select = connection.prepare_cached("SELECT COALESCE(SUM(rows), 0) FROM segments WHERE kind = ?1")?;
    let mut count = |kind| select.query_row([kind_column(kind)], |row| row.get(0)).map(from_column);
    let [spans, checkpoints, logs] = RecordKind::ALL;
    Ok([count(spans)?, count(checkpoints)?, count(logs)?])
}

/// How many bytes the columns of a segment take.
pub fn column_bytes(connection: &Connection, id: i64) -> Result<u64> {
    let mut select =
        connection.prepare_cached("SELECT COALESCE(SUM(length(data)), 0) FROM segment_columns WHERE segment = ?1")?;
    Ok(select.query_row([id], |row| row.get(0)).map(from_column)?)
}

/// How each record of a segment came, in its order.
pub fn arrivals(connection: &Connection, id: i64) -> Result<Vec<Arrival>> {
    let mut select = connection.prepare_cached("SELECT arrivals FROM segments WHERE id = ?1")?;
    let encoded: Vec<u8> = select.query_row([id], |row| row.get(0))?;
    codec::decode_arrivals(&encoded).map_err(|error| Error::Corrupt(format!("arrivals of segment {id}: {error}")))
}

/// Number of the first sealed write received at or after a time; `None` when there is none.
pub fn first_received_since(connection: &Connection, received_ns: u64) -> Result<Option<i64>> {
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

/// The index of the blocks of a segment.
pub fn index(connection: &Connection, id: i64) -> Result<BlockIndex> {
    let mut select = connection.prepare_cached("SELECT blocks FROM segments WHERE id = ?1")?;
    let blocks: Vec<u8> = select.query_row([id], |row| row.get(0))?;
    Ok(BlockIndex::decode(&blocks)?)
}

/// The services of each segment of a kind.
pub fn services(connection: &Connection, kind: RecordKind) -> Result<Vec<Vec<String>>> {
    let mut select = connection.prepare_cached("SELECT services FROM segments WHERE kind = ?1")?;
    let mut rows = select.query([kind_column(kind)])?;
    let mut services = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        services.push(serde_json::from_str(text).map_err(|error| Error::Corrupt(error.to_string()))?);
    }
    Ok(services)
}

/// A segment with the time its records begin in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed {
    /// The segment.
    pub extent: Extent,
    /// The earliest and the latest start, unix nanoseconds; the segment may end sooner than they say, but never later.
    pub starts_ns: (u64, u64),
}

/// Segments of a kind with records that start in a time, and with some of a service where one is asked for.
pub fn timed(
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

/// Whether a segment may hold records of any of these traces; false is certain.
pub fn may_hold<'a>(connection: &Connection, id: i64, mut traces: impl Iterator<Item = &'a TraceId>) -> Result<bool> {
    let mut select = connection.prepare_cached("SELECT trace_filter FROM segments WHERE id = ?1")?;
    let filter: Vec<u8> = select.query_row([id], |row| row.get(0))?;
    Ok(traces.any(|trace| codec::may_contain(&filter, trace)))
}
