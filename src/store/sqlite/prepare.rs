//! A batch made ready for the writer: encoded and its errors grouped, a part for each kind of record.
//!
//! This is most of the work of a write and needs nothing of the file, so it is done before the write is queued.

use rustc_hash::FxHashSet;

use super::codec;
use super::write::write_queue::Part;
use crate::model::{Batch, Nanos, Record, RecordKind};
use crate::store::issues::Errors;

/// Batches that are more work than this many plain records are made ready off the async threads.
pub(super) const SMALL_BATCH: usize = 1_000;
/// An error is as much work as this many plain records: its message and its stack trace are read.
const ERROR_WORK: usize = 20;

/// How much work it is to make a batch ready, in plain records.
pub(super) fn work(batch: &Batch) -> usize {
    let errors = batch.logs.iter().filter(|log| log.is_error()).count();
    let events: usize = batch.spans.iter().map(|span| span.events.len()).sum();
    batch.len() + (errors + events) * ERROR_WORK
}

/// Encodes a batch and groups its errors, a part for each kind, and says how many of its records repeat others of it.
pub(super) fn prepare(batch: Batch) -> (Vec<Part>, u64) {
    let parts = [
        batch.spans.into_iter().map(Record::Span).collect::<Vec<_>>(),
        batch.checkpoints.into_iter().map(Record::Checkpoint).collect(),
        batch.logs.into_iter().map(Record::Log).collect(),
    ];
    let received = Nanos::now();
    let (mut prepared, mut duplicates) = (Vec::new(), 0);
    for (kind, records) in RecordKind::ALL.into_iter().zip(parts) {
        if !records.is_empty() {
            let (part, repeated) = prepare_kind(kind, records, received);
            prepared.push(part);
            duplicates += repeated;
        }
    }
    (prepared, duplicates)
}

fn prepare_kind(kind: RecordKind, mut records: Vec<Record>, received: Nanos) -> (Part, u64) {
    let mut prepared = codec::prepare(kind, &records, received);
    let sent = records.len();
    let mut distinct = FxHashSet::with_capacity_and_hasher(sent, Default::default());
    let mut identities = prepared.identities.iter();
    records.retain(|_| identities.next().is_none_or(|record| distinct.insert(*record)));
    let repeated = (sent - records.len()) as u64;
    if repeated > 0 {
        prepared = codec::prepare(kind, &records, received);
    }
    (Part { records: prepared, errors: Errors::find(&records) }, repeated)
}
