//! What the log says about requests that had to be mended: a line for each, but so many a minute at most, because a
//! program that sends one sends thousands.

use std::sync::{Mutex, PoisonError};

use crate::decode::Mended;
use crate::model::Nanos;
use crate::model::time::NANOS_PER_MINUTE;

/// Most lines a minute.
const MOST_LINES: u32 = 20;

/// Says in the log what was mended.
#[derive(Debug, Default)]
pub(crate) struct MendLog(Mutex<Minute>);

/// The minute in which something was said last.
#[derive(Debug, Default)]
struct Minute {
    start: Nanos,
    requests: u32,
}

impl MendLog {
    /// Says what was mended in a request to a route; nothing when nothing was.
    pub(crate) fn say(&self, route: &str, mended: Mended) {
        if mended.is_nothing() {
            return;
        }
        match self.count(Nanos::now()) {
            ..=MOST_LINES => tracing::warn!("a request to {route} was taken, but {mended}"),
            nth if nth == MOST_LINES + 1 => tracing::warn!("more requests are mended; the log is silent for a minute"),
            _ => {}
        }
    }

    /// The number of this request among those of its minute, from 1.
    fn count(&self, now: Nanos) -> u32 {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.since(minute.start) >= NANOS_PER_MINUTE {
            *minute = Minute { start: now, requests: 0 };
        }
        minute.requests = minute.requests.saturating_add(1);
        minute.requests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_the_minute() {
        let log = MendLog::default();
        let at = |seconds: u64| Nanos((1_000 + seconds) * 1_000_000_000);
        assert_eq!([0, 1, 59, 61, 62].map(|seconds| log.count(at(seconds))), [1, 2, 3, 1, 2]);
    }
}
