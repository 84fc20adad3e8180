//! Which times of records can be, in one place for folds, statistics and views.
//!
//! Senders give monotonic clocks, other units than nanoseconds, or nothing at all for a time. Such a time is kept as it
//! was sent, but it does not say when its trace was: a record is believed when it starts between 2000 and a day after it
//! was received, and within a year of the other records of its trace ([`TraceFold`](crate::model::TraceFold)).

use crate::model::Nanos;
use crate::model::time::NANOS_PER_DAY;

/// The earliest time that is believed, 2000-01-01: seconds, milliseconds, microseconds and the time since a machine
/// began, taken for nanoseconds, all lie before it.
pub const FIRST_BELIEVED: Nanos = Nanos(946_684_800_000_000_000);

/// Records of one trace lie no further apart, and no span takes longer.
pub const YEAR_NS: u64 = 365 * NANOS_PER_DAY;

/// So far before its start the end of a span may lie because a clock was set.
const CLOCK_CHANGE_NS: u64 = NANOS_PER_DAY;

/// From when to when the times of some records are believed, and what stands in for other times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeBounds {
    /// The earliest time that is believed.
    pub first: Nanos,
    /// The latest time that is believed.
    pub last: Nanos,
    /// When something happened that has no time that is believed.
    pub stand_in: Nanos,
}

impl TimeBounds {
    /// Bounds that believe every time.
    pub const ALL: TimeBounds = TimeBounds { first: Nanos(0), last: Nanos(u64::MAX), stand_in: Nanos(0) };

    /// The bounds of records that were received at a time. A clock of this machine that was never set rules nothing out.
    pub fn received_at(received: Nanos) -> TimeBounds {
        if received < FIRST_BELIEVED {
            return TimeBounds::ALL;
        }
        let last = Nanos(received.0.saturating_add(NANOS_PER_DAY));
        TimeBounds { first: FIRST_BELIEVED, last, stand_in: received }
    }

    /// The bounds of the records of a trace that lasted from one time to another.
    pub fn of_trace(start: Nanos, end: Nanos) -> TimeBounds {
        TimeBounds { first: start, last: end.max(start), stand_in: start }
    }

    /// Whether a time is believed.
    pub fn has(&self, time: Nanos) -> bool {
        (self.first..=self.last).contains(&time)
    }

    /// A time if it is believed, else what stands in for it.
    pub fn believe(&self, time: Nanos) -> Nanos {
        if self.has(time) { time } else { self.stand_in }
    }

    /// The end of a span that starts at a time that is believed; the start when clocks were set meanwhile, `None` when the
    /// end is missing or absurd.
    pub fn end(&self, start: Nanos, end: Nanos) -> Option<Nanos> {
        if end == Nanos(0) {
            return None;
        }
        if end < start {
            return (start.since(end) <= CLOCK_CHANGE_NS).then_some(start);
        }
        (end.since(start) <= YEAR_NS && self.has(end)).then_some(end)
    }

    /// Nanoseconds a span took; `None` when its start or its end is not believed.
    pub fn duration_ns(&self, start: Nanos, end: Nanos) -> Option<u64> {
        if !self.has(start) {
            return None;
        }
        self.end(start, end).map(|end| end.since(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::NANOS_PER_SECOND;

    const NOW: Nanos = Nanos(1_795_252_442_117_000_000);

    #[test]
    fn other_units_and_clocks_that_count_from_boot_are_not_believed() {
        let bounds = TimeBounds::received_at(NOW);
        let odd =
            [0, 44_511_913_730_532, NOW.0 / 1_000, NOW.0 / 1_000_000, NOW.0 / NANOS_PER_SECOND, NOW.0 * 10, u64::MAX];
        assert_eq!(odd.map(|time| bounds.has(Nanos(time))), [false; 7]);
        let tomorrow = Nanos(NOW.0 + NANOS_PER_DAY);
        let good = [NOW, tomorrow, Nanos(1_560_000_000 * NANOS_PER_SECOND)];
        assert_eq!(good.map(|time| bounds.has(time)), [true; 3], "2019 is an import");
        assert!(!bounds.has(Nanos(tomorrow.0 + 1)));
        assert_eq!(bounds.believe(Nanos(5)), NOW);
        assert_eq!(TimeBounds::received_at(Nanos(7)), TimeBounds::ALL);
    }

    #[test]
    fn a_span_takes_no_time_that_nobody_knows() {
        let bounds = TimeBounds::received_at(NOW);
        let end = |end: u64| bounds.duration_ns(NOW, Nanos(end));
        assert_eq!([end(NOW.0 + 5), end(NOW.0), end(NOW.0 - 5)], [Some(5), Some(0), Some(0)]);
        let odd = [0, 44_511_913_730_532, NOW.0 / 1_000, NOW.0 + 2 * NANOS_PER_DAY, u64::MAX];
        assert_eq!(odd.map(end), [None; 5]);
        let long_ago = Nanos(NOW.0 - 2 * YEAR_NS);
        assert_eq!(bounds.duration_ns(long_ago, NOW), None);
        assert_eq!(bounds.duration_ns(Nanos(4_000), Nanos(5_000)), None);
    }
}
