//! Questions about many traces over HTTP: what sets some apart, and which attributes they have.

use axum::Extension;
use axum::extract::Query;
use http::StatusCode;

use crate::api::{self, BadParameter, Pairs};
use crate::model::Nanos;
use crate::query::contrast::contrast;
use crate::query::records::attribute_counts::{AttributeError, attribute_counts};
use crate::server::access::CallersStore;
use crate::server::api::paged_list::{self, Wanted};
use crate::server::http::answer;
use crate::server::http::{Answer, Failure};

/// `GET /api/v1/why`
pub(crate) async fn why(Extension(store): Extension<CallersStore>, Query(pairs): Query<Pairs>) -> Answer {
    let query = api::contrast_query_from_pairs(&pairs, Nanos::now())?;
    Ok(answer::json(StatusCode::OK, &contrast(&*store, &query).await?))
}

/// `GET /api/v1/attributes`
pub(crate) async fn attributes(Extension(store): Extension<CallersStore>, Query(pairs): Query<Pairs>) -> Answer {
    let query = api::attribute_query_from_pairs(&pairs, Nanos::now())?;
    let counted = attribute_counts(&*store, &query).await.map_err(|error| match error {
        AttributeError::Store(error) => Failure::from(error),
        AttributeError::OfTrace(_) => {
            Failure::from(BadParameter { name: "key".to_owned(), reason: error.to_string(), at: None })
        }
    })?;
    // All of it is there: there is no next page to ask for.
    paged_list::answer(None, Wanted::Page, move |_| std::future::ready(Ok(counted.clone()))).await
}
