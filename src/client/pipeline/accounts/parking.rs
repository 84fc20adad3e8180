//! How items that cannot be delivered, now or ever, leave the queue and the batch under way for the dead letters.
//!
//! Items that are taken out count as being parked until they are on disk, so the accounts are whole meanwhile, too.

use super::{Accounts, Phase, WRITE_GRACE};
use crate::client::pipeline::own_thread::is_own_thread;

impl<T: Send + Sync + 'static> Accounts<T> {
    /// Writes the items of a [`Task::Spill`](super::Task::Spill) to the dead letters.
    pub fn spill(&self, items: &[T]) {
        self.write_letters(items, None);
    }

    /// Writes what waits to the dead letters when it fills half the ring, behind the request under way.
    pub fn spill_if_half_full(&self) {
        if self.settings.encoding.dead_letters().is_none() {
            return;
        }
        let mut state = self.lock();
        state.wake_at = Some(self.settings.pace.limits.max_items.div_ceil(2));
        if state.phase == Phase::Closed || !state.ring.is_half_full() {
            return;
        }
        let first = state.ring.first_sequence();
        let spilled = state.ring.pop_oldest(usize::MAX);
        state.begin_parking(first, spilled.len() as u64);
        drop(state);
        self.write_letters(&spilled, None);
    }

    /// Takes what is left of the batch under way out of flight and parks it, where there are dead letters.
    pub fn park_in_flight(&self, reason: String) {
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            return;
        }
        let in_flight = std::mem::take(&mut state.in_flight);
        let batch = state.batch.take();
        let first = state.in_flight_first;
        state.begin_parking(first, in_flight);
        drop(state);
        self.write_letters(unsettled(batch.as_deref(), in_flight), Some(reason));
    }

    /// Writes items that count as being parked, and settles them.
    fn write_letters(&self, items: &[T], reason: Option<String>) {
        let Some(letters) = self.settings.encoding.dead_letters() else { return };
        let (mut rest, mut reason) = (items.iter(), reason);
        let file_bytes = letters.file_bytes();
        while !rest.as_slice().is_empty() {
            let (mut text, mut count) = (Vec::new(), 0);
            while (count == 0 || (text.len() as u64) < file_bytes)
                && let Some(item) = rest.next()
            {
                self.settings.encoding.append_line(item, &mut text);
                text.push(b'\n');
                count += 1;
            }
            let written = letters.park(count, &text);
            self.settle_parking(
                count,
                written.err().map(|error| format!("cannot keep dead letters: {error}")),
                reason.take(),
            );
        }
    }

    fn settle_parking(&self, count: u64, failure: Option<String>, reason: Option<String>) {
        let mut state = self.lock();
        let count = count.min(state.parking);
        state.parking -= count;
        state.parking_first += count;
        let was_failing = std::mem::replace(&mut state.failing, true);
        state.figures.last_error = reason.or(state.figures.last_error.take());
        match &failure {
            None => {
                state.figures.tally.parked += count;
                state.has_letters = true;
            }
            Some(error) => {
                state.figures.tally.failed += count;
                state.figures.last_error = Some(error.clone());
            }
        }
        let reason = state.figures.last_error.clone().unwrap_or_default();
        drop(state);
        self.settled.notify_all();
        // A program that closes has the report.
        if is_own_thread() && (failure.is_some() || !was_failing) {
            tracing::warn!(name = self.settings.name, reason, "records are not being delivered");
        }
    }

    /// Closes the accounts: what is queued or under way is parked, or counted as lost.
    pub(super) fn settle_leftovers(&self) {
        let mut state = self.lock();
        state.phase = Phase::Closed;
        let in_flight = std::mem::take(&mut state.in_flight);
        let batch = state.batch.take();
        let queued = state.ring.pop_oldest(usize::MAX);
        if self.settings.encoding.dead_letters().is_some() {
            state.parking += in_flight + queued.len() as u64;
        } else {
            state.figures.tally.failed += in_flight;
            state.figures.tally.dropped += queued.len() as u64;
        }
        drop(state);
        self.write_letters(unsettled(batch.as_deref(), in_flight), None);
        self.write_letters(&queued, None);
        self.wait(WRITE_GRACE, |state| state.parking == 0);
        let mut state = self.lock();
        state.figures.tally.failed += std::mem::take(&mut state.parking);
    }
}

/// The last `count` items of a batch.
fn unsettled<T>(batch: Option<&Vec<T>>, count: u64) -> &[T] {
    let batch = batch.map_or(&[][..], Vec::as_slice);
    let settled = batch.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    batch.get(settled..).unwrap_or_default()
}
