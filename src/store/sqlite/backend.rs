//! The contract of stores, kept by a SQLite file: which question goes to the readers, and which to the two threads that
//! own all changes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::Instant;

use super::file::{disk, files, meta};
use super::maintenance::{Task, removal};
use super::prepare::{SMALL_BATCH, prepare, work};
use super::read::{list, logs, readers, scan, stats};
use super::tables::{api_keys, damaged, saved_filters, senders};
use super::{Sqlite, issues};
use crate::model::sender::Sender;
use crate::model::{
    Batch, Cursor, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, Key, LogPage, LogQuery, Nanos, Page,
    RecordFilter, Removed, Retention, SavedFilter, Stats, StatsQuery, Text, Trace, TraceId, TraceQuery, TraceSummary,
    Written,
};
use crate::store::backend::place_by_scanning;
use crate::store::issues::{IssueNews, NewsPlace};
use crate::store::{
    Backend, BatchEdit, Chunk, DiskUse, Error, Feed, Info, Issues, Keys, Logs, Result, SavedFilters, Senders, Sink,
    Warning,
};

/// Longest wait for a commit before looking whether the store is still open.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How often a waiting scan looks for new records when another process writes them.
const POLL: Duration = Duration::from_millis(50);
/// How often at most a waiting scan looks for new records when this process writes them, as long as nothing it finds is
/// what its filter names.
const PACE: Duration = Duration::from_millis(10);

#[async_trait]
impl Backend for Sqlite {
    fn info(&self) -> &Info {
        &self.info
    }

    async fn traces(&self, query: &TraceQuery) -> Result<Page<TraceSummary>> {
        let query = query.clone();
        self.readers.run(move |connection| list::list(connection, &query)).await
    }

    async fn trace(&self, id: &TraceId) -> Result<Option<Trace>> {
        let id = id.clone();
        self.readers.run(move |connection| readers::trace(connection, &id)).await
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        let (query, location) = (query.clone(), self.info.location.clone());
        self.count_errors().await;
        self.readers.run(move |connection| stats::stats(connection, &query, location)).await
    }

    async fn size_bytes(&self) -> Option<u64> {
        let path = Path::new(&self.info.location);
        Some(std::fs::metadata(path).ok()?.len() + files::log_length(path))
    }

    async fn newest_received(&self) -> Result<Option<Nanos>> {
        self.readers.run(readers::newest_received).await
    }

    fn disk_use(&self) -> Option<DiskUse> {
        let path = Path::new(&self.info.location);
        let free_bytes = disk::space(path).map(|space| space.free_bytes);
        Some(DiskUse { log_bytes: files::log_length(path), free_bytes })
    }

    async fn salt(&self) -> Result<Option<[u8; 32]>> {
        let known = self.readers.run(meta::salt).await?;
        match (known, &self.owner) {
            (None, Some(owner)) => {
                // Told apart by chance, so whoever asks first decides.
                let new = crate::secret::random_bytes().map_err(|error| Error::Io(error.into()))?;
                owner.queue.decide(move |transaction| meta::make_salt(transaction, new)).await.map(Some)
            }
            (known, _) => Ok(known),
        }
    }

    fn warnings(&self) -> Vec<Warning> {
        self.readers.damage.warnings()
    }

    async fn damaged_rows(&self) -> Option<u64> {
        match &self.owner {
            // Who asks whether a server works is not to wait for those who ask it other things.
            Some(owner) => Some(owner.damaged_rows()),
            None => self.readers.run(damaged::count).await.ok(),
        }
    }

    async fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.readers.close();
        if let Some(owner) = self.owner.clone() {
            let end = tokio::task::spawn_blocking(move || owner.end());
            end.await.map_err(|error| Error::Io(error.into()))?;
        }
        Ok(())
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }

    fn sink(&self) -> Option<&dyn Sink> {
        Some(self)
    }

    fn logs(&self) -> Option<&dyn Logs> {
        Some(self)
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

    fn senders(&self) -> Option<&dyn Senders> {
        Some(self)
    }
}

#[async_trait]
impl Feed for Sqlite {
    async fn scan(&self, filter: &RecordFilter, after: Option<&Cursor>, max: usize, wait: Duration) -> Result<Chunk> {
        let deadline = Instant::now().checked_add(wait);
        let mut after = after.cloned();
        let mut committed = self.owner.as_ref().map(|owner| owner.committed.clone());
        loop {
            let next_look = Instant::now() + PACE;
            if let Some(committed) = &mut committed {
                committed.mark_unchanged();
            }
            let (filter, from, last_segments) = (filter.clone(), after.clone(), Arc::clone(&self.last_segments));
            let read = move |connection: &_| scan::scan(connection, &filter, from.as_ref(), max, &last_segments);
            let chunk = self.readers.run(read).await?;
            let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if !chunk.batch.is_empty() || !chunk.at_end || chunk.missed > 0 || is_late {
                return Ok(chunk);
            }
            after = Some(chunk.next);
            wait_for_commit(committed.as_mut(), deadline).await;
            tokio::time::sleep_until(next_look).await;
        }
    }

    async fn cursor_at(&self, received: Nanos) -> Result<Cursor> {
        self.readers.run(move |connection| scan::cursor_at(connection, received)).await
    }

    async fn place(&self, filter: &RecordFilter, records: usize) -> Result<Option<Cursor>> {
        if records > 0 && (filter.trace.is_some() || filter.ended_before.is_some()) {
            return place_by_scanning(self, filter, records).await;
        }
        let kind = filter.kind;
        self.readers.run(move |connection| scan::place(connection, kind, records).map(Some)).await
    }
}

#[async_trait]
impl Sink for Sqlite {
    async fn write(&self, batch: Batch) -> Result<Written> {
        let owner = self.owner()?;
        if batch.is_empty() {
            return Ok(Written::default());
        }
        let (parts, duplicates) = if work(&batch) > SMALL_BATCH {
            tokio::task::spawn_blocking(move || prepare(batch)).await.map_err(|error| Error::Io(error.into()))?
        } else {
            prepare(batch)
        };
        owner.queue.write(parts, duplicates).await
    }

    async fn write_edited(&self, mut batch: Batch, edit: BatchEdit) -> Result<Written> {
        let owner = self.owner()?;
        if batch.is_empty() {
            return Ok(Written::default());
        }
        let prepared = tokio::task::spawn_blocking(move || {
            edit(&mut batch);
            prepare(batch)
        });
        let (parts, duplicates) = prepared.await.map_err(|error| Error::Io(error.into()))?;
        owner.queue.write(parts, duplicates).await
    }

    async fn delete(&self, filter: &RecordFilter, dry_run: bool) -> Result<Removed> {
        if dry_run {
            let filter = filter.clone();
            self.count_errors().await;
            return self.readers.run(move |connection| removal::count(connection, &filter)).await;
        }
        self.ask(|reply| Task::Delete { filter: filter.clone(), reply }).await
    }

    async fn prune(&self, keep: &Retention, budget: usize) -> Result<Removed> {
        self.ask(|reply| Task::Prune { keep: *keep, budget, reply }).await
    }
}

#[async_trait]
impl Logs for Sqlite {
    async fn list_logs(&self, query: &LogQuery) -> Result<LogPage> {
        let query = query.clone();
        self.readers.run(move |connection| logs::logs(connection, &query)).await
    }
}

#[async_trait]
impl Issues for Sqlite {
    async fn list_issues(&self, query: &IssueQuery) -> Result<Page<Issue>> {
        let query = query.clone();
        self.count_errors().await;
        self.readers.run(move |connection| issues::list(connection, &query)).await
    }

    async fn issue(&self, id: &IssueId) -> Result<Option<IssueDetail>> {
        let id = *id;
        self.count_errors().await;
        self.readers.run(move |connection| issues::detail(connection, &id)).await
    }

    async fn set_issue(&self, id: &IssueId, change: IssueChange) -> Result<Option<Issue>> {
        let id = *id;
        self.owner()?.queue.decide(move |transaction| issues::set(transaction, &id, change, Nanos::now())).await
    }

    async fn issue_news(&self, subscriber: &str, most: usize) -> Result<Vec<IssueNews>> {
        let name = subscriber.to_owned();
        self.count_errors().await;
        let known = self.readers.run(move |connection| issues::read_news(connection, &name, most)).await?;
        if let Some(known) = known {
            return Ok(known);
        }
        let name = subscriber.to_owned();
        self.owner()?.queue.decide(move |transaction| issues::begin_news(transaction, &name)).await?;
        Ok(Vec::new())
    }

    async fn note_news(&self, subscriber: &str, place: &NewsPlace) -> Result<()> {
        let (name, place) = (subscriber.to_owned(), *place);
        self.owner()?.queue.decide(move |transaction| issues::note_news(transaction, &name, &place)).await
    }
}

#[async_trait]
impl Keys for Sqlite {
    async fn list_keys(&self) -> Result<Vec<Key>> {
        self.readers.run(api_keys::list).await
    }

    async fn add_key(&self, key: Key) -> Result<()> {
        self.owner()?.queue.decide(move |transaction| api_keys::add(transaction, &key)).await
    }

    async fn revoke_key(&self, id: &str) -> Result<Option<Key>> {
        let (id, now) = (id.to_owned(), Nanos::now());
        self.owner()?.queue.decide(move |transaction| api_keys::revoke(transaction, &id, now)).await
    }

    async fn touch_keys(&self, used: &[(Text, Nanos)]) -> Result<()> {
        let used = used.to_vec();
        self.owner()?.queue.decide(move |transaction| api_keys::touch(transaction, &used)).await
    }
}

#[async_trait]
impl SavedFilters for Sqlite {
    async fn list_saved_filters(&self) -> Result<Vec<SavedFilter>> {
        self.readers.run(saved_filters::list).await
    }

    async fn save_filter(&self, saved: SavedFilter) -> Result<()> {
        self.owner()?.queue.decide(move |transaction| saved_filters::save(transaction, &saved)).await
    }

    async fn delete_saved_filter(&self, name: &str) -> Result<bool> {
        let name = name.to_owned();
        self.owner()?.queue.decide(move |transaction| saved_filters::delete(transaction, &name)).await
    }
}

#[async_trait]
impl Senders for Sqlite {
    async fn list_senders(&self) -> Result<Vec<Sender>> {
        self.readers.run(senders::list).await
    }

    async fn keep_senders(&self, known: &[Sender]) -> Result<()> {
        let known = known.to_vec();
        self.owner()?.queue.decide(move |transaction| senders::keep(transaction, &known)).await
    }
}

/// Returns after a commit of this process, or when another process may have made one, or at the deadline.
async fn wait_for_commit(committed: Option<&mut watch::Receiver<i64>>, deadline: Option<Instant>) {
    let Some(committed) = committed else {
        let next_look = Instant::now() + POLL;
        return tokio::time::sleep_until(deadline.map_or(next_look, |deadline| deadline.min(next_look))).await;
    };
    let deadline = deadline.unwrap_or_else(|| Instant::now() + LONGEST_WAIT);
    // The writer ends when the store is closed, which the next look finds out.
    if let Ok(Err(_)) = tokio::time::timeout_at(deadline, committed.changed()).await {
        tokio::time::sleep(POLL).await;
    }
}
