//! What of a trace is drawn, and how: the flags of `show`.

use crate::model::words::words;
use crate::model::{Severity, SpanId};

words! {
    /// How spans are laid out.
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

impl LogLines {
    /// Whether a record of this severity is drawn.
    pub(super) fn draws(self, severity: Severity) -> bool {
        match self {
            LogLines::All => true,
            LogLines::Warn => severity >= Severity::Warn,
            LogLines::None => false,
        }
    }
}

/// What to draw of a trace.
#[derive(Debug, Clone, Default)]
pub struct ShowOptions {
    /// How spans are laid out.
    pub picture: Picture,
    /// Only this span and what is below it, with all its details.
    pub span: Option<SpanId>,
    /// Print attributes below each span.
    pub attributes: bool,
    /// Do not fold runs of equal siblings.
    pub expand: bool,
    /// Which log lines to draw; `None` is warnings and worse, or all where there is nothing else.
    pub logs: Option<LogLines>,
}
