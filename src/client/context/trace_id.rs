//! The trace of what a program is doing right now, and the HTTP headers by which it is handed on.
//!
//! A log record's trace id and a checkpoint's correlation id are one thing, so they are one context:
//! [`super::correlation`] keeps it for threads and async tasks alike. Here are its names for those who log, and what
//! an inbound request may say.

use std::time::{SystemTime, UNIX_EPOCH};

use super::correlation::{CorrelationGuard, CurrentTrace, WithCorrelationId};
use crate::client::random::random_bits;
use crate::model::{SpanId, Text, TraceId, Traceparent};

/// The header that carries a trace id as it is.
pub const TRACE_ID_HEADER: &str = "x-trace-id";
/// The header of the W3C that names trace and span.
pub const TRACEPARENT_HEADER: &str = "traceparent";
/// Longest inbound id that is taken over.
const LONGEST_ID_BYTES: usize = 128;

// A trace id is read and set by the functions for the correlation id, under names of its own.
pub use super::correlation::{
    correlation_id as trace_id, set_correlation_id as set_trace_id, with_correlation_id as with_trace_id,
    with_current_correlation_id as with_current_trace_id,
};

/// The span set innermost for this thread or task: the caller's, by its `traceparent`; `None` when none is known.
pub fn span_id() -> Option<SpanId> {
    CurrentTrace::get().span_id
}

/// Sets the trace and the span that a [`traceparent`](https://www.w3.org/TR/trace-context/#traceparent-header) names,
/// such as that of the environment variable `TRACEPARENT`, for this thread until the guard is dropped.
pub fn set_traceparent(parent: &Traceparent) -> CorrelationGuard {
    CurrentTrace::from(parent).set()
}

/// Runs `future` with the trace and the span of a `traceparent`, on whichever threads it is polled.
pub fn with_traceparent<F: Future>(parent: &Traceparent, future: F) -> WithCorrelationId<F> {
    CurrentTrace::from(parent).carry(future)
}

impl From<&Traceparent> for CurrentTrace {
    fn from(parent: &Traceparent) -> CurrentTrace {
        CurrentTrace { id: Some(Text::from(parent.trace_id.to_string())), span_id: Some(parent.span_id) }
    }
}

/// A fresh trace id, 32 hex digits. Good enough to tell traces apart, not for secrets.
pub fn new_trace_id() -> Text {
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let random = |salt: u8| u128::from(random_bits((salt, moment, std::process::id())));
    let id = (random(1) << 64 | random(2)).max(1);
    Text::from(TraceId::Otel(id.to_be_bytes()).to_string())
}

/// The trace id of a request by its headers: `X-Trace-ID` if it is 1 to 128 letters, digits, dashes and underscores,
/// else the one in `traceparent`, else a fresh one.
pub fn trace_id_of_request(trace_id: Option<&str>, traceparent: Option<&str>) -> Text {
    read_request_context(trace_id, traceparent).0
}

/// The trace id of a request as [`trace_id_of_request`] reads it, and the caller's span where both headers are about one
/// trace.
pub(crate) fn read_request_context(trace_id: Option<&str>, traceparent: Option<&str>) -> (Text, Option<SpanId>) {
    let parent = traceparent.and_then(|header| Traceparent::parse(header.trim()));
    let parent = parent.map(|parent| (Text::from(parent.trace_id.to_string()), Some(parent.span_id)));
    match trace_id.map(str::trim).filter(|id| is_acceptable(id)) {
        Some(id) => parent.filter(|(parent_id, _)| parent_id == id).unwrap_or_else(|| (Text::from(id), None)),
        None => parent.unwrap_or_else(|| (new_trace_id(), None)),
    }
}

/// Whether a stranger's id may be taken over: it is echoed and stored, so it must be harmless.
fn is_acceptable(id: &str) -> bool {
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_ID_BYTES).contains(&id.len()) && id.bytes().all(is_harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_harmless_header_wins_then_the_traceparent_then_a_fresh_id() {
        let longest = "a".repeat(128);
        let parent_id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let too_long = "a".repeat(129);
        let cases = [
            (Some("req-12_AZ"), Some(PARENT), Some("req-12_AZ")),
            (Some(longest.as_str()), None, Some(longest.as_str())),
            (Some(too_long.as_str()), Some(PARENT), Some(parent_id)),
            (Some(""), Some(PARENT), Some(parent_id)),
            (Some("a b"), Some(PARENT), Some(parent_id)),
            (Some("a\r\nSet-Cookie: x"), Some(PARENT), Some(parent_id)),
            (Some("ünïcode"), Some(PARENT), Some(parent_id)),
            (None, Some("00-nonsense"), None),
            (None, None, None),
        ];
        for (header, parent, expected) in cases {
            let found = trace_id_of_request(header, parent);
            match expected {
                Some(expected) => assert_eq!(found, expected, "{header:?} {parent:?}"),
                None => assert!(found.len() == 32 && found.bytes().all(|byte| byte.is_ascii_hexdigit()), "{found}"),
            }
        }
    }

    #[test]
    fn the_span_of_a_traceparent_is_known_while_its_trace_is() {
        let parent = Traceparent::parse(PARENT).expect("valid");
        let known = || (trace_id().map(|id| id.to_string()), span_id().map(|id| id.to_string()));
        let _outer = set_traceparent(&parent);
        let whole = (Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()), Some("00f067aa0ba902b7".to_owned()));
        assert_eq!(known(), whole);
        {
            let _inner = set_trace_id("another");
            assert_eq!(known(), (Some("another".to_owned()), None));
        }
        assert_eq!(known(), whole);
    }

    #[test]
    fn a_request_has_the_callers_span_where_its_headers_are_about_one_trace() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (header, knows) in [(None, true), (Some(id), true), (Some("req-1"), false), (Some("a b"), true)] {
            let (_, span_id) = read_request_context(header, Some(PARENT));
            assert_eq!(span_id.is_some(), knows, "{header:?}");
        }
        assert_eq!(read_request_context(Some(id), None), (Text::from(id), None));
    }

    #[test]
    fn fresh_ids_differ() {
        let ids: std::collections::HashSet<Text> = (0..100).map(|_| new_trace_id()).collect();
        assert_eq!(ids.len(), 100);
    }

    #[test]
    fn the_trace_id_of_a_log_record_is_the_correlation_id_of_a_checkpoint() {
        let _id = set_trace_id("req-1");
        assert_eq!(crate::client::correlation_id(), trace_id());
        assert_eq!(trace_id().as_deref(), Some("req-1"));
    }
}
