//! The [`traceparent`](https://www.w3.org/TR/trace-context/#traceparent-header) header, by which services tell each
//! other the trace they work in.
//!
//! Read strictly, as the standard rules, because it comes from strangers.

use crate::model::id::from_hex;
use crate::model::{SpanId, TraceId};

/// The sampled bit of the [trace flags](https://www.w3.org/TR/trace-context/#trace-flags).
const SAMPLED: u8 = 1;

/// A parsed [`traceparent`](https://www.w3.org/TR/trace-context/#traceparent-header).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traceparent {
    /// The trace the caller works in.
    pub trace_id: TraceId,
    /// The span the call comes from.
    pub span_id: SpanId,
    /// Whether the caller records its spans.
    pub sampled: bool,
}

impl Traceparent {
    /// Reads a header as the standard rules: lower-case hex, no zero ids, version `ff` never, version `00` exactly 55
    /// characters, later versions the same fields and then the end or a dash. `None` when any of it is off.
    pub fn parse(header: &str) -> Option<Traceparent> {
        let header = header.as_bytes();
        let (head, tail) = header.split_at_checked(55)?;
        if head.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        let mut fields = head.split(|byte| *byte == b'-');
        let [version] = from_hex(fields.next()?)?;
        let trace_id = TraceId::from_otel_bytes(&from_hex::<16>(fields.next()?)?).ok()?;
        let span_id = SpanId::from_bytes(&from_hex::<8>(fields.next()?)?).ok()?;
        let [flags] = from_hex(fields.next()?)?;
        // The lengths of four fields and three dashes add up to 55, so that nothing is left.
        let tail_is_fine = tail.is_empty() || (version != 0 && tail.starts_with(b"-"));
        (version != 0xff && tail_is_fine).then_some(Traceparent { trace_id, span_id, sampled: flags & SAMPLED != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_the_standard_calls_invalid_is_no_header() {
        let invalid = [
            HEADER.to_uppercase(),
            HEADER.replacen("00-", "ff-", 1),
            HEADER.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            HEADER.replace("00f067aa0ba902b7", &"0".repeat(16)),
            format!("{HEADER}-extra"),
            HEADER[..54].to_owned(),
            HEADER.replace('-', "_"),
            "ünïcode".repeat(10),
            String::new(),
        ];
        for header in invalid {
            assert_eq!(Traceparent::parse(&header), None, "{header}");
        }
    }

    #[test]
    fn later_versions_may_carry_more_after_a_dash() {
        let later = HEADER.replacen("00-", "cc-", 1);
        assert!(Traceparent::parse(&later).is_some());
        assert!(Traceparent::parse(&format!("{later}-what-ever")).is_some());
        assert!(Traceparent::parse(&format!("{later}.what")).is_none());
    }
}
