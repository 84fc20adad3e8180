//! Answers to OTLP clients: successes and failures over gRPC, and over HTTP in the encoding of the request, where a failure
//! is a `google.rpc.Status`. Knows nothing of what was asked.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::json;

use crate::decode::body::MediaType;
use crate::server::http::answer;
use crate::server::http::limits::GRPC_PREFIX_BYTES;
use crate::server::http::proto::{self, Code};
use crate::server::ingest::Signal;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// Compressions a client may use.
const ENCODINGS: HeaderValue = HeaderValue::from_static("identity,gzip,deflate,zstd");

/// Whether a request is a gRPC call: `application/grpc`, alone or with a suffix, and not gRPC-Web.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str) else { return false };
    let Some(rest) = value.get(..16).filter(|name| name.eq_ignore_ascii_case("application/grpc")) else { return false };
    matches!(value.as_bytes().get(rest.len()), None | Some(b'+' | b';' | b' '))
}

/// The answer over HTTP to an export, in the encoding of the request: how many records were rejected, and what the sender
/// should know, which may be something although none were.
pub(crate) fn http_success(media: MediaType, signal: Signal, rejected: usize, message: &str) -> Response<Body> {
    let bytes = match media {
        MediaType::Protobuf => proto::export_response(rejected, message),
        MediaType::Json if rejected == 0 && message.is_empty() => b"{}".to_vec(),
        MediaType::Json => {
            let field = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Logs => "rejectedLogRecords",
                Signal::Metrics => "rejectedDataPoints",
            };
            // 64-bit numbers are strings in the JSON form of protobuf.
            json!({ "partialSuccess": { field: rejected.to_string(), "errorMessage": message } })
                .to_string()
                .into_bytes()
        }
    };
    answer::document(StatusCode::OK, media_name(media), bytes)
}

/// The answer over HTTP to an export that failed, in the encoding of the request.
pub(crate) fn http_failure(media: MediaType, status: StatusCode, message: &str) -> Response<Body> {
    let code = Code::from_status(status);
    let bytes = match media {
        MediaType::Protobuf => proto::status(code, message),
        MediaType::Json => {
            let mut document = json!({ "code": code as u8, "message": message });
            if code == Code::InvalidArgument {
                let violation = json!({ "field": "body", "description": message });
                document["details"] = json!([{ "@type": proto::BAD_REQUEST, "fieldViolations": [violation] }]);
            }
            document.to_string().into_bytes()
        }
    };
    answer::document(status, media_name(media), bytes)
}

fn media_name(media: MediaType) -> &'static str {
    match media {
        MediaType::Protobuf => "application/x-protobuf",
        MediaType::Json => "application/json",
    }
}

/// The answer to a gRPC call of which some records may have been rejected.
pub(crate) fn grpc_success(rejected: usize, message: &str) -> Response<Body> {
    let message = proto::export_response(rejected, message);
    let mut frame = BytesMut::with_capacity(GRPC_PREFIX_BYTES + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).expect("the message about rejections is bounded to a few kilobytes"));
    frame.put_slice(&message);
    let mut trailers = HeaderMap::new();
    trailers.insert(STATUS, HeaderValue::from_static("0"));
    let body = Full::new(frame.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response.headers_mut().insert(ACCEPT_ENCODING, ENCODINGS);
    response
}

/// The answer to a gRPC call that failed: headers only. What may pass says when to try again.
pub(crate) fn grpc_failure(code: Code, message: &str) -> Response<Body> {
    grpc_refusal(code, message, (code == Code::Unavailable).then(answer::retry_after_seconds))
}

/// The answer to a gRPC call that failed: headers only. With the seconds after which to try again, if that is of use:
/// OTLP clients drop what is `RESOURCE_EXHAUSTED` without them.
pub(crate) fn grpc_refusal(code: Code, message: &str, retry_after_seconds: Option<u64>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(STATUS, HeaderValue::from(code as u16));
    headers.insert(ACCEPT_ENCODING, ENCODINGS);
    if let Ok(message) = HeaderValue::from_str(&percent_encoded(message)) {
        headers.insert(MESSAGE, message);
    }
    let details = retry_after_seconds.map(|seconds| proto::status_with_retry(code, message, seconds));
    if let Some(Ok(details)) = details.map(|details| HeaderValue::from_str(&STANDARD_NO_PAD.encode(details))) {
        headers.insert(DETAILS, details);
    }
    response
}

/// Percent-encodes all but printable ASCII, as the
/// [protocol](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) wants `grpc-message`.
fn percent_encoded(text: &str) -> String {
    const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
    utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().expect("a header value"))])
    }

    #[test]
    fn grpc_is_told_from_its_neighbours() {
        for (content_type, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("Application/gRPC;charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("application/x-protobuf", false),
            ("application/gr", false),
        ] {
            assert_eq!(is_grpc(&headers(content_type)), expected, "{content_type}");
        }
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encoded("100 % schön\n"), "100 %25 sch%C3%B6n%0A");
    }
}
