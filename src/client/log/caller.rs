//! Where in the source a record was logged: known without a backtrace, so it costs nothing, and says of an error without
//! one where it comes from.

use std::borrow::Cow;
use std::panic::Location;

/// A place in the source of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The file, as the compiler names it.
    pub file: Cow<'static, str>,
    /// The line of the file, from 1.
    pub line: u32,
}

impl From<&'static Location<'static>> for Caller {
    fn from(location: &'static Location<'static>) -> Caller {
        Caller { file: Cow::Borrowed(location.file()), line: location.line() }
    }
}
