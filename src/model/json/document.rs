//! How a type states its JSON once: [`document!`] lists the keys of a document, and the writer, the reader and the list
//! of keys follow from them.
//!
//! A document is written with serde, straight into text where nobody needs a tree. It is read from a tree, because an
//! error has to name the key at fault, which serde's own errors do not. Nothing here knows a particular document.

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value as Json};

/// Version of the documents, printed as `schema`; keys are only ever added within one.
pub const SCHEMA: u64 = 1;

/// Why a document is not what [`crate::model::json`] writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is missing or has the wrong type")]
pub struct JsonError {
    /// The key at fault.
    pub key: &'static str,
}

/// What reading a document comes to.
pub type Result<T> = std::result::Result<T, JsonError>;

/// A type that is a JSON object with the keys [`document!`] lists.
pub trait Document: Serialize {
    /// The keys in the order they are written, without those of a document this one goes on from.
    const KEYS: &'static [&'static str];

    /// Writes the pairs of the object, those of the document this one goes on from first.
    ///
    /// # Errors
    /// As `map` has it.
    fn write_pairs<M: SerializeMap>(&self, map: &mut M) -> std::result::Result<(), M::Error>;
}

/// A type that can be read from JSON.
pub trait FromJson: Sized {
    /// Reads the value of `key`; a missing one is [`Json::Null`].
    ///
    /// # Errors
    /// Names the first key that is missing or of the wrong type: `key` itself, or one inside its value.
    fn from_json(json: &Json, key: &'static str) -> Result<Self>;
}

/// Another way to write and read a type than its own.
pub(super) trait Codec<T: Serialize> {
    /// What is written for a value.
    fn write(value: &T) -> impl Serialize {
        value
    }

    /// Reads the value of `key`; a missing one is [`Json::Null`].
    fn read(json: &Json, key: &'static str) -> Result<T>;
}

/// A document as a tree, for whoever changes or chooses from it.
pub fn object(document: &impl Serialize) -> Map<String, Json> {
    match serde_json::to_value(document) {
        Ok(Json::Object(object)) => object,
        _ => Map::new(),
    }
}

/// A document as text, without a tree in between.
pub fn text(document: &impl Serialize) -> String {
    // Keys are text, and memory does not fail.
    serde_json::to_string(document).unwrap_or_default()
}

/// Reads a document.
///
/// # Errors
/// Names the first key that is missing or of the wrong type.
pub fn read<T: FromJson>(json: &Json) -> Result<T> {
    T::from_json(json, "{}")
}

/// Declares the JSON object that a type is, key by key in the order they are written. Each key stands for a field of
/// the type (`:`, with `as` in the way of a [`Codec`]), or for something worked out of it that is not read (`=`). A
/// document may go on from another that lies in one of its fields (`..field`), and work something out first (`let`).
/// With `from` it can be read, too; what no key stands for is stated there, in the syntax of a struct expression.
///
/// ```ignore
/// document! {
///     Timeline as timeline {
///         "start_time": start,
///         "note": note as NullIfEmpty,
///         "traces": traces,
///         "trace_count" = timeline.traces.len(),
///     }
///     from(json) { step_ns: 1 }
/// }
/// ```
macro_rules! document {
    ($name:ident $(<$lifetime:lifetime>)? as $this:ident $body:tt $(from($json:ident) $rest:tt)?) => {
        $crate::model::json::document::document!(@write [$name $(<$lifetime>)?] $this $body);
        $(
            impl $crate::model::json::document::FromJson for $name {
                fn from_json(
                    $json: &serde_json::Value,
                    _: &'static str,
                ) -> $crate::model::json::document::Result<$name> {
                    Ok($crate::model::json::document::document!(@read $name $json $body $rest))
                }
            }
        )?
    };
    (@write [$($name:tt)+] $this:ident {
        $(..$base:ident,)?
        $(let $local:ident = $first:expr;)*
        $($key:literal $(: $field:ident $(as $codec:ty)?)? $(= $value:expr)?),+ $(,)?
    }) => {
        impl $crate::model::json::document::Document for $($name)+ {
            const KEYS: &'static [&'static str] = &[$($key),+];

            fn write_pairs<M: serde::ser::SerializeMap>(&self, map: &mut M) -> std::result::Result<(), M::Error> {
                let $this = self;
                $($this.$base.write_pairs(map)?;)?
                $(let $local = $first;)*
                $(map.serialize_entry(
                    $key,
                    &$crate::model::json::document::document!(@value $this $($field $(as $codec)?)? $(= $value)?),
                )?;)+
                Ok(())
            }
        }

        impl serde::Serialize for $($name)+ {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let key_count = <Self as $crate::model::json::document::Document>::KEYS.len();
                let mut map = serializer.serialize_map(Some(key_count))?;
                $crate::model::json::document::Document::write_pairs(self, &mut map)?;
                serde::ser::SerializeMap::end(map)
            }
        }
    };
    (@value $this:ident = $value:expr) => { $value };
    (@value $this:ident $field:ident) => { $this.$field };
    (@value $this:ident $field:ident as $codec:ty) => {
        <$codec as $crate::model::json::document::Codec<_>>::write(&$this.$field)
    };
    (@read $name:ident $json:ident {
        $(..$base:ident,)?
        $(let $local:ident = $first:expr;)*
        $($key:literal $(: $field:ident $(as $codec:ty)?)? $(= $value:expr)?),+ $(,)?
    } { $($rest:tt)* }) => {
        $name {
            $($base: $crate::model::json::document::read($json)?,)?
            $($($field: $crate::model::json::document::document!(@field $json $key $(as $codec)?),)?)+
            $($rest)*
        }
    };
    (@field $json:ident $key:literal) => {
        $crate::model::json::document::FromJson::from_json(&$json[$key], $key)?
    };
    (@field $json:ident $key:literal as $codec:ty) => {
        <$codec as $crate::model::json::document::Codec<_>>::read(&$json[$key], $key)?
    };
}

pub(crate) use document;
