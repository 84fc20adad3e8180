//! A look at a database file and the place it lies in, for whoever wants to know what is wrong with it.
//!
//! Changes nothing, takes no lock but a reader's, and says what it finds instead of failing: a file that cannot be opened is
//! what this is for.

pub mod locks;
pub mod place;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use self::locks::Process;
use self::place::{FileMode, Place};
use super::file::schema::{Found, VERSION};
use super::file::{files, open};
use super::lock;
use crate::store::Error;

/// Longest time that SQLite may take to look through the file.
const PATIENCE: Duration = Duration::from_secs(10);
/// From how long a log on it is worth knowing who keeps it from being emptied.
pub const LONG_LOG_BYTES: u64 = 64 << 20;

/// What is known of a database file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// The path that was looked at.
    pub path: PathBuf,
    /// What lies there.
    pub state: State,
    /// How long the file is, in bytes.
    pub size_bytes: u64,
    /// How long its transaction log is, in bytes.
    pub log_bytes: u64,
    /// What of the file is free for new records, in bytes.
    pub spare_bytes: u64,
    /// Who reads from a log that is long, and so keeps it from being emptied.
    pub log_readers: Vec<Process>,
    /// What SQLite says of the file; `None` when it could not be asked.
    pub check: Option<Check>,
    /// The rows that do not decode and were put aside; `None` when the file has no table for them.
    pub damaged: Option<Damaged>,
    /// The process that owns the file, if one does.
    pub owner: Option<u32>,
    /// Where the file lies.
    pub place: Place,
    /// The file and those beside it, as far as they are there.
    pub modes: Vec<FileMode>,
}

/// What lies at the path of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Missing,
    /// A file without content.
    Empty,
    /// A file that a killed process left half written.
    Unfinished,
    /// A database of this schema.
    Ours(u32),
    /// Something that cannot be used; why, in one line.
    Unusable(String),
}

/// What SQLite says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Nothing is wrong with its pages; how long looking took.
    Sound(Duration),
    /// What is wrong with its pages, the first few.
    Damaged(Vec<String>),
    /// Nothing was wrong with what could be looked at within the time.
    Unfinished,
}

/// Rows that were put aside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Damaged {
    /// How many there are.
    pub rows: u64,
    /// What is wrong with one of them; `None` when there are none.
    pub why: Option<String>,
}

/// The newest schema this version knows.
pub const NEWEST_SCHEMA: u32 = VERSION;

/// Looks at the database at a path. Takes some seconds for a large file.
pub fn examine(path: &Path) -> FileFacts {
    let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    // Before anything is opened, which makes an index beside the file.
    let modes = place::modes(&resolved);
    let state = match open::probe(path) {
        Ok(Found::Missing) => State::Missing,
        Ok(Found::Empty) => State::Empty,
        Ok(Found::Unfinished) => State::Unfinished,
        Ok(Found::Ours(schema)) => State::Ours(schema),
        Err(error) => State::Unusable(in_one_line(&error)),
    };
    let log_bytes = files::log_length(&resolved);
    let mut facts = FileFacts {
        path: path.to_owned(),
        state,
        size_bytes: std::fs::metadata(&resolved).map_or(0, |metadata| metadata.len()),
        log_bytes,
        spare_bytes: 0,
        log_readers: if log_bytes >= LONG_LOG_BYTES { locks::log_readers(&resolved) } else { Vec::new() },
        check: None,
        damaged: None,
        owner: lock::owner(path).map(|owner| owner.pid),
        place: place::of(&resolved),
        modes,
    };
    if let State::Ours(_) = facts.state {
        match open::open_for_reading(&resolved) {
            Ok(connection) => look_inside(&connection, &mut facts, PATIENCE),
            Err(error) => facts.state = State::Unusable(in_one_line(&error)),
        }
    }
    facts
}

fn look_inside(connection: &Connection, facts: &mut FileFacts, patience: Duration) {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).ok();
    let product = number("PRAGMA freelist_count").zip(number("PRAGMA page_size"));
    facts.spare_bytes = product.map_or(0, |(pages, bytes)| u64::try_from(pages.saturating_mul(bytes)).unwrap_or(0));
    facts.damaged = damaged(connection);
    facts.check = Some(check(connection, patience));
}

/// The rows that were put aside; `None` when there is no table for them.
fn damaged(connection: &Connection) -> Option<Damaged> {
    let table = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'damaged'";
    let is_there = connection.query_row(table, [], |row| row.get::<_, i64>(0)).ok()? > 0;
    if !is_there {
        return None;
    }
    let read = "SELECT count(*), max(CAST(why AS TEXT)) FROM damaged";
    let found = connection.query_row(read, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?)));
    let (rows, why) = found.ok()?;
    Some(Damaged { rows: u64::try_from(rows).unwrap_or(0), why })
}

/// Has SQLite look through the file for so long at most.
fn check(connection: &Connection, patience: Duration) -> Check {
    let interrupt = connection.get_interrupt_handle();
    let (done, waiting) = mpsc::channel::<()>();
    let started = Instant::now();
    let found = thread::scope(|scope| {
        scope.spawn(move || {
            if waiting.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                interrupt.interrupt();
            }
        });
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = connection.prepare("PRAGMA quick_check(5)")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        let found = read();
        drop(done);
        found
    });
    match found {
        Ok(lines) if lines == ["ok"] => Check::Sound(started.elapsed()),
        Ok(lines) => Check::Damaged(lines),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Check::Unfinished,
        Err(error) => Check::Damaged(vec![error.to_string()]),
    }
}

fn in_one_line(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::options::Durability;

    #[test]
    fn a_fresh_database_is_sound_and_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        assert_eq!(examine(&path).state, State::Missing);
        open::create_database(&path).expect("created");
        let facts = examine(&path);
        assert_eq!(facts.state, State::Ours(NEWEST_SCHEMA));
        assert!(matches!(facts.check, Some(Check::Sound(_))), "{facts:?}");
        assert!(facts.size_bytes > 0 && facts.modes.iter().all(|file| !file.is_open_to_others()), "{facts:?}");
    }

    #[test]
    fn what_is_no_database_is_said_and_not_touched() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        std::fs::write(&path, "just text, more than a hundred bytes of it".repeat(9)).expect("written");
        let State::Unusable(why) = examine(&path).state else { panic!("it is text") };
        assert!(why.contains("is not a tracehub database"), "{why}");
        std::fs::write(&path, "").expect("written");
        assert_eq!(examine(&path).state, State::Empty);
    }

    #[test]
    fn a_damaged_page_is_named_and_a_look_without_time_is_unfinished_or_done() {
        let folder = tempfile::tempdir().expect("temp dir");
        let path = folder.path().join("t.db");
        open::create_database(&path).expect("created");
        let connection = open::open_for_writing(&path, Durability::Disk).expect("opened");
        connection.execute_batch("CREATE TABLE x(a); INSERT INTO x VALUES (randomblob(900000))").expect("filled");
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("emptied");
        drop(connection);
        let mut bytes = std::fs::read(&path).expect("readable");
        let end = bytes.len();
        bytes.truncate(end - 5 * 16_384);
        std::fs::write(&path, bytes).expect("written");
        match examine(&path) {
            FileFacts { check: Some(Check::Damaged(lines)), .. } => assert!(!lines.is_empty()),
            FileFacts { state: State::Unusable(why), .. } => assert!(!why.is_empty()),
            facts => panic!("{facts:?}"),
        }
    }

    #[test]
    fn rows_put_aside_are_counted_with_a_reason() {
        let connection = Connection::open_in_memory().expect("opened");
        assert_eq!(damaged(&connection), None);
        let sql = "CREATE TABLE damaged(seq, kind, received_ns, payload, why);
                   INSERT INTO damaged VALUES (1, 1, 1, x'00', 'cut short'), (2, 1, 1, x'00', NULL)";
        connection.execute_batch(sql).expect("made");
        assert_eq!(damaged(&connection), Some(Damaged { rows: 2, why: Some("cut short".to_owned()) }));
    }
}
