//! Whether an expression is true of a record: the one meaning every store has to agree with.

use std::cmp::Ordering;

use super::field::Needs;
use super::operand::Found;
use super::subject::{RecordRef, Subject};
use super::traceql::span_key;
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
            // What a query selects is among the spans that its conditions are true of.
            Expression::Term(Term::Selected(query)) => {
                matches!(subject.record, RecordRef::Span(span) if query.may_select(span))
            }
            other => other.needs() > Needs::Record || other.matches(subject),
        }
    }
}

impl Term {
    /// Whether the term is true of a record. What negates is true where the field is not there.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        match (self, self.field()) {
            (Term::Text(sought), _) => subject.holds_text(&sought.needle),
            (Term::Selected(query), _) => match subject.record {
                RecordRef::Span(span) if query.needs_trace() => {
                    let whole = subject.trace.and_then(|trace| trace.whole.as_ref());
                    let selected = whole.and_then(|whole| whole.selected.get(&query.text));
                    selected.is_some_and(|selected| selected.contains(&span_key(span)))
                }
                RecordRef::Span(span) => query.selects_alone(span),
                RecordRef::Checkpoint(_) | RecordRef::Log(_) => false,
            },
            (_, None) => false,
            (_, Some(field)) => subject.any_value(field, &mut |found| self.accepts(found)) != self.negates(),
        }
    }

    /// Whether a value of the field is one that the term asks for, or of a term that [negates](Term::negates), one that no
    /// record it is true of has.
    pub fn accepts(&self, found: &Found<'_>) -> bool {
        match self {
            Term::Text(_) | Term::Selected(_) | Term::Saved(_) => false,
            Term::Has(_) => true,
            Term::Matches { pattern, .. } => found.holds(pattern),
            Term::Compare { operator, operands, .. } => {
                let is_ordered = |wanted| operands.iter().any(|one| one.is_ordered(found, wanted));
                match operator {
                    Operator::Is | Operator::IsNot => operands.iter().any(|one| one.equals(found)),
                    Operator::Above => is_ordered(Ordering::is_gt),
                    Operator::AtLeast => is_ordered(Ordering::is_ge),
                    Operator::Below => is_ordered(Ordering::is_lt),
                    Operator::AtMost => is_ordered(Ordering::is_le),
                }
            }
        }
    }

    /// Whether the term is true of records that do not have what it names.
    pub fn negates(&self) -> bool {
        match self {
            Term::Text(_) | Term::Selected(_) | Term::Saved(_) | Term::Has(_) => false,
            Term::Compare { operator, .. } => *operator == Operator::IsNot,
            Term::Matches { is_wanted, .. } => !is_wanted,
        }
    }
}
