//! Reads numbers that no span tells: what aggregates and measures are compared with, `1 - 3`, `10s`.

use super::arithmetic::{Operand, Operator, read_sum};
use super::cursor::Cursor;
use super::token::Token;
use crate::model::filter::error::FilterError;
use crate::model::time::NANOS_PER_SECOND;

type Read<T> = Result<T, FilterError>;

/// A number, and whether it is a length of time.
#[derive(Clone, Copy)]
struct Constant {
    number: f64,
    is_duration: bool,
}

/// Reads a number or a sum of numbers; lengths of time are in nanoseconds.
///
/// # Errors
/// The first place where something else was expected.
pub fn read_constant(cursor: &mut Cursor<'_>) -> Read<f64> {
    Ok(read_sum::<Constant>(cursor)?.number)
}

/// Reads a number or a sum of numbers beside a measure, in which lengths of time are seconds.
///
/// # Errors
/// As [`read_constant`].
pub fn read_threshold(cursor: &mut Cursor<'_>) -> Read<f64> {
    let Constant { number, is_duration } = read_sum(cursor)?;
    Ok(if is_duration { number / NANOS_PER_SECOND as f64 } else { number })
}

/// Whether a number comes next.
pub fn is_at_number(cursor: &Cursor<'_>) -> bool {
    let is_number = |token: Option<&Token>| matches!(token, Some(Token::Int(_) | Token::Float(_) | Token::Duration(_)));
    is_number(cursor.peek()) || (cursor.symbol() == "-" && is_number(cursor.peek_second()))
}

impl Operand for Constant {
    fn read_single(cursor: &mut Cursor<'_>) -> Read<Constant> {
        if cursor.symbol() == "(" {
            cursor.enter()?;
            cursor.next();
            let inner = read_sum(cursor)?;
            cursor.take_required(")", "to end the number")?;
            cursor.leave();
            return Ok(inner);
        }
        Ok(match read_literal(cursor)? {
            Token::Duration(nanos) => Constant { number: nanos as f64, is_duration: true },
            Token::Int(number) => Constant { number: number as f64, is_duration: false },
            Token::Float(number) => Constant { number, is_duration: false },
            _ => return Err(cursor.unexpected("a number")),
        })
    }

    fn join(cursor: &Cursor<'_>, operator: Operator, left: Constant, right: Constant) -> Read<Constant> {
        if left.is_duration || right.is_duration {
            let symbol = operator.symbol;
            return Err(cursor.error_at(operator.at, format!("`{symbol}` between lengths of time is not known here")));
        }
        Ok(Constant { number: operator.arithmetic.of(left.number, right.number), is_duration: false })
    }
}

/// Reads one number without lengths of time, negative ones too.
///
/// # Errors
/// Something else comes next.
pub fn read_number(cursor: &mut Cursor<'_>) -> Read<f64> {
    let at = cursor.at();
    match read_literal(cursor)? {
        Token::Int(number) => Ok(number as f64),
        Token::Float(number) => Ok(number),
        _ => Err(cursor.error_at(at, "expected a number here, not a length of time")),
    }
}

/// A number or a length of time with its sign.
fn read_literal(cursor: &mut Cursor<'_>) -> Read<Token> {
    let is_negative = cursor.take("-");
    cursor.count_term()?;
    let token = match (cursor.peek(), is_negative) {
        (Some(Token::Int(number)), true) => Token::Int(-number),
        (Some(Token::Float(number)), true) => Token::Float(-number),
        (Some(Token::Duration(nanos)), true) => Token::Duration(-nanos),
        (Some(token @ (Token::Int(_) | Token::Float(_) | Token::Duration(_))), false) => token.clone(),
        _ => return Err(cursor.unexpected("a number")),
    };
    cursor.next();
    Ok(token)
}
