//! A store as one project sees it: whatever is asked of it is answered from the records of that project alone.
//!
//! It is a store like any other, so whoever answers questions from it cannot forget to ask for the project: a trace of
//! several projects holds the project's own records, what is of others is not there, and nothing counts them. Writing,
//! removing and keys are not part of the view. This knows of no server and no key.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::model::{
    Batch, Cursor, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, LogPage, LogQuery, LogRecord, Nanos, Page,
    RecordFilter, Span, Stats, StatsQuery, Text, Trace, TraceId, TraceQuery, TraceSummary,
};
use crate::query::facets;
use crate::store::{Backend, Chunk, Feed, Info, Issues, Logs, Result};

/// Records per step when the place before the newest ones is looked for.
const STEP: usize = 1_000;
/// How much further back each look for that place begins.
const FURTHER: usize = 8;

/// A store as one project sees it.
#[derive(Debug)]
pub struct ProjectView {
    store: Arc<dyn Backend>,
    project: Text,
}

impl ProjectView {
    /// The store as a project sees it.
    pub fn new(store: Arc<dyn Backend>, project: Text) -> ProjectView {
        ProjectView { store, project }
    }

    /// The project to ask for; `None` when another one was asked for, of which there is nothing here.
    fn within(&self, asked: Option<&str>) -> Option<String> {
        let is_own = asked.is_none_or(|asked| asked == self.project.as_str());
        is_own.then(|| self.project.to_string())
    }

    fn is_own_span(&self, span: &Span) -> bool {
        span.resource.project() == self.project.as_str()
    }

    fn is_own_log(&self, log: &LogRecord) -> bool {
        log.resource.project() == self.project.as_str()
    }

    fn keep_own(&self, batch: &mut Batch) {
        batch.spans.retain(|span| self.is_own_span(span));
        batch.logs.retain(|log| self.is_own_log(log));
        batch.checkpoints.retain(|checkpoint| checkpoint.project == self.project);
    }

    async fn own_issue(&self, id: &IssueId) -> Result<Option<IssueDetail>> {
        let detail = facets::issues(&*self.store)?.issue(id).await?;
        Ok(detail.filter(|detail| detail.issue.project == self.project))
    }
}

fn empty_page<T>() -> Page<T> {
    Page { items: Vec::new(), next: None, total: Some(0), failed: Some(0) }
}

#[async_trait]
impl Backend for ProjectView {
    fn info(&self) -> &Info {
        self.store.info()
    }

    async fn traces(&self, query: &TraceQuery) -> Result<Page<TraceSummary>> {
        match self.within(query.project.as_deref()) {
            None => Ok(empty_page()),
            project => self.store.traces(&TraceQuery { project, ..query.clone() }).await,
        }
    }

    async fn trace(&self, id: &TraceId) -> Result<Option<Trace>> {
        let Some(Trace { spans, checkpoints, logs, .. }) = self.store.trace(id).await? else { return Ok(None) };
        let mut own = Batch { spans, logs, checkpoints };
        self.keep_own(&mut own);
        Ok(Trace::new(id.clone(), own.spans, own.checkpoints, own.logs))
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        let own = self.within(query.project.as_deref());
        let is_own = own.is_some();
        // Of another project there are no records, as there are none of the empty name; of issues there may be some.
        let project = own.or(Some(String::new()));
        let mut stats = self.store.stats(&StatsQuery { project, ..query.clone() }).await?;
        if !is_own {
            stats.issues = 0;
        }
        // How much the file holds is a matter of all projects.
        stats.database.size_bytes = 0;
        Ok(stats)
    }

    /// How much the file holds is a matter of all projects.
    async fn size_bytes(&self) -> Option<u64> {
        None
    }

    /// Lets go of nothing: the store is somebody else's.
    async fn close(&self) -> Result<()> {
        Ok(())
    }

    fn feed(&self) -> Option<&dyn Feed> {
        self.store.feed().map(|_| self as &dyn Feed)
    }

    fn logs(&self) -> Option<&dyn Logs> {
        self.store.logs().map(|_| self as &dyn Logs)
    }

    fn issues(&self) -> Option<&dyn Issues> {
        self.store.issues().map(|_| self as &dyn Issues)
    }
}

#[async_trait]
impl Feed for ProjectView {
    async fn scan(&self, filter: &RecordFilter, after: Option<&Cursor>, max: usize, wait: Duration) -> Result<Chunk> {
        let feed = facets::feed(&*self.store)?;
        let deadline = Instant::now().checked_add(wait);
        let mut after = after.cloned();
        loop {
            let left = deadline.map_or(wait, |deadline| deadline.saturating_duration_since(Instant::now()));
            let mut chunk = feed.scan(filter, after.as_ref(), max, left).await?;
            self.keep_own(&mut chunk.batch);
            // Whose the removed writes were nobody knows any more.
            chunk.missed = 0;
            let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if !chunk.batch.is_empty() || is_late {
                return Ok(chunk);
            }
            after = Some(chunk.next);
        }
    }

    async fn cursor_at(&self, received: Nanos) -> Result<Cursor> {
        facets::feed(&*self.store)?.cursor_at(received).await
    }

    async fn place(&self, filter: &RecordFilter, records: usize) -> Result<Option<Cursor>> {
        let feed = facets::feed(&*self.store)?;
        let mut looked_at = records;
        let mut last = None;
        loop {
            let place = feed.place(filter, looked_at).await?;
            let is_beginning = place.is_none() || last.as_ref() == Some(&place);
            if records == 0 || is_beginning || self.count_from(filter, place.clone(), records).await? {
                return Ok(place);
            }
            last = Some(place);
            looked_at = looked_at.saturating_mul(FURTHER);
        }
    }
}

impl ProjectView {
    /// Whether as many records of the project, or more, lie behind a place.
    async fn count_from(&self, filter: &RecordFilter, mut place: Option<Cursor>, records: usize) -> Result<bool> {
        let mut found = 0;
        loop {
            let chunk = self.scan(filter, place.as_ref(), STEP, Duration::ZERO).await?;
            found += chunk.batch.len();
            if found >= records || chunk.at_end {
                return Ok(found >= records);
            }
            place = Some(chunk.next);
        }
    }
}

#[async_trait]
impl Logs for ProjectView {
    async fn list_logs(&self, query: &LogQuery) -> Result<LogPage> {
        match self.within(query.project.as_deref()) {
            None => Ok(LogPage { records: Vec::new(), next: None }),
            project => facets::logs(&*self.store)?.list_logs(&LogQuery { project, ..query.clone() }).await,
        }
    }
}

#[async_trait]
impl Issues for ProjectView {
    async fn list_issues(&self, query: &IssueQuery) -> Result<Page<Issue>> {
        match self.within(query.project.as_deref()) {
            None => Ok(empty_page()),
            project => facets::issues(&*self.store)?.list_issues(&IssueQuery { project, ..query.clone() }).await,
        }
    }

    async fn issue(&self, id: &IssueId) -> Result<Option<IssueDetail>> {
        self.own_issue(id).await
    }

    async fn set_issue(&self, id: &IssueId, change: IssueChange) -> Result<Option<Issue>> {
        match self.own_issue(id).await? {
            Some(_) => facets::issues(&*self.store)?.set_issue(id, change).await,
            None => Ok(None),
        }
    }
}
