//! Filters: one language to ask for records, on every command, in the HTTP API and in every store.
//!
//! A filter is read once into a tree ([`Expression`]), which stores ask what they can answer cheaply and which decides
//! about whole records where they cannot. It knows no store. All terms hold on one record; terms about its trace hold on
//! the trace. A filter that begins with a brace is [TraceQL](traceql), which is one term of the tree: the record is a
//! span that the query selects.

mod error;
mod evaluate;
mod facts;
mod field;
mod operand;
mod parser;
mod pattern;
mod print;
mod reading;
mod subject;
#[cfg(test)]
mod tests;
pub mod traceql;
mod tree;

use std::fmt;

use crate::model::{LogRecord, Needle, Trace};

pub use self::error::FilterError;
pub use self::facts::{SESSION_KEYS, TraceFacts, WholeFacts};
pub use self::field::{Field, Intrinsic, Needs, Scope};
pub use self::operand::{Found, Operand};
pub use self::reading::Clock;
pub use self::subject::{RecordRef, Subject};
pub use self::tree::{Expression, Operator, Term};

use self::traceql::{SpanQuery, TraceQl, is_traceql};

/// Which records are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// What must be true of a record.
    pub expression: Expression,
}

impl Filter {
    /// Reads a filter as people type it; an empty text asks for everything.
    ///
    /// # Errors
    /// The first place where something else was expected.
    pub fn parse(text: &str, clock: &Clock) -> Result<Filter, FilterError> {
        if !is_traceql(text) {
            return Ok(Filter { expression: parser::parse(text, clock)? });
        }
        match TraceQl::parse(text)? {
            TraceQl::Spans(query) => Ok(Filter { expression: Expression::Term(Term::Selected(query)) }),
            TraceQl::Metrics(_) => {
                let reason = "this query measures spans over time, and here it is to select some";
                Err(FilterError::new(text, 0, reason).hint("`tracehub stats` answers measures such as `{ } | rate()`"))
            }
        }
    }

    /// Reads one condition on an attribute, `key OP value` or `key` alone, whose value goes to the end of the text.
    ///
    /// # Errors
    /// The first place where something else was expected.
    pub fn parse_attribute(text: &str, clock: &Clock) -> Result<Filter, FilterError> {
        Ok(Filter { expression: parser::parse_attribute(text, clock)? })
    }

    /// The texts that are looked for, which a view may point out.
    pub fn texts(&self) -> Vec<&Needle> {
        let mut found = Vec::new();
        self.expression.each_term(&mut |term| {
            if let Term::Text(sought) = term {
                found.push(&sought.needle);
            }
        });
        found
    }

    /// The attributes the filter asks for.
    pub fn attributes(&self) -> Vec<&Field> {
        let mut found = Vec::new();
        self.expression.each_term(&mut |term| match term {
            Term::Selected(query) => found.extend(query.attributes()),
            term => found.extend(term.field().filter(|field| matches!(field, Field::Attribute { .. }))),
        });
        found
    }

    /// The keys of attributes the filter asks for, each with other names of the same thing behind it.
    pub fn keys(&self) -> Vec<&[String]> {
        let mut found = Vec::new();
        for field in self.attributes() {
            if let Field::Attribute { keys, .. } = field {
                found.push(keys.as_slice());
            }
        }
        found
    }

    /// Whether the filter selects spans and nothing else, as TraceQL does.
    pub fn selects_spans(&self) -> bool {
        let mut selects_spans = false;
        self.expression.each_term(&mut |term| selects_spans |= matches!(term, Term::Selected(_)));
        selects_spans
    }

    /// What has this text in a field of its own or of its trace.
    pub fn of_text(intrinsic: Intrinsic, text: &str) -> Filter {
        let (field, operands) = (Field::Intrinsic(intrinsic), vec![Operand::quoted(text)]);
        Filter { expression: Expression::Term(Term::Compare { field, operator: Operator::Is, operands }) }
    }

    /// What has to be known for the value of a field.
    pub fn needs_of(field: &Field) -> Needs {
        Expression::Term(Term::Has(field.clone())).needs()
    }

    /// Both filters at once.
    pub fn and(self, other: Filter) -> Filter {
        Filter { expression: Expression::all(vec![self.expression, other.expression]) }
    }

    /// Whether the filter asks for everything.
    pub fn is_everything(&self) -> bool {
        self.expression == Expression::All(Vec::new())
    }

    /// Whether the filter is true of a record.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.expression.matches(subject)
    }

    /// What the filter can ask of a trace, and no more: working out all there is takes longer than most questions.
    pub fn facts_of(&self, trace: &Trace) -> TraceFacts {
        let mut queries: Vec<&SpanQuery> = Vec::new();
        let mut needs = Needs::Record;
        self.expression.each_term(&mut |term| match term {
            Term::Selected(query) if query.needs_trace() => queries.push(query),
            term => needs = needs.max(term.needs()),
        });
        let mut facts = TraceFacts::of_queries(trace, &queries);
        if needs == Needs::Trace {
            let selected = facts.whole.take().map(|whole| whole.selected).unwrap_or_default();
            facts = TraceFacts::of_trace(trace);
            facts.whole = facts.whole.map(|whole| WholeFacts { selected, ..whole });
        }
        facts
    }

    /// Whether the filter is true of a record of a trace.
    pub fn matches_trace(&self, trace: &Trace) -> bool {
        let facts = (self.needs() > Needs::Record).then(|| self.facts_of(trace));
        let spans = trace.spans.iter().map(RecordRef::Span);
        let checkpoints = trace.checkpoints.iter().map(RecordRef::Checkpoint);
        let mut records = spans.chain(checkpoints).chain(trace.logs.iter().map(RecordRef::Log));
        records.any(|record| self.matches(&Subject { record, trace: facts.as_ref() }))
    }

    /// Whether the filter can be true of a log record whose trace nobody looked up; false is certain.
    pub fn may_match_log(&self, log: &LogRecord) -> bool {
        self.expression.may_match(&Subject::of(RecordRef::Log(log)))
    }

    /// What has to be known to decide about a record.
    pub fn needs(&self) -> Needs {
        self.expression.needs()
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.expression {
            // Alone it needs no quotes.
            Expression::Term(Term::Selected(query)) => f.write_str(&query.text),
            expression => expression.fmt(f),
        }
    }
}
