//! What a program's threads and the shipping thread share: the queue, and the accounts of it.
//!
//! A program's threads only push into a ring under a short lock. Every item is counted once: `sends` is the sum of
//! sent, dropped, parked, failed, queued, in flight and being parked whenever the lock is free. What the thread does is
//! handed in; which process it runs in, the accounts must not know.

mod parking;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::dead_letter::DeadLetters;
use super::figures::{Figures, ReplayCounts, Tally};
use super::queue::Ring;
use super::settings::PipelineSettings;
use super::transport::Activity;

/// How long a worker that died is left alone before a send starts another.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// How long a closing program waits for a file that is being written.
const WRITE_GRACE: Duration = Duration::from_secs(2);

/// The queue, its accounts and the signals that a program's threads and the worker share.
#[derive(Debug)]
pub(crate) struct Accounts<T> {
    /// What the pipeline was told when it was made.
    pub settings: Arc<PipelineSettings<T>>,
    /// What the thread does: ships until the pipeline is closed.
    work: fn(&Accounts<T>),
    /// The counts of requests, which the transport keeps.
    pub activity: Arc<Activity>,
    state: Mutex<State<T>>,
    /// Tells flushing and closing threads that something was settled.
    settled: Condvar,
    /// Tells the worker to look at the state again.
    pub wake: Notify,
    /// Tells the worker to let go of the request under way.
    pub abandon: Notify,
}

/// The queue and the accounts, under one lock.
#[derive(Debug)]
pub(crate) struct State<T> {
    ring: Ring<T>,
    phase: Phase,
    worker: WorkerState,
    /// So many items in the ring wake the worker; `None` while it is awake.
    wake_at: Option<usize>,
    batch: Option<Arc<Vec<T>>>,
    /// How many items of the batch, its last ones, are not settled.
    in_flight: u64,
    in_flight_first: u64,
    /// Items taken from the ring or out of flight, and not yet on disk.
    parking: u64,
    parking_first: u64,
    /// Items with sequence numbers below this do not wait for a full batch.
    flush_before: u64,
    /// Items with sequence numbers below this do not wait for the server either, where there are dead letters.
    park_before: u64,
    /// The counters, but for those that follow from the rest of the state and from the transport.
    figures: Figures,
    /// Items that were dropped, and no server knows.
    unreported_drops: u64,
    has_letters: bool,
    failing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing more is taken, and what is there is shipped.
    Closing,
    /// All accounts are settled; what the worker still does is not counted again.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WorkerState {
    Absent { restart_at: Option<Instant> },
    Running,
}

/// One piece of work for the worker.
pub(crate) enum Task<T> {
    /// Send this batch.
    Ship(Arc<Vec<T>>),
    /// Write these items to the dead letters without trying: the server does not answer now.
    Spill(Arc<Vec<T>>),
    /// Wait for more until the batch is full or old enough.
    Linger,
    /// Wait for the first item.
    Idle,
    /// End the thread.
    Stop,
}

impl<T: Send + Sync + 'static> Accounts<T> {
    /// Empty accounts; the thread starts with the first item and does `work`.
    pub fn new(settings: &Arc<PipelineSettings<T>>, work: fn(&Accounts<T>)) -> Accounts<T> {
        let state = State {
            ring: Ring::new(settings.pace.limits),
            phase: Phase::Open,
            worker: WorkerState::Absent { restart_at: None },
            wake_at: None,
            batch: None,
            in_flight: 0,
            in_flight_first: 0,
            parking: 0,
            parking_first: 0,
            flush_before: 0,
            park_before: 0,
            figures: Figures::default(),
            unreported_drops: 0,
            has_letters: settings.encoding.dead_letters().is_some_and(DeadLetters::has_any),
            failing: false,
        };
        Accounts {
            settings: settings.clone(),
            work,
            activity: Arc::default(),
            state: Mutex::new(state),
            settled: Condvar::new(),
            wake: Notify::new(),
            abandon: Notify::new(),
        }
    }

    /// Holds the lock of the accounts, for a moment.
    pub fn lock(&self) -> MutexGuard<'_, State<T>> {
        // The state is a set of counters that is consistent after each statement that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters one item of about `bytes` bytes; never waits for the network.
    pub fn send(self: &Arc<Self>, item: T, bytes: usize) {
        let mut state = self.lock();
        state.figures.sends += 1;
        if state.phase != Phase::Open {
            state.figures.tally.dropped += 1;
            return;
        }
        let dropped = state.ring.push(item, bytes);
        state.figures.tally.dropped += dropped;
        state.unreported_drops += dropped;
        let wakes = state.wake_at.is_some_and(|count| state.ring.len() >= count || state.ring.is_half_full());
        if wakes {
            state.wake_at = None;
        }
        let needs_worker = state.claims_worker(false);
        drop(state);
        if wakes {
            self.wake.notify_one();
        }
        if needs_worker {
            self.start_worker();
        }
    }

    /// Starts the worker for dead letters that lie there already; without any it starts with the first item.
    pub fn start(self: &Arc<Self>) {
        let mut state = self.lock();
        let needs_worker = state.has_letters && state.phase == Phase::Open && state.claims_worker(false);
        drop(state);
        if needs_worker {
            self.start_worker();
        }
    }

    /// Waits until all that was entered before is settled, for at most `timeout`; whether it is.
    pub fn flush(self: &Arc<Self>, timeout: Duration) -> bool {
        let mut state = self.lock();
        let target = state.ring.next_sequence();
        state.flush_before = state.flush_before.max(target);
        self.urge_worker(state);
        self.wait(timeout, |state| state.oldest_unsettled() >= target || state.worker != WorkerState::Running);
        self.lock().oldest_unsettled() >= target
    }

    /// Waits as [`Accounts::flush`] does, and what is not settled then goes to the dead letters, if there are any, which
    /// takes a moment more.
    pub fn flush_or_park(self: &Arc<Self>, timeout: Duration) -> bool {
        if self.flush(timeout) {
            return true;
        }
        if self.settings.encoding.dead_letters().is_none() {
            return false;
        }
        let mut state = self.lock();
        state.park_before = state.ring.next_sequence();
        drop(state);
        self.flush(WRITE_GRACE)
    }

    /// Whether somebody would rather have the batch under way on disk than wait for the server.
    pub fn is_given_up(&self) -> bool {
        let state = self.lock();
        state.in_flight > 0 && state.in_flight_first < state.park_before
    }

    /// Waits until the dead letters were gone through, for at most `timeout`; whether none is left that can be delivered.
    pub fn wait_for_replay(self: &Arc<Self>, timeout: Duration) -> bool {
        self.start();
        self.wait(timeout, |state| !state.has_letters || state.worker != WorkerState::Running);
        !self.lock().has_letters
    }

    /// Ships what is left for at most `timeout`, parks the rest or else counts it as lost, and takes nothing more. Closing
    /// again returns the same figures, and those dropped since.
    pub fn close(self: &Arc<Self>, timeout: Duration) -> Tally {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        self.urge_worker(state);
        self.wait(timeout, |state| state.is_drained() || state.worker != WorkerState::Running);
        self.settle_leftovers();
        self.abandon.notify_one();
        self.wake.notify_one();
        self.settled.notify_all();
        self.lock().figures.tally
    }

    /// The counters now.
    pub fn figures(&self) -> Figures {
        let state = self.lock();
        Figures {
            queued: state.ring.len() as u64,
            in_flight: state.in_flight + state.parking,
            requests: self.activity.requests.load(Ordering::Relaxed),
            retries: self.activity.retries.load(Ordering::Relaxed),
            ..state.figures.clone()
        }
    }

    /// Wakes the worker, or starts one that is needed, for somebody who waits.
    fn urge_worker(self: &Arc<Self>, mut state: MutexGuard<'_, State<T>>) {
        state.wake_at = None;
        let needs_worker = !state.ring.is_empty() && state.claims_worker(true);
        drop(state);
        if needs_worker {
            self.start_worker();
        }
        self.wake.notify_one();
    }

    /// Waits until `is_done` says so, for at most `timeout`.
    fn wait(&self, timeout: Duration, is_done: impl Fn(&State<T>) -> bool) {
        let start = Instant::now();
        let mut state = self.lock();
        while !is_done(&state) {
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return;
            }
            state = self.settled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Starts the thread that was claimed. The thread is waited for by its accounts, never joined, because a join has no
    /// deadline and does not end in a forked child.
    fn start_worker(self: &Arc<Self>) {
        let accounts = self.clone();
        let started =
            thread::Builder::new().name(self.settings.name.to_owned()).spawn(move || (accounts.work)(&accounts));
        if let Err(error) = started {
            self.worker_ended(Some(format!("cannot start a thread: {error}")));
        }
    }

    /// Gives up what a worker left behind, so that a later send starts another.
    pub fn worker_ended(&self, error: Option<String>) {
        let mut state = self.lock();
        state.worker = WorkerState::Absent { restart_at: Some(Instant::now() + RESTART_PAUSE) };
        if state.phase != Phase::Closed {
            state.figures.tally.failed += std::mem::take(&mut state.in_flight) + std::mem::take(&mut state.parking);
        }
        state.batch = None;
        state.wake_at = None;
        state.figures.last_error = error.or(state.figures.last_error.take());
        drop(state);
        self.settled.notify_all();
    }

    /// What the worker is to do next. `retry_at` is set while the server does not answer: before that time nothing is sent, and what
    /// is due goes to the dead letters.
    pub fn next_task(&self, has_lingered: bool, retry_at: Option<Instant>) -> Task<T> {
        let mut state = self.lock();
        if state.phase == Phase::Closed || (state.phase == Phase::Closing && state.ring.is_empty()) {
            return Task::Stop;
        }
        if state.ring.is_empty() {
            state.wake_at = Some(1);
            return Task::Idle;
        }
        let full = match retry_at {
            None => self.settings.pace.batch_size,
            Some(_) => self.settings.pace.limits.max_items.div_ceil(2),
        };
        let is_full = state.ring.len() >= full || state.ring.is_half_full();
        if !has_lingered && !is_full && !state.is_urgent() {
            state.wake_at = Some(full);
            return Task::Linger;
        }
        let first = state.ring.first_sequence();
        if retry_at.is_some_and(|at| Instant::now() < at) || first < state.park_before {
            let spilled = state.ring.pop_oldest(usize::MAX);
            state.begin_parking(first, spilled.len() as u64);
            return Task::Spill(Arc::new(spilled));
        }
        let batch = Arc::new(state.ring.pop_oldest(self.settings.pace.batch_size));
        state.in_flight = batch.len() as u64;
        state.in_flight_first = first;
        state.batch = Some(batch.clone());
        if self.settings.encoding.dead_letters().is_some() {
            // So many that wait while the request hangs are better on disk.
            state.wake_at = Some(self.settings.pace.limits.max_items.div_ceil(2));
        }
        Task::Ship(batch)
    }

    /// Enters `count` items of the batch under way as sent, or as failed for a reason.
    pub fn settle(&self, count: u64, failure: Option<String>) {
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            return;
        }
        state.in_flight = state.in_flight.saturating_sub(count);
        state.in_flight_first += count;
        let was_failing = std::mem::replace(&mut state.failing, failure.is_some());
        match &failure {
            None => state.figures.tally.sent += count,
            Some(reason) => {
                state.figures.tally.failed += count;
                state.figures.last_error = Some(reason.clone());
            }
        }
        drop(state);
        self.settled.notify_all();
        match failure {
            // Said when it begins and when it ends: a log line for each batch would be a second flood.
            Some(reason) if !was_failing => tracing::warn!(name = self.settings.name, reason, "records are being lost"),
            None if was_failing => tracing::info!(name = self.settings.name, "records are being delivered again"),
            _ => {}
        }
    }

    /// Logs that nothing can be sent, once until something is.
    pub fn warn_of_failure(&self, reason: &str) {
        let was_failing = std::mem::replace(&mut self.lock().failing, true);
        if !was_failing {
            tracing::warn!(name = self.settings.name, reason, "records are not being delivered");
        }
    }

    /// How many items were dropped that no server was told of; they count as reported from now on.
    pub fn take_unreported(&self) -> u64 {
        std::mem::take(&mut self.lock().unreported_drops)
    }

    /// Brings back the number that [`Accounts::take_unreported`] gave, because the server was not told.
    pub fn restore_unreported(&self, drops: u64) {
        self.lock().unreported_drops += drops;
    }

    /// Enters what became of items of dead letters.
    pub fn count_replayed(&self, replayed: ReplayCounts) {
        let mut state = self.lock();
        state.figures.replayed += replayed.delivered;
        state.figures.replay_lost += replayed.lost;
        let Some(reason) = replayed.reason else { return };
        state.figures.last_error = Some(reason.clone());
        drop(state);
        tracing::warn!(name = self.settings.name, lost = replayed.lost, reason, "records that were kept are lost");
    }

    /// Enters whether the server refuses the key.
    pub fn set_denied(&self, is_denied: bool) {
        self.lock().figures.is_denied = is_denied;
    }

    /// Enters whether dead letters are left that may be delivered.
    pub fn set_has_letters(&self, has_letters: bool) {
        self.lock().has_letters = has_letters;
        self.settled.notify_all();
    }

    /// Whether there may be dead letters to deliver.
    pub fn has_letters(&self) -> bool {
        self.lock().has_letters
    }

    /// Whether somebody waits for what is in the queue, or for the end.
    pub fn is_urgent(&self) -> bool {
        self.lock().is_urgent()
    }
}

impl<T> State<T> {
    /// Whether the caller is to start the worker, which then counts as running. A worker that died is left alone for
    /// a while, except by those who wait for it.
    fn claims_worker(&mut self, is_waiting: bool) -> bool {
        match self.worker {
            WorkerState::Absent { restart_at } if is_waiting || restart_at.is_none_or(|at| at <= Instant::now()) => {
                self.worker = WorkerState::Running;
                true
            }
            _ => false,
        }
    }

    fn is_drained(&self) -> bool {
        self.ring.is_empty() && self.in_flight == 0 && self.parking == 0
    }

    fn is_urgent(&self) -> bool {
        self.phase != Phase::Open || self.ring.first_sequence() < self.flush_before.min(self.ring.next_sequence())
    }

    fn begin_parking(&mut self, first: u64, count: u64) {
        self.parking = count;
        self.parking_first = first;
    }

    fn oldest_unsettled(&self) -> u64 {
        let in_flight = if self.in_flight > 0 { self.in_flight_first } else { u64::MAX };
        let parking = if self.parking > 0 { self.parking_first } else { u64::MAX };
        self.ring.first_sequence().min(in_flight).min(parking)
    }
}
