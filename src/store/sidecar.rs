//! Issues and keys of a store that keeps none, in a database file beside it (`?meta=FILE`).
//!
//! Works for every store with a feed: the feed is read on from where it was left whenever somebody asks about issues,
//! and the errors in it are counted into the file. Records stay where they are; this knows of no kind of store but the
//! file it writes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::issues::{IssueNews, NewsPlace};
use super::sqlite::{Options, Sqlite};
use super::{
    Answers, Backend, DiskUse, Error, Facet, Feed, Info, Issues, Keys, Logs, Result, SavedFilters, Senders, Sink,
    Warning,
};
use crate::model::{
    Batch, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, Key, Nanos, Page, RecordFilter, Removed, Retention,
    SavedFilter, Stats, StatsQuery, Text, Trace, TraceId, TraceQuery, TraceSummary, Written,
};

/// Records of the feed that are counted in one commit.
const STEP: usize = 2_000;

/// A store, and the file beside it.
#[derive(Debug)]
struct Sidecar {
    store: Arc<dyn Backend>,
    meta: Arc<Sqlite>,
    /// Who else writes to the file and counts, in the words of its lock.
    holder: Option<String>,
}

/// The store with issues and keys that are kept in the database file at `path`, which is made if it is not there. While
/// another process writes to that file, its issues are only read.
///
/// # Errors
/// [`Error::Lacks`] when the store has no feed, and why the file cannot be opened.
pub async fn with_sidecar(store: Arc<dyn Backend>, path: PathBuf) -> Result<Arc<dyn Backend>> {
    if store.feed().is_none() {
        return Err(store.info().lacks(Facet::Feed));
    }
    let (meta, holder) = match Sqlite::open_for_writing(path.clone(), Options::default()).await {
        Err(Error::Locked(holder)) => (Sqlite::open_for_reading(path).await?, Some(holder)),
        opened => (opened?, None),
    };
    Ok(Arc::new(Sidecar { store, meta, holder }))
}

impl Sidecar {
    /// The file, to be changed.
    fn meta(&self) -> Result<&Sqlite> {
        match &self.holder {
            Some(holder) => Err(Error::Locked(holder.clone())),
            None => Ok(&self.meta),
        }
    }

    /// Counts the errors that arrived in the store since the last time, unless another process does that.
    async fn count_arrivals(&self) -> Result<()> {
        let Some(feed) = self.store.feed().filter(|_| self.holder.is_none()) else { return Ok(()) };
        loop {
            let from = self.meta.feed_cursor().await?;
            let chunk = match feed.scan(&RecordFilter::default(), from.as_ref(), STEP, Duration::ZERO).await {
                // Another store than before lies there: all of it is new.
                Err(Error::BadCursor) if from.is_some() => {
                    self.meta.count_issues_of(Batch::default(), from, None).await?;
                    continue;
                }
                chunk => chunk?,
            };
            if from.as_ref() != Some(&chunk.next) {
                self.meta.count_issues_of(chunk.batch, from, Some(chunk.next)).await?;
            }
            if chunk.at_end {
                return Ok(());
            }
        }
    }

    fn sink_of_store(&self) -> Result<&dyn Sink> {
        self.store.sink().ok_or_else(|| self.store.info().lacks(Facet::Sink))
    }
}

#[async_trait]
impl Backend for Sidecar {
    fn info(&self) -> &Info {
        self.store.info()
    }

    fn warnings(&self) -> Vec<Warning> {
        self.store.warnings()
    }

    async fn traces(&self, query: &TraceQuery) -> Result<Page<TraceSummary>> {
        self.store.traces(query).await
    }

    async fn trace(&self, id: &TraceId) -> Result<Option<Trace>> {
        self.store.trace(id).await
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        self.count_arrivals().await?;
        let issues = self.meta.stats(query).await?.issues;
        Ok(Stats { issues, ..self.store.stats(query).await? })
    }

    async fn record_count(&self) -> Result<u64> {
        self.store.record_count().await
    }

    async fn size_bytes(&self) -> Option<u64> {
        self.store.size_bytes().await
    }

    async fn newest_received(&self) -> Result<Option<Nanos>> {
        self.store.newest_received().await
    }

    fn disk_use(&self) -> Option<DiskUse> {
        self.store.disk_use()
    }

    async fn salt(&self) -> Result<Option<[u8; 32]>> {
        match self.store.salt().await? {
            Some(salt) => Ok(Some(salt)),
            None => self.meta.salt().await,
        }
    }

    async fn damaged_rows(&self) -> Option<u64> {
        self.store.damaged_rows().await
    }

    async fn close(&self) -> Result<()> {
        let (store, meta) = tokio::join!(self.store.close(), self.meta.close());
        store.and(meta)
    }

    fn feed(&self) -> Option<&dyn Feed> {
        self.store.feed()
    }

    fn sink(&self) -> Option<&dyn Sink> {
        self.store.sink().map(|_| self as &dyn Sink)
    }

    fn logs(&self) -> Option<&dyn Logs> {
        self.store.logs()
    }

    fn issues(&self) -> Option<&dyn Issues> {
        Some(self)
    }

    fn keys(&self) -> Option<&dyn Keys> {
        Some(self)
    }

    fn saved_filters(&self) -> Option<&dyn SavedFilters> {
        Some(self)
    }

    fn answers(&self) -> Option<&dyn Answers> {
        self.store.answers()
    }

    fn senders(&self) -> Option<&dyn Senders> {
        self.meta.senders()
    }
}

#[async_trait]
impl Sink for Sidecar {
    async fn write(&self, batch: Batch) -> Result<Written> {
        self.sink_of_store()?.write(batch).await
    }

    async fn delete(&self, filter: &RecordFilter, dry_run: bool) -> Result<Removed> {
        // What is about to go was seen, and counts.
        self.count_arrivals().await?;
        let removed = self.sink_of_store()?.delete(filter, dry_run).await?;
        // The file holds no records, so only a deletion of everything removes something from it.
        let issues = self.meta()?.delete(filter, dry_run).await?.issues;
        Ok(Removed { issues, ..removed })
    }

    async fn prune(&self, keep: &Retention, budget: usize) -> Result<Removed> {
        self.count_arrivals().await?;
        let removed = self.sink_of_store()?.prune(keep, budget).await?;
        let issues = self.meta()?.prune(keep, budget).await?.issues;
        Ok(Removed { issues, ..removed })
    }
}

#[async_trait]
impl Issues for Sidecar {
    async fn list_issues(&self, query: &IssueQuery) -> Result<Page<Issue>> {
        self.count_arrivals().await?;
        self.meta.list_issues(query).await
    }

    async fn issue(&self, id: &IssueId) -> Result<Option<IssueDetail>> {
        self.count_arrivals().await?;
        self.meta.issue(id).await
    }

    async fn set_issue(&self, id: &IssueId, change: IssueChange) -> Result<Option<Issue>> {
        self.count_arrivals().await?;
        self.meta()?.set_issue(id, change).await
    }

    async fn issue_news(&self, subscriber: &str, most: usize) -> Result<Vec<IssueNews>> {
        self.count_arrivals().await?;
        self.meta()?.issue_news(subscriber, most).await
    }

    async fn note_news(&self, subscriber: &str, place: &NewsPlace) -> Result<()> {
        self.meta()?.note_news(subscriber, place).await
    }
}

#[async_trait]
impl Keys for Sidecar {
    async fn list_keys(&self) -> Result<Vec<Key>> {
        self.meta.list_keys().await
    }

    async fn add_key(&self, key: Key) -> Result<()> {
        self.meta()?.add_key(key).await
    }

    async fn revoke_key(&self, id: &str) -> Result<Option<Key>> {
        self.meta()?.revoke_key(id).await
    }

    async fn touch_keys(&self, used: &[(Text, Nanos)]) -> Result<()> {
        self.meta()?.touch_keys(used).await
    }
}

#[async_trait]
impl SavedFilters for Sidecar {
    async fn list_saved_filters(&self) -> Result<Vec<SavedFilter>> {
        self.meta.list_saved_filters().await
    }

    async fn save_filter(&self, saved: SavedFilter) -> Result<()> {
        self.meta()?.save_filter(saved).await
    }

    async fn delete_saved_filter(&self, name: &str) -> Result<bool> {
        self.meta()?.delete_saved_filter(name).await
    }
}
