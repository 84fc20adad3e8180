//! The tables of the file: how older ones are brought up to date, and which of them a file has.
//!
//! Steps that were released are never edited; a file that is not ours or is newer is refused with its bytes untouched.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::super::failure;
use crate::store::{Error, Result};

/// "TRHB": marks a SQLite file as ours.
pub(in crate::store) const APPLICATION_ID: i64 = 0x5452_4842;
/// The newest schema this version reads and the one it writes.
pub const VERSION: u32 = MIGRATIONS.len() as u32;
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

fn is_at_least(connection: &Connection, version: i64) -> Result<bool> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))? >= version)
}
