//! OTLP over HTTP, to the letter of the
//! [specification](https://opentelemetry.io/docs/specs/otlp/#otlphttp): answers in the request's encoding, errors as
//! `google.rpc.Status`, 200 only for what is stored.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use serde_json::json;

use crate::decode::body::MediaType;

use crate::server::{
    access::{Caller, Scope},
    answer,
    app::App,
    body,
    otlp::{self, Accepted, Signal, Wire},
    proto::{self, Code},
    refusal::Refusal,
};

/// Takes an export request.
pub(crate) async fn export(app: Arc<App>, signal: Signal, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(header::CONTENT_TYPE).cloned();
    let media = body::media_type(&parts.headers);
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
    let wire = match body::encoding(headers) {
        Ok(encoding) => Wire { media, encoding },
        Err(error) => {
            let refusal = Refusal::from(error);
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
    otlp::take(app, caller, signal, wire, received).await
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
    let mut response = answer::document(StatusCode::OK, name(media), bytes);
    if let Some(content_type) = content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response
}

/// An error, in the request's encoding.
pub(crate) fn status(media: MediaType, status: StatusCode, message: &str) -> Response<Body> {
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
    let mut response = answer::document(status, name(media), bytes);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, answer::retry_after());
    }
    response
}

fn name(media: MediaType) -> &'static str {
    match media {
        MediaType::Protobuf => "application/x-protobuf",
        MediaType::Json => "application/json",
    }
}
