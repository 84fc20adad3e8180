//! Errors on their way out through spans: which records of an exception tell of the same one.
//!
//! An error passes from the span it began in to the nearest span around it that recorded any, if that one has the same
//! error with no less of the stack, and so on outwards. Every step is found by ids, so the time taken is linear, however
//! deep or circular the spans are.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::error::{Grouping, grouping_of, occurrence};
use super::v1;
use crate::model::{Resource, Span, SpanId, TraceId};

/// Different errors of one span beyond this are not told apart from none: each is compared with every other.
const MOST_ERRORS_OF_SPAN: usize = 64;

/// An error as a span recorded it, one of several spans perhaps.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanError {
    /// Place of the span among those that were asked about.
    pub span: usize,
    /// Places of the span's events that tell of the error, in their order; never empty.
    pub events: Vec<usize>,
    /// The error as this span has it.
    pub grouping: Grouping,
    /// Place, among all errors found, of the same error where it was recorded furthest out, which has the issue of all
    /// of them; its own place when no span around this one has it.
    pub outermost: usize,
    /// Whether no span within this one recorded the error before. Only these count, or one error would count several
    /// times.
    pub is_first: bool,
    /// The whole stack of the error.
    stack: Vec<u64>,
}

/// The errors that spans recorded as exception events, in the order of the spans; on one span each once. Spans of any
/// traces in any order; what a span that is not there recorded cannot be known.
pub fn of_spans(spans: &[&Span]) -> Vec<SpanError> {
    let mut errors: Vec<SpanError> = Vec::new();
    let mut own: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for (place, span) in spans.iter().enumerate() {
        let start = errors.len();
        of_one_span(place, span, &mut errors);
        own.push(start..errors.len());
    }
    if errors.len() > 1 {
        connect(spans, &own, &mut errors);
    }
    errors
}

/// Whether two records came from one service of one project: an issue never has errors of more.
fn is_of_one_program(one: &Resource, other: &Resource) -> bool {
    std::ptr::eq(one, other) || (one.service == other.service && one.project() == other.project())
}

fn of_one_span(place: usize, span: &Span, errors: &mut Vec<SpanError>) {
    let start = errors.len();
    for (event_place, event) in span.events.iter().enumerate().filter(|(_, event)| event.is_exception()) {
        let mut parts = v1::group(&occurrence(&event.attributes));
        let found = SpanError {
            span: place,
            events: vec![event_place],
            stack: std::mem::take(&mut parts.stack),
            grouping: grouping_of(parts, &event.attributes, &span.resource),
            outermost: errors.len(),
            is_first: true,
        };
        let known = errors.get_mut(start..).unwrap_or_default();
        let has_room = known.len() < MOST_ERRORS_OF_SPAN;
        match known.iter_mut().find(|known| known.passes_to(&found) || found.passes_to(known)) {
            Some(known) => {
                known.events.push(event_place);
                if known.grouping.why.frames.len() < found.grouping.why.frames.len() {
                    (known.grouping, known.stack) = (found.grouping, found.stack);
                }
            }
            None if has_room => errors.push(found),
            None => {}
        }
    }
}

impl SpanError {
    /// Whether this may be `outer` further within: the same, with no more of the stack.
    fn passes_to(&self, outer: &SpanError) -> bool {
        let (own, other) = (&self.grouping.why, &outer.grouping.why);
        // What only libraries have on their stacks counts by their frames, until one of the application is added.
        own.has_same_texts(other) && (other.frames.starts_with(&own.frames) || outer.stack.starts_with(&self.stack))
    }
}

/// Finds for each error the same one furthest out; `own` are the places of each span's errors.
fn connect(spans: &[&Span], own: &[Range<usize>], errors: &mut [SpanError]) {
    let parents = parents(spans);
    let has_errors = |span: &usize| own.get(*span).is_some_and(|errors| !errors.is_empty());
    let mut outwards: Vec<Option<usize>> = parents.clone();
    for span in (0..spans.len()).filter(has_errors) {
        outwards[span] = None;
    }
    let nearest = ends(&mut outwards);
    let next = |error: &SpanError| {
        let around = nearest.get(parents.get(error.span).copied()??)?;
        let (inner, outer) = (spans.get(error.span)?, spans.get(*around)?);
        let is_same = |place: &usize| errors.get(*place).is_some_and(|outer| error.passes_to(outer));
        own.get(*around)?.clone().find(is_same).filter(|_| is_of_one_program(&inner.resource, &outer.resource))
    };
    let mut links: Vec<Option<usize>> = errors.iter().map(next).collect();
    for (error, end) in errors.iter_mut().zip(ends(&mut links)) {
        error.outermost = end;
    }
    for outer in links.into_iter().flatten() {
        if let Some(outer) = errors.get_mut(outer) {
            outer.is_first = false;
        }
    }
}

/// The place of each span's parent, where it is there.
fn parents(spans: &[&Span]) -> Vec<Option<usize>> {
    let mut places: FxHashMap<(&TraceId, SpanId), usize> = FxHashMap::default();
    for (place, span) in spans.iter().enumerate() {
        places.entry((&span.trace_id, span.span_id)).or_insert(place);
    }
    spans.iter().map(|span| places.get(&(&span.trace_id, span.parent_span_id?)).copied()).collect()
}

/// Where one comes to from each place by following the links. A circle is cut where it closes.
fn ends(links: &mut [Option<usize>]) -> Vec<usize> {
    let mut ends: Vec<Option<usize>> = vec![None; links.len()];
    let mut is_on_way = vec![false; links.len()];
    let mut way = Vec::new();
    for start in 0..links.len() {
        let mut at = start;
        let end = loop {
            if let Some(end) = ends[at] {
                break end;
            }
            is_on_way[at] = true;
            way.push(at);
            match links[at] {
                Some(next) if is_on_way[next] => links[at] = None,
                Some(next) => {
                    at = next;
                    continue;
                }
                None => {}
            }
            break at;
        };
        for place in way.drain(..) {
            ends[place] = Some(end);
            is_on_way[place] = false;
        }
    }
    ends.into_iter().enumerate().map(|(place, end)| end.unwrap_or(place)).collect()
}
