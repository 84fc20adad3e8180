//! Filters under a name, which everybody who uses a database shares; a filter names one as `@NAME`.

use crate::model::{Nanos, Text};

/// Longest name, in characters.
const MOST_NAME_CHARS: usize = 64;

/// A filter under a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SavedFilter {
    /// The name, without `@`.
    pub name: Text,
    /// The filter as it was written.
    pub filter: Text,
    /// When it was saved last.
    pub saved: Nanos,
}

impl SavedFilter {
    /// Whether a text can be the name of a filter: letters, digits, `_`, `-` and `.`, up to 64 of them, a letter or digit
    /// first, so that no name is a path of its own.
    pub fn is_name(text: &str) -> bool {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        text.starts_with(char::is_alphanumeric) && text.chars().count() <= MOST_NAME_CHARS && text.chars().all(is_part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_and_no_path() {
        for name in ["slow", "s", "a.b-c_1", "späť", &"x".repeat(64)] {
            assert!(SavedFilter::is_name(name), "{name}");
        }
        for no_name in ["", ".", "..", "../keys", "a/b", "a b", "-a", "a?b", "@a", &"x".repeat(65)] {
            assert!(!SavedFilter::is_name(no_name), "{no_name}");
        }
    }
}
