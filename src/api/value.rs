//! Single parameters: how values of each type are written and read.

use jiff::tz::TimeZone;

use crate::model::filter::{Clock, Filter};
use crate::model::{Nanos, RecordKind, TraceId, time_input};

/// Query parameters in the order they are written.
pub type Pairs = Vec<(String, String)>;

/// A query parameter whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{name}`: {reason}")]
pub struct BadParameter {
    /// The name of the parameter.
    pub name: String,
    /// What is wrong with its value.
    pub reason: String,
    /// Where in the value, in characters from 0; `None` when that is no one place.
    pub at: Option<usize>,
}

/// What is wrong with a parameter.
pub(super) fn bad(name: &str, reason: impl Into<String>) -> BadParameter {
    BadParameter { name: name.to_owned(), reason: reason.into(), at: None }
}

/// Reads the id of a trace.
///
/// # Errors
/// The value is no trace id.
pub fn read_trace_id(name: &str, value: &str) -> Result<TraceId, BadParameter> {
    TraceId::parse(value).map_err(|error| bad(name, error.to_string()))
}

/// Reads a whole number.
///
/// # Errors
/// The value is none, or too large.
pub fn read_number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, BadParameter> {
    value.parse().map_err(|_| bad(name, format!("`{}` is not a whole number", shortened(value))))
}

/// Reads a time: RFC 3339 exactly, or anything people type for one, in UTC.
///
/// # Errors
/// The value is no time.
pub fn read_time(name: &str, value: &str, now: Nanos) -> Result<Nanos, BadParameter> {
    if let Some(time) = Nanos::parse_rfc3339(value) {
        return Ok(time);
    }
    time_input::parse_time(value, now, &TimeZone::UTC).map_err(|error| bad(name, error.to_string()))
}

/// By what times in filters are understood: in UTC.
pub fn clock(now: Nanos) -> Clock {
    Clock { now, zone: TimeZone::UTC }
}

/// Reads a filter.
///
/// # Errors
/// The first place where something else was expected.
pub fn read_filter(name: &str, value: &str, now: Nanos) -> Result<Filter, BadParameter> {
    let read = Filter::parse(value, &clock(now));
    read.map_err(|error| {
        let reason = match &error.hint {
            Some(hint) => format!("{}; {hint}", error.reason),
            None => error.reason,
        };
        BadParameter { at: Some(error.at), ..bad(name, reason) }
    })
}

/// Reads yes or no as programs in any language write it: Python has `True` and `False`.
pub(super) fn read_flag(name: &str, value: &str) -> Result<bool, BadParameter> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(bad(name, format!("`{}` is neither true nor false", shortened(value)))),
    }
}

pub(super) fn read_kind(name: &str, value: &str) -> Result<RecordKind, BadParameter> {
    read_word(name, value, "spans, checkpoints or logs", RecordKind::parse)
}

pub(super) fn read_word<T>(
    name: &str,
    value: &str,
    known: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, BadParameter> {
    parse(value).ok_or_else(|| bad(name, format!("`{}` is not one of {known}", shortened(value))))
}

pub(super) fn shortened(value: &str) -> String {
    value.chars().take(80).collect()
}

/// Writes parameters.
#[derive(Default)]
pub(super) struct Writer(pub(super) Pairs);

impl Writer {
    pub(super) fn text(&mut self, name: &str, value: Option<&str>) {
        self.owned(name, value.map(str::to_owned));
    }

    pub(super) fn owned(&mut self, name: &str, value: Option<String>) {
        self.0.extend(value.map(|value| (name.to_owned(), value)));
    }
}
