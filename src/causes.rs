//! An error and what caused it in one line, for logs and for answers to programs.

use std::error::Error;

/// The text of an error, and behind it the text of each cause.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
