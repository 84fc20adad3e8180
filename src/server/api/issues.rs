//! Issues over HTTP: lists, one with all that is known of it, and what people decide about it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use http::{Request, StatusCode};

use crate::api::{self, Pairs};
use crate::decode::body::MediaType;
use crate::model::{IssueId, IssueQuery, Nanos};
use crate::query::facets;
use crate::server::access::CallersStore;
use crate::server::api::paged_list::{self, Wanted};
use crate::server::app::App;
use crate::server::http::document::read_json;
use crate::server::http::{Admitted, Answer, Failure, PathId, answer, body};

/// `GET /api/v1/issues`
pub(crate) async fn list(Extension(store): Extension<CallersStore>, Query(pairs): Query<Pairs>) -> Answer {
    let mut query = api::issue_query_from_pairs(&pairs, Nanos::now())?;
    let wanted = Wanted::read(&mut query.limit);
    let first = query.cursor.take();
    let ask = move |cursor| {
        let (store, query) = (store.clone(), IssueQuery { cursor, ..query.clone() });
        async move { facets::issues(&*store)?.list_issues(&query).await }
    };
    paged_list::answer(first, wanted, ask).await
}

/// `GET /api/v1/issues/{id}`
pub(crate) async fn show(Extension(store): Extension<CallersStore>, id: PathId) -> Answer {
    let detail = facets::issues(&*store)?.issue(&issue_id(id)?).await?.ok_or_else(|| Failure::no("issue"))?;
    Ok(answer::json(StatusCode::OK, &detail))
}

/// `PATCH /api/v1/issues/{id}`
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Extension(admitted): Extension<Admitted>,
    id: PathId,
    request: Request<Body>,
) -> Answer {
    let id = issue_id(id)?;
    if body::media_type(request.headers()) != Some(MediaType::Json) {
        return Ok(answer::problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json"));
    }
    let document = read_json(&app, &admitted, request, |error| error.to_string()).await?;
    let change = api::issue_change_from_json(&document)?;
    let issue = facets::issues(&*app.backend)?.set_issue(&id, change).await?.ok_or_else(|| Failure::no("issue"))?;
    Ok(answer::json(StatusCode::OK, &issue))
}

/// What is no id names no issue.
fn issue_id(id: PathId) -> Result<IssueId, Failure> {
    let Path(id) = id.map_err(|_| Failure::no("issue"))?;
    IssueId::parse(&id).map_err(|_| Failure::no("issue"))
}
