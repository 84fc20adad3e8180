//! Runs: equal siblings that follow each other, such as one query made once per item.
//!
//! Pictures fold them into one line, and findings ask why there are so many; both read the same runs.

use super::report::TraceReport;
use super::steps::Step;
use crate::model::stats::percentile;
use crate::model::{Nanos, Span, display_name};

/// Equal siblings that follow each other, by start. Spans are named by their index in the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The siblings, by start.
    pub members: Vec<usize>,
    /// When the first of the siblings started.
    pub start: Nanos,
    /// When the last of the siblings ended.
    pub end: Nanos,
    /// Nanoseconds in which at least one sibling ran.
    pub busy_ns: u64,
    /// Nanoseconds the siblings spent themselves, at most `busy_ns`.
    pub self_ns: u64,
    /// Median of the durations.
    pub p50_ns: u64,
    /// The longest of the durations.
    pub max_ns: u64,
    /// Whether each sibling waited for the one before.
    pub is_serial: bool,
    /// How many spans lie below the siblings.
    pub below: usize,
}

impl Run {
    /// Sums up siblings, given by start.
    pub fn new(report: &TraceReport, members: Vec<usize>) -> Run {
        let spans = || members.iter().map(|index| &report.trace.spans[*index]);
        let mut durations: Vec<u64> = spans().map(Span::duration_ns).collect();
        durations.sort_unstable();
        let (mut busy_ns, mut until) = (0, Nanos(0));
        for span in spans() {
            busy_ns += span.end.since(span.start.max(until));
            until = until.max(span.end);
        }
        let total: u64 = durations.iter().fold(0, |sum, duration| sum.saturating_add(*duration));
        let own = members.iter().fold(0_u64, |sum, index| sum.saturating_add(report.self_ns[*index]));
        let start = spans().map(|span| span.start).min().unwrap_or_default();
        Run {
            start,
            end: until.max(start),
            busy_ns,
            self_ns: own.min(busy_ns),
            p50_ns: percentile(&durations, 50),
            max_ns: durations.last().copied().unwrap_or(0),
            // Calls that overlap by more than a tenth were not made one after another.
            is_serial: busy_ns >= total - total / 10,
            below: members.iter().map(|index| report.tree.size[*index] - 1).sum(),
            members,
        }
    }
}

/// Siblings, given by start, cut wherever one is not equal to the next.
pub fn equal_siblings<'a>(report: &TraceReport, siblings: &'a [usize]) -> impl Iterator<Item = &'a [usize]> {
    siblings.chunk_by(|a, b| is_equal(report, *a, *b))
}

fn is_equal(report: &TraceReport, a: usize, b: usize) -> bool {
    let (one, other) = (&report.trace.spans[a], &report.trace.spans[b]);
    let ends_alike = match (report.steps.get(a), report.steps.get(b)) {
        // What ran inside an open operation may be why it is open.
        (Some(Step::Open), Some(Step::Open)) => [a, b].iter().all(|index| report.tree.size[*index] == 1),
        (step, next) => step == next && one.end.0 > 0 && other.end.0 > 0,
    };
    let same_outcome = (one.is_error(), report.failed[a]) == (other.is_error(), report.failed[b]);
    // Names that are shown are made of attributes, so they are made only for spans that are alike in all else.
    let same_sender = one.name == other.name && one.service() == other.service();
    ends_alike && same_outcome && same_sender && display_name(one) == display_name(other)
}
