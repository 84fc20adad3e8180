//! What a fold keeps of records whose times do not rule their trace.
//!
//! Folds merge in any order, so which records are the odd ones out is decided anew whenever more come: records within a
//! year of each other are an era, the era of most records rules, and the latest of those that have as many.

use serde::{Deserialize, Serialize};

use super::candidate::{Candidate, offer_candidate};
use super::time_bounds::YEAR_NS;
use crate::model::Nanos;

/// Records of a trace whose times do not say when it was.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OddTimes {
    /// Records more than a year from those that rule, by time.
    pub eras: Vec<Era>,
    /// Records that start when nothing can have; `None` without any.
    pub unbelieved: Option<Unbelieved>,
    /// How many spans that start at a time that is believed have an end that is missing or absurd.
    pub ends: u64,
}

/// Records of a trace that lie within a year of each other.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Era {
    /// Earliest start, unix nanoseconds.
    pub start_ns: u64,
    /// Latest end, unix nanoseconds.
    pub end_ns: u64,
    /// How many records there are.
    pub records: u64,
    /// The best candidate for the root among them.
    pub root: Option<Candidate>,
}

/// Records that start when nothing can have.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Unbelieved {
    /// How many records there are.
    pub records: u64,
    /// When the first of them was received, unix nanoseconds.
    pub received_ns: u64,
    /// The earliest start they claim, unix nanoseconds.
    pub first_ns: u64,
    /// The latest start they claim, unix nanoseconds.
    pub last_ns: u64,
    /// The best candidate for the root among them.
    pub root: Option<Candidate>,
}

impl OddTimes {
    /// Whether all times of the trace rule.
    pub fn is_empty(&self) -> bool {
        self.eras.is_empty() && self.unbelieved.is_none() && self.ends == 0
    }

    /// How many records do not rule.
    pub(super) fn records(&self) -> u64 {
        let eras: u64 = self.eras.iter().map(|era| era.records).sum();
        eras + self.unbelieved.as_ref().map_or(0, |unbelieved| unbelieved.records)
    }

    /// Notes records that start when nothing can have; all of them so far.
    pub(super) fn note_unbelieved(&mut self, more: Unbelieved) -> &mut Unbelieved {
        let known = self.unbelieved.get_or_insert_with(|| Unbelieved {
            received_ns: u64::MAX,
            first_ns: u64::MAX,
            ..Unbelieved::default()
        });
        known.records += more.records;
        known.received_ns = known.received_ns.min(more.received_ns);
        known.first_ns = known.first_ns.min(more.first_ns);
        known.last_ns = known.last_ns.max(more.last_ns);
        if let Some(root) = more.root {
            offer_candidate(&mut known.root, root);
        }
        known
    }
}

impl Unbelieved {
    /// One record, with the time that stands in for its own.
    pub(super) fn one(start: Nanos, received: Nanos) -> Unbelieved {
        Unbelieved { records: 1, received_ns: received.0, first_ns: start.0, last_ns: start.0, root: None }
    }
}

/// Whether two stretches of time, unix nanoseconds, lie within a year of each other.
pub(super) fn are_near(a: (u64, u64), b: (u64, u64)) -> bool {
    let gap = |end: u64, start: u64| start.saturating_sub(end);
    gap(a.1, b.0).max(gap(b.1, a.0)) <= YEAR_NS
}

/// Joins eras that lie within a year of each other; the one that rules comes beside the rest, which is sorted by time.
pub(super) fn join_eras(mut eras: Vec<Era>) -> (Option<Era>, Vec<Era>) {
    eras.sort_by_key(|era| (era.start_ns, era.end_ns));
    let mut joined: Vec<Era> = Vec::with_capacity(eras.len());
    for era in eras {
        match joined.last_mut() {
            Some(last) if are_near((last.start_ns, last.end_ns), (era.start_ns, era.end_ns)) => {
                last.end_ns = last.end_ns.max(era.end_ns);
                last.records += era.records;
                if let Some(root) = era.root {
                    offer_candidate(&mut last.root, root);
                }
            }
            _ => joined.push(era),
        }
    }
    let ruling = joined.iter().enumerate().max_by_key(|(place, era)| (era.records, *place)).map(|(place, _)| place);
    let ruling = ruling.map(|place| joined.remove(place));
    (ruling, joined)
}
