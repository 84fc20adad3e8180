//! How much memory decoded records take. What is two bytes in a request may be a hundred here, so the room a request
//! asks for goes by this, not by its length.
//!
//! Text is not counted, since it lies in the body, nor is what records share.

use std::mem::size_of;

use crate::model::{Attributes, Batch, Checkpoint, Event, Link, LogRecord, Span, Text, Value};

/// About the bytes that the records of a batch take.
pub(super) fn of(batch: &Batch) -> usize {
    let spans: usize = batch.spans.iter().map(of_span).sum();
    let logs: usize = batch.logs.iter().map(|log| size_of::<LogRecord>() + of_attributes(&log.attributes)).sum();
    spans + logs + batch.checkpoints.len() * size_of::<Checkpoint>()
}

fn of_span(span: &Span) -> usize {
    let events: usize = span.events.iter().map(|event| size_of::<Event>() + of_attributes(&event.attributes)).sum();
    let links: usize = span.links.iter().map(|link| size_of::<Link>() + of_attributes(&link.attributes)).sum();
    size_of::<Span>() + of_attributes(&span.attributes) + events + links
}

fn of_attributes(attributes: &Attributes) -> usize {
    of_pairs(&attributes.0)
}

fn of_pairs(pairs: &[(Text, Value)]) -> usize {
    pairs.iter().map(|(_, value)| size_of::<(Text, Value)>() + of_contents(value)).sum()
}

fn of_contents(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.iter().map(|value| size_of::<Value>() + of_contents(value)).sum(),
        Value::Map(pairs) => of_pairs(pairs),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_a_record_holds_counts_however_deep_it_lies() {
        let pair = |value: Value| (Text::from_static("key"), value);
        let nested = Value::Map(vec![pair(Value::Array(vec![Value::Empty; 1_000]))]);
        let log =
            |value: &Value| LogRecord { attributes: Attributes(vec![pair(value.clone())]), ..LogRecord::default() };
        let empty = of(&Batch { logs: vec![LogRecord::default()], ..Batch::default() });
        let full = of(&Batch { logs: vec![log(&nested), log(&nested)], ..Batch::default() });
        assert_eq!(empty, size_of::<LogRecord>());
        assert_eq!(full, 2 * (empty + 2 * size_of::<(Text, Value)>() + 1_000 * size_of::<Value>()));
    }
}
