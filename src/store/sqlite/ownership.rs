//! What only the process that writes has: the lock beside the file, and the two threads that change it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::watch;

use super::file::room::{Room, is_about_room};
use super::file::schema::Found;
use super::file::{disk, files, meta, open};
use super::lock::{Lock, Owner};
use super::maintenance::{self, Maintenance, Task};
use super::options::{Options, Tuning};
use super::tables::traces;
use super::write::write_queue::Queue;
use super::write::writer::{Links, Writer};
use crate::store::{Error, Result};

/// The right to change a file, and the way to the threads that do.
#[derive(Debug)]
pub(super) struct Ownership {
    /// The way to the thread that writes.
    pub queue: Queue,
    /// The number of the last write that is committed.
    pub committed: watch::Receiver<i64>,
    tasks: mpsc::Sender<Task>,
    has_uncounted: Arc<AtomicBool>,
    damaged_rows: Arc<AtomicU64>,
    threads: Mutex<Option<Threads>>,
    lock: Mutex<Option<Lock>>,
}

#[derive(Debug)]
struct Threads {
    maintenance: JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl Ownership {
    /// Takes the lock of a file, which is created or migrated first, and starts the threads.
    ///
    /// # Errors
    /// [`Error::Locked`] names the process that owns the file; see [`Error`] for the rest.
    pub(super) fn take(path: &Path, options: &Options, tuning: Tuning) -> Result<Ownership> {
        check_folder(path, options)?;
        let room = Arc::new(Room::new(path, tuning.find_space));
        let lock = room.with_reserve(|| Lock::take(path))?;
        if room.with_reserve(|| open::probe(path))? == Found::Missing {
            open::create_database(path)?;
        }
        let lock = lock.with_database(path)?;
        let connection = room.with_reserve(|| open::open_for_writing(path, options.durability))?;
        meta::mend(&connection)?;
        traces::mend_totals(&connection)?;
        name_and_keep(&connection, options)?;
        let view = room.with_reserve(|| open::open_for_reading(path))?;
        if options.keeps_reserve {
            room.keep_reserve();
        }
        let (queue, messages) = Queue::new(tuning.queue_bytes);
        let (tasks, tasks_to_do) = mpsc::channel();
        let (committed, commits) = watch::channel(0);
        let damaged_rows = Arc::<AtomicU64>::default();
        let links = Links {
            tasks: tasks.clone(),
            seal_asked: Arc::default(),
            committed,
            has_uncounted: Arc::default(),
            room: Arc::clone(&room),
            damaged_rows: Arc::clone(&damaged_rows),
        };
        let (seal_asked, has_uncounted) = (Arc::clone(&links.seal_asked), Arc::clone(&links.has_uncounted));
        let writer = Writer::new(path.to_owned(), connection, options.durability, tuning, links)?;
        let links = maintenance::Links { queue: queue.clone(), seal_asked, room, keeps_reserve: options.keeps_reserve };
        let maintenance = Maintenance::new(view, tuning, links);
        let threads = Threads {
            maintenance: spawn("tracehub-keeper", move || maintenance.run(&tasks_to_do))?,
            writer: spawn("tracehub-writer", move || writer.run(&messages))?,
        };
        let (threads, lock) = (Mutex::new(Some(threads)), Mutex::new(Some(lock)));
        Ok(Ownership { queue, committed: commits, tasks, has_uncounted, damaged_rows, threads, lock })
    }

    /// Tells other processes how to reach this one.
    ///
    /// # Errors
    /// The lock file cannot be written; [`Error::Closed`] when the lock is given up.
    pub(super) fn publish(&self, owner: &Owner) -> Result<()> {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        lock.as_ref().ok_or(Error::Closed)?.publish(owner)
    }

    /// Hands something to the thread that seals, merges and removes.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub(super) fn ask(&self, task: Task) -> Result<()> {
        self.tasks.send(task).map_err(|_| Error::Closed)
    }

    /// Whether errors were stored that are not counted yet.
    pub(super) fn has_uncounted(&self) -> bool {
        self.has_uncounted.load(Ordering::Acquire)
    }

    /// How many rows and segments are known to be damaged.
    pub(super) fn damaged_rows(&self) -> u64 {
        self.damaged_rows.load(Ordering::Relaxed)
    }

    /// Ends both threads, after what they have been given, and lets go of the lock.
    pub(super) fn end(&self) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Threads { maintenance, writer }) = threads {
            // The maintenance first: it needs the writer to finish its last task. A thread that panicked has ended.
            let _ = self.tasks.send(Task::Stop);
            let _ = maintenance.join();
            self.queue.stop();
            let _ = writer.join();
        }
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Refuses to write where others can destroy the file.
fn check_folder(path: &Path, options: &Options) -> Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    if disk::is_open_to_all(folder) {
        return Err(Error::OpenFolder(folder.to_owned()));
    }
    match disk::network_file_system(folder) {
        Some(kind) if !options.allows_network_fs => Err(Error::NetworkDisk { path: path.to_owned(), kind }),
        Some(kind) => {
            tracing::warn!("the database lies on a network file system ({kind}); no other machine may open it");
            Ok(())
        }
        None => Ok(()),
    }
}

/// Gives the database an id, and notes in it how long it keeps records; on a full disk it goes on without.
fn name_and_keep(connection: &Connection, options: &Options) -> Result<()> {
    let named = meta::name_database(connection).and_then(|()| match options.retention {
        Some(retention) => meta::set_retention(connection, retention),
        None => Ok(()),
    });
    match named {
        Err(error) if is_about_room(&error) => {
            tracing::warn!(%error, "the retention could not be noted in the database");
            Ok(())
        }
        named => named,
    }
}

/// The absolute path of a file that is ours or not there yet; its folder is made.
///
/// # Errors
/// See [`Error`]; a file that is not ours stays as it is and gets no lock beside it.
pub(super) fn find_place(path: &Path) -> Result<PathBuf> {
    open::check_library()?;
    match (open::probe(path)?, path.file_name()) {
        (Found::Missing, Some(name)) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            files::create_folder(folder)?;
            Ok(resolve(folder)?.join(name))
        }
        _ => resolve(path),
    }
}

/// The absolute path of a file that is there.
///
/// # Errors
/// [`Error::Open`].
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|source| Error::Open { path: path.to_owned(), source })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| Error::Io(error.into()))
}
