//! `DELETE /cleanup`: what is past its retention goes at once.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde_json::json;

use crate::server::app::App;
use crate::server::http::{Answer, answer};
use crate::server::retention::{kept_at, prune};

/// `DELETE /cleanup`: removes what is past its retention now and not only within the next minute.
pub(crate) async fn cleanup(State(app): State<Arc<App>>) -> Answer {
    let deleted = match app.retention {
        Some(retention) => {
            let now = app.clock.now(app.backend.newest_received().await?);
            prune(&*app.backend, &app.checkpoints, &app.stopping, kept_at(now, retention)).await?
        }
        None => 0,
    };
    Ok(answer::json(StatusCode::OK, &json!({ "deleted": deleted })))
}
