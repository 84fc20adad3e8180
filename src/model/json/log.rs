//! Log records in the JSON of the public interface: what everybody asks for has a name, the rest stands in `extra`.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    JsonError, Result, attributes_from_json, attributes_to_json, object, scope_from_json, scope_to_json, string, text,
    text_or_empty, text_or_null, time, value_from_json, value_to_json,
};
use crate::model::{LogRecord, Resource, Severity, SpanId, Text, TraceId, Value, grouping};

/// Fields that are an attribute of the record or else of its resource: the field and the attributes' names, the usual
/// one first.
const NAMED: [(&str, &[&str]); 9] = [
    ("environment", &["deployment.environment.name", "deployment.environment"]),
    ("host", &["host.name"]),
    ("pid", &["process.pid"]),
    ("thread_id", &["thread.id"]),
    ("module", &["code.namespace"]),
    ("error_type", &["exception.type"]),
    ("error_message", &["exception.message"]),
    ("stack_trace", &["exception.stacktrace"]),
    ("sdk_version", &["telemetry.sdk.version"]),
];

/// The attributes a field is read from, the usual one first; none for a field that has no attribute.
pub fn named_keys(field: &str) -> &'static [&'static str] {
    NAMED.iter().find(|(name, _)| *name == field).map_or(&[][..], |(_, keys)| keys)
}

/// What a record says in a field that is read from attributes: its own, else its resource's; `None` when neither does.
pub fn named_value<'l>(log: &'l LogRecord, field: &str) -> Option<&'l Value> {
    let keys = named_keys(field);
    let of_record = keys.iter().find_map(|key| log.attributes.get(key));
    of_record.or_else(|| keys.iter().find_map(|key| log.resource.attributes.get(key)))
}

/// The attributes of a record that no field of its own says, in the order they were sent.
pub fn extra(log: &LogRecord) -> impl Iterator<Item = &(Text, Value)> {
    log.attributes.iter().filter(|(key, _)| !is_named(log, key))
}

/// A log record. `issue_id` is null when it tells of no error; `resource` and `scope` say who sent it.
///
/// `id` is a digest of everything else, so the same record has the same id in every store, whatever order its
/// attributes come in; two records that differ in nothing share it.
pub fn log_to_json(log: &LogRecord) -> Map<String, Json> {
    let mut object = content_to_json(log);
    let id = Json::from(digest(&object));
    let issue_id = grouping::of_log(log).map_or(Json::Null, |grouping| json!(grouping.issue.to_string()));
    object.insert("id".to_owned(), id);
    object.insert("issue_id".to_owned(), issue_id);
    object
}

/// The `id` of [`log_to_json`] alone.
pub fn log_id(log: &LogRecord) -> String {
    digest(&content_to_json(log))
}

/// The record with room for `id` and `issue_id`.
fn content_to_json(log: &LogRecord) -> Map<String, Json> {
    let named = |field: &str| named_value(log, field).map_or(Json::Null, value_to_json);
    object([
        ("id", Json::Null),
        ("time", json!(log.time.to_rfc3339())),
        ("level", json!(log.severity.as_str())),
        ("message", json!(log.message.as_str())),
        ("service", json!(log.resource.service.as_str())),
        ("environment", named("environment")),
        ("host", named("host")),
        ("pid", named("pid")),
        ("thread_id", named("thread_id")),
        ("module", named("module")),
        ("trace_id", json!(log.trace_id.as_ref().map(TraceId::to_string))),
        ("span_id", json!(log.span_id.map(|id| id.to_string()))),
        ("error_type", named("error_type")),
        ("error_message", named("error_message")),
        ("stack_trace", named("stack_trace")),
        ("issue_id", Json::Null),
        ("sdk_version", named("sdk_version")),
        ("extra", attributes_to_json(&extra(log).cloned().collect())),
        ("resource", attributes_to_json(&log.resource.attributes)),
        ("scope", scope_to_json(&log.scope)),
        ("resource_schema_url", text_or_null(&log.resource.schema_url)),
    ])
}

/// 16 hex digits that stand for an object, whatever order its keys come in.
fn digest(object: &Map<String, Json>) -> String {
    let mut bytes = Vec::with_capacity(1_024);
    put_object(&mut bytes, object);
    format!("{:016x}", xxh3_64(&bytes))
}

fn put_object(bytes: &mut Vec<u8>, object: &Map<String, Json>) {
    let mut pairs: Vec<(&String, &Json)> = object.iter().collect();
    pairs.sort_unstable_by_key(|(key, _)| *key);
    bytes.push(b'{');
    for (key, value) in pairs {
        put_text(bytes, key);
        put(bytes, value);
    }
    bytes.push(b'}');
}

/// Text with its length and everything else with brackets, so that no two values have the same bytes.
fn put(bytes: &mut Vec<u8>, value: &Json) {
    match value {
        Json::Object(object) => put_object(bytes, object),
        Json::String(text) => put_text(bytes, text),
        Json::Array(values) => {
            bytes.push(b'[');
            values.iter().for_each(|value| put(bytes, value));
            bytes.push(b']');
        }
        other => {
            bytes.push(b'=');
            bytes.extend_from_slice(other.to_string().as_bytes());
            bytes.push(b';');
        }
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(b'"');
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// Whether a field says this attribute already: the usual name of one, with the value that stands there.
fn is_named(log: &LogRecord, key: &str) -> bool {
    let has_field = NAMED.iter().any(|(_, keys)| keys.first() == Some(&key));
    has_field && log.attributes.get(key).is_some_and(|value| *value != Value::Empty)
}

/// Reads a log record back; attributes that have a field of their own come after the others.
///
/// # Errors
/// Names the first key that is missing or of the wrong type.
pub fn log_from_json(json: &Json) -> Result<LogRecord> {
    let mut resource = Resource::new(attributes_from_json(&json["resource"]));
    resource.service = text(json, "service")?;
    resource.schema_url = text_or_empty(&json["resource_schema_url"]);
    let mut attributes = attributes_from_json(&json["extra"]);
    for (field, keys) in NAMED {
        let value = value_from_json(&json[field]);
        let is_of_others = |key: &&str| {
            let known = attributes.get(key).or_else(|| resource.attributes.get(key));
            known.is_some_and(|known| *known == value)
        };
        if value != Value::Empty
            && !keys.iter().any(is_of_others)
            && let Some(key) = keys.first()
        {
            attributes.0.push((Text::from(*key), value));
        }
    }
    Ok(LogRecord {
        time: time(json, "time")?,
        severity: Severity::parse(string(json, "level")?).ok_or(JsonError { key: "level" })?,
        message: text(json, "message")?,
        trace_id: json["trace_id"].as_str().and_then(|id| TraceId::parse(id).ok()),
        span_id: json["span_id"].as_str().and_then(|id| SpanId::parse(id).ok()),
        attributes,
        resource: Arc::new(resource),
        scope: scope_from_json(&json["scope"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attributes, Nanos, Scope};

    fn log() -> LogRecord {
        let attributes: Attributes = [
            ("attempt", Value::Int(2)),
            ("process.pid", Value::Int(4_121)),
            ("exception.type", Value::from("HTTPError")),
            ("exception.message", Value::from("402 card_declined")),
        ]
        .into_iter()
        .collect();
        let resource = [("service.name", "shop"), ("host.name", "a1"), ("deployment.environment", "prod")];
        LogRecord {
            time: Nanos(1_795_252_442_117_000_000),
            severity: Severity::Error,
            message: Text::from("charge failed"),
            trace_id: TraceId::parse("cli-12345-abc").ok(),
            span_id: Some(SpanId([7; 8])),
            attributes,
            resource: Arc::new(Resource::new(resource.into_iter().collect())),
            scope: Arc::new(Scope { name: Text::from("shop.pay"), ..Scope::default() }),
        }
    }

    #[test]
    fn well_known_attributes_have_fields_and_the_rest_is_extra() {
        insta::assert_snapshot!(Json::Object(log_to_json(&log())), @r#"{"id":"6f3669ed0df88d56","time":"2026-11-21T09:14:02.117000000Z","level":"error","message":"charge failed","service":"shop","environment":"prod","host":"a1","pid":4121,"thread_id":null,"module":null,"trace_id":"cli-12345-abc","span_id":"0707070707070707","error_type":"HTTPError","error_message":"402 card_declined","stack_trace":null,"issue_id":"88e04efa55f1945e","sdk_version":null,"extra":{"attempt":2},"resource":{"service.name":"shop","host.name":"a1","deployment.environment":"prod"},"scope":{"name":"shop.pay","version":"","attributes":{},"schema_url":null},"resource_schema_url":null}"#);
    }

    #[test]
    fn a_log_record_reads_back_equal() {
        for attributes in [log().attributes, Attributes::EMPTY, [("host.name", "b2"), ("x", "y")].into_iter().collect()]
        {
            let mut sent = LogRecord { attributes, ..log() };
            let read = log_from_json(&Json::Object(log_to_json(&sent))).expect("complete");
            let sorted = |attributes: &Attributes| {
                let mut pairs: Vec<_> =
                    attributes.iter().map(|(key, value)| (key.clone(), format!("{value:?}"))).collect();
                pairs.sort();
                pairs
            };
            assert_eq!(sorted(&read.attributes), sorted(&sent.attributes));
            sent.attributes = read.attributes.clone();
            assert_eq!(read, sent);
        }
    }

    #[test]
    fn an_id_outlives_the_json_and_does_not_depend_on_the_order_of_attributes() {
        let map = |keys: [&str; 2]| Value::Map(keys.map(|key| (Text::from(key), Value::Double(1e30))).into());
        let odd = [
            ("bytes", Value::Bytes(vec![0, 255].into())),
            ("nan", Value::Double(f64::NAN)),
            ("zero", Value::Double(-0.0)),
            ("nothing", Value::Empty),
            ("host.name", Value::from("b2")),
            ("map", map(["x", "y"])),
        ];
        let mut turned = odd.clone();
        turned.reverse();
        turned[0].1 = map(["y", "x"]);
        let id = |log: &LogRecord| log_to_json(log)["id"].as_str().map(str::to_owned);
        let sent = LogRecord { attributes: odd.into_iter().collect(), ..log() };
        let read = log_from_json(&Json::Object(log_to_json(&sent))).expect("complete");
        let turned = LogRecord { attributes: turned.into_iter().collect(), ..log() };
        assert_eq!((id(&read), id(&turned)), (id(&sent), id(&sent)));
        for other in [
            LogRecord { time: Nanos(1), ..sent.clone() },
            LogRecord { message: Text::from("other"), ..sent.clone() },
            LogRecord { span_id: None, ..sent.clone() },
            LogRecord { attributes: Attributes::EMPTY, ..sent.clone() },
            LogRecord { resource: Arc::default(), ..sent.clone() },
        ] {
            assert_ne!(id(&other), id(&sent), "{other:?}");
        }
    }

    #[test]
    fn an_unknown_level_is_an_error() {
        let mut json = Json::Object(log_to_json(&log()));
        json["level"] = json!("loud");
        assert_eq!(log_from_json(&json), Err(JsonError { key: "level" }));
    }
}
