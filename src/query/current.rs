//! The current trace, as an environment names it, and fresh ids to start one.
//!
//! Pure functions: whoever calls them reads the environment and the random bytes.

use crate::model::json::document::document;
use crate::model::words::words;
use crate::model::{SpanId, TraceId};

pub use crate::model::Traceparent;

/// The variables that may name a trace, as they are set; one that is empty counts as not set.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment<'a> {
    /// The value of `TRACEPARENT`.
    pub traceparent: Option<&'a str>,
    /// The value of `TRACEHUB_TRACE_ID`.
    pub trace_id: Option<&'a str>,
    /// The value of `TRACEHUB_CORRELATION_ID`.
    pub correlation_id: Option<&'a str>,
}

words! {
    /// Which variable named the trace.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Source {
        /// `TRACEPARENT`
        Traceparent = "TRACEPARENT",
        /// `TRACEHUB_TRACE_ID`
        TraceId = "TRACEHUB_TRACE_ID",
        /// `TRACEHUB_CORRELATION_ID`
        CorrelationId = "TRACEHUB_CORRELATION_ID",
    }
}

/// The trace a process runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// The id of the trace.
    pub trace_id: TraceId,
    /// The span the process runs in; only `TRACEPARENT` names one.
    pub span_id: Option<SpanId>,
    /// The variable that named the trace.
    pub source: Source,
    /// Whether the trace is being recorded; `None` when nobody said.
    pub sampled: Option<bool>,
}

document! {
    Current as current {
        "trace_id": trace_id,
        "span_id": span_id,
        "source": source,
        "sampled": sampled,
    }
}

/// The current trace: `TRACEPARENT`, else `TRACEHUB_TRACE_ID`, else `TRACEHUB_CORRELATION_ID`. A value that is no id
/// is passed over as if it were not set; `None` when none names a trace.
pub fn current(environment: &Environment<'_>) -> Option<Current> {
    if let Some(parent) = environment.traceparent.and_then(Traceparent::parse) {
        return Some(Current {
            trace_id: parent.trace_id,
            span_id: Some(parent.span_id),
            source: Source::Traceparent,
            sampled: Some(parent.sampled),
        });
    }
    let named = |value: Option<&str>, source| {
        let trace_id = TraceId::parse(value?).ok()?;
        Some(Current { trace_id, span_id: None, source, sampled: None })
    };
    named(environment.trace_id, Source::TraceId).or_else(|| named(environment.correlation_id, Source::CorrelationId))
}

/// Writes a sampled version 00 header; `None` for a correlation id, which the header cannot carry.
pub fn format_traceparent(trace_id: &TraceId, span_id: SpanId) -> Option<String> {
    match trace_id {
        TraceId::Otel(_) => Some(format!("00-{trace_id}-{span_id}-01")),
        TraceId::Text(_) => None,
    }
}

/// A trace id of random bytes; never the invalid zero id.
pub fn new_trace_id(random: [u8; 16]) -> TraceId {
    TraceId::Otel(if random == [0; 16] { [1; 16] } else { random })
}

/// A span id of random bytes; never the invalid zero id.
pub fn new_span_id(random: [u8; 8]) -> SpanId {
    SpanId(if random == [0; 8] { [1; 8] } else { random })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_header_names_trace_span_and_sampling() {
        let parent = Traceparent::parse(HEADER).expect("valid");
        assert_eq!(format_traceparent(&parent.trace_id, parent.span_id).as_deref(), Some(HEADER));
        assert!(parent.sampled);
        assert!(!Traceparent::parse(&HEADER.replace("-01", "-02")).expect("valid").sampled);
    }

    #[test]
    fn the_first_variable_that_names_a_trace_wins_and_a_broken_one_is_passed_over() {
        let all = Environment { traceparent: Some(HEADER), trace_id: Some("abc"), correlation_id: Some("cli-1") };
        let source = |environment: &Environment<'_>| current(environment).map(|found| found.source);
        assert_eq!(source(&all), Some(Source::Traceparent));
        assert_eq!(source(&Environment { traceparent: Some("00-broken"), ..all }), Some(Source::TraceId));
        assert_eq!(source(&Environment { traceparent: None, trace_id: Some(""), ..all }), Some(Source::CorrelationId));
        assert_eq!(source(&Environment::default()), None);
    }

    #[test]
    fn fresh_ids_are_never_zero() {
        assert_eq!(new_span_id([0; 8]), SpanId([1; 8]));
        assert_eq!(new_trace_id([0; 16]), TraceId::Otel([1; 16]));
        assert_eq!(new_trace_id([3; 16]), TraceId::Otel([3; 16]));
    }
}
