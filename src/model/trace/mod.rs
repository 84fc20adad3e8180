//! Traces: the records of one request chain, and what is worked out of them.

pub mod checkpoint_pairs;
pub mod genai;
pub mod self_time;

mod candidate;
mod display_name;
mod fold;
mod odd_times;
mod span_usage;
mod summary;
pub mod time_bounds;
mod usage_sum;

use super::{Batch, Checkpoint, LogRecord, Span, TraceId};

pub use candidate::Candidate;
pub use display_name::display_name;
pub use fold::TraceFold;
pub use odd_times::{Era, OddTimes, Unbelieved};
pub use span_usage::SpanUsage;
pub use summary::{Cost, Tokens, TraceStatus, TraceSummary};
pub use time_bounds::TimeBounds;
pub use usage_sum::UsageSum;

/// A whole trace: the summary and all records.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The fold of the records of the trace.
    pub summary: TraceSummary,
    /// The spans, by start time, then span id.
    pub spans: Vec<Span>,
    /// The checkpoints, by time, then suffix.
    pub checkpoints: Vec<Checkpoint>,
    /// The log records, by time.
    pub logs: Vec<LogRecord>,
}

impl Trace {
    /// Sorts the records of a trace and folds them, whatever their times; `None` when there are none.
    pub fn new(id: TraceId, spans: Vec<Span>, checkpoints: Vec<Checkpoint>, logs: Vec<LogRecord>) -> Option<Trace> {
        Trace::within(&TimeBounds::ALL, id, Batch { spans, checkpoints, logs })
    }

    /// Sorts the records of a trace and folds them; only times within `bounds` are believed. Of a span that was sent when
    /// it started and again when it ended the latter stays. `None` when there are no records.
    pub fn within(bounds: &TimeBounds, id: TraceId, records: Batch) -> Option<Trace> {
        let Batch { mut spans, mut checkpoints, mut logs } = records;
        spans.sort_by_key(|span| (span.start, span.span_id));
        drop_revised(&mut spans);
        checkpoints.sort_by(|a, b| a.timestamp_ms.total_cmp(&b.timestamp_ms).then_with(|| a.suffix.cmp(&b.suffix)));
        logs.sort_by_key(|log| log.time);
        let mut fold = TraceFold::default();
        spans.iter().for_each(|span| fold.add_span(span, bounds));
        checkpoints.iter().for_each(|checkpoint| fold.add_checkpoint(checkpoint, bounds));
        logs.iter().for_each(|log| fold.add_log(log, bounds));
        if !fold.usages.is_empty() {
            fold.note_parents(&spans.iter().map(|span| (span.span_id, span.parent_span_id)).collect());
        }
        let summary = fold.finish(id)?;
        Some(Trace { summary, spans, checkpoints, logs })
    }
}

/// Drops spans that were sent again later on.
fn drop_revised(spans: &mut Vec<Span>) {
    // They are sorted by start and id, so what may be one span stands together, and hardly any does.
    if spans.windows(2).all(|pair| (pair[0].start, pair[0].span_id) != (pair[1].start, pair[1].span_id)) {
        return;
    }
    let intervals: Vec<self_time::Interval> = spans.iter().map(self_time::Interval::from).collect();
    let mut is_revised = self_time::revised(&intervals).into_iter();
    spans.retain(|_| !is_revised.next().unwrap_or(false));
}
