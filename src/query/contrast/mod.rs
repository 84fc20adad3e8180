//! What sets some traces apart from others: which attribute values, operations, services and versions the selected ones
//! have more often, as far as that is no chance.
//!
//! The answer takes lists of both, and one reading of the records in the order they arrived; a store that has its records
//! at hand answers by itself. Which features are causes is decided in [`causes`], and by which test in [`significance`].

pub mod causes;
pub mod significance;

mod features;
mod tally;

use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use self::causes::{Found, FoundCause};
use self::features::{LeftOut, each_feature, feature_number};
use self::tally::Tally;
use crate::model::filter::{Filter, Intrinsic, RecordRef};
use crate::model::{
    Cause, CausePair, CauseTerm, Contrast, ContrastQuery, Record, RecordFilter, Text, Trace, TraceId, TraceQuery,
    TraceSummary,
};
use crate::query::facets;
use crate::store::{Backend, Result};

/// Most traces that are looked at, selected and others together; the newest ones.
const MOST_TRACES: usize = 400_000;
/// Traces of a list that are read at once.
const PAGE: usize = 20_000;
/// Records per step.
const STEP: usize = 10_000;
/// Most features named as what the same traces have.
const MOST_SAME: usize = 8;

/// Finds out what sets the selected traces apart.
///
/// # Errors
/// The store fails, or has no order of arrival.
pub async fn contrast(backend: &dyn Backend, query: &ContrastQuery) -> Result<Contrast> {
    if let Some(answers) = backend.answers()
        && let Some(contrast) = answers.contrast(query).await?
    {
        return Ok(contrast);
    }
    let feed = facets::feed(backend)?;
    let chosen = Chosen::read(backend, query).await?;
    let mut contrast = Contrast {
        selected_traces: chosen.selected as u64,
        other_traces: (chosen.ids.len() - chosen.selected) as u64,
        left_out_traces: chosen.left_out,
        ..Contrast::default()
    };
    if contrast.selected_traces == 0 || contrast.other_traces == 0 {
        return Ok(contrast);
    }
    let left_out = LeftOut::of_filters(std::iter::once(&query.selected).chain(&query.against));
    let numbers = chosen.numbers();
    let mut tally = Tally::new(&numbers, &left_out);
    let (everything, mut place) = (RecordFilter::default(), None);
    loop {
        let chunk = feed.scan(&everything, place.as_ref(), STEP, Duration::ZERO).await?;
        let spans = chunk.batch.spans.into_iter().map(Record::Span);
        let others = chunk.batch.checkpoints.into_iter().map(Record::Checkpoint);
        let records = spans.chain(others).chain(chunk.batch.logs.into_iter().map(Record::Log));
        records.for_each(|record| tally.add(&record));
        place = Some(chunk.next);
        if chunk.at_end {
            break;
        }
    }
    let holders = tally.finish();
    let Found { candidates, mut causes } = causes::causes(&holders, chosen.selected, chosen.ids.len());
    contrast.candidates = candidates as u64;
    if query.limit > 0 {
        causes.truncate(query.limit);
    }
    // One of its selected traces tells what a feature is called.
    let examples =
        holders.iter().filter_map(|held| Some((held.feature, chosen.ids.get(*held.traces.first()? as usize)?)));
    let named = name(backend, &causes, &examples.collect(), &left_out).await?;
    contrast.causes = causes.iter().filter_map(|cause| to_cause(cause, &contrast, &named)).collect();
    Ok(contrast)
}

/// The traces that are compared.
struct Chosen {
    /// Their ids; the selected ones come first.
    ids: Vec<TraceId>,
    /// How many are selected.
    selected: usize,
    /// How many more were named.
    left_out: u64,
}

impl Chosen {
    async fn read(backend: &dyn Backend, query: &ContrastQuery) -> Result<Chosen> {
        let mut roots: FxHashSet<(Text, Text)> = FxHashSet::default();
        let mut ids = Vec::new();
        let mut left_out = each_trace(backend, query, Some(&query.selected), |trace| {
            roots.insert((trace.service.clone(), trace.name.clone()));
            ids.push(trace.trace_id);
            ids.len() < MOST_TRACES
        })
        .await?;
        let selected = ids.len();
        if selected > 0 {
            let known: FxHashSet<TraceId> = ids.iter().cloned().collect();
            left_out += each_trace(backend, query, query.against.as_ref(), |trace| {
                let is_alike = query.against.is_some() || roots.contains(&(trace.service, trace.name));
                if is_alike && !known.contains(&trace.trace_id) {
                    ids.push(trace.trace_id);
                }
                ids.len() < MOST_TRACES
            })
            .await?;
        }
        Ok(Chosen { ids, selected, left_out })
    }

    fn numbers(&self) -> FxHashMap<TraceId, u32> {
        self.ids.iter().cloned().zip(0..).collect()
    }
}

/// Calls `visit` with the traces of a question that a filter is true of, the newest first, until that is enough; how many
/// were not visited then.
async fn each_trace(
    backend: &dyn Backend,
    query: &ContrastQuery,
    filter: Option<&Filter>,
    mut visit: impl FnMut(TraceSummary) -> bool,
) -> Result<u64> {
    let mut traces = TraceQuery {
        limit: PAGE,
        filter: filter.cloned(),
        since: query.since,
        until: query.until,
        project: query.project.clone(),
        ..TraceQuery::default()
    };
    let mut visited = 0;
    loop {
        let page = backend.traces(&traces).await?;
        for trace in page.items {
            visited += 1;
            if !visit(trace) {
                return Ok(page.total.unwrap_or(0).saturating_sub(visited));
            }
        }
        traces.cursor = page.next;
        if traces.cursor.is_none() {
            return Ok(0);
        }
    }
}

/// What the features of some causes are called, read from traces that have them.
async fn name(
    backend: &dyn Backend,
    causes: &[FoundCause],
    examples: &FxHashMap<u64, &TraceId>,
    left_out: &LeftOut,
) -> Result<FxHashMap<u64, CauseTerm>> {
    let mut wanted: FxHashMap<&TraceId, FxHashSet<u64>> = FxHashMap::default();
    for feature in causes.iter().flat_map(|cause| cause.features.iter().chain(cause.same.iter().take(MOST_SAME))) {
        if let Some(trace) = examples.get(feature) {
            wanted.entry(trace).or_default().insert(*feature);
        }
    }
    let mut named = FxHashMap::default();
    for (id, features) in wanted {
        let Some(Trace { spans, checkpoints, logs, .. }) = backend.trace(id).await? else { continue };
        let spans = spans.iter().map(RecordRef::Span);
        let records = spans.chain(checkpoints.iter().map(RecordRef::Checkpoint)).chain(logs.iter().map(RecordRef::Log));
        for record in records {
            each_feature(record, left_out, true, &mut |pairs| {
                let number = feature_number(pairs);
                if features.contains(&number) {
                    let pair = |(key, value): &(features::Key<'_>, &str)| CausePair {
                        key: key.to_filter_name(),
                        value: (*value).to_owned(),
                    };
                    named.entry(number).or_insert_with(|| CauseTerm { pairs: pairs.iter().map(pair).collect() });
                }
            });
        }
    }
    Ok(named)
}

/// A cause with the names of its features; `None` when one of them was removed meanwhile.
fn to_cause(found: &FoundCause, contrast: &Contrast, named: &FxHashMap<u64, CauseTerm>) -> Option<Cause> {
    let terms: Option<Vec<CauseTerm>> = found.features.iter().map(|feature| named.get(feature).cloned()).collect();
    let mut terms = terms?;
    let mut same: Vec<CauseTerm> =
        found.same.iter().take(MOST_SAME).filter_map(|feature| named.get(feature).cloned()).collect();
    if let [first] = terms.as_mut_slice() {
        // Who and where comes before that something failed, which is what is to be explained.
        same.push(std::mem::take(first));
        same.sort_by_cached_key(|term| (rank(term), term.clone()));
        *first = same.remove(0);
    }
    let share = |some: usize, all: u64| some as f64 / all.max(1) as f64;
    Some(Cause {
        terms,
        selected: found.selected as u64,
        selected_share: share(found.selected, contrast.selected_traces),
        others: found.others as u64,
        other_share: share(found.others, contrast.other_traces),
        p_value: found.p_value.min(1.0),
        same,
    })
}

/// How little a term says of why: attributes come first, then names, then what failed.
fn rank(term: &CauseTerm) -> u8 {
    let is_status = |pair: &CausePair| Intrinsic::parse(&pair.key) == Some(Intrinsic::Status);
    match term.pairs.as_slice() {
        [pair] if Intrinsic::parse(&pair.key).is_none() => 0,
        [pair] if is_status(pair) => 3,
        [_] => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
