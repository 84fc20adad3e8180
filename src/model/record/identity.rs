//! Identity of records: what makes two of them one record that was sent twice.
//!
//! Every store that drops duplicates has to agree on it, and identities lie in files and cursors, so neither the bytes
//! that are hashed nor the hash ever change. They resemble what the codec of a store writes and are written here by
//! themselves, so that a codec may change.

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::model::{Attributes, LogRecord, Record, RecordKind, Resource, Scope, Span, Text, TraceId, Value};

impl Record {
    /// The identity of a record, equal for two records when one is the other sent again. A span is known by its trace,
    /// id, parent, name, kind, times and status; a checkpoint by its correlation id, time and suffix, as the published
    /// server has it; a log record by the request it came with and all its content, so that a batch which holds one twice
    /// needs [`identities`].
    pub fn identity(&self) -> u64 {
        let mut key = Key(Vec::with_capacity(160));
        match self {
            Record::Span(span) => key.put_span(span),
            Record::Checkpoint(checkpoint) => {
                key.put_text(&checkpoint.correlation_id);
                key.put(&checkpoint.timestamp_ms.to_bits().to_le_bytes());
                key.put(checkpoint.suffix.as_bytes());
                key.put(b"c");
            }
            Record::Log(log) => return log_identity(log, log.request),
        }
        xxh3_64(&key.0)
    }
}

/// The identities of records that lie in one write, or of all stored records of a trace, in order.
///
/// Two equal log records of one write are two records: nobody can tell them apart, but the sender meant both. So the
/// second is known as the second of its kind, and a write sent again has the same identities again. So are equal log
/// records of different requests, however alike those are otherwise: only a request sent again, with the same records
/// observed at the same times in the same order, is a repetition. A request that is split in another way when it is sent
/// again is another one: a line that stands there twice does less harm than one that was lost.
pub fn identities<'r>(records: impl Iterator<Item = &'r Record>) -> Vec<u64> {
    number_repeated(records, Record::identity)
}

/// The identities the records would have, in order, had they come with no request: what records are compared with of
/// which nobody knows with what request they came, such as those of a file that is brought in.
///
/// Of such a log record as many count as repetitions as there are equal ones already, so that a file which has grown, or
/// is cut into batches in another way, can be brought in again.
pub fn content_identities<'r>(records: impl Iterator<Item = &'r Record>) -> Vec<u64> {
    number_repeated(records, |record| match record {
        Record::Log(log) if log.request != 0 => log_identity(log, 0),
        other => other.identity(),
    })
}

/// A hash of log records, in their order, and of what told them apart when they were decoded: what a request that holds
/// them is known by.
pub(super) fn hash_of_logs(logs: &[LogRecord]) -> u64 {
    let mut hash = Xxh3::new();
    for log in logs {
        hash.update(&log_identity(log, 0).to_le_bytes());
        hash.update(&log.request.to_le_bytes());
    }
    hash.digest()
}

fn log_identity(log: &LogRecord, request: u64) -> u64 {
    let mut key = Key(Vec::with_capacity(160));
    key.put_log(log, request);
    xxh3_64(&key.0)
}

fn number_repeated<'r>(records: impl Iterator<Item = &'r Record>, identity: impl Fn(&Record) -> u64) -> Vec<u64> {
    let mut times_seen: FxHashMap<u64, u64> = FxHashMap::default();
    let identity = |record: &'r Record| {
        let identity = identity(record);
        if record.kind() != RecordKind::Logs {
            return identity;
        }
        let seen = times_seen.entry(identity).or_default();
        *seen += 1;
        identity.wrapping_add((*seen - 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    };
    records.map(identity).collect()
}

/// The bytes that are hashed: numbers as LEB128 varints, texts after their length, values after a tag of their type.
struct Key(Vec<u8>);

impl Key {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn put_number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number as u8) | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn put_sized(&mut self, bytes: &[u8]) {
        self.put_number(bytes.len() as u64);
        self.put(bytes);
    }

    fn put_text(&mut self, text: &Text) {
        self.put_sized(text.as_bytes());
    }

    /// A trace id as a zero and 16 bytes, or as one more than the length of a text and the text; none is an empty text.
    fn put_trace_id(&mut self, id: Option<&TraceId>) {
        match id {
            Some(TraceId::Otel(raw)) => {
                self.put_number(0);
                self.put(raw);
            }
            Some(TraceId::Text(text)) => {
                self.put_number(text.len() as u64 + 1);
                self.put(text.as_bytes());
            }
            None => self.put_number(1),
        }
    }

    /// Puts the tag of a value's type; the value comes behind.
    fn tag(&mut self, tag: u8) -> &mut Key {
        self.0.push(tag);
        self
    }

    fn put_value(&mut self, value: &Value) {
        match value {
            Value::Empty => self.put(&[0]),
            Value::String(text) => self.tag(1).put_text(text),
            Value::Bool(value) => self.tag(2).put(&[u8::from(*value)]),
            // Zigzag: numbers near zero take few bytes.
            Value::Int(number) => self.tag(3).put_number(((number << 1) ^ (number >> 63)) as u64),
            Value::Double(number) => self.tag(4).put(&number.to_bits().to_le_bytes()),
            Value::Bytes(bytes) => self.tag(5).put_sized(bytes),
            Value::Array(values) => {
                self.tag(6).put_number(values.len() as u64);
                values.iter().for_each(|value| self.put_value(value));
            }
            Value::Map(pairs) => self.tag(7).put_pairs(pairs),
        }
    }

    fn put_pairs(&mut self, pairs: &[(Text, Value)]) {
        self.put_number(pairs.len() as u64);
        for (key, value) in pairs {
            self.put_text(key);
            self.put_value(value);
        }
    }

    fn put_span(&mut self, span: &Span) {
        self.put_trace_id(Some(&span.trace_id));
        self.put(&span.span_id.0);
        self.put(&span.parent_span_id.map_or([0; 8], |parent| parent.0));
        self.put(&span.start.0.to_le_bytes());
        self.put(&span.end.0.to_le_bytes());
        self.put(&[span.kind as u8, span.status.code as u8, u8::from(span.parent_span_id.is_some())]);
        self.put_text(&span.name);
        self.put(span.status.message.as_bytes());
    }

    fn put_log(&mut self, log: &LogRecord, request: u64) {
        self.put_trace_id(log.trace_id.as_ref());
        self.put(&log.time.0.to_le_bytes());
        self.put(&log.span_id.map_or([0; 8], |span| span.0));
        self.put(&[log.severity as u8, u8::from(log.span_id.is_some())]);
        self.put_text(&log.message);
        self.put_pairs(&log.attributes.0);
        let Resource { service, attributes, dropped_attributes, schema_url } = &*log.resource;
        self.put_text(service);
        self.put_shared(attributes, *dropped_attributes, schema_url);
        let Scope { name, version, attributes, dropped_attributes, schema_url } = &*log.scope;
        self.put_text(name);
        self.put_text(version);
        self.put_shared(attributes, *dropped_attributes, schema_url);
        // Records of earlier versions have none, and keep their identities.
        if request != 0 {
            self.put(&request.to_le_bytes());
        }
    }

    fn put_shared(&mut self, attributes: &Attributes, dropped_attributes: u32, schema_url: &Text) {
        self.put_pairs(&attributes.0);
        self.put_number(u64::from(dropped_attributes));
        self.put_text(schema_url);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Checkpoint, Direction, Kind, Nanos, Severity, SpanId, Status, StatusCode};

    fn span() -> Span {
        Span {
            trace_id: TraceId::Otel(*b"0123456789abcdef"),
            span_id: SpanId(*b"spanspan"),
            parent_span_id: Some(SpanId(*b"parentid")),
            trace_state: Text::EMPTY,
            flags: 0,
            name: Text::from_static("GET /orders"),
            kind: Kind::Server,
            start: Nanos(1_700_000_000_000_000_000),
            end: Nanos(1_700_000_000_250_000_000),
            attributes: Attributes::EMPTY,
            dropped_attributes: 0,
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            status: Status { code: StatusCode::Error, message: Text::from_static("gone") },
            resource: Arc::new(Resource::default()),
            scope: Arc::new(Scope::default()),
        }
    }

    fn checkpoint(source: &'static str, timestamp_ms: f64, suffix: &'static str) -> Record {
        let text = Text::from_static;
        Record::Checkpoint(Checkpoint {
            source_id: text(source),
            correlation_id: text("req-1"),
            trace_id: TraceId::Text(text("req-1")),
            timestamp_ms,
            suffix: text(suffix),
            direction: Direction::Enter,
            operation: text("REST"),
            endpoint: text("/"),
            data: None,
            hostname: text("h"),
            raw_line: None,
            project: Text::EMPTY,
        })
    }

    fn log(trace_id: Option<TraceId>) -> Record {
        let attributes = vec![
            (Text::from("none"), Value::Empty),
            (Text::from("text"), "value".into()),
            (Text::from("yes"), Value::Bool(true)),
            (Text::from("count"), Value::Int(-300)),
            (Text::from("ratio"), Value::Double(0.5)),
            (Text::from("raw"), Value::Bytes(vec![0, 255].into())),
            (Text::from("list"), Value::Array(vec![Value::Int(1), "two".into()])),
            (Text::from("map"), Value::Map(vec![(Text::from("k"), Value::Int(i64::MIN))])),
        ];
        let resource = [("service.name", "shop")].into_iter().collect();
        let scope = [("scope.key", "v")].into_iter().collect();
        Record::Log(LogRecord {
            time: Nanos(1_700_000_000_000_000_001),
            severity: Severity::Warn,
            message: Text::from("x".repeat(200)),
            trace_id,
            span_id: Some(SpanId(*b"spanspan")),
            attributes: Attributes(attributes),
            resource: Arc::new(Resource {
                dropped_attributes: 200,
                schema_url: Text::from("u"),
                ..Resource::new(resource)
            }),
            scope: Arc::new(Scope {
                name: Text::from("lib"),
                version: Text::from("1.2"),
                attributes: scope,
                dropped_attributes: 1,
                schema_url: Text::from("s"),
            }),
            request: 0,
        })
    }

    #[test]
    fn identities_are_those_that_files_and_cursors_hold_already() {
        let text_id = TraceId::Text(Text::from_static("req-1"));
        let records = [
            Record::Span(span()),
            Record::Span(Span { trace_id: text_id.clone(), parent_span_id: None, ..span() }),
            checkpoint("MA", 1.5, "x"),
            log(None),
            log(Some(text_id)),
            Record::Log(LogRecord::default()),
            Record::Log(LogRecord::default()),
        ];
        let found = identities(records.iter());
        insta::assert_snapshot!(found.iter().map(|one| format!("{one:016x}")).collect::<Vec<_>>().join("\n"), @r"
        67356c9c9ec31a86
        078c2e4066049819
        c22e02f29e312ebc
        8472efadb68443f4
        80a3318534b80b34
        1a6662d85eae9c52
        b89ddc91ddf91867
        ");
    }

    #[test]
    fn a_span_sent_again_with_more_attributes_is_known_and_another_span_is_not() {
        let identity = |span: Span| Record::Span(span).identity();
        let known = identity(span());
        assert_eq!(identity(Span { attributes: [("retry", "1")].into_iter().collect(), ..span() }), known);
        assert_ne!(identity(Span { trace_id: TraceId::Otel([1; 16]), ..span() }), known);
        assert_ne!(identity(Span { span_id: SpanId([1; 8]), ..span() }), known);
    }

    #[test]
    fn two_equal_log_records_of_one_write_are_two_and_the_write_sent_again_has_the_same_identities() {
        let write = [log(None), log(None)];
        let both = identities(write.iter());
        assert_ne!(both[0], both[1]);
        assert_eq!(both, identities(write.iter()));
    }

    #[test]
    fn a_checkpoint_is_known_by_correlation_id_time_and_suffix_alone() {
        let known = checkpoint("MA", 1.5, "x").identity();
        assert_eq!(checkpoint("WK", 1.5, "x").identity(), known);
        assert_ne!(checkpoint("MA", 1.25, "x").identity(), known);
        assert_ne!(checkpoint("MA", 1.5, "y").identity(), known);
    }
}
