//! Questions about many traces over HTTP: what sets some apart, which attributes they have, and the filters that are kept.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use http::{Request, StatusCode};
use serde_json::json;

use crate::api::{self, BadParameter, Pairs};
use crate::model::{Nanos, SavedFilter, Text};
use crate::query::contrast::contrast;
use crate::query::records::attribute_counts::{AttributeError, attribute_counts};
use crate::query::{facets, saved};
use crate::server::access::CallersStore;
use crate::server::api::paged_list::{self, Wanted};
use crate::server::app::App;
use crate::server::http::document::read_json;
use crate::server::http::{Admitted, Answer, Failure, PathId, answer};

/// `GET /api/v1/why`
pub(crate) async fn why(Extension(store): Extension<CallersStore>, Query(pairs): Query<Pairs>) -> Answer {
    let mut query = api::contrast_query_from_pairs(&pairs, Nanos::now())?;
    let clock = api::clock(Nanos::now());
    query.selected = saved::resolve(&*store, query.selected, &clock).await?;
    saved::resolve_optional(&*store, &mut query.against, &clock).await?;
    Ok(answer::json(StatusCode::OK, &contrast(&*store, &query).await?))
}

/// `GET /api/v1/attributes`
pub(crate) async fn attributes(Extension(store): Extension<CallersStore>, Query(pairs): Query<Pairs>) -> Answer {
    let mut query = api::attribute_query_from_pairs(&pairs, Nanos::now())?;
    saved::resolve_optional(&*store, &mut query.filter, &api::clock(Nanos::now())).await?;
    let counted = attribute_counts(&*store, &query).await.map_err(|error| match error {
        AttributeError::Store(error) => Failure::from(error),
        AttributeError::OfTrace(_) => {
            Failure::from(BadParameter { name: "key".to_owned(), reason: error.to_string(), at: None })
        }
    })?;
    // All of it is there: there is no next page to ask for.
    paged_list::answer(None, Wanted::Page, move |_| std::future::ready(Ok(counted.clone()))).await
}

/// `GET /api/v1/queries`
pub(crate) async fn list_saved(Extension(store): Extension<CallersStore>) -> Answer {
    Ok(answer::json(StatusCode::OK, &facets::saved_filters(&*store)?.list_saved_filters().await?))
}

/// `POST /api/v1/queries`
pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Extension(admitted): Extension<Admitted>,
    request: Request<Body>,
) -> Answer {
    let document = read_json(&app, &admitted, request, |error| error.to_string()).await?;
    let text = |key: &str| document[key].as_str().ok_or_else(|| Failure::bad(format!("`{key}` is missing or no text")));
    let (name, filter) = (text("name")?, text("filter")?);
    if !SavedFilter::is_name(name) {
        return Err(Failure::bad(
            "`name` has up to 64 letters, digits, `_`, `-` and `.`, and begins with a letter or digit",
        ));
    }
    api::read_filter("filter", filter, Nanos::now())?;
    let saved = SavedFilter { name: Text::from(name), filter: Text::from(filter), saved: Nanos::now() };
    facets::saved_filters(&*app.backend)?.save_filter(saved.clone()).await?;
    Ok(answer::json(StatusCode::OK, &saved))
}

/// `DELETE /api/v1/queries/{name}`
pub(crate) async fn delete_saved(State(app): State<Arc<App>>, name: PathId) -> Answer {
    let Path(name) = name.map_err(|_| Failure::no("saved filter"))?;
    match facets::saved_filters(&*app.backend)?.delete_saved_filter(&name).await? {
        true => Ok(answer::json(StatusCode::OK, &json!({}))),
        false => Err(Failure::no("saved filter")),
    }
}
