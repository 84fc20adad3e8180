//! One error, grouped: from the attributes of a record to its fingerprint, its issue and what people read of it.

use std::borrow::Cow;

use super::v1;
use super::why::Why;
use crate::model::stack::{Frame, Place};
use crate::model::{Attributes, Fingerprint, IssueId, LogRecord, Resource, Text, Value};

/// One error, grouped.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouping {
    /// What the error has in common with those that are the same.
    pub fingerprint: Fingerprint,
    /// The issue the error belongs to.
    pub issue: IssueId,
    /// The type of the error; `None` when it has none.
    pub error_type: Option<Text>,
    /// The first line of the error's message as it was sent.
    pub message: Text,
    /// The first line of the error's message with everything that varies replaced.
    pub message_pattern: Text,
    /// Where the error happened: `payments/stripe.py in charge_card`.
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
    Some(grouping_of(v1::group(&error), &log.attributes, &log.resource))
}

/// What attributes say of an error.
pub fn occurrence(attributes: &Attributes) -> v1::Occurrence<'_> {
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

/// What was found of an error, with the issue it makes in the service and project of its resource.
pub fn grouping_of(parts: v1::Parts, attributes: &Attributes, resource: &Resource) -> Grouping {
    let known = |text: &str| (!text.is_empty()).then(|| Text::from(text));
    let texts = |list: &[String]| list.iter().map(|item| Text::from(item.replace('\u{1f}', " ").trim())).collect();
    let fingerprint = Fingerprint(parts.fingerprint);
    let first_line = parts.message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let stack_trace = attributes.get("exception.stacktrace").and_then(|value| match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        _ => None,
    });
    Grouping {
        fingerprint,
        issue: IssueId::derive(resource.project(), &resource.service, &fingerprint),
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

/// Where a record was written, as its attributes have it: `payments/stripe.py:88 charge_card`, or only the module.
fn source(attributes: &Attributes) -> String {
    let first =
        |keys: &[&str]| keys.iter().find_map(|key| attributes.get(key).and_then(plain_text)).unwrap_or_default();
    let (file, line) = (first(&["code.file.path", "code.filepath"]), first(&["code.line.number", "code.lineno"]));
    let frame = Frame {
        place: Place::new(&file, &line),
        function: first(&["code.function.name", "code.function"]),
        ..Frame::default()
    };
    match frame.to_text() {
        place if place.is_empty() => first(&["code.namespace"]).into_owned(),
        place => place,
    }
}
