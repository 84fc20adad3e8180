//! The languages: which one a trace is of, and what reads it.

mod csharp;
mod fallback;
mod go;
mod java;
mod javascript;
mod php;
mod python;
mod ruby;
mod rust;

use super::exception::Exception;
use super::frame::Frame;

/// Exceptions of one trace that are read.
const MAX_EXCEPTIONS: usize = 64;

/// What reads the traces of a language.
pub struct Language {
    /// Whether a line is one of a trace of the language.
    is_shaped: fn(&str) -> bool,
    /// The exceptions of a trace, the outermost first, then its causes down to the root.
    exceptions: for<'a> fn(&'a str) -> Vec<Exception<'a>>,
    /// The frame a line tells of, given the line below it.
    pub frame: for<'a> fn(&'a str, &'a str) -> Option<Frame<'a>>,
    /// What stands right before the frames of the outermost exception where others may come first.
    pub outermost_behind: Option<&'static str>,
}

macro_rules! language {
    ($module:ident, $outermost_behind:expr) => {
        Language {
            is_shaped: $module::is_shaped,
            exceptions: $module::parse,
            frame: $module::frame,
            outermost_behind: $outermost_behind,
        }
    };
}

/// The languages; a line that has the shape of several counts for the first. JavaScript's frames are the least
/// peculiar, and .NET's look like those of Java without a file.
const LANGUAGES: [Language; 8] = [
    language!(python, Some("Traceback (most recent call last):")),
    language!(rust, None),
    language!(java, None),
    language!(go, Some("\npanic(")),
    language!(ruby, None),
    language!(php, Some("\nNext ")),
    language!(javascript, None),
    language!(csharp, Some("--- End of inner exception")),
];

/// What reads traces no line of which has the shape of a known language.
const UNKNOWN: Language = language!(fallback, None);

/// The exceptions of a trace: the outermost, then its causes down to the root. Empty when nothing is known.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut exceptions = (language_of(text).exceptions)(text);
    exceptions.truncate(MAX_EXCEPTIONS);
    if exceptions.first().is_some_and(Exception::is_empty) && exceptions.len() == 1 {
        exceptions.clear();
    }
    exceptions
}

/// The language most lines of a trace have the shape of.
pub fn language_of(text: &str) -> &'static Language {
    let mut counts = [0_usize; LANGUAGES.len()];
    for line in text.lines() {
        let shaped = LANGUAGES.iter().zip(&mut counts).find(|(language, _)| (language.is_shaped)(line));
        if let Some((_, count)) = shaped {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or_default();
    let language = LANGUAGES.iter().zip(counts).find(|(_, count)| *count == most && most > 0);
    language.map_or(&UNKNOWN, |(language, _)| language)
}
