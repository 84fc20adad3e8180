//! Answers for pages of other web sites that the owner of the server lets in: what a browser asks before it sends
//! ([preflight](https://fetch.spec.whatwg.org/#cors-preflight-fetch)), and the headers it wants to see in every answer.
//! Which sites those are says [`super::Site`].

use axum::body::Body;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

/// Methods a page may use.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE");
/// Headers of requests that need no more than this when a browser names none.
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-encoding, content-type, x-api-key");
/// Headers of answers that a page may read.
const EXPOSED: HeaderValue = HeaderValue::from_static("retry-after, www-authenticate");
/// Seconds for which a browser need not ask again.
const KEPT_SECONDS: HeaderValue = HeaderValue::from_static("600");
const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOWS_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The answer to a browser that asks whether a page of a welcome site may send a request; `None` when it asks something
/// else. Needs no key: a browser sends none.
pub(crate) fn preflight(head: &Parts) -> Option<Response<Body>> {
    if head.method != Method::OPTIONS || !head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let asked = head.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).filter(|names| are_names(names));
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.cloned().unwrap_or(HEADERS));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, KEPT_SECONDS);
    if head.headers.contains_key(ASKS_PRIVATE) {
        headers.insert(ALLOWS_PRIVATE, HeaderValue::from_static("true"));
    }
    Some(response)
}

/// Whether a value lists names of headers and nothing else, so that it can be repeated.
fn are_names(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|names| names.split(',').all(|name| name.trim().parse::<HeaderName>().is_ok()))
}

/// Adds to an answer that pages of this site may read it. Exporters in browsers send beacons, which always ask for leave to
/// send credentials.
pub(crate) fn add_headers(response: &mut Response<Body>, origin: HeaderValue) {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn answer(method: &str, headers: &[(&str, &str)]) -> Option<Response<Body>> {
        let mut request = Request::builder().method(method).uri("/v1/traces");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        preflight(&request.body(()).expect("a request").into_parts().0)
    }

    #[test]
    fn only_a_preflight_is_answered_and_the_headers_it_names_are_allowed() {
        let asks = ("access-control-request-method", "POST");
        assert!(answer("OPTIONS", &[]).is_none() && answer("POST", &[asks]).is_none());
        for (named, allowed) in [
            ("content-type,x-team, X-API-Key", "content-type,x-team, X-API-Key"),
            ("", "authorization, content-encoding, content-type, x-api-key"),
            ("x y", "authorization, content-encoding, content-type, x-api-key"),
        ] {
            let response = answer("OPTIONS", &[asks, ("access-control-request-headers", named)]).expect("an answer");
            assert_eq!(response.status(), 204);
            assert_eq!(response.headers()["access-control-allow-headers"], allowed, "{named:?}");
            assert!(!response.headers().contains_key(ALLOWS_PRIVATE));
        }
        let private = answer("OPTIONS", &[asks, ("access-control-request-private-network", "true")]);
        assert_eq!(private.expect("an answer").headers()[ALLOWS_PRIVATE], "true");
    }
}
