//! What terms ask of the trace of a record: its summary, and where a term needs it what follows from all its records.

use rustc_hash::{FxHashMap, FxHashSet};

use super::traceql::{SpanKey, SpanQuery};
use crate::model::grouping::of_spans;
use crate::model::self_time::{Interval, self_times};
use crate::model::{Attributes, IssueId, SpanId, StatusCode, Trace, TraceSummary};

/// Attributes that name the session or conversation a record is part of.
pub const SESSION_KEYS: [&str; 6] = [
    "session.id",
    "gen_ai.conversation.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "mlflow.trace.session",
    "thread_id",
];

/// What is known of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceFacts {
    /// The summary of the trace.
    pub summary: TraceSummary,
    /// What follows from all records; `None` where only the summary was read.
    pub whole: Option<WholeFacts>,
}

/// What follows from all records of a trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WholeFacts {
    /// How the root span ended; `None` while none has arrived.
    pub root_status: Option<StatusCode>,
    /// Self time of each span, in nanoseconds.
    pub self_ns: FxHashMap<SpanId, u64>,
    /// Sessions that records of the trace name, each once.
    pub sessions: Vec<String>,
    /// The issues of each span's errors.
    pub issues: FxHashMap<SpanId, Vec<IssueId>>,
    /// The spans that each TraceQL query of a filter selects, by its text.
    pub selected: FxHashMap<String, FxHashSet<SpanKey>>,
}

impl TraceFacts {
    /// What the summary says.
    pub fn of_summary(summary: TraceSummary) -> TraceFacts {
        TraceFacts { summary, whole: None }
    }

    /// The summary, and the spans that these queries select.
    pub fn of_queries(trace: &Trace, queries: &[&SpanQuery]) -> TraceFacts {
        let selected = queries.iter().map(|query| (query.text.clone(), query.select(trace))).collect();
        TraceFacts { summary: trace.summary.clone(), whole: Some(WholeFacts { selected, ..WholeFacts::default() }) }
    }

    /// What all records say.
    pub fn of_trace(trace: &Trace) -> TraceFacts {
        let spans = &trace.spans;
        let intervals: Vec<Interval> = spans.iter().map(Interval::from).collect();
        let self_ns = spans.iter().map(|span| span.span_id).zip(self_times(&intervals)).collect();
        let root = spans.iter().find(|span| Some(span.span_id) == trace.summary.root_span_id);
        let mut sessions = Vec::new();
        let of_spans_and_logs = spans
            .iter()
            .map(|span| (&span.attributes, &span.resource))
            .chain(trace.logs.iter().map(|log| (&log.attributes, &log.resource)));
        for (attributes, resource) in of_spans_and_logs {
            note_sessions(attributes, &mut sessions);
            note_sessions(&resource.attributes, &mut sessions);
        }
        let mut issues: FxHashMap<SpanId, Vec<IssueId>> = FxHashMap::default();
        let errors = of_spans(&spans.iter().collect::<Vec<_>>());
        for error in &errors {
            let outermost = errors.get(error.outermost).unwrap_or(error);
            if let Some(span) = spans.get(error.span) {
                issues.entry(span.span_id).or_default().push(outermost.grouping.issue);
            }
        }
        let whole = WholeFacts {
            root_status: root.map(|root| root.status.code),
            self_ns,
            sessions,
            issues,
            selected: FxHashMap::default(),
        };
        TraceFacts { summary: trace.summary.clone(), whole: Some(whole) }
    }
}

fn note_sessions(attributes: &Attributes, sessions: &mut Vec<String>) {
    for key in SESSION_KEYS {
        if let Some(session) = attributes.text(key)
            && !session.is_empty()
            && !sessions.iter().any(|known| known == session)
        {
            sessions.push(session.to_owned());
        }
    }
}
