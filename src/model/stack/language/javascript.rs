//! JavaScript: `at Repo.find (file:///x/n1.mjs:1:48)` of V8, `find@https://h/n1.js:1:48` of Firefox and Safari.
//!
//! Innermost first; `[cause]: Error: …` with frames of its own follows the exception it caused.

use std::borrow::Cow;

use crate::model::stack::library::is_library_file;
use crate::model::stack::{Exception, Frame, Owner, Place, line};

/// Whether a line is a frame of a JavaScript trace.
pub fn is_shaped(line: &str) -> bool {
    frame(line, "").is_some()
}

/// The exceptions of a JavaScript trace, outermost first.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut exceptions: Vec<Exception<'_>> = vec![Exception::default()];
    let mut has_frames = false;
    let mut is_list = false;
    let mut is_first = true;
    for line in text.lines() {
        let line = line.trim();
        let Some(open) = exceptions.last_mut() else { break };
        if let Some(frame) = frame(line, "") {
            has_frames = true;
            open.push(frame);
        } else if let Some((kind, message)) = header(line, !has_frames && std::mem::take(&mut is_first)) {
            // Before the first frame stand the lines of a message, some of which may look like another error; within an
            // error its errors and causes.
            if has_frames || line.starts_with("[cause]:") || is_list {
                exceptions.push(Exception::new(kind, message));
            } else if open.kind.is_empty() {
                (open.kind, open.message) = (kind, message);
            }
        } else if line.starts_with("[errors]:") {
            is_list = true;
        }
    }
    exceptions
}

/// Reads `Uncaught TypeError [CODE]: message`, also behind `[cause]:`.
///
/// The first line may name any type; elsewhere it must be one of an error by its name.
fn header(line: &str, is_first: bool) -> Option<(&str, &str)> {
    let line = line.strip_prefix("[cause]:").map_or(line, str::trim_start);
    // An error without frames of its own is printed in brackets.
    let line = line.strip_prefix('[').map_or(line, |inner| inner.trim_end_matches([' ', '{', ',', ']']));
    let line = line.strip_prefix("Uncaught ").unwrap_or(line);
    let line = line.strip_prefix("(in promise) ").unwrap_or(line);
    let (kind, message) = line.split_once(": ").unwrap_or((line, ""));
    let kind = kind.split_once(" [").map_or(kind, |(kind, _)| kind).trim_end_matches([' ', '{']);
    (line::is_error_type(kind) || (is_first && line::is_type(kind))).then_some((kind, message))
}

/// The frame a line tells of.
pub fn frame<'a>(line: &'a str, _below: &'a str) -> Option<Frame<'a>> {
    let line = line.trim().trim_end_matches([' ', '{', ',']);
    match line.strip_prefix("at ") {
        Some(rest) => v8(rest),
        None => gecko(line),
    }
}

/// Reads what V8 prints behind `at`: `async Repo.find (file:///x/n1.mjs:1:48)`.
fn v8(text: &str) -> Option<Frame<'_>> {
    let text = text.strip_prefix("async ").unwrap_or(text);
    let (function, place) = match text.strip_suffix(')').and_then(|text| line::split_once(text, " (")) {
        Some((function, place)) => (function, place),
        None => ("", text),
    };
    if matches!(place, "<anonymous>" | "native") || place.starts_with("index ") {
        return Some(runtime_frame(function));
    }
    let at = Place::split(place);
    if at.line.is_empty() || (function.is_empty() && at.file.contains(' ')) {
        return None;
    }
    // Code made by `eval` stands where `eval` was called.
    let at = match place.strip_prefix("eval at ").and_then(|place| place.rsplit_once('(')) {
        Some((_, origin)) => Place::split(origin.split_once(')').map_or(origin, |(origin, _)| origin)),
        None => at,
    };
    Some(frame_of(at, function))
}

/// Reads what Firefox and Safari print: `find@https://h/n1.js:1:48`.
fn gecko(text: &str) -> Option<Frame<'_>> {
    let (function, place) = text.split_once('@')?;
    if function.contains(' ') {
        return None;
    }
    if place.starts_with("[native code]") {
        return Some(runtime_frame(function));
    }
    let at = Place::split(place);
    let is_file = at.file.contains('/') || at.file.ends_with(".js");
    (is_file && !at.line.is_empty() && !at.file.contains(' ')).then(|| frame_of(at, function))
}

/// The frame of a function that has no place, for it is the engine's own.
fn runtime_frame(call: &str) -> Frame<'_> {
    Frame { call, owner: Owner::Runtime, ..Frame::default() }
}

/// The frame of a function at a place.
fn frame_of<'a>(at: Place<'a>, call: &'a str) -> Frame<'a> {
    let file = at.file;
    let is_runtime = file.starts_with("node:")
        || file.starts_with("internal/")
        || file.starts_with("<anonymous>")
        || call == "eval"
        || call.starts_with("process.processTicksAndRejections");
    // In a bundle a name of two letters is another one tomorrow.
    let is_bundled = file.starts_with("http") || file.contains(".min.");
    let function = name(call);
    let function = if is_bundled && function.len() <= 2 { "" } else { function };
    let file = file.split_once(['?', '#']).map_or(file, |(file, _)| file);
    let file = line::split_once(file, "://").map_or(file, |(_, path)| path);
    Frame {
        place: Place { file, ..at },
        function: Cow::Borrowed(function),
        call,
        owner: if is_runtime { Owner::Runtime } else { Owner::library_if(is_library_file(file)) },
        ..Frame::default()
    }
}

/// A function's name without how it was called: `new Foo`, `Object.foo`, `tick [as _onTimeout]`, `async*load`, `fn/<`.
fn name(function: &str) -> &str {
    let name = line::split_once(function, " [as ").map_or(function, |(name, _)| name);
    let name = name.strip_prefix("async*").unwrap_or(name);
    let name = name.strip_prefix("new ").unwrap_or(name);
    let name = ["Object.", "Module.", "exports."].iter().find_map(|owner| name.strip_prefix(owner)).unwrap_or(name);
    let name = name.trim_end_matches(['/', '<']);
    if name == "<anonymous>" || name == "anonymous" { "" } else { name }
}
