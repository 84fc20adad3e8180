//! The table of traces: one row per trace with sealed records, holding the fold of exactly those.
//!
//! Whoever adds or takes sealed records says so here in the same transaction, so the rows and the running totals in
//! `meta` always equal a fold over the segments.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ToSql, params};
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::codec::{self, NO_TRACE};
use super::super::{segments, sql};
use super::{Key, from_column, inbox, read_trace_id, to_column};
use crate::model::{Nanos, Record, RecordFilter, TimeBounds, TraceFold, TraceId};
use crate::store::Result;

/// A row of the table as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The rowid of the row.
    pub id: i64,
    /// The fold of the trace's sealed records.
    pub fold: TraceFold,
}

/// The row of a trace; `None` when none of it is sealed.
pub fn find(connection: &Connection, trace: &TraceId) -> Result<Option<Stored>> {
    Finder::new(connection)?.find(trace)
}

/// Finds the rows of many traces.
pub struct Finder<'c>(CachedStatement<'c>);

impl<'c> Finder<'c> {
    pub fn new(connection: &'c Connection) -> Result<Finder<'c>> {
        Ok(Finder(connection.prepare_cached("SELECT id, fold FROM traces WHERE trace_id = ?1")?))
    }

    /// The row of a trace; `None` when none of it is sealed.
    pub fn find(&mut self, trace: &TraceId) -> Result<Option<Stored>> {
        let row: Option<(i64, Vec<u8>)> =
            self.0.query_row([Key(trace)], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        row.map(|(id, fold)| Ok(Stored { id, fold: codec::decode_fold(trace, &fold)? })).transpose()
    }
}

/// Reads `trace_id, fold` from the given columns of a row.
pub fn read(row: &Row<'_>, trace_id: usize, fold: usize) -> Result<(TraceId, TraceFold)> {
    let id = read_trace_id(row.get_ref(trace_id)?)?;
    let fold = codec::decode_fold(&id, sql::bytes(row.get_ref(fold)?)?)?;
    Ok((id, fold))
}

/// Calls `visit` with the rows, by the start of the trace, until it returns false.
pub fn each_by_start(
    connection: &Connection,
    newest_first: bool,
    mut visit: impl FnMut(TraceId, TraceFold) -> bool,
) -> Result<()> {
    let order = if newest_first { "DESC" } else { "ASC" };
    let sql = format!("SELECT trace_id, fold FROM traces ORDER BY start_ns {order}");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (id, fold) = read(row, 0, 1)?;
        if !visit(id, fold) {
            break;
        }
    }
    Ok(())
}

/// What becomes of the row of one trace, encoded ahead of the transaction that applies it.
#[derive(Debug)]
pub struct Change {
    trace: TraceId,
    before: Option<Before>,
    after: Option<After>,
}

#[derive(Debug)]
struct Before {
    id: i64,
    spans: u64,
    errors: u64,
}

#[derive(Debug)]
struct After {
    start_ns: u64,
    end_ns: u64,
    spans: u64,
    checkpoints: u64,
    logs: u64,
    errors: u64,
    received_s: u64,
    fold: Vec<u8>,
}

impl Change {
    /// The change of a row from what it is to the fold it shall have; an empty fold removes the row.
    pub fn new(trace: TraceId, before: Option<Stored>, after: TraceFold) -> Change {
        let before =
            before.map(|stored| Before { id: stored.id, spans: stored.fold.spans, errors: stored.fold.errors });
        let after = (!after.is_empty()).then(|| {
            let TraceFold { start_ns, end_ns, spans, checkpoints, logs, errors, received_s, .. } = after;
            let fold = codec::encode_fold(&trace, &after);
            After { start_ns, end_ns, spans, checkpoints, logs, errors, received_s, fold }
        });
        Change { trace, before, after }
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

/// Reads the totals.
pub fn totals(connection: &Connection) -> Result<Totals> {
    let total = |key| sql::value(connection, "SELECT value FROM meta WHERE key = ?1", [key]).map(from_column);
    Ok(Totals { traces: total("traces")?, failed: total("failed")?, spans: total("spans")?, errors: total("errors")? })
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
    for Change { trace, before, after } in changes {
        if let Some(before) = before {
            add(&mut delta, -1, before.spans, before.errors);
        }
        let (statement, row): (_, &dyn ToSql) = match before {
            Some(before) => (&mut update, &before.id),
            None => (&mut insert, &Key(trace)),
        };
        if let Some(after) = after {
            add(&mut delta, 1, after.spans, after.errors);
            statement.execute(params![
                row,
                to_column(after.start_ns),
                to_column(after.end_ns),
                to_column(after.spans),
                to_column(after.checkpoints),
                to_column(after.logs),
                to_column(after.errors),
                after.fold,
                to_column(after.received_s),
            ])?;
        } else if let Some(before) = before {
            sql::run(transaction, "DELETE FROM traces WHERE id = ?1", [before.id])?;
        }
    }
    for (key, delta) in ["traces", "failed", "spans", "errors"].into_iter().zip(delta) {
        sql::run(transaction, "UPDATE meta SET value = value + ?2 WHERE key = ?1", params![key, delta])?;
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
        sql::each(connection, "SELECT trace_id, fold FROM traces WHERE end_ns <= ?1", [bound], |row| {
            let (id, fold) = read(row, 0, 1)?;
            named.entry(id.clone()).or_default().merge(&fold);
            sealed.insert(id);
            Ok(())
        })?;
        for (id, fold) in &mut named {
            if !sealed.contains(id)
                && let Some(stored) = find(connection, id)?
            {
                fold.merge(&stored.fold);
            }
        }
    }
    named.retain(|_, fold| filter.ended_before.is_none_or(|before| fold.end_ns < before.0));
    let traceless_before = filter.trace.is_none().then_some(filter.ended_before.unwrap_or(Nanos(u64::MAX)));
    Ok(Named { traces: named, traceless_before })
}
