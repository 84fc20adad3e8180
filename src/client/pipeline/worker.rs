//! The thread that ships what a program hands over.
//!
//! One plain thread with a private tokio runtime takes batches out and posts them, so it makes no difference whether
//! the program has a runtime, or which one. While a server does not answer, a batch is tried now and then and the rest
//! goes to the dead letters at once, so that neither memory nor the program suffers; when it answers again, or at the
//! next start, the dead letters follow. The thread sleeps unless there is something to do.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use tokio::time::{sleep_until, timeout_at};

use super::{
    accounts::{Shared, Step},
    own_thread,
    replay::{Replay, Replayed},
    transport::{Delivery, Patience, Transport, is_about_content, reason},
};

/// A request that takes longer counts as trouble: what fills the ring behind it is better on disk.
const LONG_REQUEST: Duration = Duration::from_secs(1);
/// With dead letters there is no reason to wait longer for a server that asks for it.
const LONGEST_PAUSE_WITH_LETTERS: Duration = Duration::from_secs(30);
/// Without a server nothing is gained by writing more often, and each time makes a file.
const SHORTEST_SPILL_INTERVAL: Duration = Duration::from_secs(1);
/// The pause after a first outage is that of this retry.
const FIRST_OUTAGE: u32 = 3;

/// Tidies up when the worker ends, also by a panic.
struct EndOfWorker<'a, T: Send + Sync + 'static> {
    shared: &'a Shared<T>,
    error: Option<String>,
}

impl<T: Send + Sync + 'static> Drop for EndOfWorker<'_, T> {
    fn drop(&mut self) {
        self.shared.worker_ended(self.error.take());
    }
}

/// The thread: ships until the pipeline is closed.
pub(crate) fn run<T: Send + Sync + 'static>(shared: &Shared<T>) {
    own_thread::enter();
    let mut end = EndOfWorker { shared, error: None };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            end.error = Some(format!("cannot start a runtime: {error}"));
            return;
        }
    };
    match Transport::new(shared.settings().transport.clone(), shared.activity().clone()) {
        Ok(transport) => runtime.block_on(Shipping::new(shared, transport).work()),
        Err(error) => {
            let reason = format!("cannot set up HTTP: {}", reason(error));
            shared.warn_of_failure(&reason);
            end.error = Some(reason);
        }
    }
    // Does not wait for a name lookup that hangs.
    runtime.shutdown_background();
}

/// While the server does not answer.
#[derive(Debug, Clone, Copy)]
struct Outage {
    failures: u32,
    retry_at: Instant,
}

struct Shipping<'a, T> {
    shared: &'a Shared<T>,
    transport: Transport,
    outage: Option<Outage>,
    replay: Replay,
    denial: Denial,
}

/// Whether the server refuses dead letters for what is not in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Denial {
    No,
    /// They wait until it takes something else.
    Once,
    /// Also while it takes what is new: they wait for the next start of the program.
    Again,
}

impl<'a, T: Send + Sync + 'static> Shipping<'a, T> {
    fn new(shared: &'a Shared<T>, transport: Transport) -> Shipping<'a, T> {
        Shipping { shared, transport, outage: None, replay: Replay::default(), denial: Denial::No }
    }

    async fn work(mut self) {
        if let Some(letters) = self.shared.settings().wire.dead_letters() {
            letters.tidy();
            self.replay.at = self.shared.has_letters().then(Instant::now);
        }
        let mut linger_until: Option<Instant> = None;
        loop {
            let has_lingered = linger_until.is_some_and(|until| until <= Instant::now());
            match self.shared.next_step(has_lingered, self.outage.map(|outage| outage.retry_at)) {
                Step::Stop => break,
                Step::Idle => {
                    linger_until = None;
                    self.wait(None).await;
                }
                Step::Linger => {
                    let interval = self.shared.settings().flush_interval;
                    let interval = self.outage.map_or(interval, |_| interval.max(SHORTEST_SPILL_INTERVAL));
                    let until = *linger_until.get_or_insert_with(|| Instant::now() + interval);
                    self.wait(Some(until)).await;
                }
                Step::Spill(items) => {
                    linger_until = None;
                    self.shared.spill(&items);
                    self.replay.at = self.replay.at.or(self.outage.map(|outage| outage.retry_at));
                }
                Step::Ship(batch) => {
                    linger_until = None;
                    let shared = self.shared;
                    tokio::select! {
                        biased;
                        () = shared.abandon.notified() => break,
                        () = self.ship(&batch) => {}
                    }
                }
            }
        }
        self.replay.put_back(self.shared.settings().wire.dead_letters());
    }

    /// Waits for the next item or the time, and uses it for the dead letters.
    async fn wait(&mut self, until: Option<Instant>) {
        let wakes_at = [until, self.replay.at].into_iter().flatten().min();
        match wakes_at {
            None => self.shared.wake.notified().await,
            Some(at) if self.replay.at == Some(at) && at <= Instant::now() => self.replay_portion().await,
            Some(at) => {
                let _ = timeout_at(at.into(), self.shared.wake.notified()).await;
            }
        }
    }

    /// Delivers a batch. One bad or oversized item must not cost its neighbours, so a batch refused for what is in it
    /// goes again in halves.
    async fn ship(&mut self, batch: &Arc<Vec<T>>) {
        let wire = &self.shared.settings().wire;
        let mut lost = self.shared.take_lost();
        let mut parts: Vec<&[T]> = vec![batch];
        while let Some(part) = parts.pop() {
            let count = part.len() as u64;
            match self.deliver(part, lost).await {
                Delivery::Delivered(answer) => {
                    let (refused, reason) = wire.refused(&answer).unwrap_or_default();
                    let refused = refused.min(count);
                    if refused > 0 {
                        self.shared.settle(refused, Some(reason));
                    }
                    if refused < count {
                        self.shared.settle(count - refused, None);
                    }
                    lost = 0;
                    self.end_outage();
                }
                Delivery::Refused { status, .. } if part.len() > 1 && is_about_content(status) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Delivery::Refused { status, reason } if is_about_content(status) || wire.dead_letters().is_none() => {
                    self.shared.settle(count, Some(reason));
                }
                Delivery::Exhausted { reason, .. } if wire.dead_letters().is_none() => {
                    self.shared.settle(count, Some(reason));
                }
                Delivery::Refused { status, reason } => {
                    self.shared.set_denied(is_about_key(status));
                    self.begin_outage(reason, None);
                    break;
                }
                Delivery::Exhausted { reason, retry_after } => {
                    self.begin_outage(reason, retry_after);
                    break;
                }
            }
        }
        if lost > 0 {
            self.shared.give_back_lost(lost);
        }
    }

    /// Posts a part of a batch, and keeps the ring from overflowing meanwhile when there is trouble.
    async fn deliver(&mut self, part: &[T], lost: u64) -> Delivery {
        let settings = self.shared.settings();
        let patience = match (settings.wire.dead_letters(), self.outage) {
            (None, _) => Patience { retries: settings.transport.retries, longest_pause: Duration::MAX },
            (Some(_), outage) => Patience {
                retries: if outage.is_some() { 0 } else { settings.transport.retries },
                longest_pause: LONGEST_PAUSE_WITH_LETTERS,
            },
        };
        let mut is_in_trouble = self.outage.is_some();
        let trouble_at = Instant::now() + LONG_REQUEST;
        let delivery = self.transport.deliver(settings.wire.body(part, lost), patience);
        let mut delivery = std::pin::pin!(delivery);
        loop {
            tokio::select! {
                biased;
                delivery = &mut delivery => return delivery,
                () = sleep_until(trouble_at.into()), if !is_in_trouble => {
                    is_in_trouble = true;
                    self.shared.spill_if_half_full();
                }
                () = self.shared.wake.notified() => {
                    if self.shared.is_given_up() {
                        let reason = "the server did not answer in time".to_owned();
                        return Delivery::Exhausted { reason, retry_after: None };
                    }
                    if is_in_trouble {
                        self.shared.spill_if_half_full();
                    }
                }
            }
        }
    }

    fn begin_outage(&mut self, reason: String, retry_after: Option<Duration>) {
        self.shared.park_in_flight(reason);
        self.prolong_outage(retry_after);
    }

    fn prolong_outage(&mut self, retry_after: Option<Duration>) {
        let failures = self.outage.map_or(0, |outage| outage.failures);
        let pause =
            self.transport.pause_after(failures.saturating_add(FIRST_OUTAGE)).max(retry_after.unwrap_or_default());
        let retry_at = Instant::now() + pause;
        self.outage = Some(Outage { failures: failures.saturating_add(1), retry_at });
        self.replay.at = self.shared.has_letters().then_some(retry_at);
    }

    fn end_outage(&mut self) {
        if self.denial == Denial::Once && self.replay.at.is_none() {
            self.denial = Denial::Again;
            self.shared.set_has_letters(true);
            self.replay.at = Some(Instant::now());
        }
        if self.outage.take().is_some() && self.shared.has_letters() {
            self.replay.at = Some(Instant::now());
        }
    }

    /// Sends the next few dead letters, unless somebody waits for something else.
    async fn replay_portion(&mut self) {
        let shared = self.shared;
        let replayed = {
            let portion = self.replay.portion(shared.settings(), &mut self.transport);
            let mut portion = std::pin::pin!(portion);
            loop {
                tokio::select! {
                    biased;
                    replayed = &mut portion => break replayed,
                    () = shared.abandon.notified() => return,
                    () = shared.wake.notified() => {
                        if shared.is_urgent() {
                            return;
                        }
                    }
                }
            }
        };
        match replayed {
            Replayed::Nothing => {
                self.replay.at = None;
                shared.set_has_letters(false);
            }
            Replayed::Some(portion) => {
                if portion.delivered > 0 {
                    self.outage = None;
                    self.denial = Denial::No;
                }
                shared.count_replayed(portion);
            }
            Replayed::Later { retry_after } => self.prolong_outage(retry_after),
            Replayed::Denied => {
                if self.denial == Denial::No {
                    self.denial = Denial::Once;
                }
                self.replay.at = None;
                shared.set_has_letters(false);
            }
        }
    }
}

/// Whether the server would take the records with another key.
fn is_about_key(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}
