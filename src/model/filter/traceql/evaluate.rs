//! What a condition says of one span: where each field is read from, and what missing values mean.

use std::borrow::Cow;

use super::super::field::Scope;
use super::intrinsic::Intrinsic;
use super::structure::Structure;
use super::tree::{Arithmetic, Comparison, Expression, Field, Junction, Literal, Pipeline};
use super::value::Static;
use crate::model::{Attributes, Span};

/// A span, and where it lies in its trace.
#[derive(Clone, Copy)]
pub struct Place<'t> {
    /// The span.
    pub span: &'t Span,
    /// Its place in the trace; `None` when nothing is known of the trace.
    within: Option<(&'t Structure<'t>, usize)>,
}

impl<'t> Place<'t> {
    /// A span of whose trace nothing is known.
    pub fn alone(span: &'t Span) -> Place<'t> {
        Place { span, within: None }
    }

    /// A span of a trace; `None` when there is none at the place.
    pub fn within(structure: &'t Structure<'t>, place: usize) -> Option<Place<'t>> {
        Some(Place { span: structure.spans.get(place)?, within: Some((structure, place)) })
    }

    fn parent(&self) -> Option<Place<'t>> {
        let (structure, place) = self.within?;
        Place::within(structure, structure.parents.get(place).copied().flatten()?)
    }
}

/// Whether a condition is true of a span; no condition is true of all.
pub fn is_true(condition: Option<&Expression>, place: &Place<'_>) -> bool {
    condition.is_none_or(|condition| holds(condition, place))
}

/// Whether a span of whose trace nothing is known can come out of a pipeline; false is certain. What comes out is what
/// one of its first conditions is true of.
pub fn may_come_out(pipeline: &Pipeline, span: &Span) -> bool {
    let mut may = false;
    pipeline.each_filter(&mut |condition| may |= condition.is_none_or(|condition| may_hold(condition, span)));
    may
}

fn may_hold(condition: &Expression, span: &Span) -> bool {
    match condition {
        Expression::Chain(first, rest) => {
            rest.iter().fold(may_hold(first, span), |so_far, (junction, next)| match junction {
                Junction::And => so_far && may_hold(next, span),
                Junction::Or => so_far || may_hold(next, span),
            })
        }
        condition => condition.needs_trace() || holds(condition, &Place::alone(span)),
    }
}

fn holds(condition: &Expression, place: &Place<'_>) -> bool {
    match condition {
        Expression::Chain(first, rest) => {
            rest.iter().fold(holds(first, place), |so_far, (junction, next)| match junction {
                Junction::And => so_far && holds(next, place),
                Junction::Or => so_far || holds(next, place),
            })
        }
        Expression::Compare(comparison, sides) => {
            let [left, right] = sides.as_ref();
            let is_nil = |side: &Expression| *side == Expression::Literal(Literal::Nil);
            let (left_is_nil, right_is_nil) = (is_nil(left), is_nil(right));
            if left_is_nil || right_is_nil {
                let other = evaluate(if left_is_nil { right } else { left }, place);
                return match comparison {
                    Comparison::Equal => other == Static::Nil,
                    Comparison::NotEqual => other != Static::Nil,
                    _ => false,
                };
            }
            evaluate(left, place).compares(*comparison, &evaluate(right, place))
        }
        Expression::Matches { value, pattern, is_wanted } => evaluate(value, place).matches(pattern, *is_wanted),
        // Of what is not there neither it nor its opposite is true.
        Expression::Not(part) => match part.as_ref() {
            Expression::Field(_) => evaluate(part, place) == Static::Bool(false),
            part => !holds(part, place),
        },
        other => evaluate(other, place) == Static::Bool(true),
    }
}

/// The value of an expression.
pub fn evaluate<'v>(expression: &'v Expression, place: &Place<'v>) -> Static<'v> {
    match expression {
        Expression::Literal(literal) => Static::of_literal(literal),
        Expression::Field(field) => value_of(field, place),
        Expression::Negative(part) => Static::Int(0).calculate(Arithmetic::Subtract, &evaluate(part, place)),
        Expression::Arithmetic(arithmetic, sides) => {
            let [left, right] = sides.as_ref();
            evaluate(left, place).calculate(*arithmetic, &evaluate(right, place))
        }
        condition => Static::Bool(holds(condition, place)),
    }
}

/// The value of a field.
pub fn value_of<'v>(field: &'v Field, place: &Place<'v>) -> Static<'v> {
    match field {
        Field::Intrinsic(intrinsic) => of_intrinsic(*intrinsic, place),
        Field::Attribute { of_parent: false, scope, key } => of_attribute(place.span, *scope, key),
        Field::Attribute { of_parent: true, scope, key } => {
            place.parent().map_or(Static::Nil, |parent| of_attribute(parent.span, *scope, key))
        }
    }
}

fn get<'v>(attributes: &'v Attributes, key: &str) -> Static<'v> {
    attributes.get(key).map_or(Static::Nil, Static::of_value)
}

fn of_attribute<'v>(span: &'v Span, scope: Option<Scope>, key: &str) -> Static<'v> {
    match scope {
        Some(Scope::Span) => get(&span.attributes, key),
        // What a resource without a name is called everywhere.
        Some(Scope::Resource) if key == "service.name" => text(&span.resource.service),
        Some(Scope::Resource) => get(&span.resource.attributes, key),
        Some(Scope::Event) => Static::of_several(span.events.iter().map(|event| get(&event.attributes, key))),
        Some(Scope::Link) => Static::of_several(span.links.iter().map(|link| get(&link.attributes, key))),
        Some(Scope::Scope) => get(&span.scope.attributes, key),
        Some(Scope::Log | Scope::Data) => Static::Nil,
        None => {
            let scopes = [Scope::Span, Scope::Resource, Scope::Event, Scope::Link, Scope::Scope];
            let mut values = scopes.into_iter().map(|scope| of_attribute(span, Some(scope), key));
            values.find(|value| *value != Static::Nil).unwrap_or(Static::Nil)
        }
    }
}

fn text(text: &str) -> Static<'_> {
    Static::Text(Cow::Borrowed(text))
}

fn written<'v>(value: Option<impl ToString>) -> Static<'v> {
    value.map_or(Static::Nil, |value| Static::Text(Cow::Owned(value.to_string())))
}

fn nanos<'v>(nanos: u64) -> Static<'v> {
    Static::Duration(i64::try_from(nanos).unwrap_or(i64::MAX))
}

fn of_intrinsic<'v>(intrinsic: Intrinsic, place: &Place<'v>) -> Static<'v> {
    let span = place.span;
    match intrinsic {
        Intrinsic::Name => text(&span.name),
        Intrinsic::Kind => Static::Kind(span.kind),
        Intrinsic::Status => Static::Status(span.status.code),
        Intrinsic::StatusMessage => text(&span.status.message),
        Intrinsic::Duration => nanos(span.duration_ns()),
        Intrinsic::Id => written(Some(span.span_id)),
        Intrinsic::ParentId => written(span.parent_span_id),
        Intrinsic::TraceId => written(Some(&span.trace_id)),
        Intrinsic::EventName => Static::of_several(span.events.iter().map(|event| text(&event.name))),
        Intrinsic::EventTime => Static::of_several(span.events.iter().map(|event| {
            let since = i128::from(event.time.0) - i128::from(span.start.0);
            Static::Duration(i64::try_from(since).unwrap_or(i64::MAX))
        })),
        Intrinsic::LinkTraceId => Static::of_several(span.links.iter().map(|link| written(link.trace_id.as_ref()))),
        Intrinsic::LinkSpanId => Static::of_several(span.links.iter().map(|link| written(link.span_id))),
        Intrinsic::InstrumentationName => text(&span.scope.name),
        Intrinsic::InstrumentationVersion => text(&span.scope.version),
        of_trace => place.within.map_or(Static::Nil, |(structure, own)| of_structure(of_trace, structure, own)),
    }
}

fn of_structure<'v>(intrinsic: Intrinsic, structure: &'v Structure<'v>, own: usize) -> Static<'v> {
    match intrinsic {
        Intrinsic::TraceDuration => nanos(structure.summary.duration_ns()),
        Intrinsic::RootName => structure.root().map_or(Static::Nil, |root| text(&root.name)),
        Intrinsic::RootService => structure.root().map_or(Static::Nil, |root| text(root.service())),
        Intrinsic::ChildCount => {
            let count = structure.children.get(own).map_or(0, Vec::len);
            Static::Int(i64::try_from(count).unwrap_or(i64::MAX))
        }
        Intrinsic::NestedSetLeft => Static::Int(structure.numbers(own).left),
        Intrinsic::NestedSetRight => Static::Int(structure.numbers(own).right),
        Intrinsic::NestedSetParent => Static::Int(structure.numbers(own).parent),
        _ => Static::Nil,
    }
}
