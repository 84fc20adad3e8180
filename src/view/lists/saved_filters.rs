//! Saved filters, one line each.

use crate::model::SavedFilter;
use crate::view::out::canvas::{Paint, Sheet};
use crate::view::out::style::Style;
use crate::view::out::table::{Column, Table};

/// Draws a table; empty when there are none.
pub fn render(saved: &[SavedFilter], style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    if saved.is_empty() {
        return String::new();
    }
    let columns = vec![
        Column::left("NAME").fill(saved, |one| (sheet.stored(&format!("@{}", one.name)), Paint::Bold)),
        Column::left("FILTER").gap(2).stretch().plain(saved, |one| sheet.stored(&one.filter)),
    ];
    Table { columns }.write(&mut sheet, style);
    sheet.finish()
}
