//! When bodies without a time of their own arrived, so that one sent again gets the same time and is known for a retry.
//!
//! Clients send again within seconds, and programs that log the same line every minute mean a new one each time: so
//! this remembers for just under a minute, and in memory only.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::model::{Nanos, time::NANOS_PER_SECOND};

/// How long a body sent again is the same body.
const KEPT_NS: u64 = 50 * NANOS_PER_SECOND;
/// Bodies remembered at most.
const MAX_BODIES: usize = 4_096;

/// Digests of bodies and when each came first.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    times: HashMap<u128, Nanos>,
    /// Oldest first.
    order: VecDeque<u128>,
}

impl Arrivals {
    /// When this body came first; `None` when nobody noted it lately.
    pub(crate) fn find(&self, digest: u128, now: Nanos) -> Option<Nanos> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.times.get(&digest).copied().filter(|time| now.since(*time) < KEPT_NS)
    }

    /// Notes that this body came now, unless it came before; returns when it came first.
    pub(crate) fn note(&self, digest: u128, now: Nanos) -> Nanos {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget(now);
        if let Some(first) = kept.times.get(&digest) {
            return *first;
        }
        kept.times.insert(digest, now);
        kept.order.push_back(digest);
        now
    }
}

impl Kept {
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
        let arrivals = Arrivals::default();
        let at = |seconds: u64| Nanos(seconds * NANOS_PER_SECOND);
        assert_eq!(arrivals.find(1, at(100)), None);
        assert_eq!((arrivals.note(1, at(100)), arrivals.note(1, at(149))), (at(100), at(100)));
        assert_eq!((arrivals.find(1, at(149)), arrivals.find(1, at(150))), (Some(at(100)), None));
        assert_eq!(arrivals.note(1, at(150)), at(150));
        for digest in 0..3 * MAX_BODIES as u128 {
            arrivals.note(digest, at(151));
        }
        let kept = arrivals.kept.lock().expect("no panic");
        assert_eq!((kept.times.len(), kept.order.len()), (MAX_BODIES, MAX_BODIES));
    }
}
