//! The names that are hashed, of frames and types: what is left of them when all that differs from build to build and
//! from machine to machine is gone.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::path;
use crate::model::stack::{Exception, Frame, head};

/// Between module and function of a hashed name.
pub const UNIT: char = '\u{1f}';
/// Longest part of a name, in bytes.
const MAX_NAME: usize = 512;
/// Digits in a row from which on a number in a name is an address, a date or a counter.
const LONG_NUMBER: usize = 4;
/// The code of a program outside any function; its file lies wherever the program was put.
const ENTRIES: [&str; 3] = ["<module>", "<main>", "{main}"];

/// The names of at most `count` frames, innermost first: those of the program, else all.
pub fn frame_names(exception: &Exception<'_>, count: usize) -> Vec<String> {
    let has_own = exception.frames.iter().any(|frame| !frame.is_library());
    let mut names: Vec<String> = Vec::with_capacity(count);
    for frame in exception.frames.iter().filter(|frame| !has_own || !frame.is_library()) {
        let name = frame_name(frame);
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
pub fn frame_numbers(exception: &Exception<'_>) -> Vec<u64> {
    let number = |frame: &Frame<'_>| {
        let mut hasher = DefaultHasher::new();
        (frame.place.file, frame.place.line, &frame.module, &frame.function).hash(&mut hasher);
        hasher.finish()
    };
    exception.frames.iter().map(number).collect()
}

/// The name of a frame: module, or else the last two parts of the file's path, and function.
fn frame_name(frame: &Frame<'_>) -> String {
    let module = if !frame.module.is_empty() {
        masked(&frame.module)
    } else if ENTRIES.contains(&frame.function.as_ref()) {
        Cow::Owned(path::last(frame.place.file))
    } else {
        Cow::Owned(path::last_two(frame.place.file))
    };
    let function = masked(&frame.function);
    let (module, function) = (head(&module, MAX_NAME), head(&function, MAX_NAME));
    format!("{module}{UNIT}{function}")
}

/// A type without the module it lies in, for some SDKs send it and some do not. Paths of Ruby, Rust and PHP stay: there
/// everybody sends them in full.
pub fn short_type(full: &str) -> &str {
    let name = full.trim().trim_start_matches(['*', '&', '\\']);
    let name = name.find(['<', '[', '`', '(', ' ']).and_then(|end| name.get(..end)).unwrap_or(name);
    name.rsplit(['.', '$', '/', '+']).find(|part| !part.is_empty()).unwrap_or(name)
}

/// A name with long numbers replaced.
fn masked(name: &str) -> Cow<'_, str> {
    if !has_long_number(name) {
        return Cow::Borrowed(name);
    }
    let mut masked = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, tail) = rest.split_at(start);
        let (number, after) = tail.split_at(tail.bytes().take_while(u8::is_ascii_digit).count());
        masked.push_str(before);
        masked.push_str(if number.len() >= LONG_NUMBER { "#" } else { number });
        rest = after;
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

fn has_long_number(name: &str) -> bool {
    let mut digits = 0;
    name.bytes().any(|byte| {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        digits >= LONG_NUMBER
    })
}
