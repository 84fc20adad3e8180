//! How much happens over time: since the start, within the last minute, within the last five.

/// Seconds the longest rate looks back.
pub(crate) const WINDOW_SECONDS: u64 = 300;
const MINUTE_SECONDS: u64 = 60;
/// Seconds counted together; rates are that coarse.
pub(crate) const SLOT_SECONDS: u64 = 5;
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
        let slot = &mut self.slots[slot_index(self.newest)];
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
            .map(|number| u64::from(self.slots[slot_index(number)]))
            .sum()
    }

    fn advance(&mut self, second: u64) {
        let now = second / SLOT_SECONDS;
        let first_new = (self.newest + 1).max(now.saturating_sub(SLOTS as u64 - 1));
        (first_new..=now).for_each(|number| self.slots[slot_index(number)] = 0);
        self.newest = self.newest.max(now);
    }
}

fn slot_index(number: u64) -> usize {
    (number % SLOTS as u64) as usize
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
}
