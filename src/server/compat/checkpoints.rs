//! `POST /ingest` and `POST /ingest/single`: checkpoints as the published clients send them.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value as Json, json};

use crate::decode::checkpoint::{self, Outcome};
use crate::model::{Batch, Written};
use crate::server::app::App;
use crate::server::http::{Caps, Refusal, answer};
use crate::server::ingest::{Accepted, Decoded, Format, Part};

/// Checkpoints as the published clients send them.
pub(crate) struct Checkpoints {
    is_json: bool,
    read: fn(&[u8]) -> Outcome,
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
        Checkpoints { is_json: is_json(headers), read: checkpoint::single, done }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(checkpoint::is_json)
}

impl Format for Checkpoints {
    fn decode(&self, _: &Arc<App>, message: &Bytes) -> Result<Decoded, Refusal> {
        if !self.is_json {
            return Err(checkpoint::wrong_content_type(message).into());
        }
        let (checkpoints, mended) = (self.read)(message)?;
        let batch = Batch { checkpoints, ..Batch::default() };
        Ok(Decoded::whole(Part { batch, mended, ..Part::default() }))
    }

    fn is_of_checkpoint_api(&self) -> bool {
        true
    }

    fn accepted(&self, app: &App, accepted: &Accepted) -> Response {
        app.counters.checkpoints_stored(accepted.written);
        answer::json(StatusCode::OK, &(self.done)(accepted.written))
    }

    fn refused(&self, refusal: &Refusal, caps: &Caps) -> Response {
        match refusal {
            Refusal::Invalid(invalid) => answer::invalid(invalid),
            refusal => answer::problem(refusal.status(), &refusal.message(caps.inflated)),
        }
    }
}
