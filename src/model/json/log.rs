//! Log records: what everybody asks for has a name, the rest stands in `extra`.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json, json};
use xxhash_rust::xxh3::xxh3_64;

use super::document::{Codec, Document, FromJson, Result, document, object};
use super::scalar::{Lenient, NullIfEmpty};
use super::span::read_resource;
use super::value::{attributes_from_json, value_from_json};
use crate::model::{Attributes, LogRecord, Resource, Text, Value, grouping};

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

/// Whether a field of its own is read from this attribute in the first place, so that it stands outside `extra`.
pub fn has_field(key: &str) -> bool {
    NAMED.iter().any(|(_, keys)| keys.first() == Some(&key))
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

/// The keys of a log record, in the order they are written.
pub const LOG_KEYS: &[&str] = Content::KEYS;

/// A log record as a tree. `issue_id` is null when it tells of no error; `resource` and `scope` say who sent it.
///
/// `id` is a digest of everything else, so equal records have equal ids in every store, whatever order their attributes
/// come in; two records that differ in nothing share it.
pub fn log_to_json(log: &LogRecord) -> Map<String, Json> {
    let mut json = object(&Content { log });
    let id = Json::from(digest(&json));
    let issue_id = grouping::of_log(log).map_or(Json::Null, |grouping| json!(grouping.issue));
    json.insert("id".to_owned(), id);
    json.insert("issue_id".to_owned(), issue_id);
    json
}

impl Serialize for LogRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        log_to_json(self).serialize(serializer)
    }
}

/// The `id` of [`log_to_json`] alone.
pub fn log_id(log: &LogRecord) -> String {
    digest(&object(&Content { log }))
}

/// A record with room for `id` and `issue_id`, which follow from the rest.
struct Content<'l> {
    log: &'l LogRecord,
}

document! {
    Content<'_> as content {
        let log = content.log;
        "id" = Json::Null,
        "time" = log.time,
        "level" = log.severity,
        "message" = log.message,
        "service" = log.resource.service,
        "environment" = named_value(log, "environment"),
        "host" = named_value(log, "host"),
        "pid" = named_value(log, "pid"),
        "thread_id" = named_value(log, "thread_id"),
        "module" = named_value(log, "module"),
        "trace_id" = log.trace_id,
        "span_id" = log.span_id,
        "error_type" = named_value(log, "error_type"),
        "error_message" = named_value(log, "error_message"),
        "stack_trace" = named_value(log, "stack_trace"),
        "issue_id" = Json::Null,
        "sdk_version" = named_value(log, "sdk_version"),
        "extra" = extra(log).cloned().collect::<Attributes>(),
        "resource" = log.resource.attributes,
        "scope" = log.scope,
        "resource_schema_url" = NullIfEmpty::write(&log.resource.schema_url),
    }
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
    has_field(key) && log.attributes.get(key).is_some_and(|value| *value != Value::Empty)
}

/// Attributes that have a field of their own come after the others.
impl FromJson for LogRecord {
    fn from_json(json: &Json, _: &'static str) -> Result<LogRecord> {
        let resource = read_resource(json)?;
        Ok(LogRecord {
            time: FromJson::from_json(&json["time"], "time")?,
            severity: FromJson::from_json(&json["level"], "level")?,
            message: FromJson::from_json(&json["message"], "message")?,
            trace_id: Lenient::read(&json["trace_id"], "trace_id")?,
            span_id: Lenient::read(&json["span_id"], "span_id")?,
            attributes: read_attributes(json, &resource),
            resource,
            scope: FromJson::from_json(&json["scope"], "scope")?,
            // Between stores alone.
            request: json["request"].as_str().and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0),
        })
    }
}

/// The attributes of a record: `extra`, and the fields that neither say nor the resource.
fn read_attributes(json: &Json, resource: &Resource) -> Attributes {
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
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::model::{
        Nanos, Scope, Severity, SpanId, TraceId,
        json::{JsonError, read},
    };

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
            request: 0,
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
            let read = read::<LogRecord>(&Json::Object(log_to_json(&sent))).expect("complete");
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
        let read = read::<LogRecord>(&Json::Object(log_to_json(&sent))).expect("complete");
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
        assert_eq!(read::<LogRecord>(&json), Err(JsonError { key: "level" }));
    }
}
