//! Floor 1: bytes -> model. One file per format; nothing here knows a socket, a database or a terminal.
//!
//! [`body`] undoes what HTTP and gRPC put around a message, with a hard cap on what it may become; the formats read
//! what is left. Input is hostile by assumption: no bytes make a decoder panic, loop, or allocate without bound.
//! Reading is all that is done here; the JSON that is written stands in [`crate::model::json`].

pub mod body;
pub mod checkpoint;
pub mod json_text;
pub mod logs;
pub mod mended;
pub mod otlp;
mod python_json;

pub use mended::Mended;
