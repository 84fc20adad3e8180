//! Maintenance, the second thread: it seals the inbox into segments, merges small segments, removes what is asked for.
//!
//! It works out changes from its own read-only view while commits go on, and hands them to the writer as single
//! transactions. Only this thread ever takes records out of the inbox or touches segments, one task at a time, so
//! what it read still holds when its change is applied; meanwhile the inbox can only grow at its end.

mod mending;
mod merging;
pub mod removal;
mod rewriting;
pub mod sealing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction};
use tokio::sync::oneshot;

use super::damage::Damage;
use super::file::open::PAGE_BYTES;
use super::file::room::{Room, is_about_room};
use super::options::Tuning;
use super::sql;
use super::tables::from_column;
use super::write::write_queue::{Forget, Queue};
use crate::model::{RecordFilter, Removed, Retention};
use crate::store::Result;
use crate::store::redact::{Redactor, Rewritten};

/// After a failure nothing is tried again on its own for this long.
const PAUSE: Duration = Duration::from_secs(1);
/// Pages given back to the system per transaction.
const PAGES_PER_STEP: u64 = 512;
/// Pages given back to the system per transaction on a full disk.
const LEAST_PAGES_PER_STEP: u64 = 4;
/// After retention, and when few records come, pages nobody uses are given back when they are one in so many.
const WORTH_GIVING_BACK: u64 = 8;

/// Takes what became of a task.
pub type Reply<T> = oneshot::Sender<Result<T>>;

/// What the thread is asked to do.
pub enum Task {
    /// Seal the inbox: as long as a segment's worth waits, or all of it.
    Seal {
        /// Whether to seal also what is less than a segment's worth.
        all: bool,
        /// Told when it is done.
        reply: Option<Reply<()>>,
    },
    /// Remove what a filter names.
    Delete {
        /// What the records have in common.
        filter: RecordFilter,
        /// Told what was removed.
        reply: Reply<Removed>,
    },
    /// Remove what is past its retention.
    Prune {
        /// What to keep.
        keep: Retention,
        /// About how many records at most.
        budget: usize,
        /// Told what was removed.
        reply: Reply<Removed>,
    },
    /// Put aside what readers found damaged.
    PutAside {
        /// The damaged parts, and what is wrong with each.
        damage: Damage,
    },
    /// Seal what waits and give free pages back, because the disk is nearly full.
    MakeRoom,
    /// Take secrets out of everything.
    Redact {
        /// What says what a secret is.
        redactor: Redactor,
        /// Told what was found.
        reply: Reply<Rewritten>,
    },
    /// End the thread.
    Stop,
}

/// The state of the thread that seals, merges and removes.
pub struct Maintenance {
    /// The thread's view of the file.
    connection: Connection,
    /// The way to the writer.
    queue: Queue,
    tuning: Tuning,
    seal_asked: Arc<AtomicBool>,
    room: Arc<Room>,
    keeps_reserve: bool,
    failed_at: Option<Instant>,
}

/// What ties the thread to the rest of its process.
pub struct Links {
    /// The way to the writer.
    pub queue: Queue,
    /// Whether sealing was asked for and has not begun.
    pub seal_asked: Arc<AtomicBool>,
    /// The room on the disk.
    pub room: Arc<Room>,
    /// Whether the reserve is made again once there is room for it.
    pub keeps_reserve: bool,
}

impl Maintenance {
    pub fn new(connection: Connection, tuning: Tuning, links: Links) -> Maintenance {
        let Links { queue, seal_asked, room, keeps_reserve } = links;
        Maintenance { connection, queue, tuning, seal_asked, room, keeps_reserve, failed_at: None }
    }

    /// Works until told to stop.
    pub fn run(mut self, tasks: &Receiver<Task>) {
        // Who asked may have gone; what was done stays done.
        while let Ok(task) = tasks.recv() {
            match task {
                Task::Seal { all, reply: None } => self.seal_in_background(all),
                Task::Seal { all, reply: Some(reply) } => {
                    let _ = reply.send(self.seal(all));
                }
                Task::Delete { filter, reply } => {
                    let removed = self.room.with_reserve(|| self.delete(&filter));
                    let _ = reply.send(removed.inspect(|removed| self.erase(removed)));
                }
                Task::Prune { keep, budget, reply } => {
                    let removed = removal::prune(&self.connection, &self.queue, keep.received_before.0, budget);
                    let _ = reply.send(removed.inspect(|removed| self.give_back(removed)));
                }
                Task::PutAside { damage } => {
                    if let Err(error) = mending::mend(&self.connection, &self.queue, damage) {
                        tracing::warn!(%error, "damaged rows could not be put aside");
                    }
                }
                Task::MakeRoom => self.make_room(),
                Task::Redact { redactor, reply } => {
                    let _ = reply.send(rewriting::rewrite(&self.connection, &self.queue, redactor));
                }
                Task::Stop => {
                    self.shrink_what_is_idle();
                    break;
                }
            }
            if self.keeps_reserve {
                self.room.keep_reserve();
            }
        }
    }

    fn delete(&self, filter: &RecordFilter) -> Result<Removed> {
        removal::delete(&self.connection, &self.queue, &self.room, filter, self.tuning.seal_records)
    }

    /// Gives free pages back, and seals what waits where there is room for it. Whoever fails here leaves what is kept in
    /// hand to those who remove.
    fn make_room(&self) {
        let made = self.shrink_file(0, false).and_then(|()| {
            sealing::seal(&self.connection, &self.queue, &self.room, self.tuning.seal_records, true)?;
            self.shrink_file(0, false)
        });
        match made {
            Err(error) if is_about_room(&error) => tracing::debug!(%error, "no room could be made"),
            Err(error) => tracing::warn!(%error, "no room could be made on a disk that is nearly full"),
            Ok(()) => {}
        }
    }

    fn seal_in_background(&mut self, all: bool) {
        self.seal_asked.store(false, Ordering::Release);
        if self.failed_at.is_some_and(|failed_at| failed_at.elapsed() < PAUSE) {
            return;
        }
        self.failed_at = None;
        // On a disk that is nearly full merging would only take room.
        let sealed = match self.room.is_short() {
            true => sealing::seal(&self.connection, &self.queue, &self.room, self.tuning.seal_records, all),
            false => self.seal(all),
        };
        if let Err(error) = sealed {
            tracing::warn!(%error, "records could not be sealed; they stay in the inbox");
            self.failed_at = Some(Instant::now());
        } else if all {
            // Less than a segment's worth came for a while.
            self.shrink_what_is_idle();
        }
    }

    /// Gives back pages in which records waited, now that few do.
    fn shrink_what_is_idle(&self) {
        if let Err(error) = self.shrink_file(WORTH_GIVING_BACK, false) {
            tracing::debug!(%error, "the database could not be made smaller");
        }
    }

    /// Seals what waits, as long as it is a segment's worth or `all` of it, and merges small segments.
    fn seal(&self, all: bool) -> Result<()> {
        sealing::seal(&self.connection, &self.queue, &self.room, self.tuning.seal_records, all)?;
        merging::merge(&self.connection, &self.queue, self.tuning.seal_records)
    }

    /// Gives pages nobody uses back to the system, when they are many or the disk is nearly full.
    fn give_back(&self, removed: &Removed) {
        if removed.is_empty() {
            return;
        }
        let part = if self.room.is_short() { 0 } else { WORTH_GIVING_BACK };
        if let Err(error) = self.shrink_file(part, true) {
            tracing::warn!(%error, "the database could not be made smaller after a removal");
        }
    }

    /// Leaves nothing of what somebody removed in pages nobody uses, nor in the log.
    fn erase(&self, removed: &Removed) {
        if removed.is_empty() {
            return;
        }
        match self.shrink_file(0, true).and_then(|()| self.queue.empty_log()) {
            Ok(true) => {}
            // The writer tries again.
            Ok(false) => tracing::debug!("what was removed stays in the log while someone reads it"),
            Err(error) => tracing::warn!(%error, "what was removed still lies in pages of the database nobody uses"),
        }
    }

    /// Gives all free pages back to the system, if they are at least one in `part` of all; 0 is always. On a full disk
    /// what is kept in reserve may be used for it.
    fn shrink_file(&self, part: u64, with_reserve: bool) -> Result<()> {
        let count = |pragma| sql::value(&self.connection, pragma, []).map(from_column);
        let mut free = count("PRAGMA freelist_count")?;
        if part > 0 && free * part < count("PRAGMA page_count")? {
            return Ok(());
        }
        while free > 0 {
            let pages = self.pages_per_step();
            let step = move |transaction: &Transaction<'_>| removal::give_pages_back(transaction, pages);
            match with_reserve {
                true => self.queue.remove(Forget::Nothing, step)?,
                false => self.queue.change(Forget::Nothing, step)?,
            }
            let left = count("PRAGMA freelist_count")?;
            if left >= free {
                return Ok(());
            }
            free = left;
        }
        Ok(())
    }

    /// Moving a page writes about three, first into the log, for which there must be room.
    fn pages_per_step(&self) -> u64 {
        let room = self.room.free_bytes().map_or(u64::MAX, |free_bytes| free_bytes / (8 * PAGE_BYTES));
        room.clamp(LEAST_PAGES_PER_STEP, PAGES_PER_STEP)
    }
}
