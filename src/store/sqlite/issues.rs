//! Issues in the file: what errors a write holds, how they are counted, and how issues are read, changed and removed.
//!
//! The errors of a write are counted once, in the transaction that puts its records into the inbox or soon after
//! ([`Uncounted`]): sealing, merging and copying records never come here, and a record that was stored already is not
//! counted again. An issue knows nothing of the records it was made of and outlives them.

mod apply;
mod change;
mod errors;
mod list;
mod removal;
#[cfg(test)]
mod tests;
mod traces;
mod uncounted;

use rusqlite::{Connection, OptionalExtension};

pub(super) use apply::apply;
pub(super) use change::set;
pub(super) use errors::Errors;
pub(super) use list::{detail, list, open_count};
pub(super) use removal::{TABLES, count, prune};
pub(super) use traces::forget_traces;
pub(super) use uncounted::{Uncounted, require_counted};

use crate::{model::IssueId, store::Result};

const NS_PER_HOUR: u64 = 3_600_000_000_000;

/// The hour a time lies in, unix nanoseconds.
fn hour_ns(time_ns: u64) -> u64 {
    time_ns - time_ns % NS_PER_HOUR
}

/// The row of an issue, by its own id or by one its other fingerprints would have given it.
fn row_of(connection: &Connection, id: &IssueId) -> Result<Option<i64>> {
    let own = "SELECT id FROM issues WHERE issue_id = ?1";
    let others = "SELECT issue FROM issue_fingerprints WHERE grouping = ?1";
    for sql in [own, others] {
        let row = connection.prepare_cached(sql)?.query_row([id.0], |row| row.get(0)).optional()?;
        if row.is_some() {
            return Ok(row);
        }
    }
    Ok(None)
}
