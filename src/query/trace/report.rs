//! One trace, worked out: its spans in tree order with self times and warnings, its checkpoints as operations.

use rustc_hash::FxHashMap;

use super::issues::TraceIssues;
use super::steps::Steps;
use super::tree::{Tree, intervals};
use super::warnings::{Warning, warnings};
use crate::model::checkpoint_pairs::{Paired, pair};
use crate::model::self_time::{Interval, self_times};
use crate::model::{Nanos, Span, TimeBounds, Trace};

/// A trace and what was found out about it. Vectors go by the index of a span in the trace.
#[derive(Debug, Clone)]
pub struct TraceReport {
    /// The trace. Times of spans that cannot be stand in it as zero, which is what senders give for a time they do not
    /// know; [`Self::sent_times`] has them as they were sent.
    pub trace: Trace,
    /// Start and end of spans, by index, of which one cannot be, as they were sent.
    pub sent_times: FxHashMap<usize, (Nanos, Nanos)>,
    /// The shape of the trace.
    pub tree: Tree,
    /// Nanoseconds each span did not spend waiting in its children.
    pub self_ns: Vec<u64>,
    /// Whether each span, or anything below it, failed.
    pub failed: Vec<bool>,
    /// What is odd about each span; mostly empty.
    pub warnings: Vec<Vec<Warning>>,
    /// What the checkpoints say; indices of checkpoints are those in the trace.
    pub operations: Paired,
    /// Which spans are made of checkpoints; none unless [`TraceReport::with_steps`] put them there.
    pub steps: Steps,
    /// Issues the errors belong to; none unless somebody looked them up.
    pub issues: TraceIssues,
}

impl TraceReport {
    /// Works out tree order, self times and warnings; O(n log n) for any shape of trace.
    pub fn new(mut trace: Trace) -> TraceReport {
        let bounds = bounds(&trace);
        let tree = Tree::new(&trace.spans);
        let warnings = warnings(&trace.spans, &tree, &bounds);
        let sent_times = set_impossible_times_to_zero(&mut trace.spans, &bounds);
        let self_ns = self_times(&timed_intervals(&trace.spans));
        let failed = failed(&trace.spans, &tree);
        let operations = pair(&trace.checkpoints);
        let (steps, issues) = (Steps::default(), TraceIssues::default());
        TraceReport { trace, sent_times, tree, self_ns, failed, warnings, operations, steps, issues }
    }

    /// Whether a time of a record can be, as far as the other records of the trace say.
    pub fn believes(&self, time: Nanos) -> bool {
        bounds(&self.trace).has(time)
    }

    /// From the first start to the last end of spans. Spans without a start or an end would make that decades, so
    /// those times do not count; where there are no others, both are the start of the trace.
    pub fn stretch(&self, spans: &[usize]) -> (Nanos, Nanos) {
        let times = || {
            let times = spans.iter().flat_map(|index| [self.trace.spans[*index].start, self.trace.spans[*index].end]);
            times.filter(|time| time.0 > 0)
        };
        let start = self.trace.summary.start;
        (times().min().unwrap_or(start), times().max().unwrap_or(start))
    }
}

/// Which times of the records of a trace can be.
fn bounds(trace: &Trace) -> TimeBounds {
    TimeBounds::of_trace(trace.summary.start, trace.summary.end)
}

/// Puts zero where a start or an end cannot be; what was there, by the index of the span.
fn set_impossible_times_to_zero(spans: &mut [Span], bounds: &TimeBounds) -> FxHashMap<usize, (Nanos, Nanos)> {
    let mut sent_times = FxHashMap::default();
    for (index, span) in spans.iter_mut().enumerate() {
        let sent = (span.start, span.end);
        if !bounds.has(span.start) {
            (span.start, span.end) = (Nanos(0), Nanos(0));
        } else if bounds.end(span.start, span.end).is_none() {
            span.end = Nanos(0);
        }
        if sent != (span.start, span.end) {
            sent_times.insert(index, sent);
        }
    }
    sent_times
}

/// What self times depend on: of spans that nobody knows the duration of only the start counts.
fn timed_intervals(spans: &[Span]) -> Vec<Interval> {
    let mut intervals = intervals(spans);
    for interval in intervals.iter_mut().filter(|interval| interval.end == Nanos(0)) {
        interval.end = interval.start;
    }
    intervals
}

fn failed(spans: &[Span], tree: &Tree) -> Vec<bool> {
    let mut failed: Vec<bool> = spans.iter().map(Span::is_error).collect();
    for index in tree.order.iter().rev() {
        if let (true, Some(parent)) = (failed[*index], tree.parent[*index]) {
            failed[parent] = true;
        }
    }
    failed
}
