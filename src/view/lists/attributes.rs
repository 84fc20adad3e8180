//! Attribute keys with their types, or values of one, each with how many records have it.

use crate::model::AttributeCount;
use crate::view::out::canvas::{Paint, Sheet};
use crate::view::out::format;
use crate::view::out::style::Style;
use crate::view::out::table::{Column, Table};

/// Draws a table, one line a key or value; empty when there are none.
pub fn render(counts: &[AttributeCount], style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    if counts.is_empty() {
        return String::new();
    }
    let number = Column::right("RECORDS").gap(2).plain(counts, |row| format::count(row.count));
    let types = Column::left("TYPE").gap(2).fill(counts, |row| (row.types.join(","), Paint::Dim));
    let of_values = counts.iter().any(|row| row.value.is_some());
    let columns = if of_values {
        let value = |row: &AttributeCount| (sheet.stored(row.value.as_deref().unwrap_or_default()), Paint::Bold);
        vec![Column::left("VALUE").stretch().fill(counts, value), number, types]
    } else {
        let key = Column::left("KEY").stretch().fill(counts, |row| (sheet.stored(&row.key), Paint::Bold));
        let scopes = Column::left("ON").gap(2).fill(counts, |row| (row.scopes.join(","), Paint::Dim));
        vec![key, number, types, scopes]
    };
    Table { columns }.write(&mut sheet, style);
    sheet.finish()
}
