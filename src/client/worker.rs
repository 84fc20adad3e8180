//! The thread that ships what a program hands over, and the accounts of it.
//!
//! A program's threads only push into a ring under a short lock. One plain thread with a private tokio runtime takes
//! batches out and posts them, so it makes no difference whether the program has a runtime, or which one. Every item
//! is counted once: `sends == sent + dropped + failed + queued + in_flight` holds whenever the lock is free.
//! Which process this runs in, [`super::pipeline`] sees to.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::StatusCode;
use tokio::{sync::Notify, time::timeout_at};

use super::{
    queue::{Limits, Ring},
    transport::{Activity, Delivery, Transport, TransportSettings},
};

/// How long a worker that died is left alone before a send starts another.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// What a pipeline does.
#[derive(Debug)]
pub(crate) struct PipelineSettings<T> {
    /// Name of the thread.
    pub name: &'static str,
    /// Bounds of what waits.
    pub limits: Limits,
    /// Items in one request, at most; so many waiting are shipped at once.
    pub batch_size: usize,
    /// Longest time an item waits for others to fill its batch.
    pub flush_interval: Duration,
    /// Makes one body of a batch.
    pub encode: fn(&[T]) -> Bytes,
    /// Where the bodies go.
    pub transport: TransportSettings,
    /// The id of the running process.
    pub process_id: fn() -> u32,
}

/// What became of everything that was handed over, when a client was closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Records the server has.
    pub sent: u64,
    /// Records that never went out: the queue was full, the client was closed, or the time was up.
    pub dropped: u64,
    /// Records that went out and were refused, or not acknowledged by the last attempt or the deadline.
    pub failed: u64,
}

impl Report {
    /// Whether every record reached the server.
    pub fn is_complete(&self) -> bool {
        self.dropped == 0 && self.failed == 0
    }
}

/// Counters of a client at one moment; `sends` is the sum of the next five.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientStats {
    /// Records handed over.
    pub sends: u64,
    /// Records the server has.
    pub sent: u64,
    /// Records that never went out.
    pub dropped: u64,
    /// Records that went out and were refused or not acknowledged.
    pub failed: u64,
    /// Records that wait.
    pub queued: u64,
    /// Records in the request under way.
    pub in_flight: u64,
    /// HTTP requests made.
    pub requests: u64,
    /// How many of them repeated an earlier one.
    pub retries: u64,
    /// Why the last batch that failed did; `None` when none has.
    pub last_error: Option<String>,
}

/// What the program's threads and the worker share.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    settings: Arc<PipelineSettings<T>>,
    activity: Arc<Activity>,
    state: Mutex<State<T>>,
    /// Tells flushing and closing threads that something was settled.
    settled: Condvar,
    /// Tells the worker to look at the state again.
    wake: Notify,
    /// Tells the worker to let go of the request under way.
    abandon: Notify,
}

/// The queue and the accounts, under one lock.
#[derive(Debug)]
pub(crate) struct State<T> {
    ring: Ring<T>,
    phase: Phase,
    worker: Worker,
    /// So many items in the ring wake the worker; `None` while it is awake.
    wake_at: Option<usize>,
    in_flight: u64,
    in_flight_first: u64,
    /// Items with sequence numbers below this do not wait for a full batch.
    flush_before: u64,
    sends: u64,
    report: Report,
    last_error: Option<String>,
    failing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Takes nothing more and ships what it has.
    Closing,
    /// All accounts are settled; what the worker still does is not counted again.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worker {
    Absent { restart_at: Option<Instant> },
    Running,
}

enum Step<T> {
    Ship(Vec<T>),
    /// Wait for more until the batch is full or old enough.
    Linger,
    Idle,
    Stop,
}

impl<T: Send + 'static> Shared<T> {
    /// Empty accounts; the thread starts with the first item.
    pub fn new(settings: &Arc<PipelineSettings<T>>) -> Shared<T> {
        let state = State {
            ring: Ring::new(settings.limits),
            phase: Phase::Open,
            worker: Worker::Absent { restart_at: None },
            wake_at: None,
            in_flight: 0,
            in_flight_first: 0,
            flush_before: 0,
            sends: 0,
            report: Report::default(),
            last_error: None,
            failing: false,
        };
        Shared {
            settings: settings.clone(),
            activity: Arc::default(),
            state: Mutex::new(state),
            settled: Condvar::new(),
            wake: Notify::new(),
            abandon: Notify::new(),
        }
    }

    /// The accounts, for a moment.
    pub fn lock(&self) -> MutexGuard<'_, State<T>> {
        // The state is a set of counters that is consistent after each statement that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters one item of about `bytes` bytes; never waits for the network.
    pub fn send(self: &Arc<Self>, item: T, bytes: usize) {
        let mut state = self.lock();
        state.sends += 1;
        if state.phase != Phase::Open {
            state.report.dropped += 1;
            return;
        }
        state.report.dropped += state.ring.push(item, bytes);
        let wakes = state.wake_at.is_some_and(|count| state.ring.len() >= count);
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

    /// Waits until all that was entered before is settled, or the deadline; whether it is.
    pub fn flush(self: &Arc<Self>, deadline: Instant) -> bool {
        let mut state = self.lock();
        let target = state.ring.next_sequence();
        state.flush_before = state.flush_before.max(target);
        state.wake_at = None;
        let needs_worker = !state.ring.is_empty() && state.claims_worker(true);
        drop(state);
        if needs_worker {
            self.start_worker();
        }
        self.wake.notify_one();
        self.wait(deadline, |state| state.oldest_unsettled() >= target || state.worker != Worker::Running);
        self.lock().oldest_unsettled() >= target
    }

    /// Ships what is left until the deadline, counts the rest as lost, and takes nothing more.
    pub fn close(self: &Arc<Self>, deadline: Instant) -> Report {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        state.wake_at = None;
        let needs_worker = !state.ring.is_empty() && state.claims_worker(true);
        drop(state);
        if needs_worker {
            self.start_worker();
        }
        self.wake.notify_one();
        self.wait(deadline, |state| state.is_drained() || state.worker != Worker::Running);

        let mut state = self.lock();
        state.phase = Phase::Closed;
        state.report.dropped += state.ring.clear();
        state.report.failed += std::mem::take(&mut state.in_flight);
        let report = state.report;
        drop(state);
        self.abandon.notify_one();
        self.wake.notify_one();
        self.settled.notify_all();
        report
    }

    /// The counters now.
    pub fn stats(&self) -> ClientStats {
        let state = self.lock();
        ClientStats {
            sends: state.sends,
            sent: state.report.sent,
            dropped: state.report.dropped,
            failed: state.report.failed,
            queued: state.ring.len() as u64,
            in_flight: state.in_flight,
            requests: self.activity.requests(),
            retries: self.activity.retries(),
            last_error: state.last_error.clone(),
        }
    }

    /// Waits until `is_done` or the deadline.
    fn wait(&self, deadline: Instant, is_done: impl Fn(&State<T>) -> bool) {
        let mut state = self.lock();
        while !is_done(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.settled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Starts the thread that was claimed; it is waited for by its accounts, never joined, because a join has no
    /// deadline and does not end in a forked child.
    fn start_worker(self: &Arc<Self>) {
        let shared = self.clone();
        let started = thread::Builder::new().name(self.settings.name.to_owned()).spawn(move || run(&shared));
        if let Err(error) = started {
            self.worker_ended(Some(format!("cannot start a thread: {error}")));
        }
    }

    /// Gives up what a worker left behind, so that a later send starts another.
    fn worker_ended(&self, error: Option<String>) {
        let mut state = self.lock();
        state.worker = Worker::Absent { restart_at: Some(Instant::now() + RESTART_PAUSE) };
        state.report.failed += std::mem::take(&mut state.in_flight);
        state.wake_at = None;
        state.last_error = error.or(state.last_error.take());
        drop(state);
        self.settled.notify_all();
    }

    fn next_step(&self, has_lingered: bool) -> Step<T> {
        let mut state = self.lock();
        if state.phase == Phase::Closed || (state.phase == Phase::Closing && state.ring.is_empty()) {
            return Step::Stop;
        }
        if state.ring.is_empty() {
            state.wake_at = Some(1);
            return Step::Idle;
        }
        let first = state.ring.first_sequence();
        let is_due = has_lingered || state.phase == Phase::Closing || first < state.flush_before;
        if !is_due && state.ring.len() < self.settings.batch_size {
            state.wake_at = Some(self.settings.batch_size);
            return Step::Linger;
        }
        let batch = state.ring.take(self.settings.batch_size);
        state.in_flight = batch.len() as u64;
        state.in_flight_first = first;
        Step::Ship(batch)
    }

    /// Enters `count` items of the batch under way as sent, or as failed for a reason.
    fn settle(&self, count: usize, failure: Option<String>) {
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            return;
        }
        let count = count as u64;
        state.in_flight = state.in_flight.saturating_sub(count);
        state.in_flight_first += count;
        let was_failing = std::mem::replace(&mut state.failing, failure.is_some());
        match &failure {
            None => state.report.sent += count,
            Some(reason) => {
                state.report.failed += count;
                state.last_error = Some(reason.clone());
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
}

impl<T> State<T> {
    /// Whether the caller is to start the worker, which then counts as running. A worker that died is left alone for
    /// a while, except by those who wait for it.
    fn claims_worker(&mut self, is_waiting: bool) -> bool {
        match self.worker {
            Worker::Absent { restart_at } if is_waiting || restart_at.is_none_or(|at| at <= Instant::now()) => {
                self.worker = Worker::Running;
                true
            }
            _ => false,
        }
    }

    fn is_drained(&self) -> bool {
        self.ring.is_empty() && self.in_flight == 0
    }

    fn oldest_unsettled(&self) -> u64 {
        if self.in_flight > 0 { self.in_flight_first } else { self.ring.first_sequence() }
    }
}

/// Tidies up when the worker ends, also by a panic.
struct EndOfWorker<'a, T: Send + 'static> {
    shared: &'a Shared<T>,
    error: Option<String>,
}

impl<T: Send + 'static> Drop for EndOfWorker<'_, T> {
    fn drop(&mut self) {
        self.shared.worker_ended(self.error.take());
    }
}

fn run<T: Send + 'static>(shared: &Shared<T>) {
    let mut end = EndOfWorker { shared, error: None };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            end.error = Some(format!("cannot start a runtime: {error}"));
            return;
        }
    };
    match Transport::new(shared.settings.transport.clone(), shared.activity.clone()) {
        Ok(transport) => runtime.block_on(work(shared, transport)),
        Err(error) => end.error = Some(format!("cannot set up HTTP: {error}")),
    }
    // Does not wait for a name lookup that hangs.
    runtime.shutdown_background();
}

async fn work<T: Send + 'static>(shared: &Shared<T>, mut transport: Transport) {
    let mut linger_until: Option<tokio::time::Instant> = None;
    loop {
        let now = tokio::time::Instant::now();
        match shared.next_step(linger_until.is_some_and(|until| until <= now)) {
            Step::Stop => return,
            Step::Idle => {
                linger_until = None;
                shared.wake.notified().await;
            }
            Step::Linger => {
                let until = *linger_until.get_or_insert(now + shared.settings.flush_interval);
                let _ = timeout_at(until, shared.wake.notified()).await;
            }
            Step::Ship(batch) => {
                linger_until = None;
                tokio::select! {
                    biased;
                    () = shared.abandon.notified() => return,
                    () = ship(shared, &mut transport, batch) => {}
                }
            }
        }
    }
}

/// Delivers a batch. One bad or oversized item must not cost its neighbours, so a batch refused for what is in it goes
/// again in halves.
async fn ship<T: Send + 'static>(shared: &Shared<T>, transport: &mut Transport, batch: Vec<T>) {
    let mut parts = vec![batch];
    while let Some(mut part) = parts.pop() {
        match transport.deliver((shared.settings.encode)(&part)).await {
            Delivery::Delivered => shared.settle(part.len(), None),
            Delivery::Refused { status, .. } if part.len() > 1 && is_about_content(status) => {
                parts.push(part.split_off(part.len() / 2));
                parts.push(part);
            }
            Delivery::Refused { reason, .. } | Delivery::Exhausted(reason) => {
                shared.settle(part.len(), Some(reason));
            }
        }
    }
}

fn is_about_content(status: StatusCode) -> bool {
    matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY)
}
