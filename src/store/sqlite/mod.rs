//! Columns inside a SQLite file: one file, one transaction log, any process may read while one writes.
//!
//! A write goes into the [`inbox`] and is committed there before it is answered. When enough waits it is sealed into a
//! segment ([`segments`]): sorted by trace, split into columns, each compressed in blocks. The table of [`traces`]
//! holds a summary of each trace's sealed part; adding the inbox's own summaries gives the whole. No record lies in
//! the file twice ([`seen`]), so nobody who reads has to look for duplicates.
//!
//! Two threads own all changes: the [`writer`] commits, the [`keeper`] works out what to seal, merge and remove.

mod api_keys;
mod arrivals;
mod backend;
pub mod codec;
mod columns;
mod commit;
pub(super) mod failure;
mod file_id;
mod foreign;
mod inbox;
mod issues;
mod keeper;
mod keys;
mod list;
pub mod lock;
mod logs;
mod queue;
mod reader;
mod removal;
mod scan;
pub(super) mod schema;
mod seen;
mod segments;
mod stats;
#[cfg(test)]
mod tests;
mod totals;
mod traces;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustc_hash::FxHashSet;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use self::{
    issues::Errors,
    keeper::{Chore, Keeper},
    lock::Lock,
    queue::{Part, Queue},
    reader::Readers,
    schema::Found,
    writer::Writer,
};
use super::{Backend, Error, Info, MOST_CHUNK_BYTES, Mode, Result};
use crate::model::{Batch, Record, RecordKind};

/// Batches that are more work than this many plain records are made ready off the async threads.
const SMALL_BATCH: usize = 1_000;
/// An error is as much work as this many plain records: its message and its stack trace are read.
const ERROR_WORK: usize = 20;
/// Longest wait for a commit before looking whether the store is still open.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How often a waiting scan looks for new records when another process writes them.
const POLL: Duration = Duration::from_millis(50);
/// How often at most it looks when this process does, as long as nothing it finds is what its filter names.
const PACE: Duration = Duration::from_millis(10);

/// How durable an acknowledged write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// On disk: survives power loss.
    #[default]
    Disk,
    /// With the operating system: survives a crash of this process only.
    Os,
}

/// Settings of a store opened for writing.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How durable an acknowledged write is.
    pub durability: Durability,
    /// How long records are kept; written into the file so that readers can say it. `None` leaves what is there.
    pub retention: Option<Duration>,
}

/// Sizes that tests make small; everyone else takes the default.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// Records sealed at once.
    pub seal_records: usize,
    /// Age at which fewer are sealed.
    pub seal_age: Duration,
    /// Unsealed records above which writes wait.
    pub most_unsealed: usize,
    /// Bytes of writes that may wait.
    pub queue_bytes: usize,
    /// Pages the file may grow to.
    pub most_pages: Option<u32>,
    /// Bytes of records a chunk of a scan ends at.
    pub chunk_bytes: usize,
    /// Bytes of records up to which a scan decodes a segment as a whole.
    pub decoded_bytes: usize,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            seal_records: 16_384,
            seal_age: Duration::from_secs(60),
            most_unsealed: 8 * 16_384,
            queue_bytes: 64 << 20,
            most_pages: None,
            chunk_bytes: MOST_CHUNK_BYTES,
            decoded_bytes: 32 << 20,
        }
    }
}

/// A SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    info: Info,
    // Closed in this order: the last connection to go, the writer's, empties the log.
    readers: Arc<Readers>,
    owner: Option<Arc<Ownership>>,
    last_segments: Arc<scan::LastSegments>,
    closed: AtomicBool,
}

/// What only the process that writes has.
#[derive(Debug)]
struct Ownership {
    queue: Queue,
    chores: mpsc::Sender<Chore>,
    committed: watch::Receiver<i64>,
    /// Whether errors were stored that are not counted yet.
    has_uncounted: Arc<AtomicBool>,
    threads: Mutex<Option<Threads>>,
    lock: Mutex<Option<Lock>>,
}

#[derive(Debug)]
struct Threads {
    keeper: JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl Ownership {
    /// Ends both threads, after what they have been given, and lets go of the lock.
    fn end(&self) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Threads { keeper, writer }) = threads {
            // The keeper first: it needs the writer to finish its last chore. A thread that panicked has ended.
            let _ = self.chores.send(Chore::Stop);
            let _ = keeper.join();
            self.queue.stop();
            let _ = writer.join();
        }
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
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
    /// The same.
    #[doc(hidden)]
    pub async fn open_tuned(path: PathBuf, options: Options, tuning: Tuning) -> Result<Arc<Sqlite>> {
        let open = move || own(&path, &options, tuning);
        tokio::task::spawn_blocking(open).await.map_err(|error| Error::Io(error.into()))?.map(Arc::new)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`Error::Missing`] and every other reason; an empty file is [`Error::NotOurs`].
    pub async fn open_for_reading(path: PathBuf) -> Result<Arc<Sqlite>> {
        let open = move || {
            let first = schema::open_for_reading(&path)?;
            let path = canonical(&path)?;
            let readers = Arc::new(Readers::new(path.clone(), Some(first)));
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
        let last_segments = Arc::new(scan::LastSegments::new(tuning));
        Sqlite { info, readers, owner, last_segments, closed: AtomicBool::new(false) }
    }

    /// Tells other processes how to reach this one.
    ///
    /// # Errors
    /// The lock file cannot be written; [`Error::ReadOnly`] for a reader.
    pub fn publish(&self, owner: &lock::Owner) -> Result<()> {
        let lock = self.owner()?.lock.lock().unwrap_or_else(PoisonError::into_inner);
        lock.as_ref().ok_or(Error::Closed)?.publish(owner)
    }

    /// Seals and merges everything that waits.
    ///
    /// # Errors
    /// It cannot be stored.
    #[doc(hidden)]
    pub async fn seal_now(&self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.ask(Chore::Seal { all: true, reply: Some(reply) })?;
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
        if let Some(owner) = self.owner.as_ref().filter(|owner| owner.has_uncounted.load(Ordering::Acquire)) {
            // Every change does. When they cannot be counted now, what is known is still worth reading.
            let _ = owner.queue.decide(|_| Ok(())).await;
        }
    }

    fn ask(&self, chore: Chore) -> Result<()> {
        self.owner()?.chores.send(chore).map_err(|_| Error::Closed)
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

fn own(path: &Path, options: &Options, tuning: Tuning) -> Result<Sqlite> {
    schema::check_library()?;
    // Before anything is created: a file that is not ours stays as it is and gets no lock beside it.
    if schema::probe(path)? == Found::Missing {
        schema::create(path)?;
    }
    let path = canonical(path)?;
    let lock = Lock::take(&path)?;
    let connection = schema::open_for_writing(&path, options.durability)?;
    schema::name_database(&connection)?;
    if let Some(retention) = options.retention {
        schema::set_retention(&connection, retention)?;
    }
    let view = schema::open_for_reading(&path)?;
    let (queue, messages) = Queue::new(tuning.queue_bytes);
    let (chores, chores_to_do) = mpsc::channel();
    let seal_asked = Arc::new(AtomicBool::new(false));
    let settings = (options.durability, tuning);
    let (committed, commits) = watch::channel(0);
    let to_keeper = (chores.clone(), Arc::clone(&seal_asked));
    let has_uncounted = Arc::new(AtomicBool::new(false));
    let told = (committed, Arc::clone(&has_uncounted));
    let writer = Writer::new(path.clone(), connection, settings, to_keeper, told)?;
    let keeper = Keeper::new(view, queue.clone(), tuning, seal_asked);
    let threads = Threads {
        keeper: spawn("tracehub-keeper", move || keeper.run(&chores_to_do))?,
        writer: spawn("tracehub-writer", move || writer.run(&messages))?,
    };
    let (threads, lock) = (Mutex::new(Some(threads)), Mutex::new(Some(lock)));
    let owner = Ownership { queue, chores, committed: commits, has_uncounted, threads, lock };
    Ok(Sqlite::new(&path, Arc::new(Readers::new(path.clone(), None)), Some(Arc::new(owner)), tuning))
}

fn canonical(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|source| Error::Open { path: path.to_owned(), source })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| Error::Io(error.into()))
}

/// How much work it is to make a batch ready, in plain records.
fn work(batch: &Batch) -> usize {
    let errors = batch.logs.iter().filter(|log| log.is_error()).count();
    let events: usize = batch.spans.iter().map(|span| span.events.len()).sum();
    batch.len() + (errors + events) * ERROR_WORK
}

/// Encodes a batch and groups its errors, a part for each kind, and says how many of its records repeat others of it.
fn prepare(batch: Batch) -> (Vec<Part>, u64) {
    let parts = [
        batch.spans.into_iter().map(Record::Span).collect::<Vec<_>>(),
        batch.checkpoints.into_iter().map(Record::Checkpoint).collect(),
        batch.logs.into_iter().map(Record::Log).collect(),
    ];
    let (mut prepared, mut duplicates) = (Vec::new(), 0);
    for (kind, records) in RecordKind::ALL.into_iter().zip(parts) {
        if !records.is_empty() {
            let (part, repeated) = prepare_kind(kind, records);
            prepared.push(part);
            duplicates += repeated;
        }
    }
    (prepared, duplicates)
}

fn prepare_kind(kind: RecordKind, mut records: Vec<Record>) -> (Part, u64) {
    let prepared = codec::prepare(kind, &records);
    let mut distinct = FxHashSet::with_capacity_and_hasher(records.len(), Default::default());
    if prepared.identities.iter().all(|record| distinct.insert(*record)) {
        let errors = Errors::of(&records);
        return (Part { records: prepared, errors }, 0);
    }
    let before = records.len();
    distinct.clear();
    let mut identities = prepared.identities.iter();
    records.retain(|_| identities.next().is_none_or(|record| distinct.insert(*record)));
    let repeated = (before - records.len()) as u64;
    (Part { records: codec::prepare(kind, &records), errors: Errors::of(&records) }, repeated)
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
