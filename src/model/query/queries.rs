//! Questions: what one can ask a store, and pages of answers.

use std::fmt;

#[cfg(feature = "app")]
use crate::model::filter::Filter;
use crate::model::words::words;
use crate::model::{Cursor, IssueId, LogRecord, Nanos, RecordKind, Severity, Text, TraceId};

/// Which traces to list, in which order, and how many.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TraceQuery {
    /// At most this many traces; 0 is all.
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
    /// Only traces with a record of this project, and of those only its own records: a trace of several projects is
    /// listed, chosen and ordered as if nothing else were in it.
    pub project: Option<String>,
    /// Only traces that hold this kind of record.
    pub kind: Option<RecordKind>,
    /// Only traces with a record this is true of.
    #[cfg(feature = "app")]
    pub filter: Option<Filter>,
    /// Only traces that started at or after this.
    pub since: Option<Nanos>,
    /// Only traces that started before this.
    pub until: Option<Nanos>,
    /// Only traces whose id, written out, starts with this (hex digits in any case).
    pub id_prefix: Option<String>,
    /// Order of the traces; ties by start, then id.
    pub sort: Sort,
    /// Turns the order round.
    pub reverse: bool,
    /// Where the list goes on; `None` is the beginning.
    pub cursor: Option<Cursor>,
}

words! {
    /// What comes first in a list of traces; every order begins with the largest.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Sort {
        /// The newest.
        #[default]
        Start = "start",
        /// The slowest.
        Duration = "duration",
        /// Those with most spans.
        Spans = "spans",
        /// Those with most errors.
        Errors = "errors",
        /// The one a checkpoint was received for last.
        /// To the second; here ties go by id alone.
        Received = "received",
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items of the page, in the order asked for.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
    /// How many items match on all pages together; `None` when the store cannot count them cheaply.
    pub total: Option<u64>,
    /// How many items on all pages together have errors; `None` when the store cannot count them cheaply.
    pub failed: Option<u64>,
}

/// Which log records to list, and how many.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogQuery {
    /// At most this many log records; 0 is all.
    pub limit: usize,
    /// Only log records whose message, error type or error message contains this text, whatever the case.
    pub text: Option<String>,
    /// Only log records of at least this level.
    pub level: Option<Severity>,
    /// Only log records of this service.
    pub service: Option<String>,
    /// Only log records of this module.
    pub module: Option<String>,
    /// Only log records of this environment.
    pub environment: Option<String>,
    /// Only log records of this project.
    pub project: Option<String>,
    /// Only log records of this machine.
    pub host: Option<String>,
    /// Only log records of this process.
    pub pid: Option<String>,
    /// Only log records of this trace.
    pub trace: Option<TraceId>,
    /// Only log records of issues of these ids, each as the error itself has it; empty for any. An issue that several
    /// fingerprints lead to has [`IssueDetail::ids`](crate::model::IssueDetail::ids).
    pub issues: Vec<IssueId>,
    /// Only log records all of these filters are true of.
    pub fields: Vec<FieldFilter>,
    /// Only log records this is true of.
    #[cfg(feature = "app")]
    pub filter: Option<Filter>,
    /// Only log records at or after this.
    pub since: Option<Nanos>,
    /// Only log records before this.
    pub until: Option<Nanos>,
    /// Whether the list begins with the oldest log record; else with the newest.
    pub oldest_first: bool,
    /// Where the list goes on; `None` is the beginning.
    pub cursor: Option<Cursor>,
}

/// What must be true of a field of a log record: `user.id=7`, `user.id!=7`, `path~=/cart`.
///
/// A name is one of `extra`, of the named fields, or of the resource; one with dots also reaches into maps. Where it
/// stands in several of them the record's own counts first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFilter {
    /// The name of the field.
    pub name: String,
    /// How the field is compared.
    pub operator: FieldOperator,
    /// What the field is compared with: a value as JSON prints it, text without quotes.
    pub value: String,
}

words! {
    /// How a field is compared.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum FieldOperator {
        /// The field has this value.
        Is = "=",
        /// The field has another value, or there is no such field.
        IsNot = "!=",
        /// The value of the field contains this, whatever the case.
        Contains = "~=",
    }
}

impl FieldFilter {
    /// Reads a filter as [`fmt::Display`] writes it; `None` when there is no `=` or no name before it. A name that ends
    /// with `!` or `~` cannot be written.
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
        write!(f, "{}{}{}", self.name, self.operator.as_str(), self.value)
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
    /// Only records of this kind.
    pub kind: Option<RecordKind>,
    /// Only records of this trace.
    pub trace: Option<TraceId>,
    /// Only records of traces whose last record ended before this.
    pub ended_before: Option<Nanos>,
}

/// What statistics to work out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StatsQuery {
    /// Only records that started at or after this.
    pub since: Option<Nanos>,
    /// Only records that started before this.
    pub until: Option<Nanos>,
    /// Only records of this service.
    pub service: Option<String>,
    /// Only records of this project.
    pub project: Option<String>,
    /// Only records this is true of, and traces that have one.
    #[cfg(feature = "app")]
    pub filter: Option<Filter>,
    /// How the rows are grouped.
    pub by: StatsBy,
}

impl StatsQuery {
    /// Totals of everything, and nothing else.
    pub fn totals() -> StatsQuery {
        StatsQuery { by: StatsBy::Nothing, ..StatsQuery::default() }
    }
}

words! {
    /// What one row of the statistics stands for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum StatsBy {
        /// A service and an operation.
        #[default]
        Operation = "operation",
        /// A service.
        Service = "service",
        /// A checkpoint source.
        Source = "source",
        /// An AI model.
        Model = "model",
        /// Nothing: totals alone, without rows and without a timeline, which costs next to nothing.
        Nothing = "nothing",
    }
}

/// Which records to keep.
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
