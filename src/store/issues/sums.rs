//! Sums over the errors of some writes: what each kind of error adds to its issue, before any row is touched.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::errors::{Alias, Errors, Group};
use super::hours::hour_ns;
use crate::model::{IssueId, Nanos, Text, TimeBounds, TraceId};

/// Other fingerprints that are added to an issue at once at most.
const MOST_ALIASES: usize = 16;

/// What some writes add to one issue.
pub(super) struct Tally<'a> {
    /// How the first of the errors was grouped.
    pub(super) group: &'a Group,
    /// How many errors there are.
    pub(super) events: u64,
    /// The time of the earliest error, unix nanoseconds.
    pub(super) first_ns: u64,
    /// The time of the latest error, unix nanoseconds.
    pub(super) last_ns: u64,
    /// The time of the latest error, where each counts as no later than it was received.
    pub(super) heard_ns: u64,
    /// Errors by the hour they happened in.
    pub(super) hours: BTreeMap<u64, u64>,
    /// When an error was last seen in each trace, unix nanoseconds.
    pub(super) traces: FxHashMap<&'a TraceId, u64>,
    /// The environments of the errors.
    pub(super) environments: FxHashSet<&'a Text>,
    /// Whether an error has another message than the group.
    pub(super) messages_differ: bool,
    /// The latest stack trace, and the time of its error, unix nanoseconds.
    pub(super) stack: Option<(u64, &'a Text)>,
    /// Other fingerprints that lead to the issue.
    pub(super) aliases: Vec<&'a Alias>,
}

impl<'a> Tally<'a> {
    /// The tallies of some writes, one for each kind of error in the order they came, and when the last was received.
    pub(super) fn sum(writes: impl Iterator<Item = (&'a Errors, u64)>) -> (Vec<Tally<'a>>, u64) {
        let mut tallies: Vec<Tally<'a>> = Vec::new();
        let mut places: FxHashMap<IssueId, usize> = FxHashMap::default();
        let mut last_received_ns = 0;
        for (errors, received_ns) in writes {
            last_received_ns = received_ns.max(last_received_ns);
            // An error that happened at no time that can be happened when it was received.
            let bounds = TimeBounds::received_at(Nanos(received_ns));
            for event in &errors.events {
                let Some(group) = errors.groups.get(event.group) else { continue };
                let place = *places.entry(group.grouping.issue).or_insert_with(|| {
                    tallies.push(Tally::new(group));
                    tallies.len() - 1
                });
                let Some(tally) = tallies.get_mut(place) else { continue };
                tally.learn(group, &bounds);
                let time_ns = bounds.believe(event.time).0;
                tally.events += 1;
                (tally.first_ns, tally.last_ns) = (tally.first_ns.min(time_ns), tally.last_ns.max(time_ns));
                tally.heard_ns = tally.heard_ns.max(time_ns.min(received_ns));
                *tally.hours.entry(hour_ns(time_ns)).or_default() += 1;
                tally.environments.extend(&event.environment);
                if let Some(trace) = &event.trace {
                    let seen_ns = tally.traces.entry(trace).or_default();
                    *seen_ns = time_ns.max(*seen_ns);
                }
            }
        }
        (tallies, last_received_ns)
    }

    fn new(group: &'a Group) -> Tally<'a> {
        Tally {
            group,
            events: 0,
            first_ns: u64::MAX,
            last_ns: 0,
            heard_ns: 0,
            hours: BTreeMap::new(),
            traces: FxHashMap::default(),
            environments: FxHashSet::default(),
            messages_differ: false,
            stack: None,
            aliases: Vec::new(),
        }
    }

    /// Adds errors that are counted in the same issue.
    pub(super) fn merge(&mut self, other: Tally<'a>) {
        self.messages_differ |= other.messages_differ || other.group.grouping.message != self.group.grouping.message;
        self.events += other.events;
        (self.first_ns, self.last_ns) = (self.first_ns.min(other.first_ns), self.last_ns.max(other.last_ns));
        self.heard_ns = self.heard_ns.max(other.heard_ns);
        for (hour_ns, events) in other.hours {
            *self.hours.entry(hour_ns).or_default() += events;
        }
        for (trace, seen_ns) in other.traces {
            let known_ns = self.traces.entry(trace).or_default();
            *known_ns = seen_ns.max(*known_ns);
        }
        self.environments.extend(other.environments);
        if other.stack.is_some_and(|(time_ns, _)| self.stack.is_none_or(|(known_ns, _)| known_ns < time_ns)) {
            self.stack = other.stack;
        }
    }

    /// Takes what a write says of all errors of a group.
    fn learn(&mut self, group: &'a Group, bounds: &TimeBounds) {
        self.messages_differ |= group.messages_differ || group.grouping.message != self.group.grouping.message;
        if let Some((time, stack)) = &group.stack
            && let time_ns = bounds.believe(*time).0
            && self.stack.is_none_or(|(known_ns, _)| known_ns < time_ns)
        {
            self.stack = Some((time_ns, stack));
        }
        for alias in &group.aliases {
            if self.aliases.len() < MOST_ALIASES && self.aliases.iter().all(|known| known.grouping != alias.grouping) {
                self.aliases.push(alias);
            }
        }
    }
}

/// Where errors are counted.
pub(super) struct Home {
    /// The row of the issue.
    pub(super) row: i64,
    /// Whether the issue stands for errors of many kinds.
    pub(super) is_shared: bool,
}

/// What is to be added to each issue.
#[derive(Default)]
pub(super) struct Homes<'a> {
    places: FxHashMap<i64, usize>,
    /// Where errors are counted, each issue once, and the sums over those errors.
    pub(super) found: Vec<(Home, Tally<'a>)>,
}

impl<'a> Homes<'a> {
    /// Adds the sums over errors that are counted in an issue.
    pub(super) fn add(&mut self, home: Home, tally: Tally<'a>) {
        let place = *self.places.entry(home.row).or_insert(self.found.len());
        match self.found.get_mut(place) {
            Some((_, known)) => known.merge(tally),
            None => self.found.push((home, tally)),
        }
    }

    /// Whether what is to be added to an issue was in one of the traces of a tally.
    pub(super) fn share_trace(&self, row: i64, tally: &Tally<'_>) -> bool {
        let known = self.places.get(&row).and_then(|place| self.found.get(*place));
        known.is_some_and(|(_, known)| tally.traces.keys().any(|trace| known.traces.contains_key(*trace)))
    }
}
