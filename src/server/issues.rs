//! Issues over HTTP: lists, one with all that is known of it, and what people decide about it.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Query, State, rejection::PathRejection},
};
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::Value as Json;

use crate::{
    api::{self, Pairs},
    decode::body::MediaType,
    model::{
        IssueId, IssueQuery, Nanos,
        json::{issue_detail_to_json, issue_to_json},
    },
    query::facets,
};

use super::{
    access::Scope,
    app::App,
    body,
    ingest::Refusal,
    lists, otlp_http, reply,
    traces::{Answer, Failure},
};

/// Longest document that changes an issue.
const MAX_CHANGE_BYTES: usize = 64 << 10;

/// `GET /api/v1/issues`
pub(super) async fn list(State(app): State<Arc<App>>, headers: HeaderMap, Query(pairs): Query<Pairs>) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    let mut query = api::issue_query_from_pairs(&pairs, Nanos::now())?;
    let is_everything = query.limit == 0;
    if is_everything {
        query.limit = lists::PAGE;
    }
    let (first, backend) = (query.cursor.take(), Arc::clone(&app.backend));
    let ask = move |cursor| {
        let (backend, query) = (Arc::clone(&backend), IssueQuery { cursor, ..query.clone() });
        async move { facets::issues(backend.as_ref())?.list_issues(&query).await }
    };
    lists::answer(first, is_everything, ask, issue_to_json).await
}

/// `GET /api/v1/issues/{id}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    let detail = facets::issues(app.backend.as_ref())?.issue(&issue_id(id)?).await?.ok_or(Failure::NoIssue)?;
    Ok(reply::json(StatusCode::OK, &Json::Object(issue_detail_to_json(&detail))))
}

/// `PATCH /api/v1/issues/{id}`
pub(super) async fn change(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Answer {
    let (parts, body) = request.into_parts();
    app.access.authorize(&parts.headers, Scope::Admin)?;
    let id = issue_id(id)?;
    let media = parts.headers.get(header::CONTENT_TYPE).and_then(otlp_http::media_type);
    if media != Some(MediaType::Json) {
        return Ok(reply::problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json"));
    }
    let received = body::read(&parts.headers, body, MAX_CHANGE_BYTES, &app.budget, &app.limits).await;
    let received = match received.map_err(Refusal::from) {
        Ok(received) => received,
        Err(refusal) => return Ok(reply::problem(refusal.status(), &refusal.message(MAX_CHANGE_BYTES))),
    };
    let document: Json = serde_json::from_slice(&received.bytes).map_err(|error| Failure::Body(error.to_string()))?;
    let change = api::issue_change_from_json(&document)?;
    let issue = facets::issues(app.backend.as_ref())?.set_issue(&id, change).await?.ok_or(Failure::NoIssue)?;
    Ok(reply::json(StatusCode::OK, &Json::Object(issue_to_json(&issue))))
}

/// What is no id names no issue.
fn issue_id(id: Result<Path<String>, PathRejection>) -> Result<IssueId, Failure> {
    let Path(id) = id.map_err(|_| Failure::NoIssue)?;
    IssueId::parse(&id).map_err(|_| Failure::NoIssue)
}
