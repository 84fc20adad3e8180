//! How ids and times lie in SQL columns.
//!
//! A trace id of OpenTelemetry is a BLOB of its 16 bytes, a correlation id is TEXT, so the two never meet and both
//! read well in a shell. Times are 64-bit unsigned while SQLite's integers are signed: columns clamp what does not
//! fit, which keeps the order, and the exact value lies in the fold.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::model::{RecordKind, Text, TraceId};
use crate::store::{Error, Result};

/// A trace id as an SQL parameter.
pub struct Key<'a>(pub &'a TraceId);

impl ToSql for Key<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            TraceId::Otel(raw) => ValueRef::Blob(raw),
            TraceId::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// The trace id in an SQL column.
///
/// # Errors
/// [`Error::Corrupt`] for what [`Key`] cannot have written.
pub fn read_trace_id(value: ValueRef<'_>) -> Result<TraceId> {
    match value {
        ValueRef::Blob(raw) => {
            TraceId::from_otel_bytes(raw).map_err(|error| Error::Corrupt(format!("trace id: {error}")))
        }
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|error| Error::Corrupt(format!("trace id: {error}")))?;
            Ok(TraceId::Text(Text::from(text)))
        }
        _ => Err(Error::Corrupt("trace id is neither bytes nor text".into())),
    }
}

/// How a kind of record is written in `inbox` and `segments`.
pub fn kind_column(kind: RecordKind) -> i64 {
    kind as i64
}

/// The kind that [`kind_column`] wrote.
///
/// # Errors
/// [`Error::Corrupt`] for anything else.
pub fn read_kind(column: i64) -> Result<RecordKind> {
    let known = RecordKind::ALL.into_iter().find(|kind| kind_column(*kind) == column);
    known.ok_or_else(|| Error::Corrupt(format!("record kind {column}")))
}

/// 64 bits that stand in memory for the records of one kind of a trace.
pub fn part_hash(kind: RecordKind, id: &TraceId) -> u64 {
    id.hash64().rotate_left(kind as u32)
}

/// A time or count as a column: what is past `i64::MAX` (the year 2262) becomes it, so the order holds.
pub fn to_column(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A column that [`to_column`] wrote.
pub fn from_column(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A time or count from a column that must hold one.
///
/// # Errors
/// [`Error::Corrupt`] for what [`to_column`] cannot have written.
pub fn read_count(value: ValueRef<'_>) -> Result<u64> {
    match value {
        ValueRef::Integer(number) if number >= 0 => Ok(from_column(number)),
        other => Err(Error::Corrupt(format!("{other:?} is no time or count"))),
    }
}
