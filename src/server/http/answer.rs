//! Answers: the few shapes everything the server says takes, and the failures handlers hand back. Knows no handler.

use axum::body::Body;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::json;

use crate::api::{self, BadParameter};
use crate::model::{Removed, json};
use crate::server::http::Refusal;
use crate::server::http::refusal::with_causes;
use crate::store::{self, Facet};

/// Request header of a browser that comes back after its stream of events broke.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// An answer, or why there is none.
pub(crate) type Answer = Result<Response<Body>, Failure>;

/// The `{id}` of a path, or why it is no text.
pub(crate) type PathId = Result<Path<String>, PathRejection>;

/// Why a question has no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A query parameter cannot be used.
    Parameter(BadParameter),
    /// Something in the request's body cannot be used; one sentence.
    Body(String),
    /// The request's body did not arrive, or is larger than this many bytes, which is the cap.
    Transfer(Refusal, usize),
    /// There is no such trace.
    NoTrace,
    /// There is no such issue.
    NoIssue,
    /// The store failed.
    Store(store::Error),
}

impl From<BadParameter> for Failure {
    fn from(error: BadParameter) -> Failure {
        Failure::Parameter(error)
    }
}

impl From<PathRejection> for Failure {
    fn from(_: PathRejection) -> Failure {
        // What is not even text names no trace.
        Failure::NoTrace
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        Failure::Store(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response<Body> {
        match self {
            Failure::Parameter(error) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
            Failure::Body(detail) => problem(StatusCode::BAD_REQUEST, &detail),
            Failure::Transfer(refusal, cap) => problem(refusal.status(), &refusal.message(cap)),
            Failure::NoTrace => problem(StatusCode::NOT_FOUND, "there is no trace with this id"),
            Failure::NoIssue => problem(StatusCode::NOT_FOUND, "there is no issue with this id"),
            Failure::Store(error @ store::Error::BadCursor) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
            Failure::Store(store::Error::Lacks { facet, reason }) => lacking(facet, &reason),
            Failure::Store(error @ store::Error::KeyExists) => problem(StatusCode::CONFLICT, &error.to_string()),
            Failure::Store(error) => {
                tracing::warn!("cannot answer a request: {}", with_causes(&error));
                let status = match error.is_retryable() {
                    true => StatusCode::SERVICE_UNAVAILABLE,
                    false => StatusCode::INTERNAL_SERVER_ERROR,
                };
                // The short sentence, because the long one may say where our files lie.
                problem(status, &Refusal::from_store(&error).message(0))
            }
        }
    }
}

/// An answer that is a document of a media type, in one piece so that it leaves in one write.
pub(crate) fn document(status: StatusCode, media: &'static str, bytes: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// The answer that says which facet the kind of store lacks that the server serves, so that a remote store can say it
/// as its own.
fn lacking(facet: Facet, reason: &str) -> Response<Body> {
    json(StatusCode::NOT_IMPLEMENTED, &json!({ "detail": reason, "lacks": facet.as_str() }))
}

/// An answer of the query API that is a JSON document.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    json_text(status, json::text(value))
}

/// An answer of the query API that is a JSON document, written already.
pub(crate) fn json_text(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = document(status, "application/json", text);
    mark_version(response.headers_mut());
    response
}

/// An answer that is a stream of server-sent events.
pub(crate) fn events(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    // Proxies that collect answers would hold events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// An answer of one plain sentence about what went wrong.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response<Body> {
    let mut response = json(status, &json!({ "detail": detail }));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, retry_after());
    }
    response
}

/// Notes in the headers that the query API answered, and in which version.
pub(crate) fn mark_version(headers: &mut HeaderMap) {
    headers.insert(HeaderName::from_static(api::API_HEADER), HeaderValue::from_static(api::API_VERSION));
}

/// The value of `Retry-After`: one to five seconds, spread so that clients refused together do not come back together.
pub(crate) fn retry_after() -> HeaderValue {
    let spread = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_micros() % 5);
    HeaderValue::from(spread + 1)
}

/// Adds the headers that every answer has, unless it brings its own: nothing is cached, framed, guessed at or embedded by other sites.
pub(crate) fn add_safety_headers(headers: &mut HeaderMap) {
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

/// The answer to a deletion: how much was removed, as JSON.
pub(crate) fn removed(counts: &Removed) -> Response<Body> {
    json(StatusCode::OK, &json!(counts))
}
