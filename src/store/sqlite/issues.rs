//! Issues in the file: their rows, and how they are read, changed and removed. What they mean is said by
//! [`crate::store::issues`].
//!
//! The errors of a write are counted once, in the transaction that puts its records into the inbox or soon after
//! ([`Uncounted`]): sealing, merging and copying records never come here, and a record that was stored already is not
//! counted again. An issue knows nothing of the records it was made of and outlives them.

mod change;
mod list;
mod removal;
mod rows;
#[cfg(test)]
mod tests;
mod traces;
mod uncounted;

use rusqlite::{Connection, OptionalExtension};

pub(super) use change::set;
pub(super) use list::{detail, list, open_count};
pub(super) use removal::{TABLES, count, prune};
pub(super) use traces::forget_traces;
pub(super) use uncounted::{Uncounted, require_counted};

use crate::{model::IssueId, store::Result};

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
