//! Reads spansets, what relates them, and the steps of a pipeline; where a pipeline goes on as a measure over time, it
//! says so and stops.

use super::condition::{comparison, read_condition, read_field, read_number_of_span, read_value_of_span};
use super::cursor::Cursor;
use super::number::read_constant;
use super::token::Token;
use crate::model::filter::error::FilterError;
use crate::model::filter::traceql::tree::{
    Aggregate, Expression, Field, Junction, Pipeline, Relation, Spanset, SpansetOperator, Stage,
};

type Read<T> = Result<T, FilterError>;

/// Words that begin a measure over time.
pub const MEASURES: [&str; 9] = [
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "sum_over_time",
    "quantile_over_time",
    "histogram_over_time",
    "compare",
];

/// Reads a pipeline up to its end or to a measure over time; `first` is a spanset that was read already.
///
/// # Errors
/// The first place where something else was expected.
pub fn read_pipeline(cursor: &mut Cursor<'_>, first: Option<Spanset>) -> Read<Pipeline> {
    let mut stages = Vec::new();
    if first.is_some() || matches!(cursor.symbol(), "{" | "(") {
        stages.push(Stage::Spans(read_joined(cursor, first)?));
    } else {
        if cursor.word() == "coalesce" {
            return Err(cursor.error("`coalesce()` makes one of several spansets, and there are none before it"));
        }
        stages.push(read_stage(cursor)?);
    }
    while cursor.symbol() == "|" {
        if matches!(cursor.peek_second(), Some(Token::Word(word)) if MEASURES.contains(&word.as_str())) {
            break;
        }
        cursor.count_link()?;
        cursor.next();
        stages.push(match cursor.symbol() {
            "{" | "(" => Stage::Spans(read_joined(cursor, None)?),
            _ => read_stage(cursor)?,
        });
    }
    Ok(Pipeline { stages })
}

/// Spansets with `&&` and `||` between them, which bind alike.
fn read_joined(cursor: &mut Cursor<'_>, first: Option<Spanset>) -> Read<Spanset> {
    let mut left = read_related(cursor, first)?;
    loop {
        let junction = match cursor.symbol() {
            "&&" => Junction::And,
            "||" => Junction::Or,
            _ => return Ok(left),
        };
        cursor.count_link()?;
        cursor.next();
        let right = read_related(cursor, None)?;
        left = Spanset::Operation(SpansetOperator::Join(junction), Box::new([left, right]));
    }
}

/// Spansets with a structural operator between them.
fn read_related(cursor: &mut Cursor<'_>, first: Option<Spanset>) -> Read<Spanset> {
    let mut left = match first {
        Some(first) => first,
        None => read_spanset(cursor)?,
    };
    while let Some(operator) = structure(cursor.symbol()) {
        // A comparison with a number is none between spansets.
        let symbol = cursor.symbol();
        cursor.count_link()?;
        cursor.next();
        if !matches!(cursor.symbol(), "{" | "(") {
            return Err(cursor.unexpected(&format!("a spanset such as `{{ status = error }}` after `{symbol}`")));
        }
        let right = read_spanset(cursor)?;
        left = Spanset::Operation(operator, Box::new([left, right]));
    }
    Ok(left)
}

fn structure(symbol: &str) -> Option<SpansetOperator> {
    let (is_negated, is_union) = (symbol.starts_with('!'), symbol.starts_with('&'));
    let relation = match symbol.trim_start_matches(['!', '&']) {
        ">>" => Relation::Descendant,
        "<<" => Relation::Ancestor,
        ">" => Relation::Child,
        "<" => Relation::Parent,
        "~" => Relation::Sibling,
        _ => return None,
    };
    Some(SpansetOperator::Structure { relation, is_negated, is_union })
}

fn read_spanset(cursor: &mut Cursor<'_>) -> Read<Spanset> {
    let at = cursor.at();
    if cursor.symbol() == "{" {
        return Ok(Spanset::Filter(read_filter(cursor)?));
    }
    cursor.take_required("(", "or `{`")?;
    cursor.enter()?;
    let pipeline = read_pipeline(cursor, None)?;
    cursor.leave();
    if !cursor.take(")") {
        return Err(match cursor.peek() {
            None => cursor.error_at(at, "this `(` is not closed"),
            Some(_) => cursor.unexpected("`|` or `)`"),
        });
    }
    Ok(as_spanset(pipeline))
}

/// The spans that come out of a pipeline.
pub fn as_spanset(mut pipeline: Pipeline) -> Spanset {
    match pipeline.stages.as_slice() {
        [Stage::Spans(_)] => match pipeline.stages.pop() {
            Some(Stage::Spans(spanset)) => spanset,
            _ => Spanset::Pipeline(Box::new(pipeline)),
        },
        _ => Spanset::Pipeline(Box::new(pipeline)),
    }
}

/// Reads `{ condition }`; `None` when nothing stands between the braces.
///
/// # Errors
/// The first place where something else was expected.
pub fn read_filter(cursor: &mut Cursor<'_>) -> Read<Option<Expression>> {
    let at = cursor.at();
    cursor.take_required("{", "to begin a spanset")?;
    cursor.count_term()?;
    if cursor.take("}") {
        return Ok(None);
    }
    let condition = read_condition(cursor)?;
    match cursor.peek() {
        Some(Token::Symbol("}")) => {
            cursor.next();
            Ok(Some(condition))
        }
        None => Err(cursor.error_at(at, "this `{` is not closed")),
        Some(_) => Err(cursor.unexpected("an operator or `}`")),
    }
}

fn read_stage(cursor: &mut Cursor<'_>) -> Read<Stage> {
    let aggregate = match cursor.word() {
        "by" => {
            cursor.next();
            cursor.take_required("(", "after `by`")?;
            let of = read_value_of_span(cursor)?;
            cursor.take_required(")", "after the value")?;
            return Ok(Stage::By(of));
        }
        "select" => {
            cursor.next();
            return Ok(Stage::Select(read_fields(cursor, "select")?));
        }
        "coalesce" => {
            cursor.next();
            cursor.take_required("(", "after `coalesce`")?;
            cursor.take_required(")", "after `coalesce(`")?;
            return Ok(Stage::Coalesce);
        }
        word @ ("topk" | "bottomk") => {
            let reason = format!("`{word}` picks from a measure such as `rate()`, and there is none before it");
            return Err(cursor.error(reason));
        }
        word => match aggregate(word) {
            Some(aggregate) => aggregate,
            None => {
                let error = cursor.unexpected("a spanset such as `{ status = error }` or a step of a pipeline");
                return Err(error.hint(
                    "steps are count() avg() min() max() sum() by() select() coalesce(), and measures such as rate()",
                ));
            }
        },
    };
    let name = cursor.word().to_owned();
    cursor.next();
    cursor.take_required("(", &format!("after `{name}`"))?;
    let of = if aggregate == Aggregate::Count { None } else { Some(read_number_of_span(cursor)?) };
    cursor.take_required(")", &format!("to end `{name}(`"))?;
    let symbol = cursor.symbol();
    let Some(comparison) = comparison(cursor) else {
        if matches!(symbol, "+" | "-" | "*" | "/" | "%" | "^") {
            return Err(cursor.error(format!("`{symbol}` between aggregates is not known here")));
        }
        return Err(cursor.unexpected(&format!("a comparison such as `{name}(…) > 2`")));
    };
    cursor.next();
    if self::aggregate(cursor.word()).is_some() {
        return Err(cursor.error(format!("`{symbol}` between two aggregates is not known here; compare with a number")));
    }
    Ok(Stage::Aggregate { aggregate, of, comparison, with: read_constant(cursor)? })
}

fn aggregate(word: &str) -> Option<Aggregate> {
    Some(match word {
        "count" => Aggregate::Count,
        "avg" => Aggregate::Average,
        "min" => Aggregate::Minimum,
        "max" => Aggregate::Maximum,
        "sum" => Aggregate::Sum,
        _ => return None,
    })
}

/// Reads `(field, field)`.
///
/// # Errors
/// The first place where something else was expected.
pub fn read_fields(cursor: &mut Cursor<'_>, after: &str) -> Read<Vec<Field>> {
    cursor.take_required("(", &format!("after `{after}`"))?;
    let mut fields = Vec::new();
    loop {
        cursor.count_term()?;
        fields.push(read_field(cursor)?);
        if !cursor.take(",") {
            cursor.take_required(")", "or `,` after a field")?;
            return Ok(fields);
        }
    }
}
