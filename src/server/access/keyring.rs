//! The keys of the store in memory, so that no request waits for the store, and what is noted about their use.
//!
//! What this server changes is known here at once; what anybody else changes, within half a second. A store that cannot
//! be read changes nothing: who was let in still is, and nobody else.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::sync::watch;

use crate::model::time::NANOS_PER_SECOND;
use crate::model::{Key, Nanos, Text};
use crate::query::facets;
use crate::secret;
use crate::server::stopping::stops_within;
use crate::store::{self, Backend};

/// How often the store is asked whether its keys changed.
const POLL: Duration = Duration::from_millis(500);
/// How far what the store says of the last use may lag behind.
const LAG_NS: u64 = 60 * NANOS_PER_SECOND;

/// A key and when it was last used.
#[derive(Debug)]
pub(crate) struct Holder {
    /// The key, as it was when it was looked up.
    pub(crate) key: Key,
    /// When the key was last used, unix nanoseconds; 0 is never.
    used_ns: AtomicU64,
}

impl Holder {
    /// Notes that the key is used now.
    pub(crate) fn note_use(&self) {
        self.used_ns.fetch_max(Nanos::now().0, Ordering::Relaxed);
    }

    fn used_ns(&self) -> u64 {
        self.used_ns.load(Ordering::Relaxed)
    }
}

type Holders = Arc<Vec<Arc<Holder>>>;

/// All keys ever issued.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    holders: RwLock<Holders>,
    /// Counts changes of what keys permit.
    changes: watch::Sender<u64>,
}

impl Keyring {
    /// Whether no key was ever issued.
    pub(crate) fn is_empty(&self) -> bool {
        self.holders().is_empty()
    }

    /// How many keys work.
    pub(crate) fn working(&self) -> usize {
        self.holders().iter().filter(|holder| holder.key.revoked.is_none()).count()
    }

    /// The key with this digest. Every key is looked at to its end, so the time says nothing about any.
    pub(crate) fn find(&self, digest: &[u8; 32]) -> Option<Arc<Holder>> {
        let holders = self.holders();
        holders.iter().fold(None, |found, holder| match secret::is_equal(&holder.key.digest, digest) {
            true => Some(Arc::clone(holder)),
            false => found,
        })
    }

    /// A receiver that is told of every change of what keys permit from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Takes in a key that was issued or revoked.
    pub(crate) fn learn(&self, key: Key) {
        self.replace(|known| {
            let mut keys: Vec<Key> = known.iter().map(|holder| holder.key.clone()).collect();
            match keys.iter_mut().find(|known| known.digest == key.digest) {
                Some(known) => *known = key,
                None => keys.push(key),
            }
            keys
        });
    }

    /// Takes in the keys of the store.
    ///
    /// # Errors
    /// The store cannot be read; nothing changes then.
    pub(crate) async fn reload(&self, backend: &dyn Backend) -> store::Result<()> {
        let before = *self.changes.borrow();
        // A store without keys lets in whom a server without keys lets in.
        let Some(store) = backend.keys() else { return Ok(()) };
        let keys = facets::if_offered(store.list_keys().await)?.unwrap_or_default();
        // What was learnt meanwhile may be newer than what was read.
        if *self.changes.borrow() == before {
            self.replace(|_| keys);
        }
        Ok(())
    }

    /// Writes down when keys were used; only what lags far behind unless `all` is asked for.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(crate) async fn write_uses(&self, backend: &dyn Backend, all: bool) -> store::Result<()> {
        let lags = |holder: &&Arc<Holder>| {
            let written_ns = holder.key.last_used.map_or(0, |time| time.0);
            let lag_ns = holder.used_ns().saturating_sub(written_ns);
            lag_ns > if all || written_ns == 0 { 0 } else { LAG_NS }
        };
        let used: Vec<(Text, Nanos)> =
            self.holders().iter().filter(lags).map(|holder| (holder.key.id.clone(), Nanos(holder.used_ns()))).collect();
        match backend.keys() {
            Some(store) if !used.is_empty() => store.touch_keys(&used).await,
            _ => Ok(()),
        }
    }

    /// Follows the keys of the store, and tells it of their use, until the server stops.
    pub(crate) async fn follow(&self, backend: &dyn Backend, stopping: watch::Receiver<bool>) {
        while !stops_within(POLL, &stopping).await {
            let turn = async {
                self.reload(backend).await?;
                self.write_uses(backend, false).await
            };
            if let Err(error) = turn.await {
                tracing::debug!("cannot look after the keys: {error}");
            }
        }
    }

    fn holders(&self) -> Holders {
        Arc::clone(&self.holders.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, keys: impl FnOnce(&Holders) -> Vec<Key>) {
        let mut holders = self.holders.write().unwrap_or_else(PoisonError::into_inner);
        let keys = keys(&holders);
        if keys.iter().eq(holders.iter().map(|holder| &holder.key)) {
            return;
        }
        let known: FxHashMap<[u8; 32], &Arc<Holder>> =
            holders.iter().map(|holder| (holder.key.digest, holder)).collect();
        let next: Vec<Arc<Holder>> = keys.into_iter().map(|key| keep_use(&known, key)).collect();
        let permits = |holder: &Arc<Holder>| (holder.key.digest, holder.key.revoked.is_some());
        let is_change = !next.iter().map(permits).eq(holders.iter().map(permits));
        *holders = Arc::new(next);
        drop(holders);
        if is_change {
            self.changes.send_modify(|changes| *changes += 1);
        }
    }
}

/// The holder of a key, with what is known of its use.
fn keep_use(known: &FxHashMap<[u8; 32], &Arc<Holder>>, key: Key) -> Arc<Holder> {
    match known.get(&key.digest) {
        Some(holder) if holder.key == key => Arc::clone(holder),
        known => Arc::new(Holder { key, used_ns: known.map_or(0, |holder| holder.used_ns()).into() }),
    }
}

/// Returns once `is_over` says so, asked again after every change.
pub(crate) async fn wait_until(mut changes: watch::Receiver<u64>, is_over: impl Fn() -> bool + Send) {
    while !is_over() {
        // Without a sender there are no keys any more, nor a server.
        if changes.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::KeyScope, secret::ApiKey};

    fn key() -> Key {
        ApiKey::issue("shop", &[KeyScope::Ingest], Nanos(1)).expect("random numbers").1
    }

    #[test]
    fn what_is_learnt_is_found_and_its_use_survives_its_revocation() {
        let (ring, key, other) = (Keyring::default(), key(), key());
        assert!(ring.is_empty() && ring.find(&key.digest).is_none());
        ring.learn(key.clone());
        ring.learn(other.clone());
        ring.find(&key.digest).expect("known").note_use();
        ring.learn(Key { revoked: Some(Nanos(9)), ..key.clone() });
        let found = ring.find(&key.digest).expect("still known");
        assert_eq!(found.key.revoked, Some(Nanos(9)));
        assert!(found.used_ns() > 0 && ring.find(&other.digest).is_some_and(|other| other.used_ns() == 0));
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_a_revocation_and_not_of_a_use() {
        let (ring, key) = (Keyring::default(), key());
        ring.learn(key.clone());
        let mut changes = ring.changes();
        changes.mark_unchanged();
        ring.learn(Key { last_used: Some(Nanos(5)), ..key.clone() });
        assert!(!changes.has_changed().expect("a sender"));
        let is_over = || ring.find(&key.digest).is_none_or(|holder| holder.key.revoked.is_some());
        let waiting = wait_until(ring.changes(), is_over);
        ring.learn(Key { revoked: Some(Nanos(9)), ..key.clone() });
        waiting.await;
    }
}
