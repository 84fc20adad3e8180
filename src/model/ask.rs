//! Questions: what one can ask a store, and pages of answers.

use std::fmt;

use super::{IssueId, LogRecord, Nanos, Severity, Text, TraceId};

/// One of the three kinds of record a trace holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// OpenTelemetry spans.
    Spans,
    /// Entry and exit records.
    Checkpoints,
    /// Log records.
    Logs,
}

impl RecordKind {
    /// All kinds, in the order they are listed.
    pub const ALL: [RecordKind; 3] = [RecordKind::Spans, RecordKind::Checkpoints, RecordKind::Logs];

    /// The word in flags and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordKind::Spans => "spans",
            RecordKind::Checkpoints => "checkpoints",
            RecordKind::Logs => "logs",
        }
    }

    /// The kind of its word.
    pub fn parse(word: &str) -> Option<RecordKind> {
        RecordKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Which traces to list, in which order, and how many.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TraceQuery {
    /// At most this many; 0 is all.
    pub limit: usize,
    /// Only traces this service takes part in.
    pub service: Option<String>,
    /// Only traces whose name contains this text, whatever the case.
    pub name: Option<String>,
    /// Only traces of this workflow.
    pub workflow: Option<String>,
    /// Only traces with (true) or without (false) errors.
    pub has_errors: Option<bool>,
    /// Only traces that took at least this long.
    pub min_duration_ns: Option<u64>,
    /// Only traces that took at most this long.
    pub max_duration_ns: Option<u64>,
    /// Only traces with a span that has all these attributes, on itself or its resource; values as JSON prints them,
    /// text without quotes.
    pub attributes: Vec<(String, String)>,
    /// Only traces with a record of this project.
    pub project: Option<String>,
    /// Only traces that hold this kind of record.
    pub kind: Option<RecordKind>,
    /// Only traces that started at or after this.
    pub since: Option<Nanos>,
    /// Only traces that started before this.
    pub until: Option<Nanos>,
    /// Only traces whose id, written out, starts with this (hex digits in any case).
    pub id_prefix: Option<String>,
    /// Order; ties by start, then id.
    pub sort: Sort,
    /// Turns the order round.
    pub reverse: bool,
    /// Goes on after this place.
    pub cursor: Option<Cursor>,
}

/// Order of a list of traces; every order begins with the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Newest first.
    #[default]
    Start,
    /// Slowest first.
    Duration,
    /// Most spans first.
    Spans,
    /// Most errors first.
    Errors,
    /// The one a checkpoint was received for last first, to the second; here ties go by id alone.
    Received,
}

impl Sort {
    /// The word in flags and query strings.
    pub fn as_str(self) -> &'static str {
        match self {
            Sort::Start => "start",
            Sort::Duration => "duration",
            Sort::Spans => "spans",
            Sort::Errors => "errors",
            Sort::Received => "received",
        }
    }

    /// The order of its word.
    pub fn parse(word: &str) -> Option<Sort> {
        [Sort::Start, Sort::Duration, Sort::Spans, Sort::Errors, Sort::Received]
            .into_iter()
            .find(|sort| sort.as_str() == word)
    }
}

/// An opaque place in a list or in a store's sequence; only the backend that made it can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items, in the order asked for.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
    /// How many items match on all pages together; `None` when the store cannot count them cheaply.
    pub total: Option<u64>,
    /// How many of those have errors; `None` when the store cannot count them cheaply.
    pub failed: Option<u64>,
}

/// Which log records to list, and how many.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogQuery {
    /// At most this many; 0 is all.
    pub limit: usize,
    /// Only those whose message, error type or error message contains this text, whatever the case.
    pub text: Option<String>,
    /// Only of at least this level.
    pub level: Option<Severity>,
    /// Only of this service.
    pub service: Option<String>,
    /// Only of this module.
    pub module: Option<String>,
    /// Only of this environment.
    pub environment: Option<String>,
    /// Only of this project.
    pub project: Option<String>,
    /// Only of this machine.
    pub host: Option<String>,
    /// Only of this process.
    pub pid: Option<String>,
    /// Only of this trace.
    pub trace: Option<TraceId>,
    /// Only of issues of these ids, each as the error itself has it; empty for any. An issue that several fingerprints
    /// lead to has [`IssueDetail::ids`](super::IssueDetail::ids).
    pub issues: Vec<IssueId>,
    /// Only those all of this is true of.
    pub fields: Vec<FieldFilter>,
    /// Only at or after this.
    pub since: Option<Nanos>,
    /// Only before this.
    pub until: Option<Nanos>,
    /// Begins with the oldest; else with the newest.
    pub oldest_first: bool,
    /// Goes on after this place.
    pub cursor: Option<Cursor>,
}

/// What must be true of a field of a log record: `user.id=7`, `user.id!=7`, `path~=/cart`.
///
/// A name is one of `extra`, of the named fields, or of the resource; one with dots also reaches into maps. Where it
/// stands in several of them the record's own counts first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFilter {
    /// The field.
    pub name: String,
    /// How it is compared.
    pub operator: FieldOperator,
    /// With what: a value as JSON prints it, text without quotes.
    pub value: String,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldOperator {
    /// It has this value.
    Is,
    /// It has another one, or there is no such field.
    IsNot,
    /// Its value contains this, whatever the case.
    Contains,
}

impl FieldFilter {
    /// Reads what [`fmt::Display`] writes; `None` when there is no `=` or no name before it. A name that ends with `!`
    /// or `~` cannot be written.
    pub fn parse(text: &str) -> Option<FieldFilter> {
        let (name, value) = text.split_once('=')?;
        let (name, operator) = match (name.strip_suffix('!'), name.strip_suffix('~')) {
            (Some(name), _) => (name, FieldOperator::IsNot),
            (_, Some(name)) => (name, FieldOperator::Contains),
            _ => (name, FieldOperator::Is),
        };
        let (name, value) = (name.to_owned(), value.to_owned());
        (!name.is_empty()).then_some(FieldFilter { name, operator, value })
    }
}

impl fmt::Display for FieldFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.operator {
            FieldOperator::Is => "=",
            FieldOperator::IsNot => "!=",
            FieldOperator::Contains => "~=",
        };
        write!(f, "{}{operator}{}", self.name, self.value)
    }
}

/// One page of log records. How many match on all pages nobody counts, because that would mean to read them all.
#[derive(Debug, Clone, PartialEq)]
pub struct LogPage {
    /// The records, oldest or newest first as asked for. Those of one instant go by the order they were received, so
    /// that one order is the other turned round.
    pub records: Vec<LogRecord>,
    /// Where the next page begins; `None` at the end. A page of large records may have one and hold fewer than asked for.
    pub next: Option<Cursor>,
}

/// Which records to scan or delete; an empty filter is all of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordFilter {
    /// Only this kind.
    pub kind: Option<RecordKind>,
    /// Only this trace.
    pub trace: Option<TraceId>,
    /// Only traces whose last record ended before this.
    pub ended_before: Option<Nanos>,
}

/// What statistics to work out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StatsQuery {
    /// Only records that started at or after this.
    pub since: Option<Nanos>,
    /// Only records that started before this.
    pub until: Option<Nanos>,
    /// Only this service.
    pub service: Option<String>,
    /// How to group.
    pub by: StatsBy,
}

impl StatsQuery {
    /// Totals of everything, and nothing else.
    pub fn totals() -> StatsQuery {
        StatsQuery { by: StatsBy::Nothing, ..StatsQuery::default() }
    }
}

/// What one row of the statistics stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatsBy {
    /// A service and an operation.
    #[default]
    Operation,
    /// A service.
    Service,
    /// A checkpoint source.
    Source,
    /// An AI model.
    Model,
    /// Nothing: totals alone, without rows and without a timeline, which costs next to nothing.
    Nothing,
}

impl StatsBy {
    /// The word in flags and query strings.
    pub fn as_str(self) -> &'static str {
        match self {
            StatsBy::Operation => "operation",
            StatsBy::Service => "service",
            StatsBy::Source => "source",
            StatsBy::Model => "model",
            StatsBy::Nothing => "nothing",
        }
    }

    /// The grouping of its word.
    pub fn parse(word: &str) -> Option<StatsBy> {
        [StatsBy::Operation, StatsBy::Service, StatsBy::Source, StatsBy::Model, StatsBy::Nothing]
            .into_iter()
            .find(|by| by.as_str() == word)
    }
}

/// What to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Records the server received before this are removed, whatever their own clocks say.
    pub received_before: Nanos,
}

/// A service and an operation name; the key statistics group by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Operation {
    /// The service; `None` when the grouping has none.
    pub service: Option<Text>,
    /// The operation; `None` when the grouping has none.
    pub name: Option<Text>,
}
