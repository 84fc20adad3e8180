//! One accepted write, made ready for the inbox: its bytes and everything the store needs to know without them.

use rustc_hash::FxHashMap;

use crate::model::{Nanos, Record, RecordKind, SpanId, TimeBounds, TraceFold, TraceId, identities};
use crate::store::sqlite::codec::bytes::{Reader, envelope};
use crate::store::sqlite::codec::checkpoints::checkpoint_rows;
use crate::store::sqlite::codec::error::Result;
use crate::store::sqlite::codec::fold::encode_folds;
use crate::store::sqlite::codec::logs::log_rows;
use crate::store::sqlite::codec::record::NO_TRACE;
use crate::store::sqlite::codec::spans::span_rows;

/// One accepted write of one kind of record, ready for the inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Which kind of record.
    pub kind: RecordKind,
    /// The records; [`decode_inbox`] reads them back.
    pub payload: Vec<u8>,
    /// How many records there are.
    pub records: u32,
    /// Earliest start, unix nanoseconds; `u64::MAX` without records.
    pub min_start_ns: u64,
    /// Latest end, unix nanoseconds; 0 without records.
    pub max_end_ns: u64,
    /// The traces of the records, sorted; log records without one are in none.
    pub traces: Vec<TraceId>,
    /// What the summary of each trace learns from the records; [`decode_folds`](super::decode_folds) reads it.
    pub folds: Vec<u8>,
    /// The identity of each record, in order, as [`identities`] has it.
    pub identities: Vec<u64>,
    /// When each record began, unix nanoseconds, in order.
    pub starts_ns: Vec<u64>,
    /// Whether log records without a trace are among the records.
    pub has_traceless: bool,
    /// How many of the records are log records of which it is known with what request they came.
    pub requests: usize,
}

/// Makes records, all of this kind and received at about this time, ready for the inbox.
pub fn prepare(kind: RecordKind, records: &[Record], received: Nanos) -> Prepared {
    let folds = fold(records, &TimeBounds::received_at(received));
    let (min_start_ns, max_end_ns) = times_of(records);
    Prepared {
        kind,
        payload: envelope::wrap_lz4(&encode(kind, records)),
        records: u32::try_from(records.len()).expect("a request holds far fewer records than 2^32"),
        min_start_ns,
        max_end_ns,
        folds: encode_folds(&folds),
        traces: folds.into_iter().map(|(trace, _)| trace).collect(),
        identities: identities(records.iter()),
        starts_ns: records.iter().map(|record| record.start().0).collect(),
        has_traceless: records.iter().any(|record| record.trace_id().is_none()),
        requests: records.iter().filter(|record| record.has_request()).count(),
    }
}

/// The earliest start and the latest end of records, unix nanoseconds; `u64::MAX` and 0 without any.
pub fn times_of(records: &[Record]) -> (u64, u64) {
    let min_start_ns = records.iter().map(|record| record.start().0).min().unwrap_or(u64::MAX);
    (min_start_ns, records.iter().map(|record| record.end().0).max().unwrap_or(0))
}

fn encode(kind: RecordKind, records: &[Record]) -> Vec<u8> {
    match kind {
        RecordKind::Spans => span_rows::encode(&Record::spans(records)),
        RecordKind::Checkpoints => checkpoint_rows::encode(&Record::checkpoints(records)),
        RecordKind::Logs => log_rows::encode(&Record::logs(records)),
    }
}

/// The records of [`Prepared::payload`], in their order.
///
/// # Errors
/// The payload is damaged.
pub fn decode_inbox(kind: RecordKind, payload: &[u8]) -> Result<Vec<Record>> {
    decode(kind, Reader::new(envelope::unwrap_lz4(payload)?))
}

/// A copy of records, all of this kind, in a buffer of its own: it keeps nothing alive that `records` were read from.
///
/// # Errors
/// None that is known: what is read was encoded just before.
pub fn repack(kind: RecordKind, records: &[Record]) -> Result<Vec<Record>> {
    decode(kind, Reader::new(encode(kind, records).into()))
}

fn decode(kind: RecordKind, reader: Reader) -> Result<Vec<Record>> {
    Ok(match kind {
        RecordKind::Spans => span_rows::decode(reader)?.into_iter().map(Record::Span).collect(),
        RecordKind::Checkpoints => checkpoint_rows::decode(reader)?.into_iter().map(Record::Checkpoint).collect(),
        RecordKind::Logs => log_rows::decode(reader)?.into_iter().map(Record::Log).collect(),
    })
}

/// Tells the folds of traces that report usage how their spans lie in one another.
fn note_parents(records: &[Record], folds: &mut FxHashMap<&TraceId, TraceFold>) {
    let with_usage = folds.iter().filter(|(_, fold)| !fold.usages.is_empty());
    let mut parents: FxHashMap<&TraceId, FxHashMap<SpanId, Option<SpanId>>> =
        with_usage.map(|(trace, _)| (*trace, FxHashMap::default())).collect();
    if parents.is_empty() {
        return;
    }
    for span in Record::spans(records) {
        if let Some(parents) = parents.get_mut(&span.trace_id) {
            parents.insert(span.span_id, span.parent_span_id);
        }
    }
    for (trace, parents) in &parents {
        if let Some(fold) = folds.get_mut(trace) {
            fold.note_parents(parents);
        }
    }
}

fn fold(records: &[Record], bounds: &TimeBounds) -> Vec<(TraceId, TraceFold)> {
    let mut folds: FxHashMap<&TraceId, TraceFold> = FxHashMap::default();
    for record in records {
        record.add_to(folds.entry(record.trace_key()).or_default(), bounds);
    }
    folds.remove(&NO_TRACE);
    note_parents(records, &mut folds);
    let mut folds: Vec<_> = folds.into_iter().map(|(id, fold)| (id.clone(), fold)).collect();
    folds.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    folds
}
