//! The documents that are printed, and their fields.

use super::shape::{
    Field,
    Inner::{Object, Open, Plain, Rows},
    Shape, joined,
};

/// Elements of `list`.
pub static SUMMARY: Shape = Shape { fields: &SUMMARY_FIELDS, id: "trace_id" };
const SUMMARY_FIELDS: [Field; 18] = [
    ("trace_id", Plain),
    ("name", Plain),
    ("service", Plain),
    ("services", Plain),
    ("workflow", Plain),
    ("kinds", Plain),
    ("status", Plain),
    ("start_time", Plain),
    ("end_time", Plain),
    ("duration_ms", Plain),
    ("duration_ns", Plain),
    ("span_count", Plain),
    ("checkpoint_count", Plain),
    ("log_count", Plain),
    ("error_count", Plain),
    ("complete", Plain),
    ("tokens", Object(&["input", "output"])),
    ("cost", Object(&["amount", "currency"])),
];

/// The document of `show`.
pub static TRACE: Shape = Shape { fields: &TRACE_FIELDS, id: "trace_id" };
static TRACE_FIELDS: [Field; 24] = joined(&[
    &[("schema", Plain)],
    &SUMMARY_FIELDS,
    &[
        ("spans", Rows(&SPAN)),
        ("checkpoints", Open),
        ("logs", Open),
        ("operations", Open),
        ("findings", Rows(&FINDING)),
    ],
]);

/// Elements of `spans` in `show`.
pub static SPAN: Shape = Shape { fields: &SPAN_FIELDS, id: "span_id" };
const SPAN_FIELDS: [Field; 24] = [
    ("span_id", Plain),
    ("parent_span_id", Plain),
    ("name", Plain),
    ("kind", Plain),
    ("service", Plain),
    ("start_time", Plain),
    ("end_time", Plain),
    ("duration_ms", Plain),
    ("duration_ns", Plain),
    ("self_ms", Plain),
    ("status", Plain),
    ("status_message", Plain),
    ("attributes", Open),
    ("events", Open),
    ("links", Open),
    ("resource", Open),
    ("scope", Open),
    ("warnings", Plain),
    ("trace_state", Plain),
    ("flags", Plain),
    ("dropped_attributes_count", Plain),
    ("dropped_events_count", Plain),
    ("dropped_links_count", Plain),
    ("resource_schema_url", Plain),
];

/// Elements of `findings` in `show`.
pub static FINDING: Shape = Shape {
    fields: &[
        ("kind", Plain),
        ("spans", Plain),
        ("parent_span_id", Plain),
        ("after_span_id", Plain),
        ("before_span_id", Plain),
        ("count", Plain),
        ("total_ms", Plain),
        ("total_ns", Plain),
        ("gap_ms", Plain),
        ("gap_ns", Plain),
        ("share", Plain),
    ],
    id: "kind",
};

/// Elements of `logs`.
pub static LOG: Shape = Shape { fields: &LOG_FIELDS, id: "id" };
const LOG_FIELDS: [Field; 21] = [
    ("id", Plain),
    ("time", Plain),
    ("level", Plain),
    ("message", Plain),
    ("service", Plain),
    ("environment", Plain),
    ("host", Plain),
    ("pid", Plain),
    ("thread_id", Plain),
    ("module", Plain),
    ("trace_id", Plain),
    ("span_id", Plain),
    ("error_type", Plain),
    ("error_message", Plain),
    ("stack_trace", Plain),
    ("issue_id", Plain),
    ("sdk_version", Plain),
    ("extra", Open),
    ("resource", Open),
    ("scope", Open),
    ("resource_schema_url", Plain),
];

/// Records of any kind, as `tail` prints them; what a kind does not have is `null`.
pub static RECORD: Shape = Shape { fields: &RECORD_FIELDS, id: "trace_id" };
static RECORD_FIELDS: [Field; 53] = joined(&[
    &[("kind", Plain), ("trace_id", Plain)],
    &{
        let mut fields = SPAN_FIELDS;
        // The kind of a span, not of record.
        fields[3].0 = "span_kind";
        fields
    },
    &[
        ("source_id", Plain),
        ("correlation_id", Plain),
        ("timestamp", Plain),
        ("suffix", Plain),
        ("direction", Plain),
        ("operation", Plain),
        ("endpoint", Plain),
        ("data", Open),
        ("hostname", Plain),
        ("raw_line", Plain),
        ("project", Plain),
        ("data_text", Plain),
    ],
    &LOG_FIELDS,
]);

/// Elements of `issues`.
pub static ISSUE: Shape = Shape { fields: &ISSUE_FIELDS, id: "id" };
const ISSUE_FIELDS: [Field; 17] = [
    ("id", Plain),
    ("status", Plain),
    ("title", Plain),
    ("error_type", Plain),
    ("message", Plain),
    ("culprit", Plain),
    ("service", Plain),
    ("environments", Plain),
    ("first_seen", Plain),
    ("last_seen", Plain),
    ("event_count", Plain),
    ("trace_count", Plain),
    ("fingerprint", Plain),
    ("sample_trace_ids", Plain),
    ("project", Plain),
    ("regressed", Plain),
    ("counts", Open),
];

/// The document of `issues show`.
pub static ISSUE_DETAIL: Shape = Shape { fields: &ISSUE_DETAIL_FIELDS, id: "id" };
static ISSUE_DETAIL_FIELDS: [Field; 21] = joined(&[
    &ISSUE_FIELDS,
    &[
        ("stack_trace", Plain),
        ("fingerprints", Plain),
        ("history", Open),
        ("why", Object(&["algorithm", "error_type", "text", "frames", "causes", "custom"])),
    ],
]);

/// The document of `stats`.
pub static STATS: Shape = Shape {
    fields: &[
        ("schema", Plain),
        ("traces", Plain),
        ("spans", Plain),
        ("checkpoints", Plain),
        ("logs", Plain),
        ("issues", Plain),
        ("errors", Plain),
        ("services", Plain),
        ("first_time", Plain),
        ("last_time", Plain),
        ("database", Object(&["location", "size_bytes", "retention_hours"])),
        ("operations", Rows(&OPERATION)),
        ("failed_traces", Plain),
        ("timeline", Open),
    ],
    id: "traces",
};

/// Elements of `operations` in `stats`.
pub static OPERATION: Shape = Shape {
    fields: &[
        ("service", Plain),
        ("name", Plain),
        ("calls", Plain),
        ("errors", Plain),
        ("error_rate", Plain),
        ("p50_ms", Plain),
        ("p95_ms", Plain),
        ("p99_ms", Plain),
        ("max_ms", Plain),
        ("total_ms", Plain),
        ("self_ms", Plain),
        ("p50_ns", Plain),
        ("p95_ns", Plain),
        ("p99_ns", Plain),
        ("max_ns", Plain),
        ("total_ns", Plain),
        ("self_ns", Plain),
        ("histogram", Plain),
        ("records", Plain),
        ("open", Plain),
    ],
    id: "name",
};

/// Elements of `keys list`, and the document of `keys revoke`.
pub static KEY: Shape = Shape {
    fields: &[
        ("id", Plain),
        ("project", Plain),
        ("prefix", Plain),
        ("scopes", Plain),
        ("created", Plain),
        ("last_used", Plain),
        ("revoked", Plain),
    ],
    id: "id",
};

/// The document of `keys create`.
pub static ISSUED: Shape = Shape {
    fields: &[("id", Plain), ("project", Plain), ("key", Plain), ("scopes", Plain), ("created", Plain)],
    id: "key",
};

/// The document of `clear`.
pub static REMOVED: Shape = Shape {
    fields: &[
        ("dry_run", Plain),
        ("traces", Plain),
        ("spans", Plain),
        ("checkpoints", Plain),
        ("logs", Plain),
        ("issues", Plain),
    ],
    id: "traces",
};

/// The document of `import`.
pub static IMPORTED: Shape = Shape {
    fields: &[
        ("read", Plain),
        ("accepted", Plain),
        ("duplicates", Plain),
        ("skipped", Plain),
        ("source", Plain),
        ("target", Plain),
        ("errors", Open),
    ],
    id: "source",
};

/// The document of `trace current`.
pub static CURRENT: Shape =
    Shape { fields: &[("trace_id", Plain), ("span_id", Plain), ("source", Plain), ("sampled", Plain)], id: "trace_id" };

/// The document of `trace new`.
pub static FRESH: Shape =
    Shape { fields: &[("trace_id", Plain), ("span_id", Plain), ("traceparent", Plain)], id: "trace_id" };

/// The document of `log`.
pub static LOGGED: Shape = Shape {
    fields: &[("outcome", Plain), ("trace_id", Plain), ("target", Plain), ("kept_in", Plain), ("reason", Plain)],
    id: "trace_id",
};

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value as Json};

    use super::*;
    use crate::model::{
        Nanos, OperationStats, Span, SpanId, Stats, Trace, TraceId,
        json::{issue_detail_to_json, issue_to_json, operation_to_json, span_to_json, stats_to_json, summary_to_json},
    };

    #[test]
    fn shapes_are_those_of_the_documents() {
        let keys = |document: &Map<String, Json>| document.keys().cloned().collect::<Vec<_>>();
        let names = |shape: &Shape| shape.fields.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
        let span = Span {
            trace_id: TraceId::Otel([1; 16]),
            span_id: SpanId([1; 8]),
            parent_span_id: None,
            trace_state: Default::default(),
            flags: 0,
            name: "a".into(),
            kind: Default::default(),
            start: Nanos(1),
            end: Nanos(2),
            attributes: Default::default(),
            dropped_attributes: 0,
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            status: Default::default(),
            resource: Default::default(),
            scope: Default::default(),
        };
        assert_eq!(keys(&span_to_json(&span, 0, &[])), names(&SPAN));
        let trace = Trace::new(TraceId::Otel([1; 16]), vec![span], Vec::new(), Vec::new()).expect("a span");
        assert_eq!(keys(&summary_to_json(&trace.summary)), names(&SUMMARY));
        assert_eq!(keys(&crate::query::TraceReport::new(trace).to_json()), names(&TRACE));
        let checkout = crate::query::samples::checkout().to_json();
        assert_eq!(keys(checkout["findings"][0].as_object().expect("an object")), names(&FINDING));
        assert_eq!(keys(&stats_to_json(&Stats::default())), names(&STATS));
        let issue = crate::query::samples::issue().detail;
        assert_eq!(keys(&issue_to_json(&issue.issue)), names(&ISSUE));
        assert_eq!(keys(&issue_detail_to_json(&issue)), names(&ISSUE_DETAIL));
        let operation = operation_to_json(&OperationStats::default());
        assert_eq!(keys(operation.as_object().expect("an object")), names(&OPERATION));
    }
}
