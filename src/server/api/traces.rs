//! The query API: lists, single traces, statistics, deletion. Each handler reads its question with [`api`], asks the
//! backend, and writes the answer down as the command line does, so both print the same bytes.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use http::StatusCode;
use serde_json::{Map, Value as Json};

use crate::api::{self, BadParameter, Pairs};
use crate::model::{Nanos, RecordFilter, TraceId, TraceQuery};
use crate::query::TraceReport;
use crate::query::present::present;
use crate::query::saved;
use crate::server::access::CallersStore;
use crate::server::api::paged_list::{self, Wanted};
use crate::server::app::App;
use crate::server::http::answer::{self, removed};
use crate::server::http::{Answer, Failure, PathId};

/// `GET /api/v1/traces`
pub(crate) async fn list(Extension(store): Extension<CallersStore>, Query(pairs): Query<Pairs>) -> Answer {
    let mut query = api::trace_query_from_pairs(&pairs, Nanos::now())?;
    saved::resolve_optional(&*store, &mut query.filter, &api::clock(Nanos::now())).await?;
    let wanted = Wanted::read(&mut query.limit);
    let first = query.cursor.take();
    let ask = move |cursor| {
        let (store, query) = (store.clone(), TraceQuery { cursor, ..query.clone() });
        async move { store.traces(&query).await }
    };
    paged_list::answer(first, wanted, ask).await
}

/// `GET /api/v1/traces/{id}`
pub(crate) async fn show(Extension(store): Extension<CallersStore>, id: PathId) -> Answer {
    answer_trace(&store, &id?, |report| report.to_json()).await
}

/// `GET /api/v1/trace?id=`
pub(crate) async fn show_by_parameter(Extension(store): Extension<CallersStore>, Query(pairs): Query<Pairs>) -> Answer {
    let missing = || BadParameter { name: "id".to_owned(), reason: "is missing".to_owned(), at: None };
    let (_, id) = pairs.iter().find(|(name, _)| name == "id").ok_or_else(missing)?;
    answer_trace(&store, id, |report| report.to_json()).await
}

/// `GET /api/v1/traces/{id}/tree`
pub(crate) async fn tree(Extension(store): Extension<CallersStore>, id: PathId) -> Answer {
    answer_trace(&store, &id?, |report| report.to_tree_json()).await
}

/// One trace, for someone who may see it.
async fn answer_trace(store: &CallersStore, id: &str, shape: fn(&TraceReport) -> Map<String, Json>) -> Answer {
    let trace = store.trace(&trace_id(id)?).await?.ok_or_else(|| Failure::no("trace"))?;
    let is_little = trace.spans.len() < 1_000;
    let write = move || answer::json(StatusCode::OK, &shape(&TraceReport::new(trace)));
    Ok(answer::write(is_little, write).await?)
}

/// What is no id names no trace.
fn trace_id(text: &str) -> Result<TraceId, Failure> {
    TraceId::parse(text).map_err(|_| Failure::no("trace"))
}

/// `GET /api/v1/stats`
pub(crate) async fn stats(Extension(store): Extension<CallersStore>, Query(pairs): Query<Pairs>) -> Answer {
    let mut query = api::stats_query_from_pairs(&pairs, Nanos::now())?;
    saved::resolve_optional(&*store, &mut query.filter, &api::clock(Nanos::now())).await?;
    let stats = store.stats(&query).await?;
    Ok(answer::json(StatusCode::OK, &stats))
}

/// `DELETE /api/v1/traces`
pub(crate) async fn clear(State(app): State<Arc<App>>, Query(pairs): Query<Pairs>) -> Answer {
    let now = present(&*app.backend, Nanos::now()).await?;
    let (filter, dry_run) = api::deletion_from_pairs(&pairs, now)?;
    let counts = app.sink()?.delete(&filter, dry_run).await?;
    app.checkpoints.removed();
    Ok(removed(&counts))
}

/// `DELETE /api/v1/traces/{id}`
pub(crate) async fn remove(State(app): State<Arc<App>>, id: PathId) -> Answer {
    let filter = RecordFilter { trace: Some(trace_id(&id?)?), ..RecordFilter::default() };
    let counts = app.sink()?.delete(&filter, false).await?;
    app.checkpoints.removed();
    if counts.is_empty() {
        return Err(Failure::no("trace"));
    }
    Ok(removed(&counts))
}
