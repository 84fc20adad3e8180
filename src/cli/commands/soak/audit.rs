//! Reads back what a soak wrote, in the ways that programs and people do, and compares it with what was acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ledger::{Ledger, State};
use super::unit::{Unit, mix};
use crate::model::{Batch, RecordFilter, TraceQuery};
use crate::query::facets;
use crate::store::{self, Backend, Mode, Target};

/// How many traces are shown after each start of the server.
const SHOWN: u64 = 60;
/// How many of the newest traces are listed after each start.
const LISTED: usize = 200;
/// How many records are read in one go.
const STEP: usize = 10_000;
/// Most examples that are told.
const EXAMPLES: usize = 10;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Records that were read.
    pub read_back: u64,
    /// Traces that were read one by one.
    pub shown: u64,
    /// Records that were acknowledged and are not there.
    pub lost: u64,
    /// Records that are there and were never sent like that.
    pub wrong: u64,
    /// Records that are there more than once.
    pub doubled: u64,
    /// Requests that were not answered and are there in part.
    pub torn: u64,
    /// What is wrong with some of them.
    pub examples: Vec<String>,
}

impl Found {
    /// Whether nothing is lost, wrong, doubled or torn.
    pub fn is_clean(&self) -> bool {
        self.lost + self.wrong + self.doubled + self.torn == 0
    }

    /// Adds what another look found.
    pub fn add(&mut self, other: Found) {
        self.read_back += other.read_back;
        self.shown += other.shown;
        self.lost += other.lost;
        self.wrong += other.wrong;
        self.doubled += other.doubled;
        self.torn += other.torn;
        other.examples.into_iter().for_each(|example| self.tell(example));
    }

    fn tell(&mut self, example: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(example);
        }
    }

    /// Compares how often each record of a unit is there with what is known of the unit.
    fn compare(&mut self, unit: Unit, state: State, counts: &[u8]) {
        let there = counts.iter().filter(|count| **count > 0).count() as u64;
        let doubled = counts.iter().map(|count| u64::from(count.saturating_sub(1))).sum::<u64>();
        self.doubled += doubled;
        let missing = unit.records().saturating_sub(there);
        let problem = match state {
            State::Acknowledged if missing > 0 => {
                self.lost += missing;
                "lost"
            }
            State::InDoubt if missing > 0 && there > 0 => {
                self.torn += 1;
                "torn"
            }
            _ if doubled > 0 => "doubled",
            _ => return,
        };
        self.tell(format!("{problem}: trace {} has {there} of {} {:?}", unit.trace_id(), unit.records(), unit.kind()));
    }

    /// Counts the records of a batch by unit and place; what is of no unit is wrong.
    fn count(&mut self, batch: &Batch, ledger: &Ledger, counts: &mut BTreeMap<Unit, Vec<u8>>) {
        let spans = batch.spans.iter().map(|span| {
            let unit = Unit::of_trace(&span.trace_id);
            (span.trace_id.to_string(), unit, unit.and_then(|unit| unit.place_of_span(span)))
        });
        let logs = batch.logs.iter().map(|log| {
            let unit = log.trace_id.as_ref().and_then(Unit::of_trace);
            let id = log.trace_id.as_ref().map(ToString::to_string).unwrap_or_default();
            (id, unit, unit.and_then(|unit| unit.place_of_log(log)))
        });
        let checkpoints = batch.checkpoints.iter().map(|checkpoint| {
            let unit = Unit::of_trace(&checkpoint.trace_id);
            (checkpoint.trace_id.to_string(), unit, unit.and_then(|unit| unit.place_of_checkpoint(checkpoint)))
        });
        for (id, unit, place) in spans.chain(logs).chain(checkpoints) {
            self.read_back += 1;
            let known = unit.filter(|unit| ledger.state(*unit).is_some());
            let (Some(unit), Some(place)) = (known, place) else {
                self.wrong += 1;
                self.tell(format!("wrong: a record of trace {id} was never sent like that"));
                continue;
            };
            let counts = counts.entry(unit).or_default();
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            if counts.len() <= place {
                counts.resize(place + 1, 0);
            }
            if let Some(count) = counts.get_mut(place) {
                *count = count.saturating_add(1);
            }
        }
    }
}

/// Lists the newest traces, and shows some of all that were acknowledged.
///
/// # Errors
/// The server does not answer.
pub async fn sample(url: &str, ledger: &Ledger, turn: u64) -> store::Result<Found> {
    let backend = store::open(&Target::Url { url: url.to_owned(), key: None }, Mode::Read).await?;
    let mut found = Found::default();
    let listed = backend.traces(&TraceQuery { limit: LISTED, ..TraceQuery::default() }).await?;
    for summary in listed.items {
        let Some((unit, _)) = Unit::of_trace(&summary.trace_id).and_then(|unit| Some((unit, ledger.state(unit)?)))
        else {
            found.wrong += 1;
            found.tell(format!("wrong: trace {} was never sent", summary.trace_id));
            continue;
        };
        let records = summary.span_count + summary.log_count + summary.checkpoint_count;
        if records != unit.records() {
            found.wrong += 1;
            found.tell(format!(
                "wrong: trace {} is listed with {records} of {} records",
                summary.trace_id,
                unit.records()
            ));
        }
    }
    let sent = ledger.all();
    for number in 0..SHOWN.min(sent.len() as u64) {
        let place = usize::try_from(mix(turn << 20 | number) % sent.len() as u64).unwrap_or(0);
        let Some((unit, state)) = sent.get(place).copied() else { continue };
        let mut counts = BTreeMap::new();
        if let Some(trace) = backend.trace(&unit.trace_id()).await? {
            let batch = Batch { spans: trace.spans, logs: trace.logs, checkpoints: trace.checkpoints };
            let mut shown = Found::default();
            shown.count(&batch, ledger, &mut counts);
            found.add(Found { read_back: 0, ..shown });
        }
        found.shown += 1;
        found.compare(unit, state, counts.get(&unit).map_or(&[], Vec::as_slice));
    }
    backend.close().await?;
    Ok(found)
}

/// Reads everything, and compares all of it.
///
/// # Errors
/// The store cannot be read.
pub async fn whole(backend: &dyn Backend, ledger: &Ledger) -> store::Result<Found> {
    let (mut found, mut counts, mut place) = (Found::default(), BTreeMap::new(), None);
    loop {
        let chunk = facets::feed(backend)?.scan(&RecordFilter::default(), place.as_ref(), STEP, Duration::ZERO).await?;
        found.count(&chunk.batch, ledger, &mut counts);
        if chunk.at_end {
            break;
        }
        place = Some(chunk.next);
    }
    for (unit, state) in ledger.all() {
        found.compare(unit, state, counts.get(&unit).map_or(&[], Vec::as_slice));
    }
    backend.close().await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::soak::unit::Kind;
    use crate::decode::body::MediaType;
    use crate::decode::otlp;

    /// What is found when the spans of one unit were changed like this.
    fn found(state: State, change: impl Fn(&mut Batch)) -> (u64, u64, u64, u64) {
        let units = (0..).map(|number| Unit { connection: 0, number });
        let mut units = units.filter(|unit| unit.kind() == Kind::Spans && unit.records() > 2);
        let unit = units.next().expect("one of many");
        let ledger = Ledger::default();
        ledger.note(unit, state);
        let body = bytes::Bytes::from(unit.request().1);
        let mut batch = otlp::traces(&body, MediaType::Json).expect("OTLP").batch;
        change(&mut batch);
        let (mut found, mut counts) = (Found::default(), BTreeMap::new());
        found.count(&batch, &ledger, &mut counts);
        found.compare(unit, state, counts.get(&unit).map_or(&[], Vec::as_slice));
        (found.lost, found.wrong, found.doubled, found.torn)
    }

    #[test]
    fn what_is_lost_wrong_doubled_or_torn_is_counted() {
        assert_eq!(found(State::Acknowledged, |_| {}), (0, 0, 0, 0));
        assert_eq!(found(State::Acknowledged, |batch| drop(batch.spans.pop())), (1, 0, 0, 0));
        assert_eq!(found(State::Acknowledged, |batch| batch.spans.push(batch.spans[0].clone())), (0, 0, 1, 0));
        assert_eq!(found(State::Acknowledged, |batch| batch.spans[0].end.0 += 1), (1, 1, 0, 0));
        assert_eq!(found(State::InDoubt, |batch| batch.spans.clear()), (0, 0, 0, 0));
        assert_eq!(found(State::InDoubt, |batch| drop(batch.spans.pop())), (0, 0, 0, 1));
    }
}
