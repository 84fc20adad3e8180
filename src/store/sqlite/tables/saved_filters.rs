//! Filters under a name: a plain table that is made when the first one is saved, so that a file without any is as older
//! versions know it.

use rusqlite::{Connection, Transaction, params};

use super::super::sql;
use super::{from_column, to_column};
use crate::model::{Nanos, SavedFilter, Text};
use crate::store::Result;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS saved_filters(
    name TEXT PRIMARY KEY, filter TEXT NOT NULL, saved_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID";

/// All saved filters by their names.
pub fn list(connection: &Connection) -> Result<Vec<SavedFilter>> {
    if !is_there(connection)? {
        return Ok(Vec::new());
    }
    let sql = "SELECT name, filter, saved_ns FROM saved_filters ORDER BY name";
    sql::all(connection, sql, [], |row| {
        let (name, filter): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(SavedFilter { name: Text::from(name), filter: Text::from(filter), saved: Nanos(from_column(row.get(2)?)) })
    })
}

/// Saves a filter in place of what had its name.
pub fn save(transaction: &Transaction<'_>, saved: &SavedFilter) -> Result<()> {
    transaction.execute_batch(CREATE)?;
    let sql = "INSERT INTO saved_filters(name, filter, saved_ns) VALUES (?1, ?2, ?3)
               ON CONFLICT(name) DO UPDATE SET filter = excluded.filter, saved_ns = excluded.saved_ns";
    sql::run(transaction, sql, params![saved.name.as_str(), saved.filter.as_str(), to_column(saved.saved.0)])?;
    Ok(())
}

/// Deletes a filter; whether there was one.
pub fn delete(transaction: &Transaction<'_>, name: &str) -> Result<bool> {
    if !is_there(transaction)? {
        return Ok(false);
    }
    Ok(transaction.execute("DELETE FROM saved_filters WHERE name = ?1", [name])? > 0)
}

fn is_there(connection: &Connection) -> Result<bool> {
    sql::value(connection, "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'saved_filters')", [])
}
