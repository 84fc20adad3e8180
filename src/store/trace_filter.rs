//! Which traces a list holds, in which order, and one page of them: for stores that go through folds of traces.

use std::convert::Infallible;

use super::Result;
use super::top_page::TopPage;
use super::trace_cursor::TraceCursor;
use crate::model::json::value_to_text;
use crate::model::{Attributes, Page, RecordKind, Sort, Span, TraceFold, TraceId, TraceQuery, TraceSummary};

/// Whether a query names a trace, as far as its fold says: all but the attributes.
pub(super) fn matches(query: &TraceQuery, id: &TraceId, fold: &TraceFold) -> bool {
    let duration_ns = fold.end_ns.saturating_sub(fold.start_ns);
    let holds = |kind| match kind {
        RecordKind::Spans => fold.spans > 0,
        RecordKind::Checkpoints => fold.checkpoints > 0,
        RecordKind::Logs => fold.logs > 0,
    };
    query.since.is_none_or(|since| fold.start_ns >= since.0)
        && query.until.is_none_or(|until| fold.start_ns < until.0)
        && query.min_duration_ns.is_none_or(|least| duration_ns >= least)
        && query.max_duration_ns.is_none_or(|most| duration_ns <= most)
        && query.has_errors.is_none_or(|wanted| (fold.errors > 0) == wanted)
        && query.kind.is_none_or(holds)
        && query.service.as_ref().is_none_or(|service| fold.services.binary_search(service).is_ok())
        && query.id_prefix.as_ref().is_none_or(|prefix| begins_with(id, prefix))
        && query.workflow.as_ref().is_none_or(|name| fold.workflow.as_ref().is_some_and(|found| found.name == *name))
        && query.name.as_ref().is_none_or(|part| fold.best_root().is_some_and(|root| contains(&root.name, part)))
}

fn begins_with(id: &TraceId, prefix: &str) -> bool {
    match id {
        TraceId::Otel(_) => id.to_string().starts_with(&prefix.to_ascii_lowercase()),
        TraceId::Text(text) => text.starts_with(prefix),
    }
}

fn contains(name: &str, part: &str) -> bool {
    name.to_lowercase().contains(&part.to_lowercase())
}

/// Whether a span has all these attributes, on itself or its resource.
pub(super) fn has_attributes(span: &Span, pairs: &[(String, String)]) -> bool {
    let has = |attributes: &Attributes, key: &str, text: &str| {
        attributes.get(key).is_some_and(|value| value_to_text(value) == text)
    };
    pairs.iter().all(|(key, text)| has(&span.attributes, key, text) || has(&span.resource.attributes, key, text))
}

/// The traces that match a query so far: how many there are, and one page of them.
pub(super) struct TraceFilter<'q> {
    /// What the traces are asked for with.
    pub(super) query: &'q TraceQuery,
    /// How many traces match, on all pages.
    pub(super) total: u64,
    /// How many of those have errors.
    pub(super) failed: u64,
    page: TopPage<TraceCursor, TraceFold>,
}

impl<'q> TraceFilter<'q> {
    /// Nothing found yet.
    ///
    /// # Errors
    /// [`crate::store::Error::BadCursor`] when the query goes on after a place of another list.
    pub(super) fn new(query: &'q TraceQuery) -> Result<TraceFilter<'q>> {
        let after =
            query.cursor.as_ref().map(|cursor| TraceCursor::read(cursor, query.sort, query.reverse)).transpose()?;
        Ok(TraceFilter { query, total: 0, failed: 0, page: TopPage::new(query.limit, after) })
    }

    /// Where the trace stands after which the page begins; `None` on the first page.
    pub(super) fn after(&self) -> Option<&TraceCursor> {
        self.page.after()
    }

    /// Counts a trace that matches.
    pub(super) fn count(&mut self, fold: &TraceFold) {
        self.total += 1;
        self.failed += u64::from(fold.errors > 0);
    }

    /// Keeps a trace if it can be on the page; whether it lies after the cursor.
    pub(super) fn offer(&mut self, id: TraceId, fold: TraceFold) -> bool {
        let key = match self.query.sort {
            Sort::Start => fold.start_ns,
            Sort::Duration => fold.end_ns.saturating_sub(fold.start_ns),
            Sort::Spans => fold.spans,
            Sort::Errors => fold.errors,
            Sort::Received => fold.received_s,
        };
        let start_ns = if self.query.sort == Sort::Received { 0 } else { fold.start_ns };
        let place = TraceCursor { key, start_ns, id, reverse: self.query.reverse };
        let is_behind = self.page.is_behind(&place);
        // However many spans a trace has, what is known of it is small.
        self.page.offer(place, fold, 0);
        is_behind
    }

    /// The page.
    pub(super) fn page(self) -> Page<TraceSummary> {
        match self.page_with(|id, fold| Ok::<_, Infallible>(fold.finish(id))) {
            Ok(page) => page,
            Err(never) => match never {},
        }
    }

    /// The page, with summaries as `summarize` makes them.
    ///
    /// # Errors
    /// Those of `summarize`.
    pub(super) fn page_with<E>(
        self,
        mut summarize: impl FnMut(TraceId, TraceFold) -> std::result::Result<Option<TraceSummary>, E>,
    ) -> std::result::Result<Page<TraceSummary>, E> {
        let TraceFilter { query, total, failed, page } = self;
        let (page, has_more) = page.finish();
        let next = page.last().filter(|_| has_more).map(|(place, _)| place.write(query.sort));
        let summaries = page.into_iter().filter_map(|(place, fold)| summarize(place.id, fold).transpose());
        Ok(Page {
            items: summaries.collect::<std::result::Result<_, E>>()?,
            next,
            total: Some(total),
            failed: Some(failed),
        })
    }
}
