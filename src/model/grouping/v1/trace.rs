//! Stack traces: from a text in some language to exceptions and their frames.

use super::{csharp, exception::Exception, fallback, go, java, javascript, php, python, ruby, rust};

/// Exceptions of one trace that are read.
const MAX_EXCEPTIONS: usize = 64;

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
