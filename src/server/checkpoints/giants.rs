//! What a list says of correlation ids, and what is remembered of those with very many records.
//!
//! Neither times nor sources of a long-lived id can be taken from the summary of its trace, which rounds times, knows
//! no order and counts spans and logs too. So they are read once, and later only what came since.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustc_hash::FxHashSet;
use serde_json::{Value as Json, json};

use crate::{
    model::{Checkpoint, Cursor, RecordFilter, RecordKind, TraceId},
    query::facets,
    store,
};

use crate::server::app::App;

/// Traces remembered; the one nobody has asked for longest is forgotten first.
const REMEMBERED: usize = 64;
/// Records read at once.
const STEP: usize = 5_000;

/// The correlation ids of one trace, mostly one.
pub(super) type Correlations = BTreeMap<String, Correlation>;

/// What a list says of a correlation id.
#[derive(Debug, Default, Clone)]
pub(super) struct Correlation {
    /// How many records it has.
    pub(super) records: u64,
    first_ms: f64,
    last_ms: f64,
    /// In order of arrival.
    sources: Vec<String>,
    known_sources: FxHashSet<String>,
}

impl Correlation {
    /// Adds a record; they come in order of arrival.
    pub(super) fn add(&mut self, record: &Checkpoint) {
        let time = record.timestamp_ms;
        let is_first = self.records == 0;
        self.first_ms = if is_first { time } else { self.first_ms.min(time) };
        self.last_ms = if is_first { time } else { self.last_ms.max(time) };
        self.records += 1;
        if !self.known_sources.contains(record.source_id.as_str()) {
            self.known_sources.insert(record.source_id.to_string());
            self.sources.push(record.source_id.to_string());
        }
    }

    /// As the original writes it.
    pub(super) fn to_json(&self, id: &str) -> Json {
        // The original takes a time of exactly zero for none.
        let is_timed = self.first_ms != 0.0 && self.last_ms != 0.0;
        let duration_ms = if is_timed { (self.last_ms - self.first_ms).trunc() } else { 0.0 };
        let duration_ms = if duration_ms.abs() < 9e15 { json!(duration_ms as i64) } else { json!(duration_ms) };
        // The original joins sources with commas and splits them again; joined, an empty one alone is none.
        let joined = self.sources.join(",");
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
pub(in crate::server) struct Giants(Mutex<VecDeque<Giant>>);

#[derive(Debug)]
struct Giant {
    trace: TraceId,
    /// Everything before it was read.
    place: Cursor,
    /// Removals that had happened before that.
    removals: u64,
    found: Correlations,
}

impl Giants {
    fn take(&self, trace: &TraceId, removals: u64) -> Option<Giant> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = known.iter().position(|giant| giant.trace == *trace)?;
        known.remove(index).filter(|giant| giant.removals == removals)
    }

    fn put_back(&self, giant: Giant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_back(giant);
        if known.len() > REMEMBERED {
            known.pop_front();
        }
    }

    /// The rows of a trace, by correlation id.
    ///
    /// # Errors
    /// The store fails.
    pub(super) async fn rows(&self, app: &App, trace: &TraceId) -> store::Result<Vec<Json>> {
        // Before anything is read: what is removed meanwhile is found out the next time.
        let removals = app.live.removals();
        let known = self.take(trace, removals);
        let (after, mut found) = known.map_or_else(Default::default, |giant| (Some(giant.place), giant.found));
        let place = read_trace(app, trace, after, &mut found).await?;
        let rows = rows(&found);
        self.put_back(Giant { trace: trace.clone(), place, removals, found });
        Ok(rows)
    }
}

/// Adds the checkpoints of a trace that lie behind a place; returns the place behind all of them.
pub(super) async fn read_trace(
    app: &App,
    trace: &TraceId,
    after: Option<Cursor>,
    found: &mut Correlations,
) -> store::Result<Cursor> {
    let (kind, trace) = (Some(RecordKind::Checkpoints), Some(trace.clone()));
    let filter = RecordFilter { kind, trace, ..RecordFilter::default() };
    read_on(app, &filter, after, |record| {
        found.entry(record.correlation_id.to_string()).or_default().add(record);
    })
    .await
}

/// The rows of correlation ids.
pub(super) fn rows(found: &Correlations) -> Vec<Json> {
    found.iter().map(|(id, correlation)| correlation.to_json(id)).collect()
}

/// Calls `visit` with every checkpoint behind a place, in order of arrival; returns the place behind them.
pub(super) async fn read_on(
    app: &App,
    filter: &RecordFilter,
    mut after: Option<Cursor>,
    mut visit: impl FnMut(&Checkpoint),
) -> store::Result<Cursor> {
    loop {
        let chunk = facets::feed(app.backend.as_ref())?.scan(filter, after.as_ref(), STEP, Duration::ZERO).await?;
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
                correlation.add(&checkpoint::single(record.to_string().as_bytes()).expect("a checkpoint"));
            }
            correlation.to_json("c")["sources"].clone()
        };
        assert_eq!(sources(&["b", "a", "b"]), json!(["b", "a"]));
        assert_eq!(sources(&["a,b", "a"]), json!(["a", "b", "a"]));
        assert_eq!(sources(&[""]), json!([]));
        assert_eq!(sources(&["", "a"]), json!(["", "a"]));
    }
}
