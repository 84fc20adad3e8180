//! Where an old file lies and how to open it without leaving a trace.
//!
//! A file in WAL mode whose log is empty or gone is opened as one that nobody changes: reading it the usual way would
//! make a log and its index beside it. With records in its log, the log is read too.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rusqlite::Connection;

use super::format::Layout;
use crate::store::sqlite::failure;
use crate::store::sqlite::file::files::{beside, has_content};
use crate::store::sqlite::file::open::{immutable_connection, prepare_reading, read_connection};
use crate::store::sqlite::file::schema::APPLICATION_ID;
use crate::store::{Error, Result};

/// Shortest file that can be a database: its smallest page.
const SMALLEST_BYTES: u64 = 512;
/// The [header](https://sqlite.org/fileformat.html#the_database_header) up to the byte that says how to read the file.
const HEADER_BYTES: usize = 20;
/// That byte in WAL mode.
const WAL_VERSION: u8 = 2;

/// The path of an old file, and how the file is opened.
#[derive(Debug)]
pub(super) struct Location {
    path: PathBuf,
    is_wal: bool,
}

/// The location and layout of a file another program wrote; `None` for all others.
///
/// # Errors
/// The file is one of these and cannot be found again.
pub(super) fn recognise(path: &Path) -> Result<Option<(Location, Layout)>> {
    let Some(layout) = layout_at(path) else { return Ok(None) };
    let path = path.canonicalize().map_err(|source| Error::Open { path: path.to_owned(), source })?;
    let is_wal = is_wal(&path).map_err(|source| Error::Open { path: path.clone(), source })?;
    Ok(Some((Location { path, is_wal }, layout)))
}

/// What cannot be read here is no old file; whoever opens it next says why.
fn layout_at(path: &Path) -> Option<Layout> {
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() >= SMALLEST_BYTES) {
        return None;
    }
    let peek = immutable_connection(path).ok()?;
    if is_ours(&peek)? {
        return None;
    }
    if let Some(layout) = Layout::find(&peek) {
        return Some(layout);
    }
    // The tables may still lie in the log alone.
    let has_log = has_content(&beside(path, "-wal"));
    let connection = has_log.then(|| read_connection(path).ok())??;
    if is_ours(&connection)? { None } else { Layout::find(&connection) }
}

fn is_ours(connection: &Connection) -> Option<bool> {
    let id: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0)).ok()?;
    Some(id == APPLICATION_ID)
}

/// Reads the header past SQLite, which says it only to who opens the log. Called before this process holds any lock on
/// the file: closing the handle would drop it.
fn is_wal(path: &Path) -> io::Result<bool> {
    let mut header = [0; HEADER_BYTES];
    fs::File::open(path)?.read_exact(&mut header)?;
    Ok(header.last() == Some(&WAL_VERSION))
}

impl Location {
    /// The absolute path, for people.
    pub(super) fn text(&self) -> String {
        self.path.display().to_string()
    }

    /// A connection that cannot change the file.
    ///
    /// # Errors
    /// Whatever SQLite says; a half-done change that would have to be undone first is named.
    pub(super) fn connect(&self) -> Result<Connection> {
        let connection = if self.is_wal && !has_content(&beside(&self.path, "-wal")) {
            let connection = immutable_connection(&self.path);
            let connection = connection.map_err(|error| failure::on_open(&self.path, error))?;
            prepare_reading(&connection).map_err(|error| failure::on_open(&self.path, error))?;
            connection
        } else {
            read_connection(&self.path).map_err(|error| self.explained(error))?
        };
        // Sorting a large file must not take its size in memory.
        connection.execute_batch("PRAGMA temp_store=FILE; PRAGMA cache_size=-65536;")?;
        Ok(connection)
    }

    fn explained(&self, error: Error) -> Error {
        if matches!(error, Error::Locked(_)) || !has_content(&beside(&self.path, "-journal")) {
            return error;
        }
        let reason = "its last writer stopped half-way through a change, which `sqlite3 FILE .tables` or the program \
                      that wrote it undoes";
        Error::Open { path: self.path.clone(), source: io::Error::other(reason) }
    }
}
