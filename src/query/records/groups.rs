//! Calls, errors and latency of spans grouped by any field: `user.id`, `http.route`, `service.version`; and how they go
//! over time.
//!
//! Works on every store that has an order of arrival. What is kept of a span is its start, its duration and whether it
//! failed; groups beyond a number are counted and not kept.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::filter::{Field, Intrinsic, RecordRef, Subject};
use crate::model::stats::percentile;
use crate::model::words::words;
use crate::model::{Nanos, Record, Span};
use crate::query::records::find::{RecordQuery, each};
use crate::store::{Backend, Error};

/// Most groups that are kept.
pub const MOST_GROUPS: usize = 10_000;
/// Most steps of time a group is divided into.
pub const MOST_STEPS: u64 = 1_000;

words! {
    /// Which groups come first; every order begins with the largest.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum GroupSort {
        /// Most calls.
        #[default]
        Calls = "calls",
        /// Most failed calls.
        Errors = "errors",
        /// Slowest median.
        P50 = "p50",
        /// Slowest twentieth.
        P95 = "p95",
        /// Slowest hundredth.
        P99 = "p99",
        /// The slowest call.
        Max = "max",
        /// Most time together.
        Total = "total",
    }
}

/// What to group, and by what.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupQuery {
    /// Which spans.
    pub records: RecordQuery,
    /// What a group has in common.
    pub by: Vec<Field>,
    /// Length of the steps of time that each group is divided into; `None` for no division.
    pub over: Option<Duration>,
    /// Which groups come first.
    pub sort: GroupSort,
    /// At most this many groups; 0 is all.
    pub limit: usize,
}

/// Why there are no groups.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// The steps are too short for the time there is.
    #[error("the records reach over {0} steps, and {MOST_STEPS} is the most")]
    TooManySteps(u64),
}

/// Calls, errors and latency of some spans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measures {
    /// How many calls.
    pub calls: u64,
    /// How many of them failed.
    pub errors: u64,
    /// Median duration, nanoseconds.
    pub p50_ns: u64,
    /// 95th percentile, nanoseconds.
    pub p95_ns: u64,
    /// 99th percentile, nanoseconds.
    pub p99_ns: u64,
    /// The longest duration, nanoseconds.
    pub max_ns: u64,
    /// Sum of durations, nanoseconds.
    pub total_ns: u64,
}

/// Spans that have the same values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The values, in the order of the fields; `None` where spans lack one.
    pub values: Vec<Option<String>>,
    /// What all spans of the group add up to.
    pub measures: Measures,
    /// What those of each step add up to, also of steps without any; empty without a division.
    pub steps: Vec<Measures>,
}

/// Groups, and what all of them share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Groups {
    /// The groups, in the order asked for.
    pub groups: Vec<Group>,
    /// How many groups there are, beyond the limit too.
    pub total: usize,
    /// How many calls are in groups that were not kept.
    pub dropped_calls: u64,
    /// When the first step begins; `None` without a division or without spans.
    pub first_step: Option<Nanos>,
}

/// What is kept of a span.
#[derive(Debug, Clone, Copy)]
struct Call {
    start: Nanos,
    duration_ns: u64,
    is_error: bool,
}

/// Groups spans.
///
/// # Errors
/// The store fails, or the steps are too short.
pub async fn groups(backend: &dyn Backend, query: &GroupQuery) -> Result<Groups, GroupError> {
    let mut calls: BTreeMap<Vec<Option<String>>, Vec<Call>> = BTreeMap::new();
    let mut dropped_calls = 0;
    each(backend, &query.records, |record| {
        let Record::Span(span) = record else { return };
        let values = query.by.iter().map(|field| value_of(&span, field)).collect();
        let call = Call { start: span.start, duration_ns: span.duration_ns(), is_error: span.is_error() };
        if calls.len() < MOST_GROUPS || calls.contains_key(&values) {
            calls.entry(values).or_default().push(call);
        } else {
            dropped_calls += 1;
        }
    })
    .await?;
    let steps = query.over.map(|over| Steps::of(over, calls.values().flatten())).transpose()?.flatten();
    let mut groups: Vec<Group> = calls
        .into_iter()
        .map(|(values, calls)| Group {
            values,
            measures: measure(&calls),
            steps: steps.as_ref().map(|steps| steps.divide(&calls)).unwrap_or_default(),
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.measures.rank(query.sort)));
    let total = groups.len();
    if query.limit > 0 {
        groups.truncate(query.limit);
    }
    Ok(Groups { groups, total, dropped_calls, first_step: steps.map(|steps| steps.first) })
}

/// The first value of a field, as text.
fn value_of(span: &Span, field: &Field) -> Option<String> {
    let mut value = None;
    let subject = Subject::of(RecordRef::Span(span));
    let is_kind = *field == Field::Intrinsic(Intrinsic::Kind);
    subject.any_value(field, &mut |found| {
        // That it is a span is said of every one.
        let text = found.text().filter(|text| !is_kind || **text != *"span");
        value = text.map(|text| text.into_owned());
        value.is_some()
    });
    value
}

impl Measures {
    fn rank(&self, sort: GroupSort) -> (u64, u64) {
        let key = match sort {
            GroupSort::Calls => self.calls,
            GroupSort::Errors => self.errors,
            GroupSort::P50 => self.p50_ns,
            GroupSort::P95 => self.p95_ns,
            GroupSort::P99 => self.p99_ns,
            GroupSort::Max => self.max_ns,
            GroupSort::Total => self.total_ns,
        };
        (key, self.calls)
    }
}

fn measure(calls: &[Call]) -> Measures {
    let mut durations: Vec<u64> = calls.iter().map(|call| call.duration_ns).collect();
    durations.sort_unstable();
    Measures {
        calls: calls.len() as u64,
        errors: calls.iter().filter(|call| call.is_error).count() as u64,
        p50_ns: percentile(&durations, 50),
        p95_ns: percentile(&durations, 95),
        p99_ns: percentile(&durations, 99),
        max_ns: durations.last().copied().unwrap_or(0),
        total_ns: durations.iter().fold(0, |sum, duration| sum.saturating_add(*duration)),
    }
}

/// Steps of equal length that cover some calls.
#[derive(Debug)]
struct Steps {
    first: Nanos,
    length_ns: u64,
    count: usize,
}

impl Steps {
    /// The steps, which begin at multiples of their length; `None` without calls.
    fn of<'c>(over: Duration, calls: impl Iterator<Item = &'c Call> + Clone) -> Result<Option<Steps>, GroupError> {
        let length_ns = u64::try_from(over.as_nanos()).unwrap_or(u64::MAX).max(1);
        let starts = calls.map(|call| call.start.0);
        let (Some(first), Some(last)) = (starts.clone().min(), starts.max()) else { return Ok(None) };
        let count = last / length_ns - first / length_ns + 1;
        if count > MOST_STEPS {
            return Err(GroupError::TooManySteps(count));
        }
        let count = usize::try_from(count).unwrap_or(0);
        Ok(Some(Steps { first: Nanos(first / length_ns * length_ns), length_ns, count }))
    }

    fn divide(&self, calls: &[Call]) -> Vec<Measures> {
        let mut steps = vec![Vec::new(); self.count];
        for call in calls {
            let place = usize::try_from(call.start.since(self.first) / self.length_ns).unwrap_or(usize::MAX);
            if let Some(step) = steps.get_mut(place) {
                step.push(*call);
            }
        }
        steps.iter().map(|calls| measure(calls)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(numbers: std::ops::RangeInclusive<u64>) -> Vec<Call> {
        let call = |number| Call { start: Nanos(number * 10), duration_ns: number, is_error: number % 10 == 0 };
        numbers.map(call).collect()
    }

    #[test]
    fn measures_are_exact_and_steps_begin_at_multiples_of_their_length() {
        let some = calls(1..=100);
        let all = measure(&some);
        assert_eq!(
            (all.calls, all.errors, all.p50_ns, all.p95_ns, all.max_ns, all.total_ns),
            (100, 10, 50, 95, 100, 5_050)
        );
        let steps = Steps::of(Duration::from_nanos(400), some.iter()).expect("few").expect("calls");
        let counts: Vec<u64> = steps.divide(&some).iter().map(|step| step.calls).collect();
        assert_eq!((steps.first, counts), (Nanos(0), vec![39, 40, 21]));
        assert!(Steps::of(Duration::from_nanos(1), some.iter()).is_ok_and(|steps| steps.is_some()));
        assert!(Steps::of(Duration::from_nanos(0), calls(1..=200).iter()).is_err());
        assert!(Steps::of(Duration::from_secs(1), [].iter()).expect("none").is_none());
    }
}
