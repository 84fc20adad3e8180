//! Checkpoints: the fields of the published client, in its order, and their project.

use serde_json::Value as Json;

use super::document::{JsonError, Result, document};
use super::scalar::NullIfEmpty;
use crate::model::checkpoint::trace_id;
use crate::model::{Checkpoint, Text};

/// The key of the payload's own text, which stands there only when `data` would read back as something else: an integer
/// beyond 64 bits, say. The published server does not have it.
pub const DATA_TEXT: &str = "data_text";

document! {
    Checkpoint as checkpoint {
        let payload = Payload::new(checkpoint.data.as_deref());
        "source_id": source_id,
        "correlation_id": correlation_id,
        "timestamp": timestamp_ms,
        "suffix": suffix,
        "direction": direction,
        "operation": operation,
        "endpoint": endpoint,
        "data" = payload.data,
        "hostname": hostname,
        "raw_line": raw_line,
        "project": project as NullIfEmpty,
        "data_text" = payload.text,
    }
    from(json) {
        trace_id: trace_id(&Text::from_json(&json["correlation_id"], "correlation_id")?),
        data: read_payload(json)?
    }
}

/// A payload as it is written.
struct Payload<'c> {
    /// What the payload reads as; `None` when it is no JSON.
    data: Option<Json>,
    /// The payload's own text, when `data` would read back as something else.
    text: Option<&'c str>,
}

impl Payload<'_> {
    fn new(text: Option<&str>) -> Payload<'_> {
        let data: Option<Json> = text.and_then(|text| serde_json::from_str(text).ok());
        let is_exact = text == data.as_ref().filter(|data| data.is_object()).map(Json::to_string).as_deref();
        Payload { data, text: text.filter(|_| !is_exact) }
    }
}

/// Reads a payload back, also as the published server writes it.
fn read_payload(json: &Json) -> Result<Option<Text>> {
    match (&json[DATA_TEXT], &json["data"]) {
        (Json::String(exact), _) => Ok(Some(Text::from(exact.as_str()))),
        (_, Json::Null) => Ok(None),
        (_, data @ Json::Object(_)) => Ok(Some(Text::from(data.to_string()))),
        _ => Err(JsonError { key: "data" }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::{
        Direction,
        json::{object, read},
    };

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
        insta::assert_snapshot!(Json::Object(object(&checkpoint(Some(r#"{"b":1,"a":"x"}"#)))), @r#"{"source_id":"MA","correlation_id":"cli-12345-abc","timestamp":1795252442117.25,"suffix":"x1","direction":"->","operation":"REST","endpoint":"GET /users","data":{"b":1,"a":"x"},"hostname":"host-1","raw_line":null,"project":null,"data_text":null}"#);
    }

    #[test]
    fn payloads_json_numbers_cannot_hold_and_texts_that_are_none_read_back_exactly() {
        for data in [r#"{"id":123456789012345678901234567890}"#, "not JSON", "[1]", r#"{"a":1e400}"#, "null", "{ }", ""]
        {
            let sent = checkpoint(Some(data));
            let json = Json::Object(object(&sent));
            assert_eq!(json[DATA_TEXT], data);
            assert_eq!(read(&json), Ok(sent), "{data}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut json = Json::Object(object(&checkpoint(None)));
        json["data"] = json!([1]);
        assert_eq!(read::<Checkpoint>(&json), Err(JsonError { key: "data" }));
        json["hostname"] = json!(1);
        json["data"] = Json::Null;
        assert_eq!(read::<Checkpoint>(&json), Err(JsonError { key: "hostname" }));
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
            let text = Json::Object(object(&sent)).to_string();
            let read: Checkpoint = read(&serde_json::from_str(&text).expect("JSON")).expect("complete");
            prop_assert_eq!(read.timestamp_ms.to_bits(), sent.timestamp_ms.to_bits());
            prop_assert_eq!(read, sent);
        }
    }
}
