//! Traces: the records of one request chain, and what is worked out of them.

pub mod checkpoint_pairs;
pub mod genai;
pub mod self_time;

mod fold;
mod summary;

use super::{Checkpoint, LogRecord, Span, TraceId};

pub use fold::{Candidate, TraceFold, UsageSum};
pub use summary::{Cost, Tokens, TraceStatus, TraceSummary};

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
    /// Sorts the records of a trace and folds them; `None` when there are none.
    pub fn new(
        id: TraceId,
        mut spans: Vec<Span>,
        mut checkpoints: Vec<Checkpoint>,
        mut logs: Vec<LogRecord>,
    ) -> Option<Trace> {
        spans.sort_by_key(|span| (span.start, span.span_id));
        checkpoints.sort_by(|a, b| a.timestamp_ms.total_cmp(&b.timestamp_ms).then_with(|| a.suffix.cmp(&b.suffix)));
        logs.sort_by_key(|log| log.time);
        let mut fold = TraceFold::default();
        spans.iter().for_each(|span| fold.add_span(span));
        checkpoints.iter().for_each(|checkpoint| fold.add_checkpoint(checkpoint));
        logs.iter().for_each(|log| fold.add_log(log));
        let summary = fold.finish(id)?;
        Some(Trace { summary, spans, checkpoints, logs })
    }
}
