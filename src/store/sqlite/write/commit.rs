//! What goes into one transaction of the writer: records and what is counted of them, counts alone, or other work.

use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::model::Nanos;
use crate::store::Result;
use crate::store::sqlite::codec;
use crate::store::sqlite::issues::Uncounted;
use crate::store::sqlite::tables::inbox;
use crate::store::sqlite::write::write_queue::Part;

/// A part of a write without the records that are stored already.
pub fn without_old(Part { records, errors }: &Part, is_new: &[bool]) -> Result<Part> {
    let errors = errors.keep_new(is_new);
    let (kind, payload) = (records.kind, &records.payload);
    let mut is_new = is_new.iter();
    let mut records = codec::decode_inbox(kind, payload)?;
    records.retain(|_| is_new.next().copied().unwrap_or(true));
    let mut records = codec::prepare(kind, &records, Nanos::now());
    // The second of two equal log records stays the second.
    records.identities.clear();
    Ok(Part { records, errors })
}

/// Stores writes in one commit. With `counts` it counts their errors and those that wait, else it notes that they wait.
/// Returns the number of the last write, and how long counting took.
pub fn store_group(
    connection: &mut Connection,
    writes: &[&mut Part],
    uncounted: &Uncounted,
    counts: bool,
    received_ns: u64,
) -> Result<(i64, Duration)> {
    transact(connection, |transaction| {
        for write in writes {
            let Part { records, errors } = &**write;
            inbox::append(transaction, records, received_ns)?;
            if !counts && !errors.events.is_empty() {
                uncounted.note(transaction, transaction.last_insert_rowid())?;
            }
        }
        let last_seq = transaction.last_insert_rowid();
        let errors = writes.iter().map(|write| (&write.errors, received_ns));
        let took = if counts { uncounted.count(transaction, errors)? } else { Duration::ZERO };
        Ok((last_seq, took))
    })
}

/// Does some work in one transaction, which is committed when this returns what `work` found.
pub fn transact<T>(connection: &mut Connection, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = work(&transaction)?;
    transaction.commit()?;
    Ok(found)
}
