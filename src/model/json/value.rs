//! Attribute values in native JSON types, and flat objects of them.
//!
//! Bytes stand as base64, NaN and infinities as the words proto3 JSON uses, because JSON has neither. Of a repeated key
//! the last value stays, where the key stood first.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use super::document::{FromJson, Result};
use crate::model::{Attributes, Text, Value};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Value::Empty => serializer.serialize_unit(),
            Value::String(text) => serializer.serialize_str(text),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Double(number) if number.is_finite() => serializer.serialize_f64(*number),
            Value::Double(number) if number.is_nan() => serializer.serialize_str("NaN"),
            Value::Double(number) => serializer.serialize_str(if *number > 0.0 { "Infinity" } else { "-Infinity" }),
            Value::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            Value::Array(values) => serializer.collect_seq(values),
            Value::Map(pairs) => serialize_pairs(pairs, serializer),
        }
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serialize_pairs(&self.0, serializer)
    }
}

fn serialize_pairs<S: Serializer>(pairs: &[(Text, Value)], serializer: S) -> std::result::Result<S::Ok, S::Error> {
    let pairs = pairs.iter().map(|(key, value)| (key.as_str(), value));
    serializer.collect_map(pairs.collect::<IndexMap<&str, &Value, FxBuildHasher>>())
}

/// An attribute value as one line of text: text without quotes, everything else as JSON. What `--attr` compares with.
pub fn value_to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        // Bytes and numbers that JSON lacks are text there, in which nothing is escaped.
        other => serde_json::to_string(other).unwrap_or_default().trim_matches('"').to_owned(),
    }
}

/// The attribute value of any JSON.
pub(super) fn value_from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Empty,
        Json::String(text) => Value::from(text.as_str()),
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::Array(values) => Value::Array(values.iter().map(value_from_json).collect()),
        Json::Object(pairs) => Value::Map(pairs.iter().map(pair_from_json).collect()),
    }
}

/// Attributes of a flat object; none for anything else.
pub fn attributes_from_json(json: &Json) -> Attributes {
    Attributes(json.as_object().into_iter().flatten().map(pair_from_json).collect())
}

impl FromJson for Attributes {
    fn from_json(json: &Json, _: &'static str) -> Result<Attributes> {
        Ok(attributes_from_json(json))
    }
}

fn pair_from_json((key, value): (&String, &Json)) -> (Text, Value) {
    (Text::from(key.as_str()), value_from_json(value))
}
