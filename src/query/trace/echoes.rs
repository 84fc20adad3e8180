//! Echoes: an error that is told again on every span it passed through. Only the innermost span says where it came from.

use std::collections::HashMap;

use super::report::TraceReport;
use crate::model::Attributes;

/// An error that spans further out tell again. Spans are named by their index in the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// The innermost span that tells of the error.
    pub origin: usize,
    /// Where it is told again, from the inside out.
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
    /// The event of the span that tells of it; `None` for the message of its status.
    pub event: Option<usize>,
}

/// What was told so far, while spans are read from the inside out.
#[derive(Default)]
struct Told {
    /// Every error told, most of them by one span only.
    errors: Vec<Echo>,
    /// For a span and a text, which error a child of the span told in these words. The default hasher, because texts
    /// come from outside.
    below: HashMap<(usize, String), usize>,
}

/// The errors that several of the spans tell of; `spans` stand in tree order.
pub(super) fn echoes(report: &TraceReport, spans: &[usize]) -> Vec<Echo> {
    let mut told = Told::default();
    for index in spans.iter().rev() {
        told.read_span(report, *index);
    }
    let mut echoes: Vec<Echo> = told.errors.into_iter().filter(|error| !error.repeats.is_empty()).collect();
    echoes.sort_by_key(|echo| report.tree.position(echo.origin));
    echoes
}

impl Told {
    fn read_span(&mut self, report: &TraceReport, index: usize) {
        let span = &report.trace.spans[index];
        let mut own: Vec<(String, usize)> = Vec::new();
        for (place, event) in span.events.iter().enumerate().filter(|(_, event)| event.is_exception()) {
            let texts = exception_spellings(&event.attributes);
            let below = texts.iter().find_map(|text| self.told_below(index, text));
            let error = self.tell(below, Repeat { span: index, event: Some(place) });
            own.extend(texts.into_iter().map(|text| (text, error)));
        }
        if span.is_error() && !span.status.message.is_empty() {
            let message = span.status.message.to_string();
            let error = match self.told_below(index, &message) {
                Some(below) => self.tell(Some(below), Repeat { span: index, event: None }),
                // A span whose message is that of its own exception tells of one error, and says where it came from.
                None => match own.iter().find(|(text, _)| *text == message) {
                    Some((_, error)) => *error,
                    None => self.tell(None, Repeat { span: index, event: None }),
                },
            };
            own.push((message, error));
        }
        if let Some(parent) = report.tree.parent[index] {
            for (text, error) in own {
                self.below.entry((parent, text)).or_insert(error);
            }
        }
    }

    fn told_below(&self, span: usize, text: &str) -> Option<usize> {
        self.below.get(&(span, text.to_owned())).copied()
    }

    /// Notes that an error is told, again when it was told below; which error it is.
    fn tell(&mut self, below: Option<usize>, place: Repeat) -> usize {
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
