//! The way of every request, whatever it asks: check where it comes from, find who answers, survive their panic, add
//! the headers every answer has, count.

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc};

use axum::{Router, body::Body, extract::MatchedPath, middleware::Next};
use futures::FutureExt;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use tower::ServiceExt;

use crate::decode::body::MediaType;

use crate::server::{
    access::{self, Caller},
    answer,
    app::App,
    body,
    ending::Ending,
    otlp_grpc, otlp_http,
    proto::Code,
    refusal::PANIC,
    table,
};

/// The path of the table that answered, as an extension of the response; requests to other paths have none.
#[derive(Debug, Clone)]
struct Route(String);

/// Answers a request.
pub(crate) async fn answer(
    app: Arc<App>,
    router: Router,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    let face = Face::of(&request);
    let (mut parts, body) = request.into_parts();
    access::hide_credentials(&mut parts.headers);
    let mut response = match app.site.check(&parts, matches!(app.access.identify(&parts.headers), Caller::Owner)) {
        Err(refusal) => face.problem(refusal.status, refusal.detail),
        Ok(()) => {
            let request = Request::from_parts(parts, body);
            let work = AssertUnwindSafe(allowed(Arc::clone(&app), router, request, face)).catch_unwind();
            work.await.unwrap_or_else(|_| face.panic(&app))
        }
    };
    answer::harden(response.headers_mut());
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let route = response.extensions_mut().remove::<Route>();
    app.counters.answered(route.as_ref().map_or("other", |route| route.0.as_str()), response.status().as_u16());
    Ok(response)
}

/// Answers for as long as the caller may be answered: a question that waits, an answer that streams and a body that is
/// still on its way end when the key behind them is revoked.
async fn allowed(app: Arc<App>, router: Router, request: Request<Body>, face: Face) -> Response<Body> {
    let ending = Ending::of(&app.access, request.headers());
    let is_question = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_question {
        let (request, was_cut) = ending.cut_body(request);
        let response = route(app, router, request).await;
        return if was_cut.is_set() { face.problem(access::ENDED.status, access::ENDED.detail) } else { response };
    }
    tokio::select! {
        biased;
        response = route(app, router, request) => ending.cut_stream(response),
        () = ending.wait() => face.problem(access::ENDED.status, access::ENDED.detail),
    }
}

async fn route(app: Arc<App>, router: Router, request: Request<Body>) -> Response<Body> {
    if otlp_grpc::is_call(request.headers()) {
        let mut response = otlp_grpc::call(app, request).await;
        response.extensions_mut().insert(Route("grpc".to_owned()));
        return response;
    }
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Middleware that notes which path of the table answers.
pub(crate) async fn note_route(path: MatchedPath, request: Request<Body>, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(Route(path.as_str().to_owned()));
    response
}

/// How a client wants to hear about failures.
#[derive(Debug, Clone, Copy)]
enum Face {
    Grpc,
    Otlp(MediaType),
    /// Sends records of ours, and hears of them as askers do.
    Sender,
    Api,
}

impl Face {
    fn of(request: &Request<Body>) -> Face {
        if otlp_grpc::is_call(request.headers()) {
            return Face::Grpc;
        }
        let is_export = request.method() == http::Method::POST && table::is_otlp(request.uri().path());
        let media = body::media_type(request.headers());
        let is_post = request.method() == http::Method::POST;
        match is_export {
            true => Face::Otlp(media.unwrap_or(MediaType::Json)),
            false if is_post => Face::Sender,
            false => Face::Api,
        }
    }

    fn problem(self, status: StatusCode, detail: &str) -> Response<Body> {
        match self {
            Face::Grpc => otlp_grpc::failure(Code::of(status), detail),
            Face::Otlp(media) => otlp_http::status(media, status, detail),
            Face::Sender | Face::Api => answer::problem(status, detail),
        }
    }

    /// Clients that send try again later; to those that ask it is a failure.
    fn panic(self, app: &App) -> Response<Body> {
        tracing::error!("a request handler panicked");
        match self {
            Face::Api => answer::problem(StatusCode::INTERNAL_SERVER_ERROR, "the server failed on this request"),
            face => {
                app.counters.ingest_failed(PANIC.reason());
                face.problem(PANIC.status(), &PANIC.message(0))
            }
        }
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
        for (method, path, content_type, status) in [
            ("POST", "/v1/traces", "application/json", 503),
            ("POST", "/v1/traces", "application/x-protobuf", 503),
            ("POST", "/ingest", "application/json", 503),
            ("GET", "/api/v1/traces", "", 500),
        ] {
            let request = Request::builder().method(method).uri(path).header("host", "localhost");
            let request = request.header("content-type", content_type).body(Body::empty()).expect("a request");
            let response = answer(Arc::clone(&running.app), router.clone(), request).await.expect("infallible");
            assert_eq!(response.status().as_u16(), status, "{path} {content_type}");
            assert_eq!(response.headers().contains_key("retry-after"), status == 503);
            let body = response.into_body().collect().await.expect("a body").to_bytes();
            assert!(!body.is_empty());
        }
        running.stop().await.expect("a clean stop");
    }
}
