//! PHP: `#0 /a/F.php(73): Ns\Cls->m('arg', Array)`, with the place of the call, not of the function.
//!
//! Innermost first within an exception, and the root before what it caused: `Next Ex: …`.

use std::borrow::Cow;

use super::{exception::Exception, frame::Frame, line, path};

/// Whether a line is a frame of a PHP trace.
pub fn is_shaped(line: &str) -> bool {
    frame(line.trim()).is_some()
}

/// The exceptions of a PHP trace, outermost first.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut exceptions = vec![Exception::default()];
    // Where the function of the next frame was.
    let mut place = ("", "");
    for line in text.lines() {
        let inner = line.trim();
        let Some(open) = exceptions.last_mut() else { break };
        if let Some((called_at, call)) = frame(inner) {
            if let Some(frame) = function(call, place) {
                open.push(frame);
            }
            place = called_at;
            continue;
        }
        let is_next = inner.starts_with("Next ");
        if is_next && !open.is_empty() {
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
            && let Some(at) = line::number_at_end(thrown_at)
        {
            place = at;
            open.message = open
                .message
                .strip_suffix(thrown_at)
                .map_or(open.message, |rest| rest.strip_suffix(" in ").unwrap_or(rest));
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
fn frame(line: &str) -> Option<((&str, &str), &str)> {
    let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
    if !line::is_number(number) {
        return None;
    }
    if rest.starts_with("{main}") {
        return Some((("", ""), "{main}"));
    }
    if let Some(call) = rest.strip_prefix("[internal function]: ") {
        return Some((("", ""), call));
    }
    let (file, rest) = rest.split_once("): ")?.0.rsplit_once('(').map(|(file, line)| ((file, line), rest))?;
    line::is_number(file.1).then_some(())?;
    Some((file, rest.split_once("): ").map_or("", |(_, call)| call)))
}

/// The frame of a call at the place where its function was; `None` for functions of the language.
fn function<'a>(call: &'a str, (file, number): (&'a str, &'a str)) -> Option<Frame<'a>> {
    let name = call.find('(').filter(|_| !call.starts_with("{closure")).and_then(|end| call.get(..end)).unwrap_or(call);
    let split = name.split_once("->").or_else(|| name.split_once("::"));
    let (class, function) = split.unwrap_or(("", name));
    if class.is_empty() && file.is_empty() {
        return None;
    }
    let function = if function.contains("{closure") { "{closure}" } else { function };
    let class = class.find("@anonymous").and_then(|end| class.get(..end + "@anonymous".len())).unwrap_or(class);
    Some(Frame {
        file,
        line: number,
        module: Cow::Borrowed(class),
        function: Cow::Borrowed(function),
        is_library: path::is_library(file),
    })
}
