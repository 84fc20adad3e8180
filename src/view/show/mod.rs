//! One trace as a waterfall, a tree or a list.
//!
//! The picture is put together from parts that know nothing of each other: what is drawn (`fold`), how time becomes
//! bars (`bars`), what stands below a span (`details`), and the blocks around them. What is said was found out in
//! `query`; here it gets words and places.

mod bars;
mod details;
mod errors;
mod fold;
mod header;
mod hints;
mod listing;
mod options;
mod scene;
mod usage;
mod waterfall;

use super::out::canvas::{Line, Paint, Sheet};
use super::out::style::Style;
use crate::query::TraceReport;

pub use options::{LogLines, Picture, ShowOptions};

/// Draws a trace.
pub fn render(report: &TraceReport, options: &ShowOptions, style: &Style) -> String {
    let with_steps = report.with_steps();
    let scene = scene::Scene::new(with_steps.as_ref().unwrap_or(report), options, style);
    let mut sheet = Sheet::new(style);
    header::write(&scene, &mut sheet);
    let rows = fold::rows(&scene);
    if !rows.is_empty() {
        sheet.gap();
        match options.picture {
            Picture::Waterfall | Picture::Tree => waterfall::write(&scene, &rows, &mut sheet),
            Picture::List => listing::write(&scene, &mut sheet),
        }
    } else if let Some(span) = options.span {
        sheet.line(Line::painted(format!("  no span {span} in this trace"), Paint::Warn));
        return sheet.finish();
    }
    if rows.is_empty() {
        sheet.gap();
    }
    listing::write_loose_records(&scene, &mut sheet);
    if options.attributes || options.span.is_some() {
        details::write_resources(&scene, &mut sheet);
    }
    errors::write(&scene, &mut sheet);
    hints::write(&scene, &rows, &mut sheet);
    sheet.finish()
}

#[cfg(test)]
mod tests;
