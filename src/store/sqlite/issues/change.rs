//! What people decide about an issue.

use rusqlite::Connection;

use crate::model::{Issue, IssueChange, IssueId, Nanos};
use crate::store::Result;
use crate::store::issues::change_status;
use crate::store::sqlite::issues::list;
use crate::store::sqlite::issues::rows::{Rows, find_row};

/// Changes an issue; what it is then, `None` when there is none of this id.
///
/// # Errors
/// The store fails.
pub(in crate::store::sqlite) fn set(
    transaction: &Connection,
    id: &IssueId,
    change: IssueChange,
    now: Nanos,
) -> Result<Option<Issue>> {
    let Some(row) = find_row(transaction, id)? else { return Ok(None) };
    let Some(issue) = list::issue(transaction, row, None)? else { return Ok(None) };
    match change_status(&Rows(transaction), row, issue.status, change, now.0)? {
        true => list::issue(transaction, row, None),
        false => Ok(Some(issue)),
    }
}
