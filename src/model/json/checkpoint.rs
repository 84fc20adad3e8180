//! Checkpoints in the JSON of the public interface: the fields of the published client, in its order, and their project.

use serde_json::{Map, Value as Json, json};

use super::{JsonError, Result, object, text, text_or_empty, text_or_null};
use crate::model::{Checkpoint, Direction, Text, checkpoint::trace_id};

/// The key of the payload's own text, which stands there only when `data` would read back as something else: an integer
/// beyond 64 bits, say. The published server does not have it.
pub const DATA_TEXT: &str = "data_text";

/// A checkpoint; its trace id follows from its correlation id. `project` is null for none.
pub fn checkpoint_to_json(checkpoint: &Checkpoint) -> Map<String, Json> {
    let payload = checkpoint.data.as_deref();
    let data: Option<Json> = payload.and_then(|data| serde_json::from_str(data).ok());
    let is_exact = payload == data.as_ref().filter(|data| data.is_object()).map(Json::to_string).as_deref();
    object([
        ("source_id", json!(checkpoint.source_id.as_str())),
        ("correlation_id", json!(checkpoint.correlation_id.as_str())),
        ("timestamp", json!(checkpoint.timestamp_ms)),
        ("suffix", json!(checkpoint.suffix.as_str())),
        ("direction", json!(checkpoint.direction.as_str())),
        ("operation", json!(checkpoint.operation.as_str())),
        ("endpoint", json!(checkpoint.endpoint.as_str())),
        ("data", data.unwrap_or(Json::Null)),
        ("hostname", json!(checkpoint.hostname.as_str())),
        ("raw_line", json!(checkpoint.raw_line.as_deref())),
        ("project", text_or_null(&checkpoint.project)),
        (DATA_TEXT, json!(payload.filter(|_| !is_exact))),
    ])
}

/// Reads a checkpoint back, also as the published server writes it.
///
/// # Errors
/// Names the first key that is missing or of the wrong type.
pub fn checkpoint_from_json(json: &Json) -> Result<Checkpoint> {
    let data = match (&json[DATA_TEXT], &json["data"]) {
        (Json::String(exact), _) => Some(Text::from(exact.as_str())),
        (_, Json::Null) => None,
        (_, data @ Json::Object(_)) => Some(Text::from(data.to_string())),
        _ => return Err(JsonError { key: "data" }),
    };
    let raw_line = match &json["raw_line"] {
        Json::Null => None,
        _ => Some(text(json, "raw_line")?),
    };
    let correlation_id = text(json, "correlation_id")?;
    Ok(Checkpoint {
        source_id: text(json, "source_id")?,
        trace_id: trace_id(&correlation_id),
        correlation_id,
        timestamp_ms: json["timestamp"].as_f64().ok_or(JsonError { key: "timestamp" })?,
        suffix: text(json, "suffix")?,
        direction: Direction::parse(&text(json, "direction")?),
        operation: text(json, "operation")?,
        endpoint: text(json, "endpoint")?,
        data,
        hostname: text(json, "hostname")?,
        raw_line,
        project: text_or_empty(&json["project"]),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checkpoint(data: Option<&str>) -> Checkpoint {
        Checkpoint {
            source_id: Text::from("MA"),
            correlation_id: Text::from("cli-12345-abc"),
            trace_id: trace_id("cli-12345-abc"),
            timestamp_ms: 1_795_252_442_117.25,
            suffix: Text::from("x1"),
            direction: Direction::Enter,
            operation: Text::from("REST"),
            endpoint: Text::from("GET /users"),
            data: data.map(Text::from),
            hostname: Text::from("host-1"),
            raw_line: None,
            project: Text::EMPTY,
        }
    }

    #[test]
    fn a_checkpoint_has_the_fields_of_the_published_client() {
        insta::assert_snapshot!(Json::Object(checkpoint_to_json(&checkpoint(Some(r#"{"b":1,"a":"x"}"#)))), @r#"{"source_id":"MA","correlation_id":"cli-12345-abc","timestamp":1795252442117.25,"suffix":"x1","direction":"->","operation":"REST","endpoint":"GET /users","data":{"b":1,"a":"x"},"hostname":"host-1","raw_line":null,"project":null,"data_text":null}"#);
    }

    #[test]
    fn payloads_json_numbers_cannot_hold_and_texts_that_are_none_read_back_exactly() {
        for data in [r#"{"id":123456789012345678901234567890}"#, "not JSON", "[1]", r#"{"a":1e400}"#, "null", "{ }", ""]
        {
            let sent = checkpoint(Some(data));
            let json = Json::Object(checkpoint_to_json(&sent));
            assert_eq!(json[DATA_TEXT], data);
            assert_eq!(checkpoint_from_json(&json), Ok(sent), "{data}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut json = Json::Object(checkpoint_to_json(&checkpoint(None)));
        json["data"] = json!([1]);
        assert_eq!(checkpoint_from_json(&json), Err(JsonError { key: "data" }));
        json["hostname"] = json!(1);
        json["data"] = Json::Null;
        assert_eq!(checkpoint_from_json(&json), Err(JsonError { key: "hostname" }));
    }

    proptest! {
        #[test]
        fn every_checkpoint_reads_back_equal(
            texts in prop::array::uniform7(any::<String>()),
            time in any::<f64>().prop_filter("finite", |time| time.is_finite()),
            data in prop::option::of(any::<String>()),
            raw_line in prop::option::of(any::<String>()),
            project in any::<String>(),
        ) {
            let [source, correlation, suffix, direction, operation, endpoint, hostname] = texts.map(Text::from);
            let sent = Checkpoint {
                source_id: source,
                trace_id: trace_id(&correlation),
                correlation_id: correlation,
                timestamp_ms: time,
                suffix,
                direction: Direction::parse(&direction),
                operation,
                endpoint,
                data: data.map(Text::from),
                hostname,
                raw_line: raw_line.map(Text::from),
                project: Text::from(project),
            };
            let text = Json::Object(checkpoint_to_json(&sent)).to_string();
            let read = checkpoint_from_json(&serde_json::from_str(&text).expect("JSON")).expect("complete");
            prop_assert_eq!(read.timestamp_ms.to_bits(), sent.timestamp_ms.to_bits());
            prop_assert_eq!(read, sent);
        }
    }
}
