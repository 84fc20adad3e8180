//! Statistics: totals from the folds, rows per operation from the few columns they need.
//!
//! Self times want whole traces while segments hold parts of them. The table of traces says how many spans and checkpoints each one
//! has, so segments are read one after the other in commit order and a trace is handed on as soon as all of them
//! have been seen; only traces spread over segments wait, and those are few at any moment.

use rusqlite::Connection;
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::{
    codec::{LogForStats, SpanForStats},
    file::meta,
    issues, segments,
    tables::{from_column, inbox, part_hash, traces},
};
use super::fast_totals;
use crate::{
    model::{
        Checkpoint, DatabaseInfo, Nanos, Record, RecordKind, Severity, Span, Stats, StatsBy, StatsQuery, Text,
        TraceFold, TraceId,
        ask::Operation,
        genai,
        self_time::Interval,
        stats::{StatsFold, StatsSpan},
    },
    store::Result,
};

/// Works out statistics. Traces are counted by their start, records by theirs; a service narrows both to what is its
/// own.
pub fn stats(connection: &Connection, query: &StatsQuery, location: String) -> Result<Stats> {
    if *query == StatsQuery::totals() {
        let database = database(connection, location)?;
        let issues = issues::open_count(connection, query)?;
        return Ok(Stats { database, issues, ..fast_totals::totals(connection)? });
    }
    let mut sums = Sums::new(query);
    let window = sums.count_traces(connection)?;
    for extent in segments::extents_overlapping(connection, RecordKind::Spans, window)? {
        let spans = segments::spans_for_stats(connection, extent.id, query.by == StatsBy::Model)?;
        spans.into_iter().for_each(|span| sums.add_span(span));
    }
    for extent in segments::extents_overlapping(connection, RecordKind::Checkpoints, window)? {
        let checkpoints = segments::checkpoints_for_stats(connection, extent.id)?;
        checkpoints.into_iter().for_each(|checkpoint| sums.add_checkpoint(checkpoint.into_checkpoint()));
    }
    let asked = (query.since.map_or(0, |since| since.0), query.until.map_or(u64::MAX, |until| until.0));
    for extent in segments::extents_overlapping(connection, RecordKind::Logs, asked)? {
        segments::logs_for_stats(connection, extent.id)?.iter().for_each(|log| sums.add_log(log));
    }
    inbox::each_row(connection, 0, |row| {
        row.records.into_iter().for_each(|record| sums.add(record));
        true
    })?;
    let mut stats = sums.finish();
    stats.issues = issues::open_count(connection, query)?;
    stats.database = database(connection, location)?;
    Ok(stats)
}

fn light(span: &Span) -> SpanForStats {
    SpanForStats {
        trace_id: span.trace_id.clone(),
        span_id: span.span_id,
        parent: span.parent_span_id,
        name: span.name.clone(),
        service: span.service().clone(),
        start: span.start,
        end: span.end,
        is_error: span.is_error(),
        model: genai::model(&span.attributes).map(Text::from),
    }
}

/// Where the file lies, how big it is and how long it keeps records.
pub fn database(connection: &Connection, location: String) -> Result<DatabaseInfo> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(from_column);
    Ok(DatabaseInfo {
        location,
        size_bytes: number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?),
        retention_seconds: meta::retention_seconds(connection)?,
    })
}

struct Sums<'q> {
    query: &'q StatsQuery,
    /// How many spans are still to come of each trace that counts, and how many checkpoints, by hash.
    missing: FxHashMap<u64, u64>,
    /// Spans of traces that are not complete.
    partial: FxHashMap<TraceId, Vec<StatsSpan>>,
    /// Checkpoints of traces that are not complete.
    partial_checkpoints: FxHashMap<TraceId, Vec<Checkpoint>>,
    /// Start and failure of each trace that is counted.
    starts: Vec<(Nanos, bool)>,
    services: FxHashSet<Text>,
    rows: StatsFold,
    stats: Stats,
}

impl<'q> Sums<'q> {
    fn new(query: &'q StatsQuery) -> Sums<'q> {
        Sums {
            query,
            missing: FxHashMap::default(),
            partial: FxHashMap::default(),
            partial_checkpoints: FxHashMap::default(),
            starts: Vec::new(),
            services: FxHashSet::default(),
            rows: StatsFold::default(),
            stats: Stats::default(),
        }
    }

    /// Counts the traces; the time in which records of traces that matter for the rows start.
    fn count_traces(&mut self, connection: &Connection) -> Result<(u64, u64)> {
        let mut window = (u64::MAX, 0);
        let mut waiting = inbox::folds(connection)?;
        let mut select = connection.prepare_cached("SELECT trace_id, fold FROM traces")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (id, mut fold) = traces::read(row, 0, 1)?;
            if let Some(more) = waiting.remove(&id) {
                fold.merge(&more);
            }
            self.count_trace(&id, &fold, &mut window);
        }
        waiting.iter().for_each(|(id, fold)| self.count_trace(id, fold, &mut window));
        Ok(window)
    }

    fn count_trace(&mut self, id: &TraceId, fold: &TraceFold, window: &mut (u64, u64)) {
        let StatsQuery { since, until, service, .. } = self.query;
        if service.as_ref().is_some_and(|service| fold.services.binary_search(service).is_err()) {
            return;
        }
        let starts_before_end = until.is_none_or(|until| fold.start_ns < until.0);
        if starts_before_end && since.is_none_or(|since| fold.start_ns >= since.0) {
            self.starts.push((Nanos(fold.start_ns), fold.errors > 0));
        }
        if starts_before_end && since.is_none_or(|since| fold.end_ns >= since.0) {
            for (kind, count) in [(RecordKind::Spans, fold.spans), (RecordKind::Checkpoints, fold.checkpoints)] {
                if count > 0 {
                    *self.missing.entry(part_hash(kind, id)).or_default() += count;
                }
            }
            *window = (window.0.min(fold.start_ns), window.1.max(fold.end_ns));
        }
    }

    fn add(&mut self, record: Record) {
        match record {
            Record::Span(span) => self.add_span(light(&span)),
            Record::Checkpoint(checkpoint) => self.add_checkpoint(checkpoint),
            Record::Log(log) => {
                let service = log.resource.service.clone();
                let has_trace = log.trace_id.is_some();
                self.add_log(&LogForStats { time: log.time, severity: log.severity, service, has_trace });
            }
        }
    }

    /// Notes that a record of a trace has come; whether it was the last of its kind. `None` when the trace does not
    /// count.
    fn is_last(&mut self, kind: RecordKind, id: &TraceId) -> Option<bool> {
        let missing = self.missing.get_mut(&part_hash(kind, id))?;
        *missing = missing.saturating_sub(1);
        Some(*missing == 0)
    }

    fn is_named(&self, start: Nanos, service: &Text) -> bool {
        is_named(self.query, start, service)
    }

    fn count_service(&mut self, service: &Text) {
        if !self.services.contains(service) {
            self.services.insert(service.clone());
        }
    }

    fn add_log(&mut self, log: &LogForStats) {
        if self.is_named(log.time, &log.service) {
            self.stats.logs += 1;
            self.stats.errors += u64::from(log.severity >= Severity::Error);
            self.count_service(&log.service);
        }
    }

    fn add_checkpoint(&mut self, checkpoint: Checkpoint) {
        let Some(is_last) = self.is_last(RecordKind::Checkpoints, &checkpoint.trace_id) else { return };
        if self.is_named(checkpoint.time(), &checkpoint.source_id) {
            self.stats.checkpoints += 1;
            self.count_service(&checkpoint.source_id);
        }
        let trace_id = checkpoint.trace_id.clone();
        let mut checkpoints = self.partial_checkpoints.remove(&trace_id).unwrap_or_default();
        checkpoints.push(checkpoint);
        if is_last {
            self.add_runs(&mut checkpoints);
        } else {
            self.partial_checkpoints.insert(trace_id, checkpoints);
        }
    }

    fn add_runs(&mut self, checkpoints: &mut [Checkpoint]) {
        // As a trace has them, so that records of one instant pair the same way wherever they come from.
        checkpoints.sort_by(|a, b| a.timestamp_ms.total_cmp(&b.timestamp_ms).then_with(|| a.suffix.cmp(&b.suffix)));
        let query = self.query;
        let counts = |one: &Checkpoint| is_named(query, one.time(), &one.source_id);
        self.rows.add_checkpoints(checkpoints, query.by, counts);
    }

    fn add_span(&mut self, span: SpanForStats) {
        let Some(is_last) = self.is_last(RecordKind::Spans, &span.trace_id) else { return };
        let (trace_id, span) = self.counted(span);
        if !is_last {
            self.partial.entry(trace_id).or_default().push(span);
            return;
        }
        match self.partial.remove(&trace_id) {
            Some(mut spans) => {
                spans.push(span);
                self.rows.add_trace(&spans);
            }
            None => self.rows.add_trace(&[span]),
        }
    }

    /// Counts a span if the query names it, and says in which row.
    fn counted(&mut self, span: SpanForStats) -> (TraceId, StatsSpan) {
        let mut operation = None;
        if self.is_named(span.start, &span.service) {
            self.stats.spans += 1;
            self.stats.errors += u64::from(span.is_error);
            self.count_service(&span.service);
            operation = match self.query.by {
                StatsBy::Operation => Some(Operation { service: Some(span.service), name: Some(span.name) }),
                StatsBy::Service => Some(Operation { service: Some(span.service), name: None }),
                StatsBy::Model => span.model.map(|model| Operation { service: None, name: Some(model) }),
                // Only checkpoints have sources.
                StatsBy::Source | StatsBy::Nothing => None,
            };
        }
        let interval = Interval { span_id: span.span_id, parent: span.parent, start: span.start, end: span.end };
        (span.trace_id, StatsSpan { operation, interval, is_error: span.is_error })
    }

    fn finish(mut self) -> Stats {
        for spans in self.partial.values() {
            self.rows.add_trace(spans);
        }
        for (_, mut checkpoints) in std::mem::take(&mut self.partial_checkpoints) {
            self.add_runs(&mut checkpoints);
        }
        let (services, operations) = (self.services.len() as u64, self.rows.finish_by(self.query.by));
        Stats { services, operations, ..self.stats }.with_traces(&self.starts, self.query.by)
    }
}

/// Whether a query asks for a record of this start and service.
fn is_named(query: &StatsQuery, start: Nanos, service: &Text) -> bool {
    query.since.is_none_or(|since| start >= since)
        && query.until.is_none_or(|until| start < until)
        && query.service.as_ref().is_none_or(|wanted| service == wanted.as_str())
}
