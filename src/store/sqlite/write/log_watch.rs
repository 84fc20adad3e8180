//! How long the log of the database is, and what to do about readers that keep it from being emptied: say who they are,
//! and in the end take no more records, before the log fills the disk.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::store::sqlite::file::files::log_length;
use crate::store::sqlite::file::log_holders::name_log_holders;
use crate::store::{Error, Result};

/// From this length on a log that cannot be emptied is told of.
const WORTH_TELLING_BYTES: u64 = 256 << 20;
/// A log that cannot be emptied is told of this often at most.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// What is known of the log.
#[derive(Debug)]
pub struct LogWatch {
    path: PathBuf,
    most_bytes: u64,
    /// When emptying the log failed last, because someone reads an old state; `None` when it did not.
    held: Option<Instant>,
    told: Option<Instant>,
}

impl LogWatch {
    /// A watch over the log of the database at `path`, which may become so long.
    pub fn new(path: PathBuf, most_bytes: u64) -> LogWatch {
        LogWatch { path, most_bytes, held: None, told: None }
    }

    /// Notes that the log was emptied, or that it could not be because someone reads an old state.
    pub fn tried(&mut self, is_emptied: bool) {
        self.held = (!is_emptied).then(Instant::now);
        if is_emptied || log_length(&self.path) < WORTH_TELLING_BYTES.min(self.most_bytes) {
            return;
        }
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.told = Some(Instant::now());
            let mebibytes = log_length(&self.path) >> 20;
            let holders = name_log_holders(&self.path);
            tracing::warn!("the log of the database is {mebibytes} MiB long and cannot be emptied: {holders}");
        }
    }

    /// How long ago emptying the log failed; `None` when it did not.
    pub fn held_for(&self) -> Option<Duration> {
        self.held.map(|held| held.elapsed())
    }

    /// Whether the log is as long as it may become.
    pub fn is_full(&self) -> bool {
        self.held.is_some() && log_length(&self.path) >= self.most_bytes
    }

    /// The error that says why no more records are taken.
    ///
    /// # Errors
    /// [`Error::LogHeld`] when the log is as long as it may become.
    pub fn require_room(&self) -> Result<()> {
        match self.is_full() {
            true => Err(Error::LogHeld(name_log_holders(&self.path))),
            false => Ok(()),
        }
    }
}
