//! Columns inside a SQLite file: one file, one transaction log, any process may read while one writes.
//!
//! A write goes into the [`inbox`](tables::inbox) and is committed there before it is answered. When enough waits it is
//! sealed into a segment ([`segments`]): sorted by trace, split into columns, each compressed in blocks. The table of
//! [`traces`](tables::traces) holds a summary of each trace's sealed part; adding the inbox's own summaries gives the
//! whole. No record lies in the file twice ([`dedup`](write::dedup)), so nobody who reads has to look for duplicates.
//!
//! Two threads own all changes: the [`writer`](write::writer) commits, [`maintenance`] works out what to seal, merge and
//! remove.

pub mod codec;
pub(in crate::store) mod failure;
pub(in crate::store) mod file;
mod issues;
pub mod lock;
mod maintenance;
mod options;
mod ownership;
mod prepare;
mod read;
mod segments;
mod tables;
#[cfg(test)]
mod tests;
mod write;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use crate::{
    model::{
        Batch, Cursor, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, Key, LogPage, LogQuery, Nanos, Page,
        RecordFilter, Removed, Retention, Stats, StatsQuery, Text, Trace, TraceId, TraceQuery, TraceSummary, Written,
    },
    store::{
        Backend, Chunk, Error, Info, Mode, Result, place_by_scanning,
        sqlite::{
            file::{open, schema},
            maintenance::{Task, removal},
            ownership::{Ownership, make_file, resolve},
            prepare::{SMALL_BATCH, prepare, work},
            read::{
                list, logs,
                readers::{self, Readers},
                scan::{self, LastSegments},
                stats,
            },
            tables::api_keys,
        },
    },
};

pub use self::options::{Durability, Options, Tuning};
/// Longest wait for a commit before looking whether the store is still open.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How often a waiting scan looks for new records when another process writes them.
const POLL: Duration = Duration::from_millis(50);
/// How often at most a waiting scan looks for new records when this process writes them, as long as nothing it finds is
/// what its filter names.
const PACE: Duration = Duration::from_millis(10);

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
            let path = make_file(&path)?;
            let owner = Arc::new(Ownership::take(&path, &options, tuning)?);
            Ok(Sqlite::new(&path, Arc::new(Readers::new(path.clone(), None)), Some(owner), tuning))
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
            let readers = Arc::new(Readers::new(path.clone(), Some(first)));
            Ok(Sqlite::new(&path, readers, None, Tuning::default()))
        };
        tokio::task::spawn_blocking(open).await.map_err(|error| Error::Io(error.into()))?.map(Arc::new)
    }

    fn new(path: &Path, readers: Arc<Readers>, owner: Option<Arc<Ownership>>, tuning: Tuning) -> Sqlite {
        let info = Info {
            kind: "sqlite",
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
        let (reply, answer) = oneshot::channel();
        self.ask(Task::Seal { all: true, reply: Some(reply) })?;
        answer.await.map_err(|_| Error::Closed)?
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

    fn ask(&self, task: Task) -> Result<()> {
        self.owner()?.ask(task)
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

/// Returns after a commit of this process, or when another process may have made one, or at the deadline.
async fn wait_for_commit(committed: Option<&mut watch::Receiver<i64>>, deadline: Option<Instant>) {
    let Some(committed) = committed else {
        let next_look = Instant::now() + POLL;
        return tokio::time::sleep_until(deadline.map_or(next_look, |deadline| deadline.min(next_look))).await;
    };
    let deadline = deadline.unwrap_or_else(|| Instant::now() + LONGEST_WAIT);
    // The writer ends when the store is closed, which the next look finds out.
    if let Ok(Err(_)) = tokio::time::timeout_at(deadline, committed.changed()).await {
        tokio::time::sleep(POLL).await;
    }
}

#[async_trait]
impl Backend for Sqlite {
    fn info(&self) -> &Info {
        &self.info
    }

    async fn write(&self, batch: Batch) -> Result<Written> {
        let owner = self.owner()?;
        if batch.is_empty() {
            return Ok(Written::default());
        }
        let (parts, duplicates) = if work(&batch) > SMALL_BATCH {
            tokio::task::spawn_blocking(move || prepare(batch)).await.map_err(|error| Error::Io(error.into()))?
        } else {
            prepare(batch)
        };
        owner.queue.write(parts, duplicates).await
    }

    async fn scan(&self, filter: &RecordFilter, after: Option<&Cursor>, max: usize, wait: Duration) -> Result<Chunk> {
        let deadline = Instant::now().checked_add(wait);
        let mut after = after.cloned();
        let mut committed = self.owner.as_ref().map(|owner| owner.committed.clone());
        loop {
            let next_look = Instant::now() + PACE;
            if let Some(committed) = &mut committed {
                committed.mark_unchanged();
            }
            let (filter, from, last_segments) = (filter.clone(), after.clone(), Arc::clone(&self.last_segments));
            let read = move |connection: &_| scan::scan(connection, &filter, from.as_ref(), max, &last_segments);
            let chunk = self.readers.run(read).await?;
            let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if !chunk.batch.is_empty() || !chunk.at_end || chunk.missed > 0 || is_late {
                return Ok(chunk);
            }
            after = Some(chunk.next);
            wait_for_commit(committed.as_mut(), deadline).await;
            tokio::time::sleep_until(next_look).await;
        }
    }

    async fn cursor_at(&self, received: Nanos) -> Result<Cursor> {
        self.readers.run(move |connection| scan::cursor_at(connection, received)).await
    }

    async fn place(&self, filter: &RecordFilter, records: usize) -> Result<Option<Cursor>> {
        if records > 0 && (filter.trace.is_some() || filter.ended_before.is_some()) {
            return place_by_scanning(self, filter, records).await;
        }
        let kind = filter.kind;
        self.readers.run(move |connection| scan::place(connection, kind, records).map(Some)).await
    }

    async fn traces(&self, query: &TraceQuery) -> Result<Page<TraceSummary>> {
        let query = query.clone();
        self.readers.run(move |connection| list::list(connection, &query)).await
    }

    async fn trace(&self, id: &TraceId) -> Result<Option<Trace>> {
        let id = id.clone();
        self.readers.run(move |connection| readers::trace(connection, &id)).await
    }

    async fn logs(&self, query: &LogQuery) -> Result<LogPage> {
        let query = query.clone();
        self.readers.run(move |connection| logs::logs(connection, &query)).await
    }

    async fn issues(&self, query: &IssueQuery) -> Result<Page<Issue>> {
        let query = query.clone();
        self.count_errors().await;
        self.readers.run(move |connection| issues::list(connection, &query)).await
    }

    async fn issue(&self, id: &IssueId) -> Result<Option<IssueDetail>> {
        let id = *id;
        self.count_errors().await;
        self.readers.run(move |connection| issues::detail(connection, &id)).await
    }

    async fn set_issue(&self, id: &IssueId, change: IssueChange) -> Result<Option<Issue>> {
        let id = *id;
        self.owner()?.queue.decide(move |transaction| issues::set(transaction, &id, change, Nanos::now())).await
    }

    async fn keys(&self) -> Result<Vec<Key>> {
        self.readers.run(api_keys::list).await
    }

    async fn add_key(&self, key: Key) -> Result<()> {
        let queue = self.owner()?.queue.clone();
        api_keys::change(queue, move |transaction| api_keys::add(transaction, &key)).await
    }

    async fn revoke_key(&self, id: &str) -> Result<Option<Key>> {
        let (queue, id, now) = (self.owner()?.queue.clone(), id.to_owned(), Nanos::now());
        api_keys::change(queue, move |transaction| api_keys::revoke(transaction, &id, now)).await
    }

    async fn touch_keys(&self, used: &[(Text, Nanos)]) -> Result<()> {
        let (queue, used) = (self.owner()?.queue.clone(), used.to_vec());
        api_keys::change(queue, move |transaction| api_keys::touch(transaction, &used)).await
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        let (query, location) = (query.clone(), self.info.location.clone());
        self.count_errors().await;
        self.readers.run(move |connection| stats::stats(connection, &query, location)).await
    }

    async fn delete(&self, filter: &RecordFilter, dry_run: bool) -> Result<Removed> {
        if dry_run {
            let filter = filter.clone();
            self.count_errors().await;
            return self.readers.run(move |connection| removal::count(connection, &filter)).await;
        }
        let (reply, answer) = oneshot::channel();
        self.ask(Task::Delete { filter: filter.clone(), reply })?;
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn prune(&self, keep: &Retention, budget: usize) -> Result<Removed> {
        let (reply, answer) = oneshot::channel();
        self.ask(Task::Prune { keep: *keep, budget, reply })?;
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.readers.close();
        if let Some(owner) = self.owner.clone() {
            let end = tokio::task::spawn_blocking(move || owner.end());
            end.await.map_err(|error| Error::Io(error.into()))?;
        }
        Ok(())
    }
}
