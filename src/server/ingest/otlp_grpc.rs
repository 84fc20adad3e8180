//! OTLP over gRPC: unary calls by hand, about as much code as configuring a framework.
//!
//! tonic would do the framing, but it inflates a message without a cap on the result, answers one that is too large
//! with `OUT_OF_RANGE`, which OTLP clients retry for ever where the specification wants `RESOURCE_EXHAUSTED`, and
//! decodes into a second model. Here the raw message goes the way of every other body: one capped inflate, one decoder.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

use crate::decode::body::{Encoding, MediaType};
use crate::server::app::App;
use crate::server::http::limits::GRPC_PREFIX_BYTES;
use crate::server::http::proto::Code;
use crate::server::http::{Caps, Refusal, rpc_answer};
use crate::server::ingest::intake::Framed;
use crate::server::ingest::{Accepted, Decoded, Format, Signal, otlp};

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// An export request over gRPC.
pub(crate) struct OtlpGrpc {
    signal: Signal,
    encoding: Option<HeaderValue>,
}

impl OtlpGrpc {
    /// The format of a call with these headers.
    pub(crate) fn new(signal: Signal, headers: &HeaderMap) -> OtlpGrpc {
        OtlpGrpc { signal, encoding: headers.get(&ENCODING).cloned() }
    }
}

impl Format for OtlpGrpc {
    fn read_head(&self, headers: &HeaderMap) -> Result<Option<String>, Refusal> {
        match is_other_codec(headers) {
            true => Err(Refusal::Malformed("send protobuf messages".to_owned())),
            // The message is compressed, and not the body.
            false => Ok(None),
        }
    }

    fn open_frame(&self, body: Bytes, _: Option<String>, cap: usize) -> Result<Framed, Refusal> {
        one_message(self.encoding.as_ref(), body, cap)
    }

    fn decode(&self, app: &Arc<App>, message: &Bytes) -> Result<Decoded, Refusal> {
        otlp::decode(app, self.signal, MediaType::Protobuf, message)
    }

    fn accepted(&self, _: &App, accepted: &Accepted) -> Response<Body> {
        rpc_answer::grpc_success(accepted.rejected, &otlp::remarks(accepted))
    }

    /// What may pass is `UNAVAILABLE`, everything else a code clients do not retry.
    fn refused(&self, refusal: &Refusal, caps: &Caps) -> Response<Body> {
        let code = match refusal {
            Refusal::UnknownEncoding(_) => Code::Unimplemented,
            // The specification lets clients retry a deadline, and a slow link may be faster next time.
            Refusal::Slow => Code::DeadlineExceeded,
            other => Code::from_status(other.status()),
        };
        let message = refusal.message(caps.inflated);
        match refusal.retry_after_seconds() {
            Some(seconds) => rpc_answer::grpc_refusal(code, &message, Some(seconds)),
            None => rpc_answer::grpc_failure(code, &message),
        }
    }
}

/// The one message of a unary call, and its compression, which `grpc-encoding` names.
fn one_message(encoding: Option<&HeaderValue>, mut body: Bytes, cap: usize) -> Result<Framed, Refusal> {
    let malformed = |what: &str| Refusal::Malformed(what.to_owned());
    let Some((&[flag, a, b, c, d], _)) = body.split_first_chunk::<GRPC_PREFIX_BYTES>() else {
        return Err(malformed("there is no message in the call"));
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > cap {
        return Err(Refusal::TooLarge);
    }
    let message = body.split_off(GRPC_PREFIX_BYTES);
    if message.len() < length {
        return Err(malformed("the message is shorter than it says"));
    }
    if message.len() > length {
        return Err(malformed("there is more than one message in the call"));
    }
    match flag {
        0 => Ok(Framed { message, compression: None }),
        1 => Ok(Framed { message, compression: Some(compression(encoding)?) }),
        _ => Err(malformed("the message has an unknown flag")),
    }
}

fn compression(encoding: Option<&HeaderValue>) -> Result<String, Refusal> {
    let named = encoding.map_or(Ok(""), HeaderValue::to_str).unwrap_or("?");
    match Encoding::parse(Some(named)) {
        Ok(Encoding::Identity) => {
            Err(Refusal::Malformed("the message is compressed, but grpc-encoding is not set".to_owned()))
        }
        Ok(_) => Ok(named.to_owned()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the content type names another codec than protobuf, such as `application/grpc+json`.
fn is_other_codec(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let codec = value.split(';').next().and_then(|essence| essence.split_once('+'));
    codec.is_some_and(|(_, codec)| !codec.trim().eq_ignore_ascii_case("proto"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_holds_exactly_one_message() {
        let read = |bytes| one_message(None, Bytes::from_static(bytes), 10).map(|framed| framed.message);
        assert_eq!(read(b"\0\0\0\0\x02ab"), Ok(Bytes::from_static(b"ab")));
        assert_eq!(read(b"\0\0\0\0\0"), Ok(Bytes::new()));
        assert_eq!(read(b"\0\0\0\0\x0b"), Err(Refusal::TooLarge));
        for wrong in [&b""[..], b"\0\0\0\0", b"\0\0\0\0\x03ab", b"\0\0\0\0\x01ab", b"\x02\0\0\0\0", b"\x01\0\0\0\0"] {
            assert!(matches!(read(wrong), Err(Refusal::Malformed(_))), "{wrong:?}");
        }
    }
}
