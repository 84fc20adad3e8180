//! Maintenance, the second thread: it seals the inbox into segments, merges small segments, removes what is asked for.
//!
//! It works out changes from its own read-only view while commits go on, and hands them to the writer as single
//! transactions. Only this thread ever takes records out of the inbox or touches segments, one task at a time, so
//! what it read still holds when its change is applied; meanwhile the inbox can only grow at its end.

mod mending;
mod merging;
pub mod removal;
pub mod sealing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::damage::Damage;
use super::options::Tuning;
use super::sql;
use super::tables::from_column;
use super::write::write_queue::{Forget, Queue};
use crate::model::{RecordFilter, Removed, Retention};
use crate::store::Result;

/// After a failure nothing is tried again on its own for this long.
const PAUSE: Duration = Duration::from_secs(1);
/// Pages given back to the system per transaction.
const PAGES_PER_STEP: u64 = 512;

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
    failed_at: Option<Instant>,
}

impl Maintenance {
    pub fn new(connection: Connection, queue: Queue, tuning: Tuning, seal_asked: Arc<AtomicBool>) -> Maintenance {
        Maintenance { connection, queue, tuning, seal_asked, failed_at: None }
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
                    let removed = removal::delete(&self.connection, &self.queue, &filter, self.tuning.seal_records);
                    let _ = reply.send(removed.inspect(|removed| self.give_back(removed)));
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
                Task::Stop => break,
            }
        }
    }

    fn seal_in_background(&mut self, all: bool) {
        self.seal_asked.store(false, Ordering::Release);
        if self.failed_at.is_some_and(|failed_at| failed_at.elapsed() < PAUSE) {
            return;
        }
        self.failed_at = None;
        if let Err(error) = self.seal(all) {
            tracing::warn!(%error, "records could not be sealed; they stay in the inbox");
            self.failed_at = Some(Instant::now());
        }
    }

    /// Seals what waits, as long as it is a segment's worth or `all` of it, and merges small segments.
    fn seal(&self, all: bool) -> Result<()> {
        sealing::seal(&self.connection, &self.queue, self.tuning.seal_records, all)?;
        merging::merge(&self.connection, &self.queue, self.tuning.seal_records)
    }

    /// Gives pages nobody uses back to the system, when they are many or the removal was asked for.
    fn give_back(&self, removed: &Removed) {
        if removed.is_empty() {
            return;
        }
        if let Err(error) = self.shrink_file() {
            tracing::warn!(%error, "the database could not be made smaller after a removal");
        }
    }

    fn shrink_file(&self) -> Result<()> {
        let count = |pragma| sql::value(&self.connection, pragma, []).map(from_column);
        let mut free = count("PRAGMA freelist_count")?;
        if free * 8 < count("PRAGMA page_count")? {
            return Ok(());
        }
        while free > 0 {
            self.queue.change(Forget::Nothing, |transaction| {
                // Each row of the answer is a page.
                let mut pragma = transaction.prepare(&format!("PRAGMA incremental_vacuum({PAGES_PER_STEP})"))?;
                let mut rows = pragma.query([])?;
                while rows.next()?.is_some() {}
                Ok(())
            })?;
            let left = count("PRAGMA freelist_count")?;
            if left >= free {
                return Ok(());
            }
            free = left;
        }
        Ok(())
    }
}
