//! PHP: `#0 /a/F.php(73): Ns\Cls->m('arg', Array)`, with the place of the call, not of the function.
//!
//! Innermost first within an exception, and the root before what it caused: `Next Ex: …`.

use std::borrow::Cow;

use crate::model::stack::library::is_library_file;
use crate::model::stack::{Exception, Frame, Owner, Place, line};

/// Whether a line is a frame of a PHP trace.
pub fn is_shaped(line: &str) -> bool {
    read_call(line.trim()).is_some()
}

/// The frame a line tells of, at the place of the call; calls by the language itself have none.
pub fn frame<'a>(line: &'a str, _below: &'a str) -> Option<Frame<'a>> {
    let (called_at, call) = read_call(line.trim())?;
    let frame = function(call, called_at);
    Some(if called_at == Place::default() { Frame { owner: Owner::Runtime, ..frame } } else { frame })
}

/// The exceptions of a PHP trace, outermost first.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut exceptions = vec![Exception::default()];
    // Where the function of the next frame was.
    let mut place = Place::default();
    for line in text.lines() {
        let inner = line.trim();
        let Some(open) = exceptions.last_mut() else { break };
        if let Some((called_at, call)) = read_call(inner) {
            open.push(function(call, place));
            place = called_at;
            continue;
        }
        if inner.starts_with("Next ") && !open.is_empty() {
            exceptions.push(Exception::default());
        }
        let Some(open) = exceptions.last_mut() else { break };
        if !open.frames.is_empty() {
            continue;
        }
        if open.kind.is_empty()
            && let Some((kind, message)) = line::header(without_prefix(inner))
        {
            open.kind = kind;
            open.message = message;
        }
        if let Some((_, thrown_at)) = inner.rsplit_once(" in ")
            && let Some((file, line)) = line::number_at_end(thrown_at)
        {
            place = Place::new(file, line);
            let message = open.message.strip_suffix(thrown_at).unwrap_or(open.message);
            open.message = message.strip_suffix(" in ").unwrap_or(message);
        }
    }
    exceptions.reverse();
    exceptions
}

/// `Ex: message` of `PHP Fatal error:  Uncaught Ex: message` and of `Next Ex: message`.
fn without_prefix(line: &str) -> &str {
    let line = line.split_once("Uncaught ").map_or(line, |(_, rest)| rest);
    line.strip_prefix("Next ").unwrap_or(line)
}

/// Place and call of `#0 /a/F.php(73): m()`.
fn read_call(line: &str) -> Option<(Place<'_>, &str)> {
    let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
    if !line::is_number(number) {
        return None;
    }
    if rest.starts_with("{main}") {
        return Some((Place::default(), "{main}"));
    }
    if let Some(call) = rest.strip_prefix("[internal function]: ") {
        return Some((Place::default(), call));
    }
    let (place, call) = rest.split_once("): ")?;
    let (file, number) = place.rsplit_once('(')?;
    line::is_number(number).then_some((Place::new(file, number), call))
}

/// The frame of a call at a place; functions of the language have neither class nor place.
fn function<'a>(call: &'a str, place: Place<'a>) -> Frame<'a> {
    let name = call.find('(').filter(|_| !call.starts_with("{closure")).and_then(|end| call.get(..end)).unwrap_or(call);
    let split = name.split_once("->").or_else(|| name.split_once("::"));
    let (class, function) = split.unwrap_or(("", name));
    let function = if function.contains("{closure") { "{closure}" } else { function };
    let class = class.find("@anonymous").and_then(|end| class.get(..end + "@anonymous".len())).unwrap_or(class);
    let is_runtime = class.is_empty() && place.file.is_empty();
    Frame {
        place,
        module: Cow::Borrowed(class),
        function: Cow::Borrowed(function),
        call: name,
        owner: if is_runtime { Owner::Runtime } else { Owner::library_if(is_library_file(place.file)) },
    }
}
