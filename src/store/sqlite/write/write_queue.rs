//! The way to the writer: writes that wait for their commit, and changes worked out elsewhere.
//!
//! What waits is bounded by its bytes; more is refused at once, so that a slow disk never costs the memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Transaction;
use tokio::sync::oneshot;

use crate::model::Written;
use crate::store::issues::Errors;
use crate::store::sqlite::codec::Prepared;
use crate::store::{Error, Result};

/// What waiting costs besides its payload.
const JOB_BYTES: usize = 512;

/// What the thread that writes is sent.
pub enum Message {
    /// A write of one caller.
    Write(Job),
    /// A change worked out elsewhere.
    Change(Change),
    /// Copy the log into the file; told whether it is empty then.
    EmptyLog(oneshot::Sender<bool>),
    /// Take what the file is now for what this process made it; told when that is done.
    NoteOwnWrite(oneshot::Sender<()>),
    /// Finish what waits, then end.
    Stop,
}

/// The records of one kind of a write.
pub struct Part {
    /// The records, ready for the inbox.
    pub records: Prepared,
    /// The errors among the records.
    pub errors: Errors,
}

/// A write that waits.
pub struct Job {
    /// The records, a part for each kind.
    pub parts: Vec<Part>,
    /// How many records of the write were left out before it came here.
    pub duplicates: u64,
    reply: oneshot::Sender<Result<Written>>,
    _room: Room,
}

impl Job {
    /// Tells whoever waits what became of the write.
    pub fn answer(self, outcome: Result<Written>) {
        // Who asked may have gone; what was stored stays stored.
        let _ = self.reply.send(outcome);
    }
}

/// Work done inside one transaction; it may be done once more when that failed.
pub type Work = Box<dyn FnMut(&Transaction<'_>) -> Result<()> + Send>;

/// A change of what is stored, applied in one transaction.
pub struct Change {
    /// Applies the change.
    pub work: Work,
    /// What the writer must forget afterwards.
    pub forget: Forget,
    /// What the change is there for, which says how much room it may take.
    pub room: RoomFor,
    /// Told what became of the change.
    pub reply: Reply,
}

/// Takes what became of a change.
pub type Reply = Box<dyn FnOnce(Result<()>) + Send>;

/// What a change is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomFor {
    /// Something small that somebody decided.
    Decision,
    /// A step of sealing or merging, of which there may be many.
    Upkeep,
    /// A step of removing, which makes room in the end and may use the reserve.
    Removal,
}

/// What a change makes untrue of what the writer remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forget {
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

/// The way to the thread that writes.
#[derive(Debug, Clone)]
pub struct Queue {
    messages: mpsc::Sender<Message>,
    taken: Arc<AtomicUsize>,
    most_bytes: usize,
}

impl Queue {
    /// A queue and the end the thread reads from.
    pub fn new(most_bytes: usize) -> (Queue, Receiver<Message>) {
        // Bounded by bytes through `Room`, not by count.
        let (messages, receiver) = mpsc::channel();
        (Queue { messages, taken: Arc::default(), most_bytes }, receiver)
    }

    /// Hands in a write, `duplicates` of whose records were left out already; the answer comes after its commit.
    ///
    /// # Errors
    /// [`Error::Busy`] when too much waits, [`Error::Closed`], and why it could not be stored.
    pub async fn write(&self, parts: Vec<Part>, duplicates: u64) -> Result<Written> {
        let bytes = parts.iter().map(|Part { records, errors }| {
            records.payload.len() + records.identities.len() * 16 + errors.memory_bytes()
        });
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

    /// Has a change applied, and yields what `work` found once that is committed. It blocks, so it is never called on the
    /// writer's own thread nor on an async one.
    ///
    /// # Errors
    /// [`Error::Closed`], and why the change could not be applied.
    pub fn change<T: Send + 'static>(
        &self,
        forget: Forget,
        work: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.send(forget, RoomFor::Upkeep, once(work))?.blocking_recv().map_err(|_| Error::Closed)?
    }

    /// Has a change applied that makes room in the end: on a full disk `work` is done once more with the reserve. Else as
    /// [`Queue::change`].
    ///
    /// # Errors
    /// [`Error::Closed`], and why the change could not be applied.
    pub fn remove<T: Send + 'static>(
        &self,
        forget: Forget,
        work: impl FnMut(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.send(forget, RoomFor::Removal, work)?.blocking_recv().map_err(|_| Error::Closed)?
    }

    /// Has the log copied into the file and emptied; false when someone reads an old state. It blocks, as
    /// [`Queue::change`] does.
    ///
    /// # Errors
    /// [`Error::Closed`]
    pub fn empty_log(&self) -> Result<bool> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(Message::EmptyLog(reply)).map_err(|_| Error::Closed)?;
        answer.blocking_recv().map_err(|_| Error::Closed)
    }

    /// Says that another thread of this process has written into the file, past the log. It blocks, as [`Queue::change`]
    /// does.
    ///
    /// # Errors
    /// [`Error::Closed`]
    pub fn note_own_write(&self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(Message::NoteOwnWrite(reply)).map_err(|_| Error::Closed)?;
        answer.blocking_recv().map_err(|_| Error::Closed)
    }

    /// Has something decided that touches no records, and yields what `work` found once that is committed.
    ///
    /// # Errors
    /// [`Error::Closed`], and why nothing could be decided.
    pub async fn decide<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.send(Forget::Nothing, RoomFor::Decision, once(work))?.await.map_err(|_| Error::Closed)?
    }

    fn send<T: Send + 'static>(
        &self,
        forget: Forget,
        room: RoomFor,
        mut work: impl FnMut(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T>>> {
        let found = Arc::new(Mutex::new(None));
        let finding = Arc::clone(&found);
        let (reply, answer) = oneshot::channel();
        let work = move |transaction: &Transaction<'_>| {
            let value = work(transaction)?;
            *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            Ok(())
        };
        let reply = move |outcome: Result<()>| {
            let value = finding.lock().unwrap_or_else(PoisonError::into_inner).take();
            // Whoever asked may have gone; the change is in the file all the same.
            let _ = reply.send(outcome.and_then(|()| value.ok_or(Error::Closed)));
        };
        let change = Change { work: Box::new(work), forget, room, reply: Box::new(reply) };
        self.messages.send(Message::Change(change)).map_err(|_| Error::Closed)?;
        Ok(answer)
    }

    /// Ends the thread after what waits.
    pub fn stop(&self) {
        // When it cannot be told it has ended.
        let _ = self.messages.send(Message::Stop);
    }
}

/// Work that is done a single time.
fn once<T>(
    work: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
) -> impl FnMut(&Transaction<'_>) -> Result<T> + Send + 'static {
    let mut work = Some(work);
    move |transaction| work.take().ok_or(Error::Closed)?(transaction)
}
