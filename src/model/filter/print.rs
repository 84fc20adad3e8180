//! Filters as text that reads back as the same tree: what a client asks a server with, and what is kept.

use std::fmt;

use super::field::{Field, Intrinsic, Scope};
use super::operand::Operand;
use super::tree::{Expression, Term};
use crate::model::value::conventions::is_known_key;

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expression::All(parts) => join(f, parts, " "),
            Expression::Any(parts) => join(f, parts, " OR "),
            Expression::Not(part) => {
                f.write_str("!")?;
                write_part(f, part)
            }
            Expression::Term(term) => term.fmt(f),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Expression], between: &str) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(between)?;
        }
        write_part(f, part)?;
    }
    Ok(())
}

/// A part of a whole, in parentheses where its own parts would mix with the others.
fn write_part(f: &mut fmt::Formatter<'_>, part: &Expression) -> fmt::Result {
    match part {
        Expression::All(_) | Expression::Any(_) => write!(f, "({part})"),
        Expression::Not(_) | Expression::Term(_) => write!(f, "{part}"),
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Text(sought) if is_plain_word(&sought.text) => f.write_str(&sought.text),
            Term::Text(sought) => write_quoted(f, &sought.text),
            Term::Selected(query) => {
                f.write_str("traceql:")?;
                write_quoted(f, &query.text)
            }
            Term::Saved(name) => write!(f, "@{name}"),
            Term::Has(field) => write!(f, "has:{field}"),
            Term::Compare { field, operator, operands } => {
                write!(f, "{field}{}", operator.as_str())?;
                for (place, operand) in operands.iter().enumerate() {
                    f.write_str(if place > 0 { "," } else { "" })?;
                    operand.fmt(f)?;
                }
                Ok(())
            }
            Term::Matches { field, text, is_wanted, .. } => {
                write!(f, "{field}{}", if *is_wanted { "~=" } else { "!~=" })?;
                write_quoted(f, text)
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Intrinsic(intrinsic) => f.write_str(intrinsic.as_str()),
            Field::Attribute { scope, keys } => {
                let key = keys.first().map_or("", String::as_str);
                if let Some(scope) = scope {
                    write!(f, "{}.", scope.as_str())?;
                    // Whatever follows the scope is the key.
                    return if is_plain_key(key) { f.write_str(key) } else { write_quoted(f, key) };
                }
                if is_plain_key(key) && !means_more(key) { f.write_str(key) } else { write_quoted(f, key) }
            }
        }
    }
}

/// Whether a key without quotes is read as something else than the attribute of that name.
fn means_more(key: &str) -> bool {
    let is_scoped = key.split_once('.').is_some_and(|(scope, _)| Scope::parse(scope).is_some());
    is_scoped || Intrinsic::parse(key).is_some() || matches!(Field::named(key), Field::Intrinsic(_))
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_quoted { write_quoted(f, &self.text) } else { f.write_str(&self.text) }
    }
}

fn is_plain_key(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) && !is_operator_word(text)
}

fn is_plain_word(text: &str) -> bool {
    is_plain_key(text) && !is_known_key(text) && !is_operator_word(text)
}

fn is_operator_word(text: &str) -> bool {
    matches!(text, "AND" | "OR" | "NOT")
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}
