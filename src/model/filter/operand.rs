//! What a field is compared with: `5xx`, `250ms`, `10kb`, `GET /cart*`, and when a value is that.
//!
//! A value that was written in quotes is text and nothing else. Comparing knows values alone, no records.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::pattern::Pattern;
use crate::model::json::value_to_text;
use crate::model::{Nanos, Severity, Value};

/// A number as exact as it was written or sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number.
    Int(i128),
    /// Any other.
    Double(f64),
}

impl Number {
    /// The number that a text is; `None` for any other text, and for what is no finite number.
    pub fn parse(text: &str) -> Option<Number> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
            return None;
        }
        let whole = text.parse().ok().map(Number::Int);
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            // More digits than any whole number has are no other number either.
            return whole;
        }
        whole.or_else(|| text.parse().ok().filter(|number: &f64| number.is_finite()).map(Number::Double))
    }

    /// Whether the number fits into the 64 bits that values have.
    pub fn is_of_64_bits(self) -> bool {
        match self {
            Number::Int(number) => i64::try_from(number).is_ok() || u64::try_from(number).is_ok(),
            Number::Double(_) => true,
        }
    }

    /// The order of two numbers; `None` with what is no number.
    pub fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
            (a, b) => a.as_f64().partial_cmp(&b.as_f64()),
        }
    }

    fn as_f64(self) -> f64 {
        match self {
            Number::Int(number) => number as f64,
            Number::Double(number) => number,
        }
    }

    /// The number that a value is, or that its text says.
    fn of(value: &Value) -> Option<Number> {
        match value {
            Value::Int(number) => Some(Number::Int(i128::from(*number))),
            Value::Double(number) => Some(Number::Double(*number)),
            Value::String(text) => Number::parse(text.trim()),
            _ => None,
        }
    }
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Operand {
    /// The value as it was written, without the quotes.
    pub text: String,
    /// Whether it was written in quotes.
    pub is_quoted: bool,
    /// What the value means.
    pub meaning: Meaning,
}

/// What a value means.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// The text itself.
    Text,
    /// A number.
    Number(Number),
    /// A length of time, in nanoseconds.
    Duration(u64),
    /// Numbers that begin with this digit and have three: `5xx`.
    Hundreds(u8),
    /// Text with a `*` for any part.
    Glob(Pattern),
    /// A level.
    Level(Severity),
    /// A point in time.
    Time(Nanos),
}

/// A value of a record, as it is compared.
#[derive(Debug, Clone)]
pub enum Found<'v> {
    /// Text.
    Text(Cow<'v, str>),
    /// A number.
    Number(Number),
    /// A length of time, in nanoseconds.
    Duration(u64),
    /// A level.
    Level(Severity),
    /// A point in time.
    Time(Nanos),
    /// The value of an attribute, and its key, whose end may say a unit.
    Value(&'v str, &'v Value),
}

/// Ends of keys that say in which unit of time numbers are, and its nanoseconds.
const UNITS: [(&str, f64); 8] = [
    ("_ns", 1.0),
    ("_us", 1e3),
    ("_ms", 1e6),
    (".ms", 1e6),
    ("_millis", 1e6),
    ("_s", 1e9),
    ("_seconds", 1e9),
    (".duration", 1e9),
];

impl Operand {
    /// Text and nothing else.
    pub fn quoted(text: &str) -> Operand {
        Operand { text: text.to_owned(), is_quoted: true, meaning: Meaning::Text }
    }

    /// Whether a value is this one; an array, when any of its elements is.
    pub fn equals(&self, found: &Found<'_>) -> bool {
        match (&self.meaning, found) {
            (_, Found::Value(key, Value::Array(values))) => {
                values.iter().any(|value| self.equals(&Found::Value(key, value)))
            }
            (Meaning::Glob(pattern), found) => found.text().is_some_and(|text| pattern.is_in(&text)),
            (Meaning::Hundreds(digit), found) => found.number().is_some_and(|number| {
                let (low, digit) = (Number::Int(i128::from(*digit) * 100), i128::from(*digit) + 1);
                let high = Number::Int(digit * 100);
                number.compare(low).is_some_and(Ordering::is_ge) && number.compare(high) == Some(Ordering::Less)
            }),
            (Meaning::Text, found) => found.text().is_some_and(|text| *text == *self.text),
            _ => {
                self.order_of(found) == Some(Ordering::Equal)
                    || matches!(found, Found::Value(_, Value::String(text)) if *text == *self.text)
            }
        }
    }

    /// Whether a value stands to this one in an order of which `is_wanted` is true; an array, when any element does.
    pub fn is_ordered(&self, found: &Found<'_>, is_wanted: fn(Ordering) -> bool) -> bool {
        match found {
            Found::Value(key, Value::Array(values)) => {
                values.iter().any(|value| self.is_ordered(&Found::Value(key, value), is_wanted))
            }
            found => self.order_of(found).is_some_and(is_wanted),
        }
    }

    /// How a value stands to this one; `None` when the two cannot be compared.
    fn order_of(&self, found: &Found<'_>) -> Option<Ordering> {
        match (&self.meaning, found) {
            (Meaning::Text, Found::Text(text)) => Some((**text).cmp(self.text.as_str())),
            (Meaning::Text, Found::Value(_, Value::String(text))) => Some(text.as_str().cmp(self.text.as_str())),
            (Meaning::Number(number), found) => found.number()?.compare(*number),
            (Meaning::Duration(wanted), found) => Some(found.duration_ns()?.cmp(wanted)),
            (Meaning::Level(wanted), Found::Level(level)) => Some(level.cmp(wanted)),
            (Meaning::Time(wanted), Found::Time(time)) => Some(time.cmp(wanted)),
            _ => None,
        }
    }
}

impl Found<'_> {
    /// The value as text; `None` for what has none to look into.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Found::Text(text) => Some(Cow::Borrowed(text)),
            Found::Value(_, Value::String(text)) => Some(Cow::Borrowed(text)),
            Found::Value(_, value) => Some(Cow::Owned(value_to_text(value))),
            Found::Level(level) => Some(Cow::Borrowed(level.as_str())),
            Found::Number(Number::Int(number)) => Some(Cow::Owned(number.to_string())),
            Found::Number(Number::Double(number)) => Some(Cow::Owned(number.to_string())),
            Found::Duration(_) | Found::Time(_) => None,
        }
    }

    /// Whether a pattern stands in the value; of an array, in any of its elements.
    pub fn holds(&self, pattern: &Pattern) -> bool {
        match self {
            Found::Value(key, Value::Array(values)) => {
                values.iter().any(|value| Found::Value(key, value).holds(pattern))
            }
            found => found.text().is_some_and(|text| pattern.is_in(&text)),
        }
    }

    fn number(&self) -> Option<Number> {
        match self {
            Found::Number(number) => Some(*number),
            Found::Value(_, value) => Number::of(value),
            _ => None,
        }
    }

    fn duration_ns(&self) -> Option<u64> {
        match self {
            Found::Duration(duration_ns) => Some(*duration_ns),
            Found::Value(_, Value::String(text)) if Number::parse(text).is_none() => {
                crate::model::time_input::parse_duration(text).ok()
            }
            Found::Value(key, value) => {
                let (_, unit_ns) = UNITS.iter().find(|(end, _)| key.ends_with(end))?;
                let duration_ns = Number::of(value)?.as_f64() * unit_ns;
                (duration_ns >= 0.0).then_some(duration_ns.round() as u64)
            }
            _ => None,
        }
    }
}
