//! What has been written lately, so that a record sent again is recognised before it is stored.
//!
//! The writer keeps one promise with it: no record lies in the file twice. So nobody who reads has to look for
//! duplicates, and every count is right. The rule behind it: while a trace is *known*, the identities of all its
//! stored records are here; a trace seen for the first time is looked up in the file and becomes known. Records that
//! wait in the inbox are always here. Only of very long traces, and of log records without one, are just those records
//! looked up that begin at the same time as the new ones.
//!
//! A trace's spans, checkpoints and log records count as traces of their own here. An identity has 64 bits; that two
//! different records of two million meet in one is a chance of one in ten million million for each new record.
//!
//! Two generations bound the memory: when the young one is full the old one is forgotten, traces with their records.

use rustc_hash::FxHashSet;

/// Entries a generation holds before it becomes the old one: just under what makes its table double to 19 MB.
const GENERATION: usize = 900_000;

/// Identities of records, and hashes of the traces all of whose records are among them.
#[derive(Debug, Default)]
pub struct Dedup {
    young: Generation,
    old: Generation,
    /// Whether log records that came with a request may wait in the inbox.
    has_requests: bool,
}

#[derive(Debug, Default)]
struct Generation {
    records: FxHashSet<u64>,
    traces: FxHashSet<u64>,
    /// When the generation began, unix nanoseconds; `None` while nothing was put in.
    since_ns: Option<u64>,
    /// The first write with records in the generation; `None` without any.
    first_seq: Option<i64>,
    /// The last write with records in the generation.
    last_seq: i64,
}

impl Generation {
    fn len(&self) -> usize {
        self.records.len() + self.traces.len()
    }
}

impl Dedup {
    #[cfg(test)]
    fn has(&self, record: u64) -> bool {
        self.young.records.contains(&record) || self.old.records.contains(&record)
    }

    /// Adds a record; false when it was known.
    pub fn add(&mut self, record: u64, now_ns: u64) -> bool {
        self.young.since_ns.get_or_insert(now_ns);
        !self.old.records.contains(&record) && self.young.records.insert(record)
    }

    /// Notes that log records that came with a request were written.
    pub fn note_requests(&mut self) {
        self.has_requests = true;
    }

    /// Whether log records that came with a request may wait in the inbox; false is certain.
    pub fn has_requests(&self) -> bool {
        self.has_requests
    }

    /// Takes back a record whose write failed.
    pub fn take_back(&mut self, record: u64) {
        self.young.records.remove(&record);
    }

    /// Whether all stored records of a trace are known.
    pub fn knows(&self, trace: u64) -> bool {
        self.young.traces.contains(&trace) || self.old.traces.contains(&trace)
    }

    /// Notes that these are all sealed records of a trace. `first_unsealed` is the first write that is not sealed.
    pub fn learn(&mut self, trace: u64, records: impl Iterator<Item = u64>, now_ns: u64, first_unsealed: Option<i64>) {
        // The trace is known as long as all of its records are: those that wait may be in the old generation.
        let old_is_sealed = self.old_is_sealed(first_unsealed);
        let generation = if old_is_sealed { &mut self.young } else { &mut self.old };
        // Also those the other one has.
        generation.records.extend(records);
        generation.traces.insert(trace);
        generation.since_ns.get_or_insert(now_ns);
    }

    /// Notes some sealed records of a trace that is not known.
    pub fn remember(&mut self, records: impl Iterator<Item = u64>, now_ns: u64) {
        self.young.records.extend(records);
        self.young.since_ns.get_or_insert(now_ns);
    }

    fn old_is_sealed(&self, first_unsealed: Option<i64>) -> bool {
        first_unsealed.is_none_or(|seq| self.old.last_seq < seq)
    }

    /// Notes the first and the last of the writes that were just stored.
    pub fn stored(&mut self, first_seq: i64, last_seq: i64) {
        self.young.first_seq.get_or_insert(first_seq);
        self.young.last_seq = self.young.last_seq.max(last_seq);
    }

    /// The last write some of whose records may not be known; of every later one all records are.
    pub fn last_unknown_seq(&self) -> i64 {
        self.old.first_seq.or(self.young.first_seq).map_or(i64::MAX, |seq| seq - 1)
    }

    /// Starts a new generation when the young one is full and everything the old one saw up to now is sealed.
    pub fn rotate(&mut self, first_unsealed: Option<i64>) {
        self.rotate_at(GENERATION, first_unsealed);
    }

    fn rotate_at(&mut self, size: usize, first_unsealed: Option<i64>) {
        if self.young.len() >= size && self.old_is_sealed(first_unsealed) {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// Forgets generations that began before `cutoff_ns`, because what they saw may have been removed since; whether
    /// there were any.
    pub fn forget_before(&mut self, cutoff_ns: u64) -> bool {
        let mut forgot = false;
        for generation in [&mut self.young, &mut self.old] {
            if generation.since_ns.is_some_and(|since_ns| since_ns < cutoff_ns) {
                *generation = Generation::default();
                forgot = true;
            }
        }
        forgot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_recognised_through_one_rotation_and_forgotten_with_its_trace_after_two() {
        let mut seen = Dedup::default();
        seen.learn(1, std::iter::empty(), 0, None);
        assert!(seen.add(10, 0));
        seen.rotate_at(2, None);
        assert!(!seen.add(10, 0) && seen.knows(1));
        assert!(seen.add(11, 0) && seen.add(12, 0));
        seen.rotate_at(2, None);
        assert!(!seen.has(10) && !seen.knows(1));
        assert!(seen.has(11));
    }

    #[test]
    fn nothing_is_forgotten_while_it_waits_in_the_inbox() {
        let mut seen = Dedup::default();
        assert!(seen.add(10, 0));
        seen.stored(5, 5);
        seen.rotate_at(1, Some(1));
        assert!(seen.add(11, 0));
        seen.rotate_at(1, Some(5));
        assert!(seen.has(10), "write 5 is not sealed");
        seen.rotate_at(1, Some(6));
        assert!(!seen.has(10) && seen.has(11));
    }

    #[test]
    fn a_trace_is_forgotten_no_later_than_its_records_that_wait() {
        let mut seen = Dedup::default();
        assert!(seen.add(10, 0));
        seen.stored(5, 5);
        seen.rotate_at(1, Some(5));
        seen.learn(1, std::iter::empty(), 0, Some(5));
        assert!(seen.add(11, 0) && seen.knows(1));
        seen.rotate_at(1, Some(6));
        assert!(!seen.has(10) && !seen.knows(1));
    }

    #[test]
    fn what_began_before_a_removal_is_forgotten() {
        let mut seen = Dedup::default();
        assert!(seen.add(10, 100));
        assert!(!seen.forget_before(100) && seen.has(10));
        assert!(seen.forget_before(101) && !seen.has(10));
    }
}
