//! Filters: one language to ask for records, on every command, in the HTTP API and in every store.
//!
//! A filter is read once into a tree ([`Expression`]), which stores ask what they can answer cheaply and which decides
//! about whole records where they cannot. It knows no store and no notation but its own; another notation is a second
//! parser for the same tree. All terms hold on one record; terms about its trace hold on the trace.

mod error;
mod evaluate;
mod facts;
mod field;
mod names;
mod operand;
mod parser;
mod pattern;
mod print;
mod reading;
mod subject;
#[cfg(test)]
mod tests;
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
        Ok(Filter { expression: parser::parse(text, clock)? })
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
        self.expression.each_term(&mut |term| {
            found.extend(term.field().filter(|field| matches!(field, Field::Attribute { .. })));
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

    /// Whether the filter is true of a record of a trace.
    pub fn matches_trace(&self, trace: &Trace) -> bool {
        let facts = (self.needs() > Needs::Record).then(|| TraceFacts::of_trace(trace));
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
        self.expression.fmt(f)
    }
}
