//! The table of traces: one row per trace with sealed records, holding the fold of exactly those.
//!
//! Whoever adds or takes sealed records says so here in the same transaction, so the rows and the running totals in
//! `meta` always equal a fold over the segments. A row whose columns do not agree with its fold, or whose fold is not that
//! of its id, is noted as damaged and passed over until it is made anew ([`repair`]).

use rusqlite::{CachedStatement, Connection, Row, ToSql, params};
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::codec::{self, FoldColumns, NO_TRACE};
use super::super::damage::{Part, tolerate};
use super::super::file::schema;
use super::super::{segments, sql};
use super::trace_index::{self, Filters, Lookup};
use super::words::{Numbering, Words};
use super::{Key, from_column, inbox, read_trace_id, to_column};
use crate::model::time::NANOS_PER_SECOND;
use crate::model::{Nanos, Record, RecordFilter, RecordKind, TimeBounds, TraceFold, TraceId};
use crate::store::{Error, Result};

/// What is read of a row, always: [`read`] checks it all. Files of the first schema do not know when traces were received.
pub fn columns(connection: &Connection) -> Result<&'static str> {
    Ok(match schema::knows_receipt(connection)? {
        true => "id, trace_id, fold, start_ns, end_ns, spans, checkpoints, logs, errors, received_s",
        false => "id, trace_id, fold, start_ns, end_ns, spans, checkpoints, logs, errors, NULL",
    })
}

/// A row of the table as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The rowid of the row.
    pub id: i64,
    /// The fold of the trace's sealed records.
    pub fold: TraceFold,
    /// The numbers of words that the row has.
    words: Vec<u64>,
}

/// The row of a trace; `None` when none of it is sealed.
pub fn find(connection: &Connection, trace: &TraceId) -> Result<Option<Stored>> {
    Finder::new(connection)?.find(trace)
}

/// Finds the rows of traces.
pub struct Finder<'c> {
    connection: &'c Connection,
    /// `None` for a file of an earlier version, which has an index over all ids.
    lookup: Option<Lookup<'c>>,
    /// Reads the row of an id without knowing its number.
    by_id: CachedStatement<'c>,
    /// Reads a row if it is that of an id.
    by_row: CachedStatement<'c>,
    words: Words<'c>,
}

impl<'c> Finder<'c> {
    /// Finds the rows of a few traces.
    pub fn new(connection: &'c Connection) -> Result<Finder<'c>> {
        let lookup = schema::has_trace_index(connection)?.then(|| Lookup::new(connection)).transpose()?;
        Finder::with(connection, lookup)
    }

    /// Finds the rows of many traces, most of which may have none.
    pub fn for_many(connection: &'c Connection, filters: &mut Filters) -> Result<Finder<'c>> {
        let has_index = schema::has_trace_index(connection)?;
        let lookup = has_index.then(|| Lookup::for_many(connection, filters)).transpose()?;
        Finder::with(connection, lookup)
    }

    /// [`Finder::for_many`] for whoever does so once.
    pub fn for_many_once(connection: &'c Connection) -> Result<Finder<'c>> {
        Finder::for_many(connection, &mut Filters::default())
    }

    fn with(connection: &'c Connection, lookup: Option<Lookup<'c>>) -> Result<Finder<'c>> {
        let columns = columns(connection)?;
        let is_text = if lookup.is_some() { " AND typeof(trace_id) = 'text'" } else { "" };
        let by_id = connection.prepare_cached(&format!("SELECT {columns} FROM traces WHERE trace_id = ?1{is_text}"))?;
        let by_row =
            connection.prepare_cached(&format!("SELECT {columns} FROM traces WHERE id = ?1 AND trace_id = ?2"))?;
        Ok(Finder { connection, lookup, by_id, by_row, words: Words::new(connection) })
    }

    /// The row of a trace; `None` when none of it is sealed, or the row is damaged.
    pub fn find(&mut self, trace: &TraceId) -> Result<Option<Stored>> {
        let words = &mut self.words;
        let mut stored = |row: &Row<'_>| {
            let found = read(row, words)?;
            Ok(found.map(|(id, _, fold)| Stored { id, fold, words: words.asked().to_vec() }))
        };
        let (Some(lookup), TraceId::Otel(raw)) = (&self.lookup, trace) else {
            let mut rows = self.by_id.query([Key(trace)])?;
            return rows.next()?.map_or(Ok(None), stored);
        };
        let Some(places) = lookup.rows(raw)? else {
            // Slow, but nothing is missed until the index is mended.
            let sql = format!("SELECT {} FROM traces WHERE trace_id = ?1", columns(self.connection)?);
            let mut select = self.connection.prepare_cached(&sql)?;
            let mut rows = select.query([Key(trace)])?;
            return rows.next()?.map_or(Ok(None), stored);
        };
        for place in places {
            let mut rows = self.by_row.query(params![place, Key(trace)])?;
            if let Some(row) = rows.next()? {
                return stored(row);
            }
        }
        Ok(None)
    }
}

/// The rowid, the trace and the fold of a row of [`columns`]; `None` when the row is damaged, which is noted.
pub fn read(row: &Row<'_>, words: &mut Words<'_>) -> Result<Option<(i64, TraceId, TraceFold)>> {
    let id = row.get(0)?;
    let found = tolerate(Part::Trace(id), read_checked(row, words))?;
    Ok(found.map(|(trace, fold)| (id, trace, fold)))
}

fn read_checked(row: &Row<'_>, words: &mut Words<'_>) -> Result<(TraceId, TraceFold)> {
    words.begin();
    let trace = read_trace_id(row.get_ref(1)?)?;
    let mut columns: FoldColumns = [0; 7];
    for (place, column) in (3..).zip(&mut columns) {
        *column = row.get::<_, Option<i64>>(place)?.map_or(0, from_column);
    }
    let fold = codec::decode_fold(&trace, &columns, sql::bytes(row.get_ref(2)?)?, &mut |number| words.word(number));
    let fold = words.check(fold)?;
    let counts = [fold.start_ns, fold.end_ns, fold.spans, fold.checkpoints, fold.logs, fold.errors];
    let mut agrees = row.get::<_, Option<i64>>(9)?.is_none_or(|received_s| received_s == to_column(fold.received_s));
    for (column, count) in (3..).zip(counts) {
        agrees &= row.get::<_, i64>(column)? == to_column(count);
    }
    if !agrees {
        return Err(Error::Corrupt("its columns and its fold do not agree".to_owned()));
    }
    Ok((trace, fold))
}

/// Calls `visit` with the rows, by the start of the trace, until it returns false.
pub fn each_by_start(
    connection: &Connection,
    newest_first: bool,
    mut visit: impl FnMut(TraceId, TraceFold) -> bool,
) -> Result<()> {
    let order = if newest_first { "DESC" } else { "ASC" };
    let sql = format!("SELECT {} FROM traces ORDER BY start_ns {order}", columns(connection)?);
    let mut words = Words::new(connection);
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let Some((_, id, fold)) = read(row, &mut words)? else { continue };
        if !visit(id, fold) {
            break;
        }
    }
    Ok(())
}

/// Calls `visit` with the rows a condition names.
pub fn each_where(
    connection: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
    mut visit: impl FnMut(TraceId, TraceFold) -> Result<()>,
) -> Result<()> {
    let sql = format!("SELECT {} FROM traces WHERE {condition}", columns(connection)?);
    let mut words = Words::new(connection);
    sql::each(connection, &sql, values, |row| match read(row, &mut words)? {
        Some((_, id, fold)) => visit(id, fold),
        None => Ok(()),
    })
}

/// Finds the rows that are damaged or missing and what they should be: the rowids to remove, and the changes that add
/// them anew. All segments are read for it.
///
/// # Errors
/// The store fails.
pub fn plan_repair(connection: &Connection) -> Result<(Vec<i64>, Vec<Change>)> {
    let mut damaged = Vec::new();
    let mut words = Words::new(connection);
    sql::each(connection, &format!("SELECT {} FROM traces", columns(connection)?), [], |row| {
        if read_checked(row, &mut words).is_err() {
            damaged.push(row.get(0)?);
        }
        Ok(())
    })?;
    let mut missing: FxHashMap<TraceId, TraceFold> = FxHashMap::default();
    for kind in RecordKind::ALL {
        for extent in segments::extents(connection, kind)? {
            let records = tolerate(Part::Segment(extent.id), segments::records(connection, &extent))?;
            let mut finder = Finder::new(connection)?;
            let mut last: Option<(TraceId, bool)> = None;
            for arrived in records.iter().flatten() {
                let trace = arrived.record.trace_key();
                // Records of a segment are sorted by trace.
                let has_row = match &last {
                    Some((known, has_row)) if known == trace => *has_row,
                    _ => finder.find(trace)?.is_some(),
                };
                last = Some((trace.clone(), has_row));
                if !has_row && *trace != NO_TRACE {
                    let fold = missing.entry(trace.clone()).or_default();
                    arrived.record.add_to(fold, &TimeBounds::received_at(Nanos(arrived.arrival.received_ns)));
                    inbox::note_received(fold, arrived.arrival.received_ns / NANOS_PER_SECOND);
                }
            }
        }
    }
    let changes = missing.into_iter().map(|(trace, fold)| Change::new(trace, None, fold));
    Ok((damaged, changes.collect()))
}

/// Does what [`plan_repair`] found, and counts the totals anew.
///
/// # Errors
/// The store fails.
pub fn repair(transaction: &Connection, damaged: &[i64], changes: &[Change]) -> Result<()> {
    for id in damaged {
        sql::run(transaction, "DELETE FROM traces WHERE id = ?1", [id])?;
    }
    apply(transaction, changes)?;
    trace_index::build(transaction)?;
    write_totals(transaction, counted_totals(transaction)?)
}

/// What becomes of the row of one trace.
#[derive(Debug)]
pub struct Change {
    trace: TraceId,
    before: Option<Before>,
    after: Option<TraceFold>,
}

#[derive(Debug)]
struct Before {
    id: i64,
    spans: u64,
    errors: u64,
    words: Vec<u64>,
}

impl Change {
    /// The change of a row from what it is to the fold it shall have; an empty fold removes the row.
    pub fn new(trace: TraceId, before: Option<Stored>, after: TraceFold) -> Change {
        let before =
            before.map(|Stored { id, fold, words }| Before { id, spans: fold.spans, errors: fold.errors, words });
        Change { trace, before, after: (!after.is_empty()).then_some(after) }
    }
}

/// Running totals over the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows.
    pub traces: u64,
    /// Rows with errors.
    pub failed: u64,
    /// Sealed spans.
    pub spans: u64,
    /// Errors among the sealed records.
    pub errors: u64,
}

/// Reads the totals. Those that are damaged are counted.
pub fn totals(connection: &Connection) -> Result<Totals> {
    let total = |key| {
        let value = sql::value(connection, "SELECT value FROM meta WHERE key = ?1", [key]);
        value.and_then(|total: i64| u64::try_from(total).map_err(|_| Error::Corrupt(format!("`{key}` is {total}"))))
    };
    let read = || {
        Ok(Totals {
            traces: total("traces")?,
            failed: total("failed")?,
            spans: total("spans")?,
            errors: total("errors")?,
        })
    };
    match tolerate(Part::Row("meta"), read())? {
        Some(totals) => Ok(totals),
        None => counted_totals(connection),
    }
}

/// The totals as the rows have them.
fn counted_totals(connection: &Connection) -> Result<Totals> {
    let sql = "SELECT COUNT(*), COALESCE(SUM(errors > 0), 0), CAST(TOTAL(spans) AS INTEGER),
                      CAST(TOTAL(errors) AS INTEGER) FROM traces";
    let read = |row: &Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?].map(from_column));
    let [traces, failed, spans, errors] = connection.prepare_cached(sql)?.query_row([], read)?;
    Ok(Totals { traces, failed, spans, errors })
}

/// Puts the totals right when they are damaged.
///
/// # Errors
/// The store fails.
pub fn mend_totals(connection: &Connection) -> Result<()> {
    let sql = "SELECT COUNT(*) FROM meta WHERE key IN ('traces', 'failed', 'spans', 'errors')
               AND typeof(value) = 'integer' AND value >= 0";
    if sql::value::<i64>(connection, sql, [])? == 4 {
        return Ok(());
    }
    tracing::warn!("the totals of the database were damaged and are counted anew");
    write_totals(connection, counted_totals(connection)?)
}

fn write_totals(connection: &Connection, totals: Totals) -> Result<()> {
    let Totals { traces, failed, spans, errors } = totals;
    let sql = "INSERT OR REPLACE INTO meta(key, value) VALUES (?1, ?2)";
    for (key, total) in [("traces", traces), ("failed", failed), ("spans", spans), ("errors", errors)] {
        sql::run(connection, sql, params![key, to_column(total)])?;
    }
    Ok(())
}

/// How many traces have sealed checkpoints, and how many of those have errors.
pub fn received_totals(connection: &Connection) -> Result<(u64, u64)> {
    let sql = "SELECT COUNT(*), COALESCE(SUM(errors > 0), 0) FROM traces WHERE received_s > 0";
    let mut select = connection.prepare_cached(sql)?;
    Ok(select.query_row([], |row| Ok((from_column(row.get(0)?), from_column(row.get(1)?))))?)
}

/// Applies changes and brings the totals up to date.
pub fn apply(transaction: &Connection, changes: &[Change]) -> Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO traces(trace_id, start_ns, end_ns, spans, checkpoints, logs, errors, fold, received_s)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut update = transaction.prepare_cached(
        "UPDATE traces SET start_ns=?2, end_ns=?3, spans=?4, checkpoints=?5, logs=?6, errors=?7, fold=?8, received_s=?9
         WHERE id=?1",
    )?;
    let mut delta = [0_i64; 4];
    let mut numbering = Numbering::new(transaction)?;
    for Change { trace, before, after } in changes {
        if let Some(before) = before {
            add(&mut delta, -1, before.spans, before.errors);
            numbering.release(&before.words);
        }
        let (statement, row): (_, &dyn ToSql) = match before {
            Some(before) => (&mut update, &before.id),
            None => (&mut insert, &Key(trace)),
        };
        if let Some(after) = after {
            add(&mut delta, 1, after.spans, after.errors);
            let mut failure = None;
            let fold = codec::encode_fold(trace, after, &mut |word| {
                numbering.number(word).unwrap_or_else(|error| {
                    failure = Some(error);
                    None
                })
            });
            if let Some(failure) = failure {
                return Err(failure);
            }
            statement.execute(params![
                row,
                to_column(after.start_ns),
                to_column(after.end_ns),
                to_column(after.spans),
                to_column(after.checkpoints),
                to_column(after.logs),
                to_column(after.errors),
                fold,
                to_column(after.received_s),
            ])?;
            if before.is_none() {
                trace_index::add(transaction, trace, transaction.last_insert_rowid())?;
            }
        } else if let Some(before) = before {
            sql::run(transaction, "DELETE FROM traces WHERE id = ?1", [before.id])?;
        }
    }
    numbering.finish()?;
    for (key, delta) in ["traces", "failed", "spans", "errors"].into_iter().zip(delta) {
        sql::run(transaction, "UPDATE meta SET value = value + ?2 WHERE key = ?1", params![key, delta])?;
    }
    trace_index::tidy(transaction)
}

/// Removes all rows.
pub fn clear(transaction: &Connection) -> Result<()> {
    sql::run(transaction, "DELETE FROM traces", [])?;
    write_totals(transaction, Totals::default())?;
    sql::run(transaction, "DELETE FROM words", [])?;
    trace_index::clear(transaction)
}

/// Calls `visit` with the rows of OpenTelemetry ids from `low` to `high` that a condition names.
pub fn each_of_range(
    connection: &Connection,
    (low, high): (&[u8; 16], &[u8; 16]),
    condition: &str,
    values: &[rusqlite::types::Value],
    mut visit: impl FnMut(TraceId, TraceFold) -> Result<()>,
) -> Result<()> {
    let mut range = values.to_vec();
    range.extend([low, high].map(|id| rusqlite::types::Value::Blob(id.to_vec())));
    let condition = format!("{condition} AND trace_id >= ? AND trace_id <= ?");
    let rows = match schema::has_trace_index(connection)? {
        true => Lookup::new(connection)?.rows_of_range(low, high)?,
        false => None,
    };
    let Some(rows) = rows else {
        return each_where(connection, &condition, rusqlite::params_from_iter(range), visit);
    };
    let condition = format!("{condition} AND id = ?");
    for row in rows {
        let mut of_row = range.clone();
        of_row.push(rusqlite::types::Value::Integer(row));
        each_where(connection, &condition, rusqlite::params_from_iter(of_row), &mut visit)?;
    }
    Ok(())
}

fn add(delta: &mut [i64; 4], sign: i64, spans: u64, errors: u64) {
    let sizes = [1, i64::from(errors > 0), to_column(spans), to_column(errors)];
    delta.iter_mut().zip(sizes).for_each(|(delta, size)| *delta += sign * size);
}

/// What a filter names, apart from the kind.
#[derive(Debug)]
pub struct Named {
    /// The traces, with the folds of all their records.
    pub traces: FxHashMap<TraceId, TraceFold>,
    /// Before when a log record without a trace must lie to be named; `None` when no such record is.
    traceless_before: Option<Nanos>,
}

impl Named {
    /// Whether the filter names nothing.
    pub fn is_nothing(&self) -> bool {
        self.traces.is_empty() && self.traceless_before.is_none()
    }

    /// Whether the filter names this record. One of no trace that was made at no time that can be was made when it was
    /// received, where that is known.
    pub fn has(&self, record: &Record, received_ns: Option<u64>) -> bool {
        match record.trace_id() {
            None => {
                let bounds = received_ns.map_or(TimeBounds::ALL, |received| TimeBounds::received_at(Nanos(received)));
                self.traceless_before.is_some_and(|before| bounds.believe(record.start()) < before)
            }
            Some(trace) => self.traces.contains_key(trace),
        }
    }

    /// Whether a segment may hold records the filter names; false is certain.
    pub fn may_be_in(&self, connection: &Connection, segment: i64) -> Result<bool> {
        let traceless = self.traceless_before.map(|_| &NO_TRACE);
        segments::may_hold(connection, segment, self.traces.keys().chain(traceless))
    }
}

/// What a filter names that asks for a trace, or for those that ended before some time.
pub fn named(connection: &Connection, filter: &RecordFilter) -> Result<Named> {
    let mut named = inbox::folds(connection)?;
    if let Some(trace) = &filter.trace {
        named.retain(|id, _| id == trace);
        if let Some(stored) = find(connection, trace)? {
            named.entry(trace.clone()).or_default().merge(&stored.fold);
        }
    } else {
        let bound = filter.ended_before.map_or(i64::MAX, |before| to_column(before.0));
        // A trace that is only waiting is in `named`; one that is also sealed gets its sealed part here. Sealed parts
        // that end later do not come up, so those are asked for below.
        let mut sealed = FxHashSet::default();
        each_where(connection, "end_ns <= ?1", [bound], |id, fold| {
            named.entry(id.clone()).or_default().merge(&fold);
            sealed.insert(id);
            Ok(())
        })?;
        let mut finder = Finder::for_many_once(connection)?;
        for (id, fold) in &mut named {
            if !sealed.contains(id)
                && let Some(stored) = finder.find(id)?
            {
                fold.merge(&stored.fold);
            }
        }
    }
    named.retain(|_, fold| filter.ended_before.is_none_or(|before| fold.end_ns < before.0));
    let traceless_before = filter.trace.is_none().then_some(filter.ended_before.unwrap_or(Nanos(u64::MAX)));
    Ok(Named { traces: named, traceless_before })
}
