//! Parameters for tests.

use proptest::prelude::*;

use super::Pairs;

/// Parameters with these names and values.
pub(super) fn pairs(text: &[(&str, &str)]) -> Pairs {
    text.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Any text, or none.
pub(super) fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(".{0,12}")
}
