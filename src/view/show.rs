//! One trace as a waterfall, a tree or a list.
//!
//! The picture is put together from parts that know nothing of each other: checkpoints as rows (`steps`), what is drawn
//! (`fold`), how time becomes bars (`bars`), what stands below a span (`details`), and the blocks around them.

mod bars;
mod details;
mod errors;
mod fold;
mod header;
mod hints;
mod listing;
mod scene;
mod steps;
mod usage;
mod waterfall;

use super::{
    line::{Line, Paint, Sheet},
    style::Style,
};
use crate::{
    model::{SpanId, words::words},
    query::show::TraceReport,
};

words! {
    /// Which picture.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Picture {
        /// Bars over time.
        #[default]
        Waterfall = "waterfall",
        /// Indented names only.
        Tree = "tree",
        /// One line a span by start time.
        List = "list",
    }
}

words! {
    /// Which log lines to draw.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum LogLines {
        /// Warnings and worse.
        Warn = "warn",
        /// All.
        All = "all",
        /// None.
        None = "none",
    }
}

/// What to draw of a trace.
#[derive(Debug, Clone, Default)]
pub struct ShowOptions {
    /// Which picture.
    pub picture: Picture,
    /// Only this span and what is below it, with all its details.
    pub span: Option<SpanId>,
    /// Print attributes below each span.
    pub attributes: bool,
    /// Do not fold runs of equal siblings.
    pub expand: bool,
    /// Which log lines; `None` is warnings and worse, or all where there is nothing else.
    pub logs: Option<LogLines>,
}

static NO_STEPS: steps::Steps = steps::Steps::NONE;

/// The picture.
pub fn render(report: &TraceReport, options: &ShowOptions, style: &Style) -> String {
    let joined = steps::join(report);
    let (report, steps) = joined.as_ref().map_or((report, &NO_STEPS), |(joined, steps)| (joined, steps));
    let scene = scene::Scene::new(report, steps, options, style);
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
        sheet.line(Line::of(format!("  no span {span} in this trace"), Paint::Warn));
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
