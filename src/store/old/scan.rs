//! Rows in the order they were written, a chunk at a time. A cursor is the number of the last row that was read.

use rusqlite::types::Value as Sql;
use rustc_hash::FxHashSet;

use super::list::each_trace;
use super::rows::{Condition, Rows};
use crate::model::{Batch, Cursor, Nanos, RecordFilter, RecordKind, TraceId};
use crate::store::{Chunk, Error, Result};

/// Most text in one chunk, because whoever takes it holds all of it.
const MOST_BYTES: usize = 4 << 20;
/// Most rows looked at for one chunk, so that a filter that matches little holds no snapshot for long.
const MOST_ROWS: usize = 1_000_000;

/// About `most` records after `after`.
pub(super) fn scan(rows: &Rows<'_>, filter: &RecordFilter, after: Option<&Cursor>, most: usize) -> Result<Chunk> {
    let mut place = after.map(read_cursor).transpose()?;
    let mut batch = Batch::default();
    let kind = if rows.layout.format.holds_spans { RecordKind::Spans } else { RecordKind::Checkpoints };
    if filter.kind.is_some_and(|wanted| wanted != kind) {
        return Ok(Chunk { batch, next: write_cursor(place), at_end: true, missed: 0 });
    }
    let wanted = ended_before(rows, filter)?;
    let (mut size_bytes, mut seen) = (0, 0);
    let at_end = rows.in_order(&condition(rows, filter, place)?, |found| {
        // Before it is taken, so that the end is known when the last row filled the chunk.
        if batch.len() >= most.max(1) || size_bytes >= MOST_BYTES || seen >= MOST_ROWS {
            return Ok(false);
        }
        place = Some(found.number);
        seen += 1;
        if let Some(record) = found.record
            && wanted.as_ref().is_none_or(|ids| record.trace_id().is_some_and(|id| ids.contains(id)))
        {
            size_bytes += found.size_bytes;
            record.push_to(&mut batch);
        }
        Ok(true)
    })?;
    Ok(Chunk { batch, next: write_cursor(place), at_end, missed: 0 })
}

/// The place before everything: these files do not say reliably when a row was received. Only what is asked for the
/// end of time gets the place behind the last row.
pub(super) fn cursor_at(rows: &Rows<'_>, received: Nanos) -> Result<Cursor> {
    let place = match received {
        Nanos(u64::MAX) => rows.last()?,
        _ => None,
    };
    Ok(write_cursor(place))
}

fn condition(rows: &Rows<'_>, filter: &RecordFilter, place: Option<i64>) -> Result<Condition> {
    let mut condition = match &filter.trace {
        Some(id) => rows.condition_of(&rows.keys_of(id)?),
        None => Condition::default(),
    };
    if let Some(number) = place {
        let joint = if condition.sql.is_empty() { "" } else { " AND " };
        condition.sql.push_str(&format!("{joint}rowid > ?"));
        condition.values.push(Sql::Integer(number));
    }
    Ok(condition)
}

/// The traces that ended before the time the filter names; `None` when it names none.
fn ended_before(rows: &Rows<'_>, filter: &RecordFilter) -> Result<Option<FxHashSet<TraceId>>> {
    let Some(before) = filter.ended_before else { return Ok(None) };
    let mut ids = FxHashSet::default();
    each_trace(rows, &Condition::default(), &[], |id, fold, _| {
        if fold.end_ns < before.0 {
            ids.insert(id);
        }
    })?;
    Ok(Some(ids))
}

fn write_cursor(place: Option<i64>) -> Cursor {
    Cursor(place.map_or_else(|| "o1.".to_owned(), |number| format!("o1.{number}")))
}

fn read_cursor(cursor: &Cursor) -> Result<i64> {
    let digits = cursor.0.strip_prefix("o1.").ok_or(Error::BadCursor)?;
    if digits.is_empty() {
        return Ok(i64::MIN);
    }
    digits.parse().map_err(|_| Error::BadCursor)
}
