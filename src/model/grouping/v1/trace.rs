//! Stack traces: from a text in some language to exceptions and their frames.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{csharp, fallback, frame::Frame, go, java, javascript, php, python, ruby, rust};

/// Longer traces lose their middle: this much of the beginning and as much of the end stays.
const HALF_BYTES: usize = 128 << 10;
/// Frames of one exception that are read; the innermost ones.
const MAX_FRAMES: usize = 200;
/// Exceptions of one trace that are read.
const MAX_EXCEPTIONS: usize = 64;
/// A frame like one of the last few is the same function called again: recursion, also through others.
const RECURSION: usize = 4;

/// An exception of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exception<'a> {
    /// Its type as printed; empty when none was.
    pub kind: &'a str,
    /// The first line of its message.
    pub message: &'a str,
    /// Innermost first, recursion collapsed, nothing of the runtime.
    pub frames: Vec<Frame<'a>>,
    /// How deep it lies in a tree of exceptions.
    pub depth: usize,
}

impl<'a> Exception<'a> {
    /// An exception without frames.
    pub fn new(kind: &'a str, message: &'a str) -> Exception<'a> {
        Exception { kind, message, ..Exception::default() }
    }

    /// Adds the next frame outwards.
    pub fn push(&mut self, frame: Frame<'a>) {
        if self.frames.len() < MAX_FRAMES && !self.recurs(&frame) {
            self.frames.push(frame);
        }
    }

    /// Adds the next frame inwards, for traces that end with the innermost; [`Exception::turn`] is due when all are in.
    pub fn push_inner(&mut self, frame: Frame<'a>) {
        if !self.recurs(&frame) {
            if self.frames.len() >= 2 * MAX_FRAMES {
                self.frames.drain(..MAX_FRAMES);
            }
            self.frames.push(frame);
        }
    }

    /// Brings frames that were added inwards into order.
    pub fn turn(&mut self) {
        self.frames.reverse();
        self.frames.truncate(MAX_FRAMES);
    }

    fn recurs(&self, frame: &Frame<'a>) -> bool {
        self.frames.iter().rev().take(RECURSION).any(|known| known.is_like(frame))
    }

    /// The hashed names of at most `count` frames, innermost first: those of the application, else all.
    pub fn names(&self, count: usize) -> Vec<String> {
        let has_own = self.frames.iter().any(|frame| !frame.is_library);
        let mut names: Vec<String> = Vec::with_capacity(count);
        for frame in self.frames.iter().filter(|frame| !has_own || !frame.is_library) {
            let name = frame.name();
            // What lay between two calls of one function may be a library's.
            if names.last() != Some(&name) {
                if names.len() == count {
                    break;
                }
                names.push(name);
            }
        }
        names
    }

    /// A number for each frame, innermost first; that of the line counts too.
    pub fn numbers(&self) -> Vec<u64> {
        let number = |frame: &Frame<'a>| {
            let mut hasher = DefaultHasher::new();
            (frame.file, frame.line, &frame.module, &frame.function).hash(&mut hasher);
            hasher.finish()
        };
        self.frames.iter().map(number).collect()
    }

    /// Where it happened: the frame of the application nearest to it, else the innermost of all.
    pub fn culprit(&self) -> Option<String> {
        self.frames.iter().find(|frame| !frame.is_library).or(self.frames.first()).map(Frame::place)
    }

    /// Whether anything is known of it.
    pub fn is_empty(&self) -> bool {
        self.kind.is_empty() && self.message.is_empty() && self.frames.is_empty()
    }
}

/// Whether a line is one of a trace of a language, and what reads such a trace.
type Language = (fn(&str) -> bool, for<'a> fn(&'a str) -> Vec<Exception<'a>>);

/// The languages; a line that has the shape of several counts for the first. JavaScript's frames are the least
/// peculiar, and .NET's look like those of Java without a file.
const LANGUAGES: [Language; 8] = [
    (python::is_shaped, python::parse),
    (rust::is_shaped, rust::parse),
    (java::is_shaped, java::parse),
    (go::is_shaped, go::parse),
    (ruby::is_shaped, ruby::parse),
    (php::is_shaped, php::parse),
    (javascript::is_shaped, javascript::parse),
    (csharp::is_shaped, csharp::parse),
];

/// The exceptions of a trace: the outermost, then its causes down to the root. Empty when nothing is known.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut exceptions = read(text);
    exceptions.truncate(MAX_EXCEPTIONS);
    if exceptions.first().is_some_and(Exception::is_empty) && exceptions.len() == 1 {
        exceptions.clear();
    }
    exceptions
}

/// Reads a trace as one of the language most of its lines have the shape of.
fn read(text: &str) -> Vec<Exception<'_>> {
    let mut counts = [0usize; LANGUAGES.len()];
    for line in text.lines() {
        let shaped = LANGUAGES.iter().zip(&mut counts).find(|((is_shaped, _), _)| is_shaped(line));
        if let Some((_, count)) = shaped {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or_default();
    let language = LANGUAGES.iter().zip(counts).find(|(_, count)| *count == most && most > 0);
    language.map_or_else(|| fallback::parse(text), |((_, parse), _)| parse(text))
}

/// Cuts the middle out of a text that is too long.
pub fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= 2 * HALF_BYTES {
        return Cow::Borrowed(text);
    }
    let head = head(text, HALF_BYTES);
    let mut start = text.len() - HALF_BYTES;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let tail = text.get(start..).unwrap_or_default();
    Cow::Owned(format!("{head}\n{}", tail.split_once('\n').map_or("", |(_, whole_lines)| whole_lines)))
}

/// At most this many bytes of a text.
pub fn head(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A type without the module it lies in, for some SDKs send it and some do not. Paths of Ruby, Rust and PHP stay: there
/// everybody sends them in full.
pub fn short_type(full: &str) -> &str {
    let name = full.trim().trim_start_matches(['*', '&', '\\']);
    let name = name.find(['<', '[', '`', '(', ' ']).and_then(|end| name.get(..end)).unwrap_or(name);
    name.rsplit(['.', '$', '/', '+']).find(|part| !part.is_empty()).unwrap_or(name)
}
