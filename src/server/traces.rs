//! The query API: lists, single traces, statistics, deletion. Each handler reads its question with [`api`], asks the
//! backend, and writes the answer down as the command line does, so both print the same bytes.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Query, State, rejection::PathRejection},
};
use http::{HeaderMap, Response, StatusCode};
use serde_json::{Map, Value as Json};

use crate::{
    api::{self, BadParameter, Pairs},
    model::{
        Nanos, RecordFilter, Removed, Trace, TraceId, TraceQuery,
        json::{stats_to_json, summary_to_json},
    },
    query::{facets, show::TraceReport},
    store,
};

use super::{
    access::{Forbidden, Scope},
    app::App,
    ingest::{self, with_causes},
    lists, reply,
};

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
    /// There is no such issue.
    NoIssue,
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
            Failure::NoIssue => reply::problem(StatusCode::NOT_FOUND, "there is no issue with this id"),
            Failure::Store(error @ store::Error::BadCursor) => {
                reply::problem(StatusCode::BAD_REQUEST, &error.to_string())
            }
            Failure::Store(store::Error::Lacks { facet, reason }) => reply::lacking(facet, &reason),
            Failure::Store(error @ store::Error::KeyExists) => reply::problem(StatusCode::CONFLICT, &error.to_string()),
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
        query.limit = lists::PAGE;
    }
    let (first, backend) = (query.cursor.take(), Arc::clone(&app.backend));
    let ask = move |cursor| {
        let (backend, query) = (Arc::clone(&backend), TraceQuery { cursor, ..query.clone() });
        async move { backend.traces(&query).await }
    };
    lists::answer(first, is_everything, ask, summary_to_json).await
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
    app.access.authorize(&headers, Scope::Read)?;
    one(&app, &id?, |report| report.to_json()).await
}

/// `GET /api/v1/trace?id=`
pub(super) async fn show_by_parameter(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(pairs): Query<Pairs>,
) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    let missing = || BadParameter { name: "id".to_owned(), reason: "is missing".to_owned() };
    let (_, id) = pairs.iter().find(|(name, _)| name == "id").ok_or_else(missing)?;
    one(&app, id, |report| report.to_json()).await
}

/// `GET /api/v1/traces/{id}/tree`
pub(super) async fn tree(State(app): State<Arc<App>>, headers: HeaderMap, id: PathId) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    one(&app, &id?, |report| report.to_tree_json()).await
}

/// One trace, for someone who may see it.
async fn one(app: &App, id: &str, shape: fn(&TraceReport) -> Map<String, Json>) -> Answer {
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
    let counts = facets::sink(app.backend.as_ref())?.delete(&filter, dry_run).await?;
    app.live.removed();
    Ok(removed(&counts))
}

/// `DELETE /api/v1/traces/{id}`
pub(super) async fn remove(State(app): State<Arc<App>>, headers: HeaderMap, id: PathId) -> Answer {
    app.access.authorize(&headers, Scope::Admin)?;
    let filter = RecordFilter { trace: Some(trace_id(&id?)?), ..RecordFilter::default() };
    let counts = facets::sink(app.backend.as_ref())?.delete(&filter, false).await?;
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
