//! What the published server says in words and shapes of its own.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::decode::checkpoint::Refusal;
use crate::server::http::answer;

/// A refusal in the words of the original.
pub(crate) fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    answer::json_text(status, refusal.body().to_owned())
}

/// Hours as the original prints them: whole ones without a fraction.
pub(crate) fn hours(retention: Option<Duration>) -> Json {
    let Some(retention) = retention else { return Json::Null };
    match (retention.as_secs() / 3_600, retention.as_secs() % 3_600) {
        (hours, 0) => json!(hours),
        _ => json!(retention.as_secs_f64() / 3_600.0),
    }
}
