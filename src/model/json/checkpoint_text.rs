//! Checkpoints as JSON text, as the published server prints them.
//!
//! Text and not a tree, because the numbers in a payload may have more digits than a JSON library keeps.

use serde_json::Value as Json;

use crate::model::Checkpoint;

/// Appends a checkpoint as `GET /traces/{id}` of the published server prints it: the ten fields in its order, `data` as it
/// is stored, with every digit of a number.
pub fn write_checkpoint(checkpoint: &Checkpoint, out: &mut String) {
    write_fields(checkpoint, out);
    out.push('}');
}

/// Appends a checkpoint as [`write_checkpoint`] does, and its project where it is in one, which the published server does
/// not know.
pub fn write_checkpoint_and_project(checkpoint: &Checkpoint, out: &mut String) {
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

/// Appends what `write` writes of each item, with commas between them.
pub fn write_items<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        write(item, out);
    }
}

/// Appends a text as a JSON string, quotes included.
pub fn write_text(text: &str, out: &mut String) {
    let plain = |byte: u8| byte > 0x1f && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
        return;
    }
    out.push_str(&serde_json::Value::from(text).to_string());
}
