//! Who sends to this server, over HTTP.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::server::app::App;
use crate::server::http::{Answer, answer};

/// `GET /api/v1/senders`
pub(crate) async fn list(State(app): State<Arc<App>>) -> Answer {
    Ok(answer::json(StatusCode::OK, &app.senders.senders()))
}
