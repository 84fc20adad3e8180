//! OTLP over HTTP, to the letter of the
//! [specification](https://opentelemetry.io/docs/specs/otlp/#otlphttp): answers in the request's encoding, errors as
//! `google.rpc.Status`, 200 only for what is stored.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use serde_json::json;

use crate::decode::body::{Encoding, MediaType};

use super::{
    access::{Caller, Scope},
    app::App,
    body,
    ingest::{self, Accepted, Refusal, Signal, Wire},
    proto::{self, Code},
    reply,
};

/// Takes an export request.
pub(super) async fn export(app: Arc<App>, signal: Signal, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(header::CONTENT_TYPE).cloned();
    let media = content_type.as_ref().and_then(media_type);
    let caller = match app.access.authorize(&parts.headers, Scope::Ingest) {
        Ok(caller) => caller,
        Err(refusal) => {
            body::discard_unless_expected(&parts.headers, body).await;
            app.counters.ingest_failed("denied");
            return status(media.unwrap_or(MediaType::Json), refusal.status, refusal.detail);
        }
    };
    let Some(media) = media else {
        body::discard_unless_expected(&parts.headers, body).await;
        app.counters.ingest_failed("media_type");
        let sentence = "send application/x-protobuf or application/json";
        return status(MediaType::Json, StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence);
    };
    match receive(&app, &caller, (signal, media), &parts.headers, body).await {
        Ok(accepted) => success(media, content_type, signal, &accepted),
        Err(refusal) => status(media, refusal.status(), &refusal.message(app.limits.body_bytes)),
    }
}

async fn receive(
    app: &Arc<App>,
    caller: &Caller,
    (signal, media): (Signal, MediaType),
    headers: &HeaderMap,
    body: Body,
) -> Result<Accepted, Refusal> {
    let wire = match encoding(headers) {
        Ok(encoding) => Wire { media, encoding },
        Err(refusal) => {
            body::discard_unless_expected(headers, body).await;
            app.counters.ingest_failed(refusal.reason());
            return Err(refusal);
        }
    };
    let received = match body::read(headers, body, app.limits.body_bytes, &app.budget, &app.limits).await {
        Ok(received) => received,
        Err(problem) => {
            let refusal = Refusal::from(problem);
            app.counters.ingest_failed(refusal.reason());
            return Err(refusal);
        }
    };
    ingest::take(app, caller, signal, wire, received).await
}

/// What a content type says the body is; `None` for anything but the two OTLP knows.
pub(super) fn media_type(value: &HeaderValue) -> Option<MediaType> {
    value.to_str().ok().and_then(MediaType::parse)
}

/// The compression of the body, `None` for none. Looked at before the body is read: there is no use in receiving what
/// cannot be inflated.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let named: Vec<&str> =
        headers.get_all(header::CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?")).collect();
    let named = named.join(", ");
    match Encoding::parse(Some(&named)) {
        Ok(Encoding::Identity) => Ok(None),
        Ok(_) => Ok(Some(named)),
        Err(error) => Err(Refusal::UnknownEncoding(error.to_string())),
    }
}

fn success(media: MediaType, content_type: Option<HeaderValue>, signal: Signal, accepted: &Accepted) -> Response<Body> {
    let bytes = match media {
        MediaType::Protobuf => proto::export_response(accepted.rejected, &accepted.message),
        MediaType::Json if accepted.rejected == 0 => b"{}".to_vec(),
        MediaType::Json => {
            // 64-bit numbers are strings in the JSON form of protobuf.
            let rejected = accepted.rejected.to_string();
            let field = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Logs => "rejectedLogRecords",
                Signal::Metrics => "rejectedDataPoints",
            };
            json!({ "partialSuccess": { field: rejected, "errorMessage": accepted.message } }).to_string().into_bytes()
        }
    };
    let mut response = reply::document(StatusCode::OK, name(media), bytes);
    if let Some(content_type) = content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response
}

/// An error, in the request's encoding.
pub(super) fn status(media: MediaType, status: StatusCode, message: &str) -> Response<Body> {
    let code = Code::of(status);
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
    let mut response = reply::document(status, name(media), bytes);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, reply::retry_after());
    }
    response
}

fn name(media: MediaType) -> &'static str {
    match media {
        MediaType::Protobuf => "application/x-protobuf",
        MediaType::Json => "application/json",
    }
}
