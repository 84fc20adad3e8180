//! OTLP over HTTP, to the letter of the
//! [specification](https://opentelemetry.io/docs/specs/otlp/#otlphttp): answers in the request's encoding, errors as
//! `google.rpc.Status`, 200 only for what is stored.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};

use crate::decode::body::MediaType;
use crate::server::app::App;
use crate::server::http::{Caps, Refusal, body, rpc_answer};
use crate::server::ingest::{Accepted, Decoded, Format, Signal, otlp};

/// An export request over HTTP.
pub(crate) struct OtlpHttp {
    signal: Signal,
    /// `None` for a content type that OTLP does not know.
    media: Option<MediaType>,
    content_type: Option<HeaderValue>,
}

impl OtlpHttp {
    /// The format of a request with these headers.
    pub(crate) fn new(signal: Signal, headers: &HeaderMap) -> OtlpHttp {
        let content_type = headers.get(header::CONTENT_TYPE).cloned();
        OtlpHttp { signal, media: body::media_type(headers), content_type }
    }
}

impl Format for OtlpHttp {
    fn read_head(&self, headers: &HeaderMap) -> Result<Option<String>, Refusal> {
        match self.media {
            Some(_) => Ok(body::encoding(headers)?),
            None => Err(Refusal::MediaType("send application/x-protobuf or application/json")),
        }
    }

    fn decode(&self, app: &Arc<App>, message: &Bytes) -> Result<Decoded, Refusal> {
        otlp::decode(app, self.signal, self.media.unwrap_or(MediaType::Json), message)
    }

    fn accepted(&self, _: &App, accepted: &Accepted) -> Response<Body> {
        let (media, summary) = (self.media.unwrap_or(MediaType::Json), otlp::remarks(accepted));
        let mut response = rpc_answer::http_success(media, self.signal, accepted.rejected, &summary);
        if let Some(content_type) = &self.content_type {
            response.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
        }
        response
    }

    fn refused(&self, refusal: &Refusal, caps: &Caps) -> Response<Body> {
        let media = self.media.unwrap_or(MediaType::Json);
        rpc_answer::http_failure(media, refusal.status(), &refusal.message(caps.inflated))
    }
}
