//! What the columns need of a record beyond the model: the order of rows, and by what a record sent again is known.
//! Sealing, reading, removing and scanning are written once, and only what lies in the columns differs from kind to
//! kind.

use std::cmp::Ordering;

use xxhash_rust::xxh3::xxh3_64;

use super::{
    bytes::{put_attributes, put_bytes, put_trace_id},
    shared_tables::{put_resource, put_scope},
};
use crate::model::{Checkpoint, LogRecord, Record, RecordKind, Span, Text, TraceId};

/// Stands for the trace of log records that belong to none; no trace has an empty id.
pub static NO_TRACE: TraceId = TraceId::Text(Text::EMPTY);

impl Record {
    /// The trace the record lies under; [`NO_TRACE`] when it belongs to none.
    pub fn trace_key(&self) -> &TraceId {
        self.trace_id().unwrap_or(&NO_TRACE)
    }

    /// The spans among records.
    pub fn spans<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<&'r Span> {
        let span = |record: &'r Record| if let Record::Span(span) = record { Some(span) } else { None };
        records.into_iter().filter_map(span).collect()
    }

    /// The checkpoints among records.
    pub fn checkpoints<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<&'r Checkpoint> {
        let checkpoint =
            |record: &'r Record| if let Record::Checkpoint(checkpoint) = record { Some(checkpoint) } else { None };
        records.into_iter().filter_map(checkpoint).collect()
    }

    /// The log records among records.
    pub fn logs<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<&'r LogRecord> {
        let log = |record: &'r Record| if let Record::Log(log) = record { Some(log) } else { None };
        records.into_iter().filter_map(log).collect()
    }

    /// The order of rows in a segment: by trace, then time, then what tells records of one instant apart.
    pub fn order(&self, other: &Record) -> Ordering {
        let rest = || match (self, other) {
            (Record::Span(a), Record::Span(b)) => (a.start, a.span_id).cmp(&(b.start, b.span_id)),
            (Record::Checkpoint(a), Record::Checkpoint(b)) => {
                let by_time = a.timestamp_ms.total_cmp(&b.timestamp_ms);
                by_time.then_with(|| a.suffix.cmp(&b.suffix))
            }
            (a, b) => a.start().cmp(&b.start()),
        };
        self.trace_key().cmp(other.trace_key()).then_with(rest)
    }

    /// Equal for two records when one is the other sent again. A span is known by its trace, id, parent, name, kind,
    /// times and status; a checkpoint by its correlation id, time and suffix, as the published server has it; a log
    /// record by all its content, so that a batch which holds one twice needs [`identities`].
    pub fn identity(&self) -> u64 {
        let mut key = Vec::with_capacity(160);
        match self {
            Record::Span(span) => put_span_key(&mut key, span),
            Record::Checkpoint(checkpoint) => {
                put_bytes(&mut key, checkpoint.correlation_id.as_bytes());
                key.extend_from_slice(&checkpoint.timestamp_ms.to_bits().to_le_bytes());
                key.extend_from_slice(checkpoint.suffix.as_bytes());
                key.push(b'c');
            }
            Record::Log(log) => put_log_key(&mut key, log),
        }
        xxh3_64(&key)
    }
}

fn put_span_key(key: &mut Vec<u8>, span: &Span) {
    put_trace_id(key, &span.trace_id);
    key.extend_from_slice(&span.span_id.0);
    key.extend_from_slice(&span.parent_span_id.map_or([0; 8], |parent| parent.0));
    key.extend_from_slice(&span.start.0.to_le_bytes());
    key.extend_from_slice(&span.end.0.to_le_bytes());
    key.extend_from_slice(&[span.kind as u8, span.status.code as u8, u8::from(span.parent_span_id.is_some())]);
    put_bytes(key, span.name.as_bytes());
    key.extend_from_slice(span.status.message.as_bytes());
}

fn put_log_key(key: &mut Vec<u8>, log: &LogRecord) {
    put_trace_id(key, log.trace_id.as_ref().unwrap_or(&NO_TRACE));
    key.extend_from_slice(&log.time.0.to_le_bytes());
    key.extend_from_slice(&log.span_id.map_or([0; 8], |span| span.0));
    key.extend_from_slice(&[log.severity as u8, u8::from(log.span_id.is_some())]);
    put_bytes(key, log.message.as_bytes());
    put_attributes(key, &log.attributes);
    put_resource(key, &log.resource);
    put_scope(key, &log.scope);
}

/// The identities of records that lie in one write, or of all stored records of a trace, in order.
///
/// Two equal log records of one write are two records: nobody can tell them apart, but the sender meant both. So the
/// second is known as the second of its kind, and a write sent again has the same identities again. Log records that
/// are equal to the nanosecond and arrive in different writes count as one.
pub fn identities<'r>(records: impl Iterator<Item = &'r Record>) -> Vec<u64> {
    let mut times_seen: rustc_hash::FxHashMap<u64, u64> = rustc_hash::FxHashMap::default();
    let identity = |record: &'r Record| {
        let identity = record.identity();
        if record.kind() != RecordKind::Logs {
            return identity;
        }
        let seen = times_seen.entry(identity).or_default();
        *seen += 1;
        identity.wrapping_add((*seen - 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    };
    records.map(identity).collect()
}
