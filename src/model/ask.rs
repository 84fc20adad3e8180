//! Questions: what one can ask a store, and pages of answers.

use super::{Nanos, Text, TraceId};

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
    /// How many items match on all pages together.
    pub total: u64,
    /// How many of those have errors.
    pub failed: u64,
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
}

impl StatsBy {
    /// The word in flags and query strings.
    pub fn as_str(self) -> &'static str {
        match self {
            StatsBy::Operation => "operation",
            StatsBy::Service => "service",
            StatsBy::Source => "source",
            StatsBy::Model => "model",
        }
    }

    /// The grouping of its word.
    pub fn parse(word: &str) -> Option<StatsBy> {
        [StatsBy::Operation, StatsBy::Service, StatsBy::Source, StatsBy::Model]
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
