//! Version 1 of the algorithm: from the texts of an error to its fingerprint and what it was made of.
//!
//! A fingerprint is for ever, so this module is frozen once it is out: whatever would change a result is a new version
//! beside it. It therefore imports nothing of the rest of the program but the reader of stack traces, whose results are
//! pinned by the tests here; plain texts go in and come out.

mod name;
mod normalise;
mod path;

use std::borrow::Cow;

use name::{UNIT, frame_names, frame_numbers, short_type};
use normalise::normalise;
use sha2::{Digest, Sha256};

use crate::model::stack::{self, Exception, head};

/// The number of this version; the first thing that is hashed.
pub const ALGORITHM: u32 = 1;
/// How many frames of the exception count.
const FRAMES: usize = 5;
/// How many causes of the exception count.
const CAUSES: usize = 10;
/// How much of the name of a type counts.
const MAX_TYPE_BYTES: usize = 512;
/// What of a program's own fingerprint counts.
const CUSTOM_PARTS: usize = 32;
/// The part of a program's own fingerprint that stands for what would have been hashed without it.
const DEFAULT: &str = "default";

/// What is known of an error; empty texts are not known.
#[derive(Debug, Clone, Default)]
pub struct Occurrence<'a> {
    /// The type as the sender named it.
    pub error_type: Cow<'a, str>,
    /// The message of the error itself.
    pub error_message: Cow<'a, str>,
    /// What the program said about the error.
    pub message: Cow<'a, str>,
    /// The stack trace in whatever form the language prints it.
    pub stack_trace: Cow<'a, str>,
    /// The program's own fingerprint.
    pub custom: Vec<Cow<'a, str>>,
}

/// What an error was found to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    /// SHA-256 of the parts.
    pub fingerprint: [u8; 32],
    /// The type in full: as the sender named it, else as the stack trace begins or ends with it.
    pub full_type: String,
    /// The message that counts, as it was sent.
    pub message: String,
    /// The first line of the message with everything that varies replaced.
    pub pattern: String,
    /// Where it happened, for reading: file, line and function of the frame of the application nearest to the error.
    pub culprit: String,
    /// Hashed: the type without its module.
    pub error_type: String,
    /// Hashed: the message with everything that varies replaced; `<int>`, `<float>`, `<hex>` and `<id>` count as one.
    pub text: String,
    /// Hashed: module and function of the frames that count, innermost first.
    pub frames: Vec<String>,
    /// Hashed: type and first frame of each cause, outer to root.
    pub causes: Vec<String>,
    /// Hashed: the program's own fingerprint.
    pub custom: Vec<String>,
    /// Not hashed: every frame that was read, those of libraries too, innermost first, each as one number. Good for
    /// comparing stacks within one run of the program only.
    pub stack: Vec<u64>,
}

/// Finds out what an error is. Takes time linear in the length of the texts, and never fails.
pub fn group(error: &Occurrence<'_>) -> Parts {
    let stack = stack::cut(stack_trace(error));
    let exceptions = stack::parse(&stack);
    let outermost = exceptions.first();
    let in_stack = outermost.map_or(("", ""), |exception| (exception.kind, exception.message));
    let full_type = first_known(&error.error_type, "", in_stack.0).lines().next().unwrap_or_default();
    let full_type = head(full_type, MAX_TYPE_BYTES);
    let said = if is_trace(&error.message) { "" } else { &error.message };
    let message = first_known(&error.error_message, said, in_stack.1);
    let text = normalise(message);
    let mut parts = Parts {
        pattern: text.lines().next().unwrap_or_default().to_owned(),
        full_type: full_type.to_owned(),
        message: head(message, normalise::MAX_BYTES).to_owned(),
        culprit: exceptions.iter().find_map(Exception::culprit).unwrap_or_default(),
        error_type: short_type(full_type).to_owned(),
        text,
        frames: outermost.map(|exception| frame_names(exception, FRAMES)).unwrap_or_default(),
        causes: exceptions.iter().skip(1).take(CAUSES).map(cause).collect(),
        stack: outermost.map(frame_numbers).unwrap_or_default(),
        ..Parts::default()
    };
    parts.fingerprint = hash(&parts);
    match custom(&error.custom) {
        own if own.is_empty() => parts,
        own => with_custom(parts, own),
    }
}

/// The stack trace; some programs write it into the message.
fn stack_trace<'a>(error: &'a Occurrence<'_>) -> &'a str {
    let is_in_message = error.stack_trace.trim().is_empty() && is_trace(&error.message);
    if is_in_message { &error.message } else { &error.stack_trace }
}

/// Whether a message is nothing but a trace of Python, whose first lines are the same for every error.
fn is_trace(message: &str) -> bool {
    message.starts_with("Traceback (most recent call last):\n")
}

/// The first of three texts that is more than white space.
fn first_known<'a>(one: &'a str, two: &'a str, three: &'a str) -> &'a str {
    [one, two, three].into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default().trim()
}

/// A cause as it counts.
fn cause(exception: &Exception<'_>) -> String {
    if exception.kind.is_empty() && exception.frames.is_empty() {
        return normalise(exception.message);
    }
    let kind = short_type(exception.kind);
    frame_names(exception, 1).into_iter().next().map_or_else(|| kind.to_owned(), |frame| format!("{kind}{UNIT}{frame}"))
}

/// Between items, and between parts of what is hashed, as [`UNIT`] between the fields of an item: no two splits of one
/// text may be alike.
const GROUP: &str = "\u{1d}";
const RECORD: &str = "\u{1e}";

fn hash(parts: &Parts) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(ALGORITHM.to_string());
    for part in [&parts.error_type, &normalise::without_shapes(&parts.text)] {
        hash.update(RECORD);
        hash.update(part);
    }
    for list in [&parts.frames, &parts.causes] {
        hash.update(RECORD);
        for item in list {
            hash.update(item);
            hash.update(GROUP);
        }
    }
    hash.finalize().into()
}

/// The parts a program gave, without empty ones.
fn custom(given: &[Cow<'_, str>]) -> Vec<String> {
    let known = given.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    known.take(CUSTOM_PARTS).map(|part| head(part, normalise::MAX_BYTES).to_owned()).collect()
}

/// An error under the program's own fingerprint: what was not hashed after all is not listed.
fn with_custom(mut parts: Parts, own: Vec<String>) -> Parts {
    let mut hash = Sha256::new();
    hash.update(format!("{ALGORITHM}{RECORD}custom"));
    let mut has_default = false;
    for part in &own {
        hash.update(RECORD);
        let inside = part.strip_prefix("{{").and_then(|part| part.strip_suffix("}}"));
        if inside.is_some_and(|inside| inside.trim() == DEFAULT) {
            has_default = true;
            hash.update(GROUP);
            hash.update(parts.fingerprint);
        } else {
            hash.update(part);
        }
    }
    parts.fingerprint = hash.finalize().into();
    if !has_default {
        parts.error_type.clear();
        parts.text.clear();
        parts.frames.clear();
        parts.causes.clear();
    }
    parts.custom = own;
    parts
}

#[cfg(test)]
mod tests;
