//! `DELETE /cleanup`: what is past its retention goes at once.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde_json::json;

use crate::model::{Nanos, Retention};

use crate::server::{
    app::App,
    http::{Answer, answer},
};

/// Records removed in one go by `/cleanup`, so that writers get their turn in between.
const CLEANUP_STEP: usize = 50_000;

/// `DELETE /cleanup`: removes what is past its retention now and not only within the next minute.
pub(crate) async fn cleanup(State(app): State<Arc<App>>) -> Answer {
    let mut deleted = 0;
    if let Some(retention) = app.retention {
        let retention_ns = u64::try_from(retention.as_nanos()).unwrap_or(u64::MAX);
        let keep = Retention { received_before: Nanos(Nanos::now().0.saturating_sub(retention_ns)) };
        loop {
            let removed = app.backend.prune(&keep, CLEANUP_STEP).await?;
            if removed.is_empty() {
                break;
            }
            deleted += removed.checkpoints;
            app.feed.removed();
        }
    }
    Ok(answer::json(StatusCode::OK, &json!({ "deleted": deleted })))
}
