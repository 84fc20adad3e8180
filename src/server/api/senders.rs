//! Who sends to this server, over HTTP.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use http::StatusCode;

use crate::model::sender::Sender;
use crate::server::app::App;
use crate::server::http::{Admitted, Answer, answer};

/// `GET /api/v1/senders`: all of them for those who may do everything, for others those of their project.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Extension(Admitted { caller, .. }): Extension<Admitted>,
) -> Answer {
    let is_seen = |sender: &Sender| caller.is_admin() || caller.project().is_some_and(|own| *own == sender.project);
    let senders: Vec<Sender> = app.senders.senders().into_iter().filter(is_seen).collect();
    Ok(answer::json(StatusCode::OK, &senders))
}
