//! How text should look: settled once by the CLI, handed to every view.

use jiff::tz::TimeZone;

use crate::model::Nanos;

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

/// How times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeStyle {
    /// As ages.
    Relative,
    /// As local clock time.
    Local,
    /// As UTC.
    Utc,
}

/// A terminal of so many columns, no colours, twelve seconds after the sample trace began.
#[cfg(test)]
pub(crate) fn sample_style(width: usize) -> Style {
    Style {
        width,
        color: false,
        ascii: false,
        is_terminal: true,
        times: None,
        now: Nanos(crate::query::samples::START + 12_000_000_000),
        zone: TimeZone::UTC,
    }
}
