//! Go: `main.(*T).Fn(0xc0000b6000)` and on the next line `/src/x.go:87 +0x4b`.
//!
//! Innermost first. A trace taken while recovering begins with those who recover; the error is below the `panic`.

use std::borrow::Cow;

use crate::model::stack::library::is_go_library;
use crate::model::stack::{Exception, Frame, Owner, Place, line};

/// Whether a line is one of a Go trace.
pub fn is_shaped(line: &str) -> bool {
    (line.starts_with("goroutine ") && line.ends_with("]:")) || place(line).is_some()
}

/// The exception of a Go trace: one, of the first goroutine with frames.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut found = Exception::default();
    let mut previous = "";
    for line in text.lines() {
        if place(line).is_some() {
            if previous.starts_with("panic(") {
                found.frames.clear();
            } else if let Some(frame) = frame(previous, line) {
                found.push(frame);
            }
        } else if line.starts_with("goroutine ") && !found.frames.is_empty() {
            break;
        } else if found.is_empty() {
            for kind in ["panic", "fatal error"] {
                if let Some(message) = line.strip_prefix(kind).and_then(|rest| rest.strip_prefix(": ")) {
                    (found.kind, found.message) = (kind, message.trim_end_matches(" [recovered]"));
                }
            }
        }
        previous = line.trim();
    }
    vec![found]
}

/// The place of `\t/src/x.go:87 +0x4b`.
fn place(line: &str) -> Option<Place<'_>> {
    let inner = line.strip_prefix(['\t', ' '])?.trim();
    let inner =
        inner.rsplit_once(' ').filter(|(_, offset)| offset.starts_with("+0x")).map_or(inner, |(place, _)| place);
    let (file, number) = line::number_at_end(inner)?;
    let is_source = [".go", ".s"].iter().any(|end| file.ends_with(end)) || file == "_cgo_gotypes";
    (is_source && !file.contains('(')).then_some(Place::new(file, number))
}

/// The frame of a function, or of the place where a goroutine was started, given the line below it.
pub fn frame<'a>(line: &'a str, below: &'a str) -> Option<Frame<'a>> {
    let (place, line) = (place(below)?, line.trim());
    if let Some(starter) = line.strip_prefix("created by ") {
        let call = starter.split_once(' ').map_or(starter, |(call, _)| call);
        return Some(Frame { place, call, owner: Owner::Runtime, ..Frame::default() });
    }
    let call = line.rfind('(').filter(|_| line.ends_with(')')).and_then(|start| line.get(..start)).unwrap_or(line);
    if call.is_empty() || call.contains(' ') {
        return None;
    }
    let start = call.rfind('/').map_or(0, |slash| slash + 1);
    let point = start + call.get(start..)?.find('.')?;
    let (package, function) = (call.get(..point)?, call.get(point + 1..)?);
    // Also the SDK that recorded the error.
    let is_runtime =
        package == "runtime" || package.starts_with("runtime/") || package.starts_with("go.opentelemetry.io/otel");
    Some(Frame {
        place,
        module: Cow::Borrowed(package),
        function: function_name(function),
        call,
        owner: if is_runtime { Owner::Runtime } else { Owner::library_if(is_go_library(place.file)) },
    })
}

/// A function without type arguments and without the numbers of closures: `handle.func1.2` is `handle.func`.
fn function_name(function: &str) -> Cow<'_, str> {
    let is_plain = !function.contains('[') && !function.contains("func") && !function.contains(['·', '-']);
    if is_plain {
        return Cow::Borrowed(function);
    }
    let end = function.find(['·', '-']).unwrap_or(function.len());
    let mut name = String::with_capacity(function.len());
    line::push_without_brackets(function.get(..end).unwrap_or(function), &['['], &[']'], &mut name);
    let parts = name.split('.').map(|part| match part.strip_prefix("func") {
        Some(number) if line::is_number(number) => "func",
        _ => part,
    });
    let kept: Vec<&str> = parts.filter(|part| !line::is_number(part)).collect();
    Cow::Owned(kept.join("."))
}
