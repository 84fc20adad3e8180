//! What a value means, going by the field it is compared with: `500ms` is a length of time beside `duration`, `warn` a
//! level beside `level`, and `5xx` a range of numbers beside an attribute.

use jiff::tz::TimeZone;

use super::field::{Field, Intrinsic, Kind};
use super::operand::{Meaning, Number, Operand};
use super::pattern::Pattern;
use super::tree::Operator;
use crate::model::{Nanos, Severity, TraceId, time_input};

/// By what times such as `15m` and `09:00` are understood.
#[derive(Debug, Clone)]
pub struct Clock {
    /// What time it is.
    pub now: Nanos,
    /// Where clock times are local.
    pub zone: TimeZone,
}

/// An operator as it was written.
#[derive(Debug, Clone, Copy)]
pub enum Written {
    /// Compares with values.
    Comparison(Operator),
    /// Looks for a regular expression, or with false for its absence.
    Pattern(bool),
}

/// Why a value cannot be read, and what to write instead.
type Refusal = (String, Option<String>);

/// Ends of numbers that say a size, and its bytes.
const SIZES: [(&str, i128); 12] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("b", 1),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
];

/// Why no regular expression can be looked for in a field; `None` when one can.
pub fn refuse_pattern(field: &Field) -> Option<String> {
    let Field::Intrinsic(intrinsic) = field else { return None };
    let what = match intrinsic.kind() {
        Kind::Text | Kind::Words(_) | Kind::Level => return None,
        Kind::Duration => "a length of time",
        Kind::Number => "a number",
        Kind::Time => "a time",
    };
    Some(format!("`{}` is {what}, and regular expressions look in text", intrinsic.as_str()))
}

/// Reads a value beside a field; `true` when it was written in quotes.
///
/// # Errors
/// Why it cannot be compared with the field.
pub fn read_operand(
    field: &Field,
    operator: Operator,
    (text, is_quoted): (&str, bool),
    clock: &Clock,
) -> Result<Operand, Refusal> {
    let is_ordered = !matches!(operator, Operator::Is | Operator::IsNot);
    let operand = |meaning| Operand { text: text.to_owned(), is_quoted, meaning };
    let Field::Intrinsic(intrinsic) = field else {
        return if is_quoted { Ok(operand(Meaning::Text)) } else { Ok(operand(of_attribute(text, is_ordered)?)) };
    };
    let name = intrinsic.as_str();
    match intrinsic.kind() {
        Kind::Text if *intrinsic == Intrinsic::TraceId && !text.contains('*') => {
            let written = TraceId::parse(text).map_or_else(|_| text.to_owned(), |id| id.to_string());
            Ok(Operand { text: written, is_quoted: true, meaning: Meaning::Text })
        }
        Kind::Text if is_quoted => Ok(operand(Meaning::Text)),
        Kind::Text => Ok(operand(glob_or_text(text, is_ordered)?)),
        Kind::Words(words) => {
            let word = text.to_lowercase();
            if is_ordered {
                return Err((format!("`{name}` has no order; write `{name}={text}`"), None));
            }
            match words.contains(&word.as_str()) {
                true => Ok(Operand { text: word, is_quoted: false, meaning: Meaning::Text }),
                false => Err((format!("`{name}` is {}, not `{text}`", listed(words)), None)),
            }
        }
        Kind::Level => match level(&text.to_lowercase()) {
            Some(level) => {
                Ok(Operand { text: level.as_str().to_owned(), is_quoted: false, meaning: Meaning::Level(level) })
            }
            None => {
                let words = Severity::ALL.map(Severity::as_str);
                Err((format!("`{name}` is {}, not `{text}`", listed(&words)), None))
            }
        },
        Kind::Duration => {
            let duration_ns = time_input::parse_duration(text).map_err(|error| (error.to_string(), None))?;
            Ok(operand(Meaning::Duration(duration_ns)))
        }
        Kind::Number => match number(text)? {
            Some(number) => Ok(operand(Meaning::Number(number))),
            None => Err((format!("`{name}` is a number, not `{text}`"), None)),
        },
        Kind::Time => {
            let time =
                time_input::parse_time(text, clock.now, &clock.zone).map_err(|error| (error.to_string(), None))?;
            // As it reads everywhere, whatever the time and the zone.
            Ok(Operand { text: time.to_rfc3339(), is_quoted: false, meaning: Meaning::Time(time) })
        }
    }
}

fn listed(words: &[&str]) -> String {
    match words {
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
        [] => String::new(),
    }
}

fn level(word: &str) -> Option<Severity> {
    Severity::parse(if word == "warning" { "warn" } else { word })
}

fn glob_or_text(text: &str, is_ordered: bool) -> Result<Meaning, Refusal> {
    if !text.contains('*') || is_ordered {
        return Ok(Meaning::Text);
    }
    Pattern::glob(text).map(Meaning::Glob).map_err(|reason| (reason, None))
}

fn of_attribute(text: &str, is_ordered: bool) -> Result<Meaning, Refusal> {
    if let [digit @ b'1'..=b'9', b'x' | b'X', b'x' | b'X'] = text.as_bytes() {
        return match is_ordered {
            true => Err((format!("`{text}` is a range; compare with a number, or write `={text}`"), None)),
            false => Ok(Meaning::Hundreds(digit - b'0')),
        };
    }
    if let Some(number) = number(text)? {
        return Ok(Meaning::Number(number));
    }
    let is_number_first = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    match time_input::parse_duration(text).ok().filter(|_| is_number_first) {
        Some(duration_ns) => Ok(Meaning::Duration(duration_ns)),
        None => glob_or_text(text, is_ordered),
    }
}

/// The number of a text, or of a size such as `10kb`; `None` for any other text.
fn number(text: &str) -> Result<Option<Number>, Refusal> {
    let too_long = || {
        let hint = "in quotes it is compared as text".to_owned();
        (format!("`{}` is a number beyond 64 bits", text.chars().take(40).collect::<String>()), Some(hint))
    };
    let is_all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = Number::parse(text).or_else(|| {
        let lower = text.to_lowercase();
        let of_size = |(end, bytes): &(&str, i128)| {
            let is_exact = end.chars().any(char::is_uppercase);
            let digits = if is_exact { text.strip_suffix(end) } else { lower.strip_suffix(end) }?;
            match Number::parse(digits)? {
                Number::Int(number) => number.checked_mul(*bytes).map(Number::Int),
                Number::Double(number) => Some(Number::Double(number * *bytes as f64)),
            }
        };
        SIZES.iter().find_map(of_size)
    });
    match number {
        Some(number) if number.is_of_64_bits() => Ok(Some(number)),
        Some(_) => Err(too_long()),
        None if is_all_digits(text.trim_start_matches('-')) => Err(too_long()),
        None => Ok(None),
    }
}
