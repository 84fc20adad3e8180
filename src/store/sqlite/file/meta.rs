//! Values about the whole file: which database it is, and how long it keeps records.
//!
//! One that is damaged counts as not there: the file goes on without it.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::types::FromSql;

use super::super::damage::{Part, tolerate};
use super::super::sql;
use super::super::tables::{from_column, to_column};
use crate::store::Result;

/// What tells this database from all others; `None` for an old one that was never opened for writing since.
pub fn database_id(connection: &Connection) -> Result<Option<String>> {
    read(connection, "SELECT value FROM meta WHERE key = 'database_id'")
}

fn read<T: FromSql>(connection: &Connection, sql: &str) -> Result<Option<T>> {
    Ok(tolerate(Part::Row("meta"), sql::find(connection, sql, []))?.flatten())
}

/// Removes values that are of no kind they can be, so that they are made anew or count as never written.
pub fn mend(connection: &Connection) -> Result<()> {
    let sql = "DELETE FROM meta WHERE key = 'database_id' AND typeof(value) <> 'text'
               OR key IN ('retention_seconds', 'uncounted_from') AND (typeof(value) <> 'integer' OR value < 0)";
    if sql::run(connection, sql, [])? > 0 {
        tracing::warn!("values about the database were damaged and are gone");
    }
    Ok(())
}

/// Gives the database an id unless it has one.
pub fn name_database(connection: &Connection) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO meta(key, value) VALUES ('database_id', lower(hex(randomblob(8))))";
    connection.execute(sql, [])?;
    Ok(())
}

/// How long records are kept, in seconds; `None` when nobody ever said.
pub fn retention_seconds(connection: &Connection) -> Result<Option<u64>> {
    Ok(read(connection, "SELECT value FROM meta WHERE key = 'retention_seconds'")?.map(from_column))
}

/// Writes how long records are kept.
pub fn set_retention(connection: &Connection, retention: Duration) -> Result<()> {
    let sql = "INSERT INTO meta(key, value) VALUES ('retention_seconds', ?1)
               ON CONFLICT(key) DO UPDATE SET value = excluded.value WHERE value <> excluded.value";
    connection.execute(sql, [to_column(retention.as_secs())])?;
    Ok(())
}

/// What hashes of redacted secrets are keyed with; `None` when nobody needed it yet.
pub fn salt(connection: &Connection) -> Result<Option<[u8; 32]>> {
    let salt: Option<Vec<u8>> = sql::find(connection, "SELECT value FROM meta WHERE key = 'redaction_salt'", [])?;
    Ok(salt.and_then(|salt| salt.try_into().ok()))
}

/// Keeps a salt unless there is one; the one that is kept.
pub fn make_salt(connection: &Connection, new: [u8; 32]) -> Result<[u8; 32]> {
    let sql = "INSERT OR IGNORE INTO meta(key, value) VALUES ('redaction_salt', ?1)";
    connection.execute(sql, [new.as_slice()])?;
    Ok(salt(connection)?.unwrap_or(new))
}
