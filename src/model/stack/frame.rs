//! A frame of a stack: where it is, what was called there, and whose code that is.

use std::borrow::Cow;

use super::line::{Place, head};

/// Longest text of a frame, in bytes.
const MAX_TEXT_BYTES: usize = 512;

/// Whose code a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owner {
    /// The code is the program's own.
    #[default]
    Program,
    /// The code is a library's.
    Library,
    /// The code is the language's runtime, a class that only passes calls on, or the SDK that recorded the error:
    /// whether such a frame stands in a stack says nothing about the error.
    Runtime,
}

impl Owner {
    /// A library, or else the program.
    pub fn library_if(is_library: bool) -> Owner {
        if is_library { Owner::Library } else { Owner::Program }
    }
}

/// A call that was under way, as a stack trace prints it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame<'a> {
    /// The place in a source file, as printed.
    pub place: Place<'a>,
    /// Class, package or path of modules of the function, when the language prints one; else empty, and the file stands
    /// for it.
    pub module: Cow<'a, str>,
    /// The name of the function, without arguments and without what differs from build to build.
    pub function: Cow<'a, str>,
    /// Module and function as they are printed, without arguments; empty when none was.
    pub call: &'a str,
    /// Whose code the frame is.
    pub owner: Owner,
}

impl Frame<'_> {
    /// Whether the frame is not the program's own code.
    pub fn is_library(&self) -> bool {
        self.owner != Owner::Program
    }

    /// The frame in a few words: `payments/stripe.py:88 charge_card`.
    pub fn to_text(&self) -> String {
        let file = last_two_parts(self.place.file);
        let mut text = match (file, self.place.line) {
            ("", _) => String::new(),
            (file, "") => file.to_owned(),
            (file, line) => format!("{file}:{line}"),
        };
        if !self.function.is_empty() {
            if !text.is_empty() {
                text.push(' ');
            }
            if file.is_empty() && !self.module.is_empty() {
                text.push_str(&self.module);
                text.push('.');
            }
            text.push_str(&self.function);
        }
        text.truncate(head(&text, MAX_TEXT_BYTES).len());
        text
    }

    /// Whether two frames are the same as far as names go.
    pub fn is_like(&self, other: &Frame<'_>) -> bool {
        self.function == other.function && self.module == other.module && self.place.file == other.place.file
    }
}

/// The last two parts of a path as printed: `payments/stripe.py`.
pub fn last_two_parts(path: &str) -> &str {
    let is_slash = |(_, byte): &(usize, u8)| matches!(byte, b'/' | b'\\');
    let mut slashes = path.bytes().enumerate().rev().filter(is_slash).map(|(place, _)| place);
    slashes.nth(1).and_then(|place| path.get(place + 1..)).unwrap_or(path).trim_start_matches(['/', '\\'])
}
