//! The tables that statements read: which columns each has, and where its rows come from.

use serde_json::{Map, Value as Json, json};

use crate::model::json::{Document as _, LOG_KEYS, object};
use crate::model::words::words;
use crate::model::{Checkpoint, Issue, LogRecord, Span, TraceSummary};

words! {
    /// A table.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Table {
        /// Traces, as `list` prints them.
        Traces = "traces",
        /// Spans, as `spans` prints them.
        Spans = "spans",
        /// Events of spans.
        Events = "events",
        /// Log records, as `logs` prints them.
        Logs = "logs",
        /// Checkpoints, as `show` prints them.
        Checkpoints = "checkpoints",
        /// Issues, as `issues` prints them.
        Issues = "issues",
    }
}

/// Columns of events.
const EVENT_KEYS: [&str; 9] = [
    "trace_id",
    "span_id",
    "service",
    "time",
    "name",
    "exception_type",
    "exception_message",
    "exception_stacktrace",
    "attributes",
];

/// What only the whole trace of a span tells.
const OF_TRACE: [&str; 3] = ["self_ms", "warnings", "odd_time"];

impl Table {
    /// The columns, in order.
    pub fn columns(self) -> Vec<&'static str> {
        match self {
            Table::Traces => TraceSummary::KEYS.to_vec(),
            Table::Spans => {
                let own = Span::KEYS.iter().filter(|key| !OF_TRACE.contains(key));
                // The name that OpenTelemetry has for `status`.
                ["trace_id"].iter().chain(own).chain(&["status_code"]).copied().collect()
            }
            Table::Events => EVENT_KEYS.to_vec(),
            Table::Logs => LOG_KEYS.to_vec(),
            Table::Checkpoints => ["trace_id", "time"].iter().chain(Checkpoint::KEYS).copied().collect(),
            Table::Issues => Issue::KEYS.to_vec(),
        }
    }
}

/// A row of a table.
pub type Row = Map<String, Json>;

/// The row of a trace.
pub fn of_trace(trace: &TraceSummary) -> Row {
    object(trace)
}

/// The row of a span.
pub fn of_span(span: &Span) -> Row {
    let mut row = object(span);
    row.insert("trace_id".to_owned(), json!(span.trace_id));
    row.insert("status_code".to_owned(), json!(span.status.code));
    row
}

/// The rows of a span's events.
pub fn of_events(span: &Span) -> impl Iterator<Item = Row> {
    span.events.iter().map(|event| {
        let mut row = object(event);
        row.insert("trace_id".to_owned(), json!(span.trace_id));
        row.insert("span_id".to_owned(), json!(span.span_id));
        row.insert("service".to_owned(), json!(span.service()));
        for what in ["type", "message", "stacktrace"] {
            row.insert(format!("exception_{what}"), json!(event.attributes.text(&format!("exception.{what}"))));
        }
        row
    })
}

/// The row of a log record.
pub fn of_log(log: &LogRecord) -> Row {
    object(log)
}

/// The row of a checkpoint.
pub fn of_checkpoint(checkpoint: &Checkpoint) -> Row {
    let mut row = object(checkpoint);
    row.insert("trace_id".to_owned(), json!(checkpoint.trace_id));
    row.insert("time".to_owned(), json!(checkpoint.time()));
    row
}

/// The row of an issue.
pub fn of_issue(issue: &Issue) -> Row {
    object(issue)
}
