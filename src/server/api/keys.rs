//! Keys over HTTP: list, issue, revoke. A key itself never comes here, only what the store keeps of it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use http::{Request, StatusCode};
use serde_json::{Value as Json, json};

use crate::model::json::{self, key_to_wire};
use crate::model::{Key, Nanos, Text};
use crate::query::facets;
use crate::secret::{KEY_PREFIX, SHOWN_CHARS, id_of};
use crate::server::app::App;
use crate::server::http::document::read_json;
use crate::server::http::{Admitted, Answer, Failure, PathId, answer};

/// `GET /api/v1/keys`
pub(crate) async fn list(State(app): State<Arc<App>>) -> Answer {
    let keys = facets::keys(&*app.backend)?.list_keys().await?;
    let rows: Vec<_> = keys.iter().map(key_to_wire).collect();
    Ok(answer::json(StatusCode::OK, &rows))
}

/// `POST /api/v1/keys`
pub(crate) async fn issue(
    State(app): State<Arc<App>>,
    Extension(admitted): Extension<Admitted>,
    request: Request<Body>,
) -> Answer {
    let document = read_json(&app, &admitted, request, no_json).await?;
    let key = json::read::<Key>(&document).map_err(Failure::bad)?;
    if let Some(problem) = problem(&key) {
        return Err(Failure::bad(problem));
    }
    facets::keys(&*app.backend)?.add_key(key.clone()).await?;
    let answer = answer::json(StatusCode::OK, &key_to_wire(&key));
    app.access.keyring().learn(key);
    Ok(answer)
}

/// `DELETE /api/v1/keys/{id}`
pub(crate) async fn revoke(State(app): State<Arc<App>>, id: PathId) -> Answer {
    // What is not even text names no key.
    let Path(id) = id.map_err(|_| Failure::no("key"))?;
    let key = facets::keys(&*app.backend)?.revoke_key(&id).await?.ok_or_else(|| Failure::no("key"))?;
    let answer = answer::json(StatusCode::OK, &key_to_wire(&key));
    app.access.keyring().learn(key);
    Ok(answer)
}

/// `POST /api/v1/keys/used`
pub(crate) async fn note_uses(
    State(app): State<Arc<App>>,
    Extension(admitted): Extension<Admitted>,
    request: Request<Body>,
) -> Answer {
    let document = read_json(&app, &admitted, request, no_json).await?;
    let use_of = |(id, time): (&String, &Json)| {
        let time = time.as_str().and_then(Nanos::parse_rfc3339)?;
        Some((Text::from(id.as_str()), time))
    };
    let used: Option<Vec<(Text, Nanos)>> = document.as_object().and_then(|ids| ids.iter().map(use_of).collect());
    let used = used.ok_or_else(|| Failure::bad("it is no object of ids and times"))?;
    facets::keys(&*app.backend)?.touch_keys(&used).await?;
    Ok(answer::json(StatusCode::OK, &json!({})))
}

/// What is wrong with a document is not repeated: it may hold what somebody took for the place of a key.
fn no_json(_: serde_json::Error) -> String {
    "it is no JSON".to_owned()
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
