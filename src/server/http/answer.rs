//! Answers: the few shapes everything the server says takes, and the failures handlers hand back. Knows no handler.

use std::fmt::Display;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::json;

use crate::api::{self, BadParameter};
use crate::causes::with_causes;
use crate::decode::checkpoint;
use crate::model::{Removed, json};
use crate::query::saved::SavedError;
use crate::server::http::Refusal;
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
    /// The question cannot be answered, for a reason that can be told in one sentence.
    Problem(StatusCode, String),
    /// Something in the question cannot be read from a place on; one sentence, and the place in characters from 0.
    BadPlace { detail: String, at: usize },
    /// The question is not what the checkpoint API takes; the answer in the words of that API.
    Invalid(checkpoint::Refusal),
    /// The store failed.
    Store(store::Error),
}

impl Failure {
    /// Something in the question cannot be used; one sentence.
    pub(crate) fn bad(detail: impl Display) -> Failure {
        Failure::Problem(StatusCode::BAD_REQUEST, detail.to_string())
    }

    /// There is nothing of this kind with the id that was asked for.
    pub(crate) fn no(kind: &str) -> Failure {
        Failure::Problem(StatusCode::NOT_FOUND, format!("there is no {kind} with this id"))
    }
}

impl From<BadParameter> for Failure {
    fn from(error: BadParameter) -> Failure {
        match error.at {
            Some(at) => Failure::BadPlace { detail: error.to_string(), at },
            None => Failure::bad(error),
        }
    }
}

impl From<SavedError> for Failure {
    fn from(error: SavedError) -> Failure {
        match error {
            SavedError::Store(error) => error.into(),
            SavedError::Unknown { near: Some(ref near), .. } => Failure::bad(format!("{error}; `@{near}` is")),
            error => Failure::bad(error),
        }
    }
}

impl From<checkpoint::Refusal> for Failure {
    fn from(refusal: checkpoint::Refusal) -> Failure {
        Failure::Invalid(refusal)
    }
}

impl From<PathRejection> for Failure {
    fn from(_: PathRejection) -> Failure {
        // What is not even text names no trace.
        Failure::no("trace")
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
            Failure::Problem(status, detail) => problem(status, &detail),
            Failure::BadPlace { detail, at } => {
                json(StatusCode::BAD_REQUEST, &serde_json::json!({ "detail": detail, "at": at }))
            }
            Failure::Invalid(refusal) => invalid(&refusal),
            Failure::Store(error @ store::Error::BadCursor) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
            Failure::Store(store::Error::Lacks { facet, reason, .. }) => lacking(facet, &reason),
            Failure::Store(error @ store::Error::KeyExists) => problem(StatusCode::CONFLICT, &error.to_string()),
            Failure::Store(error) => {
                tracing::warn!("cannot answer a request: {}", with_causes(&error));
                let status = match error.is_retryable() {
                    true if matches!(error, store::Error::TooSlow) => StatusCode::GATEWAY_TIMEOUT,
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

/// The answer to what the checkpoint API does not take, in the words of the original.
pub(crate) fn invalid(refusal: &checkpoint::Refusal) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    json_text(status, refusal.body().to_owned())
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
    json(status, &json!({ "detail": detail }))
}

/// What `work` writes: here when `is_little`, and else where it keeps nobody waiting.
///
/// # Errors
/// The work panics on its thread.
pub(crate) async fn write<T: Send + 'static>(
    is_little: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> store::Result<T> {
    match is_little {
        true => Ok(work()),
        false => tokio::task::spawn_blocking(work).await.map_err(|error| store::Error::Io(error.into())),
    }
}

/// Notes in the headers that the query API answered, and in which version.
pub(crate) fn mark_version(headers: &mut HeaderMap) {
    headers.insert(HeaderName::from_static(api::API_HEADER), HeaderValue::from_static(api::API_VERSION));
}

/// The seconds after which to try again what may pass: one to five, spread so that clients refused together do not come
/// back together.
pub(crate) fn retry_after_seconds() -> u64 {
    let spread = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_micros() % 5);
    u64::from(spread + 1)
}

/// Says in an answer after how many seconds to try again, if they are known.
pub(crate) fn set_retry_after(response: &mut Response<Body>, seconds: Option<u64>) {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// Adds the headers that every answer has, unless it brings its own: nothing is cached, framed, guessed at or embedded by
/// other sites, a refusal that may pass says when to try again, and a caller nobody knows hears how to say who they are.
pub(crate) fn add_common_headers(response: &mut Response<Body>) {
    const ALWAYS: [(HeaderName, &str); 5] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let status = response.status();
    let headers = response.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.entry(header::RETRY_AFTER).or_insert_with(|| HeaderValue::from(retry_after_seconds()));
    }
    if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        // Which compressions a body may have: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, zstd"));
    }
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
}

/// The answer to a deletion: how much was removed, as JSON.
pub(crate) fn removed(counts: &Removed) -> Response<Body> {
    json(StatusCode::OK, &json!(counts))
}
