//! OTLP protobuf -> model in one walk over the bytes.
//!
//! Strings and bytes become slices of the request's buffer. Semantics are protobuf's: fields in any order, the last
//! scalar wins, a message sent twice is merged, lists may be scattered, unknown fields are passed over. Field numbers are
//! those of <https://github.com/open-telemetry/opentelemetry-proto>.

use std::sync::Arc;

use bytes::Bytes;

use super::sent::{
    BadId, DataPoints, Gathered, Origin, SentIds, SentLog, TOO_DEEP, link_id, parent_of_bytes, say_nested,
};
use super::wire::{Field, Message, Problem, Source, WireError};
use crate::model::value::MAX_VALUE_DEPTH;
use crate::model::{
    Attributes, Event, Kind, Link, LogRecord, Nanos, Resource, Scope, Span, SpanId, Status, StatusCode, Text, TraceId,
    Value,
};

/// The field of a resource's records before version 0.19 of the protocol; what is in it is the same.
const OLD_SCOPES: u32 = 1_000;

/// Fewest bytes a span with valid ids takes; bounds what is reserved ahead.
const MIN_SPAN_BYTES: usize = 30;

type Result<T> = std::result::Result<T, WireError>;

/// A kind of record that stands in `Resource… { Scope… { records } }`; all three signals have that shape.
pub(super) trait Record: Sized {
    /// Names of the four messages, outermost first, for errors.
    const NAMES: [&'static str; 4];

    /// Reads one record; the inner error rejects it alone.
    fn read(message: Message<'_>, origin: &Origin) -> Result<std::result::Result<Self, BadId>>;
}

/// Reads a whole export request.
pub(super) fn read_request<R: Record>(body: &Bytes) -> Result<Gathered<R>> {
    let mut gathered = Gathered::new();
    let source = Source::new(body);
    let mut request = Message::new(&source, R::NAMES[0]);
    while let Some(field) = request.next_field()? {
        if field.number == 1 {
            resource_records(field.message(R::NAMES[1])?, &mut gathered)?;
        }
    }
    gathered.mended = source.notes.so_far();
    Ok(gathered)
}

/// Reads the records of one resource, in two walks, because a resource may stand behind the records it belongs to.
fn resource_records<R: Record>(message: Message<'_>, gathered: &mut Gathered<R>) -> Result<()> {
    let mut resource = Resource::default();
    let mut fields = message;
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => merge_resource(field.message("Resource")?, &mut resource)?,
            3 => resource.schema_url = field.text()?,
            _ => {}
        }
    }
    let Resource { attributes, dropped_attributes, schema_url, .. } = resource;
    let resource = Arc::new(Resource { dropped_attributes, schema_url, ..Resource::new(attributes) });
    let mut fields = message;
    while let Some(field) = fields.next_field()? {
        if matches!(field.number, 2 | OLD_SCOPES) {
            scope_records(field.message(R::NAMES[2])?, &resource, gathered)?;
        }
    }
    Ok(())
}

fn scope_records<R: Record>(message: Message<'_>, resource: &Arc<Resource>, gathered: &mut Gathered<R>) -> Result<()> {
    let mut scope = Scope::default();
    let mut records = 0;
    let mut fields = message;
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => merge_scope(field.message("InstrumentationScope")?, &mut scope)?,
            2 => records += 1,
            3 => scope.schema_url = field.text()?,
            _ => {}
        }
    }
    let origin = Origin { resource: resource.clone(), scope: Arc::new(scope) };
    gathered.kept.reserve(records.min(message.len() / MIN_SPAN_BYTES));
    let mut fields = message;
    while let Some(field) = fields.next_field()? {
        if field.number == 2 {
            match R::read(field.message(R::NAMES[3])?, &origin) {
                Ok(record) => gathered.add(record),
                Err(WireError { problem: Problem::TooDeep, offset, .. }) => {
                    gathered.reject(format_args!("the groups at byte {offset} are nested too deep"));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn merge_resource(mut message: Message<'_>, resource: &mut Resource) -> Result<()> {
    resource.attributes.0.reserve_exact(message.count(1));
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => push_attribute(&field, &mut resource.attributes)?,
            2 => resource.dropped_attributes = field.uint32()?,
            3 => check_entity(field.message("EntityRef")?)?,
            _ => {}
        }
    }
    Ok(())
}

/// Entities are not kept, but a request that breaks them is as malformed as any.
fn check_entity(mut message: Message<'_>) -> Result<()> {
    while let Some(field) = message.next_field()? {
        if (1..=4).contains(&field.number) {
            field.text()?;
        }
    }
    Ok(())
}

fn merge_scope(mut message: Message<'_>, scope: &mut Scope) -> Result<()> {
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => scope.name = field.text()?,
            2 => scope.version = field.text()?,
            3 => push_attribute(&field, &mut scope.attributes)?,
            4 => scope.dropped_attributes = field.uint32()?,
            _ => {}
        }
    }
    Ok(())
}

impl Record for Span {
    const NAMES: [&'static str; 4] = ["ExportTraceServiceRequest", "ResourceSpans", "ScopeSpans", "Span"];

    fn read(mut message: Message<'_>, origin: &Origin) -> Result<std::result::Result<Span, BadId>> {
        let (notes, before) = (message.notes(), message.notes().so_far());
        let (mut trace_id, mut span_id, mut parent_span_id): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
        let (mut trace_state, mut name, mut kind, mut flags) = (Text::EMPTY, Text::EMPTY, Kind::default(), 0);
        let (mut start, mut end, mut status) = (Nanos(0), Nanos(0), Status::default());
        let (mut events, mut links) = (Vec::new(), Vec::new());
        let (mut dropped_attributes, mut dropped_events, mut dropped_links) = (0, 0, 0);
        let mut attributes = Attributes(Vec::with_capacity(message.count(9)));
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => trace_id = field.bytes()?,
                2 => span_id = field.bytes()?,
                3 => trace_state = field.text()?,
                4 => parent_span_id = field.bytes()?,
                5 => name = field.text()?,
                6 => kind = Kind::from_number(field.enumeration()?),
                7 => start = Nanos(field.fixed64()?),
                8 => end = Nanos(field.fixed64()?),
                9 => push_attribute(&field, &mut attributes)?,
                10 => dropped_attributes = field.uint32()?,
                11 => events.push(event(field.message("Event")?)?),
                12 => dropped_events = field.uint32()?,
                13 => links.push(link(field.message("Link")?)?),
                14 => dropped_links = field.uint32()?,
                15 => merge_status(field.message("Status")?, &mut status)?,
                16 => flags = field.fixed32()?,
                _ => {}
            }
        }
        let ids = SentIds {
            trace_id: TraceId::from_otel_bytes(trace_id),
            span_id: SpanId::from_bytes(span_id),
            parent: parent_of_bytes(parent_span_id),
        };
        say_nested(&mut attributes, notes, before);
        let ids = ids.check(&name, &mut attributes, notes);
        Ok(ids.map(|(trace_id, span_id, parent_span_id)| Span {
            trace_id,
            span_id,
            parent_span_id,
            trace_state,
            flags,
            name,
            kind,
            start,
            end,
            attributes,
            dropped_attributes,
            events,
            dropped_events,
            links,
            dropped_links,
            status,
            resource: origin.resource.clone(),
            scope: origin.scope.clone(),
        }))
    }
}

fn event(mut message: Message<'_>) -> Result<Event> {
    let mut event = Event::default();
    event.attributes.0.reserve_exact(message.count(3));
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => event.time = Nanos(field.fixed64()?),
            2 => event.name = field.text()?,
            3 => push_attribute(&field, &mut event.attributes)?,
            4 => event.dropped_attributes = field.uint32()?,
            _ => {}
        }
    }
    Ok(event)
}

fn link(mut message: Message<'_>) -> Result<Link> {
    let mut link = Link::default();
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => link.trace_id = link_id(TraceId::from_otel_bytes(field.bytes()?), field.notes()),
            2 => link.span_id = link_id(SpanId::from_bytes(field.bytes()?), field.notes()),
            3 => link.trace_state = field.text()?,
            4 => push_attribute(&field, &mut link.attributes)?,
            5 => link.dropped_attributes = field.uint32()?,
            6 => link.flags = field.fixed32()?,
            _ => {}
        }
    }
    Ok(link)
}

fn merge_status(mut message: Message<'_>, status: &mut Status) -> Result<()> {
    while let Some(field) = message.next_field()? {
        match field.number {
            2 => status.message = field.text()?,
            3 => status.code = StatusCode::from_number(field.enumeration()?),
            _ => {}
        }
    }
    Ok(())
}

impl Record for LogRecord {
    const NAMES: [&'static str; 4] = ["ExportLogsServiceRequest", "ResourceLogs", "ScopeLogs", "LogRecord"];

    fn read(mut message: Message<'_>, origin: &Origin) -> Result<std::result::Result<LogRecord, BadId>> {
        let (notes, before) = (message.notes(), message.notes().so_far());
        let mut log = SentLog::default();
        log.attributes.0.reserve_exact(message.count(6));
        while let Some(field) = message.next_field()? {
            match field.number {
                1 => log.time_ns = field.fixed64()?,
                2 => log.severity_number = field.enumeration()?,
                3 => log.severity_text = field.text()?,
                5 => merge_value(field.message("AnyValue")?, &mut log.body, 0)?,
                6 => push_attribute(&field, &mut log.attributes)?,
                7 => _ = field.uint32()?,
                8 => _ = field.fixed32()?,
                9 => log.trace_id = TraceId::from_otel_bytes(field.bytes()?).ok(),
                10 => log.span_id = SpanId::from_bytes(field.bytes()?).ok(),
                11 => log.observed_time_ns = field.fixed64()?,
                12 => log.event_name = field.text()?,
                _ => {}
            }
        }
        say_nested(&mut log.attributes, notes, before);
        Ok(Ok(log.into_record(origin)))
    }
}

impl Record for DataPoints {
    const NAMES: [&'static str; 4] = ["ExportMetricsServiceRequest", "ResourceMetrics", "ScopeMetrics", "Metric"];

    fn read(mut message: Message<'_>, _origin: &Origin) -> Result<std::result::Result<DataPoints, BadId>> {
        let mut points = 0;
        while let Some(field) = message.next_field()? {
            match field.number {
                1..=3 => _ = field.text()?,
                5 | 7 | 9 | 10 | 11 => points += data_points(field.message("Metric.data")?)?,
                _ => {}
            }
        }
        Ok(Ok(DataPoints(points)))
    }
}

/// Gauge, sum, histogram, exponential histogram and summary all hold their points in field 1.
fn data_points(mut message: Message<'_>) -> Result<usize> {
    let mut points = 0;
    while let Some(field) = message.next_field()? {
        if field.number == 1 {
            field.message("DataPoint")?.check()?;
            points += 1;
        }
    }
    Ok(points)
}

fn push_attribute(field: &Field<'_>, attributes: &mut Attributes) -> Result<()> {
    attributes.0.push(key_value(field.message("KeyValue")?, 0)?);
    Ok(())
}

#[inline(always)]
fn key_value(mut message: Message<'_>, depth: usize) -> Result<(Text, Value)> {
    // Replacing `None` is free; replacing an empty text calls its destructor.
    let (mut key, mut value) = (None, Value::Empty);
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => key = Some(field.text()?),
            2 => merge_value(field.message("AnyValue")?, &mut value, depth)?,
            // An index into a string table that only profiles have.
            3 => _ = field.varint()?,
            _ => {}
        }
    }
    Ok((key.unwrap_or_default(), value))
}

/// Reads an `AnyValue` into one that may hold an earlier part of it; `depth` is how many containers surround it.
#[inline(always)]
fn merge_value(mut message: Message<'_>, value: &mut Value, depth: usize) -> Result<()> {
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => *value = Value::String(field.text()?),
            2 => *value = Value::Bool(field.varint()? != 0),
            3 => *value = Value::Int(field.varint()? as i64),
            4 => *value = Value::Double(f64::from_bits(field.fixed64()?)),
            5 | 6 => merge_container(&field, value, depth)?,
            7 => *value = Value::Bytes(field.shared_bytes()?),
            // An index into a string table that only profiles have.
            8 => {
                field.varint()?;
                *value = Value::Empty;
            }
            _ => {}
        }
    }
    Ok(())
}

/// An array (field 5) or map (field 6); the same kind sent again is appended, as protobuf merges messages.
#[inline(never)]
fn merge_container(field: &Field<'_>, value: &mut Value, depth: usize) -> Result<()> {
    let mut message = field.message(if field.number == 5 { "ArrayValue" } else { "KeyValueList" })?;
    if depth == MAX_VALUE_DEPTH {
        field.notes().add(|mended| mended.nested += 1);
        *value = Value::String(TOO_DEEP);
        return Ok(());
    }
    match (field.number, &*value) {
        (5, Value::Array(_)) | (6, Value::Map(_)) => {}
        (5, _) => *value = Value::Array(Vec::new()),
        _ => *value = Value::Map(Vec::new()),
    }
    while let Some(field) = message.next_field()? {
        if field.number != 1 {
            continue;
        }
        match value {
            Value::Array(values) => {
                let mut element = Value::Empty;
                merge_value(field.message("AnyValue")?, &mut element, depth + 1)?;
                values.push(element);
            }
            Value::Map(pairs) => pairs.push(key_value(field.message("KeyValue")?, depth + 1)?),
            _ => {}
        }
    }
    Ok(())
}
