//! OTLP over gRPC: unary calls by hand, about as much code as configuring a framework.
//!
//! tonic would do the framing, but it inflates a message without a cap on the result, answers one that is too large
//! with `OUT_OF_RANGE`, which OTLP clients retry for ever where the specification wants `RESOURCE_EXHAUSTED`, and
//! decodes into a second model. Here the raw message goes the way of every other body: one capped inflate, one decoder.

use std::sync::Arc;

use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};

use crate::decode::body::{Encoding, MediaType};

use crate::server::{
    access::{Caller, Scope},
    app::App,
    body::{self, Received},
    otlp::{self, Accepted, Signal, Wire},
    proto::{self, Code},
    refusal::Refusal,
};

/// Before each message: a flag byte and four bytes of length.
const PREFIX_BYTES: usize = 5;
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// Compressions a client may use.
const ENCODINGS: HeaderValue = HeaderValue::from_static("identity,gzip,deflate");

/// Paths of the methods and what they take.
pub(crate) const METHODS: [(&str, Signal); 3] = [
    ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", Signal::Traces),
    ("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", Signal::Metrics),
    ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", Signal::Logs),
];

/// Whether a request is a gRPC call: `application/grpc`, alone or with a suffix, and not gRPC-Web.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str) else { return false };
    let Some(rest) = value.get(..16).filter(|name| name.eq_ignore_ascii_case("application/grpc")) else { return false };
    matches!(value.as_bytes().get(rest.len()), None | Some(b'+' | b';' | b' '))
}

/// Answers a call.
pub(crate) async fn call(app: Arc<App>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Some((_, signal)) = METHODS.iter().find(|(path, _)| *path == parts.uri.path()) else {
        return failure(Code::Unimplemented, "there is no such method");
    };
    let caller = match app.access.authorize(&parts.headers, Scope::Ingest) {
        Ok(caller) => caller,
        Err(refusal) => {
            app.counters.ingest_failed("denied");
            return failure(Code::of(refusal.status), refusal.detail);
        }
    };
    if is_other_codec(&parts.headers) {
        return failure(Code::InvalidArgument, "send protobuf messages");
    }
    match receive(&app, &caller, *signal, &parts.headers, body).await {
        Ok(accepted) => success(&accepted),
        Err(refusal) => refused(&refusal, app.limits.body_bytes),
    }
}

async fn receive(
    app: &Arc<App>,
    caller: &Caller,
    signal: Signal,
    headers: &HeaderMap,
    body: Body,
) -> Result<Accepted, Refusal> {
    match read(app, headers, body).await {
        Ok((wire, received)) => otlp::take(app, caller, signal, wire, received).await,
        Err(refusal) => {
            app.counters.ingest_failed(refusal.reason());
            Err(refusal)
        }
    }
}

async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<(Wire, Received), Refusal> {
    let cap = app.limits.body_bytes + PREFIX_BYTES;
    let Received { bytes, reservation } = body::read(headers, body, cap, &app.budget, &app.limits).await?;
    let (encoding, bytes) = one_message(headers, bytes, app.limits.body_bytes)?;
    Ok((Wire { media: MediaType::Protobuf, encoding }, Received { bytes, reservation }))
}

/// The one message of a unary call, and its compression.
fn one_message(headers: &HeaderMap, mut body: Bytes, cap: usize) -> Result<(Option<String>, Bytes), Refusal> {
    let malformed = |what: &str| Refusal::Malformed(what.to_owned());
    let Some((&[flag, a, b, c, d], _)) = body.split_first_chunk::<PREFIX_BYTES>() else {
        return Err(malformed("there is no message in the call"));
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > cap {
        return Err(Refusal::TooLarge);
    }
    let message = body.split_off(PREFIX_BYTES);
    if message.len() < length {
        return Err(malformed("the message is shorter than it says"));
    }
    if message.len() > length {
        return Err(malformed("there is more than one message in the call"));
    }
    match flag {
        0 => Ok((None, message)),
        1 => Ok((compression(headers)?, message)),
        _ => Err(malformed("the message has an unknown flag")),
    }
}

fn compression(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let named = headers.get(&ENCODING).map_or(Ok(""), HeaderValue::to_str).unwrap_or("?");
    match Encoding::parse(Some(named)) {
        Ok(Encoding::Identity) => {
            Err(Refusal::Malformed("the message is compressed, but grpc-encoding is not set".to_owned()))
        }
        Ok(_) => Ok(Some(named.to_owned())),
        Err(error) => Err(Refusal::UnknownEncoding(error.to_string())),
    }
}

/// Whether the content type names another codec than protobuf, such as `application/grpc+json`.
fn is_other_codec(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let codec = value.split(';').next().and_then(|essence| essence.split_once('+'));
    codec.is_some_and(|(_, codec)| !codec.trim().eq_ignore_ascii_case("proto"))
}

fn success(accepted: &Accepted) -> Response<Body> {
    let message = proto::export_response(accepted.rejected, &accepted.message);
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + message.len());
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

/// A refusal; what may pass is `UNAVAILABLE`, everything else a code clients do not retry.
pub(crate) fn refused(refusal: &Refusal, cap: usize) -> Response<Body> {
    let code = match refusal {
        Refusal::UnknownEncoding(_) => Code::Unimplemented,
        // The specification lets clients retry a deadline, and a slow link may be faster next time.
        Refusal::Slow => Code::DeadlineExceeded,
        other => Code::of(other.status()),
    };
    failure(code, &refusal.message(cap))
}

/// An answer of headers only.
pub(crate) fn failure(code: Code, message: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(STATUS, HeaderValue::from(code as u16));
    headers.insert(ACCEPT_ENCODING, ENCODINGS);
    if let Ok(message) = HeaderValue::from_str(&percent_encoded(message)) {
        headers.insert(MESSAGE, message);
    }
    response
}

/// Percent-encodes all but printable ASCII, as the
/// [protocol](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) wants `grpc-message`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | 0..=0x1f | 0x7f.. => encoded.push_str(&format!("%{byte:02X}")),
            printable => encoded.push(char::from(printable)),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().expect("a header value"))])
    }

    #[test]
    fn grpc_is_told_from_its_neighbours() {
        for (content_type, is_grpc) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("Application/gRPC;charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("application/x-protobuf", false),
            ("application/gr", false),
        ] {
            assert_eq!(is_call(&headers(content_type)), is_grpc, "{content_type}");
        }
    }

    #[test]
    fn a_call_holds_exactly_one_message() {
        let none = HeaderMap::new();
        let read = |bytes: &'static [u8]| one_message(&none, Bytes::from_static(bytes), 10).map(|(_, message)| message);
        assert_eq!(read(b"\0\0\0\0\x02ab"), Ok(Bytes::from_static(b"ab")));
        assert_eq!(read(b"\0\0\0\0\0"), Ok(Bytes::new()));
        assert_eq!(read(b"\0\0\0\0\x0b"), Err(Refusal::TooLarge));
        for wrong in [&b""[..], b"\0\0\0\0", b"\0\0\0\0\x03ab", b"\0\0\0\0\x01ab", b"\x02\0\0\0\0", b"\x01\0\0\0\0"] {
            assert!(matches!(read(wrong), Err(Refusal::Malformed(_))), "{wrong:?}");
        }
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encoded("100 % schön\n"), "100 %25 sch%C3%B6n%0A");
    }
}
