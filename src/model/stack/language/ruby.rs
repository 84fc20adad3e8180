//! Ruby: ``app/order.rb:41:in `name'`` up to 3.3, `app/order.rb:41:in 'Order#name'` since.
//!
//! Innermost first; the first line also has message and type. Classes are left out, for older versions print none.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::model::stack::library::{is_ruby_library, names_of};
use crate::model::stack::{Exception, Frame, Owner, Place, line};

/// Functions of the core library that call blocks; older versions print them with the place of their caller, newer
/// ones with `<internal:array>`.
static ITERATORS: LazyLock<Vec<&str>> = LazyLock::new(|| names_of("ruby"));

/// Whether a line is a frame of a Ruby trace.
pub fn is_shaped(line: &str) -> bool {
    read_frame(line).is_some()
}

/// The frame a line tells of.
pub fn frame<'a>(line: &'a str, _below: &'a str) -> Option<Frame<'a>> {
    read_frame(line).map(|(frame, _)| frame)
}

/// The exceptions of a Ruby trace, outermost first.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    // Versions 2.5 to 2.7 could print the innermost last.
    let is_turned = text.trim_start().starts_with("Traceback (most recent call last)");
    let mut exceptions = vec![Exception::default()];
    for line in text.lines() {
        let Some(open) = exceptions.last_mut() else { break };
        let Some((frame, rest)) = read_frame(line) else {
            if open.is_empty()
                && let Some((kind, message)) = line::header(line)
            {
                (open.kind, open.message) = (kind, message);
            }
            continue;
        };
        if let Some(rest) = rest.strip_prefix(": ") {
            let (message, kind) = message_and_type(rest);
            if open.is_empty() || is_turned {
                (open.kind, open.message) = (kind, message);
            } else {
                exceptions.push(Exception::new(kind, message));
            }
        }
        let Some(open) = exceptions.last_mut() else { break };
        if is_turned {
            open.push_inner(frame);
        } else {
            push(open, frame);
        }
    }
    if is_turned {
        exceptions.iter_mut().for_each(Exception::turn);
    }
    exceptions
}

/// Adds a frame; one of the core library that only stood in for it goes.
fn push<'a>(exception: &mut Exception<'a>, frame: Frame<'a>) {
    let stands_in = |last: &&Frame<'a>| last.place == frame.place && ITERATORS.contains(&last.function.as_ref());
    if exception.frames.last().filter(stands_in).is_some() {
        exception.frames.pop();
    }
    exception.push(frame);
}

/// Reads ``from app/order.rb:41:in `name'`` and what stands behind it.
fn read_frame(line: &str) -> Option<(Frame<'_>, &str)> {
    if !line.contains('\'') {
        return None;
    }
    let inner = line.trim_start();
    let has_number = inner.starts_with(|c: char| c.is_ascii_digit());
    let turned = line::split_once(inner, ": from ").filter(|(number, _)| has_number && line::is_number(number));
    let inner = turned.map_or(inner, |(_, rest)| rest);
    let inner = inner.strip_prefix("from ").unwrap_or(inner);
    let (place, rest) = line::split_once(inner, ":in ")?;
    let (file, number) = line::number_at_end(place)?;
    let rest = rest.strip_prefix(['`', '\''])?;
    let (function, rest) = rest.split_once('\'')?;
    if file.is_empty() || file.starts_with(' ') {
        return None;
    }
    let is_runtime = file.starts_with("<internal:");
    let frame = Frame {
        place: Place::new(file, number),
        function: Cow::Borrowed(name(function)),
        call: function,
        owner: if is_runtime { Owner::Runtime } else { Owner::library_if(is_ruby_library(file)) },
        ..Frame::default()
    };
    Some((frame, rest))
}

/// The function a block or a rescue stands in, without its class.
fn name(function: &str) -> &str {
    let function = line::rsplit_once(function, " in ").map_or(function, |(_, function)| function);
    if function.starts_with('<') {
        return function;
    }
    let function = function.rsplit_once(['#', '.']).map_or(function, |(_, function)| function);
    // Compiled templates carry a hash of their text.
    let has_number = |rest: &str| rest.trim_start_matches(['_', '-']).starts_with(|c: char| c.is_ascii_digit());
    match function.rfind("__").and_then(|start| function.split_at_checked(start)) {
        Some((template, rest)) if has_number(rest) => template,
        _ => function,
    }
}

/// Splits `cannot find 12 (Order::Missing)`.
fn message_and_type(text: &str) -> (&str, &str) {
    let split = text.trim_end().strip_suffix(')').and_then(|text| text.rsplit_once('('));
    match split {
        Some((message, kind)) if line::is_type(kind) => (message.trim_end(), kind),
        _ => (text, ""),
    }
}
