//! What is odd about a span: its clock, its parent, its id, and what of it is not as it was sent.

use std::fmt;

use super::tree::Tree;
use crate::model::limits::TRUNCATED_ATTRIBUTE;
use crate::model::time::nanos_to_ms;
use crate::model::{Attributes, INVALID_PARENT_ATTRIBUTE, Nanos, Span, SpanId, Text, TimeBounds, Value};

/// Something odd about a span. Displayed as a short plain sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The parent of the span is not in the trace.
    MissingParent(SpanId),
    /// The span is among its own ancestors; it was made a root.
    Cycle,
    /// Another span of the trace has the same id.
    RepeatedId,
    /// The start of the span is zero.
    NoStartTime,
    /// The end of the span is zero.
    NoEndTime,
    /// The span starts when it cannot have: in another unit, by a clock that counts from boot, or years from the rest.
    ImpossibleStart(Nanos),
    /// The span ends when it cannot have.
    ImpossibleEnd(Nanos),
    /// The span ends before it starts; it counts as taking no time.
    EndsBeforeStart,
    /// The span starts before its parent by this many nanoseconds, so the clocks differ.
    StartsBeforeParent(u64),
    /// What was sent as the id of the parent is none; the span was made a root.
    InvalidParent(String),
    /// These parts of the span are not whole.
    Truncated(String),
    /// Text of the span was not UTF-8.
    NotUtf8,
    /// So many attributes of the span were dropped.
    DroppedAttributes(u32),
    /// So many events of the span were dropped.
    DroppedEvents(u32),
    /// So many links of the span were dropped.
    DroppedLinks(u32),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::MissingParent(parent) => write!(f, "missing parent {parent}"),
            Warning::Cycle => f.write_str("cycle"),
            Warning::RepeatedId => f.write_str("span id is used twice"),
            Warning::NoStartTime => f.write_str("no start time"),
            Warning::NoEndTime => f.write_str("no end time"),
            Warning::ImpossibleStart(start) => write!(f, "cannot have started at {start}"),
            Warning::ImpossibleEnd(end) => write!(f, "cannot have ended at {end}"),
            Warning::EndsBeforeStart => f.write_str("ends before it starts"),
            Warning::StartsBeforeParent(by_ns) => write!(f, "starts {}ms before its parent", nanos_to_ms(*by_ns)),
            Warning::InvalidParent(sent) => write!(f, "parent id `{sent}` is not valid"),
            Warning::Truncated(parts) => write!(f, "not whole: {parts}"),
            Warning::NotUtf8 => f.write_str("text was not UTF-8"),
            Warning::DroppedAttributes(count) => write_dropped(f, *count, "attribute"),
            Warning::DroppedEvents(count) => write_dropped(f, *count, "event"),
            Warning::DroppedLinks(count) => write_dropped(f, *count, "link"),
        }
    }
}

fn write_dropped(f: &mut fmt::Formatter<'_>, count: u32, noun: &str) -> fmt::Result {
    write!(f, "{count} {noun}{} dropped", if count == 1 { "" } else { "s" })
}

/// The warnings of each span, by its index; only times within `bounds` can be.
pub(super) fn warnings(spans: &[Span], tree: &Tree, bounds: &TimeBounds) -> Vec<Vec<Warning>> {
    (0..spans.len()).map(|index| warnings_of_span(spans, tree, index, bounds)).collect()
}

fn warnings_of_span(spans: &[Span], tree: &Tree, index: usize, bounds: &TimeBounds) -> Vec<Warning> {
    let span = &spans[index];
    let (has_start, has_end) = (span.start.0 > 0, span.end.0 > 0);
    let is_known = |start: Nanos| start.0 > 0 && bounds.has(start);
    let starts = [tree.parent[index].map(|parent| spans[parent].start), Some(span.start)];
    let before_parent = match starts.map(|start| start.filter(|start| is_known(*start))) {
        [Some(parent), Some(start)] => parent.since(start),
        _ => 0,
    };
    let is_possible = !has_end || !is_known(span.start) || bounds.end(span.start, span.end).is_some();
    let found = [
        tree.missing_parent[index].map(Warning::MissingParent),
        tree.is_cycle[index].then_some(Warning::Cycle),
        tree.is_repeated[index].then_some(Warning::RepeatedId),
        (!has_start).then_some(Warning::NoStartTime),
        (!has_end).then_some(Warning::NoEndTime),
        (has_start && !bounds.has(span.start)).then_some(Warning::ImpossibleStart(span.start)),
        (!is_possible).then_some(Warning::ImpossibleEnd(span.end)),
        (has_end && is_possible && is_known(span.start) && span.end < span.start).then_some(Warning::EndsBeforeStart),
        (before_parent > 0).then_some(Warning::StartsBeforeParent(before_parent)),
    ];
    found.into_iter().flatten().chain(changes(span)).collect()
}

/// What of a span is not as it was sent.
fn changes(span: &Span) -> impl Iterator<Item = Warning> {
    let told = |key: &str| span.attributes.text(key).map(str::to_owned);
    let dropped = |count: u32| Some(count).filter(|count| *count > 0);
    let found = [
        told(INVALID_PARENT_ATTRIBUTE).map(Warning::InvalidParent),
        told(TRUNCATED_ATTRIBUTE).map(Warning::Truncated),
        has_replaced_text(span).then_some(Warning::NotUtf8),
        dropped(span.dropped_attributes).map(Warning::DroppedAttributes),
        dropped(span.dropped_events).map(Warning::DroppedEvents),
        dropped(span.dropped_links).map(Warning::DroppedLinks),
    ];
    found.into_iter().flatten()
}

/// Whether text of a span holds the character that stands for what is none.
fn has_replaced_text(span: &Span) -> bool {
    let is_replaced = |text: &Text| text.contains(char::REPLACEMENT_CHARACTER);
    let in_attributes = |attributes: &Attributes| {
        let is_odd = |(key, value): &(Text, Value)| {
            is_replaced(key) || matches!(value, Value::String(text) if is_replaced(text))
        };
        attributes.iter().any(is_odd)
    };
    [&span.name, &span.status.message, &span.trace_state].into_iter().any(is_replaced)
        || in_attributes(&span.attributes)
        || span.events.iter().any(|event| is_replaced(&event.name) || in_attributes(&event.attributes))
        || span.links.iter().any(|link| in_attributes(&link.attributes))
}
