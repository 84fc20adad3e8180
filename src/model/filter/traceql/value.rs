//! Values as queries compare them: types must agree, an array stands for each of its elements.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::super::pattern::Pattern;
use super::tree::{Arithmetic, Comparison, Literal};
use crate::model::{Kind, StatusCode, Value};

/// A value of a span, or one that was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Static<'v> {
    /// Nothing.
    Nil,
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Text.
    Text(Cow<'v, str>),
    /// A length of time, in nanoseconds.
    Duration(i64),
    /// Outcome of a span.
    Status(StatusCode),
    /// Role of a span.
    Kind(Kind),
    /// Several values.
    Array(Vec<Static<'v>>),
}

impl<'v> Static<'v> {
    /// The value of an attribute.
    pub fn of_value(value: &'v Value) -> Static<'v> {
        match value {
            Value::String(text) => Static::Text(Cow::Borrowed(text)),
            Value::Bool(flag) => Static::Bool(*flag),
            Value::Int(number) => Static::Int(*number),
            Value::Double(number) => Static::Float(*number),
            Value::Array(values) => Static::Array(values.iter().map(Static::of_value).collect()),
            Value::Empty | Value::Bytes(_) | Value::Map(_) => Static::Nil,
        }
    }

    /// A value as it was written.
    pub fn of_literal(literal: &'v Literal) -> Static<'v> {
        match literal {
            Literal::Nil => Static::Nil,
            Literal::Int(number) => Static::Int(*number),
            Literal::Float(number) => Static::Float(*number),
            Literal::Bool(flag) => Static::Bool(*flag),
            Literal::Text(text) => Static::Text(Cow::Borrowed(text)),
            Literal::Duration(nanos) => Static::Duration(*nanos),
            Literal::Status(code) => Static::Status(*code),
            Literal::Kind(kind) => Static::Kind(*kind),
        }
    }

    /// What several things have: nothing, the one value, or all of them.
    pub fn of_several(values: impl Iterator<Item = Static<'v>>) -> Static<'v> {
        let mut all = Vec::new();
        for value in values {
            match value {
                Static::Nil => {}
                Static::Array(values) => all.extend(values),
                value => all.push(value),
            }
        }
        match all.len() {
            0 => Static::Nil,
            1 => all.remove(0),
            _ => Static::Array(all),
        }
    }

    /// The number that the value is, lengths of time in nanoseconds.
    pub fn number(&self) -> Option<f64> {
        match self {
            Static::Int(number) | Static::Duration(number) => Some(*number as f64),
            Static::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The value as text; `None` of nothing.
    pub fn label(&self) -> Option<String> {
        Some(match self {
            Static::Nil => return None,
            Static::Int(number) => number.to_string(),
            Static::Float(number) => number.to_string(),
            Static::Bool(flag) => flag.to_string(),
            Static::Text(text) => text.to_string(),
            Static::Duration(nanos) => {
                std::time::Duration::from_nanos(nanos.unsigned_abs()).as_secs_f64().to_string() + "s"
            }
            Static::Status(code) => code.as_str().to_owned(),
            Static::Kind(kind) => kind.as_str().to_owned(),
            Static::Array(values) => values.iter().filter_map(Static::label).collect::<Vec<_>>().join(","),
        })
    }

    /// The elements of an array, or the value itself.
    fn elements(&self) -> &[Static<'v>] {
        match self {
            Static::Array(values) => values,
            value => std::slice::from_ref(value),
        }
    }

    /// Whether the two compare. Values of types that do not go together never do; of an array any element may, and
    /// with [`Comparison::NotEqual`] none may be equal.
    pub fn compares(&self, comparison: Comparison, other: &Static<'_>) -> bool {
        let mut orders = Vec::new();
        for one in self.elements() {
            orders.extend(other.elements().iter().filter_map(|two| one.order(two)));
        }
        let any = |wanted: fn(Ordering) -> bool| orders.iter().any(|order| order.is_some_and(wanted));
        match comparison {
            Comparison::Equal => any(Ordering::is_eq),
            Comparison::NotEqual => !orders.is_empty() && !any(Ordering::is_eq),
            Comparison::Above => any(Ordering::is_gt),
            Comparison::AtLeast => any(Ordering::is_ge),
            Comparison::Below => any(Ordering::is_lt),
            Comparison::AtMost => any(Ordering::is_le),
        }
    }

    /// The order of two values, `Some(None)` where only one is no number; `None` when their types do not go together.
    fn order(&self, other: &Static<'_>) -> Option<Option<Ordering>> {
        Some(match (self, other) {
            (Static::Int(a) | Static::Duration(a), Static::Int(b) | Static::Duration(b)) => Some(a.cmp(b)),
            (Static::Text(a), Static::Text(b)) => Some(a.as_ref().cmp(b.as_ref())),
            (Static::Bool(a), Static::Bool(b)) => Some(a.cmp(b)),
            (Static::Status(a), Static::Status(b)) => Some((*a as u8).cmp(&(*b as u8))),
            (Static::Kind(a), Static::Kind(b)) => Some((*a as u8).cmp(&(*b as u8))),
            (a, b) => a.number()?.partial_cmp(&b.number()?),
        })
    }

    /// Whether a pattern that holds the whole text is one of any element, or with false of none.
    pub fn matches(&self, pattern: &Pattern, is_wanted: bool) -> bool {
        let mut texts = self.elements().iter().filter_map(|element| match element {
            Static::Text(text) => Some(text),
            _ => None,
        });
        let mut has_text = false;
        let is_found = texts.any(|text| {
            has_text = true;
            pattern.is_in(text)
        });
        has_text && is_found == is_wanted
    }

    /// A number of two; nothing where one is no number, or there is no such number.
    pub fn calculate(&self, arithmetic: Arithmetic, other: &Static<'_>) -> Static<'static> {
        if let (Static::Int(a) | Static::Duration(a), Static::Int(b) | Static::Duration(b)) = (self, other) {
            let whole = match arithmetic {
                Arithmetic::Add => a.checked_add(*b),
                Arithmetic::Subtract => a.checked_sub(*b),
                Arithmetic::Multiply => a.checked_mul(*b),
                Arithmetic::Divide => a.checked_div(*b),
                Arithmetic::Remainder => a.checked_rem(*b),
                Arithmetic::Power => u32::try_from(*b).ok().and_then(|b| a.checked_pow(b)),
            };
            let durations = [self, other].into_iter().filter(|value| matches!(value, Static::Duration(_))).count();
            // A length of time divided by another is none, and neither is one times another.
            let is_linear = matches!(arithmetic, Arithmetic::Add | Arithmetic::Subtract);
            let is_duration = durations == 1 || (durations == 2 && is_linear);
            if let Some(whole) = whole {
                return if is_duration { Static::Duration(whole) } else { Static::Int(whole) };
            }
        }
        match (self.number(), other.number()) {
            (Some(a), Some(b)) => Static::Float(arithmetic.of(a, b)),
            _ => Static::Nil,
        }
    }
}
