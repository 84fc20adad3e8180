//! `GET /api/v1/logs`: log records as a JSON array. All of them are written page by page, so that neither a long answer
//! nor a slow reader of one costs memory or holds the database.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Query, State},
};
use bytes::Bytes;
use futures::{Stream, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

use crate::{
    api::{self, Pairs},
    model::{Cursor, LogPage, LogQuery, LogRecord, Nanos, json::log_to_json},
    query::{facets, issues},
    store::{self, Backend},
};

use super::{access::Scope, app::App, lists::elements, reply, traces::Answer};

/// Fewer records are written where they are read.
const FEW: usize = 20;

/// `GET /api/v1/logs`
pub(super) async fn list(State(app): State<Arc<App>>, headers: HeaderMap, Query(pairs): Query<Pairs>) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    let mut query = api::log_query_from_pairs(&pairs, Nanos::now())?;
    let is_everything = query.limit == 0;
    query.limit = if is_everything { api::MAX_LOGS } else { query.limit.min(api::MAX_LOGS) };
    query.issues = issues::with_aliases(app.backend.as_ref(), &query.issues).await?;
    let LogPage { records, next } = facets::logs(app.backend.as_ref())?.list_logs(&query).await?;
    let (next, body) = match next {
        Some(next) if is_everything => {
            let first = written(records, ("[", "")).await?;
            (None, Body::from_stream(pages(Arc::clone(&app.backend), query, first, next)))
        }
        next => (next, Body::from(written(records, ("[", "]")).await?)),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    reply::mark(headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(next) = next.and_then(|Cursor(next)| HeaderValue::from_str(&next).ok()) {
        headers.insert(HeaderName::from_static(api::NEXT_CURSOR_HEADER), next);
    }
    Ok(response)
}

/// The rest of a list as pieces of one JSON array; an error cuts it short, which the client sees as a broken body.
fn pages(
    backend: Arc<dyn Backend>,
    query: LogQuery,
    first: Bytes,
    next: Cursor,
) -> impl Stream<Item = store::Result<Bytes>> {
    stream::try_unfold((Some(first), Some(next)), move |(ready, next)| {
        let (backend, mut query) = (Arc::clone(&backend), query.clone());
        async move {
            if let Some(ready) = ready {
                return Ok(Some((ready, (None, next))));
            }
            let Some(cursor) = next else { return Ok(None) };
            query.cursor = Some(cursor);
            let LogPage { records, next } = facets::logs(backend.as_ref())?.list_logs(&query).await?;
            let open = if records.is_empty() { "" } else { "," };
            let close = if next.is_none() { "]" } else { "" };
            Ok(Some((written(records, (open, close)).await?, (None, next))))
        }
    })
}

/// Records as JSON; many of them off the async threads, since to say which issue an error belongs to is work.
async fn written(records: Vec<LogRecord>, around: (&'static str, &'static str)) -> store::Result<Bytes> {
    let is_little = records.len() <= FEW;
    let write = move || elements(&records, log_to_json, around);
    if is_little {
        return Ok(write());
    }
    tokio::task::spawn_blocking(write).await.map_err(|error| store::Error::Io(error.into()))
}
