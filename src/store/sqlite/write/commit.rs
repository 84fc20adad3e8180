//! What goes into one transaction of the writer: records and what is counted of them, counts alone, or other work.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use crate::model::Removed;
use crate::store::Result;
use crate::store::issues::Errors;
use crate::store::sqlite::codec;
use crate::store::sqlite::issues::Uncounted;
use crate::store::sqlite::tables::inbox;
use crate::store::sqlite::write::write_queue::{Part, Work};

/// A part of a write that is to be stored.
pub enum Fresh<'a> {
    /// The part as its caller sent it.
    Whole(&'a mut Part),
    /// The part without what is stored already.
    New(Part),
}

impl<'a> Fresh<'a> {
    /// A part, and what is left of it when some of it is stored already.
    pub fn new(whole: &'a mut Part, new: Option<Part>) -> Fresh<'a> {
        new.map_or_else(|| Fresh::Whole(whole), Fresh::New)
    }

    /// The part that is to be stored.
    pub fn get(&self) -> &Part {
        match self {
            Fresh::Whole(part) => part,
            Fresh::New(part) => part,
        }
    }

    /// Takes the errors of the part, once they are of no more use here.
    pub fn take_errors(&mut self) -> Errors {
        std::mem::take(match self {
            Fresh::Whole(part) => &mut part.errors,
            Fresh::New(part) => &mut part.errors,
        })
    }
}

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
    writes: &[Fresh<'_>],
    uncounted: &Uncounted,
    counts: bool,
    received_ns: u64,
) -> Result<(i64, Duration)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for write in writes {
        let Part { records, errors } = write.get();
        inbox::append(&transaction, records, received_ns)?;
        if !counts && !errors.events.is_empty() {
            uncounted.note(&transaction, transaction.last_insert_rowid())?;
        }
    }
    let last_seq = transaction.last_insert_rowid();
    let errors = writes.iter().map(|write| (&write.get().errors, received_ns));
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
pub fn transact(connection: &mut Connection, work: Work) -> Result<Removed> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let removed = work(&transaction)?;
    transaction.commit()?;
    Ok(removed)
}
