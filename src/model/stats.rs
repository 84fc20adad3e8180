//! Statistics: totals, a time line, and one row per operation.
//!
//! [`StatsFold`] is how every store works them out: it knows what a query asks for and is given one trace at a time, so
//! memory is bounded by the largest trace and the durations themselves. Percentiles are exact (nearest rank).

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::checkpoint_pairs::pair;
#[cfg(feature = "app")]
use crate::model::filter::{Filter, RecordRef, Subject};
use crate::model::time::NANOS_PER_MS as MS;
use crate::model::trace::genai;
use crate::model::trace::self_time::{Interval, revised, self_times};
#[cfg(feature = "app")]
use crate::model::{Batch, Trace};
use crate::model::{
    Checkpoint, Kind, Nanos, Operation, Severity, Span, SpanId, StatsBy, StatsQuery, Text, TimeBounds, TraceFold,
    TraceId,
};

/// Bars in a time line.
pub const TIMELINE_BARS: usize = 24;
/// Upper bounds of the latency histogram's bars but the last, nanoseconds.
pub const HISTOGRAM_BOUNDS_NS: [u64; 11] =
    [MS, 2 * MS, 5 * MS, 10 * MS, 20 * MS, 50 * MS, 100 * MS, 200 * MS, 500 * MS, 1_000 * MS, 5_000 * MS];

/// What a store holds, in numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stats {
    /// Traces.
    pub traces: u64,
    /// Traces with errors.
    pub failed: u64,
    /// Spans.
    pub spans: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Log records.
    pub logs: u64,
    /// Open issues.
    pub issues: u64,
    /// Failed spans and error logs.
    pub errors: u64,
    /// Services.
    pub services: u64,
    /// Start of the earliest trace.
    pub first: Option<Nanos>,
    /// Start of the latest trace.
    pub last: Option<Nanos>,
    /// Where all this lies.
    pub database: DatabaseInfo,
    /// Traces and errors over time; `None` when there are no traces.
    pub timeline: Option<Timeline>,
    /// Rows, largest self time first.
    pub operations: Vec<OperationStats>,
}

/// Where a store lies and how big it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseInfo {
    /// Absolute path or redacted URL.
    pub location: String,
    /// Bytes on disk.
    pub size_bytes: u64,
    /// How long records are kept; `None` when no server ever said.
    pub retention_seconds: Option<u64>,
    /// How many of its rows do not decode and were put aside or passed over; `None` for a store that cannot know.
    pub damaged_rows: Option<u64>,
}

/// Counts in equal steps of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Start of the first step.
    pub start: Nanos,
    /// Length of a step, nanoseconds, at least 1.
    pub step_ns: u64,
    /// Traces that started in each step.
    pub traces: Vec<u64>,
    /// Failed traces that started in each step.
    pub errors: Vec<u64>,
}

/// Calls, errors and latency of one operation (or service, source, model).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperationStats {
    /// What the row stands for.
    pub operation: Operation,
    /// How many spans, and checkpoint entries that have their exit.
    pub calls: u64,
    /// How many calls failed.
    pub errors: u64,
    /// Median duration, nanoseconds.
    pub p50_ns: u64,
    /// 95th percentile, nanoseconds.
    pub p95_ns: u64,
    /// 99th percentile, nanoseconds.
    pub p99_ns: u64,
    /// The longest duration, nanoseconds.
    pub max_ns: u64,
    /// Sum of durations, nanoseconds.
    pub total_ns: u64,
    /// Sum of self times, nanoseconds.
    pub self_ns: u64,
    /// Calls by duration, as far as their times say it: one bar per bound of [`HISTOGRAM_BOUNDS_NS`] and one above.
    pub histogram: Vec<u64>,
    /// Records the row was made of: one a span, and every checkpoint, also those that make no call.
    pub records: u64,
    /// Checkpoint entries without an exit; they are no calls yet.
    pub open: u64,
}

/// What statistics need of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanForStats {
    /// The trace of the span.
    pub trace_id: TraceId,
    /// The id of the span.
    pub span_id: SpanId,
    /// The span this one was started in; `None` for a root.
    pub parent: Option<SpanId>,
    /// The name of the span.
    pub name: Text,
    /// The service of the span.
    pub service: Text,
    /// When the span started.
    pub start: Nanos,
    /// When the span ended.
    pub end: Nanos,
    /// The role of the span in a call.
    pub kind: Kind,
    /// Whether the status of the span is an error.
    pub is_error: bool,
    /// The AI model the span called, when asked for and named.
    pub model: Option<Text>,
}

impl From<&Span> for SpanForStats {
    fn from(span: &Span) -> SpanForStats {
        SpanForStats {
            trace_id: span.trace_id.clone(),
            span_id: span.span_id,
            parent: span.parent_span_id,
            name: span.name.clone(),
            service: span.service().clone(),
            start: span.start,
            end: span.end,
            kind: span.kind,
            is_error: span.is_error(),
            model: genai::model(&span.attributes),
        }
    }
}

/// A span that was counted and still waits for its self time, which needs the other spans of its trace.
#[derive(Debug, Clone)]
pub struct Call {
    /// The row the call counts in; `None` when the grouping or the filter leaves it out (it still shortens its parent).
    operation: Option<Operation>,
    /// Ids and times of the span.
    interval: Interval,
    /// How long the call took, nanoseconds; `None` when its times do not say.
    duration_ns: Option<u64>,
    /// Whether the span was counted.
    is_counted: bool,
    /// Whether the call failed.
    is_error: bool,
}

/// Works out [`Stats`] as a query asks for them. Traces are counted by their start, records by theirs; a service
/// narrows both to what is its own.
///
/// A store gives every trace to [`StatsFold::add_trace`] and, of those that count, the spans to [`StatsFold::add_span`]
/// and [`StatsFold::add_calls`] and the checkpoints to [`StatsFold::add_checkpoints`]; all its log records may go to
/// [`StatsFold::add_log`]. Issues and [`Stats::database`] are left to the store.
#[derive(Debug)]
pub struct StatsFold<'q> {
    query: &'q StatsQuery,
    /// Start and failure of each trace that is counted.
    starts: Vec<(Nanos, bool)>,
    services: FxHashSet<Text>,
    rows: FxHashMap<Operation, Row>,
    stats: Stats,
}

/// What the calls of one operation add up to.
#[derive(Debug, Default)]
struct Row {
    durations: Vec<u64>,
    /// Calls whose times do not say how long they took.
    untimed: u64,
    errors: u64,
    self_ns: u64,
    records: u64,
    open: u64,
}

impl<'q> StatsFold<'q> {
    /// Statistics of nothing yet.
    pub fn new(query: &'q StatsQuery) -> StatsFold<'q> {
        StatsFold {
            query,
            starts: Vec::new(),
            services: FxHashSet::default(),
            rows: FxHashMap::default(),
            stats: Stats::default(),
        }
    }

    /// Counts a trace by what its records add up to, and says whether its spans and checkpoints are to be given too.
    pub fn add_trace(&mut self, trace: &TraceFold) -> bool {
        let StatsQuery { since, until, service, .. } = self.query;
        if service.as_ref().is_some_and(|service| trace.services.binary_search(service).is_err()) {
            return false;
        }
        let starts_before_end = until.is_none_or(|until| trace.start_ns < until.0);
        if starts_before_end && since.is_none_or(|since| trace.start_ns >= since.0) {
            self.starts.push((Nanos(trace.start_ns), trace.errors > 0));
        }
        starts_before_end && since.is_none_or(|since| trace.end_ns >= since.0)
    }

    /// Counts a span of a trace whose times rule within `bounds`; the calls of a whole trace then go to
    /// [`Self::add_calls`] together.
    pub fn add_span(&mut self, span: SpanForStats, bounds: &TimeBounds) -> Call {
        self.add_span_if(true, span, bounds)
    }

    /// As [`Self::add_span`], but with false nothing is counted: such a span only shortens its parent.
    pub fn add_span_if(&mut self, is_asked: bool, span: SpanForStats, bounds: &TimeBounds) -> Call {
        let mut operation = None;
        let is_counted = is_asked && is_named(self.query, bounds.believe(span.start), &span.service);
        if is_counted {
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
        let duration_ns = bounds.duration_ns(span.start, span.end);
        let end = Nanos(span.start.0.saturating_add(duration_ns.unwrap_or(0)));
        let SpanForStats { span_id, parent, start, kind, is_error, .. } = span;
        let interval = Interval { span_id, parent, kind, start, end };
        Call { operation, interval, duration_ns, is_counted, is_error }
    }

    /// Adds the calls of all spans of one trace; a trace given in two parts gets wrong self times, so give it whole.
    pub fn add_calls(&mut self, calls: &[Call]) {
        let intervals: Vec<Interval> = calls.iter().map(|call| call.interval).collect();
        let is_revised = revised(&intervals);
        for ((call, own), is_revised) in calls.iter().zip(self_times(&intervals)).zip(is_revised) {
            if is_revised {
                self.stats.spans -= u64::from(call.is_counted);
                continue;
            }
            let Some(operation) = &call.operation else { continue };
            let row = self.row(operation);
            row.add_call(call.duration_ns, own);
            row.errors += u64::from(call.is_error);
            row.records += 1;
        }
    }

    /// Counts all checkpoints of one trace, in their order, and the operations they make; the times of the trace rule
    /// within `bounds`. A trace given in two parts loses the pairs between them, so give it whole.
    pub fn add_checkpoints(&mut self, checkpoints: &[Checkpoint], bounds: &TimeBounds) {
        self.add_checkpoints_if(|_| true, checkpoints, bounds);
    }

    /// As [`Self::add_checkpoints`], but only those count whose place is asked for.
    pub fn add_checkpoints_if(
        &mut self,
        is_asked: impl Fn(usize) -> bool,
        checkpoints: &[Checkpoint],
        bounds: &TimeBounds,
    ) {
        let query = self.query;
        let counts = |place: usize, one: &Checkpoint| {
            is_asked(place) && is_named(query, bounds.believe(one.time()), &one.source_id)
        };
        for (_, checkpoint) in checkpoints.iter().enumerate().filter(|(place, one)| counts(*place, one)) {
            self.stats.checkpoints += 1;
            self.count_service(&checkpoint.source_id);
            if let Some(operation) = checkpoint_row(checkpoint, query.by) {
                self.row(&operation).records += 1;
            }
        }
        let time = |index: usize| checkpoints.get(index).map_or(Nanos(0), Checkpoint::time);
        let id = |index: usize| SpanId((index as u64 + 1).to_be_bytes());
        let operations = pair(checkpoints).operations;
        let intervals: Vec<Interval> = operations
            .iter()
            .enumerate()
            .map(|(index, one)| {
                let start = time(one.enter);
                let end = one.exit.map_or(start, time);
                let end = bounds.duration_ns(start, end).map_or(start, |_| end);
                Interval { span_id: id(index), parent: one.parent.map(id), kind: Kind::Internal, start, end }
            })
            .collect();
        for ((one, interval), own) in operations.iter().zip(&intervals).zip(self_times(&intervals)) {
            // What the query does not ask for still shortens the operations it ran inside.
            let entry = checkpoints.get(one.enter).filter(|entry| counts(one.enter, entry));
            let Some(operation) = entry.and_then(|entry| checkpoint_row(entry, query.by)) else { continue };
            let row = self.row(&operation);
            match one.exit {
                Some(exit) => row.add_call(bounds.duration_ns(interval.start, time(exit)), own),
                None => row.open += 1,
            }
        }
    }

    /// Counts a whole trace as the records of it that a filter is true of; the caller knows that there are some.
    #[cfg(feature = "app")]
    pub fn add_filtered_trace(&mut self, filter: &Filter, fold: &TraceFold, trace: &Trace) {
        if !self.add_trace(fold) {
            return;
        }
        let ruling = fold.ruling_bounds();
        let facts = filter.facts_of(trace);
        let is_asked = |record: RecordRef<'_>| filter.matches(&Subject { record, trace: Some(&facts) });
        let call = |span: &Span| self.add_span_if(is_asked(RecordRef::Span(span)), span.into(), &ruling);
        let calls: Vec<Call> = trace.spans.iter().map(call).collect();
        self.add_calls(&calls);
        let asked: Vec<bool> = trace.checkpoints.iter().map(|one| is_asked(RecordRef::Checkpoint(one))).collect();
        let is_at = |place: usize| asked.get(place).copied().unwrap_or(false);
        self.add_checkpoints_if(is_at, &trace.checkpoints, &ruling);
        for log in trace.logs.iter().filter(|log| is_asked(RecordRef::Log(log))) {
            self.add_log(log.time, log.severity, &log.resource.service);
        }
    }

    /// Counts a log record.
    pub fn add_log(&mut self, time: Nanos, severity: Severity, service: &Text) {
        if is_named(self.query, time, service) {
            self.stats.logs += 1;
            self.stats.errors += u64::from(severity >= Severity::Error);
            self.count_service(service);
        }
    }

    fn count_service(&mut self, service: &Text) {
        if !self.services.contains(service) {
            self.services.insert(service.clone());
        }
    }

    /// The row of an operation, empty when the operation is new.
    fn row(&mut self, operation: &Operation) -> &mut Row {
        // The key is only copied when it is new; entries would copy it every time.
        if !self.rows.contains_key(operation) {
            self.rows.insert(operation.clone(), Row::default());
        }
        self.rows.get_mut(operation).expect("inserted above")
    }

    /// Counts a trace by all its records, of which nobody noted when they were received: only they say whether its times
    /// can be.
    #[cfg(feature = "app")]
    pub fn add_whole(&mut self, records: &Batch) {
        let (mut trace, bounds) = (TraceFold::default(), TimeBounds::ALL);
        records.spans.iter().for_each(|span| trace.add_span(span, &bounds));
        records.checkpoints.iter().for_each(|checkpoint| trace.add_checkpoint(checkpoint, &bounds));
        if trace.is_empty() {
            return;
        }
        if let Some(filter) = &self.query.filter {
            let of_span = records.spans.first().map(|span| &span.trace_id);
            let id = of_span.or_else(|| records.checkpoints.first().map(|checkpoint| &checkpoint.trace_id));
            let whole = id.and_then(|id| Trace::within(&bounds, id.clone(), records.clone()));
            if let Some(whole) = whole.filter(|whole| filter.matches_trace(whole)) {
                self.add_filtered_trace(filter, &trace, &whole);
            }
            return;
        }
        if !self.add_trace(&trace) {
            return;
        }
        let ruling = trace.ruling_bounds();
        let calls: Vec<Call> = records.spans.iter().map(|span| self.add_span(span.into(), &ruling)).collect();
        self.add_calls(&calls);
        self.add_checkpoints(&records.checkpoints, &ruling);
    }

    /// The statistics; those by nothing have no time line.
    pub fn finish(self) -> Stats {
        let StatsFold { query: StatsQuery { by, .. }, starts, services, rows, stats } = self;
        Stats {
            traces: starts.len() as u64,
            failed: starts.iter().filter(|(_, failed)| *failed).count() as u64,
            services: services.len() as u64,
            first: starts.iter().map(|(start, _)| *start).min(),
            last: starts.iter().map(|(start, _)| *start).max(),
            timeline: if *by == StatsBy::Nothing { None } else { Timeline::of(starts.into_iter()) },
            operations: sorted_rows(rows, *by),
            ..stats
        }
    }
}

/// Whether a query asks for a record of this start and service.
fn is_named(query: &StatsQuery, start: Nanos, service: &Text) -> bool {
    query.since.is_none_or(|since| start >= since)
        && query.until.is_none_or(|until| start < until)
        && query.service.as_ref().is_none_or(|wanted| service == wanted.as_str())
}

/// The rows that have a call or an open operation, largest self time first, then by name. Those of sources come in the
/// order of who sends most, also sources that make no call.
fn sorted_rows(rows: FxHashMap<Operation, Row>, by: StatsBy) -> Vec<OperationStats> {
    let mut operations: Vec<OperationStats> = rows.into_iter().map(|(operation, row)| row.finish(operation)).collect();
    operations.sort_by(|a, b| b.self_ns.cmp(&a.self_ns).then_with(|| a.operation.cmp(&b.operation)));
    match by {
        StatsBy::Source => operations.sort_by_key(|row| std::cmp::Reverse(row.records)),
        _ => operations.retain(|row| row.calls > 0 || row.open > 0),
    }
    operations
}

/// The row a checkpoint counts in; `None` when the grouping has none for it.
fn checkpoint_row(checkpoint: &Checkpoint, by: StatsBy) -> Option<Operation> {
    let service = Some(checkpoint.source_id.clone());
    match by {
        StatsBy::Operation => Some(Operation { service, name: Some(checkpoint.name()) }),
        StatsBy::Service | StatsBy::Source => Some(Operation { service, name: None }),
        StatsBy::Model | StatsBy::Nothing => None,
    }
}

impl Row {
    fn add_call(&mut self, duration_ns: Option<u64>, self_ns: u64) {
        match duration_ns {
            None => self.untimed += 1,
            Some(duration_ns) => {
                self.durations.push(duration_ns);
                self.self_ns = self.self_ns.saturating_add(self_ns);
            }
        }
    }

    fn finish(mut self, operation: Operation) -> OperationStats {
        self.durations.sort_unstable();
        let mut histogram = vec![0; HISTOGRAM_BOUNDS_NS.len() + 1];
        for duration in &self.durations {
            histogram[HISTOGRAM_BOUNDS_NS.partition_point(|bound| bound < duration)] += 1;
        }
        OperationStats {
            operation,
            calls: self.durations.len() as u64 + self.untimed,
            errors: self.errors,
            p50_ns: percentile(&self.durations, 50),
            p95_ns: percentile(&self.durations, 95),
            p99_ns: percentile(&self.durations, 99),
            max_ns: self.durations.last().copied().unwrap_or(0),
            total_ns: self.durations.iter().fold(0, |sum, duration| sum.saturating_add(*duration)),
            self_ns: self.self_ns,
            histogram,
            records: self.records,
            open: self.open,
        }
    }
}

/// The nearest-rank percentile of sorted values; zero when there are none.
pub fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

impl Timeline {
    /// Counts traces, given as start and whether it failed; `None` when there are none.
    pub fn of(traces: impl Iterator<Item = (Nanos, bool)> + Clone) -> Option<Timeline> {
        let start = traces.clone().map(|(start, _)| start).min()?;
        let last = traces.clone().map(|(start, _)| start).max()?;
        let step_ns = (last.since(start) / TIMELINE_BARS as u64).saturating_add(1);
        let mut timeline = Timeline { start, step_ns, traces: vec![0; TIMELINE_BARS], errors: vec![0; TIMELINE_BARS] };
        for (begin, failed) in traces {
            let bar = usize::try_from(begin.since(start) / step_ns).unwrap_or(0).min(TIMELINE_BARS - 1);
            timeline.traces[bar] += 1;
            timeline.errors[bar] += u64::from(failed);
        }
        Some(timeline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn percentiles_are_nearest_rank() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!([50, 95, 99].map(|percent| percentile(&values, percent)), [50, 95, 99]);
        assert_eq!(percentile(&[7], 50), 7);
        assert_eq!(percentile(&[], 99), 0);
    }

    #[test]
    fn rows_are_sorted_by_self_time_and_a_left_out_span_still_shortens_its_parent() {
        let span = |id: u64, parent: u64, start: u64, end: u64, name: Option<&str>| Call {
            operation: name.map(|name| Operation { service: None, name: Some(Text::from(name)) }),
            interval: Interval {
                span_id: SpanId(id.to_be_bytes()),
                parent: (parent > 0).then(|| SpanId(parent.to_be_bytes())),
                kind: Kind::Internal,
                start: Nanos(start),
                end: Nanos(end),
            },
            duration_ns: Some(end - start),
            is_counted: false,
            is_error: id == 2,
        };
        let query = StatsQuery::default();
        let mut fold = StatsFold::new(&query);
        fold.add_calls(&[span(1, 0, 0, 100, Some("a")), span(2, 1, 10, 70, Some("b")), span(3, 1, 80, 90, None)]);
        let rows = fold.finish().operations;
        assert_eq!(rows.iter().map(|row| (row.self_ns, row.errors)).collect::<Vec<_>>(), [(60, 1), (30, 0)]);
    }

    fn checkpoint(line: &str) -> Checkpoint {
        let words: Vec<&str> = line.split(' ').collect();
        Checkpoint {
            source_id: Text::from(words[1]),
            correlation_id: Text::from("c"),
            trace_id: TraceId::Text(Text::from_static("c")),
            timestamp_ms: words[0].parse().expect("a number"),
            suffix: Text::EMPTY,
            direction: crate::model::Direction::parse(words[2]),
            operation: Text::from("REST"),
            endpoint: Text::from(words[3]),
            data: None,
            hostname: Text::from("h"),
            raw_line: None,
            project: Text::EMPTY,
        }
    }

    #[test]
    fn pairs_are_calls_and_every_checkpoint_counts_for_its_source() {
        let lines =
            ["1 MA -> a", "2 WK -> b", "5 WK <- b", "7 WK -> stuck", "9 MA <- a", "9 WK <- never", "9 WK == note"];
        let checkpoints = lines.map(checkpoint);
        let rows = |by| {
            let query = StatsQuery { by, ..StatsQuery::default() };
            let mut fold = StatsFold::new(&query);
            fold.add_checkpoints(&checkpoints, &TimeBounds::ALL);
            let row = |row: OperationStats| {
                let name = [row.operation.service, row.operation.name].map(Option::unwrap_or_default).join(" ");
                format!("{name}: {} of {} records, {} open, {}ns", row.calls, row.records, row.open, row.self_ns)
            };
            fold.finish().operations.into_iter().map(row).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(rows(StatsBy::Source), @r"
        WK : 1 of 5 records, 1 open, 3000000ns
        MA : 1 of 2 records, 0 open, 5000000ns
        ");
        insta::assert_snapshot!(rows(StatsBy::Operation), @r"
        MA REST a: 1 of 2 records, 0 open, 5000000ns
        WK REST b: 1 of 2 records, 0 open, 3000000ns
        WK REST stuck: 0 of 1 records, 1 open, 0ns
        ");
        assert_eq!(rows(StatsBy::Model), "");
    }

    #[test]
    fn a_time_line_counts_every_trace_once() {
        let starts = [(Nanos(5), false), (Nanos(5), true), (Nanos(1_000), false)];
        let timeline = Timeline::of(starts.into_iter()).expect("traces");
        assert_eq!(timeline.traces.iter().sum::<u64>(), 3);
        assert_eq!((timeline.traces[0], timeline.errors[0], timeline.traces[TIMELINE_BARS - 1]), (2, 1, 1));
    }
}
