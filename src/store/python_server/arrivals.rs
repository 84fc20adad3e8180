//! The order in which checkpoints of a Python server were seen first, for as long as the store is open.
//!
//! The server keeps no such order, so it is made here: trace by trace, and what is new of one when the server counts more
//! checkpoints of it than before. Everything seen stays in memory, which is what the server holds for a day.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::asking::Chain;
use crate::model::{Checkpoint, Cursor, RecordFilter, RecordKind, Text, TraceId};
use crate::store::{Error, MOST_CHUNK_BYTES, Result};

/// How often a waiting scan asks for what is new.
pub(super) const POLL: Duration = Duration::from_millis(500);

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Everything, in the order it was seen.
    checkpoints: Vec<Checkpoint>,
    /// What tells a checkpoint from others, as the server tells them apart.
    keys: FxHashSet<(Text, u64, Text)>,
    /// How many checkpoints each correlation had when it was listed last.
    counts: FxHashMap<String, u64>,
    /// Correlations that are to be read, the one that was written to longest ago first.
    changed: VecDeque<String>,
}

impl Arrivals {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what the server lists, the one that was written to last first.
    pub fn note_chains(&self, chains: Vec<Chain>) {
        let seen = &mut *self.seen();
        for chain in chains.into_iter().rev() {
            let known = seen.counts.entry(chain.correlation_id.clone()).or_default();
            if *known != chain.checkpoints {
                *known = chain.checkpoints;
                seen.changed.push_back(chain.correlation_id);
            }
        }
    }

    /// Correlations that are to be read, at most so many.
    pub fn take_changed(&self, most: usize) -> Vec<String> {
        let seen = &mut *self.seen();
        let count = seen.changed.len().min(most);
        seen.changed.drain(..count).collect()
    }

    /// Adds those of some checkpoints that were not seen before.
    pub fn add(&self, checkpoints: Vec<Checkpoint>) {
        let seen = &mut *self.seen();
        for checkpoint in checkpoints {
            let Checkpoint { correlation_id, timestamp_ms, suffix, .. } = &checkpoint;
            if seen.keys.insert((correlation_id.clone(), timestamp_ms.to_bits(), suffix.clone())) {
                seen.checkpoints.push(checkpoint);
            }
        }
    }

    /// The place behind everything seen.
    pub fn end(&self) -> usize {
        self.seen().checkpoints.len()
    }

    /// Whether nothing that was seen lies behind a place.
    pub fn is_end(&self, place: usize) -> bool {
        place >= self.end()
    }

    /// About `most` checkpoints behind a place that the filter names, and the place behind the last that was looked at.
    pub fn read(&self, place: usize, most: usize, filter: &RecordFilter) -> (Vec<Checkpoint>, usize) {
        let seen = self.seen();
        let (mut found, mut bytes, mut next) = (Vec::new(), 0, place);
        // A trace ended with its last checkpoint, also when others of it are older.
        let going_on: FxHashSet<&TraceId> = filter.ended_before.map_or_else(FxHashSet::default, |before| {
            let late = seen.checkpoints.iter().filter(|checkpoint| checkpoint.time() >= before);
            late.map(|checkpoint| &checkpoint.trace_id).collect()
        });
        for checkpoint in seen.checkpoints.iter().skip(place) {
            if found.len() >= most.max(1) || bytes >= MOST_CHUNK_BYTES {
                break;
            }
            next += 1;
            let is_of_trace = filter.trace.as_ref().is_none_or(|trace| *trace == checkpoint.trace_id);
            let is_of_kind = filter.kind.is_none_or(|kind| kind == RecordKind::Checkpoints);
            if is_of_trace && is_of_kind && !going_on.contains(&checkpoint.trace_id) {
                bytes += checkpoint.endpoint.len() + checkpoint.data.as_ref().map_or(0, |data| data.len());
                found.push(checkpoint.clone());
            }
        }
        (found, next)
    }

    /// The place of a cursor.
    ///
    /// # Errors
    /// [`Error::BadCursor`]
    pub fn read_cursor(&self, cursor: Option<&Cursor>) -> Result<usize> {
        let Some(Cursor(text)) = cursor else { return Ok(0) };
        let place = text.strip_prefix("p1.").and_then(|digits| digits.parse().ok());
        place.filter(|place| *place <= self.end()).ok_or(Error::BadCursor)
    }
}

/// A place as a cursor.
pub(super) fn write_cursor(place: usize) -> Cursor {
    Cursor(format!("p1.{place}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::checkpoint::batch;

    fn checkpoints(id: &str, times: std::ops::Range<u64>) -> Vec<Checkpoint> {
        let record = |time: u64| {
            serde_json::json!({
                "source_id": "MA", "correlation_id": id, "timestamp": time, "suffix": "s", "direction": "->",
                "operation": "REST", "endpoint": "/api",
            })
        };
        let body = serde_json::json!({ "traces": times.map(record).collect::<Vec<_>>() }).to_string();
        batch(body.as_bytes()).expect("checkpoints").0
    }

    #[test]
    fn what_was_seen_keeps_its_place_and_comes_once() {
        let arrivals = Arrivals::default();
        let all = RecordFilter::default();
        arrivals.add(checkpoints("a", 0..3));
        let (found, place) = arrivals.read(0, 2, &all);
        assert_eq!((found.len(), place), (2, 2));
        arrivals.add(checkpoints("a", 0..4));
        arrivals.add(checkpoints("b", 0..1));
        let (found, place) = arrivals.read(place, 10, &all);
        let found: Vec<_> = found.iter().map(|one| (one.correlation_id.as_str(), one.timestamp_ms)).collect();
        assert_eq!((found, place), (vec![("a", 2.0), ("a", 3.0), ("b", 0.0)], 5));
        assert!(arrivals.is_end(place) && arrivals.read_cursor(Some(&write_cursor(5))).is_ok());
        assert!(matches!(arrivals.read_cursor(Some(&write_cursor(6))), Err(Error::BadCursor)));
        assert!(matches!(arrivals.read_cursor(Some(&Cursor("o1.0".to_owned()))), Err(Error::BadCursor)));
    }
}
