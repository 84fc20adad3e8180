//! The checkpoint API of the published Python `tracehub` server: same paths, same statuses, same JSON, so that its
//! clients notice nothing but that what they sent is really stored. `tests/it/data/python` lists where we differ.

mod figures;
mod giants;
pub(super) mod lookup;

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header, request::Parts};
use serde_json::{Value as Json, json};

use crate::{
    decode::checkpoint::{self, Refusal},
    model::{Batch, Checkpoint, Nanos, Retention},
    query::facets,
};

use super::{
    access::{Forbidden, Scope},
    app::App,
    body, ingest,
    limits::Reservation,
    otlp_http, reply,
    routes::{self, TABLE},
    traces::Failure,
};

pub(super) use figures::{source_rates, stats};
pub(super) use giants::Giants;
pub(super) use lookup::{correlations, recent, trace};

/// Bodies larger than this are decoded off the async threads.
const BLOCKING_BYTES: usize = 64 << 10;
/// Records removed in one go by `/cleanup`, so that writers get their turn in between.
const CLEANUP_STEP: usize = 50_000;

/// `POST /ingest`
pub(super) async fn ingest(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let taken = take(&app, request, checkpoint::batch).await;
    answer(
        &app,
        taken,
        |received, inserted| json!({ "accepted": received, "inserted": inserted, "duplicates": received - inserted }),
    )
}

/// `POST /ingest/single`
pub(super) async fn ingest_single(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
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
    Transfer(ingest::Refusal),
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

impl From<ingest::Refusal> for Refused {
    fn from(refusal: ingest::Refusal) -> Refused {
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
    let written = ingest::write(app, batch).await.map_err(|error| ingest::write_failed(app, &error))?;
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
    let encoding = match otlp_http::encoding(&parts.headers) {
        Ok(encoding) => encoding,
        Err(refusal) => {
            body::discard_unless_expected(&parts.headers, body).await;
            return Err(refusal.into());
        }
    };
    let cap = app.limits.body_bytes;
    let received = body::read(&parts.headers, body, cap, &app.budget, &app.limits).await;
    let body::Received { bytes, mut reservation } = received.map_err(ingest::Refusal::from)?;
    let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(is_json);
    let bytes = ingest::inflate_within(encoding.as_deref(), bytes, cap, &mut reservation).await?;
    let is_quick = bytes.len() <= BLOCKING_BYTES;
    let read = move || -> Result<_, Refused> {
        if !is_json {
            return Err(checkpoint::wrong_content_type(&bytes).into());
        }
        Ok((parse(&bytes)?, reservation))
    };
    match is_quick {
        true => read(),
        false => tokio::task::spawn_blocking(read).await.map_err(|_| Refused::Transfer(ingest::PANIC))?,
    }
}

fn is_json(content_type: &HeaderValue) -> bool {
    content_type.to_str().is_ok_and(checkpoint::is_json)
}

fn answer(app: &App, taken: Result<(u64, u64), Refused>, done: fn(u64, u64) -> Json) -> Response {
    match taken {
        Ok((received, inserted)) => reply::json(StatusCode::OK, &done(received, inserted)),
        Err(Refused::Caller(refusal)) => {
            app.counters.ingest_failed("denied");
            reply::problem(refusal.status, refusal.detail)
        }
        Err(Refused::Content(refusal)) => {
            app.counters.ingest_failed("malformed");
            refused(&refusal)
        }
        Err(Refused::Transfer(refusal)) => {
            app.counters.ingest_failed(refusal.reason());
            reply::problem(refusal.status(), &refusal.message(app.limits.body_bytes))
        }
    }
}

/// A refusal in the words of the original.
fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    reply::json_text(status, refusal.body().to_owned())
}

/// `DELETE /cleanup`: removes what is past its retention now and not only within the next minute.
pub(super) async fn cleanup(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    app.access.authorize(&headers, Scope::Admin)?;
    let mut deleted = 0;
    if let Some(retention) = app.retention {
        let retention_ns = u64::try_from(retention.as_nanos()).unwrap_or(u64::MAX);
        let keep = Retention { received_before: Nanos(Nanos::now().0.saturating_sub(retention_ns)) };
        loop {
            let removed = facets::sink(app.backend.as_ref())?.prune(&keep, CLEANUP_STEP).await?;
            if removed.is_empty() {
                break;
            }
            deleted += removed.checkpoints;
            app.live.removed();
        }
    }
    Ok(reply::json(StatusCode::OK, &json!({ "deleted": deleted })))
}

/// Hours as the original prints them: whole ones without a fraction.
pub(super) fn hours(retention: Option<Duration>) -> Json {
    let Some(retention) = retention else { return Json::Null };
    match (retention.as_secs() / 3_600, retention.as_secs() % 3_600) {
        (hours, 0) => json!(hours),
        _ => json!(retention.as_secs_f64() / 3_600.0),
    }
}

/// Whether a path is one of this API and takes this method, or the answer of the original when it is not: 405 with the
/// one method it takes, 307 to the path without its last slash, 404.
pub(super) fn misdirected(method: &Method, uri: &Uri, host: Option<&HeaderValue>) -> Option<Response> {
    let path = uri.path();
    if let Some(allowed) = method_of(path) {
        let mut response = reply::problem(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
        return Some(response).filter(|_| method.as_str() != allowed);
    }
    let is_ours = ["/api/", "/v1/"].iter().any(|ours| path.starts_with(ours));
    if is_ours || TABLE.iter().any(|route| route.path == path) {
        return None;
    }
    let shorter = path.strip_suffix('/').filter(|shorter| method_of(shorter).is_some());
    let Some(shorter) = shorter else { return Some(reply::problem(StatusCode::NOT_FOUND, "Not Found")) };
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
        return lookup::Asked::of(path).map(|_| "GET");
    }
    let is_it = |route: &&routes::Route| route.path == path && (route.tag == "checkpoints" || path == "/health");
    TABLE.iter().find(is_it).map(|route| match route.method {
        "post" => "POST",
        "delete" => "DELETE",
        _ => "GET",
    })
}
