//! How text should look: settled once by the CLI, handed to every view.

use jiff::tz::TimeZone;

use crate::model::{Nanos, words::words};

/// What views need to know of the place they print to.
#[derive(Debug, Clone)]
pub struct Style {
    /// Columns to fill.
    pub width: usize,
    /// Whether colours are wanted.
    pub color: bool,
    /// Whether only ASCII may be drawn.
    pub ascii: bool,
    /// Whether a person watches: decides ages, truncation, bars and footers.
    pub is_terminal: bool,
    /// How times are written; `None` is relative on a terminal and UTC elsewhere.
    pub times: Option<TimeStyle>,
    /// The present.
    pub now: Nanos,
    /// Local time zone.
    pub zone: TimeZone,
}

words! {
    /// How times are written.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TimeStyle {
        /// As ages: 12s, 4m, 3h.
        Relative = "relative",
        /// In the local time zone.
        Local = "local",
        /// In UTC.
        Utc = "utc",
    }
}
