//! Why a text is no filter, and where: every reader of filters says it with this one type, so that a caret can stand
//! below the place whoever asked. What a text may hold at most stands here too, for that is the same for all of them.

/// Longest filter, in bytes.
pub const MOST_BYTES: usize = 64 << 10;
/// Most terms of a filter; each value of a list is one.
pub const MOST_TERMS: usize = 1_000;
/// Deepest nesting of parentheses and negations.
pub const MOST_NESTED: usize = 50;

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

    /// Refuses a text that is too long to be read.
    ///
    /// # Errors
    /// It is.
    pub(super) fn refuse_length(text: &str) -> Result<(), FilterError> {
        match text.len() > MOST_BYTES {
            true => {
                let reason = format!("the filter has {} bytes, and {MOST_BYTES} is the most", text.len());
                Err(FilterError::new(text, MOST_BYTES, reason))
            }
            false => Ok(()),
        }
    }

    /// Says what to write instead.
    pub(super) fn hint(self, hint: impl Into<String>) -> FilterError {
        FilterError { hint: Some(hint.into()), ..self }
    }
}
