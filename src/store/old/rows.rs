//! Rows of an old file as records: by number, by trace, or all of them trace by trace.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};

use super::cell::Cells;
use super::format::Layout;
use super::warnings::{Flaw, Warnings};
use super::{msgtrace, python};
use crate::decode::checkpoint;
use crate::model::{Batch, Record, TraceId};
use crate::store::Result;

/// A row that was read.
pub(super) struct Found {
    /// The number of the row.
    pub number: i64,
    /// The record of the row; `None` when the row is none.
    pub record: Option<Record>,
    /// How much text it holds.
    pub size_bytes: usize,
}

/// Which rows; joined to `WHERE`.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    /// Empty is all.
    pub sql: String,
    /// What its question marks stand for.
    pub values: Vec<Sql>,
}

impl Condition {
    fn clause(&self) -> String {
        if self.sql.is_empty() { String::new() } else { format!("WHERE {}", self.sql) }
    }
}

/// The rows of a file, in one snapshot.
pub(super) struct Rows<'f> {
    /// The file.
    pub connection: &'f Connection,
    /// The layout of the file.
    pub layout: &'f Layout,
    warnings: &'f Warnings,
    spans: msgtrace::Reader,
}

impl<'f> Rows<'f> {
    /// The rows behind a connection.
    pub(super) fn new(connection: &'f Connection, layout: &'f Layout, warnings: &'f Warnings) -> Rows<'f> {
        Rows { connection, layout, warnings, spans: msgtrace::Reader::default() }
    }

    /// Visits rows by number with all their columns until `visit` says false; whether all were visited.
    pub(super) fn in_order(&self, condition: &Condition, visit: impl FnMut(Found) -> Result<bool>) -> Result<bool> {
        self.visit(&self.layout.selected(true), condition, "rowid", visit)
    }

    /// Visits all records, those of a trace one after the other, without the columns summaries do not need.
    pub(super) fn by_trace(&self, condition: &Condition, mut visit: impl FnMut(Record)) -> Result<()> {
        let order = format!("{}, rowid", same_trace(self.layout.key()));
        self.visit(&self.layout.selected(false), condition, &order, |found| {
            found.record.into_iter().for_each(&mut visit);
            Ok(true)
        })?;
        Ok(())
    }

    /// How many rows there are, those that are no records too.
    pub(super) fn count(&self) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM \"{}\"", self.layout.format.table);
        let count: i64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Number of the last row; `None` when there are none.
    pub(super) fn last(&self) -> Result<Option<i64>> {
        let sql = format!("SELECT max(rowid) FROM \"{}\"", self.layout.format.table);
        Ok(self.connection.query_row(&sql, [], |row| row.get(0))?)
    }

    /// All records of a trace, in the order of their numbers.
    pub(super) fn of_trace(&self, id: &TraceId) -> Result<Batch> {
        let batch = self.with_keys(&usual_keys(id))?;
        if batch.is_empty() { self.with_keys(&self.other_keys(id)?) } else { Ok(batch) }
    }

    /// Rows whose key is one of these.
    pub(super) fn condition_of(&self, keys: &[String]) -> Condition {
        // A column without a type may hold the number itself.
        let number = |key: &String| key.parse().ok().filter(|number: &i64| number.to_string() == *key);
        let numbers = keys.iter().filter_map(number).map(Sql::Integer);
        let values: Vec<Sql> = keys.iter().map(|key| Sql::Text(key.clone())).chain(numbers).collect();
        let marks = vec!["?"; values.len()].join(", ");
        Condition { sql: format!("\"{}\" IN ({marks})", self.layout.key()), values }
    }

    /// The keys under which a trace lies in the file.
    pub(super) fn keys_of(&self, id: &TraceId) -> Result<Vec<String>> {
        let mut keys = self.other_keys(id)?;
        keys.extend(usual_keys(id));
        keys.sort();
        keys.dedup();
        Ok(keys)
    }

    fn with_keys(&self, keys: &[String]) -> Result<Batch> {
        let mut batch = Batch::default();
        if keys.is_empty() {
            return Ok(batch);
        }
        self.in_order(&self.condition_of(keys), |found| {
            found.record.into_iter().for_each(|record| record.push_to(&mut batch));
            Ok(true)
        })?;
        Ok(batch)
    }

    /// Keys that mean the same trace but are written in an unusual way; looks at all there are, in the index.
    fn other_keys(&self, id: &TraceId) -> Result<Vec<String>> {
        let sql = format!("SELECT DISTINCT \"{}\" FROM \"{}\"", self.layout.key(), self.layout.format.table);
        let mut select = self.connection.prepare(&sql)?;
        let mut rows = select.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            let key = Cells::new(row).key(0).filter(|key| checkpoint::trace_id(key) == *id);
            keys.extend(key.map(|key| key.to_string()));
        }
        Ok(keys)
    }

    fn visit(
        &self,
        selected: &str,
        condition: &Condition,
        order: &str,
        mut visit: impl FnMut(Found) -> Result<bool>,
    ) -> Result<bool> {
        let (table, clause) = (self.layout.format.table, condition.clause());
        let sql = format!("SELECT {selected} FROM \"{table}\" {clause} ORDER BY {order}");
        let mut select = self.connection.prepare(&sql)?;
        let columns = select.column_count();
        let mut rows = select.query(params_from_iter(&condition.values))?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let cells = Cells::new(row);
            let found = Found { number, record: self.read(number, &cells), size_bytes: cells.size_bytes(columns) };
            if !visit(found)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read(&self, number: i64, cells: &Cells<'_>) -> Option<Record> {
        let record = if self.layout.format.holds_spans {
            self.spans.span(cells).map(Record::Span)
        } else {
            python::checkpoint(cells).map(Record::Checkpoint)
        };
        match (&record, cells.mended()) {
            (Err(why), _) => self.warnings.add(number, Flaw::Skipped(why)),
            (Ok(_), Some(what)) => self.warnings.add(number, Flaw::Mended(what)),
            (Ok(_), None) => {}
        }
        record.ok()
    }
}

/// SQL that is the same for all keys of one trace: ids of 32 and of 16 digits may be written in any case, and all records
/// without an id share a trace with those of the id `-`.
fn same_trace(key: &str) -> String {
    let key = format!("CAST(\"{key}\" AS TEXT)");
    format!(
        "CASE WHEN length({key}) = 32 AND {key} NOT GLOB '*[^0-9a-fA-F]*' THEN lower({key})
              WHEN length({key}) = 16 AND {key} NOT GLOB '*[^0-9a-fA-F]*' THEN '0000000000000000' || lower({key})
              WHEN {key} = '' THEN '-' ELSE {key} END"
    )
}

/// How a trace's key is usually written.
fn usual_keys(id: &TraceId) -> Vec<String> {
    let text = id.to_string();
    match id {
        TraceId::Otel(_) => {
            let brief = id.brief();
            vec![text.to_ascii_uppercase(), text, brief.to_ascii_uppercase(), brief]
        }
        TraceId::Text(_) if *id == checkpoint::trace_id("") => vec![text, String::new()],
        TraceId::Text(_) => vec![text],
    }
}
