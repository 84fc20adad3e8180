//! Answers: the few shapes everything the server says takes.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value as Json, json};

use crate::{api, store::Facet};

/// A document of a type, in one piece so that it leaves in one write.
pub(super) fn document(status: StatusCode, media: &'static str, bytes: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// A JSON document of the query API.
pub(super) fn json(status: StatusCode, value: &Json) -> Response<Body> {
    let mut response = document(status, "application/json", value.to_string());
    mark(response.headers_mut());
    response
}

/// The same of a document that is text already.
pub(super) fn json_text(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = document(status, "application/json", text);
    mark(response.headers_mut());
    response
}

/// One plain sentence about what went wrong.
pub(super) fn problem(status: StatusCode, detail: &str) -> Response<Body> {
    let mut response = json(status, &json!({ "detail": detail }));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, retry_after());
    }
    response
}

/// Which facet the kind of store lacks that the server serves, so that a remote store can say it as its own.
pub(super) fn lacking(facet: Facet, reason: &str) -> Response<Body> {
    json(StatusCode::NOT_IMPLEMENTED, &json!({ "detail": reason, "lacks": facet.as_str() }))
}

/// Says that the query API answered, and in which version.
pub(super) fn mark(headers: &mut HeaderMap) {
    headers.insert(HeaderName::from_static(api::API_HEADER), HeaderValue::from_static(api::API_VERSION));
}

/// One to five seconds, spread so that clients refused together do not come back together.
pub(super) fn retry_after() -> HeaderValue {
    let spread = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_micros() % 5);
    HeaderValue::from(spread + 1)
}

/// Headers every answer has, unless it brings its own: nothing is cached, framed, guessed at or embedded by other sites.
pub(super) fn harden(headers: &mut HeaderMap) {
    const ALWAYS: [(HeaderName, &str); 5] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
