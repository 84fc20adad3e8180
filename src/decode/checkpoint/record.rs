//! A checkpoint as JSON text, as the published server prints it, and back.

use serde_json::Value as Json;

use super::super::python_json::write_text;
use crate::model::Checkpoint;

/// Appends the record as `GET /traces/{id}` of the original prints it: its fields in its order, `data` as it is stored,
/// with every digit of a number.
pub fn write_json(checkpoint: &Checkpoint, out: &mut String) {
    write_fields(checkpoint, out);
    out.push('}');
}

/// Appends a record as [`write_json`] does, and its project, where it is in one; the original does not know projects.
pub fn write_whole_json(checkpoint: &Checkpoint, out: &mut String) {
    write_fields(checkpoint, out);
    if !checkpoint.project.is_empty() {
        out.push_str(",\"project\":");
        write_text(&checkpoint.project, out);
    }
    out.push('}');
}

fn write_fields(checkpoint: &Checkpoint, out: &mut String) {
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
}
