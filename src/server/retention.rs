//! Removes what is older than the retention, a little at a time, for as long as the server runs.
//!
//! Age is by when the server received a record, so only this machine's clock matters. A clock that jumps far ahead
//! (a bad time server, a resumed virtual machine) would make everything look old at once; so after a jump of more
//! than the retention nothing is removed for an hour, which is enough for a wrong clock to be put right. Jumps while
//! no server runs are not noticed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::model::{Nanos, Retention};

use super::app::{App, stopped};

const FIRST: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(60);
const DISTRUST: Duration = Duration::from_secs(3_600);
/// Records removed in one go, so that writers get their turn in between.
const BUDGET: usize = 50_000;

/// Prunes until the server stops.
pub(super) async fn run(app: Arc<App>) {
    let Some(retention) = app.retention else { return };
    let mut clock = Clock::new(Nanos::now(), Instant::now());
    let mut pause = FIRST;
    loop {
        tokio::select! {
            () = stopped(app.stopping.clone()) => return,
            () = sleep(pause) => {}
        }
        pause = EVERY;
        let now = Nanos::now();
        if !clock.is_trusted(now, Instant::now(), retention) {
            tracing::warn!("the clock jumped ahead; nothing is removed for an hour");
            continue;
        }
        let retention_ns = u64::try_from(retention.as_nanos()).unwrap_or(u64::MAX);
        prune(&app, Retention { received_before: Nanos(now.0.saturating_sub(retention_ns)) }).await;
    }
}

async fn prune(app: &App, keep: Retention) {
    let Some(sink) = app.backend.sink() else { return };
    while !*app.stopping.borrow() {
        match sink.prune(&keep, BUDGET).await {
            Ok(removed) if removed.is_empty() => return,
            Ok(_) => {
                app.live.removed();
                tokio::task::yield_now().await;
            }
            Err(error) => {
                tracing::warn!("cannot remove old records: {error}");
                return;
            }
        }
    }
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
            server::{Config, SidePort, start},
        };
        let folder = tempfile::tempdir().expect("a folder");
        let side = SidePort::Off;
        let config = Config { port: 0, otlp_grpc: side, otlp_http: side, ..Config::new(folder.path().join("a.db")) };
        let running = start(config).await.expect("a server");
        let request = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",
            "spanId":"eee19b7ec3c1b174","name":"from the future","startTimeUnixNano":"9000000000000000000",
            "endTimeUnixNano":"9000000000000000001"}]}]}]}"#;
        let decoded = otlp::traces(&bytes::Bytes::from_static(request.as_bytes()), MediaType::Json).expect("OTLP");
        running.app.backend.sink().expect("a sink").write(decoded.batch).await.expect("stored");
        let spans = async || running.app.backend.stats(&Default::default()).await.expect("statistics").spans;
        prune(&running.app, Retention { received_before: Nanos(1) }).await;
        assert_eq!(spans().await, 1);
        let later = Nanos(Nanos::now().0 + 3_600_000_000_000);
        prune(&running.app, Retention { received_before: later }).await;
        assert_eq!(spans().await, 0);
        running.stop().await.expect("a clean stop");
    }

    #[test]
    fn a_clock_set_back_is_no_jump() {
        let (start, wall) = (Instant::now(), Nanos(1_795_252_442_000_000_000));
        let mut clock = Clock::new(wall, start);
        assert!(clock.is_trusted(Nanos(wall.0 - 3_600_000_000_000), start + Duration::from_secs(60), Duration::ZERO));
    }
}
