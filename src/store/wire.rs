//! Records on their way between a server and a program that uses it as its store: JSON in the shapes of `show`, each
//! span with the id of its trace.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::decode::{Mended, json_text};
use crate::model::json::{self, JsonError, write_checkpoint_and_project, write_items};
use crate::model::{Batch, Checkpoint, Cursor, LogRecord, Span, Text, TraceId};
use crate::store::Chunk;

/// Why a document of records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The document is no JSON, or has another shape.
    #[error("its JSON is broken: {0}")]
    Broken(#[from] serde_json::Error),
    /// A record lacks something.
    #[error(transparent)]
    Record(#[from] JsonError),
}

/// Records as one JSON object, in the order they are in; what a remote store sends to be written.
pub fn records_to_json(batch: &Batch) -> String {
    let mut text = String::from("{");
    write_members(batch, &mut text);
    text.push('}');
    text
}

/// The answer to a scan: its records, where to go on, and whether that is the end.
pub fn chunk_to_json(chunk: &Chunk) -> String {
    let Chunk { batch, next, at_end, missed } = chunk;
    let mut text = String::from("{");
    write_members(batch, &mut text);
    text.push_str(&format!(r#","next":{},"at_end":{at_end},"missed":{missed}}}"#, json::text(&next.0)));
    text
}

fn write_members(batch: &Batch, text: &mut String) {
    text.push_str(r#""spans":["#);
    write_items(&batch.spans, text, write_span);
    text.push_str(r#"],"checkpoints":["#);
    // As text, because numbers in a payload may have more digits than a JSON library keeps.
    write_items(&batch.checkpoints, text, write_checkpoint_and_project);
    text.push_str(r#"],"logs":["#);
    write_items(&batch.logs, text, write_log);
    text.push(']');
}

/// A span with the id of its trace.
#[derive(Serialize)]
struct TracedSpan<'s> {
    #[serde(flatten)]
    span: &'s Span,
    trace_id: &'s TraceId,
}

fn write_span(span: &Span, text: &mut String) {
    text.push_str(&json::text(&TracedSpan { span, trace_id: &span.trace_id }));
}

/// A log record with the request it came with, which tells it from an equal one.
#[derive(Serialize)]
struct ReceivedLog<'l> {
    #[serde(flatten)]
    log: &'l LogRecord,
    request: String,
}

fn write_log(log: &LogRecord, text: &mut String) {
    match log.request {
        0 => text.push_str(&json::text(log)),
        request => text.push_str(&json::text(&ReceivedLog { log, request: format!("{request:x}") })),
    }
}

#[derive(Deserialize)]
struct Document<'d> {
    spans: Vec<Json>,
    #[serde(borrow)]
    checkpoints: Vec<&'d RawValue>,
    logs: Vec<Json>,
    next: Option<String>,
    at_end: Option<bool>,
    // Older servers do not count them.
    #[serde(default)]
    missed: u64,
}

#[derive(Deserialize)]
struct Payload<'d> {
    #[serde(borrow)]
    data: Option<&'d RawValue>,
}

/// Reads what [`records_to_json`] wrote, or another program in its place: text that is not UTF-8 is mended, and records
/// are cut to their limits.
///
/// # Errors
/// The document is broken, or names the first key of a record that is missing or of the wrong type.
pub fn records_from_json(bytes: &[u8]) -> Result<(Batch, Mended), WireError> {
    let mut mended = Mended::default();
    let mut records = match serde_json::from_slice(bytes) {
        Ok(document) => batch(&document)?,
        Err(refused) => {
            let (text, places) = json_text::mend(bytes).ok_or(refused)?;
            mended.not_utf8 = places;
            batch(&serde_json::from_str(&text)?)?
        }
    };
    mended.cuts = records.cut_to_limits();
    Ok((records, mended))
}

/// Reads what [`chunk_to_json`] wrote.
///
/// # Errors
/// As [`records_from_json`].
pub fn chunk_from_json(bytes: &[u8]) -> Result<Chunk, WireError> {
    let document: Document<'_> = serde_json::from_slice(bytes)?;
    let batch = batch(&document)?;
    let next = Cursor(document.next.ok_or(JsonError { key: "next" })?);
    let at_end = document.at_end.ok_or(JsonError { key: "at_end" })?;
    Ok(Chunk { batch, next, at_end, missed: document.missed })
}

fn batch(document: &Document<'_>) -> Result<Batch, WireError> {
    let spans: Result<_, JsonError> = document.spans.iter().map(json::read).collect();
    let logs: Result<_, JsonError> = document.logs.iter().map(json::read).collect();
    let checkpoints: Result<_, WireError> = document.checkpoints.iter().map(|record| read_checkpoint(record)).collect();
    Ok(Batch { spans: spans?, logs: logs?, checkpoints: checkpoints? })
}

fn read_checkpoint(record: &RawValue) -> Result<Checkpoint, WireError> {
    let mut checkpoint = json::read::<Checkpoint>(&serde_json::from_str(record.get())?)?;
    if checkpoint.data.is_some() {
        let payload: Payload<'_> = serde_json::from_str(record.get())?;
        // In one line, as everything else in a record that is written: line ends stand between tokens only.
        checkpoint.data = payload.data.map(|data| Text::from(data.get().replace(['\n', '\r'], " ")));
    }
    Ok(checkpoint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::checkpoint;

    #[test]
    fn a_checkpoint_crosses_with_every_digit_of_its_payload_and_its_project() {
        let body = r#"{"source_id":"MA","correlation_id":"req/with slash?&","timestamp":1706803200123.456,"suffix":"x",
            "direction":"->","operation":"REST","endpoint":"/api","raw_line":"[x] ✓",
            "data":{"n":123456789012345678901234567890,"f":1.0,"z":null,"a":["\u001b"]}}"#;
        let record = checkpoint::single(body.as_bytes()).expect("a checkpoint").0.remove(0);
        let of_project = Checkpoint { project: Text::from("shop \"✓\""), ..record.clone() };
        let batch = Batch { checkpoints: vec![record, of_project], ..Batch::default() };
        let read = records_from_json(records_to_json(&batch).as_bytes()).expect("our own");
        assert_eq!(read, (batch.clone(), Mended::default()));
        let chunk = Chunk { batch, next: Cursor("s1.\"".to_owned()), at_end: true, missed: 7 };
        assert_eq!(chunk_from_json(chunk_to_json(&chunk).as_bytes()).expect("our own"), chunk);
    }

    #[test]
    fn a_log_record_crosses_with_the_request_it_came_with() {
        let log = |request| LogRecord { message: Text::from("m"), request, ..LogRecord::default() };
        let batch = Batch { logs: vec![log(0), log(1), log(u64::MAX)], ..Batch::default() };
        let read = records_from_json(records_to_json(&batch).as_bytes()).expect("our own");
        assert_eq!(read.0.logs.iter().map(|log| log.request).collect::<Vec<_>>(), [0, 1, u64::MAX]);
    }

    #[test]
    fn a_document_without_a_kind_of_record_is_refused() {
        assert!(records_from_json(br#"{"spans":[],"logs":[]}"#).is_err());
        assert!(records_from_json(br#"{"spans":[],"checkpoints":[{}],"logs":[]}"#).is_err());
        assert!(chunk_from_json(br#"{"spans":[],"checkpoints":[],"logs":[]}"#).is_err());
    }
}
