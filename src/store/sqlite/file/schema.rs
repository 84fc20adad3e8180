//! The tables of the file: how older ones are brought up to date, and which of them a file has.
//!
//! Steps that were released are never edited; a file that is not ours or is newer is refused with its bytes untouched.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::super::{failure, sql};
use crate::store::{Error, Result};

/// "TRHB": marks a SQLite file as ours.
pub(in crate::store) const APPLICATION_ID: i64 = 0x5452_4842;
/// The newest schema this version reads and the one it writes.
pub const VERSION: u32 = MIGRATIONS.len() as u32;
/// Step `n` leads from schema `n` to `n + 1`; steps are never edited once released.
const MIGRATIONS: [&str; 5] = [
    include_str!("schema/v1.sql"),
    include_str!("schema/v2.sql"),
    include_str!("schema/v3.sql"),
    include_str!("schema/v4.sql"),
    include_str!("schema/v5.sql"),
];

/// What lies at a path.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Missing,
    /// A file without any content: nobody's yet.
    Empty,
    /// A file that a killed process left half written; what it is can be said once it is put right.
    Unfinished,
    /// A database of ours, of this schema.
    Ours(u32),
}

/// What a connection finds in the file at `path`.
///
/// # Errors
/// [`Error::NotOurs`], [`Error::NewerSchema`], and what SQLite says.
pub fn identify(connection: &Connection, path: &Path) -> Result<Found> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let look = || -> rusqlite::Result<(i64, i64, i64)> {
        Ok((
            number("PRAGMA application_id")?,
            number("PRAGMA user_version")?,
            number("SELECT count(*) FROM sqlite_schema")?,
        ))
    };
    match look().map_err(|error| failure::on_open(path, error))? {
        (APPLICATION_ID, version, _) => {
            let found = u32::try_from(version).unwrap_or(u32::MAX);
            if found > VERSION {
                return Err(Error::NewerSchema { path: path.to_owned(), found, known: VERSION });
            }
            Ok(Found::Ours(found))
        }
        // What a crash between creating the file and its tables leaves behind.
        (0, 0, 0) => Ok(Found::Empty),
        _ => Err(Error::NotOurs(path.to_owned())),
    }
}

/// Brings the tables of a file up to date, which are created in a new one.
///
/// # Errors
/// [`Error::NewerSchema`] and what SQLite says.
pub fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: u32 = match identify(&transaction, path)? {
        Found::Ours(version) => version,
        Found::Empty | Found::Missing | Found::Unfinished => 0,
    };
    for step in MIGRATIONS.iter().skip(version as usize) {
        transaction.execute_batch(step)?;
    }
    if version < VERSION {
        transaction
            .execute_batch(&format!("PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION};"))?;
    }
    transaction.commit()?;
    Ok(())
}

/// Whether the file knows when traces were received; an older one that is only read does not.
pub fn knows_receipt(connection: &Connection) -> Result<bool> {
    is_at_least(connection, 2)
}

/// Whether the file has issues and keys; an older one that is only read does not.
pub fn knows_issues_and_keys(connection: &Connection) -> Result<bool> {
    is_at_least(connection, 3)
}

/// Whether the file can name what is damaged in it; an older one that is only read cannot.
pub fn knows_damage(connection: &Connection) -> Result<bool> {
    is_at_least(connection, 5)
}

fn is_at_least(connection: &Connection, version: i64) -> Result<bool> {
    Ok(sql::value::<i64>(connection, "PRAGMA user_version", [])? >= version)
}
