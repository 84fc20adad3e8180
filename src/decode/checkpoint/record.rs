//! A checkpoint as JSON, as the published server prints it, and back.

use serde_json::{Map, Value as Json};

use super::super::python_json::write_text;
use crate::model::{
    Checkpoint,
    json::{DATA_TEXT, checkpoint_to_json},
};

/// Reads back what [`to_json`] and [`write_json`] write.
pub use crate::model::json::checkpoint_from_json as from_json;

/// The record as `GET /traces/{id}` of the original prints it, in its order of fields.
///
/// Integers in `data` beyond 64 bits come out as doubles; [`write_json`] keeps their digits.
pub fn to_json(checkpoint: &Checkpoint) -> Map<String, Json> {
    let mut record = checkpoint_to_json(checkpoint);
    record.shift_remove(DATA_TEXT);
    record
}

/// Appends the record of [`to_json`] as compact JSON text, `data` as it is stored.
pub fn write_json(checkpoint: &Checkpoint, out: &mut String) {
    let fields = [
        ("{\"source_id\":", checkpoint.source_id.as_str()),
        (",\"correlation_id\":", checkpoint.correlation_id.as_str()),
        (",\"timestamp\":", ""),
        (",\"suffix\":", checkpoint.suffix.as_str()),
        (",\"direction\":", checkpoint.direction.as_str()),
        (",\"operation\":", checkpoint.operation.as_str()),
        (",\"endpoint\":", checkpoint.endpoint.as_str()),
    ];
    for (key, value) in fields {
        out.push_str(key);
        match key {
            ",\"timestamp\":" => out.push_str(&Json::from(checkpoint.timestamp_ms).to_string()),
            _ => write_text(value, out),
        }
    }
    out.push_str(",\"data\":");
    out.push_str(checkpoint.data.as_deref().unwrap_or("null"));
    out.push_str(",\"hostname\":");
    write_text(&checkpoint.hostname, out);
    out.push_str(",\"raw_line\":");
    match &checkpoint.raw_line {
        Some(line) => write_text(line, out),
        None => out.push_str("null"),
    }
    out.push('}');
}
