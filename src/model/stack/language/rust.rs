//! Rust: `thread 'main' (7630) panicked at src/main.rs:1:121:`, then `3: shop::billing::inner` and, where there is debug
//! information, `at ./src/billing.rs:1:121` on the next line.
//!
//! Innermost first, after a handful of the standard library's own.

use std::borrow::Cow;

use crate::model::stack::library::is_rust_library;
use crate::model::stack::{Exception, Frame, Owner, Place, line};

/// Crates that belong to the language.
const RUNTIME: [&str; 6] = ["std", "core", "alloc", "__rustc", "rust_begin_unwind", "backtrace"];
/// Functions without a path, from below `main`.
const BELOW: [&str; 10] = [
    "main",
    "_start",
    "__libc_start_main",
    "__libc_start_call_main",
    "__libc_start_main_impl",
    "start_thread",
    "clone",
    "clone3",
    "__clone3",
    "unknown",
];
/// Whether a line is one of a Rust trace.
pub fn is_shaped(line: &str) -> bool {
    let inner = line.trim();
    call(inner).is_some_and(|name| name.contains("::"))
        || place(inner).is_some()
        || inner.eq_ignore_ascii_case("stack backtrace:")
        || (inner.starts_with("thread '") && inner.contains("panicked at "))
}

/// Parts of the text of an error.
#[derive(PartialEq)]
enum Part {
    Message,
    Causes,
    Backtrace,
}

/// The exceptions of a Rust trace, outermost first; causes, as `anyhow` prints them, have neither type nor frames.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut found = Exception::default();
    let mut causes = Vec::new();
    let mut thrown = None;
    let mut part = Part::Message;
    let mut wants_message = true;
    let mut pending: Option<&str> = None;
    for line in text.lines() {
        let inner = line.trim();
        if inner.eq_ignore_ascii_case("stack backtrace:") {
            part = Part::Backtrace;
        } else if inner == "Caused by:" {
            part = Part::Causes;
        } else if part == Part::Causes && !inner.is_empty() {
            causes.push(Exception::new("", without_number(inner)));
        } else if let Some((message, place)) = panic(inner) {
            (found.kind, found.message) = ("panic", message);
            wants_message = message.is_empty();
            thrown = Some(place);
        } else if let Some(place) = place(inner) {
            if let Some(name) = pending.take() {
                found.push(frame_of(name, place));
            }
        } else if let Some(name) = call(inner).filter(|name| part == Part::Backtrace || name.contains("::")) {
            if let Some(name) = pending.replace(name) {
                found.push(frame_of(name, Place::default()));
            }
        } else if part == Part::Message && wants_message && !inner.is_empty() {
            found.message = inner;
            wants_message = false;
        }
    }
    if let Some(name) = pending {
        found.push(frame_of(name, Place::default()));
    }
    // Without a backtrace there is the place of the panic.
    if found.frames.is_empty()
        && let Some(place) = thrown
    {
        let place = Place::split(place);
        found.push(Frame { place, owner: Owner::library_if(is_rust_library("", place.file)), ..Frame::default() });
    }
    causes.insert(0, found);
    causes
}

/// Message and place of `thread 'main' panicked at src/main.rs:1:2:`, or of `panicked at 'message', src/main.rs:1:2`.
fn panic(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once("panicked at ").filter(|_| line.starts_with("thread '"))?;
    let quoted = rest.strip_prefix('\'').and_then(|rest| rest.rsplit_once("', "));
    Some(quoted.unwrap_or(("", rest.trim_end_matches(':'))))
}

/// `0: message` is `message`.
fn without_number(line: &str) -> &str {
    line.split_once(": ").filter(|(number, _)| line::is_number(number)).map_or(line, |(_, message)| message)
}

/// The function of `3: shop::billing::inner`, or of `3:  0x563b2 - shop::billing::inner`.
fn call(line: &str) -> Option<&str> {
    let (number, name) = line.split_once(':')?;
    if !line::is_number(number) || !name.starts_with(' ') {
        return None;
    }
    let name = name.trim();
    let address = name.split_once(" - ").filter(|(address, _)| address.starts_with("0x"));
    Some(address.map_or(name, |(_, name)| name))
}

/// The place of `at ./src/billing.rs:1:121`.
fn place(line: &str) -> Option<Place<'_>> {
    let place = Place::split(line.strip_prefix("at ")?);
    let is_source = [".rs", ".c", ".h", ".S", ".cc", ".cpp"].iter().any(|end| place.file.ends_with(end));
    (is_source && !place.line.is_empty() && !place.file.contains('(')).then_some(place)
}

/// The frame a line tells of, given the line below it. What is numbered and is neither a path nor one word is a cause.
pub fn frame<'a>(line: &'a str, below: &'a str) -> Option<Frame<'a>> {
    let name = call(line.trim())?;
    let place = place(below.trim());
    let is_frame = place.is_some() || name.contains("::") || !name.contains(' ');
    is_frame.then(|| frame_of(name, place.unwrap_or_default()))
}

/// The frame of a function.
fn frame_of<'a>(name: &'a str, place: Place<'a>) -> Frame<'a> {
    let first = name.split([':', '[']).next().unwrap_or_default();
    if RUNTIME.contains(&first) || place.file.starts_with("/rustc/") {
        return Frame { place, call: name, owner: Owner::Runtime, ..Frame::default() };
    }
    let path = path_of(name);
    let (module, function) = split(&path);
    let root = path.split("::").next().unwrap_or_default();
    let is_runtime = RUNTIME.contains(&root)
        || root.starts_with("__rust")
        || root.starts_with("_ZN")
        || (module.is_empty() && BELOW.contains(&root));
    Frame {
        place,
        module: Cow::Owned(module.to_owned()),
        function: Cow::Owned(function.to_owned()),
        call: name,
        owner: if is_runtime { Owner::Runtime } else { Owner::library_if(is_rust_library(root, place.file)) },
    }
}

/// Splits a path before its function; a closure belongs to the function it stands in.
fn split(path: &str) -> (&str, &str) {
    let body = path.trim_end_matches("::{closure}");
    match body.rfind("::") {
        Some(colons) => (&path[..colons], &path[colons + 2..]),
        None => ("", path),
    }
}

/// The path of a function without hashes, type arguments and numbers of closures. Of `<T as Trait>::f` the type stays,
/// or else the trait when the type is no path.
fn path_of(name: &str) -> String {
    let (own, rest) = match name.strip_prefix('<').and_then(|inner| closing(inner).map(|end| inner.split_at(end))) {
        Some((inner, rest)) => {
            let (kind, of) = inner.split_once(" as ").unwrap_or((inner, ""));
            let kind = kind.trim_start_matches(['&', '*']);
            let kind = ["mut ", "const ", "dyn "].iter().find_map(|word| kind.strip_prefix(word)).unwrap_or(kind);
            (if kind.contains("::") || of.is_empty() { kind } else { of }, rest.strip_prefix('>').unwrap_or(rest))
        }
        None => (name, ""),
    };
    let mut path = String::with_capacity(own.len() + rest.len());
    for text in [own, rest] {
        line::push_without_brackets(text, &['<', '['], &['>', ']'], &mut path);
    }
    let is_closure = |part: &str| part.starts_with("{{closure") || part.starts_with("{closure");
    let parts = path.split("::").filter(|part| !part.is_empty() && !is_hash(part));
    let parts: Vec<&str> = parts.map(|part| if is_closure(part) { "{closure}" } else { part }).collect();
    parts.join("::")
}

/// Where the bracket closes that opened before a text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    let mut previous = 0;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            // Not the arrow of a function's type.
            b'>' if previous != b'-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(place);
        }
        previous = byte;
    }
    None
}

/// `h8f09b74d26daa174`, which differs from build to build.
fn is_hash(part: &str) -> bool {
    let digits = part.strip_prefix('h').unwrap_or_default();
    digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}
