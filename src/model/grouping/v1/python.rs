//! Python: `File "/a/b.py", line 8, in handler`, innermost last, causes first.
//!
//! Exceptions of a group stand behind a margin of `|`; they count as causes of the group.

use std::borrow::Cow;

use super::{exception::Exception, frame::Frame, line, path};

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
        reader.read(line);
    }
    reader.finish();
    let mut top = Vec::new();
    let mut inside = Vec::new();
    for exception in reader.done {
        if exception.depth == 0 { top.push(exception) } else { inside.push(exception) }
    }
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
    fn read(&mut self, line: &'a str) {
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
        } else if let Some(frame) = frame(inner) {
            let open = self.open.get_or_insert_default();
            if let Some(frame) = frame {
                open.push_inner(frame);
            }
        } else if !line.starts_with([' ', '\t'])
            && let Some(mut exception) = self.open.take()
        {
            if let Some((kind, message)) = line::header(line) {
                (exception.kind, exception.message) = (kind, message);
            }
            self.open = Some(exception);
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

/// Reads `File "/a/b.py", line 8, in handler`. The inner `None` is a frame that does not count.
fn frame(line: &str) -> Option<Option<Frame<'_>>> {
    let (file, rest) = line::rsplit_once(line.strip_prefix("File \"")?, "\", line ")?;
    let (number, function) = line::split_once(rest, ", in ").unwrap_or((rest, ""));
    let number = number.trim();
    if !line::is_number(number) {
        return None;
    }
    let function = function.trim();
    let is_library = path::is_library(file);
    if is_runtime(file, function) {
        return Some(None);
    }
    Some(Some(Frame { file, line: number, module: Cow::Borrowed(""), function: Cow::Borrowed(function), is_library }))
}

/// Frames of the interpreter and of the SDK that took the stack; comprehensions too, which newer versions do not show.
fn is_runtime(file: &str, function: &str) -> bool {
    if file.starts_with("<frozen ") || matches!(function, "<listcomp>" | "<dictcomp>" | "<setcomp>") {
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
