//! C# and what else runs on .NET: `at Ns.Cls.Method(Type a) in /src/F.cs:line 42`.
//!
//! Innermost first. ` ---> Inner: message` opens an inner exception whose frames come before those of the outer one.

use std::borrow::Cow;

use crate::model::stack::library::is_csharp_library;
use crate::model::stack::{Exception, Frame, Owner, Place, line};

/// What the compiler and the runtime put between two functions of a program.
const RUNTIME: [&str; 4] = [
    "System.Runtime.ExceptionServices.",
    "System.Runtime.CompilerServices.",
    "System.Threading.ExecutionContext.",
    "lambda_method",
];

/// Whether a line is a frame of a .NET trace.
pub fn is_shaped(line: &str) -> bool {
    pieces(line.trim()).is_some()
}

/// The exceptions of a .NET trace, outermost first.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut exceptions = vec![Exception::default()];
    // The exceptions that are open, by their places.
    let mut open = vec![0];
    for line in text.lines() {
        let inner = line.trim();
        if let Some(frame) = frame(inner, "") {
            if let Some(exception) = open.last().and_then(|place| exceptions.get_mut(*place)) {
                exception.push(frame);
            }
        } else if inner.starts_with("--- End of inner exception") || inner.ends_with("<---") {
            if open.len() > 1 {
                open.pop();
            }
        } else if inner.starts_with("--- End of") {
        } else if let Some(headers) = inner.strip_prefix("---> ") {
            headers.split(" ---> ").for_each(|header| begin(&mut exceptions, &mut open, header));
        } else if let Some(outer) = exceptions.first_mut().filter(|outer| outer.is_empty()) {
            let mut headers = inner.split(" ---> ");
            (outer.kind, outer.message) = headers.next().and_then(line::header).unwrap_or_default();
            headers.for_each(|header| begin(&mut exceptions, &mut open, header));
        }
    }
    exceptions
}

/// Opens an inner exception.
fn begin<'a>(exceptions: &mut Vec<Exception<'a>>, open: &mut Vec<usize>, header: &'a str) {
    let header = header
        .strip_prefix("(Inner Exception #")
        .and_then(|rest| rest.split_once(") "))
        .map_or(header, |(_, rest)| rest);
    let (kind, message) = line::header(header).unwrap_or_default();
    open.push(exceptions.len());
    exceptions.push(Exception::new(kind, message));
}

/// Name and place of `at Ns.Cls.Method(Type a) in /src/F.cs:line 42`; the place is empty when there is none.
fn pieces(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("at ")?.split_once('(')?;
    let (_, rest) = rest.split_once(')')?;
    let name = name.trim_end();
    let place = line::split_once(rest, " in ").map_or("", |(_, place)| place.trim());
    let is_frame =
        !name.is_empty() && !name.contains([' ', '/', '\\']) && (rest.trim().is_empty() || !place.is_empty());
    is_frame.then_some((name, place))
}

/// The frame a line tells of.
pub fn frame<'a>(line: &'a str, _below: &'a str) -> Option<Frame<'a>> {
    let (call, place) = pieces(line.trim())?;
    let split = line::rsplit_once(place, ":line ").or_else(|| line::number_at_end(place));
    let (file, number) = split.unwrap_or((place, ""));
    let (module, function) = names(call);
    let is_runtime = line::starts_with_any(call, &RUNTIME);
    Some(Frame {
        place: if file.starts_with('<') { Place::default() } else { Place::new(file, number) },
        module: Cow::Owned(module),
        function: Cow::Owned(function),
        call,
        owner: if is_runtime { Owner::Runtime } else { Owner::library_if(is_csharp_library(call)) },
    })
}

/// Class and function of a name. What the compiler makes of asynchronous functions, lambdas and local functions goes by
/// the function they were written in: `Cls.<RunAsync>d__3.MoveNext` is `Cls.RunAsync`.
fn names(name: &str) -> (String, String) {
    let mut plain = String::with_capacity(name.len());
    line::push_without_brackets(name, &['['], &[']'], &mut plain);
    let mut parts: Vec<&str> = Vec::new();
    let mut is_made = false;
    for part in plain.split(['.', '+']).filter(|part| !part.is_empty()) {
        let part = part.split_once('`').map_or(part, |(part, _)| part);
        match part.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            Some(("", _)) => {}
            Some((written, _)) => {
                is_made = true;
                parts.push(written);
            }
            None if is_made && part == "MoveNext" => {}
            None => parts.push(part),
        }
    }
    let function = parts.pop().unwrap_or_default().to_owned();
    (parts.join("."), function)
}
