//! What a list says of correlation ids, and what is remembered of those with very many records.
//!
//! Neither times nor sources of a long-lived id can be taken from the summary of its trace, which rounds times, knows
//! no order and counts spans and logs too. So they are read once, and later only what came since.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indexmap::IndexSet;
use serde_json::{Value as Json, json};

use crate::model::{Checkpoint, Cursor, RecordFilter, Text, TraceId};
use crate::query::facets;
use crate::server::access::CallersStore;
use crate::server::compat::stored;
use crate::store::{self, Backend};

/// Traces remembered; the one nobody has asked for longest is forgotten first.
const REMEMBERED: usize = 64;
/// Records read at once.
const STEP: usize = 5_000;

/// The correlation ids of one trace, mostly one.
pub(crate) type Correlations = BTreeMap<String, Correlation>;

/// What a list says of a correlation id.
#[derive(Debug, Default, Clone)]
pub(crate) struct Correlation {
    /// How many records the correlation id has.
    pub(crate) records: u64,
    first_ms: f64,
    last_ms: f64,
    /// The sources of the records, in order of arrival.
    sources: IndexSet<String>,
}

impl Correlation {
    /// Adds a record; they come in order of arrival.
    pub(crate) fn add(&mut self, record: &Checkpoint) {
        let time = record.timestamp_ms;
        let is_first = self.records == 0;
        self.first_ms = if is_first { time } else { self.first_ms.min(time) };
        self.last_ms = if is_first { time } else { self.last_ms.max(time) };
        self.records += 1;
        if !self.sources.contains(record.source_id.as_str()) {
            self.sources.insert(record.source_id.to_string());
        }
    }

    /// The row of a list as the original writes it.
    pub(crate) fn to_json(&self, id: &str) -> Json {
        // The original takes a time of exactly zero for none.
        let is_timed = self.first_ms != 0.0 && self.last_ms != 0.0;
        let duration_ms = if is_timed { (self.last_ms - self.first_ms).trunc() } else { 0.0 };
        let duration_ms = if duration_ms.abs() < 9e15 { json!(duration_ms as i64) } else { json!(duration_ms) };
        // The original joins sources with commas and splits them again; joined, an empty one alone is none.
        let joined = self.sources.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        let sources: Vec<&str> = if joined.is_empty() { Vec::new() } else { joined.split(',').collect() };
        json!({
            "correlation_id": id,
            "trace_count": self.records,
            "first_ts": self.first_ms,
            "last_ts": self.last_ms,
            "duration_ms": duration_ms,
            "sources": sources,
        })
    }
}

/// What is known of traces with very many checkpoints, the one asked for last at the end.
#[derive(Debug, Default)]
pub(crate) struct LargeTraces(Mutex<VecDeque<LargeTrace>>);

#[derive(Debug)]
struct LargeTrace {
    trace: TraceId,
    /// The only project whose records count; `None` for all.
    project: Option<Text>,
    /// The place up to which everything was read.
    place: Cursor,
    /// How often records had been removed before that place was read.
    removals: u64,
    found: Correlations,
}

impl LargeTraces {
    fn take_out(&self, trace: &TraceId, project: Option<&Text>, removals: u64) -> Option<LargeTrace> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = known.iter().position(|large| large.trace == *trace && large.project.as_ref() == project)?;
        known.remove(index).filter(|large| large.removals == removals)
    }

    fn put_back(&self, large: LargeTrace) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_back(large);
        if known.len() > REMEMBERED {
            known.pop_front();
        }
    }

    /// The rows of a trace, by correlation id; `removals` is how often records had been removed before the call, so that
    /// what is removed meanwhile is found out the next time.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn rows(&self, store: &CallersStore, removals: u64, trace: &TraceId) -> store::Result<Vec<Json>> {
        let project = store.project();
        let known = self.take_out(trace, project, removals);
        let (after, mut found) = known.map_or_else(Default::default, |large| (Some(large.place), large.found));
        let place = read_trace(&**store, trace, after, &mut found).await?;
        let rows = rows(&found);
        self.put_back(LargeTrace { trace: trace.clone(), project: project.cloned(), place, removals, found });
        Ok(rows)
    }
}

/// Adds the checkpoints of a trace that lie behind a place; returns the place behind all of them.
pub(crate) async fn read_trace(
    backend: &dyn Backend,
    trace: &TraceId,
    after: Option<Cursor>,
    found: &mut Correlations,
) -> store::Result<Cursor> {
    read_on(backend, &stored::filter(Some(trace.clone())), after, |record| {
        found.entry(record.correlation_id.to_string()).or_default().add(record);
    })
    .await
}

/// The rows of correlation ids.
pub(crate) fn rows(found: &Correlations) -> Vec<Json> {
    found.iter().map(|(id, correlation)| correlation.to_json(id)).collect()
}

/// Calls `visit` with every checkpoint behind a place, in order of arrival; returns the place behind them.
pub(crate) async fn read_on(
    backend: &dyn Backend,
    filter: &RecordFilter,
    mut after: Option<Cursor>,
    mut visit: impl FnMut(&Checkpoint),
) -> store::Result<Cursor> {
    loop {
        let chunk = facets::feed(backend)?.scan(filter, after.as_ref(), STEP, Duration::ZERO).await?;
        chunk.batch.checkpoints.iter().for_each(&mut visit);
        if chunk.at_end {
            return Ok(chunk.next);
        }
        after = Some(chunk.next);
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::checkpoint;

    use super::*;

    #[test]
    fn sources_are_joined_and_split_as_the_original_does() {
        let sources = |sources: &[&str]| {
            let mut correlation = Correlation::default();
            for source in sources {
                let record = json!({ "source_id": source, "correlation_id": "c", "timestamp": 1, "suffix": "",
                    "direction": "->", "operation": "", "endpoint": "" });
                let (records, _) = checkpoint::single(record.to_string().as_bytes()).expect("a checkpoint");
                records.iter().for_each(|record| correlation.add(record));
            }
            correlation.to_json("c")["sources"].clone()
        };
        assert_eq!(sources(&["b", "a", "b"]), json!(["b", "a"]));
        assert_eq!(sources(&["a,b", "a"]), json!(["a", "b", "a"]));
        assert_eq!(sources(&[""]), json!([]));
        assert_eq!(sources(&["", "a"]), json!(["", "a"]));
    }
}
