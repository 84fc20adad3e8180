//! Stores that have every facet, as tests use them: each question asked of the store itself.

use std::time::Duration;

use async_trait::async_trait;
use tracehub::model::{
    Batch, Cursor, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, Key, LogPage, LogQuery, Nanos, Page,
    RecordFilter, Removed, Retention, Text, Written,
};
use tracehub::query::facets;
use tracehub::store::{Backend, Chunk, Result};

/// The facets of a store, a missing one as an error.
#[async_trait]
pub trait Whole {
    async fn scan(&self, filter: &RecordFilter, after: Option<&Cursor>, max: usize, wait: Duration) -> Result<Chunk>;
    async fn cursor_at(&self, received: Nanos) -> Result<Cursor>;
    async fn place(&self, filter: &RecordFilter, records: usize) -> Result<Option<Cursor>>;
    async fn write(&self, batch: Batch) -> Result<Written>;
    async fn delete(&self, filter: &RecordFilter, dry_run: bool) -> Result<Removed>;
    async fn prune(&self, keep: &Retention, budget: usize) -> Result<Removed>;
    async fn list_logs(&self, query: &LogQuery) -> Result<LogPage>;
    async fn list_issues(&self, query: &IssueQuery) -> Result<Page<Issue>>;
    async fn issue(&self, id: &IssueId) -> Result<Option<IssueDetail>>;
    async fn set_issue(&self, id: &IssueId, change: IssueChange) -> Result<Option<Issue>>;
    async fn list_keys(&self) -> Result<Vec<Key>>;
    async fn add_key(&self, key: Key) -> Result<()>;
    async fn revoke_key(&self, id: &str) -> Result<Option<Key>>;
    async fn touch_keys(&self, used: &[(Text, Nanos)]) -> Result<()>;
}

#[async_trait]
impl Whole for dyn Backend {
    async fn scan(&self, filter: &RecordFilter, after: Option<&Cursor>, max: usize, wait: Duration) -> Result<Chunk> {
        facets::feed(self)?.scan(filter, after, max, wait).await
    }

    async fn cursor_at(&self, received: Nanos) -> Result<Cursor> {
        facets::feed(self)?.cursor_at(received).await
    }

    async fn place(&self, filter: &RecordFilter, records: usize) -> Result<Option<Cursor>> {
        facets::feed(self)?.place(filter, records).await
    }

    async fn write(&self, batch: Batch) -> Result<Written> {
        facets::sink(self)?.write(batch).await
    }

    async fn delete(&self, filter: &RecordFilter, dry_run: bool) -> Result<Removed> {
        facets::sink(self)?.delete(filter, dry_run).await
    }

    async fn prune(&self, keep: &Retention, budget: usize) -> Result<Removed> {
        facets::sink(self)?.prune(keep, budget).await
    }

    async fn list_logs(&self, query: &LogQuery) -> Result<LogPage> {
        facets::logs(self)?.list_logs(query).await
    }

    async fn list_issues(&self, query: &IssueQuery) -> Result<Page<Issue>> {
        facets::issues(self)?.list_issues(query).await
    }

    async fn issue(&self, id: &IssueId) -> Result<Option<IssueDetail>> {
        facets::issues(self)?.issue(id).await
    }

    async fn set_issue(&self, id: &IssueId, change: IssueChange) -> Result<Option<Issue>> {
        facets::issues(self)?.set_issue(id, change).await
    }

    async fn list_keys(&self) -> Result<Vec<Key>> {
        facets::keys(self)?.list_keys().await
    }

    async fn add_key(&self, key: Key) -> Result<()> {
        facets::keys(self)?.add_key(key).await
    }

    async fn revoke_key(&self, id: &str) -> Result<Option<Key>> {
        facets::keys(self)?.revoke_key(id).await
    }

    async fn touch_keys(&self, used: &[(Text, Nanos)]) -> Result<()> {
        facets::keys(self)?.touch_keys(used).await
    }
}
