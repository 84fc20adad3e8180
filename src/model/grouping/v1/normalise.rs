//! Messages with everything that varies from event to event replaced: `order 8841 failed after 2.3s` is
//! `order <int> failed after <duration>`.
//!
//! One pass over the bytes. Where a word or number begins, the classes are tried in a fixed order, those that contain
//! others first, and the first that fits takes it; what fits none stays. Values go, words stay: names of types, modules
//! and files are what tells errors apart. A normalised text normalises to itself.

mod bytes;
mod class;
mod date;
mod machine;
mod net;
mod number;
mod temporary;

use std::borrow::Cow;

/// Bytes of a message that count, before and after.
pub const MAX_BYTES: usize = 4096;
/// Lines of a message that count.
const MAX_LINES: usize = 2;
/// How often a text that had to be cut is read again at most.
const MAX_PASSES: usize = 8;
/// Placeholders that count as one: which of them a value gets depends on its digits.
const LIKE_NUMBERS: [&str; 4] = ["<int>", "<float>", "<hex>", "<id>"];

/// The first two lines that are not empty, with everything that varies replaced.
pub fn normalise(message: &str) -> String {
    let (mut text, mut is_cut) = pass(message);
    // Where a text was cut the rest of a word may look like a value; placeholders are shorter than most values, so this
    // ends soon.
    for _ in 0..MAX_PASSES {
        if !is_cut {
            break;
        }
        let (again, _) = pass(&text);
        is_cut = again != text;
        text = again;
    }
    text
}

/// Normalises a text once; also whether there was no room for all of the text.
fn pass(message: &str) -> (String, bool) {
    let message = crate::model::stack::head(message, MAX_BYTES);
    let lines = message.lines().map(|line| line.trim_matches(|c: char| c.is_ascii() && is_space(c as u8)));
    let mut text = String::with_capacity(message.len());
    let mut is_cut = false;
    for line in lines.filter(|line| !line.is_empty()).take(MAX_LINES) {
        if text.len() >= MAX_BYTES {
            return (text, true);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        is_cut |= Scanner::new(&with_single_spaces(line), &mut text).run();
    }
    text.truncate(text.trim_end().len());
    (text, is_cut)
}

/// A normalised text in which numbers of every kind are alike, as it is hashed.
pub fn without_shapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tail) = rest.split_at(start);
        plain.push_str(before);
        let known = LIKE_NUMBERS.iter().find(|known| tail.starts_with(**known));
        plain.push_str(known.map_or("<", |_| "<n>"));
        rest = tail.get(known.map_or(1, |known| known.len())..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// A line in which white space and control characters of any kind and number are one space.
fn with_single_spaces(line: &str) -> Cow<'_, str> {
    let bytes = line.as_bytes();
    let is_plain =
        bytes.iter().all(|byte| *byte == b' ' || !is_space(*byte)) && !bytes.windows(2).any(|two| two == b"  ");
    if is_plain {
        return Cow::Borrowed(line);
    }
    let mut plain = String::with_capacity(line.len());
    for c in line.chars() {
        if !c.is_ascii() || !is_space(c as u8) {
            plain.push(c);
        } else if !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    Cow::Owned(plain)
}

/// White space and control characters of ASCII.
fn is_space(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

/// A line and how far it has been read. Every class looks at bytes from here on only, at most a fixed number of them
/// unless it takes them.
struct Scanner<'a> {
    line: &'a str,
    at: usize,
    out: &'a mut String,
    /// Where the last placeholder ended in `out`, and which it was.
    last: Option<(usize, &'static str)>,
    /// Where the last quotes of each kind stand.
    last_quotes: [Option<usize>; 2],
}

impl<'a> Scanner<'a> {
    fn new(line: &'a str, out: &'a mut String) -> Scanner<'a> {
        let last_quotes = ['\'', '"'].map(|quote| line.rfind(quote));
        Scanner { line, at: 0, out, last: None, last_quotes }
    }

    /// Reads the line; true when there was no room for all of the line.
    fn run(mut self) -> bool {
        while self.at < self.line.len() {
            let before = self.at;
            let is_full = self.step();
            debug_assert!(self.at > before, "every step takes something");
            if is_full {
                return true;
            }
        }
        false
    }

    /// Takes the next piece of the line; true when there is no room for the piece.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        if let Some(known) = class::placeholder(rest) {
            return self.replace(known.len(), known);
        }
        if let Some((kept, length, class)) = temporary::at(self.read(), rest) {
            return self.copy(kept) || self.replace(length, class);
        }
        if let Some((length, class)) = self.quoted(rest).or_else(|| class::at(rest, self.previous())) {
            return self.replace(length, class);
        }
        let length = match self.line.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) if c.is_ascii_alphanumeric() => class::verbatim(rest),
            other => other.map_or(1, char::len_utf8),
        };
        self.copy(length)
    }

    /// The bytes that have not been read yet.
    fn rest(&self) -> &'a [u8] {
        self.line.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The bytes that have been read.
    fn read(&self) -> &'a [u8] {
        self.line.as_bytes().get(..self.at).unwrap_or_default()
    }

    /// The byte before the next one to be read; a space at the start.
    fn previous(&self) -> u8 {
        self.read().last().copied().unwrap_or(b' ')
    }

    /// `'…'` or `"…"` right behind a `=`.
    fn quoted(&self, rest: &[u8]) -> Option<(usize, &'static str)> {
        let quote = *rest.first().filter(|byte| matches!(byte, b'\'' | b'"'))?;
        let last = self.last_quotes[usize::from(quote == b'"')]?;
        if self.previous() != b'=' || last <= self.at {
            return None;
        }
        let length = rest.iter().skip(1).position(|byte| *byte == quote)? + 2;
        Some((length, if quote == b'"' { "\"<str>\"" } else { "'<str>'" }))
    }

    fn copy(&mut self, length: usize) -> bool {
        let end = self.at + length;
        let piece = self.line.get(self.at..end).unwrap_or_default();
        self.at = end;
        if self.out.len() + piece.len() > MAX_BYTES {
            return true;
        }
        self.out.push_str(piece);
        false
    }

    /// Writes a placeholder for `length` bytes. A list of equal ones is one: lists differ in length.
    fn replace(&mut self, length: usize, class: &'static str) -> bool {
        self.at += length;
        if let Some((end, last)) = self.last
            && last == class
            && matches!(self.out.get(end..), Some("," | ", "))
        {
            self.out.truncate(end);
            return false;
        }
        if self.out.len() + class.len() > MAX_BYTES {
            return true;
        }
        self.out.push_str(class);
        self.last = Some((self.out.len(), class));
        false
    }
}

#[cfg(test)]
mod tests;
