//! OpenTelemetry's own format, [OTLP](https://opentelemetry.io/docs/specs/otlp/), as protobuf and as JSON.
//!
//! A request that is not OTLP at all is an error and yields nothing. A record that is well-formed but cannot be kept
//! (a span without a valid id, a value nested too deep) is rejected alone, by its place in the request, and its
//! neighbours are kept. Both formats share the rules in this file, so the same telemetry gives the same [`Batch`].

mod json;
mod node;
mod protobuf;
#[cfg(test)]
mod tests;
mod wire;

use std::{fmt, sync::Arc};

use bytes::Bytes;

use super::body::MediaType;
use crate::model::{
    Attributes, Batch, LogRecord, Nanos, Rejection, Resource, Scope, Severity, Span, SpanId, Text, TraceId, Value,
    id::IdError, json::value_to_text,
};

pub use node::ShapeError;
pub use wire::{MAX_MESSAGES, Problem, WireError};

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

/// What a request held.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// The records to keep, in the order sent.
    pub batch: Batch,
    /// The others, in the order sent; past [`MAX_REASONS`] without a reason.
    pub rejected: Vec<Rejection>,
}

/// Why a request is not OTLP; nothing of it can be kept. The text suits a `google.rpc.Status`; HTTP says 400.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not protobuf, or not of this message's shape.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Not JSON; the text holds line and column.
    #[error("malformed JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// JSON of another shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// Reads an `ExportTraceServiceRequest`. Strings and bytes share `body`'s buffer wherever they stand in it as they are.
///
/// # Errors
/// The body is not such a request. A span with bad ids is no error but [`Decoded::rejected`].
pub fn traces(body: &Bytes, media: MediaType) -> Result<Decoded, DecodeError> {
    let spans = match media {
        MediaType::Protobuf => protobuf::request::<Span>(body)?,
        MediaType::Json => json::request::<Span>(body)?,
    };
    Ok(Decoded { batch: Batch::of_spans(spans.kept), rejected: spans.rejected })
}

/// Reads an `ExportLogsServiceRequest`. A body that is not text becomes its JSON; an event's name becomes the attribute
/// `event.name`, a severity's the attribute [`SEVERITY_TEXT`]; ids that are not valid count as absent, as the
/// [data model](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto)
/// rules.
///
/// # Errors
/// The body is not such a request.
pub fn logs(body: &Bytes, media: MediaType) -> Result<Decoded, DecodeError> {
    let logs = match media {
        MediaType::Protobuf => protobuf::request::<LogRecord>(body)?,
        MediaType::Json => json::request::<LogRecord>(body)?,
    };
    Ok(Decoded { batch: Batch { logs: logs.kept, ..Batch::default() }, rejected: logs.rejected })
}

/// Checks the shape of an `ExportMetricsServiceRequest` down to its data points and counts them; keeps nothing. A JSON
/// metric of the wrong shape counts for nothing, as a bad span would cost itself alone.
///
/// # Errors
/// The body is not such a request.
pub fn metrics(body: &Bytes, media: MediaType) -> Result<usize, DecodeError> {
    let metrics = match media {
        MediaType::Protobuf => protobuf::request::<DataPoints>(body)?,
        MediaType::Json => json::request::<DataPoints>(body)?,
    };
    Ok(metrics.kept.iter().map(|points| points.0).sum())
}

/// How many data points one metric has.
struct DataPoints(usize);

/// Who sent a record: shared by all records of one scope.
struct Origin {
    resource: Arc<Resource>,
    scope: Arc<Scope>,
}

/// Records of one kind, sorted into kept and rejected.
struct Gathered<R> {
    kept: Vec<R>,
    rejected: Vec<Rejection>,
}

impl<R> Gathered<R> {
    fn new() -> Gathered<R> {
        Gathered { kept: Vec::new(), rejected: Vec::new() }
    }

    fn reject(&mut self, reason: impl fmt::Display) {
        let index = self.kept.len() + self.rejected.len();
        let reason = if self.rejected.len() < MAX_REASONS { reason.to_string() } else { String::new() };
        self.rejected.push(Rejection { index, reason });
    }

    fn take(&mut self, record: Result<R, BadId>) {
        match record {
            Ok(_) if self.kept.len() >= MAX_RECORDS => self.reject("there are too many records in one request"),
            Ok(record) => self.kept.push(record),
            Err(bad) => self.reject(bad),
        }
    }
}

/// The ids of a span as they were sent.
struct SentIds {
    trace_id: Result<TraceId, IdError>,
    span_id: Result<SpanId, IdError>,
    parent_span_id: Result<Option<SpanId>, IdError>,
}

impl SentIds {
    /// The ids if all three are usable, else why the span cannot be kept.
    fn check(self, name: &Text) -> Result<(TraceId, SpanId, Option<SpanId>), BadId> {
        let span_id = self.span_id.as_ref().ok().copied();
        let bad = |field, problem| BadId { field, problem, name: name.clone(), span_id };
        let trace_id = self.trace_id.map_err(|problem| bad("trace_id", problem))?;
        let parent_span_id = self.parent_span_id.map_err(|problem| bad("parent_span_id", problem))?;
        Ok((trace_id, self.span_id.map_err(|problem| bad("span_id", problem))?, parent_span_id))
    }
}

/// A parent that is absent or all zero means the span is a root.
fn parent(parsed: Result<SpanId, IdError>) -> Result<Option<SpanId>, IdError> {
    match parsed {
        Ok(id) => Ok(Some(id)),
        Err(IdError::Zero | IdError::Empty) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Why a span cannot be kept.
struct BadId {
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
struct SentLog {
    time_ns: u64,
    observed_time_ns: u64,
    severity_number: i64,
    severity_text: Text,
    body: Value,
    event_name: Text,
    attributes: Attributes,
    trace_id: Option<TraceId>,
    span_id: Option<SpanId>,
}

impl SentLog {
    fn into_record(mut self, origin: &Origin) -> LogRecord {
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
        }
    }
}
