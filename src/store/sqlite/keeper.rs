//! The second thread: seals the inbox into segments, merges small segments, removes what is asked for.
//!
//! It works out changes from its own read-only view while commits go on, and hands them to the writer as single
//! transactions. Only this thread ever takes records out of the inbox or touches segments, one chore at a time, so
//! what it read still holds when its change is applied; meanwhile the inbox can only grow at its end.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::Receiver,
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use super::{
    Tuning,
    inbox::{self, Waiting},
    issues,
    queue::{Forget, Queue},
    removal,
    segments::{self, Extent},
    traces::{self, Change, Finder},
};
use crate::{
    model::{RecordFilter, RecordKind, Removed, Retention, TraceFold, TraceId},
    store::Result,
};

/// After a failure nothing is tried again on its own for this long.
const PAUSE: Duration = Duration::from_secs(1);
/// This many small neighbours are merged, if that lifts them into the next size.
const NEIGHBOURS: usize = 8;
/// This many are merged whatever comes out.
const MANY_NEIGHBOURS: usize = 64;
/// No merge makes more than this of `seal_records`.
const MOST_MERGED: u64 = 4;
/// Nor one with columns of more bytes than this; and no more bytes than this, before compression, are sealed at once.
/// SQLite takes no value of a gigabyte.
const MOST_MERGED_BYTES: u64 = 512 << 20;
const SEAL_BYTES: usize = 128 << 20;
/// Nor one of more blocks than this: a block is a few megabytes before compression at most, and all records that are
/// merged are in memory at once.
const MOST_MERGED_BLOCKS: usize = 64;
/// Pages given back to the system per transaction.
const PAGES_PER_STEP: u64 = 512;

/// What the thread is asked to do.
pub(super) enum Chore {
    /// Seal the inbox: as long as a segment's worth waits, or all of it.
    Seal {
        /// Also what is less than a segment's worth.
        all: bool,
        /// Told when it is done.
        reply: Option<oneshot::Sender<Result<()>>>,
    },
    /// Remove what a filter names.
    Delete {
        /// What.
        filter: RecordFilter,
        /// Told what was removed.
        reply: oneshot::Sender<Result<Removed>>,
    },
    /// Remove what is past its retention.
    Prune {
        /// What to keep.
        keep: Retention,
        /// About how many records at most.
        budget: usize,
        /// Told what was removed.
        reply: oneshot::Sender<Result<Removed>>,
    },
    /// End.
    Stop,
}

/// The thread's own state.
pub(super) struct Keeper {
    /// Its view of the file.
    pub connection: Connection,
    /// The way to the writer.
    pub queue: Queue,
    tuning: Tuning,
    seal_asked: Arc<AtomicBool>,
    failed_at: Option<Instant>,
}

impl Keeper {
    pub(super) fn new(connection: Connection, queue: Queue, tuning: Tuning, seal_asked: Arc<AtomicBool>) -> Keeper {
        Keeper { connection, queue, tuning, seal_asked, failed_at: None }
    }

    /// Works until told to stop.
    pub(super) fn run(mut self, chores: &Receiver<Chore>) {
        // Who asked may have gone; what was done stays done.
        while let Ok(chore) = chores.recv() {
            match chore {
                Chore::Seal { all, reply: None } => self.seal_in_background(all),
                Chore::Seal { all, reply: Some(reply) } => {
                    let _ = reply.send(self.seal(all).and_then(|()| self.merge()));
                }
                Chore::Delete { filter, reply } => {
                    let removed = removal::delete(&self, &filter);
                    let _ = reply.send(removed.inspect(|removed| self.give_back(removed)));
                }
                Chore::Prune { keep, budget, reply } => {
                    let removed = removal::prune(&self, keep.received_before.0, budget);
                    let _ = reply.send(removed.inspect(|removed| self.give_back(removed)));
                }
                Chore::Stop => break,
            }
        }
    }

    fn seal_in_background(&mut self, all: bool) {
        self.seal_asked.store(false, Ordering::Release);
        if self.failed_at.is_some_and(|failed_at| failed_at.elapsed() < PAUSE) {
            return;
        }
        self.failed_at = None;
        if let Err(error) = self.seal(all).and_then(|()| self.merge()) {
            tracing::warn!(%error, "records could not be sealed; they stay in the inbox");
            self.failed_at = Some(Instant::now());
        }
    }

    /// Seals what waits, as long as it is a segment's worth, or all of it.
    pub(super) fn seal(&self, all: bool) -> Result<()> {
        let most = self.tuning.seal_records;
        loop {
            let (waiting, is_last) = inbox::oldest(&self.connection, most, SEAL_BYTES)?;
            let records: usize = waiting.iter().map(|row| row.count).sum();
            if waiting.is_empty() || (is_last && records < most && !all) {
                return Ok(());
            }
            self.seal_waiting(waiting)?;
            if is_last {
                return Ok(());
            }
        }
    }

    fn seal_waiting(&self, waiting: Vec<Waiting>) -> Result<()> {
        let through = waiting.iter().map(|row| row.seq).max().unwrap_or(0);
        let mut sealed = Vec::new();
        for kind in RecordKind::ALL {
            let of_kind: Vec<&Waiting> = waiting.iter().filter(|row| row.kind == kind && row.count > 0).collect();
            if !of_kind.is_empty() {
                sealed.push(segments::seal_waiting(kind, &of_kind)?);
            }
        }
        let mut folds: FxHashMap<TraceId, TraceFold> = FxHashMap::default();
        for (trace, fold) in waiting.into_iter().flat_map(|row| row.folds) {
            folds.entry(trace).or_default().merge(&fold);
        }
        let mut folds: Vec<(TraceId, TraceFold)> = folds.into_iter().collect();
        // Neighbours in the index are written together.
        folds.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        // Every trace is looked up, and locking for each would cost more than looking.
        let view = self.connection.unchecked_transaction()?;
        let changes = grown(&view, folds)?;
        view.finish()?;
        self.queue.change(Forget::Nothing, move |transaction| {
            issues::require_counted(transaction, through)?;
            sealed.iter().try_for_each(|segment| segments::insert(transaction, segment))?;
            traces::apply(transaction, &changes)?;
            transaction.prepare_cached("DELETE FROM inbox WHERE seq <= ?1")?.execute([through])?;
            Ok(Removed::default())
        })?;
        Ok(())
    }

    fn merge(&self) -> Result<()> {
        RecordKind::ALL.into_iter().try_for_each(|kind| self.merge_kind(kind))
    }

    fn merge_kind(&self, kind: RecordKind) -> Result<()> {
        let seal_records = self.tuning.seal_records as u64;
        loop {
            let extents = segments::extents(&self.connection, kind)?;
            let size = |extent: &Extent| self.size(extent, seal_records);
            let sizes: Vec<Size> = extents.iter().map(size).collect::<Result<_>>()?;
            let Some(run) = run_to_merge(&sizes, seal_records) else { return Ok(()) };
            let run = extents.get(run).unwrap_or_default().to_vec();
            let mut records = Vec::new();
            for extent in &run {
                records.extend(segments::records(&self.connection, extent)?);
            }
            // Traces are untouched: their folds do not say where their records lie.
            let sealed = segments::seal(kind, &records)?;
            self.queue.change(Forget::Nothing, move |transaction| {
                run.iter().try_for_each(|extent| segments::remove(transaction, extent.id))?;
                segments::insert(transaction, &sealed)?;
                Ok(Removed::default())
            })?;
        }
    }

    fn size(&self, extent: &Extent, seal_records: u64) -> Result<Size> {
        let rows = extent.rows;
        if rows >= seal_records {
            return Ok(Size { rows, blocks: 0 });
        }
        // What is large in bytes counts as large, so that no column comes near what SQLite can hold.
        let most_bytes = MOST_MERGED_BYTES / MANY_NEIGHBOURS as u64;
        let is_heavy = segments::column_bytes(&self.connection, extent.id)? > most_bytes;
        let blocks = segments::block_count(&self.connection, extent.id)?;
        Ok(Size { rows: if is_heavy { seal_records } else { rows }, blocks })
    }

    /// Gives pages nobody uses back to the system, when they are many or the removal was asked for.
    fn give_back(&self, removed: &Removed) {
        if removed.is_empty() {
            return;
        }
        if let Err(error) = self.shrink_file() {
            tracing::warn!(%error, "the database could not be made smaller after a removal");
        }
    }

    fn shrink_file(&self) -> Result<()> {
        let count = |pragma: &str| -> Result<u64> {
            Ok(self.connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).map(super::keys::from_column)?)
        };
        let mut free = count("PRAGMA freelist_count")?;
        if free * 8 < count("PRAGMA page_count")? {
            return Ok(());
        }
        while free > 0 {
            self.queue.change(Forget::Nothing, |transaction| {
                // Each row of the answer is a page.
                let mut pragma = transaction.prepare(&format!("PRAGMA incremental_vacuum({PAGES_PER_STEP})"))?;
                let mut rows = pragma.query([])?;
                while rows.next()?.is_some() {}
                Ok(Removed::default())
            })?;
            let left = count("PRAGMA freelist_count")?;
            if left >= free {
                return Ok(());
            }
            free = left;
        }
        Ok(())
    }
}

/// The rows of traces after so much more of each is sealed.
fn grown(view: &Connection, folds: Vec<(TraceId, TraceFold)>) -> Result<Vec<Change>> {
    let mut finder = Finder::new(view)?;
    let grow = |(trace, mut fold): (TraceId, TraceFold)| {
        let before = finder.find(&trace)?;
        if let Some(before) = &before {
            fold.merge(&before.fold);
        }
        Ok(Change::new(trace, before, fold))
    };
    folds.into_iter().map(grow).collect()
}

/// How large a segment is to whoever may merge it; a large one has any number of blocks.
#[derive(Debug, Clone, Copy)]
struct Size {
    rows: u64,
    blocks: usize,
}

/// The next neighbours to merge: small ones that together reach the next size, so that a record is rewritten only a few
/// times however slowly records come in.
fn run_to_merge(segments: &[Size], seal_records: u64) -> Option<Range<usize>> {
    let sizes = [seal_records / 128, seal_records / 16, seal_records / 2];
    sizes.into_iter().filter(|size| *size > 1).find_map(|size| {
        let (mut start, mut sum, mut blocks) = (0, 0, 0);
        for (place, segment) in segments.iter().enumerate() {
            if segment.rows >= size || segment.blocks > MOST_MERGED_BLOCKS / NEIGHBOURS {
                (start, sum, blocks) = (place + 1, 0, 0);
                continue;
            }
            if blocks + segment.blocks > MOST_MERGED_BLOCKS {
                (start, sum, blocks) = (place, 0, 0);
            }
            (sum, blocks) = (sum + segment.rows, blocks + segment.blocks);
            let length = place + 1 - start;
            let is_worth_it = length >= NEIGHBOURS && sum >= size;
            if is_worth_it || length >= MANY_NEIGHBOURS || sum >= seal_records * MOST_MERGED {
                return Some(start..place + 1);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments of so many rows, of a thousand to a block.
    fn light(rows: &[u64]) -> Vec<Size> {
        rows.iter().map(|rows| Size { rows: *rows, blocks: (*rows as usize).div_ceil(1_024) }).collect()
    }

    #[test]
    fn eight_small_neighbours_are_merged_and_fewer_are_not() {
        assert_eq!(run_to_merge(&light(&[7_000; 7]), 16_384), None);
        let rows = [16_384, 7_000, 7_000, 7_000, 7_000, 7_000, 7_000, 7_000, 7_000];
        assert_eq!(run_to_merge(&light(&rows), 16_384), Some(1..9));
    }

    #[test]
    fn no_more_is_merged_at_once_than_fits_into_memory() {
        let of_blocks = |blocks: &[usize]| blocks.iter().map(|blocks| Size { rows: 100, blocks: *blocks }).collect();
        let run = |blocks: &[usize]| -> Option<Range<usize>> {
            let segments: Vec<Size> = of_blocks(blocks);
            run_to_merge(&segments, 16_384)
        };
        assert_eq!(run(&[32; 500]), None);
        assert_eq!(run(&[8; 500]), Some(0..8));
        assert_eq!(run(&[8, 8, 32, 1, 1, 1, 1, 1, 1, 1, 1]), Some(3..11));
        for blocks in 1..=8 {
            let run = run(&[blocks; 500]).expect("small enough");
            assert!(run.len() * blocks <= MOST_MERGED_BLOCKS && run.len() >= NEIGHBOURS, "{run:?} of {blocks}");
        }
    }

    #[test]
    fn a_large_segment_is_not_rewritten_for_the_sake_of_small_ones() {
        let rows = [7_000, 20, 20, 20, 20, 20, 20, 20, 20];
        assert!(run_to_merge(&light(&rows), 16_384).is_some_and(|run| run.start == 1));
    }

    #[test]
    fn merging_ends_and_rewrites_a_record_a_few_times_at_most() {
        let (mut sizes, mut rewritten) = (Vec::new(), 0);
        for rows in [10].repeat(5_000) {
            sizes.push(rows);
            while let Some(run) = run_to_merge(&light(&sizes), 16_384) {
                let rows: u64 = sizes[run.clone()].iter().sum();
                sizes.splice(run, [rows]);
                rewritten += rows;
            }
        }
        assert!(rewritten <= 4 * 50_000, "{rewritten}");
        assert!(sizes.len() < 64, "{}", sizes.len());
    }
}
