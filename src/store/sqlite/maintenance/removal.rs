//! Taking records out: what a filter names, and what is past its retention.
//!
//! Each segment or part of the inbox is one transaction that also brings the traces up to date, so a crash in between
//! leaves every count right, and a full disk has room for one after the other. A trace counts as removed with its last
//! record. What somebody removes is overwritten in the file; what only grew old need not be.

use rusqlite::{Connection, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::codec::{Arrival, Arrived, NO_TRACE};
use super::super::damage::{Part, collect, tolerate};
use super::super::file::open::zero_what_is_deleted;
use super::super::file::room::{Room, is_about_room};
use super::super::segments::{self, Extent};
use super::super::tables::traces::{self, Change, Finder, Named};
use super::super::tables::{damaged, inbox, kind_column, to_column};
use super::super::write::write_queue::{Forget, Queue};
use super::super::{issues, sql};
use super::{mending, sealing};
use crate::model::{Nanos, RecordFilter, RecordKind, Removed, TraceFold, TraceId};
use crate::store::{Error, Result};

/// A segment at most this long is rewritten for the sake of a single record past its retention; of a longer one the
/// 32nd part must be.
const SHORT_SEGMENT: usize = 4_096;
const WORTH_REWRITING: usize = 32;
/// Records removed together where there is little room.
const PIECE: usize = 5_000;

/// Counts what [`delete`] would remove.
pub fn count(connection: &Connection, filter: &RecordFilter) -> Result<Removed> {
    if is_everything(filter) {
        return count_everything(connection);
    }
    let named = traces::named(connection, filter)?;
    let mut removed = Removed::default();
    for fold in named.traces.values() {
        let of_kind = |kind, count| if names_kind(filter, kind) { count } else { 0 };
        let spans = of_kind(RecordKind::Spans, fold.spans);
        let checkpoints = of_kind(RecordKind::Checkpoints, fold.checkpoints);
        let logs = of_kind(RecordKind::Logs, fold.logs);
        let is_all = spans + checkpoints + logs == fold.spans + fold.checkpoints + fold.logs;
        add(&mut removed, Removed { traces: u64::from(is_all), spans, checkpoints, logs, issues: 0 });
    }
    if names_kind(filter, RecordKind::Logs) {
        removed.logs += count_traceless(connection, &named)?;
    }
    Ok(removed)
}

fn is_everything(filter: &RecordFilter) -> bool {
    *filter == RecordFilter::default()
}

fn names_kind(filter: &RecordFilter, kind: RecordKind) -> bool {
    filter.kind.is_none_or(|wanted| wanted == kind)
}

fn count_everything(connection: &Connection) -> Result<Removed> {
    let (traces, issues) = (traces::totals(connection)?.traces, issues::count(connection)?);
    let mut removed = Removed { traces, issues, ..Removed::default() };
    for kind in RecordKind::ALL {
        let count = segments::count(connection, kind)? + inbox::count(connection, kind)?;
        add(&mut removed, of_kind(kind, count));
    }
    let mut finder = Finder::for_many_once(connection)?;
    for id in inbox::folds(connection)?.keys() {
        removed.traces += u64::from(finder.find(id)?.is_none());
    }
    Ok(removed)
}

fn names(named: &Named, arrived: &Arrived) -> bool {
    named.has(&arrived.record, Some(arrived.arrival.received_ns))
}

fn count_traceless(connection: &Connection, named: &Named) -> Result<u64> {
    let mut logs = 0;
    inbox::each_row(connection, 0, |row| {
        let traceless =
            row.records.iter().filter(|record| record.trace_id().is_none() && named.has(record, Some(row.received_ns)));
        logs += traceless.count() as u64;
    })?;
    for extent in segments::extents(connection, RecordKind::Logs)? {
        if !segments::may_hold(connection, extent.id, std::iter::once(&NO_TRACE))? {
            continue;
        }
        let traceless = segments::arrived_of(connection, &extent, &NO_TRACE)?;
        logs += traceless.iter().filter(|record| names(named, record)).count() as u64;
    }
    Ok(logs)
}

/// Removes what `filter` names; what waits in the inbox is sealed first, `seal_records` at a time.
pub fn delete(
    connection: &Connection,
    queue: &Queue,
    room: &Room,
    filter: &RecordFilter,
    seal_records: usize,
) -> Result<Removed> {
    if is_everything(filter) {
        return delete_everything(connection, queue);
    }
    if traces::named(connection, filter)?.is_nothing() {
        return Ok(Removed::default());
    }
    // A record keeps its place in its write only in a segment, and a scan may have come as far as within that write.
    sealing::seal(connection, queue, room, seal_records, true)?;
    let named = traces::named(connection, filter)?;
    let mut removed = Removed::default();
    for kind in RecordKind::ALL.into_iter().filter(|kind| names_kind(filter, *kind)) {
        for extent in segments::extents(connection, kind)? {
            if named.may_be_in(connection, extent.id)? {
                let goes = |record: &Arrived| names(&named, record);
                let shrunk = shrink(connection, queue, &extent, goes, Forget::Nothing);
                add(&mut removed, go_on(connection, queue, &extent, shrunk)?);
            }
        }
    }
    // One whose records lay in several segments went in as many steps, and more of it may have arrived meanwhile.
    let waiting = inbox::folds(connection)?;
    let mut gone = Vec::new();
    let mut finder = Finder::for_many_once(connection)?;
    for id in named.traces.keys().filter(|id| !waiting.contains_key(*id)) {
        if finder.find(id)?.is_none() {
            gone.push(id.clone());
        }
    }
    removed.traces = gone.len() as u64;
    queue.remove(Forget::Everything, move |transaction| issues::forget_traces(transaction, &gone))?;
    Ok(removed)
}

/// Removes everything: at once, which writes little, or piece by piece when there is no room even for that.
fn delete_everything(connection: &Connection, queue: &Queue) -> Result<Removed> {
    let before = count_everything(connection)?;
    match delete_at_once(queue) {
        Err(error) if is_about_room(&error) => {
            while !prune(connection, queue, u64::MAX, PIECE)?.is_empty() {}
            delete_at_once(queue)?;
            Ok(before)
        }
        done => done,
    }
}

fn delete_at_once(queue: &Queue) -> Result<Removed> {
    queue.remove(Forget::Everything, |transaction| {
        let removed = count_everything(transaction)?;
        transaction.execute_batch(
            "DELETE FROM inbox; DELETE FROM segments; DELETE FROM segment_columns; DELETE FROM damaged;
             DELETE FROM meta WHERE key = 'uncounted_from';",
        )?;
        traces::clear(transaction)?;
        for table in issues::TABLES {
            transaction.execute_batch(&format!("DELETE FROM {table};"))?;
        }
        // Here it costs nothing, and a file that is short again leaves room for its log.
        give_pages_back(transaction, u64::MAX)?;
        Ok(removed)
    })
}

/// Gives up to so many pages nobody uses back to the system.
pub fn give_pages_back(transaction: &Connection, pages: u64) -> Result<()> {
    let most = pages.min(u64::from(u32::MAX >> 1));
    let mut pragma = transaction.prepare(&format!("PRAGMA incremental_vacuum({most})"))?;
    // Each row of the answer is a page.
    let mut rows = pragma.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

/// Removes about `budget` records received before `cutoff_ns`, the oldest first. A segment that there is no room to
/// rewrite is left for later, as long as there is something else to remove.
pub fn prune(connection: &Connection, queue: &Queue, cutoff_ns: u64, budget: usize) -> Result<Removed> {
    let mut removed = Removed::default();
    let mut left_for_later = None;
    for kind in RecordKind::ALL {
        for extent in segments::extents_received_before(connection, kind, cutoff_ns)? {
            if record_count(&removed) >= budget as u64 {
                return Ok(removed);
            }
            let arrivals = match segments::arrivals(connection, extent.id) {
                Ok(arrivals) => arrivals,
                Err(error) => {
                    go_on(connection, queue, &extent, Err(error))?;
                    continue;
                }
            };
            let is_past = |arrival: &Arrival| arrival.received_ns < cutoff_ns;
            let past = arrivals.iter().filter(|arrival| is_past(arrival)).count();
            if past * WORTH_REWRITING >= arrivals.len() || arrivals.len() <= SHORT_SEGMENT {
                let goes = |record: &Arrived| is_past(&record.arrival);
                let shrunk = shrink(connection, queue, &extent, goes, Forget::Before(cutoff_ns));
                match go_on(connection, queue, &extent, shrunk) {
                    Ok(more) => add(&mut removed, more),
                    Err(error) if is_about_room(&error) => left_for_later = Some(error),
                    Err(error) => return Err(error),
                }
            }
        }
    }
    add(&mut removed, drop_damaged(connection, queue, cutoff_ns)?);
    if damaged::has_before(connection, cutoff_ns)? {
        queue.change(Forget::Nothing, move |transaction| damaged::remove_before(transaction, cutoff_ns))?;
    }
    let left = (budget as u64).saturating_sub(record_count(&removed));
    if left > 0 {
        add(&mut removed, prune_inbox(connection, queue, cutoff_ns, left)?);
    }
    add(&mut removed, issues::prune(connection, queue, cutoff_ns, Nanos::now().0)?);
    match left_for_later {
        Some(error) if removed.is_empty() => Err(error),
        _ => Ok(removed),
    }
}

fn prune_inbox(connection: &Connection, queue: &Queue, cutoff_ns: u64, budget: u64) -> Result<Removed> {
    let mut removed = Removed::default();
    let mut past: FxHashSet<i64> = FxHashSet::default();
    for kind in RecordKind::ALL {
        let sql = "SELECT seq, count FROM inbox WHERE kind = ?1 AND received_ns < ?2 ORDER BY seq";
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query([kind_column(kind), to_column(cutoff_ns)])?;
        while let Some(row) = rows.next()? {
            if record_count(&removed) >= budget {
                break;
            }
            let seq = row.get(0)?;
            // A damaged row is put aside when it is sealed.
            let Some(count) = tolerate(Part::Write(seq), row.get::<_, u32>(1).map_err(Error::from))? else { continue };
            past.insert(seq);
            add(&mut removed, of_kind(kind, u64::from(count)));
        }
    }
    if past.is_empty() {
        return Ok(Removed::default());
    }
    let (mut losing, mut keeping) = (FxHashSet::default(), FxHashSet::default());
    inbox::each_folds(connection, |seq, folds| {
        let side = if past.contains(&seq) { &mut losing } else { &mut keeping };
        side.extend(folds.into_iter().map(|(id, _)| id));
    })?;
    let mut finder = Finder::for_many_once(connection)?;
    for id in losing.difference(&keeping) {
        removed.traces += u64::from(finder.find(id)?.is_none());
    }
    queue.remove(Forget::Before(cutoff_ns), move |transaction| {
        for seq in &past {
            sql::run(transaction, "DELETE FROM inbox WHERE seq = ?1", [seq])?;
        }
        Ok(removed)
    })
}

/// What was removed from a segment; nothing when that is damaged, which is written down once.
fn go_on(connection: &Connection, queue: &Queue, extent: &Extent, shrunk: Result<Removed>) -> Result<Removed> {
    let part = Part::Segment(extent.id);
    let (removed, mut damage) = collect(|| tolerate(part, shrunk));
    let known = damaged::segments(connection)?;
    damage.retain(|part, _| !matches!(part, Part::Segment(id) if known.contains(id)));
    if !damage.is_empty() {
        mending::mend(connection, queue, damage)?;
    }
    Ok(removed?.unwrap_or_default())
}

/// Drops the damaged segments all of whose records were received before `cutoff_ns`: of the traces that may have been in
/// them only what lies elsewhere is left.
fn drop_damaged(connection: &Connection, queue: &Queue, cutoff_ns: u64) -> Result<Removed> {
    let mut removed = Removed::default();
    for segment in damaged::segments_before(connection, cutoff_ns)? {
        let waiting = inbox::folds(connection)?;
        let mut held = Vec::new();
        traces::each_where(connection, "1", [], |id, _| {
            if segments::may_hold(connection, segment, std::iter::once(&id))? {
                held.push(id);
            }
            Ok(())
        })?;
        let mut gone = Removed::default();
        let mut changes = Vec::new();
        let mut finder = Finder::for_many_once(connection)?;
        for id in held {
            let Some(before) = finder.find(&id)? else { continue };
            let left = fold_left(connection, &id, &before.fold, segment, &[])?;
            if left != before.fold {
                let lost = |before: u64, left: u64| before.saturating_sub(left);
                gone.traces += u64::from(left.is_empty() && !waiting.contains_key(&id));
                gone.spans += lost(before.fold.spans, left.spans);
                gone.checkpoints += lost(before.fold.checkpoints, left.checkpoints);
                gone.logs += lost(before.fold.logs, left.logs);
                changes.push(Change::new(id, Some(before), left));
            }
        }
        queue.change(Forget::Before(cutoff_ns), move |transaction| {
            segments::remove(transaction, segment)?;
            traces::apply(transaction, &changes)
        })?;
        add(&mut removed, gone);
    }
    Ok(removed)
}

/// Takes out of a segment what `goes`; a segment of which nothing is left is dropped.
fn shrink(
    connection: &Connection,
    queue: &Queue,
    extent: &Extent,
    goes: impl Fn(&Arrived) -> bool,
    forget: Forget,
) -> Result<Removed> {
    let records = segments::records(connection, extent)?;
    let (gone, kept): (Vec<Arrived>, Vec<Arrived>) = records.into_iter().partition(goes);
    if gone.is_empty() {
        return Ok(Removed::default());
    }
    let mut lost: FxHashMap<TraceId, u64> = FxHashMap::default();
    for record in &gone {
        *lost.entry(record.record.trace_key().clone()).or_default() += 1;
    }
    lost.remove(&NO_TRACE);
    let waiting = inbox::folds(connection)?;
    let mut removed = of_kind(extent.kind, gone.len() as u64);
    let mut changes = Vec::with_capacity(lost.len());
    let mut finder = Finder::for_many_once(connection)?;
    for (id, lost) in lost {
        let Some(before) = finder.find(&id)? else { continue };
        let is_all = before.fold.spans + before.fold.checkpoints + before.fold.logs <= lost;
        let left =
            if is_all { TraceFold::default() } else { fold_left(connection, &id, &before.fold, extent.id, &kept)? };
        removed.traces += u64::from(left.is_empty() && !waiting.contains_key(&id));
        changes.push(Change::new(id, Some(before), left));
    }
    let sealed = (!kept.is_empty()).then(|| segments::seal(extent.kind, &kept)).transpose()?;
    let id = extent.id;
    let apply = move |transaction: &Transaction<'_>| {
        // In this order no page that is freed is filled up again with less than was in it.
        if let Some(sealed) = &sealed {
            segments::insert(transaction, sealed)?;
        }
        segments::remove(transaction, id)?;
        traces::apply(transaction, &changes)?;
        Ok(removed)
    };
    match forget {
        Forget::Before(_) => queue.remove(forget, apply),
        _ => queue.remove(forget, move |transaction| {
            zero_what_is_deleted(transaction, true)?;
            let done = apply(transaction);
            zero_what_is_deleted(transaction, false)?;
            done
        }),
    }
}

/// The fold of a trace of which a segment keeps only what is among `kept`; `before` is the fold with all of its records.
fn fold_left(
    connection: &Connection,
    id: &TraceId,
    before: &TraceFold,
    segment: i64,
    kept: &[Arrived],
) -> Result<TraceFold> {
    let mut left = TraceFold::default();
    let bounds = before.bounds();
    // Records of a segment are sorted by trace.
    let first = kept.partition_point(|record| record.record.trace_key() < id);
    let of_trace = kept.iter().skip(first).take_while(|record| record.record.trace_key() == id);
    of_trace.for_each(|record| record.record.add_to(&mut left, &bounds));
    let elsewhere = segments::records_of(connection, id, before, Some(segment))?;
    elsewhere.iter().for_each(|record| record.add_to(&mut left, &bounds));
    // What was received last is what is removed last.
    inbox::note_received(&mut left, before.received_s);
    Ok(left)
}

fn of_kind(kind: RecordKind, count: u64) -> Removed {
    match kind {
        RecordKind::Spans => Removed { spans: count, ..Removed::default() },
        RecordKind::Checkpoints => Removed { checkpoints: count, ..Removed::default() },
        RecordKind::Logs => Removed { logs: count, ..Removed::default() },
    }
}

fn record_count(removed: &Removed) -> u64 {
    removed.spans + removed.checkpoints + removed.logs
}

fn add(sum: &mut Removed, more: Removed) {
    sum.traces += more.traces;
    sum.spans += more.spans;
    sum.checkpoints += more.checkpoints;
    sum.logs += more.logs;
    sum.issues += more.issues;
}
