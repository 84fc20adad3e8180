//! Traces that issues name go when their records do.

use rusqlite::Connection;
use rustc_hash::FxHashSet;

use crate::model::TraceId;
use crate::store::Result;
use crate::store::issues::IssueRows;
use crate::store::sqlite::issues::rows::Rows;
use crate::store::sqlite::sql;
use crate::store::sqlite::tables::column_types::to_column;

/// Drops traces of which no record is left. They stay counted.
///
/// # Errors
/// The store fails.
pub(in crate::store::sqlite) fn forget_traces(transaction: &Connection, traces: &[TraceId]) -> Result<()> {
    let gone: FxHashSet<&TraceId> = traces.iter().collect();
    if gone.is_empty() {
        return Ok(());
    }
    retain(transaction, i64::MAX, |trace, _| !gone.contains(trace))
}

/// Whether there are traces that were received before a time.
///
/// # Errors
/// The store fails.
pub(super) fn has_old(connection: &Connection, received_before_ns: u64) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM issue_traces WHERE oldest_ns < ?1)";
    sql::value(connection, sql, [to_column(received_before_ns)])
}

/// Drops traces that were received before a time. They stay counted.
///
/// # Errors
/// The store fails.
pub(super) fn forget_old(transaction: &Connection, received_before_ns: u64) -> Result<()> {
    retain(transaction, to_column(received_before_ns), |_, received_ns| received_ns >= received_before_ns)
}

/// Drops traces that are not to stay from issues that name any received before a time.
fn retain(transaction: &Connection, before: i64, stays: impl Fn(&TraceId, u64) -> bool) -> Result<()> {
    let select = "SELECT issue FROM issue_traces WHERE oldest_ns < ?1";
    for issue in sql::all(transaction, select, [before], |row| Ok(row.get(0)?))? {
        let mut traces = Rows(transaction).issue_traces(issue)?;
        if traces.retain(&stays) {
            Rows(transaction).set_issue_traces(issue, &traces)?;
        }
    }
    Ok(())
}
