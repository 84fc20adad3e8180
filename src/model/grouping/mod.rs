//! Which errors are the same error.
//!
//! A stack trace and a message go in, a fingerprint and what it was made of come out. This decides, and nothing else
//! does: it knows no store, and the same text has the same fingerprint everywhere and for ever.
//!
//! An exception that leaves several spans is recorded on each of them, with more of the stack each time. That is one
//! error, which [`of_spans`] finds out: it belongs to the issue of the longest stack, for that is what a log record and
//! a program with fewer spans tell of it too, and counts once. Hashing less of the stack instead would make one issue
//! of all that goes wrong in a function everybody calls.

mod spans;
mod v1;

use std::borrow::Cow;

pub use spans::{SpanError, of_spans};

use super::{Attributes, Fingerprint, IssueId, LogRecord, Resource, Span, Text, Value};

/// Attribute under which the project of a key stands on the resources of what was sent with it.
pub const PROJECT_ATTRIBUTE: &str = "tracehub.project";

/// What a fingerprint was made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Why {
    /// Version of the algorithm.
    pub algorithm: u32,
    /// The type of the error; empty for none.
    pub error_type: Text,
    /// The message with everything that varies replaced.
    pub text: Text,
    /// The frames that count, innermost first.
    pub frames: Vec<Text>,
    /// Type and first frame of each cause, outer to root.
    pub causes: Vec<Text>,
    /// The parts a program gave instead; empty when it left the choice to us.
    pub custom: Vec<Text>,
}

/// One error, grouped.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouping {
    /// What makes it the same as another.
    pub fingerprint: Fingerprint,
    /// The issue it belongs to.
    pub issue: IssueId,
    /// The type of the error, when it has one.
    pub error_type: Option<Text>,
    /// The first line of its message as it was sent.
    pub message: Text,
    /// The same with everything that varies replaced.
    pub message_pattern: Text,
    /// Where it happened: `payments/stripe.py in charge_card`.
    pub culprit: Option<Text>,
    /// The stack trace as it was sent.
    pub stack_trace: Option<Text>,
    /// What the fingerprint was made of.
    pub why: Why,
}

/// The error a log record tells of: one of level error or above, or one with an error's type, message or stack; `None`
/// for any other.
pub fn of_log(log: &LogRecord) -> Option<Grouping> {
    let mut error = occurrence(&log.attributes);
    let has_error = [&error.error_type, &error.error_message, &error.stack_trace].iter().any(|text| !text.is_empty());
    if !has_error && !log.is_error() {
        return None;
    }
    error.message = Cow::Borrowed(log.message.as_str());
    Some(grouping(&error, &log.attributes, &log.resource))
}

/// The errors recorded as exception events of a span, each once: what is caught and thrown again on its way out is one
/// error with a longer and longer stack.
pub fn of_span(span: &Span) -> Vec<Grouping> {
    of_spans(&[span]).into_iter().map(|error| error.grouping).collect()
}

impl Why {
    /// Whether two errors, recorded near each other, are one that was recorded twice, the second time further out: all
    /// but the frames is the same, and those of one are the innermost of the other.
    pub fn is_same_error(&self, other: &Why) -> bool {
        let (shorter, longer) = if self.frames.len() <= other.frames.len() { (self, other) } else { (other, self) };
        self.has_same_texts(other) && longer.frames.starts_with(&shorter.frames)
    }

    /// Whether all but the frames is the same.
    fn has_same_texts(&self, other: &Why) -> bool {
        self.error_type == other.error_type
            && self.text == other.text
            && self.causes == other.causes
            && self.custom == other.custom
    }
}

/// What attributes say of an error.
fn occurrence(attributes: &Attributes) -> v1::Occurrence<'_> {
    let text = |key: &str| attributes.get(key).and_then(plain_text).unwrap_or_default();
    let custom = match attributes.get("fingerprint") {
        Some(Value::Array(parts)) => parts.iter().filter_map(plain_text).collect(),
        Some(part) => plain_text(part).into_iter().collect(),
        None => Vec::new(),
    };
    v1::Occurrence {
        error_type: text("exception.type"),
        error_message: text("exception.message"),
        stack_trace: text("exception.stacktrace"),
        message: Cow::Borrowed(""),
        custom,
    }
}

/// A value as text: some programs send codes as messages.
fn plain_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text.as_str())),
        Value::Int(number) => Some(Cow::Owned(number.to_string())),
        Value::Double(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(is_true) => Some(Cow::Owned(is_true.to_string())),
        _ => None,
    }
}

fn grouping(error: &v1::Occurrence<'_>, attributes: &Attributes, resource: &Resource) -> Grouping {
    grouping_of(v1::group(error), attributes, resource)
}

fn grouping_of(parts: v1::Parts, attributes: &Attributes, resource: &Resource) -> Grouping {
    let known = |text: &str| (!text.is_empty()).then(|| Text::from(text));
    let texts = |list: &[String]| list.iter().map(|item| Text::from(item.replace('\u{1f}', " ").trim())).collect();
    let fingerprint = Fingerprint(parts.fingerprint);
    let project = resource.attributes.text(PROJECT_ATTRIBUTE).unwrap_or_default();
    let first_line = parts.message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let stack_trace = attributes.get("exception.stacktrace").and_then(|value| match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        _ => None,
    });
    Grouping {
        fingerprint,
        issue: IssueId::of(project, &resource.service, &fingerprint),
        error_type: known(&parts.full_type),
        message: Text::from(first_line),
        message_pattern: Text::from(parts.pattern),
        culprit: known(&parts.culprit).or_else(|| known(&source(attributes))),
        stack_trace,
        why: Why {
            algorithm: v1::ALGORITHM,
            error_type: Text::from(parts.error_type),
            text: Text::from(parts.text),
            frames: texts(&parts.frames),
            causes: texts(&parts.causes),
            custom: texts(&parts.custom),
        },
    }
}

#[cfg(test)]
mod tests;

/// Where a record was written, as its attributes have it: `payments/stripe.py:88 charge_card`, or only the module.
fn source(attributes: &Attributes) -> String {
    let first =
        |keys: &[&str]| keys.iter().find_map(|key| attributes.get(key).and_then(plain_text)).unwrap_or_default();
    let frame = v1::Frame {
        file: &first(&["code.file.path", "code.filepath"]),
        line: &first(&["code.line.number", "code.lineno"]),
        module: Cow::Borrowed(""),
        function: first(&["code.function.name", "code.function"]),
        is_library: false,
    };
    match frame.place() {
        place if place.is_empty() => first(&["code.namespace"]).into_owned(),
        place => place,
    }
}
