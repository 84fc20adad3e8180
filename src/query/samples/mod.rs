//! What the tests of this floor and of the views ask about: small spans of numbers, and the traces, lists and
//! statistics of the mock-ups.

mod answers;
mod traces;

use std::sync::Arc;

use crate::model::{Attributes, Kind, LogRecord, Nanos, Resource, Scope, Span, SpanId, Status, Text, Trace, TraceId};

pub(crate) use answers::{all_issues, issue, issues, list, stats};
pub(crate) use traces::{agent, checkout, checkpoint, done, joined, logged_checkout, only_logs, stuck, timed};

/// 2026-11-21 09:14:02.117 UTC.
pub(crate) const START: u64 = 1_795_252_442_117_000_000;
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// A span id of a number.
pub(crate) fn id(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

/// A span of numbers; parent 0 is none; times in nanoseconds.
pub(crate) fn span(name: &str, number: u64, parent: u64, start: u64, end: u64) -> Span {
    Span {
        trace_id: TraceId::Otel([7; 16]),
        span_id: id(number),
        parent_span_id: (parent > 0).then(|| id(parent)),
        trace_state: Text::EMPTY,
        flags: 1,
        name: Text::from(name),
        kind: Kind::Internal,
        start: Nanos(start),
        end: Nanos(end),
        attributes: Attributes::EMPTY,
        dropped_attributes: 0,
        events: Vec::new(),
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: Status::default(),
        resource: service("app"),
        scope: Arc::new(Scope::default()),
    }
}

/// A resource that is a service.
pub(crate) fn service(name: &str) -> Arc<Resource> {
    Arc::new(Resource::new([("service.name", name)].into_iter().collect()))
}

/// A trace of spans.
pub(crate) fn trace(spans: Vec<Span>) -> Trace {
    let none: Vec<LogRecord> = Vec::new();
    Trace::new(TraceId::Otel([7; 16]), spans, Vec::new(), none).expect("spans")
}
