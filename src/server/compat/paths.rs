//! The paths of the published server: what those below `/traces/` name, and what it answers to others.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;

use crate::server::api::table::http_routes;
use crate::server::http::answer;

/// A path below `/traces/`, which names a correlation id.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CheckpointPath {
    /// The correlation id, unescaped. Clients do not escape it, so it may hold slashes.
    pub(crate) id: String,
    /// Whether the path ends in `/stream`.
    pub(crate) is_stream: bool,
}

impl CheckpointPath {
    /// Reads a path; `None` when it names no correlation id.
    pub(crate) fn parse(path: &str) -> Option<CheckpointPath> {
        let rest = path.strip_prefix("/traces/")?;
        let (id, is_stream) = match rest.strip_suffix("/stream") {
            Some(id) => (id, true),
            None => (rest, false),
        };
        // A bad escape stays as it is, and what is not UTF-8 becomes U+FFFD.
        let id = percent_decode_str(id).decode_utf8_lossy().into_owned();
        (!id.is_empty()).then_some(CheckpointPath { id, is_stream })
    }
}

/// Whether a path is one of this API and takes this method, or the answer of the original when it is not: 405 with the
/// one method it takes, 307 to the path without its last slash, 404.
pub(crate) fn misdirected(method: &Method, uri: &Uri, host: Option<&HeaderValue>) -> Option<Response> {
    let path = uri.path();
    if let Some(allowed) = method_of(path) {
        let mut response = answer::problem(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
        return Some(response).filter(|_| method.as_str() != allowed);
    }
    let is_ours = ["/api/", "/v1/"].iter().any(|ours| path.starts_with(ours));
    if is_ours || http_routes().any(|route| route.path == path) {
        return None;
    }
    let shorter = path.strip_suffix('/').filter(|shorter| method_of(shorter).is_some());
    let Some(shorter) = shorter else { return Some(answer::problem(StatusCode::NOT_FOUND, "Not Found")) };
    let host = host.and_then(|host| host.to_str().ok()).or(uri.host()).unwrap_or_default();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("http://{host}{shorter}{query}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Some(response)
}

/// The one method a path of the original takes.
fn method_of(path: &str) -> Option<&'static str> {
    if path.starts_with("/traces/") {
        return CheckpointPath::parse(path).map(|_| "GET");
    }
    http_routes().find(|route| route.path == path && route.is_of_original()).map(|route| route.method.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_everything_behind_traces_but_a_last_stream() {
        for (path, id, is_stream) in [
            ("/traces/cli-1", "cli-1", false),
            ("/traces/cli-1/stream", "cli-1", true),
            ("/traces/req/with%20slash", "req/with slash", false),
            ("/traces/req%2Fwith/stream", "req/with", true),
            ("/traces/a%2Fstream", "a/stream", false),
            ("/traces/stream", "stream", false),
            ("/traces/a/", "a/", false),
            ("/traces/%2E%2E/..", "../..", false),
            ("/traces/%zz%4", "%zz%4", false),
            ("/traces/a+b%ff", "a+b\u{fffd}", false),
        ] {
            assert_eq!(CheckpointPath::parse(path), Some(CheckpointPath { id: id.to_owned(), is_stream }), "{path}");
        }
        for path in ["/traces/", "/traces", "/traces//stream"] {
            assert_eq!(CheckpointPath::parse(path), None, "{path}");
        }
    }
}
