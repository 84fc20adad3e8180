//! Measures of spans over time, as TraceQL asks for them: traces that can have such spans are read whole and measured
//! one after the other.
//!
//! Works on every store that has an order of arrival. What is remembered of a trace while looking for it is its id.

use std::time::Duration;

use rustc_hash::FxHashSet;

use crate::model::filter::traceql::{MOST_STEPS, MetricsFold, MetricsQuery, MetricsRange, SeriesTable};
use crate::model::{RecordFilter, RecordKind};
use crate::query::facets;
use crate::store::{Backend, Error};

/// Records per step.
const STEP: usize = 10_000;
/// Most traces that are measured.
const MOST_TRACES: usize = 2_000_000;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// The steps are too short for the time there is.
    #[error("the spans reach over {0} steps, and {MOST_STEPS} is the most")]
    TooManySteps(u64),
    /// More traces than can be remembered may have such spans.
    #[error("more than {MOST_TRACES} traces may have such spans")]
    TooManyTraces,
}

/// Measures the spans of a store.
///
/// # Errors
/// The store fails, or there is too much to measure.
pub async fn measure(
    backend: &dyn Backend,
    query: &MetricsQuery,
    range: MetricsRange,
) -> Result<SeriesTable, MetricsError> {
    let feed = facets::feed(backend)?;
    let spans = RecordFilter { kind: Some(RecordKind::Spans), ..RecordFilter::default() };
    let (mut traces, mut place) = (FxHashSet::default(), None);
    loop {
        let chunk = feed.scan(&spans, place.as_ref(), STEP, Duration::ZERO).await?;
        for span in chunk.batch.spans {
            if range.has(span.start) && !traces.contains(&span.trace_id) && query.may_measure(&span) {
                traces.insert(span.trace_id);
            }
        }
        if traces.len() > MOST_TRACES {
            return Err(MetricsError::TooManyTraces);
        }
        place = Some(chunk.next);
        if chunk.at_end {
            break;
        }
    }
    let mut fold = MetricsFold::new(query, range);
    for id in traces {
        if let Some(trace) = backend.trace(&id).await? {
            fold.add_trace(&trace);
        }
    }
    fold.finish().map_err(MetricsError::TooManySteps)
}
