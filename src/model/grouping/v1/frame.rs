//! A frame of a stack, as its language prints it, and the two names that stand for it: one to hash, one to read.

use std::borrow::Cow;

use super::{line::head, path};

/// Between module and function of a hashed name.
const UNIT: char = '\u{1f}';
/// Longest part of a name, in bytes.
const MAX_NAME: usize = 512;
/// Digits in a row from which on a number in a name is an address, a date or a counter.
const LONG_NUMBER: usize = 4;
/// The code of a program outside any function; its file lies wherever the program was put.
const ENTRIES: [&str; 3] = ["<module>", "<main>", "{main}"];

/// One frame. The parsers leave out what belongs to the runtime of the language or to an SDK that recorded the error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame<'a> {
    /// The file, as printed; empty when none was.
    pub file: &'a str,
    /// The line in it, in digits; empty when none was printed.
    pub line: &'a str,
    /// Class, package or path of modules, when the language prints one; else empty, and the file stands for it.
    pub module: Cow<'a, str>,
    /// The function, without arguments and without what differs from build to build.
    pub function: Cow<'a, str>,
    /// Whether it is code of a library, not of the application.
    pub is_library: bool,
}

impl Frame<'_> {
    /// The name that is hashed: module, or else the last two parts of the file's path, and function.
    pub fn name(&self) -> String {
        let module = if !self.module.is_empty() {
            masked(&self.module)
        } else if ENTRIES.contains(&self.function.as_ref()) {
            Cow::Owned(path::last(self.file))
        } else {
            Cow::Owned(path::last_two(self.file))
        };
        let function = masked(&self.function);
        let (module, function) = (head(&module, MAX_NAME), head(&function, MAX_NAME));
        let mut name = String::with_capacity(module.len() + UNIT.len_utf8() + function.len());
        name.push_str(module);
        name.push(UNIT);
        name.push_str(function);
        name
    }

    /// `payments/stripe.py:88 charge_card`.
    pub fn place(&self) -> String {
        let file = path::last_two_as_printed(self.file);
        let mut place = match (file, self.line) {
            ("", _) => String::new(),
            (file, "") => file.to_owned(),
            (file, line) => format!("{file}:{line}"),
        };
        if !self.function.is_empty() {
            if !place.is_empty() {
                place.push(' ');
            }
            if file.is_empty() && !self.module.is_empty() {
                place.push_str(&self.module);
                place.push('.');
            }
            place.push_str(&self.function);
        }
        place.truncate(head(&place, MAX_NAME).len());
        place
    }

    /// Whether two are the same as far as names go.
    pub fn is_like(&self, other: &Frame<'_>) -> bool {
        self.function == other.function && self.module == other.module && self.file == other.file
    }
}

/// A name with long numbers replaced.
fn masked(name: &str) -> Cow<'_, str> {
    if !has_long_number(name) {
        return Cow::Borrowed(name);
    }
    let mut masked = String::with_capacity(name.len());
    let mut digits = 0;
    for c in name.chars() {
        if c.is_ascii_digit() {
            digits += 1;
        } else {
            close_number(&mut masked, digits);
            digits = 0;
        }
        masked.push(c);
    }
    close_number(&mut masked, digits);
    Cow::Owned(masked)
}

fn has_long_number(name: &str) -> bool {
    let mut digits = 0;
    name.bytes().any(|byte| {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        digits >= LONG_NUMBER
    })
}

/// Replaces the digits a text ends with when they are many.
fn close_number(text: &mut String, digits: usize) {
    if digits >= LONG_NUMBER {
        text.truncate(text.len() - digits);
        text.push('#');
    }
}
