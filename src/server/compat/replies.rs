//! Values in the shape in which the published Python server writes them.

use std::time::Duration;

use serde_json::{Value as Json, json};

/// Hours as the original prints them: whole ones without a fraction.
pub(crate) fn hours(retention: Option<Duration>) -> Json {
    let Some(retention) = retention else { return Json::Null };
    match (retention.as_secs() / 3_600, retention.as_secs() % 3_600) {
        (hours, 0) => json!(hours),
        _ => json!(retention.as_secs_f64() / 3_600.0),
    }
}
