//! Tests of both OTLP decoders together: written cases, recorded requests, and properties against `prost`.

mod captures;
mod cases;
mod hostile;
mod oracle;

use bytes::Bytes;

use super::{Decoded, traces};
use crate::decode::body::MediaType;

/// Reads a JSON request that must be well-formed.
fn json_traces(document: &str) -> Decoded {
    traces(&Bytes::copy_from_slice(document.as_bytes()), MediaType::Json).expect("well-formed")
}
