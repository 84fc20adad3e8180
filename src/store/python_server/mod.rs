//! A running server of the Python tracehub as a store, read through the four routes that it has: `/health`,
//! `/correlations`, `/traces/{correlation_id}` and nothing more ([`asking`]).
//!
//! It keeps checkpoints alone and no order of arrival. Lists are made from its list of correlations, and the traces of
//! one page are read whole; statistics read everything. What arrives is found by asking again ([`arrivals`]).

mod arrivals;
mod asking;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use self::arrivals::Arrivals;
use self::asking::{Asking, Chain};
use super::trace_filter::{TraceFilter, matches};
use super::{Backend, Chunk, Error, Feed, Info, Result, Warning};
use crate::model::stats::StatsFold;
use crate::model::{
    Batch, Checkpoint, Cursor, DatabaseInfo, Nanos, Page, RecordFilter, RecordKind, Stats, StatsQuery, TimeBounds,
    Trace, TraceFold, TraceId, TraceQuery, TraceSummary,
};

/// How many traces are asked for at once.
const AT_ONCE: usize = 8;

/// The store of a Python server.
struct PythonServer {
    info: Info,
    asking: Asking,
    arrivals: Arrivals,
    /// How many traces could not be asked for.
    skipped: AtomicU64,
    is_closed: AtomicBool,
}

// By hand, because the client may hold a key.
impl fmt::Debug for PythonServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PythonServer").field("location", &self.info.location).finish_non_exhaustive()
    }
}

/// A store of the server at `url` if it is one of the Python tracehub; `None` when it is another, or nobody answers soon,
/// about which nothing is said here.
///
/// # Errors
/// [`Error::BadTarget`] when `url` is none.
pub(super) async fn recognise(url: &str, key: Option<&str>) -> Result<Option<Arc<dyn Backend>>> {
    let (asking, location) = Asking::new(url, key)?;
    if !asking.is_python().await {
        return Ok(None);
    }
    let info = Info { kind: "a Python tracehub server", location, read_only: true, schema: None };
    let (skipped, is_closed) = (AtomicU64::new(0), AtomicBool::new(false));
    Ok(Some(Arc::new(PythonServer { info, asking, arrivals: Arrivals::default(), skipped, is_closed })))
}

impl PythonServer {
    fn require_open(&self) -> Result<()> {
        if self.is_closed.load(Ordering::Relaxed) { Err(Error::Closed) } else { Ok(()) }
    }

    /// The checkpoints of a correlation; none when it cannot be asked for, which is counted.
    async fn checkpoints(&self, correlation_id: &str) -> Result<Vec<Checkpoint>> {
        let found = self.asking.checkpoints(correlation_id).await?;
        self.skipped.fetch_add(u64::from(found.is_none()), Ordering::Relaxed);
        Ok(found.unwrap_or_default())
    }

    /// The checkpoints of each of some correlations, in their order.
    async fn checkpoints_of_all(&self, correlation_ids: Vec<String>) -> Result<Vec<Vec<Checkpoint>>> {
        let asked = correlation_ids.into_iter().map(|id| async move { self.checkpoints(&id).await });
        stream::iter(asked).buffered(AT_ONCE).try_collect().await
    }

    /// All correlations, those of one trace together.
    async fn traces_known(&self) -> Result<Vec<(TraceId, Vec<Chain>)>> {
        self.require_open()?;
        self.skipped.store(0, Ordering::Relaxed);
        let mut chains = self.asking.chains().await?;
        chains.sort_by(|one, other| one.trace_id.cmp(&other.trace_id));
        let mut traces: Vec<(TraceId, Vec<Chain>)> = Vec::new();
        for chain in chains {
            match traces.last_mut() {
                Some((id, chains)) if *id == chain.trace_id => chains.push(chain),
                _ => traces.push((chain.trace_id.clone(), vec![chain])),
            }
        }
        Ok(traces)
    }

    /// The whole trace of some correlations.
    async fn whole(&self, id: TraceId, chains: &[Chain]) -> Result<Option<Trace>> {
        let ids = chains.iter().map(|chain| chain.correlation_id.clone()).collect();
        let checkpoints = self.checkpoints_of_all(ids).await?.into_iter().flatten().collect();
        Ok(Trace::within(&TimeBounds::ALL, id, Batch { checkpoints, ..Batch::default() }))
    }
}

#[async_trait]
impl Backend for PythonServer {
    fn info(&self) -> &Info {
        &self.info
    }

    fn warnings(&self) -> Vec<Warning> {
        let skipped = self.skipped.load(Ordering::Relaxed);
        let traces = if skipped == 1 { "trace" } else { "traces" };
        let text = format!("{skipped} {traces} cannot be read: the server has no path for such an id");
        (skipped > 0).then_some(Warning { text, skipped }).into_iter().collect()
    }

    async fn traces(&self, query: &TraceQuery) -> Result<Page<TraceSummary>> {
        let known = self.traces_known().await?;
        let mut selection = TraceFilter::new(query)?;
        // Checkpoints have no attributes, and there were no projects when this server was written.
        if query.project.is_none() && query.attributes.is_empty() {
            for (id, chains) in &known {
                let mut fold = TraceFold::default();
                chains.iter().for_each(|chain| chain.add_to(&mut fold));
                if !matches(query, id, &fold) {
                    continue;
                }
                if let Some(filter) = &query.filter
                    && !self.whole(id.clone(), chains).await?.is_some_and(|trace| filter.matches_trace(&trace))
                {
                    continue;
                }
                selection.count(&fold);
                selection.offer(id.clone(), fold);
            }
        }
        let mut page = selection.page();
        for summary in &mut page.items {
            let Ok(place) = known.binary_search_by(|(id, _)| id.cmp(&summary.trace_id)) else { continue };
            if let Some((id, chains)) = known.get(place)
                && let Some(trace) = self.whole(id.clone(), chains).await?
            {
                *summary = trace.summary;
            }
        }
        Ok(page)
    }

    async fn trace(&self, id: &TraceId) -> Result<Option<Trace>> {
        self.require_open()?;
        let checkpoints = self.asking.checkpoints(&id.to_string()).await?.unwrap_or_default();
        if !checkpoints.is_empty() {
            let batch = Batch { checkpoints, ..Batch::default() };
            return Ok(Trace::within(&TimeBounds::ALL, id.clone(), batch));
        }
        // The correlation may be written in an unusual way.
        let known = self.traces_known().await?;
        let chains = known.into_iter().find(|(known, _)| known == id).map(|(_, chains)| chains);
        self.whole(id.clone(), &chains.unwrap_or_default()).await
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        let mut fold = StatsFold::new(query);
        for (id, chains) in self.traces_known().await? {
            if let Some(trace) = self.whole(id, &chains).await? {
                fold.add_whole(&Batch { checkpoints: trace.checkpoints, ..Batch::default() });
            }
        }
        let database = DatabaseInfo { location: self.info.location.clone(), ..DatabaseInfo::default() };
        Ok(Stats { database, ..fold.finish() })
    }

    async fn record_count(&self) -> Result<u64> {
        self.require_open()?;
        Ok(self.asking.chains().await?.iter().map(|chain| chain.checkpoints).sum())
    }

    async fn size_bytes(&self) -> Option<u64> {
        None
    }

    async fn close(&self) -> Result<()> {
        self.is_closed.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }
}

#[async_trait]
impl Feed for PythonServer {
    async fn scan(&self, filter: &RecordFilter, after: Option<&Cursor>, max: usize, wait: Duration) -> Result<Chunk> {
        let mut place = self.arrivals.read_cursor(after)?;
        let deadline = tokio::time::Instant::now().checked_add(wait);
        loop {
            self.require_open()?;
            let is_asked_for = filter.kind.is_none_or(|kind| kind == RecordKind::Checkpoints);
            let (checkpoints, next) = self.arrivals.read(place, max, filter);
            place = next;
            let at_end = self.arrivals.is_end(place) && (!is_asked_for || !self.find_arrivals().await?);
            let is_late = deadline.is_some_and(|deadline| tokio::time::Instant::now() >= deadline);
            if !checkpoints.is_empty() || (at_end && is_late) {
                let batch = Batch { checkpoints, ..Batch::default() };
                return Ok(Chunk { batch, next: arrivals::write_cursor(place), at_end, missed: 0 });
            }
            if at_end {
                let next_look = tokio::time::Instant::now() + arrivals::POLL;
                tokio::time::sleep_until(deadline.map_or(next_look, |deadline| deadline.min(next_look))).await;
            }
        }
    }

    async fn cursor_at(&self, received: Nanos) -> Result<Cursor> {
        // The server does not say when a record was received, so only the end of time has a place of its own.
        if received == Nanos(u64::MAX) {
            while self.find_arrivals().await? {}
            return Ok(arrivals::write_cursor(self.arrivals.end()));
        }
        Ok(arrivals::write_cursor(0))
    }
}

impl PythonServer {
    /// Reads some traces that changed since they were read last; whether there were any.
    async fn find_arrivals(&self) -> Result<bool> {
        let changed = match self.arrivals.take_changed(AT_ONCE) {
            changed if changed.is_empty() => {
                self.arrivals.note_chains(self.asking.chains().await?);
                self.arrivals.take_changed(AT_ONCE)
            }
            changed => changed,
        };
        let is_any = !changed.is_empty();
        for checkpoints in self.checkpoints_of_all(changed).await? {
            self.arrivals.add(checkpoints);
        }
        Ok(is_any)
    }
}
