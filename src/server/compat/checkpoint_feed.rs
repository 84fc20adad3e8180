//! Checkpoints as they arrive: the newest ones in memory, and a feed of those that follow.
//!
//! One task reads them from the store in commit order and shares them out, so watching costs the store the same for one
//! stream as for hundreds. Whoever needs to see everything that is committed by now catches up first and so does part
//! of the task's work; the position in the store says whose turn it was, and nobody waits for a lock meanwhile.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashSet;
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::sleep;
use xxhash_rust::xxh3::Xxh3;

use crate::model::record::checkpoint_bytes;
use crate::model::time::NANOS_PER_MS;
use crate::model::{Checkpoint, Cursor, Nanos, Text};
use crate::query::facets;
use crate::server::compat::{large_traces, stored};
use crate::store::{self, Backend, Chunk};

/// How many of the newest checkpoints are kept.
const KEPT: usize = 10_000;
/// The most bytes that the kept checkpoints take.
const KEPT_BYTES: usize = 16 << 20;
/// Checkpoints read at once.
const STEP: usize = 1_000;
/// What clients call records outside any request.
const OUTSIDE: &str = "-";
/// Longest the task waits for the next ones in one go.
const WAIT: Duration = Duration::from_secs(30);
/// Pause after the store failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Chunks a slow reader may fall behind before it has to read them from the store.
const QUEUE: usize = 64;
/// Chunks larger than this are not shared out; readers get them from the store.
const SHARED_BYTES: usize = 1 << 20;

/// Checkpoints that arrived, as the feed hands them round.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// The checkpoints; `None` when they are too large to hand round.
    pub(crate) checkpoints: Option<Vec<Checkpoint>>,
    /// The place behind the checkpoints.
    pub(crate) next: Cursor,
}

/// The feed from a place on.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// Everything committed after `position`.
    pub(crate) receiver: broadcast::Receiver<Arc<Arrived>>,
    /// Where the feed begins; `None` is the beginning of the store.
    pub(crate) position: Option<Cursor>,
}

/// One of the newest checkpoints.
#[derive(Debug, Clone)]
pub(crate) struct Recent {
    /// The number of the record; later ones have larger numbers, also after a restart.
    pub(crate) number: u64,
    /// The source of the record.
    pub(crate) source_id: Box<str>,
    /// The project of the record; empty for none.
    pub(crate) project: Text,
    /// The record as `/recent` prints it, but for the number and the closing brace.
    pub(crate) json: Arc<str>,
    key: u128,
}

/// The newest checkpoints and the feed.
#[derive(Debug)]
pub(crate) struct CheckpointFeed {
    state: Mutex<State>,
    news: broadcast::Sender<Arc<Arrived>>,
    removals: AtomicU64,
}

#[derive(Debug)]
struct State {
    /// Where to read on; the outer `None` is not known yet, the inner one the beginning of the store.
    position: Option<Option<Cursor>>,
    recent: VecDeque<Recent>,
    recent_bytes: usize,
    last_number: u64,
    /// Removals that `recent` knows of.
    removals: u64,
}

impl CheckpointFeed {
    /// A feed that has read nothing yet.
    pub(crate) fn new() -> CheckpointFeed {
        // Milliseconds times a thousand: above every number of an earlier run, and exact in a double until 2255.
        let last_number = Nanos::now().0 / NANOS_PER_MS * 1_000;
        let state = State { position: None, recent: VecDeque::new(), recent_bytes: 0, last_number, removals: 0 };
        CheckpointFeed { state: Mutex::new(state), news: broadcast::channel(QUEUE).0, removals: AtomicU64::new(0) }
    }

    /// Notes that records were removed, so that some of the newest may be gone.
    pub(crate) fn removed(&self) {
        self.removals.fetch_add(1, Ordering::Relaxed);
    }

    /// How often records were removed since the start.
    pub(crate) fn removals(&self) -> u64 {
        self.removals.load(Ordering::Relaxed)
    }

    /// The newest checkpoints `wanted` says yes to, at most `most` of them, oldest first, with everything committed
    /// before the call. Only [`KEPT`] are looked at.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn recent(
        &self,
        backend: &dyn Backend,
        most: usize,
        wanted: impl Fn(&Recent) -> bool,
    ) -> store::Result<Vec<Recent>> {
        self.catch_up(backend).await?;
        self.forget_removed(backend).await?;
        let state = self.state();
        let mut found: Vec<Recent> =
            state.recent.iter().rev().filter(|recent| wanted(recent)).take(most).cloned().collect();
        found.reverse();
        Ok(found)
    }

    /// The feed of everything that is not committed yet, and perhaps of a little that is.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn subscribe(&self, backend: &dyn Backend) -> store::Result<Subscription> {
        self.catch_up(backend).await?;
        let state = self.state();
        let position = state.position.clone().ok_or(store::Error::Closed)?;
        Ok(Subscription { receiver: self.news.subscribe(), position })
    }

    /// Takes in what arrives, for ever unless the store has no feed.
    pub(crate) async fn run(&self, backend: &dyn Backend) {
        loop {
            match self.read_on(backend, WAIT).await {
                Ok(_) => {}
                Err(store::Error::Lacks { .. }) => return,
                Err(error) => {
                    tracing::debug!("cannot read what arrived: {error}");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn catch_up(&self, backend: &dyn Backend) -> store::Result<()> {
        while !self.read_on(backend, Duration::ZERO).await? {}
        Ok(())
    }

    /// Reads on by one chunk; whether that was the end.
    async fn read_on(&self, backend: &dyn Backend, wait: Duration) -> store::Result<bool> {
        let from = self.position(backend).await?;
        let chunk = match facets::feed(backend)?.scan(&stored::filter(None), from.as_ref(), STEP, wait).await {
            Ok(chunk) => chunk,
            Err(store::Error::BadCursor) => {
                self.state().position = None;
                return Err(store::Error::BadCursor);
            }
            Err(error) => return Err(error),
        };
        let at_end = chunk.at_end;
        self.take_in(&from, chunk);
        Ok(at_end)
    }

    async fn position(&self, backend: &dyn Backend) -> store::Result<Option<Cursor>> {
        let known = self.state().position.clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let start = facets::feed(backend)?.place(&stored::filter(None), KEPT).await?;
        Ok(self.state().position.get_or_insert(start).clone())
    }

    /// Takes in what was read from `from` on, unless someone else already has.
    fn take_in(&self, from: &Option<Cursor>, chunk: Chunk) {
        let mut state = self.state();
        if state.position.as_ref() != Some(from) {
            return;
        }
        state.position = Some(Some(chunk.next.clone()));
        let checkpoints = chunk.batch.checkpoints;
        if checkpoints.is_empty() {
            return;
        }
        // Records outside any request are of no interest as the newest.
        let in_a_request = |checkpoint: &&Checkpoint| checkpoint.correlation_id.as_str() != OUTSIDE;
        checkpoints.iter().filter(in_a_request).for_each(|checkpoint| state.keep_recent(checkpoint));
        if self.news.receiver_count() > 0 {
            let is_large = checkpoints.iter().map(memory_bytes).sum::<usize>() > SHARED_BYTES;
            let news = Arrived { checkpoints: (!is_large).then_some(checkpoints), next: chunk.next };
            // Fails when the last reader has just gone. Under the lock, so that nobody hears them in another order.
            let _ = self.news.send(Arc::new(news));
        }
    }

    /// Drops those of the newest that are no longer in the store.
    async fn forget_removed(&self, backend: &dyn Backend) -> store::Result<()> {
        let removals = self.removals.load(Ordering::Relaxed);
        if self.state().removals == removals {
            return Ok(());
        }
        let every = stored::filter(None);
        let start = facets::feed(backend)?.place(&every, KEPT).await?;
        let mut present = FxHashSet::default();
        large_traces::read_on(backend, &every, start, |checkpoint| {
            present.insert(checkpoint_key(checkpoint));
        })
        .await?;
        let mut state = self.state();
        state.recent.retain(|recent| present.contains(&recent.key));
        state.recent_bytes = state.recent.iter().map(|recent| recent.json.len()).sum();
        state.removals = removals;
        Ok(())
    }
}

impl State {
    fn keep_recent(&mut self, checkpoint: &Checkpoint) {
        self.last_number += 1;
        let recent = Recent {
            number: self.last_number,
            source_id: Box::from(checkpoint.source_id.as_str()),
            // A copy, lest the whole request it came with stays for it.
            project: Text::from(checkpoint.project.to_string()),
            json: recent_json(checkpoint).into(),
            key: checkpoint_key(checkpoint),
        };
        self.recent_bytes += recent.json.len();
        self.recent.push_back(recent);
        while self.recent.len() > KEPT || self.recent_bytes > KEPT_BYTES {
            let Some(oldest) = self.recent.pop_front() else { break };
            self.recent_bytes -= oldest.json.len();
        }
    }
}

/// A hash that tells one checkpoint from all others.
pub(crate) fn checkpoint_key(checkpoint: &Checkpoint) -> u128 {
    let mut hash = Xxh3::new();
    for text in [&checkpoint.correlation_id, &checkpoint.suffix] {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(&checkpoint.timestamp_ms.to_bits().to_le_bytes());
    hash.digest128()
}

/// About the bytes of memory that a checkpoint takes.
pub(crate) fn memory_bytes(checkpoint: &Checkpoint) -> usize {
    size_of::<Checkpoint>() + checkpoint_bytes(checkpoint)
}

fn recent_json(checkpoint: &Checkpoint) -> String {
    let text = |text: &str| json!(text).to_string();
    format!(
        r#""source_id":{},"correlation_id":{},"timestamp":{},"direction":{},"operation":{},"endpoint":{},"data":{}"#,
        text(&checkpoint.source_id),
        text(&checkpoint.correlation_id),
        json!(checkpoint.timestamp_ms),
        text(checkpoint.direction.as_str()),
        text(&checkpoint.operation),
        text(&checkpoint.endpoint),
        checkpoint.data.as_deref().unwrap_or("null"),
    )
}
