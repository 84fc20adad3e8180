//! What becomes of damage while the file is in use: rows that do not decode are put aside, rows of traces are made anew.

use rusqlite::Connection;

use super::super::damage::{Damage, Part, collect};
use super::super::tables::{damaged, traces};
use super::super::write::write_queue::{Forget, Queue};
use crate::model::Nanos;
use crate::store::Result;

/// More than mending needs: each time all the damage met is gone.
const MOST_TRIES: usize = 8;

/// Puts aside what is damaged, in a transaction of its own, and makes damaged rows of traces anew from the segments.
///
/// # Errors
/// The store fails.
pub fn mend(connection: &Connection, queue: &Queue, damage: Damage) -> Result<()> {
    damaged::warn_of(&damage);
    // What was sealed with a row that is put aside may come again, so the writer forgets what it knows.
    let is_row = |part: &Part| matches!(part, Part::Write(_));
    let forget = if damage.keys().any(is_row) { Forget::Everything } else { Forget::Nothing };
    let is_trace = |part: &Part| matches!(part, Part::Trace(_) | Part::Row("traces"));
    let has_traces = damage.keys().any(is_trace);
    if !damage.keys().all(is_trace) {
        queue.change(forget, move |transaction| damaged::put_aside(transaction, &damage, Nanos::now().0))?;
    }
    if has_traces {
        // The segments that are damaged are known, or will be met again.
        let (planned, _) = collect(|| traces::plan_repair(connection));
        let (rows, changes) = planned?;
        queue.change(Forget::Nothing, move |transaction| traces::repair(transaction, &rows, &changes))?;
    }
    Ok(())
}

/// Does some work until it meets no damage that it would meet again; what it found then.
///
/// # Errors
/// Those of `work`, and the store fails.
pub fn without_damage<T>(connection: &Connection, queue: &Queue, mut work: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 0..MOST_TRIES {
        let (found, mut damage) = collect(&mut work);
        // Segments stay where they are, and so does what is wrong with them.
        let known = damaged::segments(connection)?;
        damage.retain(|part, _| match part {
            Part::Segment(id) => !known.contains(id),
            Part::Write(_) | Part::Trace(_) | Part::Row("traces") => true,
            Part::Row(_) => false,
        });
        if damage.is_empty() {
            return found;
        }
        mend(connection, queue, damage)?;
    }
    work()
}
