//! Removes what is older than the retention, a little at a time, for as long as the server runs.
//!
//! Age is by when the server received a record, so only this machine's clock matters, and that only as far as
//! [`retention_clock`](super::retention_clock) believes it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::model::{Nanos, Retention};
use crate::query::facets;
use crate::server::app::App;
use crate::server::compat::checkpoint_feed::CheckpointFeed;
use crate::server::stopping::stops_within;
use crate::store::{self, Backend};

const FIRST: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(60);
/// Records removed in one go, so that writers get their turn in between.
const BUDGET: usize = 50_000;

/// Prunes until the server stops.
pub(crate) async fn run(app: Arc<App>) {
    let Some(retention) = app.retention else { return };
    let mut pause = FIRST;
    while !stops_within(pause, &app.stopping).await {
        pause = retention.clamp(FIRST, EVERY);
        if let Err(error) = prune_once(&app, retention).await {
            tracing::warn!("cannot remove old records: {error}");
        }
    }
}

async fn prune_once(app: &App, retention: Duration) -> store::Result<u64> {
    let now = app.clock.now(app.backend.newest_received().await?);
    prune(&*app.backend, &app.checkpoints, &app.stopping, kept_at(now, retention)).await
}

/// The records that are kept at a time, for so long after they were received.
pub(crate) fn kept_at(now: Nanos, retention: Duration) -> Retention {
    let retention_ns = u64::try_from(retention.as_nanos()).unwrap_or(u64::MAX);
    Retention { received_before: Nanos(now.0.saturating_sub(retention_ns)) }
}

/// Removes what is not to be kept, until nothing of it is left or the server stops; how many checkpoints were removed.
///
/// # Errors
/// The store fails.
pub(crate) async fn prune(
    backend: &dyn Backend,
    feed: &CheckpointFeed,
    stopping: &watch::Receiver<bool>,
    keep: Retention,
) -> store::Result<u64> {
    let mut checkpoints = 0;
    while !*stopping.borrow() {
        let removed = facets::sink(backend)?.prune(&keep, BUDGET).await?;
        if removed.is_empty() {
            break;
        }
        checkpoints += removed.checkpoints;
        feed.removed();
        tokio::task::yield_now().await;
    }
    Ok(checkpoints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_received_before_the_retention_goes_whatever_its_own_clock_says() {
        use crate::{
            decode::{body::MediaType, otlp},
            store::{Mode, Target},
        };
        let folder = tempfile::tempdir().expect("a folder");
        let store = store::open(&Target::File(folder.path().join("a.db")), Mode::Write).await.expect("a store");
        let (feed, (_stop, stopping)) = (CheckpointFeed::new(), watch::channel(false));
        let prune =
            async |nanos| prune(&*store, &feed, &stopping, Retention { received_before: nanos }).await.expect("pruned");
        let request = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",
            "spanId":"eee19b7ec3c1b174","name":"from the future","startTimeUnixNano":"9000000000000000000",
            "endTimeUnixNano":"9000000000000000001"}]}]}]}"#;
        let decoded = otlp::traces(&bytes::Bytes::from_static(request.as_bytes()), MediaType::Json).expect("OTLP");
        store.sink().expect("a sink").write(decoded.batch).await.expect("stored");
        let spans = async || store.stats(&Default::default()).await.expect("statistics").spans;
        prune(Nanos(1)).await;
        assert_eq!(spans().await, 1);
        let later = Nanos(Nanos::now().0 + 3_600_000_000_000);
        prune(later).await;
        assert_eq!(spans().await, 0);
        store.close().await.expect("a clean end");
    }
}
