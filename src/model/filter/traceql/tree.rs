//! What a TraceQL query is made of, as the [documentation of Grafana
//! Tempo](https://grafana.com/docs/tempo/latest/traceql/construct-traceql-queries/) names it: conditions on one span,
//! spansets and what relates them, pipelines, metrics.
//!
//! Neither how it is written nor how it is answered is known here.

use std::fmt;

use super::super::field::Scope;
use super::super::pattern::Pattern;
use super::intrinsic::Intrinsic;
use crate::model::{Kind, StatusCode};

/// A whole query.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Selects spans.
    Spans(Pipeline),
    /// Measures the selected spans over time.
    Metrics(Metrics),
}

/// Something of a span that has a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// What every span, event or trace has.
    Intrinsic(Intrinsic),
    /// An attribute.
    Attribute {
        /// Whether the span's parent is meant.
        of_parent: bool,
        /// Where the attribute stands; `None` is anywhere.
        scope: Option<Scope>,
        /// The key.
        key: String,
    },
}

/// A value as it is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Nothing.
    Nil,
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Text.
    Text(String),
    /// A length of time, in nanoseconds.
    Duration(i64),
    /// Outcome of a span.
    Status(StatusCode),
    /// Role of a span.
    Kind(Kind),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `^`
    Power,
}

/// A value or condition of one span.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A value as written.
    Literal(Literal),
    /// A value of the span.
    Field(Field),
    /// The opposite of a condition.
    Not(Box<Expression>),
    /// The opposite of a number.
    Negative(Box<Expression>),
    /// A number of two.
    Arithmetic(Arithmetic, Box<[Expression; 2]>),
    /// Whether two values compare.
    Compare(Comparison, Box<[Expression; 2]>),
    /// Whether a regular expression is the whole of a text, or with false is not.
    Matches {
        /// The text.
        value: Box<Expression>,
        /// The expression.
        pattern: Pattern,
        /// Whether it must be.
        is_wanted: bool,
    },
    /// Conditions one after the other, each joined to all before it: `&&` and `||` bind alike.
    Chain(Box<Expression>, Vec<(Junction, Expression)>),
}

/// How a condition is joined to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Junction {
    /// `&&`
    And,
    /// `||`
    Or,
}

/// How the spans of the right side lie to those of the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `>>`: somewhere below one.
    Descendant,
    /// `<<`: somewhere above one.
    Ancestor,
    /// `>`: right below one.
    Child,
    /// `<`: right above one.
    Parent,
    /// `~`: below the same span as another one.
    Sibling,
}

/// What relates two spansets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpansetOperator {
    /// Both or one of them have spans.
    Join(Junction),
    /// Spans of the right side lie to those of the left like this.
    Structure {
        /// How they lie.
        relation: Relation,
        /// `!`: how they do not lie.
        is_negated: bool,
        /// `&`: those of the left side are taken too.
        is_union: bool,
    },
}

/// Spans of a trace.
#[derive(Debug, Clone, PartialEq)]
pub enum Spanset {
    /// Those a condition is true of; `None` is all.
    Filter(Option<Expression>),
    /// Those that come out of a pipeline.
    Pipeline(Box<Pipeline>),
    /// Those that two spansets relate.
    Operation(SpansetOperator, Box<[Spanset; 2]>),
}

/// What is worked out of the spans of a spanset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// How many.
    Count,
    /// The mean of a value.
    Average,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// All together.
    Sum,
}

/// One step of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Selects spans.
    Spans(Spanset),
    /// Keeps the spansets of which a number compares.
    Aggregate {
        /// What is worked out.
        aggregate: Aggregate,
        /// Of which value; `None` for the count.
        of: Option<Expression>,
        /// How it compares.
        comparison: Comparison,
        /// With what.
        with: f64,
    },
    /// Divides spansets into those that have the same value.
    By(Expression),
    /// Names what is to be shown.
    Select(Vec<Field>),
    /// Makes one spanset of all.
    Coalesce,
}

/// Steps one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// The steps; never empty.
    pub stages: Vec<Stage>,
}

/// What is measured of spans over time.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// Spans a second.
    Rate,
    /// Spans a step.
    Count,
    /// An aggregate of a value.
    Aggregate(Aggregate, Expression),
    /// Quantiles of a value.
    Quantiles(Expression, Vec<f64>),
    /// How often values are how large.
    Histogram(Expression),
    /// What sets some spans apart from the others.
    Compare {
        /// Which spans.
        selection: Option<Expression>,
        /// How many values of an attribute.
        top: usize,
        /// From when to when spans may be of the selection, in unix nanoseconds.
        window: Option<(i64, i64)>,
    },
}

/// Numbers over time, of spans.
#[derive(Debug, Clone, PartialEq)]
pub enum Metrics {
    /// The same number at all times.
    Number(f64),
    /// What is measured of the spans of a pipeline.
    Measured {
        /// Which spans.
        pipeline: Pipeline,
        /// What.
        measure: Measure,
        /// What the spans of a series have in common.
        by: Vec<Field>,
    },
    /// A number of two.
    Arithmetic(Arithmetic, Box<[Metrics; 2]>),
    /// Only some of the numbers.
    Narrowed(Box<Metrics>, Narrowing),
}

/// Which numbers stay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Narrowing {
    /// The largest of each step.
    Top(usize),
    /// The smallest of each step.
    Bottom(usize),
    /// Those that compare.
    Compare(Comparison, f64),
}

impl Arithmetic {
    /// The number of two.
    pub fn of(self, left: f64, right: f64) -> f64 {
        match self {
            Arithmetic::Add => left + right,
            Arithmetic::Subtract => left - right,
            Arithmetic::Multiply => left * right,
            Arithmetic::Divide => left / right,
            Arithmetic::Remainder => left % right,
            Arithmetic::Power => left.powf(right),
        }
    }
}

impl Expression {
    /// Calls `visit` with every field.
    pub fn each_field<'e>(&'e self, visit: &mut dyn FnMut(&'e Field)) {
        match self {
            Expression::Literal(_) => {}
            Expression::Field(field) => visit(field),
            Expression::Not(part) | Expression::Negative(part) | Expression::Matches { value: part, .. } => {
                part.each_field(visit);
            }
            Expression::Arithmetic(_, parts) | Expression::Compare(_, parts) => {
                parts.iter().for_each(|part| part.each_field(visit));
            }
            Expression::Chain(first, rest) => {
                first.each_field(visit);
                rest.iter().for_each(|(_, part)| part.each_field(visit));
            }
        }
    }

    /// Whether only the rest of the trace tells the value.
    pub fn needs_trace(&self) -> bool {
        let mut needs = false;
        self.each_field(&mut |field| {
            needs |= match field {
                Field::Intrinsic(intrinsic) => intrinsic.needs_trace(),
                Field::Attribute { of_parent, .. } => *of_parent,
            };
        });
        needs
    }
}

impl Spanset {
    /// Calls `visit` with conditions on single spans, of which one is true of each span that comes out; `None` is one that
    /// is always true.
    pub fn each_filter<'e>(&'e self, visit: &mut dyn FnMut(Option<&'e Expression>)) {
        match self {
            Spanset::Filter(condition) => visit(condition.as_ref()),
            Spanset::Pipeline(pipeline) => pipeline.each_filter(visit),
            // Only the right side comes out.
            Spanset::Operation(SpansetOperator::Structure { is_union: false, .. }, sides) => {
                let [_, right] = sides.as_ref();
                right.each_filter(visit);
            }
            Spanset::Operation(_, sides) => sides.iter().for_each(|side| side.each_filter(visit)),
        }
    }
}

impl Pipeline {
    /// Calls `visit` with conditions on single spans, of which one is true of each span that comes out; `None` is one that
    /// is always true.
    pub fn each_filter<'e>(&'e self, visit: &mut dyn FnMut(Option<&'e Expression>)) {
        match self.stages.first() {
            Some(Stage::Spans(spanset)) => spanset.each_filter(visit),
            _ => visit(None),
        }
    }

    /// The condition that alone decides which spans come out; `None` when it takes more than a span to know.
    pub fn single_filter(&self) -> Option<Option<&Expression>> {
        let [Stage::Spans(Spanset::Filter(condition)), rest @ ..] = self.stages.as_slice() else { return None };
        let is_plain = rest.iter().all(|stage| matches!(stage, Stage::Select(_)));
        let needs_trace = condition.as_ref().is_some_and(Expression::needs_trace);
        (is_plain && !needs_trace).then_some(condition.as_ref())
    }

    /// Calls `visit` with every field.
    pub fn each_field<'e>(&'e self, visit: &mut dyn FnMut(&'e Field)) {
        for stage in &self.stages {
            match stage {
                Stage::Spans(spanset) => spanset.each_field(visit),
                Stage::Aggregate { of: Some(of), .. } | Stage::By(of) => of.each_field(visit),
                Stage::Select(fields) => fields.iter().for_each(&mut *visit),
                Stage::Aggregate { of: None, .. } | Stage::Coalesce => {}
            }
        }
    }
}

impl Spanset {
    fn each_field<'e>(&'e self, visit: &mut dyn FnMut(&'e Field)) {
        match self {
            Spanset::Filter(condition) => condition.iter().for_each(|condition| condition.each_field(visit)),
            Spanset::Pipeline(pipeline) => pipeline.each_field(visit),
            Spanset::Operation(_, sides) => sides.iter().for_each(|side| side.each_field(visit)),
        }
    }
}

impl Metrics {
    /// Calls `visit` with every pipeline whose spans are measured, in the order they are written.
    pub fn each_pipeline<'e>(&'e self, visit: &mut dyn FnMut(&'e Pipeline)) {
        match self {
            Metrics::Number(_) => {}
            Metrics::Measured { pipeline, .. } => visit(pipeline),
            Metrics::Arithmetic(_, sides) => sides.iter().for_each(|side| side.each_pipeline(visit)),
            Metrics::Narrowed(metrics, _) => metrics.each_pipeline(visit),
        }
    }
}

impl Relation {
    /// How the left side lies to the right when the right lies so to the left.
    pub fn reversed(self) -> Relation {
        match self {
            Relation::Descendant => Relation::Ancestor,
            Relation::Ancestor => Relation::Descendant,
            Relation::Child => Relation::Parent,
            Relation::Parent => Relation::Child,
            Relation::Sibling => Relation::Sibling,
        }
    }
}

impl Comparison {
    /// Whether two numbers compare.
    pub fn of_numbers(self, left: f64, right: f64) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Above => left > right,
            Comparison::AtLeast => left >= right,
            Comparison::Below => left < right,
            Comparison::AtMost => left <= right,
        }
    }
}

impl Aggregate {
    /// What is worked out of some numbers; `None` of none, but for their count.
    pub fn of_numbers(self, numbers: impl Iterator<Item = f64>) -> Option<f64> {
        let numbers: Vec<f64> = numbers.collect();
        let sum = || numbers.iter().sum::<f64>();
        match self {
            Aggregate::Count => Some(numbers.len() as f64),
            _ if numbers.is_empty() => None,
            Aggregate::Average => Some(sum() / numbers.len() as f64),
            Aggregate::Minimum => numbers.iter().copied().reduce(f64::min),
            Aggregate::Maximum => numbers.iter().copied().reduce(f64::max),
            Aggregate::Sum => Some(sum()),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Intrinsic(intrinsic) => f.write_str(intrinsic.short()),
            Field::Attribute { of_parent, scope, key } => {
                f.write_str(if *of_parent { "parent." } else { "" })?;
                match scope {
                    Some(Scope::Scope) => write!(f, "instrumentation.{key}"),
                    Some(scope) => write!(f, "{}.{key}", scope.as_str()),
                    None if *of_parent => f.write_str(key),
                    None => write!(f, ".{key}"),
                }
            }
        }
    }
}
