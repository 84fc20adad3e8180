//! The inbox: accepted writes in commit order, each a row of one kind of record, until they are sealed.
//!
//! A row is read as a whole or not at all: its columns must be what [`append`] writes, and both of its byte strings match
//! their checksums. One that is not is noted as damaged and passed over.

use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;

use super::super::codec::{self, Arrival, Arrived, Prepared};
use super::super::damage::{Part, tolerate};
use super::super::sql;
use super::{from_column, kind_column, read_count, read_kind, to_column};
use crate::model::time::NANOS_PER_SECOND;
use crate::model::{Record, RecordKind, TraceFold, TraceId};
use crate::store::{Error, Result};

/// A row of the inbox: the records of one kind of one write.
pub struct Row {
    /// Number of the write.
    pub seq: i64,
    /// Which kind of record the row holds.
    pub kind: RecordKind,
    /// When the write was received, unix nanoseconds.
    pub received_ns: u64,
    /// The records, in the order sent.
    pub records: Vec<Record>,
}

/// Appends a write.
pub fn append(transaction: &Connection, write: &Prepared, received_ns: u64) -> Result<()> {
    let sql = "INSERT INTO inbox(kind, count, received_ns, min_start_ns, max_end_ns, folds, payload)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        kind_column(write.kind),
        write.records,
        to_column(received_ns),
        to_column(write.min_start_ns),
        to_column(write.max_end_ns),
        write.folds,
        write.payload,
    ];
    sql::run(transaction, sql, values)?;
    Ok(())
}

/// How many records wait, and the first row's number.
pub fn backlog(connection: &Connection) -> Result<(u64, Option<i64>)> {
    // A sum of integers fails when a damaged one is too large.
    let mut select = connection.prepare_cached("SELECT CAST(TOTAL(count) AS INTEGER), MIN(seq) FROM inbox")?;
    Ok(select.query_row([], |row| Ok((from_column(row.get(0)?), row.get(1)?)))?)
}

/// How many records of a kind wait.
pub fn count(connection: &Connection, kind: RecordKind) -> Result<u64> {
    let mut count = 0;
    each_lying(connection, "kind = ?1 ORDER BY seq", kind_column(kind), |row| {
        row.folds()?;
        count += u64::from(row.count);
        Ok(())
    })?;
    Ok(count)
}

/// Number of the last write ever accepted; 0 before the first.
pub fn last_seq(connection: &Connection) -> Result<i64> {
    sql::value(connection, "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'inbox'", [])
}

/// Number of the first write that waits and was received at or after a time; `None` when there is none.
pub fn first_received_since(connection: &Connection, received_ns: u64) -> Result<Option<i64>> {
    sql::value(connection, "SELECT MIN(seq) FROM inbox WHERE received_ns >= ?1", [to_column(received_ns)])
}

/// Numbers of the rows of a kind after `after`, in order.
pub fn rows_after(connection: &Connection, kind: RecordKind, after: i64) -> Result<Vec<i64>> {
    let sql = "SELECT seq FROM inbox WHERE seq > ?2 AND kind = ?1 ORDER BY seq";
    sql::all(connection, sql, [kind_column(kind), after], |row| Ok(row.get(0)?))
}

/// How many of the numbers after `after`, up to `last`, are those of no row; 0 when there are none between.
pub fn missing_between(connection: &Connection, after: i64, last: i64) -> Result<u64> {
    if last <= after {
        return Ok(0);
    }
    let rows = sql::value(connection, "SELECT COUNT(*) FROM inbox WHERE seq > ?1 AND seq <= ?2", [after, last])?;
    Ok((last - after).unsigned_abs().saturating_sub(from_column(rows)))
}

/// Number and length of the newest rows of a kind, newest first, until they hold `records`.
pub fn newest(connection: &Connection, kind: RecordKind, records: usize) -> Result<Vec<(i64, usize)>> {
    let mut select = connection.prepare_cached("SELECT seq, count FROM inbox WHERE kind = ?1 ORDER BY seq DESC")?;
    let mut rows = select.query([kind_column(kind)])?;
    let (mut newest, mut found) = (Vec::new(), 0);
    while let Some(row) = rows.next()?
        && found < records
    {
        let seq = row.get(0)?;
        let Some(count) = tolerate(Part::Write(seq), row.get::<_, u32>(1).map_err(Error::from))? else { continue };
        newest.push((seq, count as usize));
        found += count as usize;
    }
    Ok(newest)
}

/// Number of each row of a kind with records of a time, and from when to when they are, unix nanoseconds.
pub fn timed(
    connection: &Connection,
    kind: RecordKind,
    (from_ns, to_ns): (u64, u64),
) -> Result<Vec<(i64, (u64, u64))>> {
    let sql =
        "SELECT seq, min_start_ns, max_end_ns FROM inbox WHERE kind = ?1 AND min_start_ns <= ?2 AND max_end_ns >= ?3";
    let bounds = [kind_column(kind), to_column(to_ns), to_column(from_ns)];
    let mut found = Vec::new();
    sql::each(connection, sql, bounds, |row| {
        let seq = row.get(0)?;
        let times_ns = row.get(1).and_then(|first| Ok((from_column(first), latest(row.get(2)?))));
        found.extend(tolerate(Part::Write(seq), times_ns.map_err(Error::from))?.map(|times_ns| (seq, times_ns)));
        Ok(())
    })?;
    Ok(found)
}

/// The latest time a column stands for, which may have been too late to fit.
pub fn latest(column: i64) -> u64 {
    if column == i64::MAX { u64::MAX } else { from_column(column) }
}

/// Numbers of the rows with records of a trace, in order.
pub fn rows_with(connection: &Connection, trace: &TraceId) -> Result<Vec<i64>> {
    let mut rows = Vec::new();
    each_folds(connection, |seq, folds| {
        if folds.binary_search_by(|(id, _)| id.cmp(trace)).is_ok() {
            rows.push(seq);
        }
    })?;
    Ok(rows)
}

/// The records that wait, folded per trace.
pub fn folds(connection: &Connection) -> Result<FxHashMap<TraceId, TraceFold>> {
    let mut folds: FxHashMap<TraceId, TraceFold> = FxHashMap::default();
    each_folds(connection, |_, row| {
        for (id, fold) in row {
            folds.entry(id).or_default().merge(&fold);
        }
    })?;
    Ok(folds)
}

/// Calls `visit` with the number and the folds of each row, in order.
pub fn each_folds(connection: &Connection, mut visit: impl FnMut(i64, Vec<(TraceId, TraceFold)>)) -> Result<()> {
    each_lying(connection, "seq > ?1 ORDER BY seq", i64::MIN, |row| {
        visit(row.seq, row.folds()?);
        Ok(())
    })
}

/// A row as it lies in the table, as far as it can be checked without decoding it.
struct Lying<'r> {
    seq: i64,
    kind: RecordKind,
    count: u32,
    received_ns: u64,
    times: (i64, i64),
    folds: &'r [u8],
    payload: &'r [u8],
}

const COLUMNS: &str = "seq, kind, count, received_ns, min_start_ns, max_end_ns, folds, payload";

/// Calls `visit` with each row a condition on `?1` names. A row that is damaged is noted, also if `visit` finds that out.
fn each_lying(
    connection: &Connection,
    condition: &str,
    value: i64,
    mut visit: impl FnMut(Lying<'_>) -> Result<()>,
) -> Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM inbox WHERE {condition}");
    sql::each(connection, &sql, [value], |row| {
        let read = Lying::read(row).and_then(&mut visit);
        tolerate(Part::Write(row.get(0)?), read).map(|_| ())
    })
}

impl<'r> Lying<'r> {
    fn read(row: &'r rusqlite::Row<'_>) -> Result<Lying<'r>> {
        let (folds, payload) = (sql::bytes(row.get_ref(6)?)?, sql::bytes(row.get_ref(7)?)?);
        codec::check(folds)?;
        codec::check(payload)?;
        Ok(Lying {
            seq: row.get(0)?,
            kind: read_kind(row.get(1)?)?,
            count: row.get(2)?,
            received_ns: read_count(row.get_ref(3)?)?,
            times: (row.get(4)?, row.get(5)?),
            folds,
            payload,
        })
    }

    /// What the traces of the records learn from them.
    fn folds(&self) -> Result<Vec<(TraceId, TraceFold)>> {
        let mut folds = codec::decode_folds(self.folds)?;
        let of_kind = |fold: &TraceFold| match self.kind {
            RecordKind::Spans => fold.spans,
            RecordKind::Checkpoints => fold.checkpoints,
            RecordKind::Logs => fold.logs,
        };
        let count = folds.iter().fold(0, |sum: u64, (_, fold)| sum.saturating_add(of_kind(fold)));
        // Log records without a trace are in no fold.
        let is_all = count == u64::from(self.count) || self.kind == RecordKind::Logs && count < u64::from(self.count);
        if !is_all {
            return Err(Error::Corrupt(format!("a row of {} records has folds of {count}", self.count)));
        }
        folds.iter_mut().for_each(|(_, fold)| note_received(fold, self.received_ns / NANOS_PER_SECOND));
        Ok(folds)
    }

    fn decode(&self) -> Result<Row> {
        let records = codec::decode_inbox(self.kind, self.payload)?;
        let (min_start_ns, max_end_ns) = codec::times_of(&records);
        if records.len() != self.count as usize || self.times != (to_column(min_start_ns), to_column(max_end_ns)) {
            return Err(Error::Corrupt("a row does not say what its records are".to_owned()));
        }
        Ok(Row { seq: self.seq, kind: self.kind, received_ns: self.received_ns, records })
    }
}

/// Notes in a fold when its checkpoints, if it has any, were received.
pub fn note_received(fold: &mut TraceFold, received_s: u64) {
    if fold.checkpoints > 0 {
        fold.received_s = fold.received_s.max(received_s);
    }
}

/// Calls `visit` with each row after `after`, in order.
pub fn each_row(connection: &Connection, after: i64, mut visit: impl FnMut(Row)) -> Result<()> {
    each_lying(connection, "seq > ?1 ORDER BY seq", after, |row| {
        visit(row.decode()?);
        Ok(())
    })
}

/// Calls `visit` with each row, in order, of which everything was read that there is to be read.
pub fn each_checked_row(connection: &Connection, mut visit: impl FnMut(Row)) -> Result<()> {
    each_lying(connection, "seq > ?1 ORDER BY seq", i64::MIN, |row| {
        row.folds()?;
        visit(row.decode()?);
        Ok(())
    })
}

/// The row of this number; `None` when there is none, or it is damaged.
pub fn row(connection: &Connection, seq: i64) -> Result<Option<Row>> {
    let mut found = None;
    each_lying(connection, "seq = ?1", seq, |row| {
        found = Some(row.decode()?);
        Ok(())
    })?;
    Ok(found)
}

impl Row {
    /// The records of the row, each with how it came.
    pub fn arrived(self) -> impl Iterator<Item = Arrived> {
        let (seq, received_ns) = (self.seq, self.received_ns);
        self.records.into_iter().enumerate().map(move |(place, record)| {
            // The order of spans within a write says nothing.
            let position = if record.kind() == RecordKind::Spans { 0 } else { place as u32 };
            Arrived { arrival: Arrival { seq, received_ns, position }, record }
        })
    }
}

/// A row of the inbox as it lies there, to be sealed.
pub struct Waiting {
    /// Number of the write.
    pub seq: i64,
    /// Which kind of record the row holds.
    pub kind: RecordKind,
    /// When the write was received, unix nanoseconds.
    pub received_ns: u64,
    /// How many records the row holds.
    pub count: usize,
    /// From when to when the records are, as the columns have it.
    times: (i64, i64),
    /// What the traces of the records learn from them.
    pub folds: Vec<(TraceId, TraceFold)>,
    /// The records.
    pub payload: Vec<u8>,
}

impl Waiting {
    /// How the records of the row came, as long as their order within the write says nothing.
    pub fn arrival(&self) -> Arrival {
        Arrival { seq: self.seq, received_ns: self.received_ns, position: 0 }
    }

    /// The records of the row.
    ///
    /// # Errors
    /// The payload is damaged.
    pub fn decode(&self) -> Result<Row> {
        let Waiting { seq, kind, received_ns, times, .. } = *self;
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        Lying { seq, kind, count, received_ns, times, folds: &[], payload: &self.payload }.decode()
    }
}

/// The oldest rows until they hold `records` or `bytes` or there are no more; and whether that was all.
pub fn oldest(connection: &Connection, records: usize, bytes: usize) -> Result<(Vec<Waiting>, bool)> {
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM inbox ORDER BY seq"))?;
    let mut rows = select.query([])?;
    let (mut oldest, mut found, mut content_bytes) = (Vec::new(), 0_usize, 0_usize);
    while let Some(row) = rows.next()? {
        let read = Lying::read(row).and_then(|lying| lying.folds().map(|folds| (lying, folds)));
        let Some((lying, folds)) = tolerate(Part::Write(row.get(0)?), read)? else { continue };
        let more_bytes = codec::content_bytes(lying.payload);
        let is_full = found >= records || content_bytes.saturating_add(more_bytes) > bytes;
        if is_full && !oldest.is_empty() {
            return Ok((oldest, false));
        }
        content_bytes = content_bytes.saturating_add(more_bytes);
        found += lying.count as usize;
        let Lying { seq, kind, received_ns, times, payload, .. } = lying;
        oldest.push(Waiting {
            seq,
            kind,
            received_ns,
            count: lying.count as usize,
            times,
            folds,
            payload: payload.to_vec(),
        });
    }
    Ok((oldest, true))
}

/// The waiting records of one trace, and what they add up to.
pub fn records_of(connection: &Connection, trace: &TraceId) -> Result<(Vec<Record>, TraceFold)> {
    let (mut rows, mut fold) = (Vec::new(), TraceFold::default());
    each_folds(connection, |seq, folds| {
        if let Ok(place) = folds.binary_search_by(|(id, _)| id.cmp(trace))
            && let Some((_, waiting)) = folds.get(place)
        {
            fold.merge(waiting);
            rows.push(seq);
        }
    })?;
    let mut records = Vec::new();
    for seq in rows {
        let row = row(connection, seq)?;
        records.extend(row.into_iter().flat_map(|row| row.records).filter(|record| record.trace_id() == Some(trace)));
    }
    Ok((records, fold))
}
