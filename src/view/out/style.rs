//! How text should look: settled once by the CLI, handed to every view.

use jiff::tz::TimeZone;

use super::format;
use crate::model::Nanos;
use crate::model::words::words;

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

impl Style {
    /// A time for other programs: whole and in UTC, unless ages or local times are wanted.
    pub fn plain_time(&self, time: Nanos) -> String {
        match self.times {
            Some(TimeStyle::Relative) => format::age(self.now.since(time)),
            Some(TimeStyle::Local) => format::clock(time, &self.zone, "%Y-%m-%dT%H:%M:%S.%9f%:z"),
            Some(TimeStyle::Utc) | None => time.to_rfc3339(),
        }
    }

    /// A time for people in a few columns: an age, or where clock times are wanted one by a pattern as `strftime` has
    /// them, with a `Z` behind it in UTC.
    pub fn short_time(&self, time: Nanos, pattern: &str) -> String {
        match self.times {
            None | Some(TimeStyle::Relative) => format::age(self.now.since(time)),
            Some(TimeStyle::Local) => format::clock(time, &self.zone, pattern),
            Some(TimeStyle::Utc) => format::clock(time, &TimeZone::UTC, &format!("{pattern}Z")),
        }
    }

    /// A time in a line of text: by a pattern and how long ago that is, or as it was asked for, then in the local time
    /// zone by the pattern `local`.
    pub fn long_time(&self, time: Nanos, pattern: &str, local: &str) -> String {
        let age = format::age(self.now.since(time));
        match self.times {
            None if self.is_terminal => format!("{} ({age} ago)", format::clock(time, &self.zone, pattern)),
            Some(TimeStyle::Relative) => format!("{age} ago"),
            Some(TimeStyle::Local) => format::clock(time, &self.zone, local),
            None | Some(TimeStyle::Utc) => time.to_rfc3339(),
        }
    }
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
