//! What the columns need of a record beyond the model: its kind by itself, and the order of rows. Sealing, reading,
//! removing and scanning are written once, and only what lies in the columns differs from kind to kind.

use std::cmp::Ordering;

use crate::model::{Checkpoint, LogRecord, Record, Span, Text, TraceId};

/// Stands for the trace of log records that belong to none; no trace has an empty id.
pub static NO_TRACE: TraceId = TraceId::Text(Text::EMPTY);

impl Record {
    /// The trace the record lies under; [`NO_TRACE`] when it belongs to none.
    pub fn trace_key(&self) -> &TraceId {
        self.trace_id().unwrap_or(&NO_TRACE)
    }

    /// The spans among records.
    pub fn spans<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<&'r Span> {
        let span = |record: &'r Record| if let Record::Span(span) = record { Some(span) } else { None };
        records.into_iter().filter_map(span).collect()
    }

    /// The checkpoints among records.
    pub fn checkpoints<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<&'r Checkpoint> {
        let checkpoint =
            |record: &'r Record| if let Record::Checkpoint(checkpoint) = record { Some(checkpoint) } else { None };
        records.into_iter().filter_map(checkpoint).collect()
    }

    /// The log records among records.
    pub fn logs<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<&'r LogRecord> {
        let log = |record: &'r Record| if let Record::Log(log) = record { Some(log) } else { None };
        records.into_iter().filter_map(log).collect()
    }

    /// The order of rows in a segment: by trace, then time, then what tells records of one instant apart.
    pub fn order(&self, other: &Record) -> Ordering {
        let rest = || match (self, other) {
            (Record::Span(a), Record::Span(b)) => (a.start, a.span_id).cmp(&(b.start, b.span_id)),
            (Record::Checkpoint(a), Record::Checkpoint(b)) => {
                let by_time = a.timestamp_ms.total_cmp(&b.timestamp_ms);
                by_time.then_with(|| a.suffix.cmp(&b.suffix))
            }
            (a, b) => a.start().cmp(&b.start()),
        };
        self.trace_key().cmp(other.trace_key()).then_with(rest)
    }
}
