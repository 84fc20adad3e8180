//! The documents that are printed: their fields, most of them as the model states them, and what lies in those.

use crate::model::grouping::Why;
use crate::model::json::{Document, LOG_KEYS};
use crate::model::{
    AttributeCount, Cause, Checkpoint, Contrast, Cost, DatabaseInfo, Issue, IssueDetail, Key, OperationStats, Removed,
    SavedFilter, Span, Stats, Tokens, TraceSummary,
};
use crate::query::current::Current;
use crate::view::machine::shape::Inner::{Object, Open, Rows};
use crate::view::machine::shape::Shape;

const TOKENS: (&str, super::Inner) = ("tokens", Object(&[Tokens::KEYS]));
const COST: (&str, super::Inner) = ("cost", Object(&[Cost::KEYS]));

/// Elements of `list`.
pub static SUMMARY: Shape = Shape { keys: &[TraceSummary::KEYS], inner: &[TOKENS, COST], id: "trace_id" };

/// The document of `show`.
pub static TRACE: Shape = Shape {
    keys: &[&["schema"], TraceSummary::KEYS, &["spans", "checkpoints", "logs", "operations", "findings"]],
    inner: &[
        TOKENS,
        COST,
        ("spans", Rows(&SPAN)),
        ("checkpoints", Open),
        ("logs", Open),
        ("operations", Open),
        ("findings", Rows(&FINDING)),
    ],
    id: "trace_id",
};

/// Elements of `spans` in `show`.
pub static SPAN: Shape = Shape {
    keys: &[Span::KEYS],
    inner: &[("attributes", Open), ("events", Open), ("links", Open), ("resource", Open), ("scope", Open)],
    id: "span_id",
};

/// Elements of `spans`: the trace, then the span as `show` has it.
pub static TRACED_SPAN: Shape = Shape {
    keys: &[&["trace_id"], Span::KEYS],
    inner: &[("attributes", Open), ("events", Open), ("links", Open), ("resource", Open), ("scope", Open)],
    id: "trace_id",
};

/// Elements of `search`: the record as `tail` prints it, and where the text stands in it.
pub static HIT: Shape = Shape {
    keys: &[
        &["kind", "trace_id", "hits"],
        Span::KEYS.split_at(SPAN_KIND).0,
        &["span_kind"],
        Span::KEYS,
        Checkpoint::KEYS,
        LOG_KEYS,
    ],
    inner: RECORD.inner,
    id: "trace_id",
};

/// Elements of `findings` in `show`.
pub static FINDING: Shape = Shape {
    keys: &[&[
        "kind",
        "spans",
        "parent_span_id",
        "after_span_id",
        "before_span_id",
        "count",
        "total_ms",
        "total_ns",
        "gap_ms",
        "gap_ns",
        "share",
    ]],
    inner: &[],
    id: "kind",
};

/// Elements of `logs`.
pub static LOG: Shape =
    Shape { keys: &[LOG_KEYS], inner: &[("extra", Open), ("resource", Open), ("scope", Open)], id: "id" };

/// Records of any kind, as `tail` prints them; what a kind does not have is `null`. The kind of a span is `span_kind`
/// here, where its `kind` stands elsewhere.
pub static RECORD: Shape = Shape {
    keys: &[
        &["kind", "trace_id"],
        Span::KEYS.split_at(SPAN_KIND).0,
        &["span_kind"],
        Span::KEYS,
        Checkpoint::KEYS,
        LOG_KEYS,
    ],
    inner: &[
        ("attributes", Open),
        ("events", Open),
        ("links", Open),
        ("resource", Open),
        ("scope", Open),
        ("data", Open),
        ("extra", Open),
    ],
    id: "trace_id",
};

/// Place of `kind` among the keys of a span.
const SPAN_KIND: usize = 3;

/// Elements of `issues`.
pub static ISSUE: Shape = Shape { keys: &[Issue::KEYS], inner: &[("counts", Open)], id: "id" };

/// The document of `issues show`.
pub static ISSUE_DETAIL: Shape = Shape {
    keys: &[Issue::KEYS, IssueDetail::KEYS],
    inner: &[("counts", Open), ("history", Open), ("why", Object(&[Why::KEYS]))],
    id: "id",
};

/// The document of `stats`.
pub static STATS: Shape = Shape {
    keys: &[Stats::KEYS],
    inner: &[("database", Object(&[DatabaseInfo::KEYS])), ("operations", Rows(&OPERATION)), ("timeline", Open)],
    id: "traces",
};

/// Elements of `operations` in `stats`.
pub static OPERATION: Shape = Shape { keys: &[OperationStats::KEYS], inner: &[], id: "name" };

/// The document of `stats --by KEY`.
pub static GROUPS: Shape =
    Shape { keys: &[&["schema", "by", "total", "groups"]], inner: &[("groups", Rows(&GROUP))], id: "total" };

/// Rows of `stats --by KEY`: the values of the keys, what the calls add up to, and with `--over` the same of each step.
pub static GROUP: Shape = Shape {
    keys: &[&["group", "calls", "errors", "error_rate", "p50_ms", "p95_ms", "p99_ms", "max_ms", "total_ms", "series"]],
    inner: &[("group", Open), ("series", Open)],
    id: "calls",
};

/// The document of `stats` with a TraceQL measure.
pub static MEASURED: Shape = Shape {
    keys: &[&["schema", "query", "step_ms", "spans", "series"]],
    inner: &[("series", Rows(&SERIES))],
    id: "query",
};

/// Series of a TraceQL measure: labels, the number of the last step, and those of all steps.
pub static SERIES: Shape =
    Shape { keys: &[&["labels", "value", "values"]], inner: &[("labels", Open), ("values", Open)], id: "value" };

/// The document of `why`.
pub static CONTRAST: Shape =
    Shape { keys: &[Contrast::KEYS], inner: &[("causes", Rows(&CAUSE))], id: "selected_traces" };

/// Rows of `why`: what sets the selected traces apart.
pub static CAUSE: Shape = Shape { keys: &[Cause::KEYS], inner: &[("terms", Open), ("same", Open)], id: "terms" };

/// Elements of `attrs`.
pub static ATTRIBUTE: Shape = Shape { keys: &[AttributeCount::KEYS], inner: &[], id: "key" };

/// Elements of `query list`, and the document of `query show` and `query save`.
pub static SAVED_FILTER: Shape = Shape { keys: &[SavedFilter::KEYS], inner: &[], id: "name" };

/// Elements of `keys list`, and the document of `keys revoke`.
pub static KEY: Shape = Shape { keys: &[Key::KEYS], inner: &[], id: "id" };

/// The document of `keys create`.
pub static ISSUED: Shape =
    Shape { keys: &[&["id", "project", "key", "scopes", "created", "limit_rate"]], inner: &[], id: "key" };

/// The document of `clear`.
pub static REMOVED: Shape = Shape { keys: &[&["dry_run"], Removed::KEYS], inner: &[], id: "traces" };

/// The document of `clear --redact`.
pub static REWRITTEN: Shape = Shape {
    keys: &[&["dry_run", "records", "with_secrets", "secrets", "removed_unreadable"]],
    inner: &[],
    id: "secrets",
};

/// The document of `import`.
pub static IMPORTED: Shape = Shape {
    keys: &[&["read", "accepted", "duplicates", "skipped", "source", "target", "errors", "removed"]],
    inner: &[("errors", Open)],
    id: "source",
};

/// The document of `trace current`.
pub static CURRENT: Shape = Shape { keys: &[Current::KEYS], inner: &[], id: "trace_id" };

/// The document of `trace new`.
pub static FRESH: Shape = Shape { keys: &[&["trace_id", "span_id", "traceparent"]], inner: &[], id: "trace_id" };

/// The document of `log`.
pub static LOGGED: Shape =
    Shape { keys: &[&["outcome", "trace_id", "target", "kept_in", "reason"]], inner: &[], id: "trace_id" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_of_show_has_the_fields_of_its_shape() {
        use crate::query::{TraceReport, samples};
        let report = TraceReport::new(samples::trace(vec![samples::span("a", 1, 0, 1, 2)]));
        let document = report.to_json();
        assert_eq!(document.keys().collect::<Vec<_>>(), TRACE.names());
    }

    #[test]
    fn a_span_has_another_name_for_its_kind_among_records_of_all_kinds() {
        let names = RECORD.names();
        assert_eq!(names[..7], ["kind", "trace_id", "span_id", "parent_span_id", "name", "span_kind", "service"]);
        assert_eq!(names.len(), 55);
    }

    #[test]
    fn only_fields_that_are_there_hold_more_than_a_value() {
        for shape in [&SUMMARY, &TRACE, &SPAN, &LOG, &RECORD, &ISSUE, &ISSUE_DETAIL, &STATS, &IMPORTED] {
            assert!(shape.inner.iter().all(|(name, _)| shape.names().contains(name)), "{shape:?}");
        }
    }
}
