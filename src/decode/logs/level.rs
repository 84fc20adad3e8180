//! Levels as programs send them: words, numbers as JSON numbers or text, and what is neither.

use crate::decode::python_json::Node;
use crate::model::Severity;
use crate::model::severity::LevelScale;

/// The level a value names; `None` when it names none.
pub(super) fn read_level(node: &Node<'_>, scale: LevelScale) -> Option<Severity> {
    match node {
        Node::Text(text) => Severity::from_text(text, scale),
        Node::Int(digits) => Severity::from_library_number(digits.parse().ok()?, scale),
        Node::Float(number) => Severity::from_library_number(*number, scale),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_levels_and_the_rest_is_none() {
        let text = |text: &'static str| Node::Text(text.into());
        for (sent, level) in [
            (text("Warning"), Some(Severity::Warn)),
            (text("LogLevel.ERROR"), Some(Severity::Error)),
            (text("30"), Some(Severity::Warn)),
            (Node::Int("50"), Some(Severity::Fatal)),
            (Node::Float(5.0), Some(Severity::Debug)),
            (Node::Int("99999999999999999999999999999999"), None),
            (Node::Float(f64::NAN), None),
            (Node::Bool(true), None),
            (Node::List(Vec::new()), None),
        ] {
            assert_eq!(read_level(&sent, LevelScale::Python), level, "{sent:?}");
        }
    }
}
