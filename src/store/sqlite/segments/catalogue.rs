//! Which segments there are and what their rows say of them, without reading a column.
//!
//! A row that is damaged is noted and costs only what its segment holds.

use rusqlite::{Connection, Row};

use super::super::codec::{self, Arrival, BlockIndex};
use super::super::damage::{Part, tolerate};
use super::super::sql;
use super::super::tables::{from_column, inbox, kind_column, read_count, read_kind, to_column};
use crate::model::time::NANOS_PER_DAY;
use crate::model::{RecordKind, TraceId};
use crate::store::{Error, Result};

/// The first and last number of the writes that segments stand for which hold some after `after`, up to `last`; by the
/// first.
pub fn spans_of_seqs(connection: &Connection, after: i64, last: i64) -> Result<Vec<(i64, i64)>> {
    let sql = "SELECT first_seq, last_seq FROM segments WHERE last_seq > ?1 AND first_seq <= ?2 ORDER BY first_seq";
    sql::all(connection, sql, [after, last], |row| Ok((row.get(0)?, row.get(1)?)))
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
    extents_after(connection, kind, 0)
}

/// Segments of a kind with records of writes after `seq`, in commit order.
pub fn extents_after(connection: &Connection, kind: RecordKind, seq: i64) -> Result<Vec<Extent>> {
    extents_where(connection, "last_seq > ?2", [kind_column(kind), seq])
}

/// Segments of a kind with records received before `cutoff_ns`, in commit order.
pub fn extents_received_before(connection: &Connection, kind: RecordKind, cutoff_ns: u64) -> Result<Vec<Extent>> {
    extents_where(connection, "min_received_ns < ?2", [kind_column(kind), to_column(cutoff_ns)])
}

/// Segments of a kind with records that start in a time, in commit order.
pub fn extents_overlapping(
    connection: &Connection,
    kind: RecordKind,
    (from_ns, to_ns): (u64, u64),
) -> Result<Vec<Extent>> {
    let values = [kind_column(kind), to_column(to_ns), to_column(from_ns)];
    extents_where(connection, "min_start_ns <= ?2 AND max_start_ns >= ?3", values)
}

/// Segments of a kind with records of traces that started since some time, in commit order. What starts at no time that
/// is believed belongs to when it was received.
pub fn extents_since(connection: &Connection, kind: RecordKind, since_ns: u64) -> Result<Vec<Extent>> {
    let received_ns = since_ns.saturating_sub(NANOS_PER_DAY);
    let values = [kind_column(kind), to_column(since_ns), to_column(received_ns)];
    extents_where(connection, "(max_start_ns >= ?2 OR max_received_ns >= ?3)", values)
}

/// Whether log records of a time came with a request that is known.
pub fn has_requests(connection: &Connection, (from_ns, to_ns): (u64, u64)) -> Result<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM segments JOIN segment_columns ON segment = segments.id AND name = 'request'
               WHERE kind = ?1 AND min_start_ns <= ?2 AND max_start_ns >= ?3)";
    sql::value(connection, sql, [kind_column(RecordKind::Logs), to_column(to_ns), to_column(from_ns)])
}

fn extents_where<const N: usize>(connection: &Connection, condition: &str, values: [i64; N]) -> Result<Vec<Extent>> {
    let sql = format!(
        "SELECT id, kind, rows, first_seq, last_seq FROM segments WHERE kind = ?1 AND {condition} ORDER BY first_seq"
    );
    let mut extents = Vec::new();
    sql::each(connection, &sql, rusqlite::params_from_iter(values), |row| {
        extents.extend(tolerate(Part::Segment(row.get(0)?), read_extent(row))?);
        Ok(())
    })?;
    Ok(extents)
}

/// Notes the segments that are of no known kind: nobody asks for those.
pub fn check_kinds(connection: &Connection) -> Result<()> {
    let sql = "SELECT id, kind FROM segments WHERE typeof(kind) <> 'integer' OR kind NOT BETWEEN 0 AND 2";
    sql::each(connection, sql, [], |row| {
        let kind = row.get(1).map_err(Error::from).and_then(read_kind);
        tolerate(Part::Segment(row.get(0)?), kind).map(|_| ())
    })
}

fn read_extent(row: &Row<'_>) -> Result<Extent> {
    Ok(Extent {
        id: row.get(0)?,
        kind: read_kind(row.get(1)?)?,
        // Who reads all of it finds out that this is not so.
        rows: read_count(row.get_ref(2)?).unwrap_or_default(),
        first_seq: row.get(3)?,
        last_seq: row.get(4)?,
    })
}

/// How many records of a kind are sealed.
pub fn count(connection: &Connection, kind: RecordKind) -> Result<u64> {
    let mut count: u64 = 0;
    sql::each(connection, "SELECT id, rows FROM segments WHERE kind = ?1", [kind_column(kind)], |row| {
        let rows = tolerate(Part::Segment(row.get(0)?), read_count(row.get_ref(1)?))?;
        count = count.saturating_add(rows.unwrap_or_default());
        Ok(())
    })?;
    Ok(count)
}

/// How many bytes the columns of a segment take.
pub fn column_bytes(connection: &Connection, id: i64) -> Result<u64> {
    let sql = "SELECT COALESCE(SUM(length(data)), 0) FROM segment_columns WHERE segment = ?1";
    sql::value(connection, sql, [id]).map(from_column)
}

/// How each record of a segment came, in its order; empty when that is damaged.
pub fn known_arrivals(connection: &Connection, id: i64) -> Result<Vec<Arrival>> {
    Ok(tolerate(Part::Segment(id), arrivals(connection, id))?.unwrap_or_default())
}

/// How each record of a segment came, in its order.
///
/// # Errors
/// That is damaged, or the store fails.
pub fn arrivals(connection: &Connection, id: i64) -> Result<Vec<Arrival>> {
    let encoded: Vec<u8> = sql::value(connection, "SELECT arrivals FROM segments WHERE id = ?1", [id])?;
    codec::decode_arrivals(&encoded).map_err(|error| Error::Corrupt(format!("arrivals of segment {id}: {error}")))
}

/// Number of the first sealed write received at or after a time; `None` when there is none.
pub fn first_received_since(connection: &Connection, received_ns: u64) -> Result<Option<i64>> {
    let sql = "SELECT id, first_seq, min_received_ns FROM segments WHERE max_received_ns >= ?1 ORDER BY first_seq";
    let mut first: Option<i64> = None;
    sql::each(connection, sql, [to_column(received_ns)], |row| {
        let id = row.get(0)?;
        let read = row.get(1).and_then(|first_seq: i64| Ok((first_seq, row.get::<_, i64>(2)?)));
        let Some((first_seq, min_received_ns)) = tolerate(Part::Segment(id), read.map_err(Error::from))? else {
            return Ok(());
        };
        if first.is_some_and(|first| first <= first_seq) {
            return Ok(());
        }
        let found = match from_column(min_received_ns) >= received_ns {
            true => Some(first_seq),
            // The time lies within this segment, as it does in one of them at most unless a clock was set back.
            false => {
                let since = |arrival: &&Arrival| arrival.received_ns >= received_ns;
                known_arrivals(connection, id)?.iter().filter(since).map(|arrival| arrival.seq).min()
            }
        };
        first = first.into_iter().chain(found).min();
        Ok(())
    })?;
    Ok(first)
}

/// The index of the blocks of a segment.
pub fn index(connection: &Connection, id: i64) -> Result<BlockIndex> {
    let blocks: Vec<u8> = sql::value(connection, "SELECT blocks FROM segments WHERE id = ?1", [id])?;
    Ok(BlockIndex::decode(&blocks)?)
}

/// The services of each segment of a kind.
pub fn services(connection: &Connection, kind: RecordKind) -> Result<Vec<Vec<String>>> {
    let mut services = Vec::new();
    sql::each(connection, "SELECT id, services FROM segments WHERE kind = ?1", [kind_column(kind)], |row| {
        services.extend(tolerate(Part::Segment(row.get(0)?), read_services(row, 1))?);
        Ok(())
    })?;
    Ok(services)
}

fn read_services(row: &Row<'_>, column: usize) -> Result<Vec<String>> {
    let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("its services: {error}")))
}

/// Segments of a kind with records that start in a time, and with some of a service where one is asked for; each with
/// the earliest and the latest start, unix nanoseconds. The segment may end sooner than those say, but never later.
pub fn timed(
    connection: &Connection,
    kind: RecordKind,
    (from_ns, to_ns): (u64, u64),
    service: Option<&str>,
) -> Result<Vec<(Extent, (u64, u64))>> {
    let sql = "SELECT id, kind, rows, first_seq, last_seq, min_start_ns, max_start_ns, services FROM segments
               WHERE kind = ?1 AND min_start_ns <= ?2 AND max_start_ns >= ?3";
    let mut found = Vec::new();
    sql::each(connection, sql, [kind_column(kind), to_column(to_ns), to_column(from_ns)], |row| {
        let services = tolerate(Part::Segment(row.get(0)?), read_services(row, 7))?;
        let has = |service: &str| services.as_ref().is_none_or(|known| known.iter().any(|known| known == service));
        if service.is_none_or(has)
            && let Some(timed) = tolerate(Part::Segment(row.get(0)?), read_timed(row))?
        {
            found.push(timed);
        }
        Ok(())
    })?;
    Ok(found)
}

fn read_timed(row: &Row<'_>) -> Result<(Extent, (u64, u64))> {
    Ok((read_extent(row)?, (read_count(row.get_ref(5)?)?, inbox::latest(row.get(6)?))))
}

/// Whether a segment may hold records of any of these traces; false is certain.
pub fn may_hold<'a>(connection: &Connection, id: i64, mut traces: impl Iterator<Item = &'a TraceId>) -> Result<bool> {
    let filter = sql::value(connection, "SELECT trace_filter FROM segments WHERE id = ?1", [id]);
    let Some(filter) = tolerate::<Vec<u8>>(Part::Segment(id), filter)? else { return Ok(true) };
    Ok(traces.any(|trace| codec::may_contain(&filter, trace)))
}
