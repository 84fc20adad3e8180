//! Files other programs wrote, read as they are: the databases of the Python tracehub server and of msgtrace.
//!
//! They are known by the columns of their tables and never changed: no lock is left, no log is made beside them. All
//! they offer besides traces is the order of their rows. Nothing in them can be trusted to be what its column says, so a
//! row that cannot be read costs the answer that row only, and [`Backend::warnings`] says how many there were.

mod cell;
mod format;
mod list;
mod location;
mod msgtrace;
mod python;
mod rows;
mod scan;
mod stats;
mod warnings;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use self::format::Layout;
use self::location::Location;
use self::rows::Rows;
use self::warnings::Warnings;
use super::{Backend, Chunk, Error, Facet, Feed, Info, Mode, Result, Warning};
use crate::model::{
    Cursor, Nanos, Page, RecordFilter, Stats, StatsQuery, TimeBounds, Trace, TraceId, TraceQuery, TraceSummary,
};

/// How often a waiting scan looks for new rows.
const POLL: Duration = Duration::from_millis(200);

/// A file another program wrote.
#[derive(Debug)]
struct OldFile {
    info: Info,
    content: Arc<Content>,
    closed: AtomicBool,
}

#[derive(Debug)]
struct Content {
    location: Location,
    layout: Layout,
    warnings: Warnings,
}

/// Opens the file at `path` if another program wrote it and its layout is known; `None` for every other file and for
/// none, about which nothing is said here.
///
/// # Errors
/// The layout of the file is known, and the file cannot be opened or is to be written to.
pub async fn open(path: &Path, mode: Mode) -> Result<Option<Arc<dyn Backend>>> {
    let path = path.to_owned();
    let look = move || -> Result<Option<OldFile>> {
        let Some((location, layout)) = location::recognise(&path)? else { return Ok(None) };
        let info = Info { kind: layout.kind, location: location.text(), read_only: true, schema: None };
        if mode == Mode::Write {
            return Err(info.lacks(Facet::Sink));
        }
        // What cannot be read shall be said now, not by the first question.
        location.connect()?;
        let content = Arc::new(Content { location, layout, warnings: Warnings::default() });
        Ok(Some(OldFile { info, content, closed: AtomicBool::new(false) }))
    };
    let file = tokio::task::spawn_blocking(look).await.map_err(|error| Error::Io(error.into()))??;
    Ok(file.map(|file| Arc::new(file) as Arc<dyn Backend>))
}

impl OldFile {
    /// Runs `work` in one snapshot, off the async threads.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Rows<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        let content = Arc::clone(&self.content);
        let task = tokio::task::spawn_blocking(move || {
            let connection = content.location.connect()?;
            let _snapshot = connection.unchecked_transaction()?;
            work(&Rows::new(&connection, &content.layout, &content.warnings))
        });
        task.await.map_err(|error| Error::Io(error.into()))?
    }
}

#[async_trait]
impl Backend for OldFile {
    fn info(&self) -> &Info {
        &self.info
    }

    fn warnings(&self) -> Vec<Warning> {
        self.content.warnings.warnings()
    }

    async fn traces(&self, query: &TraceQuery) -> Result<Page<TraceSummary>> {
        let query = query.clone();
        self.run(move |rows| list::list(rows, &query)).await
    }

    async fn trace(&self, id: &TraceId) -> Result<Option<Trace>> {
        let id = id.clone();
        self.run(move |rows| {
            let records = rows.of_trace(&id)?;
            Ok(Trace::within(&TimeBounds::ALL, id, records))
        })
        .await
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        let (query, location) = (query.clone(), self.info.location.clone());
        self.run(move |rows| stats::stats(rows, &query, location)).await
    }

    async fn record_count(&self) -> Result<u64> {
        self.run(|rows| rows.count()).await
    }

    async fn close(&self) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        Ok(())
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }
}

#[async_trait]
impl Feed for OldFile {
    async fn scan(&self, filter: &RecordFilter, after: Option<&Cursor>, max: usize, wait: Duration) -> Result<Chunk> {
        let deadline = Instant::now().checked_add(wait);
        let mut after = after.cloned();
        loop {
            let (filter, from) = (filter.clone(), after.clone());
            let chunk = self.run(move |rows| scan::scan(rows, &filter, from.as_ref(), max)).await?;
            let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if !chunk.batch.is_empty() || !chunk.at_end || is_late {
                return Ok(chunk);
            }
            after = Some(chunk.next);
            let next_look = Instant::now() + POLL;
            tokio::time::sleep_until(deadline.map_or(next_look, |deadline| deadline.min(next_look))).await;
        }
    }

    async fn cursor_at(&self, received: Nanos) -> Result<Cursor> {
        self.run(move |rows| scan::cursor_at(rows, received)).await
    }
}
