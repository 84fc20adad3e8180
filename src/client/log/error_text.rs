//! What an error says of itself: its type, its message, its causes.
//!
//! Rust keeps no names of types at run time, but `Debug` usually prints one first. What is made here is text for
//! people and for grouping; it never fails, whatever an error prints.

use std::error::Error;
use std::fmt::Write as _;

/// Causes deeper than this are left out.
const MOST_CAUSES: usize = 32;

/// An error as the fields of a log record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorText {
    /// Name of the error's type; `Error` when it does not say.
    pub kind: String,
    /// What the error displays.
    pub message: String,
    /// The sources of the error, outermost first: type and message.
    pub causes: Vec<(String, String)>,
}

impl ErrorText {
    /// Reads an error and all its sources.
    pub fn from_error(error: &(dyn Error + 'static)) -> ErrorText {
        let message = error.to_string();
        let causes = std::iter::successors(error.source(), |&cause| cause.source()).take(MOST_CAUSES);
        let cause = |cause: &(dyn Error + 'static)| (type_name(cause, &cause.to_string()), cause.to_string());
        ErrorText { kind: type_name(error, &message), message, causes: causes.map(cause).collect() }
    }

    /// A stack trace where there is none: the error, its causes, and the one place known, as a backtrace writes it.
    pub fn stack(&self, module: Option<&str>, file: &str, line: u32) -> String {
        let mut text = format!("{}: {}\n", self.kind, self.message);
        for (number, (kind, message)) in self.causes.iter().enumerate() {
            if number == 0 {
                text.push_str("\nCaused by:\n");
            }
            // Writing to memory cannot fail.
            let _ = writeln!(text, "    {number}: {kind}: {message}");
        }
        let _ = write!(text, "\nstack backtrace:\n   0: {}\n             at {file}:{line}\n", module.unwrap_or(file));
        text
    }
}

/// The name of an error's type: the first word of its `Debug` text, which is the name when `Debug` is derived. A message
/// in quotes, as of `Box<dyn Error>` from a string, has none.
fn type_name(error: &(dyn Error + 'static), message: &str) -> String {
    // Its `Debug` text names a private type.
    if error.is::<std::io::Error>() {
        return "io::Error".to_owned();
    }
    let debug = format!("{error:?}");
    let name = debug.split([' ', '(', '{', '\r', '\n', ':', ',']).next().unwrap_or_default();
    let is_name =
        name.starts_with(|c: char| c.is_alphabetic()) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !is_name || debug == format!("{message:?}") || debug == message {
        return "Error".to_owned();
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use std::{fmt, io};

    use super::*;
    use crate::model::{LogRecord, grouping};

    #[derive(Debug)]
    struct PaymentError {
        source: io::Error,
    }

    impl fmt::Display for PaymentError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("card declined")
        }
    }

    impl Error for PaymentError {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.source)
        }
    }

    #[test]
    fn an_error_is_read_with_its_sources() {
        let error = PaymentError { source: io::Error::new(io::ErrorKind::TimedOut, "upstream took 5 s") };
        let text = ErrorText::from_error(&error);
        assert_eq!((text.kind.as_str(), text.message.as_str()), ("PaymentError", "card declined"));
        insta::assert_snapshot!(text.stack(Some("shop::billing"), "src/billing.rs", 42), @r"
        PaymentError: card declined

        Caused by:
            0: io::Error: upstream took 5 s

        stack backtrace:
           0: shop::billing
                     at src/billing.rs:42
        ");
    }

    #[test]
    fn a_type_is_named_only_where_debug_prints_one() {
        let parse = "x".parse::<u8>().expect_err("no number");
        assert_eq!(ErrorText::from_error(&parse).kind, "ParseIntError");
        let boxed: Box<dyn Error> = "it failed".into();
        assert_eq!(ErrorText::from_error(boxed.as_ref()).kind, "Error");
        let empty: Box<dyn Error> = "".into();
        assert_eq!(ErrorText::from_error(empty.as_ref()).kind, "Error");
        assert_eq!(ErrorText::from_error(&fmt::Error).kind, "Error");
        let system = io::Error::from_raw_os_error(2);
        assert_eq!(ErrorText::from_error(&system).kind, "io::Error");
    }

    #[test]
    fn what_is_told_of_an_error_groups_by_type_causes_and_place() {
        let grouped = |cause: &str, line: u32| {
            let text = ErrorText::from_error(&PaymentError { source: io::Error::new(io::ErrorKind::TimedOut, cause) });
            let attributes = [
                ("exception.type", text.kind.clone()),
                ("exception.message", text.message.clone()),
                ("exception.stacktrace", text.stack(Some("shop::billing"), "src/billing.rs", line)),
            ];
            let attributes = attributes.iter().map(|(key, value)| (*key, value.as_str())).collect();
            grouping::of_log(&LogRecord { attributes, ..LogRecord::default() }).expect("an error")
        };
        let found = grouped("upstream took 5 s", 42);
        assert_eq!(found.culprit.as_deref(), Some("src/billing.rs:42 billing"));
        assert_eq!((found.error_type.as_deref(), found.message.as_str()), (Some("PaymentError"), "card declined"));
        assert_eq!(found.issue, grouped("upstream took 17 s", 43).issue, "numbers and lines do not count");
        assert_ne!(found.issue, grouped("connection reset", 42).issue, "causes do");
    }
}
