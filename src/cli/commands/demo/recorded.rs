//! Requests that published clients sent: byte for byte, and log entries to be told again in another trace.

use bytes::Bytes;
use serde_json::Value as Json;

use crate::{cli::http::Recorded, decode::body::inflate};

/// Bytes before the message in a gRPC body: a flag and a length.
const GRPC_FRAME_BYTES: usize = 5;

/// Largest body that is inflated: more than the recorded requests hold.
const MOST_INFLATED_BYTES: usize = 1 << 20;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

macro_rules! capture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/it/data/captures/", $name, ".body"))
    };
}

/// Requests of the Python and JavaScript SDKs, msgtrace-sdk and msgflux, in several encodings, and of the checkpoint
/// client.
pub fn requests() -> Vec<Recorded> {
    let grpc = capture!("044-js-otel-grpc");
    vec![
        recorded("/api/v1/traces/export", PROTOBUF, None, capture!("001-py-msgtrace-default-path")),
        recorded("/v1/traces", PROTOBUF, None, capture!("004-py-otel-http-proto")),
        recorded("/v1/traces", JSON, Some("gzip"), capture!("035-js-otel-http-json-gzip")),
        recorded("/v1/traces", PROTOBUF, Some("gzip"), capture!("007-py-otel-http-proto-gzip")),
        recorded("/v1/traces", PROTOBUF, None, grpc.get(GRPC_FRAME_BYTES..).unwrap_or_default()),
        recorded("/v1/traces", PROTOBUF, None, capture!("053-py-msgflux-0.5.1")),
        recorded("/ingest", JSON, None, capture!("019-tracehub-0.1.0-client")),
        recorded("/ingest", JSON, None, capture!("020-tracehub-0.1.0-client")),
    ]
}

/// The entries of two requests of the published logger, the first of them compressed.
pub fn log_entries() -> [Vec<Json>; 2] {
    let compressed = Bytes::from_static(capture!("029-tracehub-logger-1.2.0-gzip"));
    let inflated = inflate(compressed, Some("gzip"), MOST_INFLATED_BYTES).unwrap_or_default();
    [inflated, Bytes::from_static(capture!("030-tracehub-logger-1.2.0-plain"))]
        .map(|body| serde_json::from_slice(&body).unwrap_or_default())
}

fn recorded(
    path: &'static str,
    content_type: &'static str,
    encoding: Option<&'static str>,
    body: &'static [u8],
) -> Recorded {
    Recorded { path, content_type, encoding, body: body.to_vec() }
}
