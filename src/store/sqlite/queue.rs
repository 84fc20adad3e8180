//! The way to the writer: writes that wait for their commit, and changes worked out elsewhere.
//!
//! What waits is bounded by its bytes; more is refused at once, so that a slow disk never costs the memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
    mpsc::{self, Receiver, SyncSender},
};

use rusqlite::Transaction;
use tokio::sync::oneshot;

use super::codec::Prepared;
use crate::{
    model::{Removed, Written},
    store::{Error, Result},
};

/// What waiting costs besides its payload.
const JOB_BYTES: usize = 512;

/// What the thread is sent.
pub(super) enum Message {
    /// A write of one caller.
    Write(Job),
    /// A change worked out elsewhere.
    Change(Change),
    /// Finish what waits, then end.
    Stop,
}

/// A write that waits.
pub(super) struct Job {
    /// The records, a part for each kind.
    pub parts: Vec<Prepared>,
    /// How many more of its records were left out before it came here.
    pub duplicates: u64,
    reply: oneshot::Sender<Result<Written>>,
    _room: Room,
}

impl Job {
    /// Tells whoever waits what became of it.
    pub(super) fn answer(self, outcome: Result<Written>) {
        // Who asked may have gone; what was stored stays stored.
        let _ = self.reply.send(outcome);
    }
}

/// Work done inside one transaction.
pub(super) type Work = Box<dyn FnOnce(&Transaction<'_>) -> Result<Removed> + Send>;

/// A change of what is stored, applied in one transaction.
pub(super) struct Change {
    /// Applies it.
    pub work: Work,
    /// What the writer must forget afterwards.
    pub forget: Forget,
    /// Where the outcome goes.
    pub reply: SyncSender<Result<Removed>>,
}

/// What a change makes untrue of what the writer remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forget {
    /// Nothing: no record was removed.
    Nothing,
    /// Records received before this, unix nanoseconds, were removed.
    Before(u64),
    /// Any record may have been removed.
    Everything,
}

/// Room in the queue, given back when dropped.
struct Room {
    bytes: usize,
    taken: Arc<AtomicUsize>,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// The way to the thread.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    messages: mpsc::Sender<Message>,
    taken: Arc<AtomicUsize>,
    most_bytes: usize,
}

impl Queue {
    /// A queue and its other end.
    pub(super) fn new(most_bytes: usize) -> (Queue, Receiver<Message>) {
        // Bounded by bytes through `Room`, not by count.
        let (messages, receiver) = mpsc::channel();
        (Queue { messages, taken: Arc::default(), most_bytes }, receiver)
    }

    /// Hands in a write, `duplicates` of whose records were left out already; the answer comes after its commit.
    ///
    /// # Errors
    /// [`Error::Busy`] when too much waits, [`Error::Closed`], and why it could not be stored.
    pub(super) async fn write(&self, parts: Vec<Prepared>, duplicates: u64) -> Result<Written> {
        let bytes = parts.iter().map(|part| part.payload.len() + part.identities.len() * 16);
        let room = self.reserve(bytes.sum::<usize>() + JOB_BYTES)?;
        let (reply, answer) = oneshot::channel();
        let job = Job { parts, duplicates, reply, _room: room };
        self.messages.send(Message::Write(job)).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    fn reserve(&self, bytes: usize) -> Result<Room> {
        // A write larger than the whole queue still passes when nothing else waits.
        let fits = |taken: usize| (taken == 0 || taken + bytes <= self.most_bytes).then_some(taken + bytes);
        match self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits) {
            Ok(_) => Ok(Room { bytes, taken: Arc::clone(&self.taken) }),
            Err(_) => Err(Error::Busy),
        }
    }

    /// Has a change applied and waits for it; never called on the writer's own thread.
    ///
    /// # Errors
    /// [`Error::Closed`], and why it could not be applied.
    pub(super) fn change(
        &self,
        forget: Forget,
        work: impl FnOnce(&Transaction<'_>) -> Result<Removed> + Send + 'static,
    ) -> Result<Removed> {
        let (reply, answer) = mpsc::sync_channel(1);
        let change = Change { work: Box::new(work), forget, reply };
        self.messages.send(Message::Change(change)).map_err(|_| Error::Closed)?;
        answer.recv().map_err(|_| Error::Closed)?
    }

    /// Ends the thread after what waits.
    pub(super) fn stop(&self) {
        // When it cannot be told it has ended.
        let _ = self.messages.send(Message::Stop);
    }
}
