//! Keys over HTTP: list, issue, revoke. A key itself never comes here, only what the store keeps of it.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
};
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value as Json, json};

use crate::{
    model::{
        Key, Nanos, Text,
        json::{key_from_wire, key_to_wire},
    },
    query::facets,
    secret::{KEY_PREFIX, SHOWN_CHARS, id_of},
};

use super::{
    access::Scope,
    app::App,
    body,
    ingest::Refusal,
    reply,
    traces::{Answer, Failure},
};

/// Longest document about keys that is read, bytes.
const DOCUMENT_BYTES: usize = 64 << 10;

/// `GET /api/v1/keys`
pub(super) async fn list(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer {
    app.access.authorize(&headers, Scope::Admin)?;
    let keys = facets::keys(app.backend.as_ref())?.list_keys().await?;
    let rows: Vec<Json> = keys.iter().map(|key| Json::Object(key_to_wire(key))).collect();
    Ok(reply::json(StatusCode::OK, &Json::Array(rows)))
}

/// `POST /api/v1/keys`
pub(super) async fn issue(State(app): State<Arc<App>>, request: Request<Body>) -> Answer {
    let document = match document(&app, request).await? {
        Ok(document) => document,
        Err(refusal) => return Ok(reply::problem(refusal.status(), &refusal.message(DOCUMENT_BYTES))),
    };
    let key = key_from_wire(&document).map_err(|error| Failure::Body(error.to_string()))?;
    if let Some(problem) = problem(&key) {
        return Err(Failure::Body(problem.to_owned()));
    }
    facets::keys(app.backend.as_ref())?.add_key(key.clone()).await?;
    let answer = reply::json(StatusCode::OK, &Json::Object(key_to_wire(&key)));
    app.access.keyring().learn(key);
    Ok(answer)
}

/// `DELETE /api/v1/keys/{id}`
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Answer {
    app.access.authorize(&headers, Scope::Admin)?;
    // What is not even text names no key.
    let key = match id {
        Ok(Path(id)) => facets::keys(app.backend.as_ref())?.revoke_key(&id).await?,
        Err(_) => None,
    };
    let Some(key) = key else { return Ok(reply::problem(StatusCode::NOT_FOUND, "there is no key with this id")) };
    let answer = reply::json(StatusCode::OK, &Json::Object(key_to_wire(&key)));
    app.access.keyring().learn(key);
    Ok(answer)
}

/// `POST /api/v1/keys/used`
pub(super) async fn touch(State(app): State<Arc<App>>, request: Request<Body>) -> Answer {
    let document = match document(&app, request).await? {
        Ok(document) => document,
        Err(refusal) => return Ok(reply::problem(refusal.status(), &refusal.message(DOCUMENT_BYTES))),
    };
    let use_of = |(id, time): (&String, &Json)| {
        let time = time.as_str().and_then(Nanos::parse_rfc3339)?;
        Some((Text::from(id.as_str()), time))
    };
    let used: Option<Vec<(Text, Nanos)>> = document.as_object().and_then(|ids| ids.iter().map(use_of).collect());
    let used = used.ok_or_else(|| Failure::Body("it is no object of ids and times".to_owned()))?;
    facets::keys(app.backend.as_ref())?.touch_keys(&used).await?;
    Ok(reply::json(StatusCode::OK, &json!({})))
}

/// The JSON an administrator sends.
async fn document(app: &App, request: Request<Body>) -> Result<Result<Json, Refusal>, Failure> {
    let (parts, body) = request.into_parts();
    app.access.authorize(&parts.headers, Scope::Admin)?;
    let received = body::read(&parts.headers, body, DOCUMENT_BYTES, &app.budget, &app.limits).await;
    let received = match received {
        Ok(received) => received,
        Err(problem) => return Ok(Err(problem.into())),
    };
    // What is wrong with it is not repeated: it may hold what somebody took for the place of a key.
    serde_json::from_slice(&received.bytes).map(Ok).map_err(|_| Failure::Body("it is no JSON".to_owned()))
}

/// Why a key cannot be taken.
fn problem(key: &Key) -> Option<&'static str> {
    if key.id.as_str() != id_of(&key.digest) {
        return Some("`id` is not the beginning of `digest`");
    }
    if !key.prefix.starts_with(KEY_PREFIX) || key.prefix.chars().count() > SHOWN_CHARS {
        return Some("`prefix` is not the beginning of a key");
    }
    (!Key::is_project(&key.project)).then_some("`project` is no name of a project")
}
