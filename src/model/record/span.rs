//! Spans as OpenTelemetry defines them
//! ([`trace.proto`](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto)).
//!
//! Resource and scope are shared by many spans, hence the `Arc`s.

use std::sync::Arc;

use crate::model::words::words;
use crate::model::{Attributes, Nanos, SpanId, Text, TraceId};

/// What service name a resource without one gets, as the OpenTelemetry SDKs do.
pub const UNKNOWN_SERVICE: &str = "unknown_service";

/// Attribute of resources under which stands the project of the key that records were sent with.
pub const PROJECT_ATTRIBUTE: &str = "tracehub.project";

/// Attribute of spans whose parent id was none, with what was sent; such a span is a root.
pub const INVALID_PARENT_ATTRIBUTE: &str = "tracehub.invalid_parent_id";

/// One operation of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace the span belongs to.
    pub trace_id: TraceId,
    /// The id of the span, unique in its trace.
    pub span_id: SpanId,
    /// The span this one was started in; `None` for a root.
    pub parent_span_id: Option<SpanId>,
    /// W3C trace state of the span, empty when not sent.
    pub trace_state: Text,
    /// W3C trace flags of the span in the low 8 bits, OTLP's `is_remote` bits above.
    pub flags: u32,
    /// The name of the operation.
    pub name: Text,
    /// The role of the span in a call.
    pub kind: Kind,
    /// When the span started.
    pub start: Nanos,
    /// When the span ended; may lie before `start` when clocks were set.
    pub end: Nanos,
    /// What the program recorded about the span.
    pub attributes: Attributes,
    /// How many attributes of the span the SDK dropped.
    pub dropped_attributes: u32,
    /// Things that happened while the span ran, in the order sent.
    pub events: Vec<Event>,
    /// How many events of the span the SDK dropped.
    pub dropped_events: u32,
    /// Spans of this or other traces that the span is related to.
    pub links: Vec<Link>,
    /// How many links of the span the SDK dropped.
    pub dropped_links: u32,
    /// How the span ended.
    pub status: Status,
    /// The process that ran the span.
    pub resource: Arc<Resource>,
    /// The instrumentation that recorded the span.
    pub scope: Arc<Scope>,
}

impl Span {
    /// Nanoseconds from the start of the span to its end; zero when the end lies before the start.
    pub fn duration_ns(&self) -> u64 {
        self.end.since(self.start)
    }

    /// The `service.name` of the span's resource, or [`UNKNOWN_SERVICE`].
    pub fn service(&self) -> &Text {
        &self.resource.service
    }

    /// Whether the status of the span is an error.
    pub fn is_error(&self) -> bool {
        self.status.code == StatusCode::Error
    }
}

words! {
    /// Role of a span in a call.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
    #[repr(u8)]
    pub enum Kind {
        /// Not said, or a kind this version does not know.
        #[default]
        Unspecified = "unspecified",
        /// Inside one process.
        Internal = "internal",
        /// Answers a call.
        Server = "server",
        /// Makes a call.
        Client = "client",
        /// Sends a message.
        Producer = "producer",
        /// Takes a message.
        Consumer = "consumer",
    }
}

impl Kind {
    /// The kind of an OTLP number; unknown numbers are [`Kind::Unspecified`].
    pub fn from_number(number: i64) -> Kind {
        usize::try_from(number).ok().and_then(|place| Kind::ALL.get(place).copied()).unwrap_or_default()
    }
}

/// Outcome of a span.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The outcome: unset, ok or error.
    pub code: StatusCode,
    /// What the program said about the outcome, usually empty.
    pub message: Text,
}

words! {
    /// Outcome code of a span.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
    #[repr(u8)]
    pub enum StatusCode {
        /// Nobody said.
        #[default]
        Unset = "unset",
        /// Said to be fine.
        Ok = "ok",
        /// Failed.
        Error = "error",
    }
}

impl StatusCode {
    /// The code of an OTLP number; unknown numbers are [`StatusCode::Unset`].
    pub fn from_number(number: i64) -> StatusCode {
        usize::try_from(number).ok().and_then(|place| StatusCode::ALL.get(place).copied()).unwrap_or_default()
    }
}

/// Something that happened while a span ran.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// When the event happened.
    pub time: Nanos,
    /// What happened; `exception` for errors.
    pub name: Text,
    /// Details of the event.
    pub attributes: Attributes,
    /// How many attributes of the event the SDK dropped.
    pub dropped_attributes: u32,
}

impl Event {
    /// Whether the event tells of an exception
    /// ([semantic conventions](https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/)).
    pub fn is_exception(&self) -> bool {
        self.name == "exception"
    }
}

/// A reference to another span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    /// The other span's trace; `None` when the sender gave no valid id.
    pub trace_id: Option<TraceId>,
    /// The other span; `None` when the sender gave no valid id.
    pub span_id: Option<SpanId>,
    /// W3C trace state of the other span.
    pub trace_state: Text,
    /// Why the two spans are related.
    pub attributes: Attributes,
    /// How many attributes of the link the SDK dropped.
    pub dropped_attributes: u32,
    /// W3C trace flags of the other span.
    pub flags: u32,
}

/// The process, host or device that recorded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// The `service.name` of the process, or [`UNKNOWN_SERVICE`]; kept apart because every view asks for it.
    pub service: Text,
    /// All attributes of the resource, `service.name` included.
    pub attributes: Attributes,
    /// How many attributes of the resource the SDK dropped.
    pub dropped_attributes: u32,
    /// Schema the attributes of the resource follow, usually empty.
    pub schema_url: Text,
}

impl Resource {
    /// A resource of these attributes; the service is their `service.name`.
    pub fn new(attributes: Attributes) -> Resource {
        let service = match attributes.get("service.name") {
            Some(crate::model::Value::String(name)) if !name.is_empty() => name.clone(),
            _ => Text::from_static(UNKNOWN_SERVICE),
        };
        Resource { service, attributes, dropped_attributes: 0, schema_url: Text::EMPTY }
    }

    /// The project the resource was put in; empty for none.
    pub fn project(&self) -> &str {
        self.attributes.text(PROJECT_ATTRIBUTE).unwrap_or_default()
    }
}

/// The instrumentation library that recorded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// The name of the library.
    pub name: Text,
    /// The version of the library.
    pub version: Text,
    /// The attributes of the scope.
    pub attributes: Attributes,
    /// How many attributes of the scope the SDK dropped.
    pub dropped_attributes: u32,
    /// Schema the records of the scope follow, usually empty.
    pub schema_url: Text,
}
