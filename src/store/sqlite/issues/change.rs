//! What people and events decide about an issue.

use rusqlite::{Connection, params};

use super::{list, row_of};
use crate::{
    model::{Issue, IssueChange, IssueId, IssueStatus, Nanos},
    store::{Result, sqlite::tables::column_types::to_column},
};

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
    let Some(row) = row_of(transaction, id)? else { return Ok(None) };
    let Some(issue) = list::issue(transaction, row)? else { return Ok(None) };
    let IssueChange::Status(status) = change;
    if issue.status == status {
        return Ok(Some(issue));
    }
    note(transaction, row, (status, false), now.0)?;
    list::issue(transaction, row)
}

/// Gives an issue another status, on account of an event or of a person.
pub(super) fn note(
    transaction: &Connection,
    row: i64,
    (status, by_event): (IssueStatus, bool),
    now_ns: u64,
) -> Result<()> {
    let sql = "UPDATE issues SET status = ?2, is_regressed = ?3, changed_ns = ?4 WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute(params![row, status as u8, by_event, to_column(now_ns)])?;
    let sql = "INSERT INTO issue_history(issue, time_ns, status, by_event) VALUES (?1, ?2, ?3, ?4)";
    transaction.prepare_cached(sql)?.execute(params![row, to_column(now_ns), status as u8, by_event])?;
    Ok(())
}
