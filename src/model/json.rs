//! The JSON of the public interface, both ways, each document stated once.
//!
//! Every key is always there, `null` when unknown; times are RFC 3339 with nine digits; durations stand as fractional
//! milliseconds and exact nanoseconds. Reading back what was written gives an equal value, except that bytes come back
//! as their base64 text and NaN and infinities as the words proto3 JSON uses, because JSON has no such types.

mod checkpoint;
mod checkpoint_text;
pub(crate) mod document;
mod issue;
mod key;
mod log;
#[cfg(feature = "app")]
mod questions;
mod receipt;
mod scalar;
mod sender;
mod span;
mod stats;
mod trace;
mod value;

pub use checkpoint::DATA_TEXT;
pub use checkpoint_text::{write_checkpoint, write_checkpoint_and_project, write_items, write_text};
pub use document::{Document, FromJson, JsonError, SCHEMA, object, read, text};
pub use key::key_to_wire;
pub use log::{LOG_KEYS, extra, has_field, log_id, log_to_json, named_keys, named_value};
pub use span::span_to_json;
pub use value::{attributes_from_json, value_to_text};
