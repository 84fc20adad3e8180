//! The checkpoint API of the published Python `tracehub` server: same paths, same statuses, same JSON, so that its
//! clients notice nothing but that what they sent is really stored. `tests/it/data/python` lists where we differ.

pub(crate) mod figures;
pub(crate) mod giants;
pub(crate) mod lookup;
pub(crate) mod paths;
pub(crate) mod replies;
pub(crate) mod stored;

use std::sync::Arc;

use axum::{extract::State, response::Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value as Json, json};

use crate::{
    decode::checkpoint::{self, Refusal as Invalid},
    model::{Batch, Checkpoint, Nanos, Retention, Written},
};

use crate::server::{
    answer::{self, Answer},
    app::App,
    intake::{Accepted, Decoded, Format, Part},
    limits::Caps,
    refusal::Refusal,
};

use replies::refused;

/// Records removed in one go by `/cleanup`, so that writers get their turn in between.
const CLEANUP_STEP: usize = 50_000;

/// Checkpoints as the published clients send them.
pub(crate) struct Checkpoints {
    is_json: bool,
    read: fn(&[u8]) -> Result<Vec<Checkpoint>, Invalid>,
    /// The answer to what was stored.
    done: fn(Written) -> Json,
}

impl Checkpoints {
    /// `POST /ingest`: the format of many records.
    pub(crate) fn batch(headers: &HeaderMap) -> Checkpoints {
        let done = |Written { accepted, duplicates }| json!({ "accepted": accepted + duplicates, "inserted": accepted, "duplicates": duplicates });
        Checkpoints { is_json: is_json(headers), read: checkpoint::batch, done }
    }

    /// `POST /ingest/single`: the format of one record.
    pub(crate) fn single(headers: &HeaderMap) -> Checkpoints {
        let done = |written: Written| json!({ "inserted": written.accepted > 0 });
        let read = |body: &[u8]| checkpoint::single(body).map(|record| vec![record]);
        Checkpoints { is_json: is_json(headers), read, done }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(checkpoint::is_json)
}

impl Format for Checkpoints {
    fn decode(&self, app: &Arc<App>, message: &Bytes) -> Result<Decoded, Refusal> {
        if !self.is_json {
            return Err(checkpoint::wrong_content_type(message).into());
        }
        let checkpoints = (self.read)(message)?;
        app.sources.count(&checkpoints, app.counters.uptime_seconds());
        let batch = Batch { checkpoints, ..Batch::default() };
        Ok(Decoded::whole(Part { batch, ..Part::default() }))
    }

    fn accepted(&self, app: &App, accepted: &Accepted) -> Response {
        app.counters.checkpoints_stored(accepted.written);
        answer::json(StatusCode::OK, &(self.done)(accepted.written))
    }

    fn refused(&self, refusal: &Refusal, caps: &Caps) -> Response {
        match refusal {
            Refusal::Invalid(invalid) => refused(invalid),
            refusal => answer::problem(refusal.status(), &refusal.message(caps.inflated)),
        }
    }
}

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
            app.live.removed();
        }
    }
    Ok(answer::json(StatusCode::OK, &json!({ "deleted": deleted })))
}
