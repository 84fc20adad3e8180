//! When bodies without a time of their own arrived, so that one sent again gets the same time and is known for a retry.
//!
//! Clients send again within seconds, and programs that log the same line every minute mean a new one each time: so
//! this remembers for just under a minute, and in memory only.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::model::Nanos;
use crate::model::time::NANOS_PER_SECOND;

/// How long a body sent again is the same body.
const KEPT_NS: u64 = 50 * NANOS_PER_SECOND;
/// Bodies remembered at most.
const MAX_BODIES: usize = 4_096;

/// The digests of bodies and when each came first.
#[derive(Debug, Default)]
pub(crate) struct FirstSeen(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    times: HashMap<u128, Nanos>,
    /// Oldest first.
    order: VecDeque<u128>,
}

impl FirstSeen {
    /// When the body with this digest came first; `None` when nobody noted it lately.
    pub(crate) fn find(&self, digest: u128, now: Nanos) -> Option<Nanos> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.times.get(&digest).copied().filter(|time| now.since(*time) < KEPT_NS)
    }

    /// Notes that the body with this digest came now, unless it came before; returns when it came first.
    pub(crate) fn note(&self, digest: u128, now: Nanos) -> Nanos {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.forget(now);
        if let Some(first) = known.times.get(&digest) {
            return *first;
        }
        known.times.insert(digest, now);
        known.order.push_back(digest);
        now
    }
}

impl Times {
    fn forget(&mut self, now: Nanos) {
        while let Some(oldest) = self.order.front() {
            let is_old = self.times.get(oldest).is_none_or(|time| now.since(*time) >= KEPT_NS);
            if !is_old && self.order.len() < MAX_BODIES {
                return;
            }
            self.times.remove(oldest);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_keeps_its_first_time_for_a_while_and_the_memory_is_bounded() {
        let first_seen = FirstSeen::default();
        let at = |seconds: u64| Nanos(seconds * NANOS_PER_SECOND);
        assert_eq!(first_seen.find(1, at(100)), None);
        assert_eq!((first_seen.note(1, at(100)), first_seen.note(1, at(149))), (at(100), at(100)));
        assert_eq!((first_seen.find(1, at(149)), first_seen.find(1, at(150))), (Some(at(100)), None));
        assert_eq!(first_seen.note(1, at(150)), at(150));
        for digest in 0..3 * MAX_BODIES as u128 {
            first_seen.note(digest, at(151));
        }
        let known = first_seen.0.lock().expect("no panic");
        assert_eq!((known.times.len(), known.order.len()), (MAX_BODIES, MAX_BODIES));
    }
}
