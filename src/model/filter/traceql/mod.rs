//! [TraceQL](https://grafana.com/docs/tempo/latest/traceql/), the query language of Grafana Tempo: a second notation for
//! asking about spans, which can relate several spans of a trace.
//!
//! A query selects spans of whole traces; one of a single `{ }` needs no more than the span. It knows records and no
//! store. Where the documentation says nothing: a comparison with an attribute that is not there is false, but with
//! `nil`; numbers and lengths of time (in nanoseconds) compare with each other; a value that several events or links
//! have is an array.

mod evaluate;
mod intrinsic;
mod metrics;
mod parse;
mod spansets;
mod structure;
#[cfg(test)]
mod tests;
mod tree;
mod value;

use std::fmt;

use rustc_hash::FxHashSet;

use super::error::FilterError;
use super::field;
use crate::model::{Kind, Span, SpanId, Trace};

pub use self::intrinsic::Intrinsic;
pub use self::metrics::{MOST_STEPS, MetricsFold, MetricsQuery, MetricsRange, Series, SeriesTable};

use self::evaluate::{Place, is_true, may_come_out};
use self::structure::Structure;
use self::tree::{Field, Pipeline, Query};

/// A query that selects spans, as it was written and made ready.
#[derive(Clone)]
pub struct SpanQuery {
    /// The query as it was written.
    pub text: String,
    pipeline: Pipeline,
    attributes: Vec<field::Field>,
}

/// A query of either kind.
#[derive(Debug, Clone)]
pub enum TraceQl {
    /// Selects spans.
    Spans(SpanQuery),
    /// Measures spans over time.
    Metrics(MetricsQuery),
}

/// Two are equal when they were written alike.
impl PartialEq for SpanQuery {
    fn eq(&self, other: &SpanQuery) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for SpanQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanQuery({})", self.text)
    }
}

/// What tells the spans of a trace apart: two sides of a call may share an id.
pub type SpanKey = (SpanId, Kind);

/// What tells a span from others of its trace.
pub fn span_key(span: &Span) -> SpanKey {
    (span.span_id, span.kind)
}

/// Whether a text is TraceQL: whatever begins with a brace, also in parentheses or behind a number and an operator, as
/// in `100 * ({ } | rate())`.
pub fn is_traceql(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        if rest.starts_with('{') {
            return true;
        }
        let number = rest.strip_prefix('-').unwrap_or(rest);
        let after = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let operator = after.trim_start_matches(|c: char| c.is_whitespace() || c == ')');
        match operator.strip_prefix(['+', '-', '*', '/']).filter(|_| after.len() < number.len()) {
            Some(next) => rest = next,
            None => return false,
        }
    }
}

impl TraceQl {
    /// Reads a query.
    ///
    /// # Errors
    /// The first place where something else was expected.
    pub fn parse(text: &str) -> Result<TraceQl, FilterError> {
        let query = parse::parse(text)?;
        let text = text.to_owned();
        Ok(match query {
            Query::Spans(pipeline) => {
                let attributes = attributes(&pipeline);
                TraceQl::Spans(SpanQuery { text, pipeline, attributes })
            }
            Query::Metrics(metrics) => TraceQl::Metrics(MetricsQuery::new(text, metrics)),
        })
    }
}

impl SpanQuery {
    /// The attributes that the query names, each once.
    pub fn attributes(&self) -> &[field::Field] {
        &self.attributes
    }

    /// Whether only the whole trace tells which spans are selected.
    pub fn needs_trace(&self) -> bool {
        self.pipeline.single_filter().is_none()
    }

    /// Whether a span is selected, of a query that needs no more than the span.
    pub fn selects_alone(&self, span: &Span) -> bool {
        self.pipeline.single_filter().is_some_and(|condition| is_true(condition, &Place::alone(span)))
    }

    /// Whether a span of whose trace nothing is known can be selected; false is certain.
    pub fn may_select(&self, span: &Span) -> bool {
        may_come_out(&self.pipeline, span)
    }

    /// The spans of a trace that are selected.
    pub fn select(&self, trace: &Trace) -> FxHashSet<SpanKey> {
        let structure = Structure::new(trace);
        let selected = spansets::selected(&self.pipeline, &structure);
        selected.into_iter().filter_map(|place| trace.spans.get(place)).map(span_key).collect()
    }
}

fn attributes(pipeline: &Pipeline) -> Vec<field::Field> {
    let mut found = Vec::new();
    pipeline.each_field(&mut |field| {
        let Field::Attribute { of_parent: false, scope, key } = field else { return };
        let field = field::Field::Attribute { scope: *scope, keys: vec![key.clone()] };
        if !found.contains(&field) {
            found.push(field);
        }
    });
    found
}
