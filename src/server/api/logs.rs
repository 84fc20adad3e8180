//! `GET /api/v1/logs`: log records as a JSON array.

use axum::Extension;
use axum::extract::Query;

use crate::api::{self, Pairs};
use crate::model::{LogPage, LogQuery, Nanos, Page};
use crate::query::{facets, issues, saved};
use crate::server::access::CallersStore;
use crate::server::api::paged_list::{self, Wanted};
use crate::server::http::Answer;

/// `GET /api/v1/logs`
pub(crate) async fn list(Extension(store): Extension<CallersStore>, Query(pairs): Query<Pairs>) -> Answer {
    let mut query = api::log_query_from_pairs(&pairs, Nanos::now())?;
    saved::resolve_optional(&*store, &mut query.filter, &api::clock(Nanos::now())).await?;
    let wanted = if query.limit == 0 { Wanted::Items(usize::MAX) } else { Wanted::Page };
    query.limit = if query.limit == 0 { api::MAX_LOGS } else { query.limit.min(api::MAX_LOGS) };
    query.issues = issues::with_aliases(&*store, &query.issues).await?;
    let first = query.cursor.take();
    let ask = move |cursor| {
        let (store, query) = (store.clone(), LogQuery { cursor, ..query.clone() });
        async move {
            let LogPage { records, next } = facets::logs(&*store)?.list_logs(&query).await?;
            Ok(Page { items: records, next, total: None, failed: None })
        }
    };
    paged_list::answer(first, wanted, ask).await
}
