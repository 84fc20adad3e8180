//! OTLP/JSON -> model, as tolerant as the [specification](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding)
//! and the [proto3 JSON mapping](https://protobuf.dev/programming-guides/json/) together.
//!
//! Unknown keys are ignored, `null` is "absent", of a key sent twice the last wins, ids are hexadecimal in any case,
//! integers come as number or text, enums as number or name, a value of another type than it says stays what it is. What
//! is wrong *inside* a span or log record is mended or rejects that record alone; what is wrong around it makes the request
//! malformed, as does what is no JSON but for what [`json_text`] mends. Brackets nested beyond 126 levels are cut off
//! (which an attribute reaches with 30 maps within each other, each taking four).

use std::sync::Arc;

use bytes::Bytes;

use super::error::DecodeError;
use super::node::{Node, Result};
use super::sent::{
    BadId, DataPoints, Gathered, Origin, SentIds, SentLog, TOO_DEEP, link_id, parent_of_text, say_nested,
};
use crate::decode::json_text;
use crate::decode::mended::Notes;
use crate::model::id::{IdError, from_hex};
use crate::model::value::MAX_VALUE_DEPTH;
use crate::model::{
    Attributes, Event, Kind, Link, LogRecord, Nanos, Resource, Scope, Severity, Span, SpanId, Status, StatusCode, Text,
    TraceId, Value,
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
/// What a document is read from: the body whose buffer its texts share, and what was mended in it.
pub(super) struct Source<'b> {
    body: &'b Bytes,
    notes: Notes,
}

/// A kind of record that stands in `resource… [ scope… [ records ] ]`; all three signals have that shape.
pub(super) trait Record: Sized {
    /// Keys of the three lists, outermost first.
    const KEYS: [&'static str; 3];
    /// What the second list was called before version 0.19 of the protocol, when a scope was `instrumentationLibrary`.
    const OLD_SCOPES: &'static str;
    /// What the third list was called once, too.
    const OLD_RECORDS: Option<&'static str> = None;

    /// Reads one record; either error rejects it alone.
    fn read(node: &Node<'_>, source: &Source<'_>, origin: &Origin) -> Result<std::result::Result<Self, BadId>>;
}

/// Reads a whole export request.
pub(super) fn read_request<R: Record>(body: &Bytes) -> std::result::Result<Gathered<R>, DecodeError> {
    let source = Source { body, notes: Notes::default() };
    let refused = match Node::read(body) {
        Ok(document) => return gather(&document, &source),
        Err(error) => error,
    };
    let Some((text, places)) = json_text::mend(body) else { return Err(refused.into()) };
    let body = &Bytes::from(text);
    source.notes.add(|mended| (mended.not_utf8, mended.copied_bytes) = (places, body.len()));
    gather(&Node::read(body)?, &Source { body, ..source })
}

fn gather<R: Record>(document: &Node<'_>, source: &Source<'_>) -> std::result::Result<Gathered<R>, DecodeError> {
    let mut gathered = Gathered::new();
    document
        .field(R::KEYS[0], |groups| groups.each_element(|group| resource_records(group, source, &mut gathered)))
        .map_err(|error| if error.path.is_empty() { error.below("request") } else { error })?;
    gathered.mended = source.notes.so_far();
    Ok(gathered)
}

fn resource_records<R: Record>(node: &Node<'_>, source: &Source<'_>, gathered: &mut Gathered<R>) -> Result<()> {
    let sent = node.field("resource", |node| resource(node, source).map(Some))?;
    let mut resource = sent.unwrap_or_else(|| Resource::new(Attributes::EMPTY));
    resource.schema_url = node.field("schemaUrl", |node| node.text(source.body))?;
    let resource = Arc::new(resource);
    for key in [R::KEYS[1], R::OLD_SCOPES] {
        node.field(key, |groups| groups.each_element(|group| scope_records(group, source, &resource, gathered)))?;
    }
    Ok(())
}

fn scope_records<R: Record>(
    node: &Node<'_>,
    source: &Source<'_>,
    resource: &Arc<Resource>,
    gathered: &mut Gathered<R>,
) -> Result<()> {
    let named = node.field("scope", |node| scope(node, source).map(Some))?;
    let mut scope = match named {
        Some(scope) => scope,
        None => node.field("instrumentationLibrary", |node| scope(node, source))?,
    };
    scope.schema_url = node.field("schemaUrl", |node| node.text(source.body))?;
    let origin = Origin { resource: resource.clone(), scope: Arc::new(scope) };
    for key in [R::KEYS[2]].into_iter().chain(R::OLD_RECORDS) {
        node.field(key, |records| {
            records.each_element(|record| {
                record.check_object()?;
                match R::read(record, source, &origin) {
                    Ok(record) => gathered.add(record),
                    Err(error) => gathered.reject(error),
                }
                Ok(())
            })
        })?;
    }
    Ok(())
}

fn resource(node: &Node<'_>, source: &Source<'_>) -> Result<Resource> {
    let dropped_attributes = node.field("droppedAttributesCount", Node::uint32)?;
    Ok(Resource { dropped_attributes, ..Resource::new(attributes(node, source)?) })
}

fn scope(node: &Node<'_>, source: &Source<'_>) -> Result<Scope> {
    Ok(Scope {
        name: node.field("name", |node| node.text(source.body))?,
        version: node.field("version", |node| node.text(source.body))?,
        attributes: attributes(node, source)?,
        dropped_attributes: node.field("droppedAttributesCount", Node::uint32)?,
        schema_url: Text::EMPTY,
    })
}

impl Record for Span {
    const KEYS: [&'static str; 3] = ["resourceSpans", "scopeSpans", "spans"];
    const OLD_SCOPES: &'static str = "instrumentationLibrarySpans";

    fn read(node: &Node<'_>, source: &Source<'_>, origin: &Origin) -> Result<std::result::Result<Span, BadId>> {
        let text = |key| node.field(key, |node| node.text(source.body));
        let count = |key| node.field(key, Node::uint32);
        let time = |key| node.field(key, Node::uint64).map(Nanos);
        let before = source.notes.so_far();
        let ids = SentIds { trace_id: trace_id(node)?, span_id: span_id(node)?, parent: parent(node)? };
        let name = text("name")?;
        let mut attributes = attributes(node, source)?;
        let (events, links) =
            (list(node, "events", |node| event(node, source))?, list(node, "links", |node| link(node, source))?);
        say_nested(&mut attributes, &source.notes, before);
        let (trace_id, span_id, parent_span_id) = match ids.check(&name, &mut attributes, &source.notes) {
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
            attributes,
            dropped_attributes: count("droppedAttributesCount")?,
            events,
            dropped_events: count("droppedEventsCount")?,
            links,
            dropped_links: count("droppedLinksCount")?,
            status: node.field("status", |node| status(node, source))?,
            resource: origin.resource.clone(),
            scope: origin.scope.clone(),
        }))
    }
}

fn event(node: &Node<'_>, source: &Source<'_>) -> Result<Event> {
    Ok(Event {
        time: Nanos(node.field("timeUnixNano", Node::uint64)?),
        name: node.field("name", |node| node.text(source.body))?,
        attributes: attributes(node, source)?,
        dropped_attributes: node.field("droppedAttributesCount", Node::uint32)?,
    })
}

fn link(node: &Node<'_>, source: &Source<'_>) -> Result<Link> {
    Ok(Link {
        trace_id: link_id(trace_id(node).unwrap_or(Err(IdError::NotHex)), &source.notes),
        span_id: link_id(span_id(node).unwrap_or(Err(IdError::NotHex)), &source.notes),
        trace_state: node.field("traceState", |node| node.text(source.body))?,
        attributes: attributes(node, source)?,
        dropped_attributes: node.field("droppedAttributesCount", Node::uint32)?,
        flags: node.field("flags", Node::uint32)?,
    })
}

fn status(node: &Node<'_>, source: &Source<'_>) -> Result<Status> {
    Ok(Status {
        code: StatusCode::from_number(node.field("code", |node| node.enumeration(&STATUS_CODES))?),
        message: node.field("message", |node| node.text(source.body))?,
    })
}

impl Record for LogRecord {
    const KEYS: [&'static str; 3] = ["resourceLogs", "scopeLogs", "logRecords"];
    const OLD_SCOPES: &'static str = "instrumentationLibraryLogs";
    const OLD_RECORDS: Option<&'static str> = Some("logs");

    fn read(node: &Node<'_>, source: &Source<'_>, origin: &Origin) -> Result<std::result::Result<LogRecord, BadId>> {
        let before = source.notes.so_far();
        let mut log = SentLog {
            time_ns: node.field("timeUnixNano", Node::uint64)?,
            observed_time_ns: node.field("observedTimeUnixNano", Node::uint64)?,
            severity_number: node.field("severityNumber", severity_number)?,
            severity_text: node.field("severityText", |node| node.text(source.body))?,
            body: node.field("body", |node| value(node, source, 0))?,
            event_name: node.field("eventName", |node| node.text(source.body))?,
            attributes: attributes(node, source)?,
            trace_id: trace_id(node)?.ok(),
            span_id: span_id(node)?.ok(),
        };
        say_nested(&mut log.attributes, &source.notes, before);
        Ok(Ok(log.into_record(origin)))
    }
}

impl Record for DataPoints {
    const KEYS: [&'static str; 3] = ["resourceMetrics", "scopeMetrics", "metrics"];
    const OLD_SCOPES: &'static str = "instrumentationLibraryMetrics";

    fn read(node: &Node<'_>, _source: &Source<'_>, _origin: &Origin) -> Result<std::result::Result<DataPoints, BadId>> {
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

/// A severity number, or its name: `SEVERITY_NUMBER_ERROR`, and any other word for a level.
fn severity_number(node: &Node<'_>) -> Result<i64> {
    let named = node.str().ok().and_then(Severity::from_word);
    named.map_or_else(|| node.enumeration(&[]), |severity| Ok(severity.to_number()))
}

/// The id of a trace: 32 hexadecimal digits, or 16 of one that has only 64 bits.
fn trace_id(node: &Node<'_>) -> Result<std::result::Result<TraceId, IdError>> {
    const SHORT_DIGITS: usize = 16;
    let read = |node: &Node<'_>| match node.str()?.len() {
        SHORT_DIGITS => Ok(hexadecimal::<8>(node)?.and_then(|raw| TraceId::from_otel_bytes(&raw))),
        _ => Ok(hexadecimal::<16>(node)?.and_then(|raw| TraceId::from_otel_bytes(&raw))),
    };
    let id = node.field("traceId", |node| read(node).map(Some))?;
    Ok(id.unwrap_or(Err(IdError::Empty)))
}

fn span_id(node: &Node<'_>) -> Result<std::result::Result<SpanId, IdError>> {
    let id = node.field("spanId", |node| hexadecimal::<8>(node).map(Some))?;
    Ok(id.unwrap_or(Err(IdError::Empty)).and_then(|raw| SpanId::from_bytes(&raw)))
}

/// The parent of a span; what was sent when it is no id, of whatever type.
fn parent(node: &Node<'_>) -> Result<std::result::Result<Option<SpanId>, Text>> {
    let read = |node: &Node<'_>| Ok(Some(node.str().map_or_else(|_| Err(node.describe()), parent_of_text)));
    Ok(node.field("parentSpanId", read)?.unwrap_or(Ok(None)))
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

fn attributes(node: &Node<'_>, source: &Source<'_>) -> Result<Attributes> {
    list(node, "attributes", |pair| key_value(pair, source, 0)).map(Attributes)
}

fn key_value(node: &Node<'_>, source: &Source<'_>, depth: usize) -> Result<(Text, Value)> {
    if node.is_cut() {
        return Ok((TOO_DEEP, too_deep(source)));
    }
    let key = node.field("key", |node| node.text(source.body))?;
    Ok((key, node.field("value", |node| value(node, source, depth))?))
}

/// Reads an `AnyValue`; of several types set the last known one wins. `depth` is how many containers surround it. What
/// is not of the type it says is kept as what it is.
fn value(node: &Node<'_>, source: &Source<'_>, depth: usize) -> Result<Value> {
    let Ok(present) = node.present() else { return Ok(as_sent(node, source, depth)) };
    let mut value = Value::Empty;
    for (key, node) in present {
        let read = match key {
            "stringValue" => node.text(source.body).map(Value::String),
            "boolValue" => node.bool().map(Value::Bool),
            "intValue" => node.int64().map(Value::Int),
            "doubleValue" => node.double().map(Value::Double),
            "bytesValue" => node.base64().map(Value::Bytes),
            "arrayValue" | "kvlistValue" if depth == MAX_VALUE_DEPTH || node.is_cut() => Ok(too_deep(source)),
            "arrayValue" if node.is_of_values() => {
                node.field("values", |list| array(list, source, depth + 1)).map(Value::Array)
            }
            "kvlistValue" if node.is_of_values() => {
                list(node, "values", |pair| key_value(pair, source, depth + 1)).map(Value::Map)
            }
            "arrayValue" | "kvlistValue" => Ok(as_sent(node, source, depth)),
            _ => continue,
        };
        value = read.unwrap_or_else(|_| as_sent(node, source, depth));
    }
    Ok(value)
}

/// A value that is not of the type it should be, as what it is.
fn as_sent(node: &Node<'_>, source: &Source<'_>, depth: usize) -> Value {
    if node.is_cut() {
        return too_deep(source);
    }
    source.notes.add(|mended| mended.mistyped += 1);
    node.plain_value(source.body, depth)
}

/// What stands for a value that is nested too deep; counts it.
fn too_deep(source: &Source<'_>) -> Value {
    source.notes.add(|mended| mended.nested += 1);
    Value::String(TOO_DEEP)
}

/// Reads the elements of an array value. Here alone `null` keeps its place, as an empty value: the elements after it would move otherwise.
fn array(node: &Node<'_>, source: &Source<'_>, depth: usize) -> Result<Vec<Value>> {
    let element = |node: &Node<'_>| match node {
        Node::Null => Ok(Value::Empty),
        present => value(present, source, depth),
    };
    node.elements()?.iter().map(element).collect()
}
