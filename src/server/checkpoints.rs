//! The checkpoint API of the published Python `tracehub` server: same paths, same statuses, same JSON, so that its
//! clients notice nothing but that what they sent is really stored. `tests/it/data/python` lists where we differ.

pub(crate) mod figures;
pub(crate) mod giants;
pub(crate) mod lookup;
pub(crate) mod paths;
pub(crate) mod replies;
pub(crate) mod stored;

use std::sync::Arc;

use axum::{body::Body, extract::State, response::Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header, request::Parts};
use serde_json::{Value as Json, json};

use crate::{
    decode::checkpoint::{self, Refusal},
    model::{Batch, Checkpoint, Nanos, Retention},
};

use crate::server::{
    access::{Forbidden, Scope},
    answer::{self, Failure},
    app::App,
    body,
    budget::Reservation,
    memory,
    otlp::write_failed,
    refusal::{self, PANIC},
};

use replies::refused;

/// Bodies larger than this are decoded off the async threads.
const BLOCKING_BYTES: usize = 64 << 10;
/// Records removed in one go by `/cleanup`, so that writers get their turn in between.
const CLEANUP_STEP: usize = 50_000;

/// `POST /ingest`
pub(crate) async fn ingest(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let taken = take(&app, request, checkpoint::batch).await;
    answer(
        &app,
        taken,
        |received, inserted| json!({ "accepted": received, "inserted": inserted, "duplicates": received - inserted }),
    )
}

/// `POST /ingest/single`
pub(crate) async fn ingest_single(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let taken = take(&app, request, |body| checkpoint::single(body).map(|record| vec![record])).await;
    answer(&app, taken, |_, inserted| json!({ "inserted": inserted > 0 }))
}

/// Why nothing of a request was taken.
enum Refused {
    /// By who sent it.
    Caller(Forbidden),
    /// By what it holds, in the words of the original.
    Content(Refusal),
    /// By how it arrived, or because it cannot be stored now.
    Transfer(refusal::Refusal),
}

impl From<Forbidden> for Refused {
    fn from(refusal: Forbidden) -> Refused {
        Refused::Caller(refusal)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused::Content(refusal)
    }
}

impl From<refusal::Refusal> for Refused {
    fn from(refusal: refusal::Refusal) -> Refused {
        Refused::Transfer(refusal)
    }
}

type Parse = fn(&[u8]) -> Result<Vec<Checkpoint>, Refusal>;

/// How many records came and how many of them were new.
async fn take(app: &Arc<App>, request: Request<Body>, parse: Parse) -> Result<(u64, u64), Refused> {
    let (parts, body) = request.into_parts();
    let caller = match app.access.authorize_checkpoints(&parts.headers) {
        Ok(caller) => caller,
        Err(refusal) => {
            body::discard_unless_expected(&parts.headers, body).await;
            return Err(refusal.into());
        }
    };
    // The room the body takes is held until its records are stored.
    let (checkpoints, _reservation) = receive(app, &parts, body, parse).await?;
    let received = checkpoints.len() as u64;
    app.sources.count(&checkpoints, app.counters.uptime_seconds());
    let mut batch = Batch { checkpoints, ..Batch::default() };
    if let Some(project) = caller.project() {
        batch.assign_project(project);
    }
    let written = app.backend.write(batch).await.map_err(|error| write_failed(app, &error))?;
    app.counters.stored(written, 0);
    app.counters.checkpoints_stored(written);
    Ok((received, written.accepted))
}

/// The records of a body, and the room they take.
async fn receive(
    app: &Arc<App>,
    parts: &Parts,
    body: Body,
    parse: Parse,
) -> Result<(Vec<Checkpoint>, Reservation), Refused> {
    let encoding = match body::encoding(&parts.headers).map_err(refusal::Refusal::from) {
        Ok(encoding) => encoding,
        Err(refusal) => {
            body::discard_unless_expected(&parts.headers, body).await;
            return Err(refusal.into());
        }
    };
    let cap = app.limits.body_bytes;
    let received = body::read(&parts.headers, body, cap, &app.budget, &app.limits).await;
    let body::Received { bytes, mut reservation } = received.map_err(refusal::Refusal::from)?;
    let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(is_json);
    let bytes = memory::inflate_within(encoding.as_deref(), bytes, cap, &mut reservation).await?;
    let is_quick = bytes.len() <= BLOCKING_BYTES;
    let read = move || -> Result<_, Refused> {
        if !is_json {
            return Err(checkpoint::wrong_content_type(&bytes).into());
        }
        Ok((parse(&bytes)?, reservation))
    };
    match is_quick {
        true => read(),
        false => tokio::task::spawn_blocking(read).await.map_err(|_| Refused::Transfer(PANIC))?,
    }
}

fn is_json(content_type: &HeaderValue) -> bool {
    content_type.to_str().is_ok_and(checkpoint::is_json)
}

fn answer(app: &App, taken: Result<(u64, u64), Refused>, done: fn(u64, u64) -> Json) -> Response {
    match taken {
        Ok((received, inserted)) => answer::json(StatusCode::OK, &done(received, inserted)),
        Err(Refused::Caller(refusal)) => {
            app.counters.ingest_failed("denied");
            answer::problem(refusal.status, refusal.detail)
        }
        Err(Refused::Content(refusal)) => {
            app.counters.ingest_failed("malformed");
            refused(&refusal)
        }
        Err(Refused::Transfer(refusal)) => {
            app.counters.ingest_failed(refusal.reason());
            answer::problem(refusal.status(), &refusal.message(app.limits.body_bytes))
        }
    }
}

/// `DELETE /cleanup`: removes what is past its retention now and not only within the next minute.
pub(crate) async fn cleanup(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    app.access.authorize(&headers, Scope::Admin)?;
    let mut deleted = 0;
    if let Some(retention) = app.retention {
        let retention_ns = u64::try_from(retention.as_nanos()).unwrap_or(u64::MAX);
        let keep = Retention { received_before: Nanos(Nanos::now().0.saturating_sub(retention_ns)) };
        loop {
            let removed = app.backend.prune(&keep, CLEANUP_STEP).await?;
            if removed.is_empty() {
                break;
            }
            deleted += removed.checkpoints;
            app.live.removed();
        }
    }
    Ok(answer::json(StatusCode::OK, &json!({ "deleted": deleted })))
}
