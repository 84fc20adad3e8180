//! Reads what stands between `{` and `}`, and every other value of a span: comparisons, sums, and which types go
//! together. A fault is found here, before any span is looked at.

use super::arithmetic::{Operand, Operator, read_right, read_sum};
use super::cursor::Cursor;
use super::token::Token;
use crate::model::filter::error::FilterError;
use crate::model::filter::field::Scope;
use crate::model::filter::pattern::Pattern;
use crate::model::filter::traceql::intrinsic::{Intrinsic, Type};
use crate::model::filter::traceql::tree::{Arithmetic, Comparison, Expression, Field, Junction, Literal};
use crate::model::{Kind, StatusCode};

type Read<T> = Result<T, FilterError>;

/// Reads a condition on a span.
///
/// # Errors
/// The first place where something else was expected.
pub fn read_condition(cursor: &mut Cursor<'_>) -> Read<Expression> {
    let at = cursor.at();
    let condition = read_chain(cursor)?;
    require(cursor, at, &condition, Type::Bool, "a condition")?;
    Ok(condition)
}

/// Reads a value that spans have and that is a number.
///
/// # Errors
/// As [`read_condition`].
pub fn read_number_of_span(cursor: &mut Cursor<'_>) -> Read<Expression> {
    let at = cursor.at();
    let value = read_value_of_span(cursor)?;
    require(cursor, at, &value, Type::Number, "a number")?;
    Ok(value)
}

/// Reads a value that spans have.
///
/// # Errors
/// As [`read_condition`].
pub fn read_value_of_span(cursor: &mut Cursor<'_>) -> Read<Expression> {
    let at = cursor.at();
    let value = read_chain(cursor)?;
    let mut is_of_span = false;
    value.each_field(&mut |_| is_of_span = true);
    match is_of_span {
        true => Ok(value),
        false => Err(cursor.error_at(at, "expected something of the span here, such as `duration` or `span.key`")),
    }
}

/// Reads one field of a span.
///
/// # Errors
/// As [`read_condition`].
pub fn read_field(cursor: &mut Cursor<'_>) -> Read<Field> {
    let at = cursor.at();
    match cursor.next() {
        Some(Token::Attribute { of_parent, scope, key }) => Ok(Field::Attribute { of_parent, scope, key }),
        Some(Token::Word(word)) => named_field(cursor, at, &word),
        Some(token) => Err(cursor.error_at(at, format!("expected a field here, not {}", token.named()))),
        None => Err(cursor.error_at(at, "expected a field here, not the end")),
    }
}

fn named_field(cursor: &Cursor<'_>, at: usize, word: &str) -> Read<Field> {
    if let Some(intrinsic) = Intrinsic::named(word) {
        return Ok(Field::Intrinsic(intrinsic));
    }
    if word == "parent" {
        return Err(cursor
            .error_at(at, "`parent` alone has no value")
            .hint("`parent.key` is an attribute of the parent"));
    }
    let word: String = word.chars().take(40).collect();
    let error = cursor.error_at(at, format!("`{word}` is no field of a span"));
    if word == "service" {
        return Err(error.hint("the service of a span is `resource.service.name`"));
    }
    Err(error.hint(format!("an attribute has a dot or its scope before it, such as `.{word}` or `span.{word}`")))
}

fn read_chain(cursor: &mut Cursor<'_>) -> Read<Expression> {
    cursor.enter()?;
    let at = cursor.at();
    let first = read_comparison(cursor)?;
    let mut rest = Vec::new();
    loop {
        let junction = match cursor.symbol() {
            "&&" => Junction::And,
            "||" => Junction::Or,
            _ => break,
        };
        let symbol = cursor.symbol();
        if rest.is_empty() {
            require(cursor, at, &first, Type::Bool, &format!("a condition before `{symbol}`"))?;
        }
        cursor.next();
        let at = cursor.at();
        let next = read_comparison(cursor)?;
        require(cursor, at, &next, Type::Bool, &format!("a condition after `{symbol}`"))?;
        rest.push((junction, next));
    }
    cursor.leave();
    Ok(if rest.is_empty() { first } else { Expression::Chain(Box::new(first), rest) })
}

/// The comparison that comes next.
pub fn comparison(cursor: &Cursor<'_>) -> Option<Comparison> {
    Some(match cursor.symbol() {
        "=" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        ">" => Comparison::Above,
        ">=" => Comparison::AtLeast,
        "<" => Comparison::Below,
        "<=" => Comparison::AtMost,
        _ => return None,
    })
}

fn read_comparison(cursor: &mut Cursor<'_>) -> Read<Expression> {
    let left_at = cursor.at();
    let left = read_sum(cursor)?;
    let (at, symbol) = (cursor.at(), cursor.symbol());
    if matches!(symbol, "=~" | "!~") {
        cursor.next();
        require(cursor, left_at, &left, Type::Text, &format!("text before `{symbol}`"))?;
        return read_pattern(cursor, left, symbol == "=~");
    }
    let Some(operator) = comparison(cursor) else { return Ok(left) };
    cursor.next();
    if symbol == "=" && cursor.symbol() == "=" {
        return Err(cursor.error_at(at, "`==` is written `=` in TraceQL"));
    }
    let right = read_sum(cursor)?;
    let (left_type, right_type) = (type_of(&left), type_of(&right));
    let is_ordered = !matches!(operator, Comparison::Equal | Comparison::NotEqual);
    for (side, other) in [(&left, right_type), (&right, left_type)] {
        if other == Type::Nil && operator == Comparison::Equal && is_always_there(side) {
            return Err(cursor.error_at(at, "every span has this, so it is never nil"));
        }
    }
    if ![left_type, right_type].iter().any(|one| matches!(one, Type::Any | Type::Nil)) && left_type != right_type {
        let (left, right) = (left_type.named(), right_type.named());
        return Err(cursor.error_at(at, format!("`{symbol}` compares {left} with {right}, which is never true")));
    }
    let has_no_order = |one: &Type| matches!(one, Type::Bool | Type::Status | Type::Kind);
    if let Some(one) = [left_type, right_type].into_iter().find(|one| is_ordered && has_no_order(one)) {
        return Err(cursor.error_at(at, format!("`{symbol}` asks for an order, and {} has none", one.named())));
    }
    Ok(Expression::Compare(operator, Box::new([left, right])))
}

fn read_pattern(cursor: &mut Cursor<'_>, value: Expression, is_wanted: bool) -> Read<Expression> {
    let at = cursor.at();
    let Some(Token::Text(text)) = cursor.peek().cloned() else {
        return Err(cursor.unexpected("a regular expression in quotes"));
    };
    cursor.next();
    cursor.count_pattern()?;
    // Alone first, so that the reason is about what was written.
    let pattern = Pattern::parse(&text).and_then(|_| Pattern::parse(&format!("^(?s:{text})$")));
    let pattern = pattern.map_err(|reason| cursor.error_at(at, reason))?;
    Ok(Expression::Matches { value: Box::new(value), pattern, is_wanted })
}

impl Operand for Expression {
    const HAS_REMAINDER: bool = true;

    /// A power, or what stands alone.
    fn read_single(cursor: &mut Cursor<'_>) -> Read<Expression> {
        let at = cursor.at();
        let left = read_value(cursor)?;
        match cursor.symbol() {
            // Goes to the right, so it lies in itself.
            "^" => {
                cursor.enter()?;
                let power = read_right(cursor, (at, left), Arithmetic::Power, Expression::read_single)?;
                cursor.leave();
                Ok(power)
            }
            _ => Ok(left),
        }
    }

    fn join(cursor: &Cursor<'_>, operator: Operator, left: Expression, right: Expression) -> Read<Expression> {
        let Operator { arithmetic, symbol, left_at, right_at, .. } = operator;
        require(cursor, left_at, &left, Type::Number, &format!("a number before `{symbol}`"))?;
        require(cursor, right_at, &right, Type::Number, &format!("a number after `{symbol}`"))?;
        Ok(Expression::Arithmetic(arithmetic, Box::new([left, right])))
    }
}

fn read_value(cursor: &mut Cursor<'_>) -> Read<Expression> {
    let symbol = cursor.symbol();
    if matches!(symbol, "!" | "-") {
        cursor.enter()?;
        cursor.next();
        let at = cursor.at();
        let part = read_value(cursor)?;
        cursor.leave();
        let (wanted, what) = if symbol == "!" { (Type::Bool, "a condition") } else { (Type::Number, "a number") };
        require(cursor, at, &part, wanted, &format!("{what} after `{symbol}`"))?;
        let part = Box::new(part);
        return Ok(if symbol == "!" { Expression::Not(part) } else { Expression::Negative(part) });
    }
    let at = cursor.at();
    if cursor.take("(") {
        let inner = read_chain(cursor)?;
        if !cursor.take(")") {
            return Err(match cursor.peek() {
                Some(Token::Symbol("}")) | None => cursor.error_at(at, "this `(` is not closed"),
                _ => cursor.unexpected("an operator or `)`"),
            });
        }
        return Ok(inner);
    }
    cursor.count_term()?;
    let literal = match cursor.peek() {
        Some(Token::Int(number)) => Literal::Int(*number),
        Some(Token::Float(number)) => Literal::Float(*number),
        Some(Token::Duration(nanos)) => Literal::Duration(*nanos),
        Some(Token::Text(text)) => Literal::Text(text.clone()),
        Some(Token::Word(word)) => match literal_of_word(word) {
            Some(literal) => literal,
            None => return read_field(cursor).map(Expression::Field),
        },
        Some(Token::Attribute { .. }) => return read_field(cursor).map(Expression::Field),
        _ => return Err(cursor.unexpected("a value or a field")),
    };
    cursor.next();
    Ok(Expression::Literal(literal))
}

fn literal_of_word(word: &str) -> Option<Literal> {
    Some(match word {
        "nil" => Literal::Nil,
        "true" => Literal::Bool(true),
        "false" => Literal::Bool(false),
        "minInt" => Literal::Int(i64::MIN),
        "maxInt" => Literal::Int(i64::MAX),
        word => match (StatusCode::parse(word), Kind::parse(word)) {
            (Some(code), _) => Literal::Status(code),
            (None, kind) => Literal::Kind(kind?),
        },
    })
}

fn type_of(expression: &Expression) -> Type {
    match expression {
        Expression::Literal(literal) => match literal {
            Literal::Nil => Type::Nil,
            Literal::Int(_) | Literal::Float(_) | Literal::Duration(_) => Type::Number,
            Literal::Bool(_) => Type::Bool,
            Literal::Text(_) => Type::Text,
            Literal::Status(_) => Type::Status,
            Literal::Kind(_) => Type::Kind,
        },
        Expression::Field(Field::Attribute { .. }) => Type::Any,
        Expression::Field(Field::Intrinsic(intrinsic)) => intrinsic.value_type(),
        Expression::Negative(_) | Expression::Arithmetic(..) => Type::Number,
        Expression::Not(_) | Expression::Compare(..) | Expression::Matches { .. } | Expression::Chain(..) => Type::Bool,
    }
}

fn is_always_there(expression: &Expression) -> bool {
    match expression {
        Expression::Field(Field::Intrinsic(intrinsic)) => intrinsic.is_always_there(),
        Expression::Field(Field::Attribute { of_parent, scope, key }) => {
            *scope == Some(Scope::Resource) && key == "service.name" && !of_parent
        }
        _ => false,
    }
}

fn require(cursor: &Cursor<'_>, at: usize, expression: &Expression, wanted: Type, what: &str) -> Read<()> {
    let found = type_of(expression);
    if found == wanted || found == Type::Any {
        return Ok(());
    }
    let error = cursor.error_at(at, format!("expected {what} here, and this is {}", found.named()));
    Err(match (wanted, expression) {
        (Type::Bool, Expression::Field(_)) => error.hint("compare it with a value, such as `status = error`"),
        _ => error,
    })
}
