//! The one thread that writes: it owns the only connection that can.
//!
//! Writes that wait are committed together and answered only then. A write whose group fails is tried alone, so that
//! one bad write does not cost its neighbours. Their errors are counted with them or, under load, a little later with
//! those of other writes ([`Uncounted`]). Everything else that changes the file (sealing, merging, removing) is worked
//! out elsewhere and arrives here as a [`Change`], so commits go on meanwhile.

use std::collections::VecDeque;
use std::mem::take;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::watch;

use crate::causes::with_causes;
use crate::model::{Nanos, Record, Written, identities};
use crate::store::sqlite::damage::{self, Damage};
use crate::store::sqlite::failure;
use crate::store::sqlite::file::file_id::FileState;
use crate::store::sqlite::file::files::{length, log_length};
use crate::store::sqlite::file::open;
use crate::store::sqlite::file::room::{Room, is_about_room};
use crate::store::sqlite::issues::Uncounted;
use crate::store::sqlite::maintenance::Task;
use crate::store::sqlite::options::{Durability, Tuning};
use crate::store::sqlite::segments;
use crate::store::sqlite::tables::trace_index::Filters;
use crate::store::sqlite::tables::{damaged, from_column, inbox};
use crate::store::sqlite::write::admission::{Admission, Admitted};
use crate::store::sqlite::write::commit::{store_group, transact};
use crate::store::sqlite::write::dedup::Dedup;
use crate::store::sqlite::write::log_watch::LogWatch;
use crate::store::sqlite::write::write_queue::{Change, Forget, Job, Message, Part, RoomFor, Work};
use crate::store::{Error, Result};

/// Writes per commit at most.
const GROUP: usize = 16;
/// The log is copied into the file when it is about this long, or nothing was written for [`GAP`].
const LOG_BYTES: u64 = 64 << 20;
/// After so long without a write the log is copied into the file, and sealing may be asked for again.
const GAP: Duration = Duration::from_millis(500);
/// About what a commit writes besides what it holds: a few pages.
const COMMIT_BYTES: u64 = 4 * open::PAGE_BYTES;
/// The longest wait for room in the inbox before waiting writes are refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// Room is asked for this often at most.
const ROOM_EVERY: Duration = Duration::from_secs(2);

/// What ties the writer to the rest of its process.
pub struct Links {
    /// The way to the thread that seals.
    pub tasks: mpsc::Sender<Task>,
    /// Whether sealing was asked for and has not begun.
    pub seal_asked: Arc<AtomicBool>,
    /// Told the number of the last write after each commit.
    pub committed: watch::Sender<i64>,
    /// Says whether errors were stored that are not counted yet.
    pub has_uncounted: Arc<AtomicBool>,
    /// The room on the disk.
    pub room: Arc<Room>,
    /// Says how many rows and segments are known to be damaged.
    pub damaged_rows: Arc<AtomicU64>,
}

/// The state of the thread that writes.
pub struct Writer {
    path: PathBuf,
    durability: Durability,
    tuning: Tuning,
    connection: Option<Connection>,
    file: FileState,
    dedup: Dedup,
    filters: Filters,
    uncounted: Uncounted,
    waiting: VecDeque<Job>,
    backlog: u64,
    first_unsealed: Option<i64>,
    backlog_since: Option<Instant>,
    full_since: Option<Instant>,
    log_bytes: u64,
    log: LogWatch,
    room_asked: Option<Instant>,
    links: Links,
    stopping: bool,
}

impl Writer {
    /// A writer that takes over a connection.
    ///
    /// # Errors
    /// The inbox cannot be read.
    pub fn new(
        path: PathBuf,
        connection: Connection,
        durability: Durability,
        tuning: Tuning,
        links: Links,
    ) -> Result<Writer> {
        let mut writer = Writer {
            file: FileState::at(&path)?,
            log: LogWatch::new(path.clone(), tuning.most_log_bytes),
            path,
            durability,
            tuning,
            connection: None,
            dedup: Dedup::default(),
            filters: Filters::default(),
            uncounted: Uncounted::new(Arc::clone(&links.has_uncounted)),
            waiting: VecDeque::new(),
            backlog: 0,
            first_unsealed: None,
            backlog_since: None,
            full_since: None,
            log_bytes: 0,
            room_asked: None,
            links,
            stopping: false,
        };
        writer.adopt_connection(connection)?;
        Ok(writer)
    }

    fn adopt_connection(&mut self, mut connection: Connection) -> Result<()> {
        if let Some(pages) = self.tuning.most_pages {
            connection.query_row(&format!("PRAGMA max_page_count={pages}"), [], |_| Ok(()))?;
        }
        self.dedup = Dedup::default();
        self.filters = Filters::default();
        let now_ns = Nanos::now().0;
        let dedup = &mut self.dedup;
        let (read, damage) = damage::collect(|| {
            segments::check_kinds(&connection)?;
            inbox::each_checked_row(&connection, |row| {
                for record in identities(row.records.iter()) {
                    dedup.add(record, now_ns);
                }
                if row.records.iter().any(Record::has_request) {
                    dedup.note_requests();
                }
                dedup.stored(row.seq, row.seq);
            })
        });
        read?;
        put_aside(&mut connection, &damage);
        self.uncounted.read(&connection)?;
        self.count_backlog(&connection)?;
        self.connection = Some(connection);
        Ok(())
    }

    fn count_backlog(&mut self, connection: &Connection) -> Result<()> {
        let (backlog, first_unsealed) = inbox::backlog(connection)?;
        if first_unsealed != self.first_unsealed {
            // What is first now came later than what was; how much later nobody noted.
            self.backlog_since = None;
        }
        (self.backlog, self.first_unsealed) = (backlog, first_unsealed);
        self.links.damaged_rows.store(damaged::stored(connection)?, Ordering::Relaxed);
        self.backlog_since = (backlog > 0).then(|| self.backlog_since.unwrap_or_else(Instant::now));
        Ok(())
    }

    /// Works until told to stop.
    pub fn run(mut self, messages: &Receiver<Message>) {
        while !self.stopping {
            if self.waiting.is_empty() || !self.has_room() {
                match receive_message(messages, self.idle_for()) {
                    Ok(message) => self.handle(message),
                    Err(RecvTimeoutError::Timeout) => self.idle(),
                    Err(RecvTimeoutError::Disconnected) => self.stopping = true,
                }
            }
            while self.waiting.len() < GROUP && !self.stopping {
                let Ok(message) = messages.try_recv() else { break };
                self.handle(message);
            }
            self.commit_waiting();
            if self.uncounted.due_in() == Some(Duration::ZERO) {
                self.count_errors();
            }
            self.ask_for_sealing();
            if self.log_bytes >= LOG_BYTES.min(self.tuning.most_log_bytes / 2) {
                self.checkpoint();
            }
        }
        while !self.waiting.is_empty() {
            self.commit_group();
        }
        self.count_errors();
        self.close();
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Write(job) => self.waiting.push_back(job),
            Message::Change(Change { mut work, forget, room, reply }) => {
                let mut done = self.apply(&mut work, forget);
                if room == RoomFor::Removal && done.as_ref().is_err_and(is_about_room) {
                    self.checkpoint();
                    self.links.room.give_up_reserve();
                    done = self.apply(&mut work, forget);
                }
                // The next step finds an empty log.
                if room != RoomFor::Decision && self.links.room.is_short() {
                    self.checkpoint();
                }
                reply(done);
            }
            Message::EmptyLog(reply) => {
                self.checkpoint();
                // Who asked may have gone.
                let _ = reply.send(self.log.held_for().is_none());
            }
            Message::NoteOwnWrite(reply) => {
                self.file.note_own_write(&self.path);
                // Who asked may have gone.
                let _ = reply.send(());
            }
            Message::Stop => self.stopping = true,
        }
    }

    fn has_room(&self) -> bool {
        self.backlog < self.tuning.most_unsealed as u64
    }

    fn idle_for(&self) -> Option<Duration> {
        if !self.waiting.is_empty() {
            return Some(Duration::from_millis(100));
        }
        let until_seal = self.backlog_since.map(|since| self.tuning.seal_age.saturating_sub(since.elapsed()));
        // Asking for a seal that does not come must not become a busy loop.
        let until_seal = until_seal.map(|wait| wait.max(GAP));
        let until_checkpoint = (self.log_bytes > 0).then_some(GAP);
        until_checkpoint.into_iter().chain(until_seal).chain(self.uncounted.due_in()).min()
    }

    fn idle(&mut self) {
        let waits_for_more = self.log_bytes > 0 && self.waiting.is_empty();
        if waits_for_more && self.uncounted.due_in() != Some(Duration::ZERO) {
            self.checkpoint();
        }
    }

    fn commit_waiting(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        if self.has_room() {
            self.full_since = None;
            return self.commit_group();
        }
        let full_since = *self.full_since.get_or_insert_with(Instant::now);
        if full_since.elapsed() >= PATIENCE {
            self.waiting.drain(..).for_each(|job| job.answer(Err(Error::Busy)));
        }
    }

    fn commit_group(&mut self) {
        let count = self.waiting.len().min(GROUP);
        let mut group: Vec<Job> = self.waiting.drain(..count).collect();
        match self.commit(&mut group) {
            Ok(outcomes) => group.into_iter().zip(outcomes).for_each(|(job, outcome)| job.answer(Ok(outcome))),
            Err(error) if group.len() == 1 || concerns_all(&error) => {
                group.into_iter().for_each(|job| job.answer(Err(copy_error(&error))));
            }
            Err(_) => {
                for mut job in group {
                    let outcome = self.commit(std::slice::from_mut(&mut job));
                    job.answer(outcome.map(|outcomes| outcomes.first().copied().unwrap_or_default()));
                }
            }
        }
    }

    /// Commits writes together; nothing of them is stored when this fails.
    fn commit(&mut self, group: &mut [Job]) -> Result<Vec<Written>> {
        self.file.check(&self.path)?;
        self.require_room(group)?;
        let mut connection = self.connect()?;
        self.dedup.rotate(self.first_unsealed);
        let mut added = Vec::new();
        let result = self.commit_on(&mut connection, group, &mut added);
        if result.is_err() {
            added.into_iter().for_each(|record| self.dedup.take_back(record));
        }
        self.keep_connection(connection, result.as_ref().err());
        result
    }

    /// Refuses records for which there is no room, be it on the disk or in the log.
    fn require_room(&mut self, group: &[Job]) -> Result<()> {
        let rests = self.log.held_for().is_some_and(|held| held < GAP);
        if self.log.is_full() {
            if !rests {
                self.checkpoint();
            }
            self.log.require_room()?;
        }
        let bytes: usize = group.iter().flat_map(|job| &job.parts).map(|part| part.records.payload.len()).sum();
        let bytes = written_bytes(bytes);
        let room = Arc::clone(&self.links.room);
        let log_bytes = log_length(&self.path);
        if room.require(bytes, log_bytes).is_ok() {
            return Ok(());
        }
        if log_bytes > 0 && !rests {
            self.checkpoint();
        }
        // Nobody is refused for what a moment ago was true: records may have been removed since.
        room.look_again();
        room.require(bytes, log_length(&self.path)).inspect_err(|_| self.ask_for_room())
    }

    fn commit_on(
        &mut self,
        connection: &mut Connection,
        group: &mut [Job],
        added: &mut Vec<u64>,
    ) -> Result<Vec<Written>> {
        if self.uncounted.is_full() {
            self.count_uncounted(connection)?;
        }
        // Every trace is looked up, and locking for each would cost more than looking.
        let view = connection.unchecked_transaction()?;
        let (known, filters, first_unsealed) = (&mut self.dedup, &mut self.filters, self.first_unsealed);
        let mut admission = Admission { connection: &view, known, filters, finder: None, first_unsealed, added };
        let admitted: Vec<Admitted> = group.iter().map(|job| admission.admit(job)).collect::<Result<_>>()?;
        drop(admission);
        view.finish()?;
        let (outcomes, mut rest): (Vec<Written>, Vec<_>) =
            admitted.into_iter().map(|admitted| (admitted.outcome, admitted.fresh)).unzip();
        let parts = group.iter_mut().flat_map(|job| &mut job.parts).zip(rest.iter_mut().flatten());
        let mut fresh: Vec<&mut Part> = parts.map(|(whole, rest)| rest.as_mut().unwrap_or(whole)).collect();
        fresh.retain(|part| part.records.records > 0);
        if !fresh.is_empty() {
            self.store(connection, fresh)?;
        }
        Ok(outcomes)
    }

    /// Stores writes in one commit, and counts their errors there or later.
    fn store(&mut self, connection: &mut Connection, mut fresh: Vec<&mut Part>) -> Result<()> {
        let received_ns = Nanos::now().0;
        let has_errors = !self.uncounted.is_empty() || fresh.iter().any(|part| !part.errors.events.is_empty());
        let mut counts = has_errors && self.uncounted.is_due();
        let last_seq = loop {
            let before = if counts { log_length(&self.path) } else { 0 };
            match store_group(connection, &fresh, &self.uncounted, counts, received_ns) {
                Ok((last_seq, took)) if counts => {
                    self.uncounted.counted(took);
                    self.log_bytes += log_length(&self.path).saturating_sub(before);
                    break last_seq;
                }
                Ok((last_seq, _)) => {
                    fresh.iter_mut().for_each(|part| self.uncounted.add(take(&mut part.errors), received_ns));
                    break last_seq;
                }
                // No record that has room is refused because its error has none.
                Err(error @ Error::DiskFull) if counts => self.uncounted.failed(&error),
                Err(error) => return Err(error),
            }
            counts = false;
        };
        self.note_stored(&fresh, last_seq);
        Ok(())
    }

    /// Counts the errors that wait, if that is possible; else they go on waiting.
    fn count_errors(&mut self) {
        if self.uncounted.is_empty() || self.file.check(&self.path).is_err() {
            return;
        }
        if let Ok(mut connection) = self.connect() {
            let result = self.count_uncounted(&mut connection);
            self.keep_connection(connection, result.as_ref().err());
        }
    }

    fn count_uncounted(&mut self, connection: &mut Connection) -> Result<()> {
        if self.uncounted.is_empty() {
            return Ok(());
        }
        let before = log_length(&self.path);
        let result = transact(connection, |transaction| self.uncounted.count(transaction, std::iter::empty()));
        match &result {
            Ok(took) => self.uncounted.counted(*took),
            Err(error) => self.uncounted.failed(error),
        }
        self.log_bytes += COMMIT_BYTES + log_length(&self.path).saturating_sub(before);
        result.map(|_| ())
    }

    fn note_stored(&mut self, fresh: &[&mut Part], last_seq: i64) {
        self.links.committed.send_replace(last_seq);
        let first_seq = last_seq - fresh.len() as i64 + 1;
        self.dedup.stored(first_seq, last_seq);
        self.first_unsealed.get_or_insert(first_seq);
        self.backlog += fresh.iter().map(|part| u64::from(part.records.records)).sum::<u64>();
        self.backlog_since.get_or_insert_with(Instant::now);
        let bytes: usize = fresh.iter().map(|part| part.records.payload.len()).sum();
        self.log_bytes += bytes as u64 + COMMIT_BYTES;
        self.links.room.note_written(written_bytes(bytes));
    }

    fn apply(&mut self, work: &mut Work, forget: Forget) -> Result<()> {
        self.file.check(&self.path)?;
        let mut connection = self.connect()?;
        // Whoever asks for a change may have seen the errors; sealing waits for them, nothing else need.
        let counted = self.count_uncounted(&mut connection);
        if counted.as_ref().is_err_and(failure::spoils_connection) {
            self.keep_connection(connection, counted.as_ref().err());
            connection = self.connect()?;
        }
        let before = log_length(&self.path);
        let result = transact(&mut connection, work);
        if result.is_ok() {
            self.log_bytes += COMMIT_BYTES + log_length(&self.path).saturating_sub(before);
        }
        let result = result.and_then(|()| self.count_backlog(&connection));
        let failure = result.as_ref().err();
        match forget {
            Forget::Everything if failure.is_none() => self.adopt_connection(connection)?,
            // What still waits must be known again.
            Forget::Before(cutoff_ns) if failure.is_none() && self.dedup.forget_before(cutoff_ns) => {
                self.adopt_connection(connection)?;
            }
            _ => self.keep_connection(connection, failure),
        }
        result
    }

    fn connect(&mut self) -> Result<Connection> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let connection = open::open_for_writing(&self.path, self.durability)?;
        self.adopt_connection(connection)?;
        self.connection.take().ok_or(Error::Closed)
    }

    /// Keeps the connection for the next time, unless its failure means it can no longer be trusted.
    fn keep_connection(&mut self, connection: Connection, failure: Option<&Error>) {
        if failure.is_none_or(|error| !failure::spoils_connection(error)) {
            self.connection = Some(connection);
        }
    }

    fn ask_for_sealing(&mut self) {
        let is_full = self.backlog >= self.tuning.seal_records as u64;
        let is_old = self.backlog_since.is_some_and(|since| since.elapsed() >= self.tuning.seal_age);
        if (is_full || is_old) && !self.links.seal_asked.swap(true, Ordering::AcqRel) {
            // It may have ended before this thread, which is then about to end too.
            let _ = self.links.tasks.send(Task::Seal { all: is_old, reply: None });
        }
    }

    /// Has room made, when there is less than is kept in hand: what waits is sealed, and what is free in the file goes
    /// back to the disk.
    fn ask_for_room(&mut self) {
        if self.room_asked.is_none_or(|asked| asked.elapsed() >= ROOM_EVERY) {
            self.room_asked = Some(Instant::now());
            // It may have ended before this thread, which is then about to end too.
            let _ = self.links.tasks.send(Task::MakeRoom);
        }
    }

    /// Copies the log into the file, as far as readers let it, and empties it, without waiting for them.
    fn checkpoint(&mut self) {
        self.log_bytes = 0;
        let Some(connection) = &self.connection else { return };
        if self.file.check(&self.path).is_err() {
            return;
        }
        let is_emptied = match self.has_room_to_copy_log(connection) {
            true => truncate_log(connection),
            // Begun and not finished it would only use up the room that is left.
            false => Err(Error::DiskFull),
        };
        // Also what failed may have copied some of it.
        self.file.note_own_write(&self.path);
        self.log.tried(matches!(is_emptied, Ok(true) | Err(_)));
        // So that it is tried again.
        self.log_bytes = if is_emptied.as_ref().is_ok_and(|emptied| *emptied) { 0 } else { COMMIT_BYTES };
        match is_emptied {
            Err(error) if is_about_room(&error) => tracing::debug!("no room to copy the log into the database"),
            Err(error) => tracing::warn!(%error, "the log could not be copied into the database"),
            Ok(_) => {}
        }
    }

    /// Whether the file can become as long as the log wants it.
    fn has_room_to_copy_log(&self, connection: &Connection) -> bool {
        let Some(free_bytes) = self.links.room.free_bytes() else { return true };
        if free_bytes >= log_length(&self.path) {
            return true;
        }
        let pages = connection.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0));
        let wanted_bytes = from_column(pages.unwrap_or(0)).saturating_mul(open::PAGE_BYTES);
        wanted_bytes.saturating_sub(length(&self.path)) <= free_bytes
    }

    fn close(mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.file.check(&self.path).is_err() || !self.has_room_to_copy_log(&connection) {
            return;
        }
        // A log that stays behind is complete and read on the next opening.
        let _ = truncate_log(&connection);
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        let _ = connection.close();
    }
}

fn receive_message(
    messages: &Receiver<Message>,
    wait: Option<Duration>,
) -> std::result::Result<Message, RecvTimeoutError> {
    match wait {
        Some(wait) => messages.recv_timeout(wait),
        None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

/// Puts aside rows that are damaged. When there is no room for that now, sealing does it later.
fn put_aside(connection: &mut Connection, damage: &Damage) {
    if damage.is_empty() {
        return;
    }
    damaged::warn_of(damage);
    let put = transact(connection, |transaction| damaged::put_aside(transaction, damage, Nanos::now().0));
    if let Err(error) = put {
        tracing::warn!(%error, "damaged rows could not be put aside");
    }
}

/// Copies the log into the file and empties it; false when a reader needs some of it, up to which all is copied then.
fn truncate_log(connection: &Connection) -> Result<bool> {
    connection.busy_timeout(Duration::ZERO)?;
    let result = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok(row.get::<_, i64>(0)? == 0));
    connection.busy_timeout(open::BUSY_TIMEOUT)?;
    Ok(result?)
}

/// About what a commit of records of so many bytes writes.
fn written_bytes(payload_bytes: usize) -> u64 {
    // Beside the page that it fills a record touches one of every index, and of the map of pages.
    2 * payload_bytes as u64 + 2 * COMMIT_BYTES
}

/// Whether every other write would fail the same way, perhaps after the same long wait for a lock.
fn concerns_all(error: &Error) -> bool {
    matches!(error, Error::Locked(_) | Error::LogHeld(_) | Error::Gone(_) | Error::ReadOnly | Error::Closed)
}

/// A failure once more, for another caller.
fn copy_error(error: &Error) -> Error {
    match error {
        Error::DiskFull => Error::DiskFull,
        Error::SizeLimit => Error::SizeLimit,
        Error::LogHeld(what) => Error::LogHeld(what.clone()),
        Error::ReadOnly => Error::ReadOnly,
        Error::Busy => Error::Busy,
        Error::Closed => Error::Closed,
        Error::Locked(what) => Error::Locked(what.clone()),
        Error::Corrupt(what) => Error::Corrupt(what.clone()),
        Error::Gone(path) => Error::Gone(path.clone()),
        other => Error::Io(with_causes(other).into()),
    }
}
