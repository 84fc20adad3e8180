//! A record of any kind: what the kinds have in common, for all who handle them alike.

use crate::model::{
    Batch, Checkpoint, LogRecord, Nanos, RecordKind, Resource, Scope, Severity, Span, Text, TimeBounds, TraceFold,
    TraceId,
};

/// What a record, an event or a link takes besides texts and values, in bytes.
const ENTRY_BYTES: usize = 64;

/// A record of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A span.
    Span(Span),
    /// An entry or exit.
    Checkpoint(Checkpoint),
    /// A log record.
    Log(LogRecord),
}

impl Record {
    /// Which kind the record is of.
    pub fn kind(&self) -> RecordKind {
        match self {
            Record::Span(_) => RecordKind::Spans,
            Record::Checkpoint(_) => RecordKind::Checkpoints,
            Record::Log(_) => RecordKind::Logs,
        }
    }

    /// The trace the record belongs to; log records may have none.
    pub fn trace_id(&self) -> Option<&TraceId> {
        match self {
            Record::Span(span) => Some(&span.trace_id),
            Record::Checkpoint(checkpoint) => Some(&checkpoint.trace_id),
            Record::Log(log) => log.trace_id.as_ref(),
        }
    }

    /// When the record began.
    pub fn start(&self) -> Nanos {
        match self {
            Record::Span(span) => span.start,
            Record::Checkpoint(checkpoint) => checkpoint.time(),
            Record::Log(log) => log.time,
        }
    }

    /// When the record ended; only spans take any time.
    pub fn end(&self) -> Nanos {
        match self {
            Record::Span(span) => span.end,
            other => other.start(),
        }
    }

    /// The service of the record; of a checkpoint, the source.
    pub fn service(&self) -> &Text {
        match self {
            Record::Span(span) => span.service(),
            Record::Checkpoint(checkpoint) => &checkpoint.source_id,
            Record::Log(log) => &log.resource.service,
        }
    }

    /// How bad the record is: a failed span counts as an error, any other span and every checkpoint as info.
    pub fn severity(&self) -> Severity {
        match self {
            Record::Span(span) if span.is_error() => Severity::Error,
            Record::Span(_) | Record::Checkpoint(_) => Severity::Info,
            Record::Log(log) => log.severity,
        }
    }

    /// Whether it is known with what request the record came, which only log records say.
    pub fn has_request(&self) -> bool {
        matches!(self, Record::Log(log) if log.request != 0)
    }

    /// The project the record was put in; empty for none.
    pub fn project(&self) -> &str {
        match self {
            Record::Span(span) => span.resource.project(),
            Record::Checkpoint(checkpoint) => &checkpoint.project,
            Record::Log(log) => log.resource.project(),
        }
    }

    /// Adds the record to the fold of its trace; only times within `bounds` are believed.
    pub fn add_to(&self, fold: &mut TraceFold, bounds: &TimeBounds) {
        match self {
            Record::Span(span) => fold.add_span(span, bounds),
            Record::Checkpoint(checkpoint) => fold.add_checkpoint(checkpoint, bounds),
            Record::Log(log) => fold.add_log(log, bounds),
        }
    }

    /// Adds the record to a batch.
    pub fn push_to(self, batch: &mut Batch) {
        match self {
            Record::Span(span) => batch.spans.push(span),
            Record::Checkpoint(checkpoint) => batch.checkpoints.push(checkpoint),
            Record::Log(log) => batch.logs.push(log),
        }
    }

    /// About how many bytes the record holds, those shared with others included: what bounds an answer, since every
    /// record is written out whole.
    pub fn bytes(&self) -> usize {
        match self {
            Record::Span(span) => span_bytes(span),
            Record::Checkpoint(checkpoint) => checkpoint_bytes(checkpoint),
            Record::Log(log) => log_bytes(log),
        }
    }
}

/// [`Record::bytes`] of a span.
fn span_bytes(span: &Span) -> usize {
    let texts = [&span.trace_state, &span.name, &span.status.message];
    let events = span.events.iter().map(|event| ENTRY_BYTES + event.name.len() + event.attributes.bytes());
    let links = span.links.iter().map(|link| ENTRY_BYTES + link.trace_state.len() + link.attributes.bytes());
    ENTRY_BYTES
        + texts.iter().map(|text| text.len()).sum::<usize>()
        + span.attributes.bytes()
        + events.sum::<usize>()
        + links.sum::<usize>()
        + shared_bytes(&span.resource, &span.scope)
}

/// [`Record::bytes`] of a checkpoint.
pub fn checkpoint_bytes(checkpoint: &Checkpoint) -> usize {
    let texts = [
        &checkpoint.source_id,
        &checkpoint.correlation_id,
        &checkpoint.suffix,
        &checkpoint.operation,
        &checkpoint.endpoint,
        &checkpoint.hostname,
        &checkpoint.project,
    ];
    let optional = [&checkpoint.data, &checkpoint.raw_line];
    ENTRY_BYTES
        + texts.iter().map(|text| text.len()).sum::<usize>()
        + optional.into_iter().flatten().map(|text| text.len()).sum::<usize>()
}

/// [`Record::bytes`] of a log record.
pub fn log_bytes(log: &LogRecord) -> usize {
    ENTRY_BYTES + log.message.len() + log.attributes.bytes() + shared_bytes(&log.resource, &log.scope)
}

fn shared_bytes(resource: &Resource, scope: &Scope) -> usize {
    resource.attributes.bytes() + scope.name.len() + scope.version.len() + scope.attributes.bytes()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Attributes, Value};

    #[test]
    fn a_record_is_as_large_as_everything_that_is_written_of_it() {
        let long = || Value::String(Text::from("x".repeat(1_000)));
        let nested = Value::Map(vec![(Text::from("k"), Value::Array(vec![long(), Value::Int(1)]))]);
        let resource = Arc::new(Resource::new(Attributes(vec![(Text::from("r"), long())])));
        let log = LogRecord {
            message: Text::from("y".repeat(500)),
            attributes: Attributes(vec![(Text::from("a"), nested)]),
            resource,
            ..LogRecord::default()
        };
        let bytes = Record::Log(log).bytes();
        assert!((2_500..2_700).contains(&bytes), "{bytes}");
    }
}
