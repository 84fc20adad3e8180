//! The bottom of the codec: numbers, texts and attribute values as bytes, and what surrounds every stored byte string.

pub mod envelope;
mod numbers;
mod value;

pub use self::numbers::{
    Buffer, Cursor, Reader, Slice, bits_of, put_bytes, put_signed, put_trace_id, put_varint, to_str, unzigzag, zigzag,
};
pub use self::value::{
    Type, get_attributes, get_body, get_value, put_attributes, put_body, skip_attributes, skip_body,
};
