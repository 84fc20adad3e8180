//! Checkpoints as the published Python clients send them: `{"traces": […]}` and single records.
//!
//! Takes what the published server takes and refuses the rest in its words, so that its users can swap the server: its
//! JSON dialect, pydantic's coercions, and its validation errors to the letter. One invalid record refuses its batch.
//! Only text that is not UTF-8 is mended, as everywhere: a program cannot help what a file name of its host holds.
//! `tests/it/data/python` holds what the original answered and lists where we differ on purpose.

mod refusal;

use refusal::{DICT, FINITE, LIST, MISSING, MODEL, NUMBER, NUMBER_TEXT, PathStep, Rule, STRING};

use crate::decode::json_text;
use crate::decode::mended::Mended;
use crate::decode::python_json::{self, Fault, Node};
use crate::model::{Batch, Checkpoint, Direction, Text};

pub use refusal::{Problems, Refusal};

pub use crate::model::checkpoint::trace_id;

/// The host name given to a record that has none.
pub(crate) const UNKNOWN_HOST: Text = Text::from_static("unknown");

/// The records of a body, and what had to be changed in them; or why none was taken.
pub type Outcome = Result<(Vec<Checkpoint>, Mended), Refusal>;

/// Reads the body of `POST /ingest`; the records in the order they were sent, within the limits of records.
///
/// # Errors
/// [`Refusal`] when the body or any record in it is not valid.
pub fn batch(body: &[u8]) -> Outcome {
    read(body, |document, problems| Some(read_batch(document, problems)))
}

/// Reads the body of `POST /ingest/single`, as [`batch`] reads that of many.
///
/// # Errors
/// [`Refusal`] when it is not one valid record.
pub fn single(body: &[u8]) -> Outcome {
    read(body, |document, problems| Some(vec![read_record(document, &[PathStep::Key("body")], problems)?]))
}

fn read(body: &[u8], read_records: impl FnOnce(&Node<'_>, &mut Problems) -> Option<Vec<Checkpoint>>) -> Outcome {
    if body.is_empty() {
        return Err(refusal_of(MISSING, &Node::Null));
    }
    let (text, not_utf8) = json_text::to_utf8(json_text::without_mark(body));
    let (checkpoints, replaced) = read_text(&text, read_records).map_err(|refusal| match not_utf8 {
        0 => refusal,
        // What is wrong with a text that nobody sent would help nobody.
        _ => Refusal::Unreadable,
    })?;
    let mut batch = Batch { checkpoints, ..Batch::default() };
    let cuts = batch.cut_to_limits();
    // Every text of a checkpoint is a copy anyway.
    Ok((batch.checkpoints, Mended { not_utf8: not_utf8 + replaced, cuts, ..Mended::default() }))
}

/// A payload as the published server stored it, made into the compact JSON that [`batch`] yields; `None` for an empty object.
///
/// # Errors
/// The text itself when it is not a JSON object.
pub fn stored_data(text: &str) -> Result<Option<Text>, &str> {
    let document = python_json::parse(text).map_err(|_| text)?;
    read_data(&document).ok_or(text)
}

/// A payload as compact JSON, `None` for an empty object, which the original stores as none; nothing when it is neither
/// an object nor null.
fn read_data(node: &Node<'_>) -> Option<Option<Text>> {
    match node {
        Node::Null => Some(None),
        Node::Dict(pairs) if pairs.is_empty() => Some(None),
        Node::Dict(_) => {
            let mut compact = String::new();
            node.write(&mut compact);
            Some(Some(Text::from(compact)))
        }
        _ => None,
    }
}

/// Whether a body of this content type is read as JSON. One of another type, or of none, is a text to the original,
/// which it refuses: answer [`wrong_content_type`].
pub fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// The answer to a body of another content type than JSON's.
pub fn wrong_content_type(body: &[u8]) -> Refusal {
    match body {
        [] => refusal_of(MISSING, &Node::Null),
        body => refusal_of(MODEL, &Node::Text(String::from_utf8_lossy(body))),
    }
}

fn refusal_of(rule: Rule, input: &Node<'_>) -> Refusal {
    let mut problems = Problems::default();
    problems.add(rule, &[PathStep::Key("body")], input);
    problems.into_refusal()
}

/// The records of a text, and how many of its characters were replaced.
fn read_text(
    text: &str,
    read_records: impl FnOnce(&Node<'_>, &mut Problems) -> Option<Vec<Checkpoint>>,
) -> Result<(Vec<Checkpoint>, u64), Refusal> {
    let (document, replaced) = parse_document(text)?;
    let mut problems = Problems::default();
    let checkpoints = read_records(&document, &mut problems).unwrap_or_default();
    problems.check()?;
    Ok((checkpoints, replaced))
}

fn parse_document(text: &str) -> Result<(Node<'_>, u64), Refusal> {
    python_json::parse_counting(text).map_err(|fault| match fault {
        Fault::Excessive => Refusal::Unreadable,
        Fault::Syntax { message, at } => {
            // Python counts characters.
            let position = text.get(..at).unwrap_or(text).chars().count();
            let mut problems = Problems::default();
            problems.add_invalid_json(position, message);
            problems.into_refusal()
        }
    })
}

fn read_batch(document: &Node<'_>, problems: &mut Problems) -> Vec<Checkpoint> {
    const BODY: PathStep<'_> = PathStep::Key("body");
    const TRACES: PathStep<'_> = PathStep::Key("traces");
    let mut refuse = |rule, path: &[PathStep<'_>], input| -> &[Node<'_>] {
        problems.add(rule, path, input);
        &[]
    };
    let nodes = match document.get("traces") {
        Some(Node::List(nodes)) => nodes.as_slice(),
        Some(other) => refuse(LIST, &[BODY, TRACES], other),
        None if matches!(document, Node::Dict(_)) => refuse(MISSING, &[BODY, TRACES], document),
        None => refuse(MODEL, &[BODY], document),
    };
    let mut records = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        if problems.is_full() {
            break;
        }
        records.extend(read_record(node, &[BODY, TRACES, PathStep::Index(index)], problems));
    }
    records
}

/// Reads one record; `None` when it has problems, which are noted in the order of the original's fields.
fn read_record(node: &Node<'_>, path: &[PathStep<'_>], problems: &mut Problems) -> Option<Checkpoint> {
    if !matches!(node, Node::Dict(_)) {
        problems.add(MODEL, path, node);
        return None;
    }
    let mut fields = Fields { record: node, path, problems };
    // Every field is looked at before the first missing one ends it, so that all problems are told.
    let source_id = fields.text("source_id");
    let correlation_id = fields.text("correlation_id");
    let timestamp_ms = fields.timestamp();
    let suffix = fields.text("suffix");
    let direction = fields.text("direction");
    let operation = fields.text("operation");
    let endpoint = fields.text("endpoint");
    let data = fields.data();
    let hostname = match fields.record.get("hostname") {
        None => Some(UNKNOWN_HOST),
        Some(_) => fields.text("hostname"),
    };
    let raw_line = match fields.record.get("raw_line") {
        None | Some(Node::Null) => Some(None),
        Some(_) => fields.text("raw_line").map(Some),
    };
    let correlation_id = correlation_id?;
    Some(Checkpoint {
        source_id: source_id?,
        trace_id: trace_id(&correlation_id),
        correlation_id,
        timestamp_ms: timestamp_ms?,
        suffix: suffix?,
        direction: Direction::parse(&direction?),
        operation: operation?,
        endpoint: endpoint?,
        data: data?,
        hostname: hostname?,
        raw_line: raw_line?,
        project: Text::EMPTY,
    })
}

/// The fields of one record; each method notes what is wrong with its field and then answers `None`.
struct Fields<'r, 'a> {
    record: &'r Node<'a>,
    path: &'r [PathStep<'r>],
    problems: &'r mut Problems,
}

impl Fields<'_, '_> {
    fn text(&mut self, key: &str) -> Option<Text> {
        match self.record.get(key) {
            Some(Node::Text(text)) => Some(Text::from(text.as_ref())),
            Some(other) => self.note(STRING, key, other),
            None => self.note(MISSING, key, self.record),
        }
    }

    fn timestamp(&mut self) -> Option<f64> {
        const KEY: &str = "timestamp";
        let Some(node) = self.record.get(KEY) else { return self.note(MISSING, KEY, self.record) };
        let (number, otherwise) = match node {
            Node::Float(number) => (Some(*number), NUMBER),
            Node::Int(digits) => (digits.parse().ok().filter(|number: &f64| number.is_finite()), NUMBER),
            Node::Bool(value) => (Some(f64::from(u8::from(*value))), NUMBER),
            Node::Text(text) => (parse_number(text), NUMBER_TEXT),
            _ => (None, NUMBER),
        };
        match number {
            // The database of the original has no minus zero.
            Some(number) if number.is_finite() => Some(number + 0.0),
            // It loses a NaN and counts it as a duplicate, and an infinity makes the whole trace unreadable.
            Some(_) => self.note(FINITE, KEY, node),
            None => self.note(otherwise, KEY, node),
        }
    }

    fn data(&mut self) -> Option<Option<Text>> {
        let Some(node) = self.record.get("data") else { return Some(None) };
        read_data(node).or_else(|| self.note(DICT, "data", node))
    }

    fn note<T>(&mut self, rule: Rule, key: &str, input: &Node<'_>) -> Option<T> {
        let path: Vec<PathStep<'_>> = self.path.iter().copied().chain([PathStep::Key(key)]).collect();
        self.problems.add(rule, &path, input);
        None
    }
}

/// Reads a number written as text: spaces may be around it, or single underscores within it, but not both.
fn parse_number(text: &str) -> Option<f64> {
    if let Ok(number) = text.trim().parse() {
        return Some(number);
    }
    let separated = text.contains('_') && !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    if separated { text.replace('_', "").parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
