//! How a client wants to hear about failures, which goes by what it asks with: gRPC, OTLP over HTTP, or plain JSON.

use axum::body::Body;
use http::{Method, Request, Response, StatusCode};

use crate::decode::body::MediaType;
use crate::server::api::table;
use crate::server::counters::Counters;
use crate::server::http::proto::Code;
use crate::server::http::refusal::PANIC;
use crate::server::http::{Refusal, answer, body, rpc_answer};

/// The style of the failures a client understands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ErrorStyle {
    /// A status in the headers of a gRPC answer.
    Grpc,
    /// A `google.rpc.Status` in this encoding.
    Otlp(MediaType),
    /// One sentence in JSON, for a client that sends something and may send it again.
    Sender,
    /// One sentence in JSON, for a client that asks something.
    Asker,
}

impl ErrorStyle {
    /// The style for whoever sent a request.
    pub(crate) fn of_request(request: &Request<Body>) -> ErrorStyle {
        let is_post = request.method() == Method::POST;
        if rpc_answer::is_grpc(request.headers()) {
            return ErrorStyle::Grpc;
        }
        if is_post && table::is_otlp(request.uri().path()) {
            return ErrorStyle::Otlp(body::media_type(request.headers()).unwrap_or(MediaType::Json));
        }
        if is_post { ErrorStyle::Sender } else { ErrorStyle::Asker }
    }

    /// The answer to a request that failed for a reason that can be told in one sentence.
    pub(crate) fn problem(self, status: StatusCode, detail: &str) -> Response<Body> {
        match self {
            ErrorStyle::Grpc => rpc_answer::grpc_failure(Code::from_status(status), detail),
            ErrorStyle::Otlp(media) => rpc_answer::http_failure(media, status, detail),
            ErrorStyle::Sender | ErrorStyle::Asker => answer::problem(status, detail),
        }
    }

    /// The answer to a request that was refused before anything of it was read.
    pub(crate) fn refusal(self, refusal: &Refusal) -> Response<Body> {
        let (status, detail, seconds) = (refusal.status(), refusal.message(0), refusal.retry_after_seconds());
        let mut response = match self {
            ErrorStyle::Grpc => rpc_answer::grpc_refusal(Code::from_status(status), &detail, seconds),
            _ => self.problem(status, &detail),
        };
        answer::set_retry_after(&mut response, seconds);
        response
    }

    /// The answer to a request whose handler panicked. Clients that send try again later; to those that ask it is a
    /// failure.
    pub(crate) fn panic(self, counters: &Counters) -> Response<Body> {
        tracing::error!("a request handler panicked");
        match self {
            ErrorStyle::Asker => {
                answer::problem(StatusCode::INTERNAL_SERVER_ERROR, "the server failed on this request")
            }
            style => {
                counters.ingest_failed(PANIC.reason());
                style.problem(PANIC.status(), &PANIC.message(0))
            }
        }
    }
}
