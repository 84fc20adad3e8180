//! The thread that ships what a program hands over.
//!
//! One plain thread with a private tokio runtime takes batches out and posts them, so it makes no difference whether
//! the program has a runtime, or which one. While a server does not answer, a batch is tried now and then and the rest
//! goes to the dead letters at once, so that neither memory nor the program suffers; when it answers again, or at the
//! next start, the dead letters follow. The thread sleeps unless there is something to do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use tokio::time::{sleep_until, timeout_at};

use super::accounts::{Accounts, Task};
use super::own_thread;
use super::replay::{PortionOutcome, Replay};
use super::transport::{Delivery, Patience, Transport, is_about_content};
use crate::causes::with_causes;

/// A request that takes longer counts as trouble: what fills the ring behind it is better on disk.
const LONG_REQUEST: Duration = Duration::from_secs(1);
/// Longest pause a server may ask for that is waited for where there are dead letters.
const LONGEST_PAUSE_WITH_LETTERS: Duration = Duration::from_secs(30);
/// Dead letters are written at most this often while there is no server: each time makes a file.
const SHORTEST_SPILL_INTERVAL: Duration = Duration::from_secs(1);
/// The pause after a first outage is as long as the one after the retry with this number.
const FIRST_OUTAGE: u32 = 3;

/// Tidies up when the worker ends, also by a panic.
struct EndOfWorker<'a, T: Send + Sync + 'static> {
    accounts: &'a Accounts<T>,
    error: Option<String>,
}

impl<T: Send + Sync + 'static> Drop for EndOfWorker<'_, T> {
    fn drop(&mut self) {
        self.accounts.worker_ended(self.error.take());
    }
}

/// Ships until the pipeline is closed; the whole work of the thread.
pub(crate) fn run<T: Send + Sync + 'static>(accounts: &Accounts<T>) {
    own_thread::mark();
    let mut end = EndOfWorker { accounts, error: None };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            end.error = Some(format!("cannot start a runtime: {error}"));
            return;
        }
    };
    match Transport::new(&accounts.settings, accounts.activity.clone()) {
        Ok(transport) => runtime.block_on(Worker::new(accounts, transport).work()),
        Err(error) => {
            let reason = format!("cannot set up HTTP: {}", with_causes(&error));
            accounts.warn_of_failure(&reason);
            end.error = Some(reason);
        }
    }
    // Does not wait for a name lookup that hangs.
    runtime.shutdown_background();
}

/// A time in which the server does not answer.
#[derive(Debug, Clone, Copy)]
struct Outage {
    failures: u32,
    retry_at: Instant,
}

/// What the thread that ships holds while it runs.
struct Worker<'a, T> {
    accounts: &'a Accounts<T>,
    transport: Transport,
    outage: Option<Outage>,
    replay: Replay,
    denial: Denial,
}

/// Whether the server refuses dead letters for what is not in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Denial {
    /// The server refused none, or was not asked.
    No,
    /// The server refused dead letters once: they wait until it takes something else.
    Once,
    /// The server refused dead letters while it takes what is new: they wait for the next start of the program.
    Again,
}

impl<'a, T: Send + Sync + 'static> Worker<'a, T> {
    fn new(accounts: &'a Accounts<T>, transport: Transport) -> Worker<'a, T> {
        Worker { accounts, transport, outage: None, replay: Replay::default(), denial: Denial::No }
    }

    async fn work(mut self) {
        if let Some(letters) = self.accounts.settings.encoding.dead_letters() {
            letters.tidy();
            self.replay.at = self.accounts.has_letters().then(Instant::now);
        }
        let mut linger_until: Option<Instant> = None;
        loop {
            let has_lingered = linger_until.is_some_and(|until| until <= Instant::now());
            match self.accounts.next_task(has_lingered, self.outage.map(|outage| outage.retry_at)) {
                Task::Stop => break,
                Task::Idle => {
                    linger_until = None;
                    self.wait(None).await;
                }
                Task::Linger => {
                    let interval = self.accounts.settings.pace.flush_interval;
                    let interval = self.outage.map_or(interval, |_| interval.max(SHORTEST_SPILL_INTERVAL));
                    let until = *linger_until.get_or_insert_with(|| Instant::now() + interval);
                    self.wait(Some(until)).await;
                }
                Task::Spill(items) => {
                    linger_until = None;
                    self.accounts.spill(&items);
                    self.replay.at = self.replay.at.or(self.outage.map(|outage| outage.retry_at));
                }
                Task::Ship(batch) => {
                    linger_until = None;
                    let accounts = self.accounts;
                    tokio::select! {
                        biased;
                        () = accounts.abandon.notified() => break,
                        () = self.ship(&batch) => {}
                    }
                }
            }
        }
        if let Some(letters) = self.accounts.settings.encoding.dead_letters() {
            self.replay.put_back(letters);
        }
    }

    /// Waits for the next item or a moment, and uses the time for the dead letters.
    async fn wait(&mut self, until: Option<Instant>) {
        let wakes_at = [until, self.replay.at].into_iter().flatten().min();
        match wakes_at {
            None => self.accounts.wake.notified().await,
            Some(at) if self.replay.at == Some(at) && at <= Instant::now() => self.replay_portion().await,
            Some(at) => {
                let _ = timeout_at(at.into(), self.accounts.wake.notified()).await;
            }
        }
    }

    /// Delivers a batch. One bad or oversized item must not cost its neighbours, so a batch refused for what is in it
    /// goes again in halves.
    async fn ship(&mut self, batch: &Arc<Vec<T>>) {
        let encoding = &self.accounts.settings.encoding;
        let has_letters = encoding.dead_letters().is_some();
        let mut unreported = self.accounts.take_unreported();
        let mut parts: Vec<&[T]> = vec![batch];
        while let Some(part) = parts.pop() {
            let count = part.len() as u64;
            match self.deliver(part, unreported).await {
                Delivery::Delivered(answer) => {
                    let mut kept = count;
                    if let Some(refusals) = encoding.read_refusals(&answer) {
                        kept = count.saturating_sub(refusals.count);
                        self.accounts.settle(count - kept, Some(refusals.reason));
                    }
                    if kept > 0 {
                        self.accounts.settle(kept, None);
                    }
                    unreported = 0;
                    self.end_outage();
                }
                Delivery::Refused { status, .. } if part.len() > 1 && is_about_content(status) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Delivery::Refused { status, reason } if is_about_content(status) || !has_letters => {
                    self.accounts.settle(count, Some(reason));
                }
                Delivery::Exhausted { reason, .. } if !has_letters => self.accounts.settle(count, Some(reason)),
                Delivery::Refused { status, reason } => {
                    self.accounts.set_denied(is_about_key(status));
                    self.begin_outage(reason, None);
                    break;
                }
                Delivery::Exhausted { reason, retry_after } => {
                    self.begin_outage(reason, retry_after);
                    break;
                }
            }
        }
        if unreported > 0 {
            self.accounts.restore_unreported(unreported);
        }
    }

    /// Posts a part of a batch, and keeps the ring from overflowing meanwhile when there is trouble.
    async fn deliver(&mut self, part: &[T], unreported: u64) -> Delivery {
        let settings = &self.accounts.settings;
        let mut is_in_trouble = self.outage.is_some();
        let has_letters = settings.encoding.dead_letters().is_some();
        let patience = Patience {
            retries: if is_in_trouble { 0 } else { settings.pace.retries },
            longest_pause: if has_letters { LONGEST_PAUSE_WITH_LETTERS } else { Duration::MAX },
        };
        let trouble_at = Instant::now() + LONG_REQUEST;
        let delivery = self.transport.deliver(settings.encoding.encode_batch(part, unreported), patience);
        let mut delivery = std::pin::pin!(delivery);
        loop {
            tokio::select! {
                biased;
                delivery = &mut delivery => return delivery,
                () = sleep_until(trouble_at.into()), if !is_in_trouble => {
                    is_in_trouble = true;
                    self.accounts.spill_if_half_full();
                }
                () = self.accounts.wake.notified() => {
                    if self.accounts.is_given_up() {
                        let reason = "the server did not answer in time".to_owned();
                        return Delivery::Exhausted { reason, retry_after: None };
                    }
                    if is_in_trouble {
                        self.accounts.spill_if_half_full();
                    }
                }
            }
        }
    }

    fn begin_outage(&mut self, reason: String, retry_after: Option<Duration>) {
        self.accounts.park_in_flight(reason);
        self.prolong_outage(retry_after);
    }

    fn prolong_outage(&mut self, retry_after: Option<Duration>) {
        let failures = self.outage.map_or(0, |outage| outage.failures);
        let pause =
            self.transport.pause_after(failures.saturating_add(FIRST_OUTAGE)).max(retry_after.unwrap_or_default());
        let retry_at = Instant::now() + pause;
        self.outage = Some(Outage { failures: failures.saturating_add(1), retry_at });
        self.replay.at = self.accounts.has_letters().then_some(retry_at);
    }

    fn end_outage(&mut self) {
        if self.denial == Denial::Once && self.replay.at.is_none() {
            self.denial = Denial::Again;
            self.accounts.set_has_letters(true);
            self.replay.at = Some(Instant::now());
        }
        if self.outage.take().is_some() && self.accounts.has_letters() {
            self.replay.at = Some(Instant::now());
        }
    }

    /// Sends the next few dead letters, unless somebody waits for something else.
    async fn replay_portion(&mut self) {
        let accounts = self.accounts;
        let replayed = {
            let portion = self.replay.send_portion(&accounts.settings, &mut self.transport);
            let mut portion = std::pin::pin!(portion);
            loop {
                tokio::select! {
                    biased;
                    replayed = &mut portion => break replayed,
                    () = accounts.abandon.notified() => return,
                    () = accounts.wake.notified() => {
                        if accounts.is_urgent() {
                            return;
                        }
                    }
                }
            }
        };
        match replayed {
            PortionOutcome::Nothing => {
                self.replay.at = None;
                accounts.set_has_letters(false);
            }
            PortionOutcome::Some(portion) => {
                if portion.delivered > 0 {
                    self.outage = None;
                    self.denial = Denial::No;
                }
                accounts.count_replayed(portion);
            }
            PortionOutcome::Later { retry_after } => self.prolong_outage(retry_after),
            PortionOutcome::Denied => {
                if self.denial == Denial::No {
                    self.denial = Denial::Once;
                }
                self.replay.at = None;
                accounts.set_has_letters(false);
            }
        }
    }
}

/// Whether a status says that the server would take the records with another key.
fn is_about_key(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}
