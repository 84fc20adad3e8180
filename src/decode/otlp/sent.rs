//! What both forms of OTLP read a request into: the parts of records as they were sent, and the rules by which a record is
//! kept or rejected.

use std::fmt;
use std::sync::Arc;

use crate::model::id::IdError;
use crate::model::json::value_to_text;
use crate::model::{Attributes, LogRecord, Nanos, Rejection, Resource, Scope, Severity, SpanId, Text, TraceId, Value};

/// Attribute for what the sender calls the severity of a log record, where that is not the word for its level.
pub const SEVERITY_TEXT: &str = "log.severity_text";

/// After this many rejections in one request the reasons are empty, so that a hostile request cannot turn two bytes of
/// input into a sentence of memory millions of times over.
pub const MAX_REASONS: usize = 1_000;

/// Most records of one request that are kept. Two bytes of hostile input are a log record, which takes a hundred times
/// that in memory, and while they are written everybody waits; those of honest senders are larger than the 64 bytes each
/// that the largest body leaves.
pub const MAX_RECORDS: usize = 1_000_000;

/// Longest part of a sender's text that is quoted in a reason, in characters.
const MAX_QUOTED_CHARS: usize = 64;

/// The number of data points that one metric has.
pub(super) struct DataPoints(pub usize);

/// Who sent a record: shared by all records of one scope.
pub(super) struct Origin {
    pub resource: Arc<Resource>,
    pub scope: Arc<Scope>,
}

/// Records of one kind, sorted into kept and rejected.
pub(super) struct Gathered<R> {
    pub kept: Vec<R>,
    pub rejected: Vec<Rejection>,
}

impl<R> Gathered<R> {
    /// No records.
    pub fn new() -> Gathered<R> {
        Gathered { kept: Vec::new(), rejected: Vec::new() }
    }

    /// Rejects the next record of the request.
    pub fn reject(&mut self, reason: impl fmt::Display) {
        let index = self.kept.len() + self.rejected.len();
        let reason = if self.rejected.len() < MAX_REASONS { reason.to_string() } else { String::new() };
        self.rejected.push(Rejection { index, reason });
    }

    /// Keeps or rejects the next record of the request.
    pub fn add(&mut self, record: Result<R, BadId>) {
        match record {
            Ok(_) if self.kept.len() >= MAX_RECORDS => self.reject("there are too many records in one request"),
            Ok(record) => self.kept.push(record),
            Err(bad) => self.reject(bad),
        }
    }
}

/// The ids of a span as they were sent.
pub(super) struct SentIds {
    pub trace_id: Result<TraceId, IdError>,
    pub span_id: Result<SpanId, IdError>,
    pub parent_span_id: Result<Option<SpanId>, IdError>,
}

impl SentIds {
    /// The ids if all three are usable, else why the span cannot be kept.
    pub fn check(self, name: &Text) -> Result<(TraceId, SpanId, Option<SpanId>), BadId> {
        let span_id = self.span_id.as_ref().ok().copied();
        let bad = |field, problem| BadId { field, problem, name: name.clone(), span_id };
        let trace_id = self.trace_id.map_err(|problem| bad("trace_id", problem))?;
        let parent_span_id = self.parent_span_id.map_err(|problem| bad("parent_span_id", problem))?;
        Ok((trace_id, self.span_id.map_err(|problem| bad("span_id", problem))?, parent_span_id))
    }
}

/// The id of a parent; one that is absent or all zero is none, which makes the span a root.
pub(super) fn parent_or_none(parsed: Result<SpanId, IdError>) -> Result<Option<SpanId>, IdError> {
    match parsed {
        Ok(id) => Ok(Some(id)),
        Err(IdError::Zero | IdError::Empty) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Why a span cannot be kept.
pub(super) struct BadId {
    field: &'static str,
    problem: IdError,
    name: Text,
    span_id: Option<SpanId>,
}

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name: String = self.name.chars().take(MAX_QUOTED_CHARS).collect();
        write!(f, "{} of span {name:?}", self.field)?;
        if let Some(span_id) = self.span_id {
            write!(f, " ({span_id})")?;
        }
        write!(f, " is not valid: {}", self.problem)
    }
}

/// The parts of an OTLP log record that the model keeps in another form.
#[derive(Default)]
pub(super) struct SentLog {
    pub time_ns: u64,
    pub observed_time_ns: u64,
    pub severity_number: i64,
    pub severity_text: Text,
    pub body: Value,
    pub event_name: Text,
    pub attributes: Attributes,
    pub trace_id: Option<TraceId>,
    pub span_id: Option<SpanId>,
}

impl SentLog {
    /// The log record as the model has it.
    pub fn into_record(mut self, origin: &Origin) -> LogRecord {
        let severity = match self.severity_number {
            0 => Severity::from_word(&self.severity_text).unwrap_or_default(),
            number => Severity::from_number(number),
        };
        // Said again by the level, it would only take room.
        let own_word = Some(self.severity_text).filter(|text| !text.eq_ignore_ascii_case(severity.as_str()));
        for (key, text) in [("event.name", Some(self.event_name)), (SEVERITY_TEXT, own_word)] {
            if let Some(text) = text.filter(|text| !text.is_empty())
                && self.attributes.get(key).is_none()
            {
                self.attributes.0.push((Text::from_static(key), Value::String(text)));
            }
        }
        LogRecord {
            time: Nanos(if self.time_ns == 0 { self.observed_time_ns } else { self.time_ns }),
            severity,
            message: match self.body {
                Value::String(text) => text,
                Value::Empty => Text::EMPTY,
                other => Text::from(value_to_text(&other)),
            },
            trace_id: self.trace_id,
            span_id: self.span_id,
            attributes: self.attributes,
            resource: origin.resource.clone(),
            scope: origin.scope.clone(),
            request: self.observed_time_ns,
        }
    }
}
