//! What both forms of OTLP read a request into: the parts of records as they were sent, and the rules by which a record is
//! kept or rejected.

use std::fmt;
use std::sync::Arc;

use crate::decode::Mended;
use crate::decode::mended::Notes;
use crate::model::id::{IdError, to_hex};
use crate::model::json::value_to_text;
use crate::model::limits::add_truncated;
use crate::model::severity::LevelScale;
use crate::model::{
    Attributes, INVALID_PARENT_ATTRIBUTE, LogRecord, Nanos, Rejection, Resource, Scope, Severity, SpanId, Text,
    TraceId, Value,
};

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

/// What stands in the place of a value that is nested too deep.
pub(super) const TOO_DEEP: Text = Text::from_static("…");

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
    /// What was mended; known at the end.
    pub mended: Mended,
}

impl<R> Gathered<R> {
    /// No records.
    pub fn new() -> Gathered<R> {
        Gathered { kept: Vec::new(), rejected: Vec::new(), mended: Mended::default() }
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
    /// The parent; what was sent when it is no id.
    pub parent: Result<Option<SpanId>, Text>,
}

impl SentIds {
    /// The ids if the span can be kept, else why it cannot. A parent that is no id is none; then the attributes say what
    /// was sent.
    pub fn check(
        self,
        name: &Text,
        attributes: &mut Attributes,
        notes: &Notes,
    ) -> Result<(TraceId, SpanId, Option<SpanId>), BadId> {
        let span_id = self.span_id.as_ref().ok().copied();
        let bad = |field, problem| BadId { field, problem, name: name.clone(), span_id };
        let trace_id = self.trace_id.map_err(|problem| bad("trace_id", problem))?;
        let span_id = self.span_id.map_err(|problem| bad("span_id", problem))?;
        let parent = self.parent.unwrap_or_else(|sent| {
            notes.add(|mended| mended.parents += 1);
            attributes.0.push((Text::from_static(INVALID_PARENT_ATTRIBUTE), Value::String(sent)));
            None
        });
        Ok((trace_id, span_id, parent))
    }
}

/// The parent that was sent as these bytes; one that is absent or all zero is none, which makes the span a root.
pub(super) fn parent_of_bytes(bytes: &[u8]) -> Result<Option<SpanId>, Text> {
    const MAX_QUOTED_BYTES: usize = MAX_QUOTED_CHARS / 2;
    match SpanId::from_bytes(bytes) {
        Ok(id) => Ok(Some(id)),
        Err(_) if bytes.iter().all(|byte| *byte == 0) => Ok(None),
        Err(_) => Err(Text::from(to_hex(bytes.get(..MAX_QUOTED_BYTES).unwrap_or(bytes)))),
    }
}

/// The parent that was sent as this text, in hexadecimal digits.
pub(super) fn parent_of_text(text: &str) -> Result<Option<SpanId>, Text> {
    match SpanId::parse(text) {
        Ok(id) => Ok(Some(id)),
        Err(_) if text.bytes().all(|byte| byte == b'0') => Ok(None),
        Err(_) => {
            // As the same bytes in the other form are told.
            let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let quoted: String = text.chars().take(MAX_QUOTED_CHARS).collect();
            Err(Text::from(if is_hex { quoted.to_ascii_lowercase() } else { quoted }))
        }
    }
}

/// An id of a link; `None` when it is absent, all zero or no id, which is counted.
pub(super) fn link_id<T>(parsed: Result<T, IdError>, notes: &Notes) -> Option<T> {
    match parsed {
        Ok(id) => return Some(id),
        Err(IdError::Zero | IdError::Empty | IdError::Length { found: 0, .. }) => {}
        Err(_) => notes.add(|mended| mended.links += 1),
    }
    None
}

/// Says in a record's attributes that values of it were nested too deep, when some were since `before`.
pub(super) fn say_nested(attributes: &mut Attributes, notes: &Notes, before: Mended) {
    if notes.so_far().nested > before.nested {
        add_truncated(attributes, &[Text::from_static("nested values")]);
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
        let severity = self.severity(&origin.resource);
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

    /// The level: what the number says when it is one of OpenTelemetry's, else the text, else the number as the libraries
    /// of the sender's language have it.
    fn severity(&self, resource: &Resource) -> Severity {
        if (1..=24).contains(&self.severity_number) {
            return Severity::from_number(self.severity_number);
        }
        let scale = match resource.attributes.text("telemetry.sdk.language") {
            Some("nodejs" | "webjs") => LevelScale::JavaScript,
            _ => LevelScale::Python,
        };
        let of_number = || Severity::from_library_number(self.severity_number as f64, scale);
        Severity::from_text(&self.severity_text, scale).or_else(of_number).unwrap_or_default()
    }
}
