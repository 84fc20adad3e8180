//! What goes into one transaction of the writer: records and what is counted of them, counts alone, or other work.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use crate::store::Result;
use crate::store::sqlite::codec;
use crate::store::sqlite::issues::Uncounted;
use crate::store::sqlite::tables::inbox;
use crate::store::sqlite::write::write_queue::{Part, Work};

/// A part of a write without the records that are stored already.
pub fn without_old(Part { records, errors }: &Part, is_new: &[bool]) -> Result<Part> {
    let errors = errors.keep_new(is_new);
    let (kind, payload) = (records.kind, &records.payload);
    let mut is_new = is_new.iter();
    let mut records = codec::decode_inbox(kind, payload)?;
    records.retain(|_| is_new.next().copied().unwrap_or(true));
    let mut records = codec::prepare(kind, &records);
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
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for write in writes {
        let Part { records, errors } = &**write;
        inbox::append(&transaction, records, received_ns)?;
        if !counts && !errors.events.is_empty() {
            uncounted.note(&transaction, transaction.last_insert_rowid())?;
        }
    }
    let last_seq = transaction.last_insert_rowid();
    let errors = writes.iter().map(|write| (&write.errors, received_ns));
    let took = if counts { uncounted.count(&transaction, errors)? } else { Duration::ZERO };
    transaction.commit()?;
    Ok((last_seq, took))
}

/// Counts the errors that wait, and returns how long that took.
pub fn count(connection: &mut Connection, uncounted: &Uncounted) -> Result<Duration> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let took = uncounted.count(&transaction, std::iter::empty())?;
    transaction.commit()?;
    Ok(took)
}

/// Does some work in one transaction.
pub fn transact(connection: &mut Connection, work: Work) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    work(&transaction)?;
    Ok(transaction.commit()?)
}
