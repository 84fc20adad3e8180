//! Statistics: totals from the folds, rows per operation from the few columns they need.
//!
//! Self times want whole traces while segments hold parts of them. The table of traces says how many spans and
//! checkpoints each one has, so segments are read one after the other in commit order and a trace is handed on as soon
//! as all of them have been seen; only traces spread over segments wait, and those are few at any moment.

use rusqlite::Connection;
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::file::meta;
use super::super::tables::{damaged, from_column, inbox, part_hash, traces};
use super::super::{issues, segments, sql};
use super::filtered::FilteredRecords;
use super::project_traces::ProjectTraces;
use super::{fast_totals, filtered, readers};
use crate::model::filter::{Filter, RecordRef};
use crate::model::stats::{Call, SpanForStats, StatsFold};
use crate::model::{
    Batch, Checkpoint, DatabaseInfo, Record, RecordKind, Stats, StatsBy, StatsQuery, TimeBounds, Trace, TraceFold,
    TraceId,
};
use crate::store::Result;

/// Works out statistics, as [`StatsFold`] has them.
pub fn stats(connection: &Connection, query: &StatsQuery, location: String) -> Result<Stats> {
    let is_plain = *query == StatsQuery::totals();
    let mut stats = if is_plain { fast_totals::totals(connection)? } else { sum(connection, query)? };
    stats.issues = issues::open_count(connection, query)?;
    stats.database = database(connection, location)?;
    Ok(stats)
}

/// Works out statistics from the records themselves.
fn sum(connection: &Connection, query: &StatsQuery) -> Result<Stats> {
    if let Some(filter) = &query.filter {
        return sum_filtered(connection, query, filter);
    }
    let mut sums = Sums::new(query);
    if let Some(project) = &query.project {
        sums.add_project(connection, project)?;
        return Ok(sums.finish());
    }
    let window = sums.count_traces(connection, None)?;
    for extent in segments::extents_overlapping(connection, RecordKind::Spans, window)? {
        let spans = segments::spans_for_stats(connection, extent.id, query.by == StatsBy::Model)?;
        spans.into_iter().for_each(|span| sums.add_span(span));
    }
    for extent in segments::extents_overlapping(connection, RecordKind::Checkpoints, window)? {
        let checkpoints = segments::checkpoints_for_stats(connection, extent.id)?;
        checkpoints.into_iter().for_each(|checkpoint| sums.add_checkpoint(checkpoint));
    }
    let asked = (query.since.map_or(0, |since| since.0), query.until.map_or(u64::MAX, |until| until.0));
    for extent in segments::extents_overlapping(connection, RecordKind::Logs, asked)? {
        for log in segments::logs_for_stats(connection, extent.id)? {
            sums.fold.add_log(log.time, log.severity, &log.service);
        }
    }
    inbox::each_row(connection, 0, |row| {
        row.records.into_iter().for_each(|record| sums.add_record(record));
    })?;
    Ok(sums.finish())
}

/// Works out statistics of the records that a filter is true of, trace by trace, for self times want whole traces.
fn sum_filtered(connection: &Connection, query: &StatsQuery, filter: &Filter) -> Result<Stats> {
    let mut stats = StatsFold::new(query);
    let project = query.project.as_deref();
    let mut records = FilteredRecords::new(connection, filter, project)?;
    let mut traces = FxHashSet::default();
    filtered::each(connection, filter, 0, &filter.expression.parts(), |record| {
        let is_known = record.trace_id().is_some_and(|id| traces.contains(id));
        if is_known || !records.is_true_of(RecordRef::from(record))? {
            return Ok(());
        }
        match record {
            Record::Log(log) if log.trace_id.is_none() => {
                stats.add_log(log.time, log.severity, &log.resource.service);
            }
            record => traces.extend(record.trace_id().cloned()),
        }
        Ok(())
    })?;
    for id in traces {
        let (records, whole) = readers::records(connection, &id)?;
        let bounds = whole.bounds();
        let (mut fold, mut own) = (TraceFold::default(), Batch::default());
        for record in records.into_iter().filter(|record| project.is_none_or(|project| record.project() == project)) {
            record.add_to(&mut fold, &bounds);
            record.push_to(&mut own);
        }
        if let Some(trace) = Trace::within(&bounds, id, own) {
            stats.add_filtered_trace(filter, &fold, &trace);
        }
    }
    Ok(stats.finish())
}

/// Where the file lies, how big it is and how long it keeps records.
pub fn database(connection: &Connection, location: String) -> Result<DatabaseInfo> {
    let number = |pragma| sql::value(connection, pragma, []).map(from_column);
    Ok(DatabaseInfo {
        location,
        size_bytes: number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?),
        retention_seconds: meta::retention_seconds(connection)?,
        damaged_rows: Some(damaged::count(connection)?),
    })
}

/// Statistics in the making, and the traces that wait for more of their records.
struct Sums<'q> {
    fold: StatsFold<'q>,
    /// Which times of traces rule of which not all do.
    ruling: FxHashMap<TraceId, TimeBounds>,
    /// How many spans are still to come of each trace that counts, and how many checkpoints, by hash.
    missing: FxHashMap<u64, u64>,
    /// Calls of traces that are not complete.
    partial_calls: FxHashMap<TraceId, Vec<Call>>,
    /// Checkpoints of traces that are not complete.
    partial_checkpoints: FxHashMap<TraceId, Vec<Checkpoint>>,
}

impl<'q> Sums<'q> {
    fn new(query: &'q StatsQuery) -> Sums<'q> {
        Sums {
            fold: StatsFold::new(query),
            ruling: FxHashMap::default(),
            missing: FxHashMap::default(),
            partial_calls: FxHashMap::default(),
            partial_checkpoints: FxHashMap::default(),
        }
    }

    /// Counts the traces; the time in which records of traces that matter for the rows start.
    fn count_traces(&mut self, connection: &Connection, of: Option<&ProjectTraces<'_>>) -> Result<(u64, u64)> {
        let own_part = |id: &TraceId, fold| match of {
            Some(project) => project.own_part(id, fold),
            None => Some(fold),
        };
        let mut window = (u64::MAX, 0);
        let mut waiting = inbox::folds(connection)?;
        traces::each_where(connection, "1", [], |id, mut fold| {
            if let Some(more) = waiting.remove(&id) {
                fold.merge(&more);
            }
            if let Some(fold) = own_part(&id, fold) {
                self.count_trace(&id, &fold, &mut window);
            }
            Ok(())
        })?;
        for (id, fold) in waiting {
            if let Some(fold) = own_part(&id, fold) {
                self.count_trace(&id, &fold, &mut window);
            }
        }
        Ok(window)
    }

    /// Counts the traces and the records of a project, which are read whole, for no column alone says whose they are.
    fn add_project(&mut self, connection: &Connection, project: &str) -> Result<()> {
        let traces = ProjectTraces::read(connection, project, &[])?;
        self.count_traces(connection, Some(&traces))?;
        let is_own = |record: &Record| !project.is_empty() && record.project() == project;
        segments::each_record(connection, |record| {
            if is_own(&record) {
                self.add_record(record);
            }
        })?;
        inbox::each_row(connection, 0, |row| {
            row.records.into_iter().filter(is_own).for_each(|record| self.add_record(record));
        })
    }

    fn count_trace(&mut self, id: &TraceId, trace: &TraceFold, window: &mut (u64, u64)) {
        if !self.fold.add_trace(trace) {
            return;
        }
        for (kind, count) in [(RecordKind::Spans, trace.spans), (RecordKind::Checkpoints, trace.checkpoints)] {
            if count > 0 {
                *self.missing.entry(part_hash(kind, id)).or_default() += count;
            }
        }
        if !trace.odd.is_empty() {
            self.ruling.insert(id.clone(), trace.ruling_bounds());
        }
        let (first_ns, last_ns) = trace.reach_ns();
        *window = (window.0.min(first_ns), window.1.max(last_ns));
    }

    /// Which times of a trace rule.
    fn ruling_bounds(&self, id: &TraceId) -> TimeBounds {
        // Hardly any trace has odd ones.
        match self.ruling.is_empty() {
            true => TimeBounds::ALL,
            false => self.ruling.get(id).copied().unwrap_or(TimeBounds::ALL),
        }
    }

    fn add_record(&mut self, record: Record) {
        match record {
            Record::Span(span) => self.add_span(SpanForStats::from(&span)),
            Record::Checkpoint(checkpoint) => self.add_checkpoint(checkpoint),
            Record::Log(log) => self.fold.add_log(log.time, log.severity, &log.resource.service),
        }
    }

    /// Notes that a record of a trace has come; whether it was the last of its kind. `None` when the trace does not
    /// count.
    fn is_last(&mut self, kind: RecordKind, id: &TraceId) -> Option<bool> {
        let missing = self.missing.get_mut(&part_hash(kind, id))?;
        *missing = missing.saturating_sub(1);
        Some(*missing == 0)
    }

    fn add_span(&mut self, span: SpanForStats) {
        let Some(is_last) = self.is_last(RecordKind::Spans, &span.trace_id) else { return };
        let trace_id = span.trace_id.clone();
        let ruling = self.ruling_bounds(&trace_id);
        let call = self.fold.add_span(span, &ruling);
        if !is_last {
            self.partial_calls.entry(trace_id).or_default().push(call);
            return;
        }
        let mut calls = self.partial_calls.remove(&trace_id).unwrap_or_default();
        calls.push(call);
        self.fold.add_calls(&calls);
    }

    fn add_checkpoint(&mut self, checkpoint: Checkpoint) {
        let Some(is_last) = self.is_last(RecordKind::Checkpoints, &checkpoint.trace_id) else { return };
        let trace_id = checkpoint.trace_id.clone();
        let mut checkpoints = self.partial_checkpoints.remove(&trace_id).unwrap_or_default();
        checkpoints.push(checkpoint);
        if is_last {
            self.add_sorted(checkpoints);
        } else {
            self.partial_checkpoints.insert(trace_id, checkpoints);
        }
    }

    /// Adds checkpoints in the order a trace has them, so that records of one instant pair alike wherever they lay.
    fn add_sorted(&mut self, mut checkpoints: Vec<Checkpoint>) {
        checkpoints.sort_by(|a, b| a.timestamp_ms.total_cmp(&b.timestamp_ms).then_with(|| a.suffix.cmp(&b.suffix)));
        let ruling = checkpoints.first().map_or(TimeBounds::ALL, |first| self.ruling_bounds(&first.trace_id));
        self.fold.add_checkpoints(&checkpoints, &ruling);
    }

    fn finish(mut self) -> Stats {
        for calls in self.partial_calls.values() {
            self.fold.add_calls(calls);
        }
        for (_, checkpoints) in std::mem::take(&mut self.partial_checkpoints) {
            self.add_sorted(checkpoints);
        }
        self.fold.finish()
    }
}
