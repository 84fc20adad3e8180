//! The tree of a filter: terms, and what holds them together. Readers of other notations make the same tree, so this
//! knows none of them.
//!
//! An [`Expression`] is about one record. What is about several records of a trace at once (a spanset beside another, a
//! span below another) is a relation between expressions, for which [`super::Filter`] is the place.

use super::field::{Field, Intrinsic, Needs};
use super::operand::{Meaning, Operand};
use super::pattern::Pattern;
use super::traceql::SpanQuery;
use crate::model::words::words;
use crate::model::{Needle, Parts, Severity};

/// What must be true of one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// All of these; of none, everything.
    All(Vec<Expression>),
    /// At least one of these.
    Any(Vec<Expression>),
    /// Not this.
    Not(Box<Expression>),
    /// One term.
    Term(Term),
}

/// One thing that must be true of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// A text stands somewhere in the record, whatever the case.
    Text(SoughtText),
    /// What a filter means that was saved under this name; true of nothing until that is put in its place.
    Saved(String),
    /// The record has a field.
    Has(Field),
    /// A field compares with one of the values.
    Compare {
        /// What is compared.
        field: Field,
        /// How.
        operator: Operator,
        /// With what, any of them; never empty.
        operands: Vec<Operand>,
    },
    /// A regular expression stands in a field, or with false in none.
    Matches {
        /// Where it stands.
        field: Field,
        /// The expression as it was written.
        text: String,
        /// The expression.
        pattern: Pattern,
        /// Whether it must stand there.
        is_wanted: bool,
    },
    /// The record is a span that a TraceQL query selects.
    Selected(SpanQuery),
}

/// Text that is looked for, as it was written and made ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoughtText {
    /// The text as it was written.
    pub text: String,
    /// The text made ready.
    pub needle: Needle,
}

impl SoughtText {
    /// Makes a text ready.
    pub fn new(text: &str) -> SoughtText {
        SoughtText { text: text.to_owned(), needle: Needle::new(text) }
    }
}

words! {
    /// How a field is compared with a value.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Operator {
        /// Is the value.
        Is = "=",
        /// Is not the value, or is not there.
        IsNot = "!=",
        /// Is greater.
        Above = ">",
        /// Is greater or equal.
        AtLeast = ">=",
        /// Is smaller.
        Below = "<",
        /// Is smaller or equal.
        AtMost = "<=",
    }
}

impl Expression {
    /// All of some expressions, in the plainest form.
    pub fn all(parts: Vec<Expression>) -> Expression {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Expression::All(parts) => flat.extend(parts),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Expression::All(flat) }
    }

    /// Any of some expressions, in the plainest form; `parts` are not empty.
    pub fn any(parts: Vec<Expression>) -> Expression {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Expression::Any(parts) => flat.extend(parts),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Expression::Any(flat) }
    }

    /// Not an expression.
    pub fn negated(part: Expression) -> Expression {
        Expression::Not(Box::new(part))
    }

    /// Calls `visit` with every term.
    pub fn each_term<'e>(&'e self, visit: &mut dyn FnMut(&'e Term)) {
        match self {
            Expression::All(parts) | Expression::Any(parts) => parts.iter().for_each(|part| part.each_term(visit)),
            Expression::Not(part) => part.each_term(visit),
            Expression::Term(term) => visit(term),
        }
    }

    /// The terms that hold of every record the expression is true of, as far as that is plain to see.
    pub fn required(&self) -> Vec<&Term> {
        match self {
            Expression::All(parts) => parts.iter().flat_map(Expression::required).collect(),
            Expression::Term(term) => vec![term],
            Expression::Any(_) | Expression::Not(_) => Vec::new(),
        }
    }

    /// The parts of a record that decide.
    pub fn parts(&self) -> Parts {
        let mut parts = Parts::NONE;
        self.each_term(&mut |term| parts.add(term.parts()));
        parts
    }

    /// What has to be known to decide about a record.
    pub fn needs(&self) -> Needs {
        let mut needs = Needs::Record;
        self.each_term(&mut |term| needs = needs.max(term.needs()));
        needs
    }
}

impl Term {
    /// The field of the term; `None` for text.
    pub fn field(&self) -> Option<&Field> {
        match self {
            Term::Text(_) | Term::Selected(_) | Term::Saved(_) => None,
            Term::Has(field) | Term::Compare { field, .. } | Term::Matches { field, .. } => Some(field),
        }
    }

    fn parts(&self) -> Parts {
        match self.field() {
            None => Parts::ALL,
            Some(field) => field.parts(),
        }
    }

    /// What has to be known to decide about a record.
    pub(super) fn needs(&self) -> Needs {
        match (self, self.field()) {
            (Term::Selected(query), _) if query.needs_trace() => Needs::Trace,
            (_, Some(Field::Intrinsic(intrinsic))) => intrinsic.needs(),
            _ => Needs::Record,
        }
    }

    /// The values of an intrinsic that the term asks to be equal to; empty when it asks something else.
    pub fn equal_texts(&self, wanted: Intrinsic) -> Vec<&str> {
        match self {
            Term::Compare { field: Field::Intrinsic(intrinsic), operator: Operator::Is, operands }
                if *intrinsic == wanted =>
            {
                operands.iter().map(|operand| operand.text.as_str()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The level a record has at least when the term is true of it; `None` when the term asks something else.
    pub fn least_level(&self) -> Option<Severity> {
        let Term::Compare { field: Field::Intrinsic(Intrinsic::Level), operator, operands } = self else { return None };
        let levels = operands.iter().map(|operand| match operand.meaning {
            Meaning::Level(level) => Some(level),
            _ => None,
        });
        match operator {
            Operator::Is | Operator::AtLeast | Operator::Above => levels.collect::<Option<Vec<_>>>()?.into_iter().min(),
            Operator::IsNot | Operator::Below | Operator::AtMost => None,
        }
    }
}
