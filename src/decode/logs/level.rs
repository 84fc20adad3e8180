//! Levels as programs send them: words in any case, numbers of several schemes, and what is neither.

use crate::decode::python_json::Node;
use crate::model::Severity;

/// The level a value names; `None` when it names none.
///
/// Numbers are read as Python's `logging` has them where they can be (10, 20, 30, 40, 50), else as OpenTelemetry's
/// severity numbers (1 to 24), and beyond those by Python's steps again.
pub(super) fn read_level(node: &Node<'_>) -> Option<Severity> {
    match node {
        Node::Text(text) => parse_text(text.trim()),
        Node::Int(digits) => digits.parse().ok().and_then(from_number),
        Node::Float(number) => from_number(*number),
        _ => None,
    }
}

/// Reads a word, also as the member of a type of levels, a number, or the one letter that some formats have room for.
fn parse_text(text: &str) -> Option<Severity> {
    let word = text.rsplit_once('.').map_or(text, |(_, member)| member);
    Severity::from_word(word).or_else(|| text.parse().ok().and_then(from_number)).or_else(|| parse_letter(text))
}

fn parse_letter(text: &str) -> Option<Severity> {
    Some(match text.as_bytes() {
        [b'T' | b'V'] => Severity::Trace,
        [b'D'] => Severity::Debug,
        [b'I' | b'N'] => Severity::Info,
        [b'W'] => Severity::Warn,
        [b'E'] => Severity::Error,
        [b'F' | b'C'] => Severity::Fatal,
        _ => return None,
    })
}

fn from_number(number: f64) -> Option<Severity> {
    let whole = number.trunc();
    Some(match whole {
        10.0 => Severity::Debug,
        20.0 => Severity::Info,
        1.0..25.0 => Severity::from_number(whole as i64),
        25.0..30.0 => Severity::Info,
        30.0..40.0 => Severity::Warn,
        40.0..50.0 => Severity::Error,
        50.0..1_000.0 => Severity::Fatal,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_of_all_schemes_are_levels_and_the_rest_is_none() {
        use Severity::{Debug, Error, Fatal, Info, Trace, Warn};
        let text = |text: &'static str| Node::Text(text.into());
        for (sent, level) in [
            (text("INFO"), Some(Info)),
            (text("Warning"), Some(Warn)),
            (text(" err "), Some(Error)),
            (text("CRITICAL"), Some(Fatal)),
            (text("notice"), Some(Info)),
            (text("TRACE"), Some(Trace)),
            (text("LogLevel.ERROR"), Some(Error)),
            (text("W"), Some(Warn)),
            (text("x"), None),
            (text("30"), Some(Warn)),
            (Node::Int("10"), Some(Debug)),
            (Node::Int("20"), Some(Info)),
            (Node::Int("40"), Some(Error)),
            (Node::Int("50"), Some(Fatal)),
            (Node::Int("17"), Some(Error)),
            (Node::Int("9"), Some(Info)),
            (Node::Float(5.0), Some(Debug)),
            (Node::Int("0"), None),
            (Node::Int("-3"), None),
            (Node::Int("99999999999999999999999999999999"), None),
            (Node::Float(f64::NAN), None),
            (text("loud"), None),
            (text(""), None),
            (Node::Bool(true), None),
            (Node::List(Vec::new()), None),
        ] {
            assert_eq!(read_level(&sent), level, "{sent:?}");
        }
    }
}
