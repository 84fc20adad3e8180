//! Sums and products of whatever can stand in them: values of a span in a condition, plain numbers, measures.

use super::cursor::Cursor;
use crate::model::filter::error::FilterError;
use crate::model::filter::traceql::tree::Arithmetic;

type Read<T> = Result<T, FilterError>;

/// What can stand beside `+`, `-`, `*` and `/`.
pub trait Operand: Sized {
    /// Whether `%` goes with the products.
    const HAS_REMAINDER: bool = false;

    /// Reads what binds closer than a product.
    ///
    /// # Errors
    /// Something else comes next.
    fn read_single(cursor: &mut Cursor<'_>) -> Read<Self>;

    /// What two operands come to.
    ///
    /// # Errors
    /// They do not go together.
    fn join(cursor: &Cursor<'_>, operator: Operator, left: Self, right: Self) -> Read<Self>;
}

/// An operator, and where it and what stands beside it were written.
#[derive(Clone, Copy)]
pub struct Operator {
    /// What it works out.
    pub arithmetic: Arithmetic,
    /// How it was written.
    pub symbol: &'static str,
    /// Where the left side begins.
    pub left_at: usize,
    /// Where it stands.
    pub at: usize,
    /// Where the right side begins.
    pub right_at: usize,
}

/// Reads a sum of products, or one of them alone.
///
/// # Errors
/// The first place where something else was expected.
pub fn read_sum<T: Operand>(cursor: &mut Cursor<'_>) -> Read<T> {
    let sign = |symbol: &str| match symbol {
        "+" => Some(Arithmetic::Add),
        "-" => Some(Arithmetic::Subtract),
        _ => None,
    };
    read_joined(cursor, sign, read_product)
}

fn read_product<T: Operand>(cursor: &mut Cursor<'_>) -> Read<T> {
    let sign = |symbol: &str| match symbol {
        "*" => Some(Arithmetic::Multiply),
        "/" => Some(Arithmetic::Divide),
        "%" if T::HAS_REMAINDER => Some(Arithmetic::Remainder),
        _ => None,
    };
    read_joined(cursor, sign, T::read_single)
}

fn read_joined<T: Operand>(
    cursor: &mut Cursor<'_>,
    sign: impl Fn(&str) -> Option<Arithmetic>,
    read: fn(&mut Cursor<'_>) -> Read<T>,
) -> Read<T> {
    let left_at = cursor.at();
    let mut left = read(cursor)?;
    while let Some(arithmetic) = sign(cursor.symbol()) {
        left = read_right(cursor, (left_at, left), arithmetic, read)?;
    }
    Ok(left)
}

/// Reads an operator and its right side.
///
/// # Errors
/// The right side is none, or does not go with the left one.
pub fn read_right<T: Operand>(
    cursor: &mut Cursor<'_>,
    (left_at, left): (usize, T),
    arithmetic: Arithmetic,
    read: fn(&mut Cursor<'_>) -> Read<T>,
) -> Read<T> {
    let (at, symbol) = (cursor.at(), cursor.symbol());
    cursor.count_link()?;
    cursor.next();
    let right_at = cursor.at();
    let right = read(cursor)?;
    T::join(cursor, Operator { arithmetic, symbol, left_at, at, right_at }, left, right)
}
