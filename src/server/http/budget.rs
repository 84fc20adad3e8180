//! The bytes that may be under way at once. A budget bounds all requests together, so that many large ones wait a
//! little, or are told to come back, instead of filling the memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// A number of bytes that may be held at once.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
    freed: Notify,
}

impl Budget {
    /// A budget of so many bytes.
    pub(crate) fn new(limit: usize) -> Arc<Budget> {
        Arc::new(Budget { limit, used: AtomicUsize::new(0), freed: Notify::new() })
    }

    /// The bytes that are held now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn try_reserve(&self, bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }
}

/// A part of a [`Budget`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Reservation {
    /// A reservation of nothing yet.
    pub(crate) fn new(budget: &Arc<Budget>) -> Reservation {
        Reservation { budget: Arc::clone(budget), bytes: 0 }
    }

    /// Takes more bytes; false, and nothing taken, when there is not enough.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let taken = self.budget.try_reserve(bytes);
        self.bytes += if taken { bytes } else { 0 };
        taken
    }

    /// Takes more bytes, and waits for others to give back what they have when there is not enough; false, and nothing taken,
    /// when that takes longer than `patience`.
    pub(crate) async fn grow_within(&mut self, bytes: usize, patience: Duration) -> bool {
        let (budget, deadline) = (Arc::clone(&self.budget), Instant::now() + patience);
        loop {
            let freed = budget.freed.notified();
            if self.grow(bytes) {
                return true;
            }
            if timeout_at(deadline, freed).await.is_err() {
                return false;
            }
        }
    }

    /// Gives back bytes that turned out to be too many.
    pub(crate) fn give_back(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
        self.budget.freed.notify_waiters();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_never_exceeded_and_comes_back() {
        let budget = Budget::new(100);
        let mut first = Reservation::new(&budget);
        assert!(first.grow(60));
        let mut second = Reservation::new(&budget);
        assert!(!second.grow(41) && second.grow(40) && !second.grow(1));
        assert!(!second.grow(usize::MAX));
        drop(first);
        assert_eq!(budget.used(), 40);
        drop(second);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn who_waits_for_room_gets_it_when_it_is_given_back_and_is_turned_away_after_a_while() {
        let budget = Budget::new(100);
        let (mut first, mut second) = (Reservation::new(&budget), Reservation::new(&budget));
        assert!(first.grow(60));
        assert!(!second.grow_within(50, Duration::from_millis(5)).await);
        let (is_taken, ()) = tokio::join!(second.grow_within(50, Duration::from_secs(60)), async { drop(first) });
        assert!(is_taken);
        second.give_back(20);
        assert_eq!(budget.used(), 30);
    }
}
