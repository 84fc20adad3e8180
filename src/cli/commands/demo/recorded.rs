//! Requests that published clients sent, byte for byte.

use crate::cli::http::Recorded;

/// Bytes before the message in a gRPC body: a flag and a length.
const GRPC_FRAME_BYTES: usize = 5;

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
    let requests: [(_, _, _, &[u8]); 8] = [
        ("/api/v1/traces/export", PROTOBUF, None, capture!("001-py-msgtrace-default-path")),
        ("/v1/traces", PROTOBUF, None, capture!("004-py-otel-http-proto")),
        ("/v1/traces", JSON, Some("gzip"), capture!("035-js-otel-http-json-gzip")),
        ("/v1/traces", PROTOBUF, Some("gzip"), capture!("007-py-otel-http-proto-gzip")),
        ("/v1/traces", PROTOBUF, None, grpc.get(GRPC_FRAME_BYTES..).unwrap_or_default()),
        ("/v1/traces", PROTOBUF, None, capture!("053-py-msgflux-0.5.1")),
        ("/ingest", JSON, None, capture!("019-tracehub-0.1.0-client")),
        ("/ingest", JSON, None, capture!("020-tracehub-0.1.0-client")),
    ];
    let recorded = |(path, content_type, encoding, body): (_, _, _, &[u8])| Recorded {
        path,
        content_type,
        encoding,
        body: body.to_vec(),
    };
    requests.map(recorded).into()
}
