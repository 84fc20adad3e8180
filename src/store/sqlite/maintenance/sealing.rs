//! Sealing: what waits longest in the inbox becomes segments, in the one transaction that also takes it out of there.

use rusqlite::Connection;
use rustc_hash::FxHashMap;

use super::super::damage::{self, Part};
use super::super::file::open::PAGE_BYTES;
use super::super::file::room::{Room, is_about_room};
use super::super::segments::Sealed;
use super::super::tables::inbox::{self, Waiting};
use super::super::tables::traces::{self, Change, Finder};
use super::super::write::write_queue::{Forget, Queue};
use super::super::{issues, segments, sql};
use super::mending;
use crate::model::{RecordKind, TraceFold, TraceId};
use crate::store::{Error, Result};

/// No more bytes than this, before compression, are sealed at once: SQLite takes no value of a gigabyte.
const SEAL_BYTES: usize = 128 << 20;

/// About what sealing writes besides what it seals: a page of each index for every few traces.
const STEP_BYTES: u64 = 32 * PAGE_BYTES;

/// Seals what waits, as long as it is a segment's worth, or all of it; no more at once than there is room for, half of
/// which is left to whoever removes records.
///
/// # Errors
/// [`Error::DiskFull`] when there is no room for the least bit, and why something cannot be read or stored.
pub fn seal(connection: &Connection, queue: &Queue, room: &Room, seal_records: usize, all: bool) -> Result<()> {
    let (mut most_records, mut most_bytes) = (seal_records, SEAL_BYTES);
    loop {
        let fitting = most_bytes.min(fitting_bytes(room)?);
        let oldest = || inbox::oldest(connection, most_records, fitting);
        let (waiting, is_last) = mending::without_damage(connection, queue, oldest)?;
        let records: usize = waiting.iter().map(|row| row.count).sum();
        if waiting.is_empty() || (is_last && records < seal_records && !all) {
            return Ok(());
        }
        let rows = waiting.len();
        let is_sealed = match seal_waiting(connection, queue, waiting) {
            // Where there is no room for much there may be some for less.
            Err(error) if rows > 1 && is_about_room(&error) => {
                (most_records, most_bytes) = (records.min(most_records) / 4, most_bytes.min(fitting_bytes(room)?) / 4);
                continue;
            }
            done => done?,
        };
        if is_last && is_sealed {
            return Ok(());
        }
    }
}

/// How many bytes, before compression, may be sealed at once on this disk.
fn fitting_bytes(room: &Room) -> Result<usize> {
    let Some(free_bytes) = room.free_bytes() else { return Ok(SEAL_BYTES) };
    match (free_bytes / 2).checked_sub(STEP_BYTES) {
        None | Some(0) => Err(Error::DiskFull),
        Some(bytes) => Ok(usize::try_from(bytes).unwrap_or(SEAL_BYTES).min(SEAL_BYTES)),
    }
}

/// Seals rows; false when some turned out to be damaged, which are put aside then and the others not sealed yet.
fn seal_waiting(connection: &Connection, queue: &Queue, waiting: Vec<Waiting>) -> Result<bool> {
    let through = waiting.iter().map(|row| row.seq).max().unwrap_or(0);
    let Some(sealed) = seal_kinds(connection, queue, &waiting)? else { return Ok(false) };
    let mut folds: FxHashMap<TraceId, TraceFold> = FxHashMap::default();
    for (trace, fold) in waiting.into_iter().flat_map(|row| row.folds) {
        folds.entry(trace).or_default().merge(&fold);
    }
    let mut folds: Vec<(TraceId, TraceFold)> = folds.into_iter().collect();
    // Neighbours in the index are written together.
    folds.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let changes = mending::without_damage(connection, queue, || {
        // Every trace is looked up, and locking for each would cost more than looking.
        let view = connection.unchecked_transaction()?;
        let changes = grown(&view, folds.clone())?;
        view.finish()?;
        Ok(changes)
    })?;
    queue.change(Forget::Nothing, move |transaction| {
        issues::require_counted(transaction, through)?;
        sealed.iter().try_for_each(|segment| segments::insert(transaction, segment))?;
        traces::apply(transaction, &changes)?;
        sql::run(transaction, "DELETE FROM inbox WHERE seq <= ?1", [through])?;
        Ok(())
    })?;
    Ok(true)
}

/// Seals rows, a segment for each kind; `None` when some turned out to be damaged, which are put aside then.
fn seal_kinds(connection: &Connection, queue: &Queue, waiting: &[Waiting]) -> Result<Option<Vec<Sealed>>> {
    let mut sealed = Vec::new();
    for kind in RecordKind::ALL {
        let of_kind: Vec<&Waiting> = waiting.iter().filter(|row| row.kind == kind && row.count > 0).collect();
        if of_kind.is_empty() {
            continue;
        }
        match segments::seal_waiting(kind, &of_kind) {
            Ok(segment) => sealed.push(segment),
            Err(error @ Error::Corrupt(_)) => {
                let alone = || of_kind.iter().try_for_each(|row| check_alone(row));
                let (checked, damage) = damage::collect(alone);
                checked?;
                if damage.is_empty() {
                    return Err(error);
                }
                mending::mend(connection, queue, damage)?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Some(sealed))
}

/// Notes a row that cannot be sealed even alone.
fn check_alone(row: &Waiting) -> Result<()> {
    let sealed = row.decode().and_then(|_| segments::seal_waiting(row.kind, &[row]));
    damage::tolerate(Part::Write(row.seq), sealed).map(|_| ())
}

/// The rows of traces after so much more of each is sealed.
fn grown(view: &Connection, folds: Vec<(TraceId, TraceFold)>) -> Result<Vec<Change>> {
    let mut finder = Finder::for_many_once(view)?;
    let grow = |(trace, mut fold): (TraceId, TraceFold)| {
        let before = finder.find(&trace)?;
        if let Some(before) = &before {
            fold.merge(&before.fold);
        }
        Ok(Change::new(trace, before, fold))
    };
    folds.into_iter().map(grow).collect()
}
