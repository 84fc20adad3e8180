//! Rewriting: secrets are taken out of what a file holds already, as rules say that are in force for new records.
//!
//! All of it is one transaction, so a crash leaves the file as it was. Then the file is written anew, so that no page
//! nobody uses holds what was taken out. Numbers of writes and times of receipt stay: whoever follows the file goes on.

use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;

use super::super::codec::{self, Arrived, NO_TRACE};
use super::super::file::open;
use super::super::options::Durability;
use super::super::tables::inbox::{self, Row};
use super::super::tables::traces::{self, Change, Finder};
use super::super::write::write_queue::{Forget, Queue};
use super::super::{segments, sql};
use crate::model::time::NANOS_PER_SECOND;
use crate::model::{Nanos, RecordKind, TimeBounds, TraceFold, TraceId};
use crate::store::redact::{RecordRedaction, Redactor, Rewritten};
use crate::store::{Error, Result};

/// Texts of issues and senders: the table, its key, the column, and the attribute that such a text comes from.
const TEXTS: [(&str, &str, &str, &str); 7] = [
    ("issues", "id", "service", "service.name"),
    ("issues", "id", "error_type", "exception.type"),
    ("issues", "id", "message", "exception.message"),
    ("issues", "id", "pattern", "exception.message"),
    ("issues", "id", "culprit", "code.function.name"),
    ("issue_stacks", "issue", "stack_trace", "exception.stacktrace"),
    ("senders", "rowid", "agent", "user_agent.original"),
];

/// JSON of issues and senders: the table, its key and the column.
const DOCUMENTS: [(&str, &str, &str); 3] =
    [("issues", "id", "environments"), ("issue_fingerprints", "grouping", "why"), ("senders", "rowid", "document")];

/// Takes the secrets out of everything in the file, and what they were out of the file's pages and log.
///
/// # Errors
/// The store fails and nothing is changed; [`Error::Locked`] when all is changed, but others read the file, which
/// therefore still holds pages of before.
pub fn rewrite(connection: &Connection, queue: &Queue, redactor: Redactor) -> Result<Rewritten> {
    let rewritten = queue.change(Forget::Everything, move |transaction| rewrite_records(transaction, &redactor))?;
    let path = connection.path().map(std::path::PathBuf::from).unwrap_or_default();
    let own = open::open_for_writing(&path, Durability::Disk)?;
    own.execute_batch("PRAGMA secure_delete=ON;")?;
    let emptied = empty_log(&own);
    queue.note_own_write()?;
    emptied?;
    own.execute_batch("VACUUM;")?;
    let emptied = empty_log(&own);
    queue.note_own_write()?;
    emptied?;
    Ok(rewritten)
}

fn empty_log(connection: &Connection) -> Result<()> {
    let is_busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match is_busy {
        0 => Ok(()),
        _ => Err(Error::Locked("others read it, so it still holds what was there before; try again later".to_owned())),
    }
}

fn rewrite_records(transaction: &Connection, redactor: &Redactor) -> Result<Rewritten> {
    transaction.execute_batch("PRAGMA secure_delete=ON;")?;
    let mut sum = Rewritten::default();
    traces::clear(transaction)?;
    for kind in RecordKind::ALL {
        for extent in segments::extents(transaction, kind)? {
            let mut records = segments::records(transaction, &extent)?;
            let mut redaction = RecordRedaction::new(redactor);
            records.iter_mut().for_each(|arrived| redaction.record(&mut arrived.record));
            let is_changed = redaction.add_to(&mut sum);
            add_to_traces(transaction, &records)?;
            if is_changed {
                let sealed = segments::seal(kind, &records)?;
                segments::remove(transaction, extent.id)?;
                segments::insert(transaction, &sealed)?;
            }
        }
    }
    let rows = sql::all(transaction, "SELECT seq FROM inbox ORDER BY seq", [], |row| Ok(row.get::<_, i64>(0)?))?;
    for seq in rows {
        if let Some(row) = inbox::row(transaction, seq)? {
            rewrite_waiting(transaction, redactor, row, &mut sum)?;
        }
    }
    rewrite_small_tables(transaction, redactor)?;
    // What cannot be read cannot be looked through either.
    let has_damaged = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'damaged'";
    if sql::value::<i64>(transaction, has_damaged, [])? > 0 {
        sum.removed_unreadable = sql::run(transaction, "DELETE FROM damaged", [])? as u64;
    }
    Ok(sum)
}

fn rewrite_waiting(transaction: &Connection, redactor: &Redactor, mut row: Row, sum: &mut Rewritten) -> Result<()> {
    let mut redaction = RecordRedaction::new(redactor);
    row.records.iter_mut().for_each(|record| redaction.record(record));
    if redaction.add_to(sum) {
        let prepared = codec::prepare(row.kind, &row.records, Nanos(row.received_ns));
        let sql = "UPDATE inbox SET folds = ?2, payload = ?3 WHERE seq = ?1";
        sql::run(transaction, sql, params![row.seq, prepared.folds, prepared.payload])?;
    }
    Ok(())
}

/// Adds sealed records to the rows of their traces.
fn add_to_traces(transaction: &Connection, records: &[Arrived]) -> Result<()> {
    let mut folds: FxHashMap<TraceId, TraceFold> = FxHashMap::default();
    for Arrived { arrival, record } in records {
        if record.trace_key() == &NO_TRACE {
            continue;
        }
        let fold = folds.entry(record.trace_key().clone()).or_default();
        record.add_to(fold, &TimeBounds::received_at(Nanos(arrival.received_ns)));
        if record.kind() == RecordKind::Checkpoints {
            inbox::note_received(fold, arrival.received_ns / NANOS_PER_SECOND);
        }
    }
    let mut finder = Finder::new(transaction)?;
    let mut changes = Vec::with_capacity(folds.len());
    for (trace, mut fold) in folds {
        let before = finder.find(&trace)?;
        if let Some(before) = &before {
            fold.merge(&before.fold);
        }
        changes.push(Change::new(trace, before, fold));
    }
    drop(finder);
    traces::apply(transaction, &changes)
}

fn rewrite_small_tables(transaction: &Connection, redactor: &Redactor) -> Result<()> {
    for (table, key, column, attribute) in TEXTS {
        rewrite_column(transaction, (table, key, column), |text| redactor.text_of(attribute, text))?;
    }
    for place in DOCUMENTS {
        rewrite_column(transaction, place, |text| redactor.document(text))?;
    }
    rewrite_column(transaction, ("issue_traces", "issue", "samples"), |text| redactor.document_of_ids(text))
}

fn rewrite_column(
    transaction: &Connection,
    (table, key, column): (&str, &str, &str),
    redact: impl Fn(&str) -> Option<String>,
) -> Result<()> {
    let mut changed: Vec<(rusqlite::types::Value, String)> = Vec::new();
    let select = format!("SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL");
    sql::each(transaction, &select, [], |row| {
        let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        if let Some(new) = redact(text) {
            changed.push((row.get(0)?, new));
        }
        Ok(())
    })?;
    for (key_value, new) in changed {
        sql::run(
            transaction,
            &format!("UPDATE OR REPLACE {table} SET {column} = ?2 WHERE {key} = ?1"),
            params![key_value, new],
        )?;
    }
    Ok(())
}
