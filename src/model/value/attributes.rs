//! Attribute values: every type of the OTLP
//! [`AnyValue`](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto),
//! kept apart so that `1`, `1.0`, `"1"` and `true` stay what the program sent.

use bytes::Bytes;

use crate::model::Text;

/// Deepest nesting of arrays and maps that is kept; what lies deeper is refused by the decoders.
pub const MAX_VALUE_DEPTH: usize = 32;

/// One attribute value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// An `AnyValue` with nothing set.
    #[default]
    Empty,
    /// UTF-8 text.
    String(Text),
    /// True or false.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double, NaN and infinities included.
    Double(f64),
    /// Raw bytes.
    Bytes(Bytes),
    /// An array; elements may differ in type.
    Array(Vec<Value>),
    /// A map in the order it was sent.
    Map(Vec<(Text, Value)>),
}

impl Value {
    /// The text, when the value is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number as a double: integers, doubles, and text that reads as a number (some SDKs send counts as text).
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(number) => Some(*number as f64),
            Value::Double(number) => Some(*number),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// What lies at a path of names with dots between them in a map; `None` where there is no map or no such name. A
    /// part of the path may hold dots itself only where it is the last.
    pub fn at_path(&self, path: &str) -> Option<&Value> {
        let (mut value, mut path) = (self, path);
        loop {
            let Value::Map(pairs) = value else { return None };
            let get = |key: &str| pairs.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value);
            if let Some(found) = get(path) {
                return Some(found);
            }
            let (head, rest) = path.split_once('.')?;
            (value, path) = (get(head)?, rest);
        }
    }

    /// About how many bytes the value takes.
    pub fn bytes(&self) -> usize {
        match self {
            Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_) => 8,
            Value::String(text) => 8 + text.len(),
            Value::Bytes(bytes) => 8 + bytes.len(),
            Value::Array(values) => 8 + values.iter().map(Value::bytes).sum::<usize>(),
            Value::Map(pairs) => 8 + pairs.iter().map(|(key, value)| key.len() + value.bytes()).sum::<usize>(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::String(Text::from(text))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Double(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

/// Keys and values in the order they were sent. A key may repeat; [`Attributes::get`] and JSON take the last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes(pub Vec<(Text, Value)>);

impl Attributes {
    /// No attributes.
    pub const EMPTY: Attributes = Attributes(Vec::new());

    /// The value of `key`; `None` when it is not there.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(name, _)| name.as_str() == key).map(|(_, value)| value)
    }

    /// The value of `key` when it is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// How many pairs there are, repeated keys included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// About how many bytes keys and values take.
    pub fn bytes(&self) -> usize {
        self.iter().map(|(key, value)| key.len() + value.bytes()).sum()
    }

    /// All pairs in the order they were sent.
    pub fn iter(&self) -> std::slice::Iter<'_, (Text, Value)> {
        self.0.iter()
    }
}

impl<K: Into<Text>, V: Into<Value>> FromIterator<(K, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Attributes {
        Attributes(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}
