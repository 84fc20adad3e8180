//! Removes what is older than the retention, a little at a time, for as long as the server runs.
//!
//! Age is by when the server received a record, so only this machine's clock matters. A clock that jumps far ahead
//! (a bad time server, a resumed virtual machine) would make everything look old at once; so after a jump of more
//! than the retention nothing is removed for an hour, which is enough for a wrong clock to be put right. Jumps while
//! no server runs are not noticed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::model::{Nanos, Retention};
use crate::query::facets;
use crate::server::app::App;
use crate::server::compat::checkpoint_feed::CheckpointFeed;
use crate::server::stopping::stops_within;
use crate::store::{self, Backend};

const FIRST: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(60);
const DISTRUST: Duration = Duration::from_secs(3_600);
/// Records removed in one go, so that writers get their turn in between.
const BUDGET: usize = 50_000;

/// Prunes until the server stops.
pub(crate) async fn run(app: Arc<App>) {
    let Some(retention) = app.retention else { return };
    let mut clock = Clock::new(Nanos::now(), Instant::now());
    let mut pause = FIRST;
    while !stops_within(pause, &app.stopping).await {
        pause = EVERY;
        let now = Nanos::now();
        if !clock.is_trusted(now, Instant::now(), retention) {
            tracing::warn!("the clock jumped ahead; nothing is removed for an hour");
            continue;
        }
        if let Err(error) = prune(&*app.backend, &app.checkpoints, &app.stopping, kept_at(now, retention)).await {
            tracing::warn!("cannot remove old records: {error}");
        }
    }
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

/// Watches the clock of the machine with one that nobody sets.
#[derive(Debug)]
struct Clock {
    wall: Nanos,
    steady: Instant,
    distrusted_until: Option<Instant>,
}

impl Clock {
    fn new(wall: Nanos, steady: Instant) -> Clock {
        Clock { wall, steady, distrusted_until: None }
    }

    fn is_trusted(&mut self, wall: Nanos, steady: Instant, tolerance: Duration) -> bool {
        let elapsed = steady.duration_since(self.steady);
        let ahead = Duration::from_nanos(wall.since(self.wall)).saturating_sub(elapsed);
        (self.wall, self.steady) = (wall, steady);
        if ahead > tolerance {
            self.distrusted_until = Some(steady + DISTRUST);
        }
        self.distrusted_until.is_none_or(|until| steady >= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_more_than_the_retention_stops_removal_for_an_hour() {
        let (day, minute) = (Duration::from_secs(86_400), Duration::from_secs(60));
        let (start, wall) = (Instant::now(), Nanos(1_795_252_442_000_000_000));
        let later = |by: Duration| Nanos(wall.0 + by.as_nanos() as u64);
        let mut clock = Clock::new(wall, start);
        assert!(clock.is_trusted(later(minute), start + minute, day));
        assert!(
            clock.is_trusted(later(minute + day / 2), start + 2 * minute, day),
            "half a day is less than the retention"
        );
        assert!(!clock.is_trusted(later(10 * day), start + 3 * minute, day));
        assert!(!clock.is_trusted(later(10 * day + minute), start + 4 * minute, day));
        assert!(clock.is_trusted(later(10 * day + DISTRUST), start + 3 * minute + DISTRUST, day));
    }

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

    #[test]
    fn a_clock_set_back_is_no_jump() {
        let (start, wall) = (Instant::now(), Nanos(1_795_252_442_000_000_000));
        let mut clock = Clock::new(wall, start);
        assert!(clock.is_trusted(Nanos(wall.0 - 3_600_000_000_000), start + Duration::from_secs(60), Duration::ZERO));
    }
}
