//! Python: `File "/a/b.py", line 8, in handler`, innermost last, causes first.
//!
//! Exceptions of a group stand behind a margin of `|`; they count as causes of the group.

use std::borrow::Cow;

use crate::model::stack::library::is_library_file;
use crate::model::stack::{Exception, Frame, Owner, Place, line};

const START: &str = "Traceback (most recent call last):";
const GROUP_START: &str = "Exception Group Traceback (most recent call last):";

/// Whether a line is one of a Python trace.
pub fn is_shaped(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '|', '+']);
    line.starts_with("File \"") || line.starts_with(START) || line.starts_with(GROUP_START)
}

/// The exceptions of a Python trace, outermost first.
pub fn parse(text: &str) -> Vec<Exception<'_>> {
    let mut reader = Reader { has_groups: text.contains(GROUP_START), ..Reader::default() };
    for line in text.lines() {
        reader.read_line(line);
    }
    reader.finish();
    let (mut top, inside): (Vec<_>, Vec<_>) = reader.done.into_iter().partition(|exception| exception.depth == 0);
    top.reverse();
    top.extend(inside);
    top
}

#[derive(Default)]
struct Reader<'a> {
    done: Vec<Exception<'a>>,
    /// The exception whose frames are being read.
    open: Option<Exception<'a>>,
    /// Whether frames may stand here: at the start and after a `Traceback`, not within a message.
    is_in_message: bool,
    has_groups: bool,
    /// Whether a rule of a group of exceptions was the line before.
    is_after_rule: bool,
}

impl<'a> Reader<'a> {
    fn read_line(&mut self, line: &'a str) {
        let (depth, line) = if self.has_groups { without_margin(line) } else { (0, line) };
        let inner = line.trim();
        if self.has_groups && inner.starts_with("+-") {
            self.finish();
            self.is_in_message = true;
            self.is_after_rule = true;
            return;
        }
        let is_first = std::mem::take(&mut self.is_after_rule);
        if inner == START || inner == GROUP_START {
            self.finish();
            self.open = Some(Exception { depth, ..Exception::default() });
            self.is_in_message = false;
        } else if is_first {
            // An exception that was never raised has no frames.
            let header = line::header(inner).filter(|(kind, _)| line::is_type(kind));
            self.done.extend(header.map(|(kind, message)| Exception { depth, ..Exception::new(kind, message) }));
        } else if self.is_in_message || inner.is_empty() {
        } else if let Some(frame) = read_frame(inner) {
            let open = self.open.get_or_insert_default();
            // Newer versions do not show comprehensions.
            if !matches!(frame.call, "<listcomp>" | "<dictcomp>" | "<setcomp>") {
                open.push_inner(frame);
            }
        } else if !line.starts_with([' ', '\t'])
            && let Some(open) = &mut self.open
        {
            if let Some((kind, message)) = line::header(line) {
                (open.kind, open.message) = (kind, message);
            }
            self.finish();
        }
    }

    /// Closes the exception that is being read; what follows is its message, until the next one starts.
    fn finish(&mut self) {
        if let Some(mut exception) = self.open.take() {
            exception.turn();
            self.done.push(exception);
            self.is_in_message = true;
        }
    }
}

/// How deep a line of a group of exceptions lies, and what stands behind its margin.
fn without_margin(line: &str) -> (usize, &str) {
    let inner = line.trim_start_matches(' ');
    let column = line.len() - inner.len();
    match inner.strip_prefix('|').or_else(|| inner.strip_prefix("+ ").filter(|rest| rest.starts_with(GROUP_START))) {
        Some(rest) if column <= 2 => (0, rest.strip_prefix(' ').unwrap_or(rest)),
        Some(rest) => (column, rest.strip_prefix(' ').unwrap_or(rest)),
        None => (0, line),
    }
}

/// The frame a line tells of, which may stand behind the margin of a group.
pub fn frame<'a>(line: &'a str, _below: &'a str) -> Option<Frame<'a>> {
    read_frame(line.trim_start_matches([' ', '\t', '|']).trim_end())
}

/// Reads `File "/a/b.py", line 8, in handler`.
fn read_frame(line: &str) -> Option<Frame<'_>> {
    let (file, rest) = line::rsplit_once(line.strip_prefix("File \"")?, "\", line ")?;
    let (number, function) = line::split_once(rest, ", in ").unwrap_or((rest, ""));
    let (number, function) = (number.trim(), function.trim());
    if !line::is_number(number) {
        return None;
    }
    Some(Frame {
        place: Place::new(file, number),
        function: Cow::Borrowed(function),
        call: function,
        owner: if is_runtime(file) { Owner::Runtime } else { Owner::library_if(is_library_file(file)) },
        ..Frame::default()
    })
}

/// Whether a file is one of the interpreter or of the SDK that took the stack.
fn is_runtime(file: &str) -> bool {
    if file.starts_with("<frozen ") {
        return true;
    }
    let mut before = "";
    let mut previous = "";
    for part in file.split(['/', '\\']) {
        let is_sdk = matches!(previous, "tracehub" | "opentelemetry") && before.ends_with("-packages");
        let is_logging =
            previous == "logging" && part == "__init__.py" && (before.starts_with("python") || before == "Lib");
        if is_sdk || is_logging || (previous == "tracehub" && part == "client.py") {
            return true;
        }
        (before, previous) = (previous, part);
    }
    false
}
