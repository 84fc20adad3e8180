//! Log entries as the published `tracehub-logger` sends them: a JSON array of objects, in Python's dialect.
//!
//! Its clients throw away, or park for ever, what is answered with an error, so almost nothing is one: every field is
//! coerced, a bad entry costs itself alone, and what an array cut short still held is kept. One object, and one a line,
//! are taken as well. Knows nothing of HTTP; compression is undone before.

mod entry;
mod level;
mod size;
mod time;

use bytes::Bytes;

use super::python_json::{Fault, Node, Scanner};
use crate::model::{Batch, Nanos, Rejection, value::MAX_VALUE_DEPTH};

pub use entry::{TIME_SOURCE_ATTRIBUTE, TRUNCATED_ATTRIBUTE};

use entry::Entries;

/// Most entries of one request; they take more room than the bytes they came in.
pub const MAX_ENTRIES: usize = 500_000;
/// Rejections that are told one by one; the rest is a count.
pub const MAX_ERRORS: usize = 100;

/// Containers within each other in an entry: the entry, its `extra`, and then as deep as values go.
const MAX_DEPTH: usize = MAX_VALUE_DEPTH + 2;
/// Most values an entry is made of; more than fit into one that is not cut for its size anyway.
const MAX_ENTRY_NODES: usize = 1 << 18;
/// Most values of all entries together, which bounds what a small hostile body becomes in memory.
const MAX_NODES: usize = 8 << 20;

/// What a request held.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// The entries as log records, in the order sent.
    pub batch: Batch,
    /// How many entries were not taken.
    pub rejected: usize,
    /// Why, of the first [`MAX_ERRORS`] of them, in the order sent.
    pub errors: Vec<Rejection>,
    /// How many records had no time of their own and got the one of their arrival.
    pub untimed: usize,
}

/// Why nothing of a request was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There is nothing in it.
    #[error("the body is empty; send a JSON array of log entries, one entry, or one entry a line")]
    Empty,
    /// Neither an array, nor an object, nor objects on lines of their own.
    #[error("send a JSON array of log entries, one entry, or one entry a line; {0}")]
    NotEntries(String),
    /// More than [`MAX_ENTRIES`].
    #[error("there are more than {MAX_ENTRIES} log entries in the request; send fewer at once")]
    TooMany,
}

/// Reads a request. Entries without a usable time get `received`. Text shares `body`'s buffer wherever it stands in it
/// as it is; bytes that are not UTF-8 become replacement characters.
///
/// # Errors
/// See [`DecodeError`]; an entry that cannot be taken is none of them.
pub fn entries(body: &Bytes, received: Nanos) -> Result<Decoded, DecodeError> {
    let body = in_utf8(body);
    let text = std::str::from_utf8(&body).unwrap_or_default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.bytes().all(|byte| byte.is_ascii_whitespace()) {
        return Err(DecodeError::Empty);
    }
    let mut request = Request::new(&body, received);
    if request.document(text)? == Reading::Broken {
        request = Request::new(&body, received);
        request.lines(text)?;
    }
    request.finish()
}

/// The body with everything that is not UTF-8 replaced; not copied when there is nothing to replace.
fn in_utf8(body: &Bytes) -> Bytes {
    match String::from_utf8_lossy(body) {
        std::borrow::Cow::Borrowed(_) => body.clone(),
        std::borrow::Cow::Owned(mended) => Bytes::from(mended),
    }
}

/// Whether a text could be read to its end.
#[derive(Debug, PartialEq, Eq)]
enum Reading {
    Whole,
    Broken,
}

/// The entries read so far.
struct Request<'b> {
    entries: Entries<'b>,
    rejected: usize,
    errors: Vec<Rejection>,
    nodes_left: usize,
    /// Whether there was an array, which may be empty or hold nothing but bad entries.
    has_array: bool,
    /// The first thing that is not JSON, or no place for an entry.
    first_fault: Option<String>,
}

impl<'b> Request<'b> {
    fn new(body: &'b Bytes, received: Nanos) -> Request<'b> {
        Request {
            entries: Entries::new(body, received),
            rejected: 0,
            errors: Vec::new(),
            nodes_left: MAX_NODES,
            has_array: false,
            first_fault: None,
        }
    }

    /// Reads arrays and objects one after the other, as far as they are well-formed.
    fn document(&mut self, text: &str) -> Result<Reading, DecodeError> {
        let mut scanner = self.scanner(text);
        loop {
            scanner.skip_space();
            match scanner.peek() {
                None => return Ok(Reading::Whole),
                Some(b'[') => {
                    if !self.array(&mut scanner)? {
                        return Ok(Reading::Whole);
                    }
                }
                Some(_) => match self.value(&mut scanner) {
                    Ok(node) => self.take_alone(node)?,
                    Err(fault) if self.has_array => {
                        self.reject_fault(fault, 0)?;
                        return Ok(Reading::Whole);
                    }
                    Err(_) => return Ok(Reading::Broken),
                },
            }
        }
    }

    /// Reads each line as a document of its own.
    fn lines(&mut self, text: &str) -> Result<(), DecodeError> {
        for line in text.split('\n').map(str::trim).filter(|line| !line.is_empty()) {
            let mut scanner = self.scanner(line);
            let value = self.value(&mut scanner).and_then(|node| {
                scanner.skip_space();
                if scanner.peek().is_none() { Ok(node) } else { Err(scanner.fault("Extra data")) }
            });
            match value {
                Ok(node) => self.take_alone(node)?,
                Err(fault) => self.reject_fault(fault, 0)?,
            }
        }
        Ok(())
    }

    /// Reads an array element by element; false when the text ended within it. An element that is not JSON is passed
    /// over up to the comma behind it.
    fn array(&mut self, scanner: &mut Scanner<'_>) -> Result<bool, DecodeError> {
        self.has_array = true;
        scanner.step();
        loop {
            scanner.skip_space();
            match scanner.peek() {
                None => {
                    self.note("the array does not end");
                    return Ok(false);
                }
                Some(b']') => {
                    scanner.step();
                    return Ok(true);
                }
                Some(_) => {}
            }
            let start = scanner.at();
            match self.element(scanner) {
                Ok(node) => self.take(node)?,
                Err(fault) => {
                    self.reject_fault(fault, start)?;
                    if !scanner.skip_element(start) {
                        return Ok(false);
                    }
                }
            }
            if scanner.peek() == Some(b',') {
                scanner.step();
            }
        }
    }

    /// One element and the white space behind it.
    fn element<'t>(&mut self, scanner: &mut Scanner<'t>) -> Result<Node<'t>, Fault> {
        let node = self.value(scanner)?;
        scanner.skip_space();
        match scanner.peek() {
            Some(b',' | b']') => Ok(node),
            _ => Err(scanner.fault("Expecting ',' delimiter")),
        }
    }

    fn scanner<'t>(&self, text: &'t str) -> Scanner<'t> {
        Scanner::lenient(text, MAX_DEPTH, 0)
    }

    /// One value, made of no more others than are left.
    fn value<'t>(&mut self, scanner: &mut Scanner<'t>) -> Result<Node<'t>, Fault> {
        let nodes = MAX_ENTRY_NODES.min(self.nodes_left);
        scanner.refill(nodes);
        let node = scanner.value(0);
        let (left, is_cut) = scanner.left();
        self.nodes_left -= nodes - left;
        self.entries.is_cut = is_cut;
        node
    }

    /// Takes a value that stands in no array.
    fn take_alone(&mut self, node: Node<'_>) -> Result<(), DecodeError> {
        match node {
            Node::List(elements) => {
                self.has_array = true;
                elements.into_iter().try_for_each(|element| self.take(element))
            }
            Node::Dict(_) => self.take(node),
            other => {
                self.note(&format!("this is {}", kind(&other)));
                self.take(other)
            }
        }
    }

    fn take(&mut self, node: Node<'_>) -> Result<(), DecodeError> {
        match node {
            Node::Dict(pairs) => {
                self.entries.take(pairs);
                self.check_count()
            }
            other => self.reject(|| format!("an entry is an object, and this is {}", kind(&other))),
        }
    }

    /// `start` is where the entry begins.
    fn reject_fault(&mut self, fault: Fault, start: usize) -> Result<(), DecodeError> {
        let reason = match fault {
            Fault::Syntax { message, at } => {
                format!("it is not JSON: {message}, byte {} of the entry", at.saturating_sub(start))
            }
            Fault::Excessive => "it is nested too deep".to_owned(),
        };
        self.note(&reason);
        self.reject(|| reason)
    }

    fn reject(&mut self, reason: impl FnOnce() -> String) -> Result<(), DecodeError> {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(Rejection { index: self.entries.logs.len() + self.rejected, reason: reason() });
        }
        self.rejected += 1;
        self.check_count()
    }

    fn check_count(&self) -> Result<(), DecodeError> {
        if self.entries.logs.len() + self.rejected > MAX_ENTRIES { Err(DecodeError::TooMany) } else { Ok(()) }
    }

    fn note(&mut self, fault: &str) {
        self.first_fault.get_or_insert_with(|| fault.to_owned());
    }

    /// Nothing but faults is no request, so that whoever sent it keeps it.
    fn finish(self) -> Result<Decoded, DecodeError> {
        let Request { entries, rejected, errors, first_fault, .. } = self;
        match first_fault {
            Some(fault) if entries.logs.is_empty() => Err(DecodeError::NotEntries(fault)),
            _ => Ok(Decoded {
                untimed: entries.untimed,
                batch: Batch { logs: entries.logs, ..Batch::default() },
                rejected,
                errors,
            }),
        }
    }
}

/// What a value is, in words.
fn kind(node: &Node<'_>) -> &'static str {
    match node {
        Node::Null => "null",
        Node::Bool(_) => "true or false",
        Node::Int(_) | Node::Float(_) => "a number",
        Node::Text(_) => "text",
        Node::List(_) => "an array",
        Node::Deep(_) => "nested too deep",
        Node::Dict(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
