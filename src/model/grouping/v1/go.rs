//! Go: `main.(*T).Fn(0xc0000b6000)` and on the next line `/src/x.go:87 +0x4b`.
//!
//! Innermost first. A trace taken while recovering begins with those who recover; the error is below the `panic`.

use std::borrow::Cow;

use super::{exception::Exception, frame::Frame, line, path};

/// First parts of the paths of packages of the standard library, as they stand in files built with `-trimpath`.
const STANDARD: [&str; 24] = [
    "bufio", "bytes", "compress", "context", "crypto", "database", "encoding", "errors", "fmt", "internal", "io",
    "log", "math", "net", "os", "reflect", "regexp", "sort", "strconv", "strings", "sync", "syscall", "testing",
    "time",
];

/// Whether a line is one of a Go trace.
pub fn is_shaped(line: &str) -> bool {
    (line.starts_with("goroutine ") && line.ends_with("]:")) || place(line).is_some()
}

/// The exception of a Go trace: one, of the first goroutine with frames.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut found = Exception::default();
    let mut previous = "";
    for line in text.lines() {
        if let Some((file, number)) = place(line) {
            if previous.starts_with("panic(") {
                found.frames.clear();
            } else if let Some(frame) = frame(previous, file, number) {
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

/// File and line of `\t/src/x.go:87 +0x4b`.
fn place(line: &str) -> Option<(&str, &str)> {
    let inner = line.strip_prefix(['\t', ' '])?.trim();
    let inner =
        inner.rsplit_once(' ').filter(|(_, offset)| offset.starts_with("+0x")).map_or(inner, |(place, _)| place);
    let (file, number) = line::number_at_end(inner)?;
    let is_source = [".go", ".s"].iter().any(|end| file.ends_with(end)) || file == "_cgo_gotypes";
    (is_source && !file.contains('(')).then_some((file, number))
}

/// The frame of a function, when it is not one of the runtime or the place where a goroutine was started.
fn frame<'a>(call: &'a str, file: &'a str, number: &'a str) -> Option<Frame<'a>> {
    let name = call.rfind('(').filter(|_| call.ends_with(')')).and_then(|start| call.get(..start)).unwrap_or(call);
    if name.is_empty() || name.starts_with("created by ") || name.contains(' ') {
        return None;
    }
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    let point = start + name.get(start..)?.find('.')?;
    let (package, function) = (name.get(..point)?, name.get(point + 1..)?);
    // Also the SDK that recorded the error.
    if package == "runtime" || package.starts_with("runtime/") || package.starts_with("go.opentelemetry.io/otel") {
        return None;
    }
    Some(Frame {
        file,
        line: number,
        module: Cow::Borrowed(package),
        function: function_name(function),
        is_library: is_library(file),
    })
}

fn is_library(file: &str) -> bool {
    let first = file.split('/').next().unwrap_or_default();
    path::is_library(file)
        || file.contains("/go/src/")
        || file.contains("/libexec/src/")
        || file.contains("@v")
        || STANDARD.contains(&first)
}

/// A function without type arguments and without the numbers of closures: `handle.func1.2` is `handle.func`.
fn function_name(function: &str) -> Cow<'_, str> {
    let is_plain = !function.contains('[') && !function.contains("func") && !function.contains(['·', '-']);
    if is_plain {
        return Cow::Borrowed(function);
    }
    let end = function.find(['·', '-']).unwrap_or(function.len());
    let mut name = String::with_capacity(function.len());
    let mut depth = 0usize;
    for c in function.get(..end).unwrap_or(function).chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            c if depth == 0 => name.push(c),
            _ => {}
        }
    }
    let parts = name.split('.').map(|part| match part.strip_prefix("func") {
        Some(number) if line::is_number(number) => "func",
        _ => part,
    });
    let kept: Vec<&str> = parts.filter(|part| !line::is_number(part)).collect();
    Cow::Owned(kept.join("."))
}
