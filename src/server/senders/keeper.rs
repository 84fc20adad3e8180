//! Writes what is known of senders into the store now and then, so that a restart does not forget it.

use std::time::Duration;

use tokio::sync::watch;

use super::tally::Tally;
use crate::server::stopping::stops_within;
use crate::store::{self, Backend};

/// How often the store is told what changed.
const EVERY: Duration = Duration::from_secs(20);

/// Takes in what the store knows of senders.
pub(crate) async fn restore(tally: &Tally, backend: &dyn Backend) {
    let Some(store) = backend.senders() else { return };
    match store.list_senders().await {
        Ok(senders) => tally.restore(senders),
        // Records are worth more than what is known of their senders.
        Err(error) => tracing::warn!("cannot read what is known of senders: {error}"),
    }
}

/// Writes what changed.
///
/// # Errors
/// The store cannot be written; it is tried again then.
pub(crate) async fn keep(tally: &Tally, backend: &dyn Backend) -> store::Result<()> {
    let Some(store) = backend.senders() else { return Ok(()) };
    let changed = tally.take_changed();
    if changed.is_empty() {
        return Ok(());
    }
    let kept = store.keep_senders(&changed).await;
    if kept.is_err() {
        tally.put_back(&changed);
    }
    kept
}

/// Writes what changed until the server stops.
pub(crate) async fn run(tally: &Tally, backend: &dyn Backend, stopping: watch::Receiver<bool>) {
    while !stops_within(EVERY, &stopping).await {
        if let Err(error) = keep(tally, backend).await {
            tracing::debug!("cannot note who sends: {error}");
        }
    }
}
