//! The store itself over HTTP, for programs that use a server as their backend: scan and prune.

pub(crate) mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use http::StatusCode;
use serde_json::json;

use crate::api::{self, BadParameter, Pairs};
use crate::model::{Cursor, Nanos, Retention};
use crate::query::present::present;
use crate::server::access::CallersStore;
use crate::server::app::App;
use crate::server::http::Answer;
use crate::server::http::answer::{self, removed};
use crate::server::stopping::stopped;
use crate::store::{self, wire};

/// `GET /api/v1/scan`
pub(crate) async fn scan(
    State(app): State<Arc<App>>,
    Extension(store): Extension<CallersStore>,
    Query(pairs): Query<Pairs>,
) -> Answer {
    let (filter, others) = api::filter_from_pairs(&pairs, Nanos::now())?;
    let (mut after, mut max, mut wait_ms) = (None, api::MAX_SCAN, 0);
    for (name, value) in others {
        match name.as_str() {
            "after" => after = Some(Cursor(value)),
            "max" => max = api::read_number::<usize>(&name, &value)?.clamp(1, api::MAX_SCAN),
            "wait_ms" => wait_ms = api::read_number::<u64>(&name, &value)?.min(api::MAX_WAIT_MS),
            _ => {}
        }
    }
    let wait = Duration::from_millis(wait_ms);
    let feed = store.feed_of_caller()?;
    let chunk = tokio::select! {
        chunk = feed.scan(&filter, after.as_ref(), max, wait) => chunk?,
        () = stopped(app.stopping.clone()) => return Err(store::Error::Closed.into()),
    };
    Ok(answer::json_text(StatusCode::OK, wire::chunk_to_json(&chunk)))
}

/// `GET /api/v1/scan/cursor`
pub(crate) async fn cursor(Extension(store): Extension<CallersStore>, Query(pairs): Query<Pairs>) -> Answer {
    let mut received = Nanos(u64::MAX);
    for (name, value) in &pairs {
        if name == "received_since" {
            received = api::read_time(name, value, Nanos::now())?;
        }
    }
    let cursor = store.feed_of_caller()?.cursor_at(received).await?;
    Ok(answer::json(StatusCode::OK, &json!({ "next": cursor.0 })))
}

/// `GET /api/v1/place`
pub(crate) async fn place(Extension(store): Extension<CallersStore>, Query(pairs): Query<Pairs>) -> Answer {
    let (filter, others) = api::filter_from_pairs(&pairs, Nanos::now())?;
    let records = others.iter().rev().find(|(name, _)| name == "records");
    let records = records.map_or(Ok(0), |(name, value)| api::read_number(name, value))?;
    let place = store.feed_of_caller()?.place(&filter, records).await?;
    Ok(answer::json(StatusCode::OK, &json!({ "place": place.map(|Cursor(place)| place) })))
}

/// `POST /api/v1/prune`
pub(crate) async fn prune(State(app): State<Arc<App>>, Query(pairs): Query<Pairs>) -> Answer {
    let (mut received_before, mut budget) = (None, api::MAX_SCAN);
    let now = present(&*app.backend, Nanos::now()).await?;
    for (name, value) in &pairs {
        match name.as_str() {
            "received_before" => received_before = Some(api::read_time(name, value, now)?),
            "budget" => budget = api::read_number(name, value)?,
            _ => {}
        }
    }
    let missing = || BadParameter { name: "received_before".to_owned(), reason: "is missing".to_owned(), at: None };
    let keep = Retention { received_before: received_before.ok_or_else(missing)? };
    let counts = app.sink()?.prune(&keep, budget).await?;
    app.checkpoints.removed();
    Ok(removed(&counts))
}
