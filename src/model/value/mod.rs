//! What records are made of: ids, texts, points in time, and attributes.

pub mod conventions;
pub mod id;
pub mod text;
pub mod time;
pub mod traceparent;

mod attributes;

pub use attributes::{Attributes, MAX_VALUE_DEPTH, Value};
