//! How fast a body must come. A slow sender holds memory and a connection, so what has arrived buys time, and a pause
//! uses up what was bought: never more than a grace.

use std::time::Duration;

use tokio::time::Instant;

/// Fewest bytes a second, beyond the grace.
const BYTES_PER_SECOND: f64 = 65_536.0;

/// The time a body has left.
#[derive(Debug)]
pub(crate) struct Pace {
    grace: Duration,
    deadline: Instant,
}

impl Pace {
    /// The pace of a body that begins now, and may pause for `grace` in all before it must keep up.
    pub(crate) fn new(grace: Duration) -> Pace {
        Pace { grace, deadline: Instant::now() + grace }
    }

    /// Allows shorter pauses only from now on.
    pub(crate) fn shorten_grace(&mut self, grace: Duration) {
        self.grace = self.grace.min(grace);
        self.deadline = self.deadline.min(Instant::now() + self.grace);
    }

    /// Notes that bytes arrived now.
    pub(crate) fn note(&mut self, bytes: usize) {
        let now = Instant::now();
        let bought = Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND);
        self.deadline = (self.deadline.max(now) + bought).min(now + self.grace);
    }

    /// Notes that for so long the server did not read, which is not held against the sender.
    pub(crate) fn excuse(&mut self, pause: Duration) {
        self.deadline += pause;
    }

    /// When the next bytes must have come.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn left(pace: &Pace) -> f64 {
        pace.deadline().duration_since(Instant::now()).as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_keeps_the_pace_has_all_the_time_and_who_does_not_runs_out_of_it() {
        let mut pace = Pace::new(5 * SECOND);
        for _ in 0..1_000 {
            advance(SECOND).await;
            pace.note(65_536);
        }
        assert_eq!(left(&pace), 5.0);
        for _ in 0..9 {
            advance(SECOND).await;
            pace.note(32_768);
        }
        assert_eq!(left(&pace), 0.5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_beginning_does_not_buy_a_long_pause() {
        let mut pace = Pace::new(30 * SECOND);
        pace.note(64 << 20);
        assert_eq!(left(&pace), 30.0);
        pace.shorten_grace(5 * SECOND);
        assert_eq!(left(&pace), 5.0);
        advance(4 * SECOND).await;
        pace.note(1);
        assert!(left(&pace) < 1.1);
        pace.excuse(2 * SECOND);
        assert!(left(&pace) > 2.9);
    }
}
