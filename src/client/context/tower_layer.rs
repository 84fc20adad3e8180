//! A layer for `tower` services that gives each HTTP request a trace id.
//!
//! The id comes from the request's headers or is fresh, goes back in the answer, whatever its status, and is the trace
//! id of everything logged while the request is handled, on whichever threads that is. The caller's span, where a
//! `traceparent` names it, goes with it.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderName, HeaderValue, Request, Response};
use tower::{Layer, Service};

use super::correlation::{CurrentTrace, WithCorrelationId};
use super::trace_id::{TRACE_ID_HEADER, TRACEPARENT_HEADER, read_request_context};
use crate::model::Text;

const HEADER: HeaderName = HeaderName::from_static(TRACE_ID_HEADER);

/// Gives each request a trace id: `X-Trace-ID`, else the one of `traceparent`, else a fresh one.
#[derive(Debug, Clone, Copy, Default)]
pub struct TraceIdLayer;

impl TraceIdLayer {
    /// A layer; it has no settings.
    pub fn new() -> TraceIdLayer {
        TraceIdLayer
    }
}

impl<S> Layer<S> for TraceIdLayer {
    type Service = TraceIdService<S>;

    fn layer(&self, inner: S) -> TraceIdService<S> {
        TraceIdService { inner }
    }
}

/// The trace id of a request, among its extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestTraceId(pub Text);

/// A service whose requests have trace ids; made by [`TraceIdLayer`].
#[derive(Debug, Clone)]
pub struct TraceIdService<S> {
    inner: S,
}

impl<S, B, A> Service<Request<B>> for TraceIdService<S>
where
    S: Service<Request<B>, Response = Response<A>>,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = TraceIdFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let (id, span_id) = read_request_context(header(TRACE_ID_HEADER), header(TRACEPARENT_HEADER));
        let current = CurrentTrace { id: Some(id.clone()), span_id };
        request.extensions_mut().insert(RequestTraceId(id.clone()));
        let future = {
            // Some of the work may be done before the first poll.
            let _guard = current.clone().set();
            self.inner.call(request)
        };
        TraceIdFuture { header: HeaderValue::from_str(&id).ok(), inner: current.carry(future) }
    }
}

/// The answer of a [`TraceIdService`] to come, with its trace id.
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct TraceIdFuture<F> {
    inner: WithCorrelationId<F>,
    header: Option<HeaderValue>,
}

impl<F, A, E> Future for TraceIdFuture<F>
where
    F: Future<Output = Result<Response<A>, E>>,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let polled = Pin::new(&mut self.inner).poll(context);
        polled.map_ok(|mut response| {
            if let Some(header) = self.header.take() {
                response.headers_mut().insert(HEADER, header);
            }
            response
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceExt as _, service_fn};

    use super::*;
    use crate::client::trace_id;

    /// Answers with the trace id it saw before and after an await, and a server error.
    async fn answer(request: Request<()>) -> Result<Response<String>, Infallible> {
        let before = trace_id().expect("an id");
        tokio::task::yield_now().await;
        let (after, extension) = (trace_id().expect("an id"), request.extensions().get::<RequestTraceId>());
        let body = format!("{before} {after} {}", extension.expect("an extension").0);
        Ok(Response::builder().status(500).body(body).expect("valid"))
    }

    async fn answer_to(headers: &[(&str, &str)]) -> (String, String) {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let service = TraceIdLayer::new().layer(service_fn(answer));
        let response = service.oneshot(request.body(()).expect("valid")).await.expect("infallible");
        (response.headers()[HEADER].to_str().expect("ASCII").to_owned(), response.into_body())
    }

    #[tokio::test]
    async fn an_inbound_id_is_the_context_of_the_request_and_goes_back_on_errors_too() {
        let (header, body) = answer_to(&[("x-trace-id", "req-1")]).await;
        assert_eq!((header.as_str(), body.as_str()), ("req-1", "req-1 req-1 req-1"));
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let (header, _) = answer_to(&[("X-Trace-ID", "bad id"), ("traceparent", parent)]).await;
        assert_eq!(header, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace_id(), None);
    }

    #[tokio::test]
    async fn requests_that_overlap_on_one_thread_keep_their_own_fresh_ids() {
        let answers = tokio::join!(answer_to(&[]), answer_to(&[]), answer_to(&[]), answer_to(&[]));
        let answers = [answers.0, answers.1, answers.2, answers.3];
        let ids: std::collections::HashSet<String> = answers.iter().map(|(header, _)| header.clone()).collect();
        assert_eq!(ids.len(), 4);
        for (header, body) in answers {
            assert_eq!(body, format!("{header} {header} {header}"));
            assert_eq!(header.len(), 32);
        }
    }
}
