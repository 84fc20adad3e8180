//! Single values: ids, times, texts, numbers, words, and lists of them.
//!
//! Ids stand in hexadecimal or as their text, times in RFC 3339 with nine digits, enums as their words.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use super::document::{Codec, FromJson, JsonError, Result};
use crate::model::id::from_hex;
use crate::model::words::Words;
use crate::model::{Direction, Fingerprint, IssueId, Nanos, SpanId, Text, TraceId};

/// States for types how they are written, if serde does not know it, and how they are read.
macro_rules! scalars {
    ($($type:ty $(: |$value:ident| $written:expr)? => |$json:ident| $read:expr;)+) => {$(
        $(impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let $value = self;
                serializer.serialize_str(&$written)
            }
        })?

        impl FromJson for $type {
            fn from_json($json: &Json, key: &'static str) -> Result<$type> {
                $read.ok_or(JsonError { key })
            }
        }
    )+};
}

scalars! {
    u64 => |json| json.as_u64();
    i64 => |json| json.as_i64();
    u32 => |json| json.as_u64().and_then(|number| u32::try_from(number).ok());
    f64 => |json| json.as_f64();
    bool => |json| json.as_bool();
    String => |json| json.as_str().map(str::to_owned);
    Text: |text| text => |json| json.as_str().map(Text::from);
    Nanos: |time| time.to_rfc3339() => |json| json.as_str().and_then(Nanos::parse_rfc3339);
    TraceId: |id| id.to_string() => |json| json.as_str().and_then(|id| TraceId::parse(id).ok());
    SpanId: |id| id.to_string() => |json| json.as_str().and_then(|id| SpanId::parse(id).ok());
    IssueId: |id| id.to_string() => |json| json.as_str().and_then(|id| IssueId::parse(id).ok());
    Fingerprint: |print| print.to_string() => |json| json.as_str().and_then(|hex| from_hex(hex.as_bytes())).map(Fingerprint);
    Direction: |direction| direction.as_str() => |json| json.as_str().map(Direction::parse);
}

impl<T: Words> FromJson for T {
    fn from_json(json: &Json, key: &'static str) -> Result<T> {
        json.as_str().and_then(T::parse_word).ok_or(JsonError { key })
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: &Json, key: &'static str) -> Result<Option<T>> {
        if json.is_null() { Ok(None) } else { T::from_json(json, key).map(Some) }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: &Json, key: &'static str) -> Result<Vec<T>> {
        json.as_array().ok_or(JsonError { key })?.iter().map(|item| T::from_json(item, key)).collect()
    }
}

impl<T: FromJson> FromJson for Arc<T> {
    fn from_json(json: &Json, key: &'static str) -> Result<Arc<T>> {
        T::from_json(json, key).map(Arc::new)
    }
}

/// What is missing or of the wrong type reads as the default.
pub(super) struct Lenient;

impl<T: FromJson + Serialize + Default> Codec<T> for Lenient {
    fn read(json: &Json, key: &'static str) -> Result<T> {
        Ok(T::from_json(json, key).unwrap_or_default())
    }
}

/// A word nobody knows, as of a later version, reads as the default; what is no text is an error.
pub(super) struct KnownWord;

impl<T: Words + Serialize + Default> Codec<T> for KnownWord {
    fn read(json: &Json, key: &'static str) -> Result<T> {
        Ok(T::parse_word(json.as_str().ok_or(JsonError { key })?).unwrap_or_default())
    }
}

/// Empty text is written as `null`; what is no text reads as empty.
pub(super) struct NullIfEmpty;

impl Codec<Text> for NullIfEmpty {
    fn write(text: &Text) -> impl Serialize {
        (!text.is_empty()).then_some(text)
    }

    fn read(json: &Json, key: &'static str) -> Result<Text> {
        Lenient::read(json, key)
    }
}

/// A time that was not sent is written as `null`, which reads as such a time.
pub(super) struct NullIfZero;

impl Codec<Nanos> for NullIfZero {
    fn write(time: &Nanos) -> impl Serialize {
        (*time > Nanos(0)).then_some(time)
    }

    fn read(json: &Json, key: &'static str) -> Result<Nanos> {
        Ok(<Option<Nanos>>::from_json(json, key)?.unwrap_or_default())
    }
}
