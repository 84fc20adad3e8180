//! The store itself over HTTP, for programs that use a server as their backend: scan, write, prune.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Query, State},
};
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::json;

use crate::{
    api::{self, BadParameter, Pairs},
    decode::body::MediaType,
    model::{Batch, Cursor, Nanos, Retention},
    query::facets,
    store::{self, wire},
};

use super::{
    access::Scope,
    app::{App, stopped},
    body::{self, Received},
    ingest::{self, Refusal},
    limits::Reservation,
    otlp_http, reply,
    traces::{Answer, removed},
};

/// `GET /api/v1/scan`
pub(super) async fn scan(State(app): State<Arc<App>>, headers: HeaderMap, Query(pairs): Query<Pairs>) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
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
    let feed = facets::feed(app.backend.as_ref())?;
    let chunk = tokio::select! {
        chunk = feed.scan(&filter, after.as_ref(), max, wait) => chunk?,
        () = stopped(app.stopping.clone()) => return Err(store::Error::Closed.into()),
    };
    Ok(reply::json_text(StatusCode::OK, wire::chunk_to_json(&chunk)))
}

/// `GET /api/v1/scan/cursor`
pub(super) async fn cursor(State(app): State<Arc<App>>, headers: HeaderMap, Query(pairs): Query<Pairs>) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    let mut received = Nanos(u64::MAX);
    for (name, value) in &pairs {
        if name == "received_since" {
            received = api::read_time(name, value, Nanos::now())?;
        }
    }
    let cursor = facets::feed(app.backend.as_ref())?.cursor_at(received).await?;
    Ok(reply::json(StatusCode::OK, &json!({ "next": cursor.0 })))
}

/// `GET /api/v1/place`
pub(super) async fn place(State(app): State<Arc<App>>, headers: HeaderMap, Query(pairs): Query<Pairs>) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    let (filter, others) = api::filter_from_pairs(&pairs, Nanos::now())?;
    let records = others.iter().rev().find(|(name, _)| name == "records");
    let records = records.map_or(Ok(0), |(name, value)| api::read_number(name, value))?;
    let place = facets::feed(app.backend.as_ref())?.place(&filter, records).await?;
    Ok(reply::json(StatusCode::OK, &json!({ "place": place.map(|Cursor(place)| place) })))
}

/// `POST /api/v1/records`
pub(super) async fn write(State(app): State<Arc<App>>, request: Request<Body>) -> Answer {
    let (parts, body) = request.into_parts();
    let caller = app.access.authorize(&parts.headers, Scope::Ingest)?;
    let media = parts.headers.get(header::CONTENT_TYPE).and_then(otlp_http::media_type);
    if media != Some(MediaType::Json) {
        return Ok(reply::problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json"));
    }
    let cap = app.limits.body_bytes;
    let received = body::read(&parts.headers, body, cap, &app.budget, &app.limits).await;
    let decoded = match received {
        Ok(received) => decode(&app, received).await,
        Err(problem) => Err(problem.into()),
    };
    let (mut batch, _reservation) = match decoded {
        Ok(decoded) => decoded,
        Err(refusal) => return Ok(reply::problem(refusal.status(), &refusal.message(cap))),
    };
    // From store to store records keep their project; only who may do everything may say which.
    if let Some(project) = caller.project().filter(|_| !caller.is_admin()) {
        batch.assign_project(project);
    }
    match facets::sink(app.backend.as_ref())?.write(batch).await {
        Ok(written) => {
            app.counters.stored(written, 0);
            let document = json!({ "accepted": written.accepted, "duplicates": written.duplicates });
            Ok(reply::json(StatusCode::OK, &document))
        }
        Err(error) => {
            let refusal = ingest::write_failed(&app, &error);
            app.counters.ingest_failed(refusal.reason());
            Ok(reply::problem(refusal.status(), &refusal.message(0)))
        }
    }
}

/// The records of a body, and the room they take.
async fn decode(app: &App, received: Received) -> Result<(Batch, Reservation), Refusal> {
    let Received { bytes, mut reservation } = received;
    let turn = ingest::turn(app, bytes.len()).await;
    let work = move || wire::records_from_json(&bytes).map_err(|error| Refusal::Malformed(error.to_string()));
    let batch = ingest::run(turn.is_none(), work).await?;
    ingest::reserve_records(app, &batch, &mut reservation).await?;
    Ok((batch, reservation))
}

/// `POST /api/v1/prune`
pub(super) async fn prune(State(app): State<Arc<App>>, headers: HeaderMap, Query(pairs): Query<Pairs>) -> Answer {
    app.access.authorize(&headers, Scope::Admin)?;
    let (mut received_before, mut budget) = (None, api::MAX_SCAN);
    for (name, value) in &pairs {
        match name.as_str() {
            "received_before" => received_before = Some(api::read_time(name, value, Nanos::now())?),
            "budget" => budget = api::read_number(name, value)?,
            _ => {}
        }
    }
    let missing = || BadParameter { name: "received_before".to_owned(), reason: "is missing".to_owned() };
    let keep = Retention { received_before: received_before.ok_or_else(missing)? };
    let counts = facets::sink(app.backend.as_ref())?.prune(&keep, budget).await?;
    app.live.removed();
    Ok(removed(&counts))
}
