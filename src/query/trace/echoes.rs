//! Echoes: an error that is told again on every span it passed through. Only the innermost span says where it came
//! from.

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_128;

use super::report::TraceReport;
use crate::model::Attributes;

/// An error that spans further out tell again. Spans are named by their index in the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// The innermost span that tells of the error.
    pub origin: usize,
    /// Where the error is told again, from the inside out.
    pub repeats: Vec<Repeat>,
}

impl Echo {
    /// All spans that tell of the error, each once, the origin first.
    pub fn spans(&self) -> Vec<usize> {
        let mut spans = vec![self.origin];
        spans.extend(self.repeats.iter().map(|repeat| repeat.span));
        spans.dedup();
        spans
    }
}

/// One place where an error is told that a span below has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// The span.
    pub span: usize,
    /// The event of the span that tells of the error; `None` when the message of its status does.
    pub event: Option<usize>,
}

/// The errors found so far, while spans are read from the inside out.
#[derive(Default)]
struct Search {
    /// Every error, most of them told by one span only.
    errors: Vec<Echo>,
    /// For a span and a text, which of the errors a child of the span told in these words. Texts are digests, so that
    /// long messages cost no memory.
    below: FxHashMap<(usize, u128), usize>,
}

/// The errors that several of the spans tell of; `spans` stand in tree order.
pub(super) fn echoes(report: &TraceReport, spans: &[usize]) -> Vec<Echo> {
    let mut search = Search::default();
    for index in spans.iter().rev() {
        search.read_span(report, *index);
    }
    let mut echoes: Vec<Echo> = search.errors.into_iter().filter(|error| !error.repeats.is_empty()).collect();
    echoes.sort_by_key(|echo| report.tree.place[echo.origin]);
    echoes
}

impl Search {
    fn read_span(&mut self, report: &TraceReport, index: usize) {
        let span = &report.trace.spans[index];
        let mut own: Vec<(u128, usize)> = Vec::new();
        for (place, event) in span.events.iter().enumerate().filter(|(_, event)| event.is_exception()) {
            let spellings = exception_spellings(&event.attributes);
            let texts: Vec<u128> = spellings.iter().map(|text| xxh3_128(text.as_bytes())).collect();
            let below = texts.iter().find_map(|text| self.below.get(&(index, *text)));
            let error = self.add(below.copied(), Repeat { span: index, event: Some(place) });
            own.extend(texts.into_iter().map(|text| (text, error)));
        }
        if span.is_error() && !span.status.message.is_empty() {
            let message = xxh3_128(span.status.message.as_bytes());
            let below = self.below.get(&(index, message)).copied();
            // A span whose message is that of its own exception tells of one error, and says where it came from.
            let own_exception = own.iter().find(|(text, _)| *text == message).filter(|_| below.is_none());
            let error = match own_exception {
                Some((_, error)) => *error,
                None => self.add(below, Repeat { span: index, event: None }),
            };
            own.push((message, error));
        }
        if let Some(parent) = report.tree.parent[index] {
            for (text, error) in own {
                self.below.entry((parent, text)).or_insert(error);
            }
        }
    }

    /// Adds a place where an error is told, to the error that was told below if there is one; returns which error it
    /// is.
    fn add(&mut self, below: Option<usize>, place: Repeat) -> usize {
        match below.and_then(|error| Some((error, self.errors.get_mut(error)?))) {
            Some((error, echo)) => {
                echo.repeats.push(place);
                error
            }
            None => {
                self.errors.push(Echo { origin: place.span, repeats: Vec::new() });
                self.errors.len() - 1
            }
        }
    }
}

/// How an exception may be spelled elsewhere: with its type in full, with the last part of it, and without.
pub fn exception_spellings(attributes: &Attributes) -> Vec<String> {
    let [kind, message] = ["exception.type", "exception.message"].map(|key| attributes.text(key).unwrap_or(""));
    let short = kind.rsplit(['.', ':']).next().unwrap_or(kind);
    let mut spellings = vec![format!("{kind}: {message}"), format!("{short}: {message}")];
    if !message.is_empty() {
        spellings.push(message.to_owned());
    }
    spellings
}
