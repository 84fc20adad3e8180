//! `POST /api/v1/records`: records as a scan gives them, from programs that use a server as their backend.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

use crate::decode::body::MediaType;
use crate::server::access::Caller;
use crate::server::app::App;
use crate::server::http::{Refusal, answer, body};
use crate::server::ingest::{Accepted, Decoded, Format, Part};
use crate::store::wire;

/// `POST /api/v1/records`: records as a scan gives them.
pub(crate) struct StoredRecords;

impl Format for StoredRecords {
    fn read_head(&self, headers: &HeaderMap) -> Result<Option<String>, Refusal> {
        match body::media_type(headers) {
            Some(MediaType::Json) => Ok(body::encoding(headers)?),
            _ => Err(Refusal::MediaType("send application/json")),
        }
    }

    fn decode(&self, _: &Arc<App>, message: &Bytes) -> Result<Decoded, Refusal> {
        let (batch, mended) = wire::records_from_json(message)?;
        Ok(Decoded::whole(Part { batch, mended, ..Part::default() }))
    }

    /// From store to store records keep their project; only who may do everything may say which.
    fn keeps_projects(&self, caller: &Caller) -> bool {
        caller.is_admin()
    }

    fn keeps_requests(&self) -> bool {
        true
    }

    fn accepted(&self, _: &App, Accepted { written, .. }: &Accepted) -> Response<Body> {
        answer::json(StatusCode::OK, written)
    }
}
