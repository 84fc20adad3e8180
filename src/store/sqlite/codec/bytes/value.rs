//! Attribute values in bytes: a type tag and a body, which may stand apart because many values share one type.

use super::super::error::{CodecError, Result};
use super::{Reader, Slice, put_bytes, put_signed, put_varint};
use crate::model::{Attributes, Text, Value};

/// Deepest nesting that is read back; well above what the decoders let in.
const MAX_DEPTH: usize = 128;

/// The type of a value, without the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Type {
    /// Nothing set.
    Empty = 0,
    /// Text.
    String = 1,
    /// True or false.
    Bool = 2,
    /// 64-bit integer.
    Int = 3,
    /// Double.
    Double = 4,
    /// Raw bytes.
    Bytes = 5,
    /// Array.
    Array = 6,
    /// Map.
    Map = 7,
}

/// Every type, by its tag, with the word used in column names.
const TYPES: [(Type, &str); 8] = [
    (Type::Empty, "empty"),
    (Type::String, "string"),
    (Type::Bool, "bool"),
    (Type::Int, "int"),
    (Type::Double, "double"),
    (Type::Bytes, "bytes"),
    (Type::Array, "array"),
    (Type::Map, "map"),
];

impl Type {
    /// The type of `value`.
    pub fn of(value: &Value) -> Type {
        match value {
            Value::Empty => Type::Empty,
            Value::String(_) => Type::String,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Double(_) => Type::Double,
            Value::Bytes(_) => Type::Bytes,
            Value::Array(_) => Type::Array,
            Value::Map(_) => Type::Map,
        }
    }

    /// The type of a tag.
    ///
    /// # Errors
    /// There is no such type.
    pub fn from_tag(tag: u8) -> Result<Type> {
        TYPES.get(usize::from(tag)).map(|(kind, _)| *kind).ok_or(CodecError::Malformed("unknown value type"))
    }

    /// The word used in column names.
    pub fn as_str(self) -> &'static str {
        TYPES[self as usize].1
    }
}

/// Appends tag and body.
pub fn put_value(out: &mut Vec<u8>, value: &Value) {
    out.push(Type::of(value) as u8);
    put_body(out, value);
}

/// Appends the body alone; [`get_body`] must be told the type.
pub fn put_body(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Empty => {}
        Value::String(text) => put_bytes(out, text.as_bytes()),
        Value::Bool(value) => out.push(u8::from(*value)),
        Value::Int(number) => put_signed(out, *number),
        Value::Double(number) => out.extend_from_slice(&number.to_bits().to_le_bytes()),
        Value::Bytes(bytes) => put_bytes(out, bytes),
        Value::Array(values) => {
            put_varint(out, values.len() as u64);
            values.iter().for_each(|value| put_value(out, value));
        }
        Value::Map(pairs) => put_pairs(out, pairs),
    }
}

/// Appends attributes: a count, then key and value each.
pub fn put_attributes(out: &mut Vec<u8>, attributes: &Attributes) {
    put_pairs(out, &attributes.0);
}

fn put_pairs(out: &mut Vec<u8>, pairs: &[(Text, Value)]) {
    put_varint(out, pairs.len() as u64);
    for (key, value) in pairs {
        put_bytes(out, key.as_bytes());
        put_value(out, value);
    }
}

/// Reads what [`put_value`] wrote.
///
/// # Errors
/// The bytes are no value.
pub fn get_value(reader: &mut Reader) -> Result<Value> {
    get_nested(reader, 0)
}

/// Reads what [`put_body`] wrote.
///
/// # Errors
/// The bytes are no value of that type.
pub fn get_body(reader: &mut Reader, kind: Type) -> Result<Value> {
    get_nested_body(reader, kind, 0)
}

/// Reads what [`put_attributes`] wrote.
///
/// # Errors
/// The bytes are no attributes.
pub fn get_attributes(reader: &mut Reader) -> Result<Attributes> {
    get_pairs(reader, 0).map(Attributes)
}

fn get_nested(reader: &mut Reader, depth: usize) -> Result<Value> {
    let kind = Type::from_tag(reader.byte()?)?;
    get_nested_body(reader, kind, depth)
}

fn get_nested_body(reader: &mut Reader, kind: Type, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        return Err(CodecError::Malformed("value nested too deep"));
    }
    Ok(match kind {
        Type::Empty => Value::Empty,
        Type::String => Value::String(reader.text()?),
        Type::Bool => Value::Bool(reader.byte()? != 0),
        Type::Int => Value::Int(reader.signed()?),
        Type::Double => Value::Double(f64::from_bits(u64::from_le_bytes(reader.array()?))),
        Type::Bytes => Value::Bytes(reader.bytes()?),
        Type::Array => {
            let count = reader.count()?;
            Value::Array((0..count).map(|_| get_nested(reader, depth + 1)).collect::<Result<_>>()?)
        }
        Type::Map => Value::Map(get_pairs(reader, depth + 1)?),
    })
}

fn get_pairs(reader: &mut Reader, depth: usize) -> Result<Vec<(Text, Value)>> {
    let count = reader.count()?;
    let mut pairs = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        pairs.push((reader.text()?, get_nested(reader, depth)?));
    }
    Ok(pairs)
}

/// Goes past what [`put_body`] wrote.
///
/// # Errors
/// The bytes are no value of that type.
pub fn skip_body(slice: &mut Slice<'_>, kind: Type) -> Result<()> {
    skip_nested_body(slice, kind, 0)
}

/// Goes past what [`put_attributes`] wrote.
///
/// # Errors
/// The bytes are no attributes.
pub fn skip_attributes(slice: &mut Slice<'_>) -> Result<()> {
    skip_pairs(slice, 0)
}

fn skip_nested_body(slice: &mut Slice<'_>, kind: Type, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(CodecError::Malformed("value nested too deep"));
    }
    match kind {
        Type::Empty => {}
        Type::String | Type::Bytes => drop(slice.bytes()?),
        Type::Bool => drop(slice.byte()?),
        Type::Int => drop(slice.varint()?),
        Type::Double => drop(slice.take(8)?),
        Type::Array => {
            for _ in 0..slice.count()? {
                let kind = Type::from_tag(slice.byte()?)?;
                skip_nested_body(slice, kind, depth + 1)?;
            }
        }
        Type::Map => skip_pairs(slice, depth + 1)?,
    }
    Ok(())
}

fn skip_pairs(slice: &mut Slice<'_>, depth: usize) -> Result<()> {
    for _ in 0..slice.count()? {
        slice.bytes()?;
        let kind = Type::from_tag(slice.byte()?)?;
        skip_nested_body(slice, kind, depth)?;
    }
    Ok(())
}
