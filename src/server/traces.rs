//! The query API: lists, single traces, statistics, deletion. Each handler reads its question with [`api`], asks the
//! backend, and writes the answer down as the command line does, so both print the same bytes.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Query, State, rejection::PathRejection},
};
use bytes::Bytes;
use futures::{Stream, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value as Json};

use crate::{
    api::{self, BadParameter, Pairs},
    model::{
        Cursor, Nanos, Page, RecordFilter, Removed, Trace, TraceId, TraceQuery, TraceSummary,
        json::{stats_to_json, summary_to_json},
    },
    query::show::TraceReport,
    store::{self, Backend},
};

use super::{
    access::{Forbidden, Scope},
    app::App,
    ingest::{self, with_causes},
    reply,
};

/// Traces read at once for a list of all of them.
const PAGE: usize = 1_000;

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The caller may not ask.
    Forbidden(Forbidden),
    /// A parameter cannot be used.
    Parameter(BadParameter),
    /// Something in the request's body cannot be used.
    Body(String),
    /// There is no such trace.
    NoTrace,
    /// The store failed.
    Store(store::Error),
}

impl From<Forbidden> for Failure {
    fn from(refusal: Forbidden) -> Failure {
        Failure::Forbidden(refusal)
    }
}

impl From<BadParameter> for Failure {
    fn from(error: BadParameter) -> Failure {
        Failure::Parameter(error)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        Failure::Store(error)
    }
}

/// An answer, or why there is none.
pub(super) type Answer = Result<Response<Body>, Failure>;

impl axum::response::IntoResponse for Failure {
    fn into_response(self) -> Response<Body> {
        match self {
            Failure::Forbidden(refusal) => reply::problem(refusal.status, refusal.detail),
            Failure::Parameter(error) => reply::problem(StatusCode::BAD_REQUEST, &error.to_string()),
            Failure::Body(detail) => reply::problem(StatusCode::BAD_REQUEST, &detail),
            Failure::NoTrace => reply::problem(StatusCode::NOT_FOUND, "there is no trace with this id"),
            Failure::Store(error @ store::Error::BadCursor) => {
                reply::problem(StatusCode::BAD_REQUEST, &error.to_string())
            }
            Failure::Store(error) => {
                tracing::warn!("cannot answer a request: {}", with_causes(&error));
                let status = match error.is_retryable() {
                    true => StatusCode::SERVICE_UNAVAILABLE,
                    false => StatusCode::INTERNAL_SERVER_ERROR,
                };
                // The short sentence, because the long one may say where our files lie.
                reply::problem(status, &ingest::later(&error).message(0))
            }
        }
    }
}

/// `GET /api/v1/traces`
pub(super) async fn list(State(app): State<Arc<App>>, headers: HeaderMap, Query(pairs): Query<Pairs>) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    let mut query = api::trace_query_from_pairs(&pairs, Nanos::now())?;
    let is_everything = query.limit == 0;
    if is_everything {
        query.limit = PAGE;
    }
    let page = app.backend.traces(&query).await?;
    let (total, failed) = (page.total, page.failed);
    let (next, body) = match page.next.clone() {
        // Page by page, so that neither a huge list nor a slow reader of one costs memory or holds the database.
        Some(_) if is_everything => (None, Body::from_stream(pages(Arc::clone(&app.backend), query, page))),
        next => (next, Body::from(elements(&page.items, "[", "]"))),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    reply::mark(headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static(api::TOTAL_HEADER), HeaderValue::from(total));
    headers.insert(HeaderName::from_static(api::FAILED_HEADER), HeaderValue::from(failed));
    if let Some(next) = next.and_then(|Cursor(next)| HeaderValue::from_str(&next).ok()) {
        headers.insert(HeaderName::from_static(api::NEXT_CURSOR_HEADER), next);
    }
    Ok(response)
}

/// The rest of a list as pieces of one JSON array; an error cuts it short, which the client sees as a broken body.
fn pages(
    backend: Arc<dyn Backend>,
    query: TraceQuery,
    first: Page<TraceSummary>,
) -> impl Stream<Item = store::Result<Bytes>> {
    let first_bytes = elements(&first.items, "[", "");
    stream::try_unfold((Some(first_bytes), first.next), move |(ready, next)| {
        let (backend, mut query) = (Arc::clone(&backend), query.clone());
        async move {
            if let Some(ready) = ready {
                return Ok(Some((ready, (None, next))));
            }
            let Some(cursor) = next else { return Ok(None) };
            query.cursor = Some(cursor);
            let page = backend.traces(&query).await?;
            let open = if page.items.is_empty() { "" } else { "," };
            let close = if page.next.is_none() { "]" } else { "" };
            Ok(Some((elements(&page.items, open, close), (None, page.next))))
        }
    })
}

fn elements(items: &[TraceSummary], open: &str, close: &str) -> Bytes {
    let mut text = String::from(open);
    for (index, summary) in items.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "," });
        text.push_str(&Json::Object(summary_to_json(summary)).to_string());
    }
    text.push_str(close);
    Bytes::from(text)
}

/// The `{id}` of a path, or why it is no text.
type PathId = Result<Path<String>, PathRejection>;

impl From<PathRejection> for Failure {
    fn from(_: PathRejection) -> Failure {
        // What is not even text names no trace.
        Failure::NoTrace
    }
}

/// `GET /api/v1/traces/{id}`
pub(super) async fn show(State(app): State<Arc<App>>, headers: HeaderMap, id: PathId) -> Answer {
    one(&app, &headers, &id?, |report| report.to_json()).await
}

/// `GET /api/v1/trace?id=`
pub(super) async fn show_by_parameter(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(pairs): Query<Pairs>,
) -> Answer {
    let missing = || BadParameter { name: "id".to_owned(), reason: "is missing".to_owned() };
    let (_, id) = pairs.iter().find(|(name, _)| name == "id").ok_or_else(missing)?;
    one(&app, &headers, id, |report| report.to_json()).await
}

/// `GET /api/v1/traces/{id}/tree`
pub(super) async fn tree(State(app): State<Arc<App>>, headers: HeaderMap, id: PathId) -> Answer {
    one(&app, &headers, &id?, |report| report.to_tree_json()).await
}

async fn one(app: &App, headers: &HeaderMap, id: &str, shape: fn(&TraceReport) -> Map<String, Json>) -> Answer {
    app.access.authorize(headers, Scope::Read)?;
    let trace = app.backend.trace(&trace_id(id)?).await?.ok_or(Failure::NoTrace)?;
    let write = move |trace: Trace| reply::json(StatusCode::OK, &Json::Object(shape(&TraceReport::new(trace))));
    if trace.spans.len() < 1_000 {
        return Ok(write(trace));
    }
    let failed = |error: tokio::task::JoinError| Failure::Store(store::Error::Io(error.into()));
    tokio::task::spawn_blocking(move || write(trace)).await.map_err(failed)
}

/// What is no id names no trace.
fn trace_id(text: &str) -> Result<TraceId, Failure> {
    TraceId::parse(text).map_err(|_| Failure::NoTrace)
}

/// `GET /api/v1/stats`
pub(super) async fn stats(State(app): State<Arc<App>>, headers: HeaderMap, Query(pairs): Query<Pairs>) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    let stats = app.backend.stats(&api::stats_query_from_pairs(&pairs, Nanos::now())?).await?;
    Ok(reply::json(StatusCode::OK, &Json::Object(stats_to_json(&stats))))
}

/// `DELETE /api/v1/traces`
pub(super) async fn clear(State(app): State<Arc<App>>, headers: HeaderMap, Query(pairs): Query<Pairs>) -> Answer {
    app.access.authorize(&headers, Scope::Admin)?;
    let (filter, dry_run) = api::deletion_from_pairs(&pairs, Nanos::now())?;
    let counts = app.backend.delete(&filter, dry_run).await?;
    app.live.removed();
    Ok(removed(&counts))
}

/// `DELETE /api/v1/traces/{id}`
pub(super) async fn remove(State(app): State<Arc<App>>, headers: HeaderMap, id: PathId) -> Answer {
    app.access.authorize(&headers, Scope::Admin)?;
    let filter = RecordFilter { trace: Some(trace_id(&id?)?), ..RecordFilter::default() };
    let counts = app.backend.delete(&filter, false).await?;
    app.live.removed();
    if counts.is_empty() {
        return Err(Failure::NoTrace);
    }
    Ok(removed(&counts))
}

/// How much was removed, as JSON.
pub(super) fn removed(counts: &Removed) -> Response<Body> {
    reply::json(StatusCode::OK, &serde_json::json!(counts))
}
