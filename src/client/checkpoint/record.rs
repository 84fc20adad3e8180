//! One checkpoint as a program sends it, and the JSON body of a batch, byte for byte as the published Python client
//! writes it.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::client::host::hostname;
use crate::client::random::random_bits;
use crate::model::time::nanos_to_ms;
use crate::model::{Checkpoint, Direction, Nanos, Text};

const SUFFIX_ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SUFFIX_LENGTH: usize = 3;

/// One checkpoint: an entry or exit. Make it with [`CheckpointRecord::enter`] and [`CheckpointRecord::exit`] and change
/// what differs. Its JSON is what servers take: all ten keys, in this order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckpointRecord {
    /// Short name of the component, such as `MA` or `WK`.
    pub source_id: Text,
    /// Joins the records of one request chain.
    pub correlation_id: Text,
    /// When the entry or exit happened, in milliseconds since 1970; what is no finite number is sent as the time of the send.
    #[serde(rename = "timestamp")]
    pub timestamp_ms: f64,
    /// Tells records of one instant apart: the server keeps one of equal correlation id, time and suffix.
    pub suffix: Text,
    /// Entry, exit or something else.
    pub direction: Direction,
    /// What kind of operation it is, such as `REST`.
    pub operation: Text,
    /// Which operation it is, such as `/api/agents`.
    pub endpoint: Text,
    /// Payload, an object. Any other value is sent as `{"value": …}`, because servers refuse it bare.
    pub data: Option<Json>,
    /// Name of the machine.
    pub hostname: Text,
    /// The log line it was read from, if any.
    pub raw_line: Option<Text>,
}

impl CheckpointRecord {
    /// The entry into an operation, now, on this machine, with a random suffix and no data.
    pub fn enter(
        source_id: impl Into<Text>,
        correlation_id: impl Into<Text>,
        operation: impl Into<Text>,
        endpoint: impl Into<Text>,
    ) -> CheckpointRecord {
        let now = Nanos::now();
        CheckpointRecord {
            source_id: source_id.into(),
            correlation_id: correlation_id.into(),
            timestamp_ms: nanos_to_ms(now.0),
            suffix: random_suffix(now),
            direction: Direction::Enter,
            operation: operation.into(),
            endpoint: endpoint.into(),
            data: None,
            hostname: hostname(),
            raw_line: None,
        }
    }

    /// The exit from an operation, now, on this machine, with a random suffix and no data.
    pub fn exit(
        source_id: impl Into<Text>,
        correlation_id: impl Into<Text>,
        operation: impl Into<Text>,
        endpoint: impl Into<Text>,
    ) -> CheckpointRecord {
        let record = CheckpointRecord::enter(source_id, correlation_id, operation, endpoint);
        CheckpointRecord { direction: Direction::Exit, ..record }
    }

    /// This record with a payload.
    pub fn with_data(self, data: Json) -> CheckpointRecord {
        CheckpointRecord { data: Some(data), ..self }
    }

    /// This record as a server takes it: with a finite time, and an object or nothing as data.
    pub(crate) fn into_acceptable(mut self) -> CheckpointRecord {
        if !self.timestamp_ms.is_finite() {
            self.timestamp_ms = nanos_to_ms(Nanos::now().0);
        }
        self.data = match self.data {
            None | Some(Json::Null) => None,
            Some(Json::Object(pairs)) => Some(Json::Object(pairs)),
            Some(other) => Some(json!({ "value": other })),
        };
        self
    }

    /// About how many bytes of memory the record takes.
    pub(crate) fn size_bytes(&self) -> usize {
        let texts =
            [&self.source_id, &self.correlation_id, &self.suffix, &self.operation, &self.endpoint, &self.hostname];
        size_of::<CheckpointRecord>()
            + texts.into_iter().chain(&self.raw_line).map(|text| text.len()).sum::<usize>()
            + self.direction.as_str().len()
            + self.data.as_ref().map_or(0, json_size_bytes)
    }
}

impl From<Checkpoint> for CheckpointRecord {
    /// The record of a stored checkpoint; data that is no JSON becomes a JSON string.
    fn from(checkpoint: Checkpoint) -> CheckpointRecord {
        let data =
            checkpoint.data.map(|text| serde_json::from_str(&text).unwrap_or_else(|_| Json::from(text.as_str())));
        CheckpointRecord {
            source_id: checkpoint.source_id,
            correlation_id: checkpoint.correlation_id,
            timestamp_ms: checkpoint.timestamp_ms,
            suffix: checkpoint.suffix,
            direction: checkpoint.direction,
            operation: checkpoint.operation,
            endpoint: checkpoint.endpoint,
            data,
            hostname: checkpoint.hostname,
            raw_line: checkpoint.raw_line,
        }
    }
}

#[derive(Serialize)]
struct BatchJson<'a> {
    traces: &'a [CheckpointRecord],
}

/// The body `{"traces":[…]}` of a batch.
pub(crate) fn encode_batch(batch: &[CheckpointRecord]) -> Bytes {
    // Texts, numbers and JSON values always serialize; an empty body would be refused and counted.
    serde_json::to_vec(&BatchJson { traces: batch }).unwrap_or_default().into()
}

/// Three random characters out of 62.
pub(crate) fn random_suffix(salt: Nanos) -> Text {
    let mut bits = random_bits(salt.0);
    let mut suffix = String::with_capacity(SUFFIX_LENGTH);
    for _ in 0..SUFFIX_LENGTH {
        let index = usize::try_from(bits % SUFFIX_ALPHABET.len() as u64).unwrap_or(0);
        suffix.extend(SUFFIX_ALPHABET.get(index).map(|byte| char::from(*byte)));
        bits /= SUFFIX_ALPHABET.len() as u64;
    }
    Text::from(suffix)
}

/// About how many bytes of memory a JSON value takes.
fn json_size_bytes(json: &Json) -> usize {
    size_of::<Json>()
        + match json {
            Json::Null | Json::Bool(_) | Json::Number(_) => 0,
            Json::String(text) => text.len(),
            Json::Array(values) => values.iter().map(json_size_bytes).sum(),
            Json::Object(pairs) => {
                pairs.iter().map(|(key, value)| size_of::<String>() + key.len() + json_size_bytes(value)).sum()
            }
        }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The records of a captured body, read without this module's encoder.
    fn records(body: &str) -> Vec<CheckpointRecord> {
        let parsed: Json = serde_json::from_str(body).expect("captured JSON");
        let text = |record: &Json, key: &str| Text::from(record[key].as_str().expect("a text"));
        let record = |record: &Json| CheckpointRecord {
            source_id: text(record, "source_id"),
            correlation_id: text(record, "correlation_id"),
            timestamp_ms: record["timestamp"].as_f64().expect("a number"),
            suffix: text(record, "suffix"),
            direction: Direction::parse(record["direction"].as_str().expect("a text")),
            operation: text(record, "operation"),
            endpoint: text(record, "endpoint"),
            data: Some(record["data"].clone()).filter(|data| !data.is_null()),
            hostname: text(record, "hostname"),
            raw_line: record["raw_line"].as_str().map(Text::from),
        };
        parsed["traces"].as_array().expect("an array").iter().map(record).collect()
    }

    #[test]
    fn the_bodies_of_the_published_clients_are_written_byte_for_byte() {
        let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/captures");
        for name in [
            "019-tracehub-0.1.0-client.body",
            "020-tracehub-0.1.0-client.body",
            "024-kiberos-tracehub-HEAD-client-secret.body",
            "025-kiberos-tracehub-HEAD-client-secret.body",
        ] {
            let body = std::fs::read_to_string(captures.join(name)).expect("a capture");
            let records: Vec<_> = records(&body).into_iter().map(CheckpointRecord::into_acceptable).collect();
            assert!(!records.is_empty());
            assert_eq!(std::str::from_utf8(&encode_batch(&records)).expect("UTF-8"), body, "{name}");
        }
    }

    #[test]
    fn all_ten_keys_are_written_and_whole_milliseconds_stay_a_float() {
        let mut record = CheckpointRecord::enter("MA", "c", "REST", "/x");
        (record.timestamp_ms, record.suffix, record.hostname) = (1_706_803_200_123.0, "x7K".into(), "muid.io".into());
        assert_eq!(
            std::str::from_utf8(&encode_batch(&[record])).expect("UTF-8"),
            r#"{"traces":[{"source_id":"MA","correlation_id":"c","timestamp":1706803200123.0,"suffix":"x7K","#
                .to_owned()
                + r#""direction":"->","operation":"REST","endpoint":"/x","data":null,"hostname":"muid.io","raw_line":null}]}"#
        );
    }

    #[test]
    fn what_a_server_would_refuse_is_made_acceptable() {
        let mut record = CheckpointRecord::exit("MA", "c", "REST", "/x").with_data(json!([1, 2]));
        record.timestamp_ms = f64::NAN;
        let record = record.into_acceptable();
        assert!(record.timestamp_ms.is_finite());
        assert_eq!(record.data, Some(json!({"value": [1, 2]})));
        assert_eq!(CheckpointRecord { data: Some(Json::Null), ..record }.into_acceptable().data, None);
    }

    #[test]
    fn suffixes_are_three_letters_or_digits_and_differ() {
        let suffixes: std::collections::HashSet<Text> = (0..200).map(|_| random_suffix(Nanos(7))).collect();
        assert!(suffixes.iter().all(|suffix| suffix.len() == 3 && suffix.bytes().all(|b| b.is_ascii_alphanumeric())));
        assert!(suffixes.len() > 150, "{} of 200 differ", suffixes.len());
    }

    #[test]
    fn a_stored_checkpoint_is_sent_as_it_is() {
        let checkpoint = Checkpoint {
            source_id: "MA".into(),
            correlation_id: "c".into(),
            trace_id: crate::model::TraceId::parse("c").expect("valid"),
            timestamp_ms: 1.5,
            suffix: "abc".into(),
            direction: Direction::Exit,
            operation: "REST".into(),
            endpoint: "/x".into(),
            data: Some("{\"b\":1,\"a\":2}".into()),
            hostname: "h".into(),
            raw_line: Some("line".into()),
            project: Text::EMPTY,
        };
        let record = CheckpointRecord::from(checkpoint);
        assert_eq!(record.data.map(|data| data.to_string()).as_deref(), Some("{\"b\":1,\"a\":2}"));
        assert_eq!(record.raw_line, Some("line".into()));
    }
}
