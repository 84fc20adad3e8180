//! Looks through what a store holds already, and says which rules find something and where.

use std::time::Duration;

use super::record_texts::RecordTexts;
use super::redactor::{Redactor, Tally};
use crate::model::{Batch, Record, RecordFilter, TraceId};
use crate::store::{Feed, Result};

/// Records of one step.
const STEP: usize = 2_000;

/// What rules found in a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// How many records were looked through.
    pub records: u64,
    /// In how many of them something was found.
    pub with_secrets: u64,
    /// What was found where, most first.
    pub places: Vec<FoundAt>,
}

/// Secrets of one rule in one place of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundAt {
    /// The name of the rule.
    pub rule: String,
    /// The part of a record, and the key there: `span attribute http.url`.
    pub place: String,
    /// How many secrets.
    pub count: u64,
    /// A trace that holds one, if it is in a trace.
    pub example: Option<TraceId>,
}

/// Looks through all records of a feed; `each` is told how many so far. What is found is never in the answer.
///
/// # Errors
/// The store fails.
pub async fn look_through(feed: &dyn Feed, redactor: &Redactor, mut each: impl FnMut(u64)) -> Result<Found> {
    let (mut found, mut after) = (Found::default(), None);
    loop {
        let chunk = feed.scan(&RecordFilter::default(), after.as_ref(), STEP, Duration::ZERO).await?;
        for record in records(chunk.batch) {
            add(&mut found, redactor, record);
        }
        each(found.records);
        if chunk.at_end {
            break;
        }
        after = Some(chunk.next);
    }
    found.places.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.rule, &a.place).cmp(&(&b.rule, &b.place))));
    Ok(found)
}

fn records(batch: Batch) -> impl Iterator<Item = Record> {
    let spans = batch.spans.into_iter().map(Record::Span);
    let checkpoints = batch.checkpoints.into_iter().map(Record::Checkpoint);
    spans.chain(checkpoints).chain(batch.logs.into_iter().map(Record::Log))
}

fn add(found: &mut Found, redactor: &Redactor, mut record: Record) {
    found.records += 1;
    let mut texts = RecordTexts::new(redactor, Tally::with_places());
    texts.record(&mut record);
    found.with_secrets += u64::from(!texts.tally.is_empty());
    for (label, place, count) in texts.tally.places() {
        let Some(rule) = redactor.labels().get(label).map(|label| label.name.as_str()) else { continue };
        let has_room = found.places.len() < MOST_PLACES;
        match found.places.iter_mut().find(|known| known.rule == rule && known.place == place) {
            Some(known) => known.count += count,
            None if has_room => found.places.push(FoundAt {
                rule: rule.to_owned(),
                place: place.to_owned(),
                count,
                // The record is redacted by now, and so is this.
                example: record.trace_id().cloned(),
            }),
            None => {}
        }
    }
}

/// Most places that are told.
const MOST_PLACES: usize = 1_000;
