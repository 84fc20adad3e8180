//! What goes of issues, and when: all of them with all records; traces with their records; old counts and issues that
//! were not seen for long by age.

use rusqlite::Connection;

use super::traces;
use crate::model::Removed;
use crate::store::Result;
use crate::store::issues::hours::NANOS_PER_HOUR;
use crate::store::sqlite::file::schema;
use crate::store::sqlite::sql;
use crate::store::sqlite::tables::column_types::{from_column, to_column};
use crate::store::sqlite::write::write_queue::{Forget, Queue};

/// Counts are kept this long, and issues at least this long after their last event was received.
const KEPT_NS: u64 = 90 * 24 * NANOS_PER_HOUR;
/// Rows removed in one transaction.
const STEP: i64 = 5_000;

/// All tables of issues; all their rows refer to issues only.
pub(in crate::store::sqlite) const TABLES: [&str; 6] =
    ["issues", "issue_fingerprints", "issue_counts", "issue_traces", "issue_stacks", "issue_history"];

/// How many issues there are.
///
/// # Errors
/// The store fails.
pub(in crate::store::sqlite) fn count(connection: &Connection) -> Result<u64> {
    if !schema::knows_issues_and_keys(connection)? {
        return Ok(0);
    }
    sql::value(connection, "SELECT COUNT(*) FROM issues", []).map(from_column)
}

/// Removes what is past its time: traces whose records were received before `cutoff_ns`, counts older than 90 days,
/// and issues of which nothing was received for 90 days or, if that is longer, since `cutoff_ns`.
///
/// # Errors
/// The store fails.
pub(in crate::store::sqlite) fn prune(
    connection: &Connection,
    queue: &Queue,
    cutoff_ns: u64,
    now_ns: u64,
) -> Result<Removed> {
    // When a trace was last received is known to an hour.
    let traces_before = cutoff_ns.saturating_sub(NANOS_PER_HOUR);
    let old = now_ns.saturating_sub(KEPT_NS);
    if traces::has_old(connection, traces_before)? {
        queue.remove(Forget::Nothing, move |transaction| traces::forget_old(transaction, traces_before))?;
    }
    prune_counts(connection, queue, to_column(old))?;
    prune_issues(connection, queue, to_column(old.min(cutoff_ns)))
}

fn prune_counts(connection: &Connection, queue: &Queue, before: i64) -> Result<()> {
    let is_any = "SELECT EXISTS (SELECT 1 FROM issues JOIN issue_counts ON issue = id WHERE hour_ns < ?1)";
    let delete = "DELETE FROM issue_counts WHERE (issue, hour_ns) IN
                    (SELECT issue, hour_ns FROM issues JOIN issue_counts ON issue = id WHERE hour_ns < ?1 LIMIT ?2)";
    while sql::value(connection, is_any, [before])? {
        queue.remove(Forget::Nothing, move |transaction| sql::run(transaction, delete, [before, STEP]))?;
    }
    Ok(())
}

fn prune_issues(connection: &Connection, queue: &Queue, before: i64) -> Result<Removed> {
    if !sql::value(connection, "SELECT EXISTS (SELECT 1 FROM issues WHERE received_ns < ?1)", [before])? {
        return Ok(Removed::default());
    }
    queue.remove(Forget::Nothing, move |transaction| {
        let select = "SELECT id FROM issues WHERE received_ns < ?1 LIMIT ?2";
        let rows: Vec<i64> = sql::all(transaction, select, [before, STEP], |row| Ok(row.get(0)?))?;
        for row in &rows {
            for table in TABLES {
                let key = if table == "issues" { "id" } else { "issue" };
                sql::run(transaction, &format!("DELETE FROM {table} WHERE {key} = ?1"), [row])?;
            }
        }
        Ok(Removed { issues: rows.len() as u64, ..Removed::default() })
    })
}
