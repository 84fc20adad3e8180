//! Whether an expression is true of a record: the one meaning every store has to agree with.

use std::cmp::Ordering;

use super::field::Needs;
use super::subject::Subject;
use super::tree::{Expression, Operator, Term};

impl Expression {
    /// Whether the expression is true of a record.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        match self {
            Expression::All(parts) => parts.iter().all(|part| part.matches(subject)),
            Expression::Any(parts) => parts.iter().any(|part| part.matches(subject)),
            Expression::Not(part) => !part.matches(subject),
            Expression::Term(term) => term.matches(subject),
        }
    }

    /// Whether the expression can be true of a record of whose trace nothing is known; false is certain.
    pub fn may_match(&self, subject: &Subject<'_>) -> bool {
        match self {
            Expression::All(parts) => parts.iter().all(|part| part.may_match(subject)),
            Expression::Any(parts) => parts.iter().any(|part| part.may_match(subject)),
            other => other.needs() > Needs::Record || other.matches(subject),
        }
    }
}

impl Term {
    /// Whether the term is true of a record. What negates is true where the field is not there.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        match self {
            Term::Text(sought) => subject.holds_text(&sought.needle),
            Term::Has(field) => subject.any_value(field, &mut |_| true),
            Term::Matches { field, pattern, is_wanted, .. } => {
                subject.any_value(field, &mut |found| found.holds(pattern)) == *is_wanted
            }
            Term::Compare { field, operator, operands } => {
                let is_any = || subject.any_value(field, &mut |found| operands.iter().any(|one| one.equals(found)));
                let is_ordered = |wanted: fn(Ordering) -> bool| {
                    subject.any_value(field, &mut |found| operands.iter().any(|one| one.is_ordered(found, wanted)))
                };
                match operator {
                    Operator::Is => is_any(),
                    Operator::IsNot => !is_any(),
                    Operator::Above => is_ordered(Ordering::is_gt),
                    Operator::AtLeast => is_ordered(Ordering::is_ge),
                    Operator::Below => is_ordered(Ordering::is_lt),
                    Operator::AtMost => is_ordered(Ordering::is_le),
                }
            }
        }
    }
}
