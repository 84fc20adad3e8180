//! Which traces have which features, counted while records go by in the order they arrived.
//!
//! A feature is known by a number alone, so that values cost no memory; what it is called is read again, from one of its
//! traces, for those that matter. Keys whose values are nearly all different name things one by one (request ids, times)
//! and are dropped once that is plain.

use rustc_hash::FxHashMap;

use super::causes::Holders;
use super::features::{LeftOut, each_feature, feature_number, key_number};
use crate::model::filter::RecordRef;
use crate::model::{Record, Resource, TraceId};

/// A key with so many values is looked at again: are they of one trace each?
const MANY_VALUES: usize = 50_000;
/// Of a key that does not name things one by one, a value has at least so many traces on average.
const LEAST_TRACES: usize = 2;

/// Which traces have which features.
#[derive(Debug)]
pub struct Tally<'t> {
    numbers: &'t FxHashMap<TraceId, u32>,
    left_out: &'t LeftOut,
    features: FxHashMap<u64, Feature>,
    keys: FxHashMap<u64, Key>,
    last: Option<LastResource>,
}

#[derive(Debug)]
struct Feature {
    key: u64,
    traces: Vec<u32>,
}

#[derive(Debug, Default)]
struct Key {
    values: usize,
    noted: usize,
    is_dropped: bool,
}

/// Whose resource was looked at last, and in which trace: spans of one lie together.
#[derive(Debug, PartialEq)]
struct LastResource {
    trace: u32,
    resource: std::sync::Arc<Resource>,
}

impl<'t> Tally<'t> {
    /// Nothing counted yet, of traces with these numbers.
    pub fn new(numbers: &'t FxHashMap<TraceId, u32>, left_out: &'t LeftOut) -> Tally<'t> {
        Tally { numbers, left_out, features: FxHashMap::default(), keys: FxHashMap::default(), last: None }
    }

    /// Counts the features of a record, if its trace is one of those with a number.
    pub fn add(&mut self, record: &Record) {
        let Some(trace) = record.trace_id().and_then(|id| self.numbers.get(id)).copied() else { return };
        let resource = match record {
            Record::Span(span) => Some(&span.resource),
            Record::Log(log) => Some(&log.resource),
            Record::Checkpoint(_) => None,
        };
        let is_known = |last: &LastResource| {
            last.trace == trace && resource.is_some_and(|resource| std::sync::Arc::ptr_eq(resource, &last.resource))
        };
        let is_new = !self.last.as_ref().is_some_and(is_known);
        if let Some(resource) = resource.filter(|_| is_new) {
            self.last = Some(LastResource { trace, resource: std::sync::Arc::clone(resource) });
        }
        let Tally { left_out, features, keys, .. } = self;
        let mut crowded = false;
        each_feature(RecordRef::from(record), left_out, is_new, &mut |pairs| {
            let number = feature_number(pairs);
            if let Some(feature) = features.get_mut(&number) {
                if feature.traces.last() != Some(&trace) {
                    feature.traces.push(trace);
                    keys.entry(feature.key).or_default().noted += 1;
                }
                return;
            }
            let key_number = key_number(pairs);
            let key = keys.entry(key_number).or_default();
            if key.is_dropped {
                return;
            }
            key.values += 1;
            key.noted += 1;
            crowded |= key.values.is_multiple_of(MANY_VALUES);
            features.insert(number, Feature { key: key_number, traces: vec![trace] });
        });
        if crowded {
            self.drop_names();
        }
    }

    /// Drops the keys that name things one by one.
    fn drop_names(&mut self) {
        for key in self.keys.values_mut().filter(|key| key.values >= MANY_VALUES) {
            key.is_dropped |= key.noted < key.values * LEAST_TRACES;
        }
        let keys = &self.keys;
        self.features.retain(|_, feature| keys.get(&feature.key).is_some_and(|key| !key.is_dropped));
    }

    /// The traces of each feature.
    pub fn finish(self) -> Vec<Holders> {
        let of_feature = |(feature, Feature { mut traces, .. }): (u64, Feature)| {
            traces.sort_unstable();
            traces.dedup();
            Holders { feature, traces }
        };
        let mut holders: Vec<Holders> = self.features.into_iter().map(of_feature).collect();
        holders.sort_unstable_by_key(|holders| holders.feature);
        holders
    }
}
