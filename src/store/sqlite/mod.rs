//! Columns inside a SQLite file: one file, one transaction log, any process may read while one writes.
//!
//! A write goes into the [`inbox`](tables::inbox) and is committed there before it is answered. When enough waits it is
//! sealed into a segment ([`segments`]): sorted by trace, split into columns, each compressed in blocks. The table of
//! [`traces`](tables::traces) holds a summary of each trace's sealed part; adding the inbox's own summaries gives the
//! whole. No record lies in the file twice ([`dedup`](write::dedup)), so nobody who reads has to look for duplicates.
//!
//! Two threads own all changes: the [`writer`](write::writer) commits, [`maintenance`] works out what to seal, merge and
//! remove.

mod backend;
pub mod codec;
mod damage;
pub mod examine;
pub(in crate::store) mod failure;
pub(in crate::store) mod file;
mod foreign;
mod issues;
pub mod lock;
mod maintenance;
mod options;
mod ownership;
mod prepare;
mod read;
mod segments;
mod sql;
mod tables;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use self::damage::DamageLog;
use self::file::{open, schema};
use self::maintenance::{Reply, Task};
use self::ownership::{Ownership, find_place, resolve};
use self::read::readers::Readers;
use self::read::scan::LastSegments;
use crate::store::redact::{Redactor, Rewritten};
use crate::store::{Backend, Error, Info, Mode, Result};

pub use self::options::{Durability, Options, Tuning};

/// How long a question may take that a program asks of a file itself, and nobody else waits for.
const PATIENCE: Duration = Duration::from_secs(300);

/// A store in a SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    info: Info,
    // Closed in this order: the last connection to go, the writer's, empties the log.
    readers: Arc<Readers>,
    owner: Option<Arc<Ownership>>,
    last_segments: Arc<LastSegments>,
    closed: AtomicBool,
}

impl Sqlite {
    /// Opens a file for writing, creating or migrating it, and takes its lock.
    ///
    /// # Errors
    /// See [`super::Error`]; [`super::Error::Locked`] names the process that owns the file.
    pub async fn open_for_writing(path: PathBuf, options: Options) -> Result<Arc<Sqlite>> {
        Sqlite::open_tuned(path, options, Tuning::default()).await
    }

    /// [`Sqlite::open_for_writing`] with sizes of one's own.
    ///
    /// # Errors
    /// See [`Sqlite::open_for_writing`].
    #[doc(hidden)]
    pub async fn open_tuned(path: PathBuf, options: Options, tuning: Tuning) -> Result<Arc<Sqlite>> {
        let open = move || {
            let path = find_place(&path)?;
            let owner = Arc::new(Ownership::take(&path, &options, tuning)?);
            let tasks = Arc::downgrade(&owner);
            let damage = DamageLog::reporting(move |damage| {
                // It may be about to end, and then whoever opens the file next puts the rows aside.
                let _ = tasks.upgrade().map(|owner| owner.ask(Task::PutAside { damage }));
            });
            Ok(Sqlite::new(
                &path,
                Arc::new(Readers::new(path.clone(), None, tuning.question_timeout, damage)),
                Some(owner),
                tuning,
            ))
        };
        tokio::task::spawn_blocking(open).await.map_err(|error| Error::Io(error.into()))?.map(Arc::new)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`Error::Missing`] and every other reason; an empty file is [`Error::NotOurs`].
    pub async fn open_for_reading(path: PathBuf) -> Result<Arc<Sqlite>> {
        let open = move || {
            let first = open::open_for_reading(&path)?;
            let path = resolve(&path)?;
            let readers = Arc::new(Readers::new(path.clone(), Some(first), PATIENCE, DamageLog::default()));
            Ok(Sqlite::new(&path, readers, None, Tuning::default()))
        };
        tokio::task::spawn_blocking(open).await.map_err(|error| Error::Io(error.into()))?.map(Arc::new)
    }

    fn new(path: &Path, readers: Arc<Readers>, owner: Option<Arc<Ownership>>, tuning: Tuning) -> Sqlite {
        let info = Info {
            kind: "a tracehub database",
            location: path.display().to_string(),
            read_only: owner.is_none(),
            schema: Some(schema::VERSION),
        };
        let last_segments = Arc::new(LastSegments::new(tuning));
        Sqlite { info, readers, owner, last_segments, closed: AtomicBool::new(false) }
    }

    /// Tells other processes how to reach this one.
    ///
    /// # Errors
    /// The lock file cannot be written; [`Error::ReadOnly`] for a reader.
    pub fn publish(&self, owner: &lock::Owner) -> Result<()> {
        self.owner()?.publish(owner)
    }

    /// Seals and merges everything that waits.
    ///
    /// # Errors
    /// What waits cannot be stored.
    #[doc(hidden)]
    pub async fn seal_now(&self) -> Result<()> {
        self.ask(|reply| Task::Seal { all: true, reply: Some(reply) }).await
    }

    /// Takes the secrets that `redactor` finds out of everything in the file, and what they were out of its pages.
    ///
    /// # Errors
    /// The store fails; [`Error::Locked`] when others read the file, which still holds pages of before then.
    pub async fn redact(&self, redactor: Redactor) -> Result<Rewritten> {
        self.ask(|reply| Task::Redact { redactor, reply }).await
    }

    fn owner(&self) -> Result<&Arc<Ownership>> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        self.owner.as_ref().ok_or(Error::ReadOnly)
    }

    /// Has errors counted that were stored before, so that whoever asks about issues sees what was acknowledged.
    async fn count_errors(&self) {
        if let Some(owner) = self.owner.as_ref().filter(|owner| owner.has_uncounted()) {
            // Every change does. When they cannot be counted now, what is known is still worth reading.
            let _ = owner.queue.decide(|_| Ok(())).await;
        }
    }

    /// Has the thread that seals, merges and removes do something, and waits for its answer.
    async fn ask<T>(&self, task: impl FnOnce(Reply<T>) -> Task) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.owner()?.ask(task(reply))?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.readers.close();
        if let Some(owner) = &self.owner {
            owner.end();
        }
    }
}

/// Opens a file.
///
/// # Errors
/// See [`super::Error`].
pub async fn open(path: PathBuf, mode: Mode) -> Result<Arc<dyn Backend>> {
    match mode {
        Mode::Read => Ok(Sqlite::open_for_reading(path).await?),
        Mode::Write => Ok(Sqlite::open_for_writing(path, Options::default()).await?),
    }
}
