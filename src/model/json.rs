//! The JSON of the public interface, both ways.
//!
//! Every key is always there, `null` when unknown; times are RFC 3339 with nine digits; durations stand as fractional
//! milliseconds and exact nanoseconds. Reading back what was written gives an equal value, except that bytes come back
//! as their base64 text and NaN and infinities as the words proto3 JSON uses, because JSON has no such types.

mod checkpoint;
mod checkpoint_text;
mod issue;
mod key;
mod log;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Number, Value as Json, json};

use super::{
    Attributes, Cost, DatabaseInfo, Event, Kind, Link, Nanos, Operation, OperationStats, RecordKind, Resource, Scope,
    Span, SpanId, Stats, Status, StatusCode, Text, Timeline, Tokens, TraceId, TraceStatus, TraceSummary, Value,
    time::nanos_to_ms,
};

pub use checkpoint::{DATA_TEXT, checkpoint_from_json, checkpoint_to_json};
pub use checkpoint_text::{write_checkpoint, write_checkpoint_and_project, write_text};
pub use issue::{
    issue_detail_from_json, issue_detail_to_json, issue_from_json, issue_to_json, why_from_json, why_to_json,
};
pub use key::{key_from_wire, key_to_json, key_to_wire};
pub use log::{extra, log_from_json, log_id, log_to_json, named_keys, named_value};

/// Version of the shapes below, printed as `schema`; fields are only ever added within one.
pub const SCHEMA: u64 = 1;

/// Why a document is not what [`crate::model::json`] writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is missing or has the wrong type")]
pub struct JsonError {
    /// The key at fault.
    pub key: &'static str,
}

type Result<T> = std::result::Result<T, JsonError>;

/// An attribute value in native JSON types.
pub fn value_to_json(value: &Value) -> Json {
    match value {
        Value::Empty => Json::Null,
        Value::String(text) => Json::String(text.to_string()),
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(number) => Json::Number((*number).into()),
        Value::Double(number) => match Number::from_f64(*number) {
            Some(number) => Json::Number(number),
            None if number.is_nan() => Json::from("NaN"),
            None if *number > 0.0 => Json::from("Infinity"),
            None => Json::from("-Infinity"),
        },
        Value::Bytes(bytes) => Json::String(STANDARD.encode(bytes)),
        Value::Array(values) => Json::Array(values.iter().map(value_to_json).collect()),
        Value::Map(pairs) => {
            Json::Object(pairs.iter().map(|(key, value)| (key.to_string(), value_to_json(value))).collect())
        }
    }
}

/// An attribute value as one line of text: text without quotes, everything else as JSON. What `--attr` compares with.
pub fn value_to_text(value: &Value) -> String {
    match value_to_json(value) {
        Json::String(text) => text,
        other => other.to_string(),
    }
}

fn value_from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Empty,
        Json::String(text) => Value::from(text.as_str()),
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::Array(values) => Value::Array(values.iter().map(value_from_json).collect()),
        Json::Object(pairs) => {
            Value::Map(pairs.iter().map(|(key, value)| (Text::from(key.as_str()), value_from_json(value))).collect())
        }
    }
}

/// A flat object; of a repeated key the last value stays.
pub fn attributes_to_json(attributes: &Attributes) -> Json {
    Json::Object(attributes.iter().map(|(key, value)| (key.to_string(), value_to_json(value))).collect())
}

/// Attributes of a flat object; none for anything else.
pub fn attributes_from_json(json: &Json) -> Attributes {
    let pairs = json.as_object().into_iter().flatten();
    Attributes(pairs.map(|(key, value)| (Text::from(key.as_str()), value_from_json(value))).collect())
}

/// A span; `self_ns` and `warnings` are what a query found out about it.
pub fn span_to_json(span: &Span, self_ns: u64, warnings: &[String]) -> Map<String, Json> {
    object([
        ("span_id", json!(span.span_id.to_string())),
        ("parent_span_id", json!(span.parent_span_id.map(|id| id.to_string()))),
        ("name", json!(span.name.as_str())),
        ("kind", json!(span.kind.as_str())),
        ("service", json!(span.service().as_str())),
        ("start_time", json!(span.start.to_rfc3339())),
        ("end_time", json!(span.end.to_rfc3339())),
        ("duration_ms", json!(nanos_to_ms(span.duration_ns()))),
        ("duration_ns", json!(span.duration_ns())),
        ("self_ms", json!(nanos_to_ms(self_ns))),
        ("status", json!(span.status.code.as_str())),
        ("status_message", text_or_null(&span.status.message)),
        ("attributes", attributes_to_json(&span.attributes)),
        ("events", span.events.iter().map(event_to_json).collect()),
        ("links", span.links.iter().map(link_to_json).collect()),
        ("resource", attributes_to_json(&span.resource.attributes)),
        ("scope", scope_to_json(&span.scope)),
        ("warnings", json!(warnings)),
        ("trace_state", text_or_null(&span.trace_state)),
        ("flags", json!(span.flags)),
        ("dropped_attributes_count", json!(span.dropped_attributes)),
        ("dropped_events_count", json!(span.dropped_events)),
        ("dropped_links_count", json!(span.dropped_links)),
        ("resource_schema_url", text_or_null(&span.resource.schema_url)),
    ])
}

/// Reads a span of the trace `trace_id` back.
///
/// # Errors
/// Names the first key that is missing or of the wrong type.
pub fn span_from_json(trace_id: &TraceId, json: &Json) -> Result<Span> {
    let mut resource = Resource::new(attributes_from_json(&json["resource"]));
    resource.service = text(json, "service")?;
    resource.schema_url = text_or_empty(&json["resource_schema_url"]);
    let code = string(json, "status")?;
    let kind = string(json, "kind")?;
    Ok(Span {
        trace_id: trace_id.clone(),
        span_id: SpanId::parse(string(json, "span_id")?).map_err(|_| JsonError { key: "span_id" })?,
        parent_span_id: json["parent_span_id"].as_str().and_then(|id| SpanId::parse(id).ok()),
        trace_state: text_or_empty(&json["trace_state"]),
        flags: small_number(json, "flags"),
        name: text(json, "name")?,
        kind: (0..=5).map(Kind::from_number).find(|known| known.as_str() == kind).unwrap_or_default(),
        start: time(json, "start_time")?,
        end: time(json, "end_time")?,
        attributes: attributes_from_json(&json["attributes"]),
        dropped_attributes: small_number(json, "dropped_attributes_count"),
        events: list(json, "events")?.iter().map(event_from_json).collect::<Result<_>>()?,
        dropped_events: small_number(json, "dropped_events_count"),
        links: list(json, "links")?.iter().map(link_from_json).collect(),
        dropped_links: small_number(json, "dropped_links_count"),
        status: Status {
            code: (0..=2).map(StatusCode::from_number).find(|known| known.as_str() == code).unwrap_or_default(),
            message: text_or_empty(&json["status_message"]),
        },
        resource: Arc::new(resource),
        scope: scope_from_json(&json["scope"]),
    })
}

fn scope_to_json(scope: &Scope) -> Json {
    json!({
        "name": scope.name.as_str(),
        "version": scope.version.as_str(),
        "attributes": attributes_to_json(&scope.attributes),
        "schema_url": text_or_null(&scope.schema_url),
    })
}

fn scope_from_json(json: &Json) -> Arc<Scope> {
    Arc::new(Scope {
        name: text_or_empty(&json["name"]),
        version: text_or_empty(&json["version"]),
        attributes: attributes_from_json(&json["attributes"]),
        dropped_attributes: 0,
        schema_url: text_or_empty(&json["schema_url"]),
    })
}

fn event_to_json(event: &Event) -> Json {
    json!({
        "time": event.time.to_rfc3339(),
        "name": event.name.as_str(),
        "attributes": attributes_to_json(&event.attributes),
        "dropped_attributes_count": event.dropped_attributes,
    })
}

fn event_from_json(json: &Json) -> Result<Event> {
    Ok(Event {
        time: time(json, "time")?,
        name: text(json, "name")?,
        attributes: attributes_from_json(&json["attributes"]),
        dropped_attributes: small_number(json, "dropped_attributes_count"),
    })
}

fn link_to_json(link: &Link) -> Json {
    json!({
        "trace_id": link.trace_id.as_ref().map(TraceId::to_string),
        "span_id": link.span_id.map(|id| id.to_string()),
        "attributes": attributes_to_json(&link.attributes),
        "trace_state": text_or_null(&link.trace_state),
        "flags": link.flags,
        "dropped_attributes_count": link.dropped_attributes,
    })
}

fn link_from_json(json: &Json) -> Link {
    Link {
        trace_id: json["trace_id"].as_str().and_then(|id| TraceId::parse(id).ok()),
        span_id: json["span_id"].as_str().and_then(|id| SpanId::parse(id).ok()),
        trace_state: text_or_empty(&json["trace_state"]),
        attributes: attributes_from_json(&json["attributes"]),
        dropped_attributes: small_number(json, "dropped_attributes_count"),
        flags: small_number(json, "flags"),
    }
}

/// A trace summary, one element of `list`.
pub fn summary_to_json(summary: &TraceSummary) -> Map<String, Json> {
    object([
        ("trace_id", json!(summary.trace_id.to_string())),
        ("name", json!(summary.name.as_str())),
        ("service", json!(summary.service.as_str())),
        ("services", summary.services.iter().map(|service| json!(service.as_str())).collect()),
        ("workflow", json!(summary.workflow.as_deref())),
        ("kinds", summary.kinds.iter().map(|kind| json!(kind.as_str())).collect()),
        ("status", json!(summary.status.as_str())),
        ("start_time", json!(summary.start.to_rfc3339())),
        ("end_time", json!(summary.end.to_rfc3339())),
        ("duration_ms", json!(nanos_to_ms(summary.duration_ns()))),
        ("duration_ns", json!(summary.duration_ns())),
        ("span_count", json!(summary.span_count)),
        ("checkpoint_count", json!(summary.checkpoint_count)),
        ("log_count", json!(summary.log_count)),
        ("error_count", json!(summary.error_count)),
        ("complete", json!(summary.complete)),
        ("tokens", json!(summary.tokens)),
        ("cost", json!(summary.cost)),
    ])
}

/// Reads a trace summary back.
///
/// # Errors
/// Names the first key that is missing or of the wrong type.
pub fn summary_from_json(json: &Json) -> Result<TraceSummary> {
    let words = |key| -> Result<Vec<&str>> {
        list(json, key)?.iter().map(|word| word.as_str().ok_or(JsonError { key })).collect()
    };
    let status = string(json, "status")?;
    Ok(TraceSummary {
        trace_id: TraceId::parse(string(json, "trace_id")?).map_err(|_| JsonError { key: "trace_id" })?,
        name: text(json, "name")?,
        service: text(json, "service")?,
        services: words("services")?.into_iter().map(Text::from).collect(),
        workflow: json["workflow"].as_str().map(Text::from),
        kinds: words("kinds")?.into_iter().filter_map(RecordKind::parse).collect(),
        status: [TraceStatus::Ok, TraceStatus::Error, TraceStatus::Open]
            .into_iter()
            .find(|known| known.as_str() == status)
            .ok_or(JsonError { key: "status" })?,
        start: time(json, "start_time")?,
        end: time(json, "end_time")?,
        span_count: number(json, "span_count")?,
        checkpoint_count: number(json, "checkpoint_count")?,
        log_count: number(json, "log_count")?,
        error_count: number(json, "error_count")?,
        complete: json["complete"].as_bool().ok_or(JsonError { key: "complete" })?,
        tokens: nullable::<Tokens>(json, "tokens")?,
        cost: nullable::<Cost>(json, "cost")?,
    })
}

/// Statistics.
pub fn stats_to_json(stats: &Stats) -> Map<String, Json> {
    object([
        ("schema", json!(SCHEMA)),
        ("traces", json!(stats.traces)),
        ("spans", json!(stats.spans)),
        ("checkpoints", json!(stats.checkpoints)),
        ("logs", json!(stats.logs)),
        ("issues", json!(stats.issues)),
        ("errors", json!(stats.errors)),
        ("services", json!(stats.services)),
        ("first_time", json!(stats.first.map(Nanos::to_rfc3339))),
        ("last_time", json!(stats.last.map(Nanos::to_rfc3339))),
        ("database", database_to_json(&stats.database)),
        ("operations", stats.operations.iter().map(operation_to_json).collect()),
        ("failed_traces", json!(stats.failed)),
        ("timeline", stats.timeline.as_ref().map_or(Json::Null, timeline_to_json)),
    ])
}

/// Reads statistics back.
///
/// # Errors
/// Names the first key that is missing or of the wrong type.
pub fn stats_from_json(json: &Json) -> Result<Stats> {
    let optional_time = |key| json[key].as_str().and_then(Nanos::parse_rfc3339);
    let timeline = match &json["timeline"] {
        Json::Null => None,
        timeline => Some(timeline_from_json(timeline)?),
    };
    Ok(Stats {
        traces: number(json, "traces")?,
        failed: number(json, "failed_traces")?,
        spans: number(json, "spans")?,
        checkpoints: number(json, "checkpoints")?,
        logs: number(json, "logs")?,
        issues: number(json, "issues")?,
        errors: number(json, "errors")?,
        services: number(json, "services")?,
        first: optional_time("first_time"),
        last: optional_time("last_time"),
        database: database_from_json(&json["database"])?,
        timeline,
        operations: list(json, "operations")?.iter().map(operation_from_json).collect::<Result<_>>()?,
    })
}

/// One row of the statistics; milliseconds next to the nanoseconds they are made of.
pub fn operation_to_json(row: &OperationStats) -> Json {
    let error_rate = if row.calls == 0 { 0.0 } else { row.errors as f64 / row.calls as f64 };
    json!({
        "service": row.operation.service.as_deref(),
        "name": row.operation.name.as_deref(),
        "calls": row.calls,
        "errors": row.errors,
        "error_rate": error_rate,
        "p50_ms": nanos_to_ms(row.p50_ns),
        "p95_ms": nanos_to_ms(row.p95_ns),
        "p99_ms": nanos_to_ms(row.p99_ns),
        "max_ms": nanos_to_ms(row.max_ns),
        "total_ms": nanos_to_ms(row.total_ns),
        "self_ms": nanos_to_ms(row.self_ns),
        "p50_ns": row.p50_ns,
        "p95_ns": row.p95_ns,
        "p99_ns": row.p99_ns,
        "max_ns": row.max_ns,
        "total_ns": row.total_ns,
        "self_ns": row.self_ns,
        "histogram": row.histogram,
        "records": row.records,
        "open": row.open,
    })
}

fn operation_from_json(json: &Json) -> Result<OperationStats> {
    Ok(OperationStats {
        operation: Operation {
            service: json["service"].as_str().map(Text::from),
            name: json["name"].as_str().map(Text::from),
        },
        calls: number(json, "calls")?,
        errors: number(json, "errors")?,
        p50_ns: number(json, "p50_ns")?,
        p95_ns: number(json, "p95_ns")?,
        p99_ns: number(json, "p99_ns")?,
        max_ns: number(json, "max_ns")?,
        total_ns: number(json, "total_ns")?,
        self_ns: number(json, "self_ns")?,
        histogram: counts(json, "histogram")?,
        records: number(json, "records")?,
        open: number(json, "open")?,
    })
}

/// Where a store lies and how big it is; whole hours print as integers.
pub fn database_to_json(database: &DatabaseInfo) -> Json {
    let hours = |seconds: u64| match seconds % 3_600 {
        0 => json!(seconds / 3_600),
        _ => json!(seconds as f64 / 3_600.0),
    };
    json!({
        "location": database.location,
        "size_bytes": database.size_bytes,
        "retention_hours": database.retention_seconds.map(hours),
    })
}

fn database_from_json(json: &Json) -> Result<DatabaseInfo> {
    Ok(DatabaseInfo {
        location: string(json, "location")?.to_owned(),
        size_bytes: number(json, "size_bytes")?,
        retention_seconds: json["retention_hours"].as_f64().map(|hours| (hours * 3_600.0).round() as u64),
    })
}

fn timeline_to_json(timeline: &Timeline) -> Json {
    json!({
        "start_time": timeline.start.to_rfc3339(),
        "step_ns": timeline.step_ns,
        "traces": timeline.traces,
        "errors": timeline.errors,
    })
}

fn timeline_from_json(json: &Json) -> Result<Timeline> {
    Ok(Timeline {
        start: time(json, "start_time")?,
        step_ns: number(json, "step_ns")?.max(1),
        traces: counts(json, "traces")?,
        errors: counts(json, "errors")?,
    })
}

fn object<const N: usize>(pairs: [(&str, Json); N]) -> Map<String, Json> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn text_or_null(text: &Text) -> Json {
    if text.is_empty() { Json::Null } else { Json::from(text.as_str()) }
}

fn text_or_empty(json: &Json) -> Text {
    json.as_str().map(Text::from).unwrap_or_default()
}

fn string<'a>(json: &'a Json, key: &'static str) -> Result<&'a str> {
    json[key].as_str().ok_or(JsonError { key })
}

fn text(json: &Json, key: &'static str) -> Result<Text> {
    string(json, key).map(Text::from)
}

fn time(json: &Json, key: &'static str) -> Result<Nanos> {
    Nanos::parse_rfc3339(string(json, key)?).ok_or(JsonError { key })
}

fn number(json: &Json, key: &'static str) -> Result<u64> {
    json[key].as_u64().ok_or(JsonError { key })
}

fn small_number(json: &Json, key: &str) -> u32 {
    json[key].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

fn list<'a>(json: &'a Json, key: &'static str) -> Result<&'a [Json]> {
    json[key].as_array().map(Vec::as_slice).ok_or(JsonError { key })
}

fn counts(json: &Json, key: &'static str) -> Result<Vec<u64>> {
    list(json, key)?.iter().map(|count| count.as_u64().ok_or(JsonError { key })).collect()
}

fn nullable<T: serde::de::DeserializeOwned>(json: &Json, key: &'static str) -> Result<Option<T>> {
    match &json[key] {
        Json::Null => Ok(None),
        present => serde_json::from_value(present.clone()).map(Some).map_err(|_| JsonError { key }),
    }
}
