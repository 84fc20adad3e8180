//! What an issue is called.

use crate::model::Text;

/// The title of an issue: type and message of its error, as far as they are known.
pub fn issue_title(error_type: Option<&str>, message: &str) -> Text {
    match (error_type.filter(|name| !name.is_empty()), message) {
        (None, "") => Text::from_static("an error without a message"),
        (None, message) => Text::from(message),
        (Some(error_type), "") => Text::from(error_type),
        (Some(error_type), message) => Text::from(format!("{error_type}: {message}")),
    }
}
