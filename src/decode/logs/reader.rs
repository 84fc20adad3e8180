//! Reads a request part by part, so that however many entries a small body becomes, their records are never all in
//! memory at once, and whoever else writes waits for no more than one part.

use std::borrow::Cow;

use bytes::Bytes;

use super::entry::Entries;
use super::error::{DecodeError, MAX_ENTRIES, MAX_ERRORS};
use crate::decode::json_text;
use crate::decode::mended::Mended;
use crate::decode::python_json::{Fault, Node, Scanner};
use crate::model::value::MAX_VALUE_DEPTH;
use crate::model::{Batch, Nanos, Rejection, Text};

/// A part ends behind this many entries.
const PART_ENTRIES: usize = 16 << 10;
/// A part ends behind this many bytes of the body.
const PART_BYTES: usize = 8 << 20;
/// A part may become so many times as large so as not to end among entries of the same time: of those, two with the same
/// content are two, but only within one write.
const STRETCH: usize = 4;

/// Containers within each other in an entry: the entry, its `extra`, and then as deep as values go.
const MAX_DEPTH: usize = MAX_VALUE_DEPTH + 2;
/// Most values an entry is made of; more than fit into one that is not cut for its size anyway.
const MAX_ENTRY_NODES: usize = 1 << 18;
/// Most values of a part.
const MAX_PART_NODES: usize = 2 * MAX_ENTRY_NODES;

/// About the memory that a value takes.
const NODE_BYTES: usize = 96;
/// About the memory that an entry takes.
const ENTRY_BYTES: usize = 384;
/// About the most memory that the records of a part take, besides the text they share with the body.
pub const MAX_PART_BYTES: usize = MAX_PART_NODES * NODE_BYTES + STRETCH * PART_ENTRIES * ENTRY_BYTES;

/// About the memory that all records of a body take at most, besides the text they share with it.
pub fn record_bytes(body: &[u8]) -> usize {
    let (mut entries, mut nodes) = (0, 0);
    for byte in body {
        entries += usize::from(*byte == b'{');
        nodes += usize::from(matches!(byte, b',' | b'[' | b'{'));
    }
    nodes * NODE_BYTES + entries * ENTRY_BYTES
}

/// Some of the records of a request, which follow each other in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Part {
    /// The entries as log records, in the order sent.
    pub batch: Batch,
    /// How many of the records have no time of their own and got the one of their arrival.
    pub untimed: usize,
}

/// Reads a request part by part. Text shares the body's buffer wherever it stands in it as it is; bytes that are not
/// UTF-8 become replacement characters.
///
/// The same body always comes in the same parts, so that one sent again is known for that.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    body: Text,
    /// Offset of what is read next.
    at: usize,
    surroundings: Surroundings,
    entries: Entries,
    /// How many parts were handed out.
    parts: u64,
    /// How many entries were handed out.
    given: usize,
    rejected: usize,
    errors: Vec<Rejection>,
    mended: Mended,
    nodes_left: usize,
    /// Whether there was an array, which may be empty or hold nothing but bad entries.
    has_array: bool,
    /// The first thing that is not JSON, or no place for an entry.
    first_fault: Option<String>,
}

/// What surrounds the place at which a reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Surroundings {
    /// Nothing surrounds it: arrays and objects follow one after the other.
    #[default]
    Between,
    /// An array surrounds it.
    InArray,
    /// Something was no JSON, and from there on each line is a document of its own.
    OnLines,
    /// Nothing follows.
    End,
}

impl Reader {
    /// A reader at the beginning of a body.
    ///
    /// # Errors
    /// [`DecodeError::Empty`] and [`DecodeError::TooMany`].
    pub fn new(body: &Bytes) -> Result<Reader, DecodeError> {
        let (shared, mended) = into_utf8(body);
        let body = Text::from_utf8(shared.clone()).unwrap_or_default();
        if body.bytes().all(|byte| byte.is_ascii_whitespace()) {
            return Err(DecodeError::Empty);
        }
        let braces = body.bytes().filter(|byte| *byte == b'{').count();
        let reader = Reader { body, entries: Entries::new(shared), mended, ..Reader::default() };
        // Every entry has a brace, so it takes as many of them to make it worth finding out what is an entry.
        let is_too_many = braces > MAX_ENTRIES && reader.clone().count() > MAX_ENTRIES;
        if is_too_many { Err(DecodeError::TooMany) } else { Ok(reader) }
    }

    /// How many entries the request holds; of too many, some number that is too many.
    fn count(mut self) -> usize {
        while self.given <= MAX_ENTRIES && self.next_part(Nanos(1)).is_some() {}
        self.given
    }

    /// The next records; `None` when there are no more. Entries without a usable time get `received` and, lest those of
    /// different parts are taken for each other, a nanosecond for each part before.
    pub fn next_part(&mut self, received: Nanos) -> Option<Part> {
        let (body, start) = (self.body.clone(), self.at);
        self.entries.received = Nanos(received.0.saturating_add(self.parts));
        self.nodes_left = MAX_PART_NODES;
        while self.surroundings != Surroundings::End && !self.is_full(self.at - start) {
            if self.entries.logs.is_empty() {
                self.nodes_left = MAX_PART_NODES;
            }
            self.read_next(body.get(self.at..).unwrap_or_default());
        }
        let (logs, untimed) = self.entries.hand_out(self.surroundings != Surroundings::End);
        self.parts += 1;
        self.given += logs.len();
        let mut batch = Batch { logs, ..Batch::default() };
        self.mended.cuts += batch.cut_to_limits();
        (!batch.is_empty()).then_some(Part { batch, untimed })
    }

    /// Whether a part that `bytes` of the body went into should end here.
    fn is_full(&self, bytes: usize) -> bool {
        let exceeds = |times: usize| self.entries.logs.len() >= times * PART_ENTRIES || bytes >= times * PART_BYTES;
        match self.entries.logs.is_empty() {
            true => false,
            false if self.nodes_left < MAX_ENTRY_NODES || exceeds(STRETCH) => true,
            false => exceeds(1) && self.entries.may_end(),
        }
    }

    /// Reads one thing of what is left.
    fn read_next(&mut self, rest: &str) {
        let mut scanner = Scanner::lenient(rest, MAX_DEPTH, 0);
        self.surroundings = match self.surroundings {
            Surroundings::Between => self.read_document(&mut scanner),
            Surroundings::InArray => self.read_element(&mut scanner),
            Surroundings::OnLines => {
                let line = rest.split_inclusive('\n').next().unwrap_or_default();
                self.read_line(line.trim());
                scanner.at = line.len();
                if line.len() == rest.len() { Surroundings::End } else { Surroundings::OnLines }
            }
            Surroundings::End => Surroundings::End,
        };
        self.at += scanner.at;
    }

    /// Begins an array, or takes a value that stands in none.
    fn read_document(&mut self, scanner: &mut Scanner<'_>) -> Surroundings {
        scanner.skip_space();
        let start = scanner.at;
        match scanner.peek() {
            None => Surroundings::End,
            Some(b'[') => {
                self.has_array = true;
                scanner.at += 1;
                Surroundings::InArray
            }
            Some(_) => match self.read_value(scanner) {
                Ok(node) => {
                    self.add_lone_value(node);
                    Surroundings::Between
                }
                Err(fault) if self.has_array => {
                    self.reject_fault(fault, start);
                    Surroundings::End
                }
                Err(_) => {
                    scanner.at = start;
                    Surroundings::OnLines
                }
            },
        }
    }

    /// Takes one element of an array. One that is not JSON is passed over up to the comma behind it.
    fn read_element(&mut self, scanner: &mut Scanner<'_>) -> Surroundings {
        scanner.skip_space();
        match scanner.peek() {
            None => {
                self.note_fault("the array does not end");
                return Surroundings::End;
            }
            Some(b']') => {
                scanner.at += 1;
                return Surroundings::Between;
            }
            Some(_) => {}
        }
        let start = scanner.at;
        match self.read_element_value(scanner) {
            Ok(node) => self.add_element(node),
            Err(fault) => {
                self.reject_fault(fault, start);
                if !scanner.skip_element(start) {
                    return Surroundings::End;
                }
            }
        }
        if scanner.peek() == Some(b',') {
            scanner.at += 1;
        }
        Surroundings::InArray
    }

    /// One element and the white space behind it. Between two objects the comma may be missing.
    fn read_element_value<'t>(&mut self, scanner: &mut Scanner<'t>) -> Result<Node<'t>, Fault> {
        let node = self.read_value(scanner)?;
        scanner.skip_space();
        match scanner.peek() {
            Some(b',' | b']' | b'{') => Ok(node),
            _ => Err(scanner.fault("Expecting ',' delimiter")),
        }
    }

    /// Takes what a line of its own holds.
    fn read_line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        let mut scanner = Scanner::lenient(line, MAX_DEPTH, 0);
        let value = self.read_value(&mut scanner).and_then(|node| {
            scanner.skip_space();
            if scanner.peek().is_none() { Ok(node) } else { Err(scanner.fault("Extra data")) }
        });
        match value {
            Ok(node) => self.add_lone_value(node),
            Err(fault) => self.reject_fault(fault, 0),
        }
    }

    /// One value, made of no more others than are left.
    fn read_value<'t>(&mut self, scanner: &mut Scanner<'t>) -> Result<Node<'t>, Fault> {
        let nodes = MAX_ENTRY_NODES.min(self.nodes_left);
        scanner.refill(nodes);
        let node = scanner.value(0);
        self.mended.not_utf8 += scanner.take_replaced();
        let (left, is_cut) = scanner.left();
        self.nodes_left -= nodes - left;
        self.entries.is_cut = is_cut;
        node
    }

    /// Takes a value that stands in no array.
    fn add_lone_value(&mut self, node: Node<'_>) {
        match node {
            Node::List(elements) => {
                self.has_array = true;
                elements.into_iter().for_each(|element| self.add_element(element));
            }
            Node::Dict(_) => self.add_element(node),
            other => {
                self.note_fault(&format!("this is {}", describe_kind(&other)));
                self.add_element(other);
            }
        }
    }

    fn add_element(&mut self, node: Node<'_>) {
        match node {
            Node::Dict(pairs) => self.entries.add(pairs),
            other => self.reject(|| format!("an entry is an object, and this is {}", describe_kind(&other))),
        }
    }

    /// Rejects an entry that is not JSON; `start` is where it begins.
    fn reject_fault(&mut self, fault: Fault, start: usize) {
        let reason = match fault {
            Fault::Syntax { message, at } => {
                format!("it is not JSON: {message}, byte {} of the entry", at.saturating_sub(start))
            }
            Fault::Excessive => "it is nested too deep".to_owned(),
        };
        self.note_fault(&reason);
        self.reject(|| reason);
    }

    fn reject(&mut self, reason: impl FnOnce() -> String) {
        if self.errors.len() < MAX_ERRORS {
            let index = self.given + self.entries.logs.len() + self.rejected;
            self.errors.push(Rejection { index, reason: reason() });
        }
        self.rejected += 1;
    }

    fn note_fault(&mut self, fault: &str) {
        self.first_fault.get_or_insert_with(|| fault.to_owned());
    }

    /// What had to be changed in the entries of the parts read so far, so that they could be taken.
    pub fn mended(&self) -> Mended {
        self.mended
    }

    /// How many entries of the parts read so far were not taken, and why, of the first [`MAX_ERRORS`] of them.
    ///
    /// # Errors
    /// [`DecodeError::NotEntries`] when there was nothing but faults, so that whoever sent it keeps it.
    pub fn finish(self) -> Result<(usize, Vec<Rejection>), DecodeError> {
        match self.first_fault {
            Some(fault) if self.given == 0 => Err(DecodeError::NotEntries(fault)),
            _ => Ok((self.rejected, self.errors)),
        }
    }
}

/// The body with everything that is not UTF-8 replaced, and without a byte order mark; not copied when there is nothing
/// to replace.
fn into_utf8(body: &Bytes) -> (Bytes, Mended) {
    let body = body.slice_ref(json_text::without_mark(body));
    match json_text::to_utf8(&body) {
        (Cow::Borrowed(_), _) => (body, Mended::default()),
        (Cow::Owned(text), not_utf8) => {
            let copied_bytes = text.len();
            (Bytes::from(text), Mended { not_utf8, copied_bytes, ..Mended::default() })
        }
    }
}

/// What a value is, in words.
fn describe_kind(node: &Node<'_>) -> &'static str {
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
