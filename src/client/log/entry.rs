//! One log record as a program hands it over, and how records become the JSON body of `POST /api/v1/ingest`.
//!
//! A record is small and cheap to make, because that is done on the program's threads; its JSON is written on the
//! shipping thread. The keys and their order are those of the published Python SDK.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::Value as Json;

use super::caller::Caller;
use super::extra::{Extra, ExtraJson};
use crate::client::pipeline::dead_letter::DeadLetters;
use crate::client::pipeline::encoding::{Encoding, Refusals};
use crate::model::{Nanos, Severity, SpanId, Text};

/// The version of the sender that every entry names.
const SDK_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Smaller bodies are not worth compressing.
const SMALLEST_COMPRESSED_BYTES: usize = 512;

/// One log record as a program hands it over.
#[derive(Debug, Default)]
pub(crate) struct LogEntry {
    pub time: Nanos,
    pub level: Severity,
    pub message: String,
    /// Name of the thread that logged it.
    pub thread: Text,
    pub trace_id: Option<Text>,
    /// The span of the trace that is named.
    pub span_id: Option<SpanId>,
    /// Where the program logged it, of what tells of an error; `None` for others, and when that says nothing, as of a
    /// shell script.
    pub caller: Option<Caller>,
    /// The values that most records do not have.
    pub details: Option<Box<Details>>,
}

/// The values of a log record that most do not have. The JSON of a record ends with those that are there, in this order,
/// and with the extra values.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    #[serde(skip)]
    pub extra: Extra,
}

impl LogEntry {
    /// About how many bytes of memory the record takes.
    pub fn size_bytes(&self) -> usize {
        let details = self.details.as_ref().map_or(0, |details| details.size_bytes());
        size_of::<LogEntry>() + self.message.len() + details
    }

    fn has_stack_trace(&self) -> bool {
        self.details.as_ref().is_some_and(|details| details.stack_trace.is_some())
    }

    /// The details of the record, to change them; empty ones are made.
    pub fn details(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }
}

impl Details {
    fn size_bytes(&self) -> usize {
        let texts = [&self.error_type, &self.error_message, &self.stack_trace];
        size_of::<Details>()
            + self.module.as_ref().map_or(0, |module| module.len())
            + texts.into_iter().flatten().map(String::len).sum::<usize>()
            + self.extra.size_bytes()
    }
}

/// The form in which log records of one program go to one server.
#[derive(Debug)]
pub(crate) struct LogEncoding {
    /// Name of the program.
    pub service: String,
    /// Where the program runs, such as `production`.
    pub environment: String,
    /// Name of the machine.
    pub host: Text,
    /// Whether bodies are compressed with gzip.
    pub compress: bool,
    /// Where records are kept that cannot be delivered.
    pub dead_letters: Option<DeadLetters>,
}

/// The JSON of a log record: its keys in their order, and behind them those of its details.
#[derive(Serialize)]
struct LogEntryJson<'a> {
    level: String,
    message: &'a str,
    timestamp: Nanos,
    service: &'a str,
    environment: &'a str,
    host: &'a str,
    pid: u32,
    thread_id: &'a str,
    sdk_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<SpanId>,
    #[serde(flatten)]
    details: Option<&'a Details>,
    #[serde(skip_serializing_if = "ExtraJson::is_empty")]
    extra: ExtraJson<'a>,
}

impl LogEncoding {
    /// Appends the JSON of a record.
    pub fn append_json(&self, entry: &LogEntry, text: &mut Vec<u8>) {
        let json = LogEntryJson {
            level: entry.level.as_str().to_ascii_uppercase(),
            message: &entry.message,
            timestamp: entry.time,
            service: &self.service,
            environment: &self.environment,
            host: &self.host,
            pid: std::process::id(),
            thread_id: &entry.thread,
            sdk_version: SDK_VERSION,
            trace_id: entry.trace_id.as_deref(),
            span_id: entry.span_id,
            details: entry.details.as_deref(),
            extra: ExtraJson {
                values: entry.details.as_ref().map(|details| &details.extra),
                // A stack trace says it, too.
                caller: entry.caller.as_ref().filter(|_| !entry.has_stack_trace()),
            },
        };
        // Texts, numbers and JSON values always serialize.
        let _ = serde_json::to_writer(text, &json);
    }

    /// A record that tells the server how many records are missing.
    fn remark_of_drops(&self, dropped: u64) -> LogEntry {
        let records = if dropped == 1 { "log record was" } else { "log records were" };
        let mut extra = Extra::default();
        extra.push("tracehub.dropped", dropped);
        LogEntry {
            time: Nanos::now(),
            level: Severity::Warn,
            message: format!("{dropped} {records} dropped because the buffer was full"),
            thread: Text::from_static("tracehub-logger"),
            details: Some(Box::new(Details {
                module: Some(Text::from_static("tracehub")),
                extra,
                ..Details::default()
            })),
            ..LogEntry::default()
        }
    }

    /// The text as the body of a request.
    fn make_body(&self, text: Vec<u8>) -> Bytes {
        if !self.compress {
            return text.into();
        }
        let level = if text.len() < SMALLEST_COMPRESSED_BYTES { Compression::none() } else { Compression::fast() };
        let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), level);
        // Writing to memory cannot fail; an empty body would be refused and counted.
        let _ = encoder.write_all(&text);
        encoder.finish().unwrap_or_default().into()
    }
}

impl Encoding<LogEntry> for LogEncoding {
    fn encode_batch(&self, batch: &[LogEntry], unreported: u64) -> Bytes {
        let mut text = vec![b'['];
        let remark = (unreported > 0).then(|| self.remark_of_drops(unreported));
        for (number, entry) in batch.iter().chain(&remark).enumerate() {
            if number > 0 {
                text.push(b',');
            }
            self.append_json(entry, &mut text);
        }
        text.push(b']');
        self.make_body(text)
    }

    fn read_refusals(&self, answer: &[u8]) -> Option<Refusals> {
        let answer: Json = serde_json::from_slice(answer).ok()?;
        let count = answer.get("rejected")?.as_u64().filter(|count| *count > 0)?;
        let reason = answer["errors"][0]["reason"].as_str().unwrap_or("it does not say why");
        Some(Refusals { count, reason: format!("the server refused single records: {reason}") })
    }

    fn dead_letters(&self) -> Option<&DeadLetters> {
        self.dead_letters.as_ref()
    }

    fn append_line(&self, entry: &LogEntry, text: &mut Vec<u8>) {
        self.append_json(entry, text);
    }

    fn encode_lines(&self, lines: &[Vec<u8>]) -> Bytes {
        let mut text = vec![b'['];
        for line in lines {
            // A line may be a whole batch.
            let entries = match line.as_slice() {
                [b'[', entries @ .., b']'] => entries.trim_ascii(),
                entry => entry,
            };
            if !entries.is_empty() {
                if text.len() > 1 {
                    text.push(b',');
                }
                text.extend_from_slice(entries);
            }
        }
        text.push(b']');
        self.make_body(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use serde_json::json;

    use super::*;

    fn encoding(compress: bool) -> LogEncoding {
        LogEncoding {
            service: "auth-service".into(),
            environment: "production".into(),
            host: "vm".into(),
            compress,
            dead_letters: None,
        }
    }

    fn entry(message: &str) -> LogEntry {
        LogEntry {
            time: Nanos(1_795_252_442_117_000_001),
            level: Severity::Info,
            message: message.into(),
            thread: "main".into(),
            ..LogEntry::default()
        }
    }

    fn text(body: &Bytes) -> String {
        String::from_utf8(body.to_vec()).expect("UTF-8").replace(&std::process::id().to_string(), "PID")
    }

    #[test]
    fn a_bare_record_has_the_keys_that_are_always_there() {
        insta::assert_snapshot!(text(&encoding(false).encode_batch(&[entry("")], 0)), @r#"[{"level":"INFO","message":"","timestamp":"2026-11-21T09:14:02.117000001Z","service":"auth-service","environment":"production","host":"vm","pid":PID,"thread_id":"main","sdk_version":"0.1.0"}]"#);
    }

    #[test]
    fn the_keys_of_a_full_record_stand_in_the_order_of_the_published_sdk() {
        let captures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/captures");
        let captured = std::fs::read(captures.join("030-tracehub-logger-1.2.0-plain.body")).expect("a capture");
        let captured: Json = serde_json::from_slice(&captured).expect("JSON");
        let mut full = entry("DB connection failed");
        full.trace_id = Some("t".into());
        full.span_id = Some(SpanId([7; 8]));
        let mut extra = Extra::default();
        extra.push("a", 1);
        full.details = Some(Box::new(Details {
            module: Some("db".into()),
            error_type: Some("E".into()),
            error_message: Some("m".into()),
            stack_trace: Some("s".into()),
            extra,
        }));
        let sent: Json = serde_json::from_slice(&encoding(false).encode_batch(&[full], 0)).expect("JSON");
        let keys = |entry: &Json| entry.as_object().expect("an entry").keys().cloned().collect::<Vec<_>>();
        let ours = keys(&sent[0]);
        for entry in captured.as_array().expect("an array") {
            let known: Vec<String> = ours.iter().filter(|key| entry.get(key).is_some()).cloned().collect();
            assert_eq!(keys(entry), known);
        }
        assert_eq!((ours.len(), &sent[0]["span_id"]), (16, &json!("0707070707070707")));
    }

    #[test]
    fn the_place_of_the_call_is_sent_unless_the_program_names_one() {
        let sent = |extra: &[(&str, Json)]| {
            let mut called = entry("m");
            called.caller = Some(Caller { file: "src/main.rs".into(), line: 7 });
            extra.iter().for_each(|(name, value)| called.details().extra.push(name, value));
            let sent: Json = serde_json::from_slice(&encoding(false).encode_batch(&[called], 0)).expect("JSON");
            sent[0]["extra"].clone()
        };
        assert_eq!(sent(&[]), json!({ "code.file.path": "src/main.rs", "code.line.number": 7 }));
        let with_value = json!({ "a": 1, "code.file.path": "src/main.rs", "code.line.number": 7 });
        assert_eq!(sent(&[("a", json!(1))]), with_value);
        let named = [("code.file.path", json!("shop.py"))];
        assert_eq!(sent(&named), json!({ "code.file.path": "shop.py" }));
    }

    #[test]
    fn gzip_holds_the_same_text() {
        let batch = [entry(&"x".repeat(1_000)), entry("ünï\u{0}code")];
        let packed = encoding(true).encode_batch(&batch, 0);
        let mut plain = String::new();
        flate2::read::GzDecoder::new(packed.as_ref()).read_to_string(&mut plain).expect("gzip");
        assert_eq!(plain.as_bytes(), encoding(false).encode_batch(&batch, 0).as_ref());
        assert!(packed.len() < plain.len() / 2);
    }

    #[test]
    fn what_was_dropped_is_told_at_the_end_of_the_batch() {
        let body: Json = serde_json::from_slice(&encoding(false).encode_batch(&[entry("a")], 3)).expect("JSON");
        assert_eq!(body[1]["message"], "3 log records were dropped because the buffer was full");
        assert_eq!((&body[1]["level"], &body[1]["extra"]), (&json!("WARN"), &json!({"tracehub.dropped": 3})));
    }

    #[test]
    fn lines_are_sent_as_one_array_and_batches_among_them_are_unpacked() {
        let lines = [r#"{"a":1}"#, r#"[{"b":2}, {"c":3}]"#, "[ ]", r#"{"d":4}"#].map(|line| line.as_bytes().to_vec());
        assert_eq!(text(&encoding(false).encode_lines(&lines)), r#"[{"a":1},{"b":2}, {"c":3},{"d":4}]"#);
        assert_eq!(text(&encoding(false).encode_lines(&lines[2..3])), "[]");
    }

    #[test]
    fn an_answer_may_name_refused_records() {
        let refused = |answer: &str| {
            encoding(true).read_refusals(answer.as_bytes()).map(|refusals| (refusals.count, refusals.reason))
        };
        let answer = r#"{"accepted":1,"rejected":2,"errors":[{"index":0,"reason":"no object"}]}"#;
        assert_eq!(refused(answer), Some((2, "the server refused single records: no object".to_owned())));
        for fine in ["", "ok", "{}", r#"{"accepted":3,"rejected":0}"#, r#"{"rejected":"x"}"#] {
            assert_eq!(refused(fine), None, "{fine}");
        }
    }
}
