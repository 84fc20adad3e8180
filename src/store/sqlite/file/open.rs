//! Opening the file. It never guesses: a file that is not ours, is newer, or cannot be read is refused with its bytes
//! untouched.
//!
//! The database file itself is never opened with `std::fs` while SQLite has it open: closing such a handle would drop
//! SQLite's locks.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::super::failure;
use super::super::options::Durability;
use super::files::{self, beside, has_content};
use super::schema::{Found, identify, migrate};
use crate::store::{Error, Result};

/// Before this SQLite could lose committed data when two processes shared a file
/// ([the WAL-reset bug](https://sqlite.org/releaselog/3_51_3.html)).
const OLDEST_SQLITE: i32 = 3_051_003;
/// Columns are read whole or by block; large pages keep both cheap.
pub const PAGE_BYTES: u64 = 16_384;
/// What SQLite says of a file that has to be put right by someone who may write ([`SQLITE_READONLY_ROLLBACK`](https://sqlite.org/rescode.html#readonly_rollback)).
const READONLY_ROLLBACK: i32 = 776;
/// What SQLite says when it may not make a file in the folder of the database ([`SQLITE_READONLY_DIRECTORY`](https://sqlite.org/rescode.html#readonly_directory)).
const READONLY_DIRECTORY: i32 = 1_544;
/// How long a connection waits for a lock.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a path in a `file:` URI cannot hold as it is.
const NOT_IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'_').remove(b'-');

/// Looks at a path without changing a byte of it.
///
/// # Errors
/// [`Error::NotOurs`], [`Error::NewerSchema`], [`Error::Corrupt`], [`Error::Open`], [`Error::Locked`].
pub fn probe(path: &Path) -> Result<Found> {
    let refused = |source| Err(Error::Open { path: path.to_owned(), source });
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
        Err(source) => return refused(source),
    };
    if metadata.is_dir() {
        return refused(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return refused(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if metadata.len() == 0 {
        return Ok(Found::Empty);
    }
    match read_connection(path) {
        Ok(connection) => identify(&connection, path),
        Err(error) if needs_recovery(&error) => Ok(Found::Unfinished),
        Err(error) => Err(error),
    }
}

/// Whether a process was killed while it wrote without the log, as before a file was in the mode for it: then only a
/// connection that may write can put the file right.
fn needs_recovery(error: &Error) -> bool {
    let Error::Open { source, .. } = error else { return false };
    let cause = source.get_ref().and_then(|cause| cause.downcast_ref::<rusqlite::Error>());
    matches!(cause, Some(rusqlite::Error::SqliteFailure(error, _)) if error.extended_code == READONLY_ROLLBACK)
}

/// Creates a database in a file that nobody sees until it is whole. The caller holds the lock of `path`.
///
/// # Errors
/// [`Error::Open`] and what SQLite says; there is no file at `path` then.
pub fn create_database(path: &Path) -> Result<()> {
    let unfinished = beside(path, ".new");
    // What a process left that was killed here.
    files::remove_with_companions(&unfinished)?;
    let made = make_database(&unfinished).and_then(|()| files::put_in_place(&unfinished, path));
    if made.is_err() {
        // The first error is the one to tell; what cannot be removed is removed by the next attempt.
        let _ = files::remove_with_companions(&unfinished);
    }
    made
}

/// A database without records in a file of its own, and nothing of it in a log.
fn make_database(path: &Path) -> Result<()> {
    files::create(path)?;
    let connection = open_for_writing(path, Durability::Disk)?;
    // Closing moves the log into the file, too, but says nothing when that fails, as on a full disk.
    let is_left: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if is_left {
        return Err(Error::Busy);
    }
    // Closing removes the empty log.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.close().map_err(|(_, error)| failure::on_open(path, error))
}

/// Opens a database of ours for reading.
///
/// # Errors
/// [`Error::Missing`], and those of [`probe`]; a file without content is [`Error::NotOurs`].
pub fn open_for_reading(path: &Path) -> Result<Connection> {
    match probe(path)? {
        Found::Missing => Err(Error::Missing(path.to_owned())),
        Found::Empty => Err(Error::NotOurs(path.to_owned())),
        Found::Unfinished => Err(Error::Open {
            path: path.to_owned(),
            source: io::Error::other("a process was killed while it wrote it; `tracehub start` puts it right"),
        }),
        Found::Ours(_) => read_connection(path),
    }
}

/// A connection that cannot change the file.
pub(in crate::store) fn read_connection(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failure::on_open(path, error))?;
    match prepare_reading(&connection) {
        Ok(()) => Ok(connection),
        // A file in WAL mode needs its index beside it, which there cannot be on a read-only medium, in a folder that
        // is not ours, and on a full disk. Without a log that is not yet in the file there is nothing the index would
        // say, and nobody can change the file either.
        Err(rusqlite::Error::SqliteFailure(error, _))
            if is_without_index(error) && !has_content(&beside(path, "-wal")) =>
        {
            let connection = immutable_connection(path).map_err(|error| failure::on_open(path, error))?;
            prepare_reading(&connection).map_err(|error| failure::on_open(path, error))?;
            Ok(connection)
        }
        Err(error) => Err(failure::on_open(path, error)),
    }
}

/// Whether a connection failed because there cannot be an index of the log beside the file.
fn is_without_index(error: rusqlite::ffi::Error) -> bool {
    error.code == rusqlite::ErrorCode::CannotOpen
        || matches!(error.extended_code, READONLY_DIRECTORY | failure::IOERR_SHMSIZE)
}

pub(in crate::store) fn prepare_reading(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Only the owner of the file checkpoints it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch(
        "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// A connection that takes no locks and makes no files: for a file nobody changes.
pub(in crate::store) fn immutable_connection(path: &Path) -> rusqlite::Result<Connection> {
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), NOT_IN_PATHS);
    let uri = format!("file:{path}?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags)
}

/// Opens the file for writing, creating and migrating its tables. The caller holds the lock and has probed the path.
///
/// # Errors
/// [`Error::NewerSchema`] and whatever SQLite says.
pub fn open_for_writing(path: &Path, durability: Durability) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| failure::on_open(path, error))?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Closing by itself would touch the log by its path, which may be another file's when ours was replaced.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    let synchronous = match durability {
        Durability::Disk => "FULL",
        Durability::Os => "NORMAL",
    };
    connection.execute_batch(&format!(
        "PRAGMA page_size={PAGE_BYTES}; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA temp_store=MEMORY;
         PRAGMA trusted_schema=OFF; PRAGMA cache_size=-16384;"
    ))?;
    let mode: String = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let source = io::Error::other(format!("no write-ahead log here, only `{mode}`"));
        return Err(Error::Open { path: path.to_owned(), source });
    }
    connection.execute_batch(&format!("PRAGMA synchronous={synchronous};"))?;
    // These answer with a row.
    connection.query_row("PRAGMA wal_autocheckpoint=0", [], |_| Ok(()))?;
    zero_what_is_deleted(&connection, false)?;
    connection.query_row("PRAGMA journal_size_limit=67108864", [], |_| Ok(()))?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

/// Has deleted content overwritten with zeros: in pages that are written anyway, or also in those that become free.
///
/// # Errors
/// What SQLite says.
pub(in crate::store) fn zero_what_is_deleted(connection: &Connection, in_free_pages: bool) -> Result<()> {
    let how = if in_free_pages { "ON" } else { "FAST" };
    connection.query_row(&format!("PRAGMA secure_delete={how}"), [], |_| Ok(()))?;
    Ok(())
}

/// Refuses SQLite libraries that can lose data.
///
/// # Errors
/// [`Error::Io`] naming the version.
pub fn check_library() -> Result<()> {
    let found = rusqlite::version_number();
    if found < OLDEST_SQLITE {
        let reason = format!("SQLite {} can lose committed data; at least 3.51.3 is needed", rusqlite::version());
        return Err(Error::Io(reason.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::file::{
        files::create,
        schema::{APPLICATION_ID, VERSION},
    };

    #[test]
    fn the_sqlite_inside_is_new_enough_not_to_lose_committed_data() {
        assert!(rusqlite::version_number() >= OLDEST_SQLITE, "{}", rusqlite::version());
        assert!(check_library().is_ok());
    }

    #[test]
    fn the_file_is_marked_and_has_large_pages_and_a_log() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        create(&path).expect("created");
        let connection = open_for_writing(&path, Durability::Disk).expect("opened");
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("pragma");
        assert_eq!(number("PRAGMA application_id"), APPLICATION_ID);
        assert_eq!(number("PRAGMA user_version"), i64::from(VERSION));
        assert_eq!(number("PRAGMA page_size"), PAGE_BYTES as i64);
        assert_eq!(number("PRAGMA auto_vacuum"), 2);
        assert_eq!(number("PRAGMA synchronous"), 2);
        assert_eq!(probe(&path).expect("probed"), Found::Ours(VERSION));
    }

    #[test]
    fn a_file_that_cannot_change_is_read_without_files_beside_it() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("100% ?mode=rwc#.db");
        create(&path).expect("created");
        let writer = open_for_writing(&path, Durability::Disk).expect("opened");
        writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).expect("configured");
        drop(writer);
        let connection = immutable_connection(&path).expect("opened");
        prepare_reading(&connection).expect("read");
        assert_eq!(identify(&connection, &path).expect("read"), Found::Ours(VERSION));
        assert!(!beside(&path, "-shm").exists() && !beside(&path, "-wal").exists());
    }
}
