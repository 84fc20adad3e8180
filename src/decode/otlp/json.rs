//! OTLP/JSON -> model, as tolerant as the [specification](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding)
//! and the [proto3 JSON mapping](https://protobuf.dev/programming-guides/json/) together.
//!
//! Unknown keys are ignored, `null` is "absent", of a key sent twice the last wins, ids are hexadecimal in any case,
//! integers come as number or text, enums as number or name. What is wrong *inside* a span or log record rejects that
//! record alone; what is wrong around it makes the request malformed, as does anything that is not JSON: `NaN` outside
//! quotes, half a surrogate pair, brackets
//! nested beyond 127 levels (which an attribute reaches with 30 maps within each other, each taking four).

use std::sync::Arc;

use bytes::Bytes;

use super::error::DecodeError;
use super::node::{Node, Result, wrong};
use super::sent::{BadId, DataPoints, Gathered, Origin, SentIds, SentLog, parent_or_none};
use crate::model::id::{IdError, from_hex};
use crate::model::value::MAX_VALUE_DEPTH;
use crate::model::{
    Attributes, Event, Kind, Link, LogRecord, Nanos, Resource, Scope, Span, SpanId, Status, StatusCode, Text, TraceId,
    Value,
};

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
const STATUS_CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];
#[rustfmt::skip]
const SEVERITIES: [&str; 25] = [
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE", "SEVERITY_NUMBER_TRACE2", "SEVERITY_NUMBER_TRACE3", "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG", "SEVERITY_NUMBER_DEBUG2", "SEVERITY_NUMBER_DEBUG3", "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO", "SEVERITY_NUMBER_INFO2", "SEVERITY_NUMBER_INFO3", "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN", "SEVERITY_NUMBER_WARN2", "SEVERITY_NUMBER_WARN3", "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR", "SEVERITY_NUMBER_ERROR2", "SEVERITY_NUMBER_ERROR3", "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL", "SEVERITY_NUMBER_FATAL2", "SEVERITY_NUMBER_FATAL3", "SEVERITY_NUMBER_FATAL4",
];

/// A kind of record that stands in `resource… [ scope… [ records ] ]`; all three signals have that shape.
pub(super) trait Record: Sized {
    /// Keys of the three lists, outermost first.
    const KEYS: [&'static str; 3];

    /// Reads one record; either error rejects it alone.
    fn read(node: &Node<'_>, body: &Bytes, origin: &Origin) -> Result<std::result::Result<Self, BadId>>;
}

/// Reads a whole export request.
pub(super) fn read_request<R: Record>(body: &Bytes) -> std::result::Result<Gathered<R>, DecodeError> {
    let document = Node::read(body)?;
    let mut gathered = Gathered::new();
    document
        .field(R::KEYS[0], |groups| groups.each_element(|group| resource_records(group, body, &mut gathered)))
        .map_err(|error| if error.path.is_empty() { error.below("request") } else { error })?;
    Ok(gathered)
}

fn resource_records<R: Record>(node: &Node<'_>, body: &Bytes, gathered: &mut Gathered<R>) -> Result<()> {
    let sent = node.field("resource", |node| resource(node, body).map(Some))?;
    let mut resource = sent.unwrap_or_else(|| Resource::new(Attributes::EMPTY));
    resource.schema_url = node.field("schemaUrl", |node| node.text(body))?;
    let resource = Arc::new(resource);
    node.field(R::KEYS[1], |groups| groups.each_element(|group| scope_records(group, body, &resource, gathered)))
}

fn scope_records<R: Record>(
    node: &Node<'_>,
    body: &Bytes,
    resource: &Arc<Resource>,
    gathered: &mut Gathered<R>,
) -> Result<()> {
    let mut scope = node.field("scope", |node| scope(node, body))?;
    scope.schema_url = node.field("schemaUrl", |node| node.text(body))?;
    let origin = Origin { resource: resource.clone(), scope: Arc::new(scope) };
    node.field(R::KEYS[2], |records| {
        records.each_element(|record| {
            record.check_object()?;
            match R::read(record, body, &origin) {
                Ok(record) => gathered.add(record),
                Err(error) => gathered.reject(error),
            }
            Ok(())
        })
    })
}

fn resource(node: &Node<'_>, body: &Bytes) -> Result<Resource> {
    let dropped_attributes = node.field("droppedAttributesCount", Node::uint32)?;
    Ok(Resource { dropped_attributes, ..Resource::new(attributes(node, body)?) })
}

fn scope(node: &Node<'_>, body: &Bytes) -> Result<Scope> {
    Ok(Scope {
        name: node.field("name", |node| node.text(body))?,
        version: node.field("version", |node| node.text(body))?,
        attributes: attributes(node, body)?,
        dropped_attributes: node.field("droppedAttributesCount", Node::uint32)?,
        schema_url: Text::EMPTY,
    })
}

impl Record for Span {
    const KEYS: [&'static str; 3] = ["resourceSpans", "scopeSpans", "spans"];

    fn read(node: &Node<'_>, body: &Bytes, origin: &Origin) -> Result<std::result::Result<Span, BadId>> {
        let text = |key| node.field(key, |node| node.text(body));
        let count = |key| node.field(key, Node::uint32);
        let time = |key| node.field(key, Node::uint64).map(Nanos);
        let ids = SentIds {
            trace_id: trace_id(node)?,
            span_id: span_id(node, "spanId")?,
            parent_span_id: parent_or_none(span_id(node, "parentSpanId")?),
        };
        let name = text("name")?;
        let (trace_id, span_id, parent_span_id) = match ids.check(&name) {
            Ok(ids) => ids,
            Err(bad) => return Ok(Err(bad)),
        };
        Ok(Ok(Span {
            trace_id,
            span_id,
            parent_span_id,
            trace_state: text("traceState")?,
            flags: count("flags")?,
            name,
            kind: Kind::from_number(node.field("kind", |node| node.enumeration(&KINDS))?),
            start: time("startTimeUnixNano")?,
            end: time("endTimeUnixNano")?,
            attributes: attributes(node, body)?,
            dropped_attributes: count("droppedAttributesCount")?,
            events: list(node, "events", |node| event(node, body))?,
            dropped_events: count("droppedEventsCount")?,
            links: list(node, "links", |node| link(node, body))?,
            dropped_links: count("droppedLinksCount")?,
            status: node.field("status", |node| status(node, body))?,
            resource: origin.resource.clone(),
            scope: origin.scope.clone(),
        }))
    }
}

fn event(node: &Node<'_>, body: &Bytes) -> Result<Event> {
    Ok(Event {
        time: Nanos(node.field("timeUnixNano", Node::uint64)?),
        name: node.field("name", |node| node.text(body))?,
        attributes: attributes(node, body)?,
        dropped_attributes: node.field("droppedAttributesCount", Node::uint32)?,
    })
}

fn link(node: &Node<'_>, body: &Bytes) -> Result<Link> {
    Ok(Link {
        trace_id: trace_id(node)?.ok(),
        span_id: span_id(node, "spanId")?.ok(),
        trace_state: node.field("traceState", |node| node.text(body))?,
        attributes: attributes(node, body)?,
        dropped_attributes: node.field("droppedAttributesCount", Node::uint32)?,
        flags: node.field("flags", Node::uint32)?,
    })
}

fn status(node: &Node<'_>, body: &Bytes) -> Result<Status> {
    Ok(Status {
        code: StatusCode::from_number(node.field("code", |node| node.enumeration(&STATUS_CODES))?),
        message: node.field("message", |node| node.text(body))?,
    })
}

impl Record for LogRecord {
    const KEYS: [&'static str; 3] = ["resourceLogs", "scopeLogs", "logRecords"];

    fn read(node: &Node<'_>, body: &Bytes, origin: &Origin) -> Result<std::result::Result<LogRecord, BadId>> {
        let log = SentLog {
            time_ns: node.field("timeUnixNano", Node::uint64)?,
            observed_time_ns: node.field("observedTimeUnixNano", Node::uint64)?,
            severity_number: node.field("severityNumber", |node| node.enumeration(&SEVERITIES))?,
            severity_text: node.field("severityText", |node| node.text(body))?,
            body: node.field("body", |node| value(node, body, 0))?,
            event_name: node.field("eventName", |node| node.text(body))?,
            attributes: attributes(node, body)?,
            trace_id: trace_id(node)?.ok(),
            span_id: span_id(node, "spanId")?.ok(),
        };
        Ok(Ok(log.into_record(origin)))
    }
}

impl Record for DataPoints {
    const KEYS: [&'static str; 3] = ["resourceMetrics", "scopeMetrics", "metrics"];

    fn read(node: &Node<'_>, _body: &Bytes, _origin: &Origin) -> Result<std::result::Result<DataPoints, BadId>> {
        let mut points = 0;
        for kind in ["gauge", "sum", "histogram", "exponentialHistogram", "summary"] {
            let kept = |data: &Node<'_>| list(data, "dataPoints", |point| point.check_object());
            points += node.field(kind, |data| kept(data).map(|kept| kept.len()))?;
        }
        Ok(Ok(DataPoints(points)))
    }
}

fn list<T>(node: &Node<'_>, key: &str, mut read: impl FnMut(&Node<'_>) -> Result<T>) -> Result<Vec<T>> {
    node.field(key, |elements| {
        let mut list = Vec::new();
        elements.each_element(|element| {
            list.push(read(element)?);
            Ok(())
        })?;
        Ok(list)
    })
}

fn trace_id(node: &Node<'_>) -> Result<std::result::Result<TraceId, IdError>> {
    let id = node.field("traceId", |node| hexadecimal::<16>(node).map(Some))?;
    Ok(id.unwrap_or(Err(IdError::Empty)).and_then(|raw| TraceId::from_otel_bytes(&raw)))
}

fn span_id(node: &Node<'_>, key: &str) -> Result<std::result::Result<SpanId, IdError>> {
    let id = node.field(key, |node| hexadecimal::<8>(node).map(Some))?;
    Ok(id.unwrap_or(Err(IdError::Empty)).and_then(|raw| SpanId::from_bytes(&raw)))
}

/// `N` bytes as hexadecimal; the inner error says why the text is none.
fn hexadecimal<const N: usize>(node: &Node<'_>) -> Result<std::result::Result<[u8; N], IdError>> {
    let digits = node.str()?.as_bytes();
    if digits.is_empty() {
        return Ok(Err(IdError::Empty));
    }
    if digits.len() != 2 * N && digits.iter().all(u8::is_ascii_hexdigit) {
        return Ok(Err(IdError::Length { found: digits.len().div_ceil(2), expected: N }));
    }
    Ok(from_hex(digits).ok_or(IdError::NotHex))
}

fn attributes(node: &Node<'_>, body: &Bytes) -> Result<Attributes> {
    list(node, "attributes", |pair| key_value(pair, body, 0)).map(Attributes)
}

fn key_value(node: &Node<'_>, body: &Bytes, depth: usize) -> Result<(Text, Value)> {
    let key = node.field("key", |node| node.text(body))?;
    Ok((key, node.field("value", |node| value(node, body, depth))?))
}

/// Reads an `AnyValue`; of several types set the last known one wins. `depth` is how many containers surround it.
fn value(node: &Node<'_>, body: &Bytes, depth: usize) -> Result<Value> {
    let mut value = Value::Empty;
    for (key, node) in node.present()? {
        let read = match key {
            "stringValue" => node.text(body).map(Value::String),
            "boolValue" => node.bool().map(Value::Bool),
            "intValue" => node.int64().map(Value::Int),
            "doubleValue" => node.double().map(Value::Double),
            "bytesValue" => node.base64().map(Value::Bytes),
            "arrayValue" | "kvlistValue" if depth == MAX_VALUE_DEPTH => wrong("a value nested less deep"),
            "arrayValue" => node.field("values", |list| array(list, body, depth + 1)).map(Value::Array),
            "kvlistValue" => list(node, "values", |pair| key_value(pair, body, depth + 1)).map(Value::Map),
            _ => continue,
        };
        value = read.map_err(|error| error.below(key))?;
    }
    Ok(value)
}

/// Reads the elements of an array value. Here alone `null` keeps its place, as an empty value: the elements after it would move otherwise.
fn array(node: &Node<'_>, body: &Bytes, depth: usize) -> Result<Vec<Value>> {
    let element = |node: &Node<'_>| match node {
        Node::Null => Ok(Value::Empty),
        present => value(present, body, depth),
    };
    node.elements()?.iter().map(element).collect()
}
