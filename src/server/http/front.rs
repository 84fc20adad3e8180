//! The way of every request, whatever it asks: check where it comes from, find out once who sent it, hand it to whoever
//! answers, survive their panic, read what they left of it, add the headers every answer has, count.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use futures::FutureExt;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use tower::ServiceExt;

use crate::server::access::{self, Caller, Peer, Revocation, cors};
use crate::server::api::router::Routers;
use crate::server::api::table;
use crate::server::app::App;
use crate::server::http::body::leftover::Leftover;
use crate::server::http::gate::CountedAs;
use crate::server::http::{ErrorStyle, answer};
use crate::server::senders;

/// Answers a request.
pub(crate) async fn answer(
    app: Arc<App>,
    routers: Arc<Routers>,
    mut request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    if let Some(uri) = table::straightened(request.uri()) {
        *request.uri_mut() = uri;
    }
    let style = ErrorStyle::of_request(&request);
    let (mut head, body) = request.into_parts();
    access::hide_credentials(&mut head.headers);
    let (body, leftover) = Leftover::of(body);
    let (is_http1, expects_answer) = (head.version < Version::HTTP_2, head.headers.contains_key(header::EXPECT));
    let origin = app.site.welcome_origin(&head.headers);
    let caller = app.access.identify(&head.headers, head.extensions.get::<Peer>().copied());
    let sender = senders::Head::of_request(&head, &caller);
    let checked = app.site.check(&head, matches!(caller, Caller::Owner));
    let mut response = match (checked, origin.as_ref().and_then(|_| cors::preflight(&head))) {
        (Err(refusal), _) => {
            drop(body);
            let mut response = style.problem(refusal.status, refusal.detail);
            let reason = if refusal == access::FOREIGN_SITE { "foreign_site" } else { senders::FOREIGN_HOST };
            response.extensions_mut().insert(senders::Refused { reason, detail: refusal.detail.to_owned() });
            response
        }
        (Ok(()), Some(preflight)) => {
            drop(body);
            preflight
        }
        (Ok(()), None) => {
            let revocation = Revocation::new(&app.access, &caller);
            head.extensions.insert(caller);
            let request = Request::from_parts(head, body);
            let work = while_permitted(revocation, routers.router(style), request, style);
            AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| style.panic(&app.counters))
        }
    };
    answer::add_common_headers(&mut response);
    if let Some(sender) = sender {
        app.senders.note(&sender, &mut response);
    }
    if let Some(origin) = origin {
        cors::add_headers(&mut response, origin);
    }
    // A body that came too slowly is not waited for once more.
    let is_slow = response.status() == StatusCode::REQUEST_TIMEOUT && !leftover.is_empty();
    if (is_slow || !leftover.discard(expects_answer).await) && is_http1 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let counted_as = response.extensions_mut().remove::<CountedAs>();
    app.counters.answered(counted_as.as_ref().map_or("other", |name| name.0.as_str()), response.status().as_u16());
    Ok(response)
}

/// Answers for as long as the caller may be answered: a question that waits, an answer that streams and a body that is
/// still on its way end when the key behind them is revoked.
async fn while_permitted(
    revocation: Revocation,
    router: Router,
    request: Request<Body>,
    style: ErrorStyle,
) -> Response<Body> {
    let is_question = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_question {
        let (request, was_cut) = revocation.cut_body(request);
        let response = run(router, request).await;
        return if was_cut.load(Ordering::Acquire) {
            style.problem(access::ENDED.status, access::ENDED.detail)
        } else {
            response
        };
    }
    tokio::select! {
        biased;
        response = run(router, request) => revocation.cut_stream(response),
        () = revocation.wait() => style.problem(access::ENDED.status, access::ENDED.detail),
    }
}

async fn run(router: Router, request: Request<Body>) -> Response<Body> {
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::any;
    use http_body_util::BodyExt;

    use super::*;
    use crate::server::{Config, SidePort, start};

    async fn broken() -> Response<Body> {
        panic!("on purpose")
    }

    #[tokio::test]
    async fn a_panic_is_one_to_try_again_for_senders_and_a_failure_for_askers() {
        let folder = tempfile::tempdir().expect("a folder");
        let side = SidePort::Off;
        let config =
            Config { port: 0, otlp_grpc: side, otlp_http: side, ..Config::new(folder.path().join("traces.db")) };
        let running = start(config).await.expect("a server");
        let router = Router::new().fallback(any(broken));
        let routers = Arc::new(Routers { http: router.clone(), grpc: router });
        for (method, path, content_type, status) in [
            ("POST", "/v1/traces", "application/json", 503),
            ("POST", "/v1/traces", "application/x-protobuf", 503),
            ("POST", "/ingest", "application/json", 503),
            ("GET", "/api/v1/traces", "", 500),
        ] {
            let request = Request::builder().method(method).uri(path).header("host", "localhost");
            let request = request.header("content-type", content_type).body(Body::empty()).expect("a request");
            let response = answer(Arc::clone(&running.app), Arc::clone(&routers), request).await.expect("infallible");
            assert_eq!(response.status().as_u16(), status, "{path} {content_type}");
            assert_eq!(response.headers().contains_key("retry-after"), status == 503);
            let body = response.into_body().collect().await.expect("a body").to_bytes();
            assert!(!body.is_empty());
        }
        running.stop().await.expect("a clean stop");
    }
}
