//! Which attributes the records of a store have, as far as its newest records say: what makes an empty answer to a
//! misspelt key plain.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::filter::{Filter, RecordRef};
use crate::model::{Batch, RecordFilter};
use crate::query::facets;
use crate::query::records::attributes::each_attribute;
use crate::store::{Backend, Result};

/// So many of the newest records are looked at.
const MOST_RECORDS: usize = 5_000;
/// Most keys that are compared.
const MOST_KEYS: usize = 5_000;
/// How alike two keys must be, from 0 to 1, for one to be taken for a misspelt other.
const LEAST_ALIKE: f64 = 0.8;

/// A key that no record has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey {
    /// The key as it was asked for.
    pub key: String,
    /// A key that records have and that is spelt much like it.
    pub near: Option<String>,
    /// Whether all records were looked at, and not just the newest.
    pub is_of_all: bool,
}

/// The keys a filter asks for that the newest records do not have.
///
/// # Errors
/// The store fails, or has no order of arrival.
pub async fn unknown_keys(backend: &dyn Backend, filter: &Filter) -> Result<Vec<UnknownKey>> {
    let asked = filter.keys();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let feed = facets::feed(backend)?;
    let everything = RecordFilter::default();
    let mut place = feed.place(&everything, MOST_RECORDS).await?;
    let (mut known, mut seen) = (BTreeSet::new(), 0);
    while seen < MOST_RECORDS {
        let chunk = feed.scan(&everything, place.as_ref(), MOST_RECORDS, Duration::ZERO).await?;
        seen += chunk.batch.len();
        let Batch { spans, checkpoints, logs } = &chunk.batch;
        let records = spans.iter().map(RecordRef::Span).chain(checkpoints.iter().map(RecordRef::Checkpoint));
        records.chain(logs.iter().map(RecordRef::Log)).for_each(|record| note_keys(record, &mut known));
        place = Some(chunk.next);
        if chunk.at_end {
            break;
        }
    }
    let is_of_all = seen < MOST_RECORDS;
    // An empty store says nothing about keys.
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let is_unknown = |keys: &&[String]| !keys.iter().any(|key| is_known(&known, key));
    let unknown = asked.into_iter().filter(is_unknown).filter_map(|keys| keys.first());
    Ok(unknown.map(|key| UnknownKey { key: key.clone(), near: nearest(&known, key), is_of_all }).collect())
}

/// Whether a key is there, or leads into a map that is.
fn is_known(known: &BTreeSet<String>, key: &str) -> bool {
    let mut beginnings = key.match_indices('.').filter_map(|(dot, _)| key.get(..dot));
    known.contains(key) || beginnings.any(|beginning| known.contains(beginning))
}

fn nearest(known: &BTreeSet<String>, key: &str) -> Option<String> {
    let scored = known.iter().map(|other| (strsim::jaro_winkler(key, other), other));
    let best = scored.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (best.0 >= LEAST_ALIKE).then(|| best.1.clone())
}

fn note_keys(record: RecordRef<'_>, known: &mut BTreeSet<String>) {
    each_attribute(record, &mut |_, key, _| {
        if known.len() < MOST_KEYS && !known.contains(key) {
            known.insert(key.to_owned());
        }
    });
}
