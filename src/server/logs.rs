//! `POST /api/v1/ingest`, where the published `tracehub-logger` sends log entries.
//!
//! Its clients try again on 5xx only and park everything else, so 202 means stored, whatever may pass is 503, and one
//! plain sentence says what is wrong with the rest: they print the first 200 characters of it.

use std::sync::Arc;

use axum::{body::Body, extract::State};
use http::{Request, Response, StatusCode, request::Parts};
use serde_json::{Value as Json, json};
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    decode::logs::{self, DecodeError, Decoded},
    model::{Nanos, Rejection, Written},
};

use super::{
    access::{Forbidden, Scope},
    app::App,
    body::{self, Received},
    ingest,
    limits::Reservation,
    otlp_http, reply,
};

/// Longest reason told of one entry, in characters.
const TOLD_REASON_CHARS: usize = 160;

/// Why nothing of a request was taken.
enum Refused {
    /// By who sent it.
    Caller(Forbidden),
    /// By what it holds.
    Content(DecodeError),
    /// By how it arrived, or because it cannot be stored now.
    Transfer(ingest::Refusal),
}

impl From<Forbidden> for Refused {
    fn from(refusal: Forbidden) -> Refused {
        Refused::Caller(refusal)
    }
}

impl From<DecodeError> for Refused {
    fn from(error: DecodeError) -> Refused {
        Refused::Content(error)
    }
}

impl From<ingest::Refusal> for Refused {
    fn from(refusal: ingest::Refusal) -> Refused {
        Refused::Transfer(refusal)
    }
}

impl Refused {
    /// The word it is counted under.
    fn reason(&self) -> &'static str {
        match self {
            Refused::Caller(_) => "denied",
            Refused::Content(DecodeError::TooMany) => "too_large",
            Refused::Content(_) => "malformed",
            Refused::Transfer(refusal) => refusal.reason(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Refused::Caller(refusal) => refusal.status,
            Refused::Content(DecodeError::TooMany) => StatusCode::PAYLOAD_TOO_LARGE,
            Refused::Content(_) => StatusCode::BAD_REQUEST,
            Refused::Transfer(refusal) => refusal.status(),
        }
    }

    fn sentence(&self, app: &App) -> String {
        match self {
            Refused::Caller(refusal) => refusal.detail.to_owned(),
            Refused::Content(error) => error.to_string(),
            Refused::Transfer(ingest::Refusal::TooLarge) => format!(
                "the body is larger than {} bytes compressed or {} bytes inflated; send smaller batches",
                app.limits.entries_bytes, app.limits.entries_inflated_bytes
            ),
            Refused::Transfer(refusal) => refusal.message(app.limits.entries_inflated_bytes),
        }
    }
}

/// `POST /api/v1/ingest`
pub(super) async fn ingest(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    match take(&app, request).await {
        Ok(taken) => reply::json(StatusCode::ACCEPTED, &taken.to_json()),
        Err(refused) => {
            app.counters.ingest_failed(refused.reason());
            reply::problem(refused.status(), &refused.sentence(&app))
        }
    }
}

/// What became of a request's entries.
struct Taken {
    written: Written,
    rejected: usize,
    errors: Vec<Rejection>,
}

impl Taken {
    /// An entry that was there already counts as accepted: it is stored, and a client that sends again after a lost
    /// answer must hear the answer it lost.
    fn to_json(&self) -> Json {
        let Written { accepted, duplicates } = self.written;
        let error = |rejection: &Rejection| {
            let reason: String = rejection.reason.chars().take(TOLD_REASON_CHARS).collect();
            json!({ "index": rejection.index, "reason": reason })
        };
        json!({
            "accepted": accepted + duplicates,
            "rejected": self.rejected,
            "duplicates": duplicates,
            "duplicate": accepted == 0 && duplicates > 0,
            "errors": self.errors.iter().map(error).collect::<Vec<Json>>(),
        })
    }
}

async fn take(app: &Arc<App>, request: Request<Body>) -> Result<Taken, Refused> {
    let (parts, body) = request.into_parts();
    let caller = match app.access.authorize(&parts.headers, Scope::Ingest) {
        Ok(caller) => caller,
        Err(refusal) => {
            body::discard_unless_expected(&parts.headers, body).await;
            return Err(refusal.into());
        }
    };
    let (decoded, _reservation) = receive(app, &parts, body).await?;
    let Decoded { mut batch, rejected, errors, .. } = decoded;
    if let Some(project) = caller.project() {
        batch.assign_project(project);
    }
    let written = match batch.is_empty() {
        true => Written::default(),
        false => app.backend.write(batch).await.map_err(|error| ingest::write_failed(app, &error))?,
    };
    app.counters.stored(written, rejected);
    Ok(Taken { written, rejected, errors })
}

/// The entries of a body, and the room they take.
async fn receive(app: &Arc<App>, parts: &Parts, body: Body) -> Result<(Decoded, Reservation), Refused> {
    let encoding = match otlp_http::encoding(&parts.headers) {
        Ok(encoding) => encoding,
        Err(refusal) => {
            body::discard_unless_expected(&parts.headers, body).await;
            return Err(refusal.into());
        }
    };
    let inflated_cap = app.limits.entries_inflated_bytes;
    let (cap, quick) = match encoding {
        None => (inflated_cap, ingest::BLOCKING_BYTES),
        Some(_) => (app.limits.entries_bytes, ingest::BLOCKING_COMPRESSED_BYTES),
    };
    let received = body::read(&parts.headers, body, cap, &app.budget, &app.limits).await;
    let Received { bytes, mut reservation } = received.map_err(ingest::Refusal::from)?;
    let is_quick = bytes.len() <= quick;
    let app = Arc::clone(app);
    let read = move || -> Result<_, Refused> {
        let bytes = ingest::inflate_within(encoding.as_deref(), bytes, inflated_cap, &mut reservation)?;
        // The records share the body's bytes, so its part of the budget lives as long as they do.
        Ok((decode(&app, &bytes)?, reservation))
    };
    match is_quick {
        true => read(),
        false => tokio::task::spawn_blocking(read).await.map_err(|_| Refused::Transfer(ingest::PANIC))?,
    }
}

/// Reads the entries; those without a time get the one at which this same body came first.
fn decode(app: &App, bytes: &bytes::Bytes) -> Result<Decoded, DecodeError> {
    let (digest, now) = (xxh3_128(bytes), Nanos::now());
    let known = app.arrivals.find(digest, now);
    let decoded = logs::entries(bytes, known.unwrap_or(now))?;
    if decoded.untimed == 0 || known.is_some() {
        return Ok(decoded);
    }
    match app.arrivals.note(digest, now) {
        first if first == now => Ok(decoded),
        // The same body came at the same moment.
        first => logs::entries(bytes, first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_is_new_what_was_there_and_what_is_wrong_with_the_rest() {
        let errors = vec![Rejection { index: 7, reason: "x".repeat(1_000) }];
        let taken = Taken { written: Written { accepted: 48, duplicates: 1 }, rejected: 1, errors };
        let told = taken.to_json();
        assert_eq!(told["errors"][0], json!({ "index": 7, "reason": "x".repeat(TOLD_REASON_CHARS) }));
        assert_eq!(
            (&told["accepted"], &told["duplicates"], &told["duplicate"]),
            (&json!(49), &json!(1), &json!(false))
        );
        let again = Taken { written: Written { accepted: 0, duplicates: 49 }, rejected: 1, errors: Vec::new() };
        assert_eq!(again.to_json()["accepted"], 49);
        assert_eq!(again.to_json()["duplicate"], true);
        let none = Taken { written: Written::default(), rejected: 0, errors: Vec::new() };
        assert_eq!(none.to_json()["duplicate"], false);
    }
}
