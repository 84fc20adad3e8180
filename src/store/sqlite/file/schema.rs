//! The tables of the file: how older ones are brought up to date, and which of them a file has.
//!
//! Steps that were released are never edited; a file that is not ours or is newer is refused with its bytes untouched.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::super::tables::trace_index;
use super::super::{failure, sql};
use crate::store::{Error, Result};

/// "TRHB": marks a SQLite file as ours.
pub(in crate::store) const APPLICATION_ID: i64 = 0x5452_4842;
/// The newest schema this version reads and the one it writes.
pub const VERSION: u32 = MIGRATIONS.len() as u32;
/// Step `n` leads from schema `n` to `n + 1`; steps are never edited once released.
const MIGRATIONS: [&str; 6] = [
    include_str!("schema/v1.sql"),
    include_str!("schema/v2.sql"),
    include_str!("schema/v3.sql"),
    include_str!("schema/v4.sql"),
    include_str!("schema/v5.sql"),
    include_str!("schema/v6.sql"),
];

/// The first schema in which the rows of traces are found through runs.
const FIRST_WITH_TRACE_INDEX: u32 = 6;
/// Tables that are made when something is first written to them.
const LATER_TABLES: [&str; 1] = ["saved_filters"];

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
            check_tables(connection)?;
            Ok(Found::Ours(found))
        }
        // What a crash between creating the file and its tables leaves behind.
        (0, 0, 0) => Ok(Found::Empty),
        _ => Err(Error::NotOurs(path.to_owned())),
    }
}

/// The names of our tables, as the migrations make them.
fn table_names() -> impl Iterator<Item = &'static str> {
    let rest = MIGRATIONS.iter().flat_map(|step| step.split("CREATE TABLE ").skip(1));
    rest.filter_map(|rest| rest.trim_start_matches("IF NOT EXISTS ").split('(').next())
}

/// Refuses a file in which something else stands where our tables should: a view may never end, and triggers, generated
/// columns and indexes of expressions run what somebody else wrote.
///
/// # Errors
/// [`Error::Corrupt`] names the table, and what SQLite says.
fn check_tables(connection: &Connection) -> Result<()> {
    let refuse = |name: &str, what: &str| Err(Error::Corrupt(format!("`{name}` {what}")));
    for name in table_names().chain(LATER_TABLES) {
        let sql = "SELECT type, sql LIKE 'CREATE VIRTUAL%' FROM sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE";
        let mut is_there = false;
        for (kind, is_virtual) in
            sql::all(connection, sql, [name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<bool>>(1)?)))?
        {
            is_there = true;
            match kind.as_str() {
                "table" if is_virtual != Some(true) => {}
                "index" => {}
                "table" => return refuse(name, "is a virtual table"),
                "trigger" => return refuse(name, "has a trigger"),
                _ => return refuse(name, "is not a table"),
            }
        }
        if !is_there {
            continue;
        }
        let generated = "SELECT EXISTS (SELECT 1 FROM pragma_table_xinfo(?1) WHERE hidden <> 0)";
        if sql::value(connection, generated, [name])? {
            return refuse(name, "has a generated column");
        }
        let expressions = "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1) l, pragma_index_xinfo(l.name) x
                                          WHERE x.cid = -2)";
        if sql::value(connection, expressions, [name])? {
            return refuse(name, "has an index of an expression");
        }
    }
    Ok(())
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
    if version < FIRST_WITH_TRACE_INDEX {
        trace_index::build(&transaction)?;
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

/// Whether the file has a table of senders; an older one that is only read does not.
pub fn knows_senders(connection: &Connection) -> Result<bool> {
    is_at_least(connection, 5)
}

/// Whether the file can name what is damaged in it; an older one that is only read cannot.
pub fn knows_damage(connection: &Connection) -> Result<bool> {
    is_at_least(connection, 5)
}

/// Whether rows of traces are found through runs; in an older file that is only read, by an index over all ids.
pub fn has_trace_index(connection: &Connection) -> Result<bool> {
    is_at_least(connection, i64::from(FIRST_WITH_TRACE_INDEX))
}

fn is_at_least(connection: &Connection, version: i64) -> Result<bool> {
    Ok(sql::value::<i64>(connection, "PRAGMA user_version", [])? >= version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_a_new_file_is_known_by_its_name() {
        let mut connection = Connection::open_in_memory().expect("opened");
        migrate(&mut connection, Path::new("t.db")).expect("made");
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
        let made: Vec<String> = sql::all(&connection, sql, [], |row| Ok(row.get(0)?)).expect("listed");
        let mut known: Vec<&str> = table_names().collect();
        known.sort_unstable();
        assert_eq!(made, known);
    }
}
