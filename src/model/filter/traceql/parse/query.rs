//! Reads whole queries: a pipeline, or measures over time and what is worked out of them.
//!
//! Around arithmetic measures stand in parentheses; numbers alone are no query.

use super::arithmetic::{Operand, Operator, read_sum};
use super::condition::{comparison, read_number_of_span};
use super::cursor::Cursor;
use super::number::{is_at_number, read_number, read_threshold};
use super::pipeline::{as_spanset, read_fields, read_filter, read_pipeline};
use super::token::Token;
use crate::model::filter::error::FilterError;
use crate::model::filter::traceql::tree::{Aggregate, Measure, Metrics, Narrowing, Pipeline, Query};

type Read<T> = Result<T, FilterError>;

/// Values of an attribute that `compare` has unless told otherwise.
const USUAL_TOP: usize = 10;
/// Most series or values that are picked.
const MOST_PICKED: i64 = 10_000;

/// What was read so far.
enum Part {
    /// A number.
    Number(f64),
    /// Spans.
    Spans(Pipeline),
    /// Numbers over time, and whether they stand in parentheses.
    Metrics(Metrics, bool),
}

/// Reads a query.
///
/// # Errors
/// The first place where something else was expected.
pub fn parse(text: &str) -> Read<Query> {
    let mut cursor = Cursor::new(text)?;
    let at = cursor.at();
    let part = read_part(&mut cursor)?;
    let query = match part {
        Part::Spans(pipeline) => Query::Spans(pipeline),
        Part::Metrics(metrics, _) => Query::Metrics(metrics),
        Part::Number(_) => return Err(cursor.error_at(at, "a number alone is no query")),
    };
    if cursor.word() == "with" {
        read_hints(&mut cursor)?;
    }
    match cursor.peek() {
        None => Ok(query),
        Some(Token::Symbol(symbol @ (")" | "}"))) => Err(cursor.error(format!("this `{symbol}` closes nothing"))),
        Some(Token::Symbol(symbol)) if !matches!(query, Query::Metrics(_)) => {
            let error = cursor.error(format!("`{symbol}` does not stand between spansets"));
            Err(error.hint("between spansets stand && || > < >> << ~, those with ! or & before them, and |"))
        }
        Some(_) => Err(cursor.unexpected("an operator or the end")),
    }
}

/// What the query asks of the engine that answers it, such as `with(most_recent=true)`; nothing here depends on it.
fn read_hints(cursor: &mut Cursor<'_>) -> Read<()> {
    cursor.next();
    cursor.take_required("(", "after `with`")?;
    loop {
        if !matches!(cursor.next(), Some(Token::Word(_))) {
            return Err(cursor.unexpected("the name of a hint"));
        }
        cursor.take_required("=", "after the name of a hint")?;
        if matches!(cursor.next(), None | Some(Token::Symbol(_))) {
            return Err(cursor.unexpected("the value of a hint"));
        }
        if !cursor.take(",") {
            return cursor.take_required(")", "to end `with(`");
        }
    }
}

/// A sum, and what is picked of it.
fn read_part(cursor: &mut Cursor<'_>) -> Read<Part> {
    cursor.enter()?;
    let mut part = read_sum(cursor)?;
    while let Part::Metrics(metrics, is_wrapped) = part {
        let at = cursor.at();
        let Some(narrowing) = read_narrowing(cursor)? else {
            part = Part::Metrics(metrics, is_wrapped);
            break;
        };
        refuse_compare(cursor, at, &metrics)?;
        part = Part::Metrics(Metrics::Narrowed(Box::new(metrics), narrowing), false);
    }
    if let (Part::Spans(_) | Part::Number(_), Some(_)) = (&part, comparison(cursor)) {
        let error = cursor.error(format!("`{}` compares measures such as `rate()` here", cursor.symbol()));
        return Err(error.hint("a condition on spans stands in braces: `{ duration > 1s }`"));
    }
    cursor.leave();
    Ok(part)
}

fn refuse_compare(cursor: &Cursor<'_>, at: usize, metrics: &Metrics) -> Read<()> {
    match metrics {
        Metrics::Measured { measure: Measure::Compare { .. }, .. } => {
            Err(cursor.error_at(at, "nothing is worked out of `compare()`"))
        }
        _ => Ok(()),
    }
}

fn read_narrowing(cursor: &mut Cursor<'_>) -> Read<Option<Narrowing>> {
    if let Some(comparison) = comparison(cursor) {
        cursor.count_link()?;
        cursor.next();
        return Ok(Some(Narrowing::Compare(comparison, read_threshold(cursor)?)));
    }
    if cursor.symbol() != "|" {
        return Ok(None);
    }
    cursor.count_link()?;
    cursor.next();
    let narrow = match cursor.word() {
        "topk" => Narrowing::Top,
        "bottomk" => Narrowing::Bottom,
        _ => return Err(cursor.unexpected("`topk(n)` or `bottomk(n)` after a measure")),
    };
    cursor.next();
    cursor.take_required("(", "and how many")?;
    let count = read_count(cursor)?;
    cursor.take_required(")", "after the number")?;
    Ok(Some(narrow(count)))
}

fn read_count(cursor: &mut Cursor<'_>) -> Read<usize> {
    match cursor.peek() {
        Some(Token::Int(count)) if (1..=MOST_PICKED).contains(count) => {
            let count = usize::try_from(*count).unwrap_or(1);
            cursor.next();
            Ok(count)
        }
        _ => Err(cursor.unexpected(&format!("a number from 1 to {MOST_PICKED}"))),
    }
}

impl Operand for Part {
    fn read_single(cursor: &mut Cursor<'_>) -> Read<Part> {
        if is_at_number(cursor) {
            return read_number(cursor).map(Part::Number);
        }
        let at = cursor.at();
        if !cursor.take("(") {
            return read_measured(cursor, None);
        }
        let inner = read_part(cursor)?;
        if !cursor.take(")") {
            return Err(match cursor.peek() {
                None => cursor.error_at(at, "this `(` is not closed"),
                Some(_) => cursor.unexpected("an operator or `)`"),
            });
        }
        match inner {
            Part::Number(number) => Ok(Part::Number(number)),
            Part::Metrics(metrics, _) => Ok(Part::Metrics(metrics, true)),
            Part::Spans(pipeline) => read_measured(cursor, Some(pipeline)),
        }
    }

    fn join(cursor: &Cursor<'_>, operator: Operator, left: Part, right: Part) -> Read<Part> {
        let Operator { arithmetic, symbol, at, .. } = operator;
        let side = |part| match part {
            Part::Number(number) => Ok(Metrics::Number(number)),
            Part::Metrics(metrics, true) => refuse_compare(cursor, at, &metrics).map(|()| metrics),
            Part::Metrics(_, false) => {
                let error = cursor.error_at(at, format!("measures beside `{symbol}` stand in parentheses"));
                Err(error.hint("such as `({ } | rate()) * 60`"))
            }
            Part::Spans(_) => {
                let error = cursor.error_at(at, format!("`{symbol}` does not stand between spansets"));
                Err(error.hint("between spansets stand && || > < >> << ~, those with ! or & before them, and |"))
            }
        };
        Ok(match (left, right) {
            (Part::Number(left), Part::Number(right)) => Part::Number(arithmetic.of(left, right)),
            (left, right) => {
                Part::Metrics(Metrics::Arithmetic(arithmetic, Box::new([side(left)?, side(right)?])), true)
            }
        })
    }
}

/// A pipeline, and what is measured of its spans.
fn read_measured(cursor: &mut Cursor<'_>, first: Option<Pipeline>) -> Read<Part> {
    let pipeline = read_pipeline(cursor, first.map(as_spanset))?;
    if !cursor.take("|") {
        return Ok(Part::Spans(pipeline));
    }
    let name = cursor.word().to_owned();
    cursor.next();
    cursor.take_required("(", &format!("after `{name}`"))?;
    let measure = read_measure(cursor, &name)?;
    cursor.take_required(")", &format!("to end `{name}(`"))?;
    let by = match cursor.word() {
        "by" => {
            cursor.next();
            read_fields(cursor, "by")?
        }
        _ => Vec::new(),
    };
    Ok(Part::Metrics(Metrics::Measured { pipeline, measure, by }, false))
}

fn read_measure(cursor: &mut Cursor<'_>, name: &str) -> Read<Measure> {
    Ok(match name {
        "rate" => Measure::Rate,
        "count_over_time" => Measure::Count,
        "min_over_time" => Measure::Aggregate(Aggregate::Minimum, read_number_of_span(cursor)?),
        "max_over_time" => Measure::Aggregate(Aggregate::Maximum, read_number_of_span(cursor)?),
        "avg_over_time" => Measure::Aggregate(Aggregate::Average, read_number_of_span(cursor)?),
        "sum_over_time" => Measure::Aggregate(Aggregate::Sum, read_number_of_span(cursor)?),
        "histogram_over_time" => Measure::Histogram(read_number_of_span(cursor)?),
        "quantile_over_time" => {
            let of = read_number_of_span(cursor)?;
            let mut quantiles = Vec::new();
            while cursor.take(",") {
                let at = cursor.at();
                let quantile = read_number(cursor)?;
                if !(0.0..=1.0).contains(&quantile) {
                    return Err(cursor.error_at(at, "a quantile is a number from 0 to 1"));
                }
                quantiles.push(quantile);
            }
            if quantiles.is_empty() {
                return Err(cursor.unexpected("`,` and a quantile such as 0.95"));
            }
            Measure::Quantiles(of, quantiles)
        }
        "compare" => {
            let selection = read_filter(cursor)?;
            let top = if cursor.take(",") { read_count(cursor)? } else { USUAL_TOP };
            let time = |cursor: &mut Cursor<'_>| match cursor.peek() {
                Some(Token::Int(nanos)) => {
                    let nanos = *nanos;
                    cursor.next();
                    Ok(nanos)
                }
                _ => Err(cursor.unexpected("a time in unix nanoseconds")),
            };
            let window = match cursor.take(",") {
                true => {
                    let from = time(cursor)?;
                    cursor.take_required(",", "and when the window ends")?;
                    Some((from, time(cursor)?))
                }
                false => None,
            };
            Measure::Compare { selection, top, window }
        }
        _ => return Err(cursor.unexpected("a measure such as `rate()`")),
    })
}
