//! The bottom of the codec: numbers, texts and attribute values as bytes, and what surrounds every stored byte string.

pub mod envelope;
pub mod numbers;
pub mod value;
