//! Records that a filter is true of, whatever trace they are in: read in the order they arrived, the best of them kept.
//!
//! Works on every store that has such an order. Memory is bounded by what is asked for; what a filter asks of a trace is
//! looked up for records the rest of it could be true of.

use std::collections::BTreeMap;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::model::filter::{Filter, Needs, RecordRef, Subject, TraceFacts};
use crate::model::words::words;
use crate::model::{Nanos, Needle, Record, RecordFilter, RecordKind, TraceId};
use crate::query::facets;
use crate::store::{Backend, Result};

/// Records per step.
const STEP: usize = 10_000;
/// Traces that are remembered.
const MOST_TRACES: usize = 256;
/// Characters of a text that are shown on either side of what was looked for.
const MARGIN: usize = 24;

words! {
    /// Which records come first; every order begins with the largest.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum RecordSort {
        /// The newest.
        #[default]
        Start = "start",
        /// The slowest.
        Duration = "duration",
    }
}

/// Which records to find.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordQuery {
    /// Only records of this kind.
    pub kind: Option<RecordKind>,
    /// Only records this is true of.
    pub filter: Option<Filter>,
    /// Only records that began at or after this.
    pub since: Option<Nanos>,
    /// Only records that began before this.
    pub until: Option<Nanos>,
    /// Only about so many of the newest records by their arrival; 0 is all.
    pub newest: usize,
    /// At most this many; 0 is all.
    pub limit: usize,
    /// What comes first.
    pub sort: RecordSort,
    /// Turns the order round.
    pub reverse: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundRecords {
    /// The records, in the order asked for.
    pub records: Vec<Record>,
    /// How many there are, beyond the limit too.
    pub total: u64,
}

/// Finds records.
///
/// # Errors
/// The store fails, or has no order of arrival.
pub async fn find(backend: &dyn Backend, query: &RecordQuery) -> Result<FoundRecords> {
    let (mut kept, mut total) = (BTreeMap::new(), 0_u64);
    each(backend, query, |record| {
        total += 1;
        kept.insert((query.rank(&record), total), record);
        if query.limit > 0 && kept.len() > query.limit {
            kept.pop_first();
        }
    })
    .await?;
    Ok(FoundRecords { records: kept.into_values().rev().collect(), total })
}

/// Calls `visit` with every record a question names, whatever its limit, in the order they arrived.
///
/// # Errors
/// As [`find`].
pub async fn each(backend: &dyn Backend, query: &RecordQuery, mut visit: impl FnMut(Record)) -> Result<()> {
    let feed = facets::feed(backend)?;
    let filter = RecordFilter { kind: query.kind, ..RecordFilter::default() };
    let mut traces = Traces { backend, known: FxHashMap::default() };
    let mut place = if query.newest > 0 { feed.place(&filter, query.newest).await? } else { None };
    loop {
        let chunk = feed.scan(&filter, place.as_ref(), STEP, Duration::ZERO).await?;
        let spans = chunk.batch.spans.into_iter().map(Record::Span);
        let others = chunk.batch.checkpoints.into_iter().map(Record::Checkpoint);
        for record in spans.chain(others).chain(chunk.batch.logs.into_iter().map(Record::Log)) {
            if query.is_in_time(&record) && traces.decide(query.filter.as_ref(), &record).await? {
                visit(record);
            }
        }
        place = Some(chunk.next);
        if chunk.at_end {
            return Ok(());
        }
    }
}

impl RecordQuery {
    fn is_in_time(&self, record: &Record) -> bool {
        let start = record.start();
        self.since.is_none_or(|since| start >= since) && self.until.is_none_or(|until| start < until)
    }

    /// The place of a record among others; the largest come first.
    fn rank(&self, record: &Record) -> u64 {
        let key = match self.sort {
            RecordSort::Start => record.start().0,
            RecordSort::Duration => record.end().since(record.start()),
        };
        if self.reverse { u64::MAX - key } else { key }
    }
}

/// What is known of the traces that filters asked for.
struct Traces<'b> {
    backend: &'b dyn Backend,
    known: FxHashMap<TraceId, Option<TraceFacts>>,
}

impl Traces<'_> {
    async fn decide(&mut self, filter: Option<&Filter>, record: &Record) -> Result<bool> {
        let Some(filter) = filter else { return Ok(true) };
        let subject = Subject::of(RecordRef::from(record));
        let (Some(id), true) = (record.trace_id(), filter.needs() > Needs::Record) else {
            return Ok(filter.matches(&subject));
        };
        if !filter.expression.may_match(&subject) {
            return Ok(false);
        }
        if !self.known.contains_key(id) {
            if self.known.len() >= MOST_TRACES {
                self.known.clear();
            }
            let trace = self.backend.trace(id).await?;
            self.known.insert(id.clone(), trace.as_ref().map(|trace| filter.facts_of(trace)));
        }
        let trace = self.known.get(id).and_then(Option::as_ref);
        Ok(filter.matches(&Subject { trace, ..subject }))
    }
}

/// Where a text stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Hit {
    /// The field, as a filter names it.
    pub field: String,
    /// What stands there, cut around the text.
    pub text: String,
}

/// Where one of the texts stands in a record, once for each field.
pub fn hits(record: &Record, needles: &[&Needle]) -> Vec<Hit> {
    let mut hits = Vec::new();
    Subject::of(RecordRef::from(record)).any_text(&mut |field, text| {
        if let Some(found) = needles.iter().find_map(|needle| needle.find(text)) {
            hits.push(Hit { field: field.to_owned(), text: cut_around(text, found.start, found.end) });
        }
        false
    });
    hits
}

/// A text from some characters before a place to some after it, in one line.
fn cut_around(text: &str, start: usize, end: usize) -> String {
    let (before, rest) = text.split_at_checked(start).unwrap_or((text, ""));
    let (found, after) = rest.split_at_checked(end.saturating_sub(start)).unwrap_or((rest, ""));
    let skipped = before.chars().count().saturating_sub(MARGIN);
    let lead = if skipped > 0 { "…" } else { "" };
    let kept: String = before.chars().skip(skipped).collect();
    let tail: String = after.chars().take(MARGIN).collect();
    let end = if after.chars().nth(MARGIN).is_some() { "…" } else { "" };
    format!("{lead}{kept}{found}{tail}{end}").replace(['\n', '\r', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LogRecord, Text};

    #[test]
    fn a_hit_says_in_which_field_and_shows_what_stands_around_it() {
        let log = LogRecord {
            message: Text::from("Ünal said:\n".to_owned() + &"x".repeat(40) + " Card declined " + &"y".repeat(40)),
            attributes: [("reason", "card declined"), ("other", "fine")].into_iter().collect(),
            ..LogRecord::default()
        };
        let found = hits(&Record::Log(log), &[&Needle::new("card declined")]);
        let fields: Vec<&str> = found.iter().map(|hit| hit.field.as_str()).collect();
        assert_eq!(fields, ["message", "reason"]);
        assert_eq!(found[0].text, format!("…{} Card declined {}…", "x".repeat(23), "y".repeat(23)));
        assert_eq!(found[1].text, "card declined");
        assert_eq!(cut_around("a\nb", 2, 3), "a b");
    }
}
