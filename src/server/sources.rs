//! How much each checkpoint source sends: totals since the start, and the last one and five minutes.
//!
//! Sources are names clients choose, so their number is bounded: what no longer sends makes room, and while there is
//! none, further sources are counted together.

use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;

use crate::model::Checkpoint;

/// Sources counted one by one.
const MOST_SOURCES: usize = 1_000;
/// Longest name kept of a source, in bytes.
const MOST_NAME_BYTES: usize = 200;
/// The name sources go under when there is no room for their own.
const OTHERS: &str = "(other sources)";
/// Seconds the longest rate looks back.
pub(crate) const WINDOW_SECONDS: u64 = 300;
const MINUTE_SECONDS: u64 = 60;
/// Seconds counted together; rates are that coarse.
const SLOT_SECONDS: u64 = 5;
const SLOTS: usize = (WINDOW_SECONDS / SLOT_SECONDS) as usize;

/// Events over time.
#[derive(Debug, Clone)]
pub(crate) struct Rate {
    total: u64,
    slots: [u32; SLOTS],
    /// Number of the newest slot since the start of the clock.
    newest: u64,
}

impl Default for Rate {
    fn default() -> Rate {
        Rate { total: 0, slots: [0; SLOTS], newest: 0 }
    }
}

impl Rate {
    /// Counts events that happened at this second of a clock nobody sets.
    pub(crate) fn add(&mut self, second: u64, count: u64) {
        self.advance(second);
        self.total += count;
        let slot = &mut self.slots[place(self.newest)];
        *slot = slot.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Events since the start.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Events within the last minute.
    pub(crate) fn last_minute(&self, second: u64) -> u64 {
        self.within(second, MINUTE_SECONDS)
    }

    /// Events within the whole window.
    pub(crate) fn last_window(&self, second: u64) -> u64 {
        self.within(second, WINDOW_SECONDS)
    }

    fn within(&self, second: u64, seconds: u64) -> u64 {
        let now = second / SLOT_SECONDS;
        let is_recent = |number: u64| now.saturating_sub(number) < seconds / SLOT_SECONDS;
        let oldest = self.newest.saturating_sub(SLOTS as u64 - 1);
        (oldest..=self.newest)
            .filter(|number| is_recent(*number))
            .map(|number| u64::from(self.slots[place(number)]))
            .sum()
    }

    fn advance(&mut self, second: u64) {
        let now = second / SLOT_SECONDS;
        let first_new = (self.newest + 1).max(now.saturating_sub(SLOTS as u64 - 1));
        (first_new..=now).for_each(|number| self.slots[place(number)] = 0);
        self.newest = self.newest.max(now);
    }
}

fn place(number: u64) -> usize {
    (number % SLOTS as u64) as usize
}

/// What one source sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceRate {
    /// Its name.
    pub(crate) source_id: String,
    /// Checkpoints received since the start, duplicates too.
    pub(crate) total: u64,
    /// Those of the last minute.
    pub(crate) last_minute: u64,
    /// Those of the last [`WINDOW_SECONDS`].
    pub(crate) last_window: u64,
}

/// The rates of all sources.
#[derive(Debug, Default)]
pub(crate) struct Sources(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Each with its place in the order they were first seen.
    rates: FxHashMap<String, (u64, Rate)>,
    first_seen: u64,
    /// Second before which looking for room is of no use.
    full_until: u64,
}

impl Sources {
    /// Counts received checkpoints.
    pub(crate) fn count(&self, checkpoints: &[Checkpoint], second: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for checkpoint in checkpoints {
            known.count(shortened(&checkpoint.source_id), second);
        }
    }

    /// Every source, in the order they were first seen.
    pub(crate) fn all(&self, second: u64) -> Vec<SourceRate> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ordered: Vec<_> = known.rates.iter().collect();
        ordered.sort_by_key(|(_, (first_seen, _))| *first_seen);
        let read = |(source_id, (_, rate)): (&String, &(u64, Rate))| SourceRate {
            source_id: source_id.clone(),
            total: rate.total(),
            last_minute: rate.last_minute(second),
            last_window: rate.last_window(second),
        };
        ordered.into_iter().map(read).collect()
    }
}

impl Known {
    fn count(&mut self, name: &str, second: u64) {
        let name = if self.rates.contains_key(name) || self.has_room(second) { name } else { OTHERS };
        if let Some((_, rate)) = self.rates.get_mut(name) {
            return rate.add(second, 1);
        }
        self.first_seen += 1;
        self.rates.entry(name.to_owned()).or_insert((self.first_seen, Rate::default())).1.add(second, 1);
    }

    fn has_room(&mut self, second: u64) -> bool {
        if self.rates.len() < MOST_SOURCES {
            return true;
        }
        if second >= self.full_until {
            self.full_until = second + SLOT_SECONDS;
            self.rates.retain(|_, (_, rate)| rate.last_window(second) > 0);
        }
        self.rates.len() < MOST_SOURCES
    }
}

fn shortened(name: &str) -> &str {
    name.get(..name.floor_char_boundary(MOST_NAME_BYTES)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_look_back_one_and_five_minutes() {
        let mut rate = Rate::default();
        rate.add(0, 1);
        rate.add(100, 10);
        rate.add(158, 100);
        assert_eq!((rate.last_minute(158), rate.last_window(158), rate.total()), (110, 111, 111));
        assert_eq!((rate.last_minute(170), rate.last_window(304)), (100, 110));
        assert_eq!((rate.last_minute(10_000), rate.last_window(10_000)), (0, 0));
        rate.add(10_000, 5);
        assert_eq!((rate.last_minute(10_000), rate.last_window(10_000), rate.total()), (5, 5, 116));
    }

    #[test]
    fn a_flood_of_sources_takes_bounded_room_and_old_ones_make_way() {
        let mut known = Known::default();
        (0..100_000).for_each(|number| known.count(&format!("source {number}"), 7));
        assert_eq!(known.rates.len(), MOST_SOURCES + 1);
        assert_eq!(known.rates[OTHERS].1.total(), 100_000 - MOST_SOURCES as u64);
        known.count("late", 7 + WINDOW_SECONDS);
        assert!(known.rates.contains_key("late") && known.rates.len() <= 2, "{:?}", known.rates.keys());
        assert_eq!(shortened(&"é".repeat(200)).len(), MOST_NAME_BYTES);
    }
}
