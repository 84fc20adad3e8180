//! The time that retention goes by: that of the newest record in the store, plus what a clock that nobody sets has
//! measured since.
//!
//! A clock that is far ahead (a bad time server, a flat battery, a resumed virtual machine) would make everything look
//! old at once, also when it went wrong while no server ran. So the clock of the machine counts only as far as this one;
//! where it is ahead of it, it is believed after an hour in which records were received by it, which is enough for a
//! wrong clock to be put right. Until then a little more is kept than need be.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::Nanos;

/// So far the two clocks may part between two looks.
const DRIFT: Duration = Duration::from_secs(5);
/// A clock that jumped ahead is believed after so long.
const DISTRUST: Duration = Duration::from_secs(3_600);

/// The clock of retention, shared by all who remove what is old.
#[derive(Debug)]
pub(crate) struct RetentionClock(Mutex<Anchor>);

#[derive(Debug)]
struct Anchor {
    /// What the time was when it was last believed.
    time: Nanos,
    /// When that was, by a clock that nobody sets.
    at: Instant,
    /// Since when records are received by a clock that is ahead; `None` when none are.
    ahead_since: Option<Instant>,
}

impl RetentionClock {
    /// The clock for a store whose newest record was received then; without one, that of the machine is believed.
    pub(crate) fn new(newest: Option<Nanos>) -> RetentionClock {
        RetentionClock(Mutex::new(Anchor::new(newest.unwrap_or_else(Nanos::now), Instant::now())))
    }

    /// The time now, for a store whose newest record was received at `newest`.
    pub(crate) fn now(&self, newest: Option<Nanos>) -> Nanos {
        let mut anchor = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        anchor.now(Nanos::now(), Instant::now(), newest)
    }
}

impl Anchor {
    fn new(time: Nanos, at: Instant) -> Anchor {
        Anchor { time, at, ahead_since: None }
    }

    fn now(&mut self, wall: Nanos, at: Instant, newest: Option<Nanos>) -> Nanos {
        let elapsed = at.saturating_duration_since(self.at);
        let expected = later(self.time, elapsed);
        if wall <= later(expected, DRIFT) {
            *self = Anchor::new(wall, at);
            return wall;
        }
        if newest.is_none_or(|newest| newest <= later(expected, DRIFT)) {
            // Nothing in the store speaks for the clock.
            self.ahead_since = None;
            return expected;
        }
        let since = *self.ahead_since.get_or_insert_with(|| {
            tracing::warn!(
                "the clock is ahead of the newest record; it is believed in an hour, and until then less is removed"
            );
            at
        });
        if at.saturating_duration_since(since) < DISTRUST {
            return expected;
        }
        *self = Anchor::new(wall, at);
        wall
    }
}

fn later(time: Nanos, by: Duration) -> Nanos {
    Nanos(time.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const DAY: Duration = Duration::from_secs(86_400);
    const NEWEST: Nanos = Nanos(1_795_252_442_000_000_000);

    #[test]
    fn a_start_with_a_clock_that_is_ahead_goes_on_from_the_newest_record() {
        for ahead in [2 * MINUTE, DAY / 2, 10 * DAY] {
            let start = Instant::now();
            let mut clock = Anchor::new(NEWEST, start);
            let wall = |since: Duration| later(later(NEWEST, ahead), since);
            assert_eq!(clock.now(wall(MINUTE), start + MINUTE, Some(NEWEST)), later(NEWEST, MINUTE));
            assert_eq!(clock.now(wall(DAY), start + DAY, Some(NEWEST)), later(NEWEST, DAY), "no record speaks for it");
            let received = Some(wall(DAY));
            assert_eq!(clock.now(wall(DAY), start + DAY, received), later(NEWEST, DAY));
            let hour_later = DAY + DISTRUST;
            let received = Some(wall(hour_later));
            assert_eq!(clock.now(wall(hour_later), start + hour_later, received), wall(hour_later));
        }
    }

    #[test]
    fn a_clock_that_runs_is_believed_and_one_that_jumps_is_not_for_an_hour() {
        let start = Instant::now();
        let mut clock = Anchor::new(NEWEST, start);
        let wall = |since: Duration| later(NEWEST, since);
        for minutes in 1..100 {
            let since = MINUTE * minutes + Duration::from_millis(200) * minutes;
            assert_eq!(clock.now(wall(since), start + MINUTE * minutes, None), wall(since));
        }
        let mut clock = Anchor::new(NEWEST, start);
        assert_eq!(clock.now(wall(10 * DAY), start + MINUTE, Some(NEWEST)), wall(MINUTE));
        assert_eq!(clock.now(wall(2 * MINUTE), start + 2 * MINUTE, Some(NEWEST)), wall(2 * MINUTE), "it was put right");
    }

    #[test]
    fn a_clock_set_back_is_followed() {
        let start = Instant::now();
        let mut clock = Anchor::new(NEWEST, start);
        let wall = Nanos(NEWEST.0 - 3_600_000_000_000);
        assert_eq!(clock.now(wall, start + MINUTE, Some(NEWEST)), wall);
    }
}
