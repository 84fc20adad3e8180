//! The file: its tables, how to recognise it, how to open it, and how older ones are brought up to date.
//!
//! Opening never guesses: a file that is not ours, is newer, or cannot be read is refused with its bytes untouched.
//! The database file itself is never opened with `std::fs` while SQLite has it open: closing such a handle would drop
//! SQLite's locks.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, config::DbConfig};

use crate::store::{
    Error, Result,
    sqlite::{
        failure,
        options::Durability,
        tables::column_types::{from_column, to_column},
    },
};

/// "TRHB": marks a SQLite file as ours.
pub(in crate::store) const APPLICATION_ID: i64 = 0x5452_4842;
/// The newest schema this version reads and the one it writes.
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;
/// Before this SQLite could lose committed data when two processes shared a file
/// ([the WAL-reset bug](https://sqlite.org/releaselog/3_51_3.html)).
const OLDEST_SQLITE: i32 = 3_051_003;
/// Columns are read whole or by block; large pages keep both cheap.
pub(crate) const PAGE_BYTES: u64 = 16_384;
/// How long a connection waits for a lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Step `n` leads from schema `n` to `n + 1`; steps are never edited once released.
const MIGRATIONS: [&str; 4] = [V1, V2, V3, V4];

const V1: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta(key, value) VALUES ('traces', 0), ('failed', 0), ('spans', 0), ('errors', 0);

-- Accepted writes in commit order, each with the folds of its traces. The durable truth until they are sealed.
CREATE TABLE inbox(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,
  count INTEGER NOT NULL,
  received_ns INTEGER NOT NULL,
  min_start_ns INTEGER NOT NULL,
  max_end_ns INTEGER NOT NULL,
  folds BLOB NOT NULL,
  payload BLOB NOT NULL);

-- Sealed records: sorted by trace, split into columns. `first_seq` to `last_seq` is the part of the commit order a
-- segment stands for; `arrivals` says which record came with which write, and when.
CREATE TABLE segments(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  min_received_ns INTEGER NOT NULL,
  max_received_ns INTEGER NOT NULL,
  min_start_ns INTEGER NOT NULL,
  max_start_ns INTEGER NOT NULL,
  services TEXT NOT NULL,
  blocks BLOB NOT NULL,
  trace_filter BLOB NOT NULL,
  arrivals BLOB NOT NULL);
CREATE INDEX segments_seq ON segments(kind, first_seq, last_seq, rows);
CREATE INDEX segments_time ON segments(kind, min_start_ns, max_start_ns);

CREATE TABLE segment_columns(
  id INTEGER PRIMARY KEY,
  segment INTEGER NOT NULL,
  name TEXT NOT NULL,
  data BLOB NOT NULL);
CREATE UNIQUE INDEX segment_columns_key ON segment_columns(segment, name);

-- One row per trace with sealed records: the fold of exactly those. Times past 2262 are clamped here, exact in `fold`.
CREATE TABLE traces(
  id INTEGER PRIMARY KEY,
  trace_id NOT NULL,
  start_ns INTEGER NOT NULL,
  end_ns INTEGER NOT NULL,
  spans INTEGER NOT NULL,
  checkpoints INTEGER NOT NULL,
  logs INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  fold BLOB NOT NULL);
CREATE UNIQUE INDEX traces_key ON traces(trace_id);
CREATE INDEX traces_start ON traces(start_ns);
";

/// When a checkpoint of a trace was last received, whole unix seconds. Traces of spans alone are not in the index.
const V2: &str = "
ALTER TABLE traces ADD COLUMN received_s INTEGER NOT NULL DEFAULT 0;
CREATE INDEX traces_received ON traces(received_s, errors) WHERE received_s > 0;
";

/// Issues and keys. Both outlive the records: nothing here refers to a row of the tables above. `issue` in the tables
/// below is the rowid of an issue.
const V3: &str = "
-- `issue_id` are the 8 bytes of its id. Times are of the events' clocks but for those named otherwise.
CREATE TABLE issues(
  id INTEGER PRIMARY KEY,
  issue_id BLOB NOT NULL UNIQUE,
  project TEXT NOT NULL,
  service TEXT NOT NULL,
  status INTEGER NOT NULL,
  is_regressed INTEGER NOT NULL,
  -- When the status last changed, by our clock.
  changed_ns INTEGER NOT NULL,
  error_type TEXT,
  -- Of the first event; the pattern takes its place in the title when a later one says something else.
  message TEXT NOT NULL,
  pattern TEXT NOT NULL,
  messages_differ INTEGER NOT NULL,
  culprit TEXT,
  -- A sorted JSON array.
  environments TEXT NOT NULL,
  first_ns INTEGER NOT NULL,
  last_ns INTEGER NOT NULL,
  events INTEGER NOT NULL,
  traces INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,
  -- When it was made and when its last event was received, by our clock.
  created_ns INTEGER NOT NULL,
  received_ns INTEGER NOT NULL,
  -- Hour of the stack trace in `issue_stacks`; NULL without one.
  stack_hour_ns INTEGER);
CREATE INDEX issues_created ON issues(created_ns, project);

-- Which issue an event belongs to: `grouping` is the id its own fingerprint would give an issue.
CREATE TABLE issue_fingerprints(
  grouping BLOB PRIMARY KEY,
  issue INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,
  -- What it was made of, JSON.
  why TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX issue_fingerprints_issue ON issue_fingerprints(issue);

-- Events by the hour of their own clocks.
CREATE TABLE issue_counts(
  issue INTEGER NOT NULL,
  hour_ns INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(issue, hour_ns)) WITHOUT ROWID;

-- The traces an issue was seen in: hashes of all of them or a sketch of very many, and the newest, JSON, while their
-- records may be there; when the first of those was received, by our clock, to an hour.
CREATE TABLE issue_traces(
  issue INTEGER PRIMARY KEY,
  counted BLOB NOT NULL,
  samples TEXT NOT NULL,
  oldest_ns INTEGER);

-- The stack trace of a recent event.
CREATE TABLE issue_stacks(issue INTEGER PRIMARY KEY, stack_trace TEXT NOT NULL);

CREATE TABLE issue_history(
  id INTEGER PRIMARY KEY,
  issue INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  status INTEGER NOT NULL,
  by_event INTEGER NOT NULL);
CREATE INDEX issue_history_issue ON issue_history(issue);

CREATE TABLE keys(
  id TEXT PRIMARY KEY,
  project TEXT NOT NULL,
  prefix TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  created_ns INTEGER NOT NULL,
  last_used_ns INTEGER,
  revoked_ns INTEGER) WITHOUT ROWID;
";

/// Checkpoints can be of a project, and errors can wait to be counted (`uncounted_from` in `meta`): earlier programs would
/// take the former for damaged and count the latter twice. No table changes.
const V4: &str = "";

/// What lies at a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Missing,
    /// A file without any content: nobody's yet.
    Empty,
    /// A database of ours, of this schema.
    Ours(u32),
}

/// Looks at a path without changing a byte of it.
///
/// # Errors
/// [`Error::NotOurs`], [`Error::NewerSchema`], [`Error::Corrupt`], [`Error::Open`], [`Error::Locked`].
pub(crate) fn probe(path: &Path) -> Result<Found> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
        Err(source) => return Err(Error::Open { path: path.to_owned(), source }),
    };
    if metadata.is_dir() {
        return Err(Error::Open { path: path.to_owned(), source: io::ErrorKind::IsADirectory.into() });
    }
    if !metadata.is_file() {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
        return Err(Error::Open { path: path.to_owned(), source });
    }
    if metadata.len() == 0 {
        return Ok(Found::Empty);
    }
    let connection = read_connection(path)?;
    identify(&connection, path)
}

fn identify(connection: &Connection, path: &Path) -> Result<Found> {
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

/// Opens a database of ours for reading.
///
/// # Errors
/// [`Error::Missing`], and those of [`probe`]; a file without content is [`Error::NotOurs`].
pub(crate) fn open_for_reading(path: &Path) -> Result<Connection> {
    match probe(path)? {
        Found::Missing => Err(Error::Missing(path.to_owned())),
        Found::Empty => Err(Error::NotOurs(path.to_owned())),
        Found::Ours(_) => read_connection(path),
    }
}

/// A connection that cannot change the file.
pub(in crate::store) fn read_connection(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failure::on_open(path, error))?;
    match prepare_reading(&connection) {
        Ok(()) => Ok(connection),
        // A file in WAL mode needs its index beside it, which a read-only medium cannot get. Without a log that is
        // not yet in the file there is nothing the index would say, and nobody can change the file either.
        Err(rusqlite::Error::SqliteFailure(error, _))
            if error.code == rusqlite::ErrorCode::CannotOpen && !has_content(&beside(path, "-wal")) =>
        {
            let connection = immutable_connection(path).map_err(|error| failure::on_open(path, error))?;
            prepare_reading(&connection).map_err(|error| failure::on_open(path, error))?;
            Ok(connection)
        }
        Err(error) => Err(failure::on_open(path, error)),
    }
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
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => uri.push(char::from(*byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags)
}

/// Opens the file for writing, creating and migrating its tables. The caller holds the lock and has probed the path.
///
/// # Errors
/// [`Error::NewerSchema`] and whatever SQLite says.
pub(crate) fn open_for_writing(path: &Path, durability: Durability) -> Result<Connection> {
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
    // These two answer with a row.
    connection.query_row("PRAGMA wal_autocheckpoint=0", [], |_| Ok(()))?;
    connection.query_row("PRAGMA journal_size_limit=67108864", [], |_| Ok(()))?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: u32 = match identify(&transaction, path)? {
        Found::Ours(version) => version,
        Found::Empty | Found::Missing => 0,
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
pub(crate) fn knows_receipt(connection: &Connection) -> Result<bool> {
    is_at_least(connection, 2)
}

/// Whether the file has issues and keys; an older one that is only read does not.
pub(crate) fn knows_issues_and_keys(connection: &Connection) -> Result<bool> {
    is_at_least(connection, 3)
}

fn is_at_least(connection: &Connection, version: i64) -> Result<bool> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))? >= version)
}

/// What tells this database from all others; `None` for an old one that was never opened for writing since.
pub(crate) fn database_id(connection: &Connection) -> Result<Option<String>> {
    let mut select = connection.prepare_cached("SELECT value FROM meta WHERE key = 'database_id'")?;
    Ok(select.query_row([], |row| row.get(0)).optional()?)
}

/// Gives the database an id unless it has one.
pub(crate) fn name_database(connection: &Connection) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO meta(key, value) VALUES ('database_id', lower(hex(randomblob(8))))";
    connection.execute(sql, [])?;
    Ok(())
}

/// How long records are kept, in seconds; `None` when nobody ever said.
pub(crate) fn retention_seconds(connection: &Connection) -> Result<Option<u64>> {
    let mut select = connection.prepare_cached("SELECT value FROM meta WHERE key = 'retention_seconds'")?;
    let seconds: Option<i64> = select.query_row([], |row| row.get(0)).optional()?;
    Ok(seconds.map(from_column))
}

/// Writes how long records are kept.
pub(crate) fn set_retention(connection: &Connection, retention: Duration) -> Result<()> {
    let sql = "INSERT INTO meta(key, value) VALUES ('retention_seconds', ?1)
               ON CONFLICT(key) DO UPDATE SET value = excluded.value WHERE value <> excluded.value";
    connection.execute(sql, [to_column(retention.as_secs())])?;
    Ok(())
}

/// Refuses SQLite libraries that can lose data.
///
/// # Errors
/// [`Error::Io`] naming the version.
pub(crate) fn check_library() -> Result<()> {
    let found = rusqlite::version_number();
    if found < OLDEST_SQLITE {
        let reason = format!("SQLite {} can lose committed data; at least 3.51.3 is needed", rusqlite::version());
        return Err(Error::Io(reason.into()));
    }
    Ok(())
}

/// Creates the file and its folder for their owner only, unless they are there.
///
/// # Errors
/// [`Error::Open`].
pub(crate) fn create(path: &Path) -> Result<()> {
    let failed = |source| Error::Open { path: path.to_owned(), source };
    create_folder(path.parent().unwrap_or(Path::new("/"))).map_err(failed)?;
    match private_file().create_new(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(failed(source)),
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Options that open for writing and, when they create, for the owner only.
pub(crate) fn private_file() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The path with `suffix` appended to the file name.
pub(in crate::store) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether there is a file with anything in it.
pub(in crate::store) fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sqlite_inside_is_new_enough_not_to_lose_committed_data() {
        assert!(rusqlite::version_number() >= OLDEST_SQLITE, "{}", rusqlite::version());
        assert!(check_library().is_ok());
    }

    #[test]
    fn the_file_is_marked_and_has_large_pages_and_a_log() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("new/deep/t.db");
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

    #[cfg(unix)]
    #[test]
    fn file_and_folder_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("new/t.db");
        create(&path).expect("created");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("parent"))), (0o600, 0o700));
    }
}
