//! Why a text is no filter, and where: every reader of filters says it with this one type, so that a caret can stand
//! below the place whoever asked.

/// Why a text is no filter: what was expected, at which place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct FilterError {
    /// Place of the fault in the text, in characters from 0; the length of the text when something is missing there.
    pub at: usize,
    /// What was expected, as a clause.
    pub reason: String,
    /// What to write instead; `None` when the reason says it.
    pub hint: Option<String>,
}

impl FilterError {
    /// A fault at a place in bytes of a text.
    pub(super) fn new(text: &str, at_byte: usize, reason: impl Into<String>) -> FilterError {
        let at = text.char_indices().take_while(|(place, _)| *place < at_byte).count();
        FilterError { at, reason: reason.into(), hint: None }
    }

    /// Says what to write instead.
    pub(super) fn hint(self, hint: impl Into<String>) -> FilterError {
        FilterError { hint: Some(hint.into()), ..self }
    }
}
