//! Errors that were stored but not counted yet.
//!
//! Counting touches rows all over the tables of issues, which under load would cost each commit more than its records.
//! So it takes no more than one part in [`SHARE`] of the time: the first errors after a rest are counted in the commit
//! that stores them, those that come on their heels together with later ones, at most [`LATEST`] after.
//!
//! The inbox is the ledger: `uncounted_from` in `meta` is the first write whose errors are not counted. It is noted in
//! the transaction that stores that write and goes in the one that counts it, and no write leaves the inbox for a
//! segment before. So whatever ends the process, each error is counted once: what is noted is grouped again when the
//! file is opened. Without the entry, as in files of older versions, all are counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::issues::{self, Errors};
use crate::store::sqlite::issues::rows::Rows;
use crate::store::sqlite::sql;
use crate::store::sqlite::tables::inbox;
use crate::store::{Error, Result};

/// Counting takes this part of the time, unless errors would be counted later than [`LATEST`].
const SHARE: u32 = 20;
/// Longest time from a commit until its errors are counted.
const LATEST: Duration = Duration::from_millis(250);
/// After a failure nothing is counted of its own accord for this long.
const PAUSE: Duration = Duration::from_secs(1);
/// Errors of more bytes are not held in memory: a write that would add some fails if those that wait cannot be counted.
const MOST_BYTES: usize = 32 << 20;

/// The errors that wait, and when they are due.
#[derive(Debug, Default)]
pub(in crate::store::sqlite) struct Uncounted {
    /// The errors of each write, and when that write was received, unix nanoseconds.
    writes: Vec<(Errors, u64)>,
    /// Whether the file says that errors wait, which may have been removed since.
    is_noted: bool,
    bytes: usize,
    /// When errors may be counted next; `None` for at once.
    due: Option<Instant>,
    /// Whether errors wait, for others to see.
    is_any: Arc<AtomicBool>,
}

impl Uncounted {
    /// No errors yet, and a flag that says from then on whether some wait.
    pub(in crate::store::sqlite) fn new(is_any: Arc<AtomicBool>) -> Uncounted {
        Uncounted { is_any, ..Uncounted::default() }
    }

    /// Reads anew what the file says is not counted.
    ///
    /// # Errors
    /// The store fails.
    pub(in crate::store::sqlite) fn read(&mut self, connection: &Connection) -> Result<()> {
        let first = first_uncounted(connection)?;
        self.set(first.is_some());
        if let Some(first) = first {
            inbox::each_row(connection, first - 1, |row| {
                self.add(Errors::find(&row.records), row.received_ns);
            })?;
        }
        Ok(())
    }

    /// Adds the errors of a write that was stored without counting them.
    pub(in crate::store::sqlite) fn add(&mut self, errors: Errors, received_ns: u64) {
        if !errors.events.is_empty() {
            self.bytes += errors.memory_bytes();
            self.writes.push((errors, received_ns));
            self.is_noted = true;
            self.is_any.store(true, Ordering::Release);
        }
    }

    /// Forgets the errors held in memory; `is_noted` is whether the file says that errors wait.
    fn set(&mut self, is_noted: bool) {
        (self.writes, self.bytes, self.is_noted) = (Vec::new(), 0, is_noted);
        self.is_any.store(is_noted, Ordering::Release);
    }

    /// Whether no errors wait.
    pub(in crate::store::sqlite) fn is_empty(&self) -> bool {
        !self.is_noted
    }

    /// Whether as many errors wait as may be held in memory.
    pub(in crate::store::sqlite) fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
    }

    /// How long until the errors that wait should be counted; `None` when none wait.
    pub(in crate::store::sqlite) fn due_in(&self) -> Option<Duration> {
        (!self.is_empty()).then(|| self.due.map_or(Duration::ZERO, |due| due.saturating_duration_since(Instant::now())))
    }

    /// Whether errors that come now should be counted with their commit.
    pub(in crate::store::sqlite) fn is_due(&self) -> bool {
        self.due.is_none_or(|due| due <= Instant::now())
    }

    /// Counts the errors that wait, and those of writes this transaction stores; how long that took.
    ///
    /// # Errors
    /// The store fails.
    pub(in crate::store::sqlite) fn count<'a>(
        &'a self,
        transaction: &Connection,
        more: impl Iterator<Item = (&'a Errors, u64)>,
    ) -> Result<Duration> {
        let start = Instant::now();
        let waiting = self.writes.iter().map(|(errors, received_ns)| (errors, *received_ns));
        issues::count(&Rows(transaction), waiting.chain(more))?;
        if !self.is_empty() {
            sql::run(transaction, "DELETE FROM meta WHERE key = 'uncounted_from'", [])?;
        }
        Ok(start.elapsed())
    }

    /// Notes that the transaction which counted the errors, in so much time, is committed.
    pub(in crate::store::sqlite) fn counted(&mut self, took: Duration) {
        self.set(false);
        self.due = Some(Instant::now() + (took * SHARE).min(LATEST));
    }

    /// Notes that errors could not be counted.
    pub(in crate::store::sqlite) fn failed(&mut self, error: &Error) {
        tracing::warn!(%error, "errors could not be counted; they are counted later");
        self.due = Some(Instant::now() + PAUSE);
    }

    /// Notes in the file that a write which this transaction stores is not counted.
    ///
    /// # Errors
    /// The store fails.
    pub(in crate::store::sqlite) fn note(&self, transaction: &Connection, seq: i64) -> Result<()> {
        if self.is_empty() {
            let sql = "INSERT OR IGNORE INTO meta(key, value) VALUES ('uncounted_from', ?1)";
            sql::run(transaction, sql, [seq])?;
        }
        Ok(())
    }
}

/// The first write whose errors are not counted; `None` when all are.
fn first_uncounted(connection: &Connection) -> Result<Option<i64>> {
    sql::find(connection, "SELECT value FROM meta WHERE key = 'uncounted_from'", [])
}

/// Refuses to go on while an error of a write up to `last` is not counted: its records must stay in the inbox.
///
/// # Errors
/// [`Error::Busy`] when there is one, and what the store says.
pub(in crate::store::sqlite) fn require_counted(connection: &Connection, last: i64) -> Result<()> {
    match first_uncounted(connection)? {
        Some(first) if first <= last => Err(Error::Busy),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
