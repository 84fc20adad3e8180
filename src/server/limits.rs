//! How much a client may ask of the server: sizes, times and the bytes that may be under way at once.
//!
//! The sizes are the OTLP specification's recommended 64 MiB, before and after inflation; log entries of the published
//! logger, which may send a whole dead-letter file at once, have their own. The budget bounds all requests together, so
//! that many large ones wait a little, or are told to come back, instead of filling the memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body, before and after inflation.
    pub body_bytes: usize,
    /// Largest compressed body of log entries.
    pub entries_bytes: usize,
    /// The same, inflated or sent as it is.
    pub entries_inflated_bytes: usize,
    /// Most bytes of request bodies, raw, inflated and as log records, held at once by all requests.
    pub in_flight_bytes: usize,
    /// Most bytes of stored checkpoints held at once by all streams; a stream that finds no room reads bit by bit.
    pub stream_bytes: usize,
    /// Most connections at once; more wait to be accepted.
    pub connections: usize,
    /// Longest time to send the head of a request; also how long an idle HTTP/1 connection is kept.
    pub header_timeout: Duration,
    /// Longest pause within a body.
    pub body_idle_timeout: Duration,
    /// Longest time to send a whole body.
    pub body_timeout: Duration,
    /// A connection on which no byte moves in either direction for this long is closed.
    pub connection_idle_timeout: Duration,
    /// How long requests under way may take to finish when the server stops.
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes: 64 << 20,
            entries_bytes: 20 << 20,
            entries_inflated_bytes: 100 << 20,
            in_flight_bytes: 256 << 20,
            stream_bytes: 64 << 20,
            connections: 1_024,
            header_timeout: Duration::from_secs(10),
            body_idle_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(300),
            connection_idle_timeout: Duration::from_secs(75),
            stop_timeout: Duration::from_secs(8),
        }
    }
}

/// Largest head of a request: request line and headers.
pub(super) const HEADER_BYTES: usize = 64 << 10;
/// Most requests under way at once on one HTTP/2 connection.
pub(super) const HTTP2_STREAMS: u32 = 256;

/// Bytes that may be held at once.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    used: AtomicUsize,
    freed: Notify,
}

impl Budget {
    /// A budget of so many bytes.
    pub(super) fn new(limit: usize) -> Arc<Budget> {
        Arc::new(Budget { limit, used: AtomicUsize::new(0), freed: Notify::new() })
    }

    /// Bytes held now.
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }
}

/// A part of a [`Budget`], given back when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Reservation {
    /// Nothing yet.
    pub(super) fn of(budget: &Arc<Budget>) -> Reservation {
        Reservation { budget: Arc::clone(budget), bytes: 0 }
    }

    /// Takes more; false, and nothing taken, when there is not enough.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let taken = self.budget.take(bytes);
        self.bytes += if taken { bytes } else { 0 };
        taken
    }

    /// The same, but waits for others to give back what they have.
    pub(super) async fn grow_within(&mut self, bytes: usize, patience: Duration) -> bool {
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

    /// Gives back what turned out to be too much.
    pub(super) fn give_back(&mut self, bytes: usize) {
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
        let mut first = Reservation::of(&budget);
        assert!(first.grow(60));
        let mut second = Reservation::of(&budget);
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
        let (mut first, mut second) = (Reservation::of(&budget), Reservation::of(&budget));
        assert!(first.grow(60));
        assert!(!second.grow_within(50, Duration::from_millis(5)).await);
        let (is_taken, ()) = tokio::join!(second.grow_within(50, Duration::from_secs(60)), async { drop(first) });
        assert!(is_taken);
        second.give_back(20);
        assert_eq!(budget.used(), 30);
    }
}
