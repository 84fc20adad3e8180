//! Cells of rows nobody vouches for: SQLite lets any value stand in any column.

use std::cell::Cell as Slot;

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::model::{Nanos, Text};

/// One row, read cell by cell; remembers the first thing that had to be mended.
pub(super) struct Cells<'r> {
    row: &'r Row<'r>,
    mended: Slot<Option<&'static str>>,
}

/// A point in time as a cell says it.
pub(super) enum Moment {
    /// A whole number, in the unit of its column.
    Whole(i64),
    /// A number, in the unit of its column.
    Number(f64),
    /// A date.
    Date(Nanos),
}

impl<'r> Cells<'r> {
    /// The cells of a row.
    pub(super) fn new(row: &'r Row<'r>) -> Cells<'r> {
        Cells { row, mended: Slot::new(None) }
    }

    /// Notes that something was not as it should be.
    pub(super) fn mend(&self, what: &'static str) {
        self.mended.set(self.mended.get().or(Some(what)));
    }

    /// What was noted first.
    pub(super) fn mended(&self) -> Option<&'static str> {
        self.mended.get()
    }

    /// The cell as it is; a column that does not exist is NULL.
    pub(super) fn raw(&self, column: usize) -> ValueRef<'r> {
        self.row.get_ref(column).unwrap_or(ValueRef::Null)
    }

    /// The cell as text; `None` for NULL. Numbers are written out, bytes that are no UTF-8 are replaced.
    pub(super) fn text(&self, column: usize) -> Option<Text> {
        match self.raw(column) {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(Text::from(number.to_string())),
            ValueRef::Real(number) => Some(Text::from(number.to_string())),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(match std::str::from_utf8(bytes) {
                Ok(text) => Text::from(text),
                Err(_) => {
                    self.mend("text that is not UTF-8");
                    Text::from(String::from_utf8_lossy(bytes).as_ref())
                }
            }),
        }
    }

    /// The cell as text that has to be there; empty when it is not.
    pub(super) fn required_text(&self, column: usize, missing: &'static str) -> Text {
        self.text(column).unwrap_or_else(|| {
            self.mend(missing);
            Text::EMPTY
        })
    }

    /// The id of a trace: text, or a whole number written out; `None` for everything else, because rows could not be
    /// found again by a replacement.
    pub(super) fn key(&self, column: usize) -> Option<Text> {
        match self.raw(column) {
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().map(Text::from),
            ValueRef::Integer(number) => Some(Text::from(number.to_string())),
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => None,
        }
    }

    /// The cell as a time; `None` when it is none. A date without an offset is UTC, as SQLite writes them.
    pub(super) fn moment(&self, column: usize) -> Option<Moment> {
        match self.raw(column) {
            ValueRef::Integer(number) => Some(Moment::Whole(number)),
            ValueRef::Real(number) => Some(number).filter(|number| number.is_finite()).map(Moment::Number),
            ValueRef::Text(bytes) => {
                let text = std::str::from_utf8(bytes).ok()?.trim();
                let moment = moment_of(text)?;
                self.mend("time is text");
                Some(moment)
            }
            ValueRef::Null | ValueRef::Blob(_) => None,
        }
    }

    /// How much text and bytes the row holds.
    pub(super) fn size_bytes(&self, columns: usize) -> usize {
        let size = |column| match self.raw(column) {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
            _ => size_of::<i64>(),
        };
        (0..columns).map(size).sum()
    }
}

fn moment_of(text: &str) -> Option<Moment> {
    if let Ok(number) = text.parse() {
        return Some(Moment::Whole(number));
    }
    if let Ok(number) = text.parse::<f64>() {
        return Some(number).filter(|number| number.is_finite()).map(Moment::Number);
    }
    let date = text.replacen(' ', "T", 1);
    Nanos::parse_rfc3339(&date).or_else(|| Nanos::parse_rfc3339(&format!("{date}Z"))).map(Moment::Date)
}
