//! `POST /api/v1/ingest`, where the published `tracehub-logger` sends log entries.
//!
//! Its clients try again on 5xx only and park everything else, so 202 means stored, whatever may pass is 503, and one
//! plain sentence says what is wrong with the rest: they print the first 200 characters of it.

use std::sync::Arc;

use axum::{body::Body, extract::State};
use bytes::Bytes;
use http::{Request, Response, StatusCode, request::Parts};
use serde_json::{Value as Json, json};
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    decode::logs::{self, DecodeError, Reader},
    model::{Batch, Nanos, Rejection, Written},
};

use super::{
    access::{Forbidden, Scope},
    app::App,
    arrivals::Arrivals,
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
    let mut incoming = receive(app, &parts, body).await?;
    let mut written = Written::default();
    loop {
        let (rest, part) = incoming.next_part(app).await?;
        incoming = rest;
        let Some(mut batch) = part else { break };
        if let Some(project) = caller.project() {
            batch.assign_project(project);
        }
        let stored = ingest::write(app, batch).await.map_err(|error| ingest::write_failed(app, &error))?;
        app.counters.stored(stored, 0);
        written.accepted += stored.accepted;
        written.duplicates += stored.duplicates;
    }
    let (rejected, errors) = incoming.reader.finish()?;
    app.counters.stored(Written::default(), rejected);
    Ok(Taken { written, rejected, errors })
}

/// A request that is read part by part, and the room it takes.
struct Incoming {
    reader: Reader,
    bytes: usize,
    /// Of the whole body.
    digest: u128,
    /// When the body came first, as far as anyone knows.
    received: Nanos,
    is_noted: bool,
    _reservation: Reservation,
}

impl Incoming {
    fn new(bytes: &Bytes, arrivals: &Arrivals, reservation: Reservation) -> Result<Incoming, DecodeError> {
        let (digest, now) = (xxh3_128(bytes), Nanos::now());
        let known = arrivals.find(digest, now);
        Ok(Incoming {
            reader: Reader::new(bytes)?,
            bytes: bytes.len(),
            digest,
            received: known.unwrap_or(now),
            is_noted: known.is_some(),
            _reservation: reservation,
        })
    }

    /// The next records, and what comes after them.
    async fn next_part(self, app: &Arc<App>) -> Result<(Incoming, Option<Batch>), Refused> {
        let (is_quick, app) = (self.bytes <= ingest::BLOCKING_BYTES, Arc::clone(app));
        ingest::run(is_quick, move || Ok(self.read(&app.arrivals))).await
    }

    /// Entries without a time get the one at which this same body came first.
    fn read(mut self, arrivals: &Arrivals) -> (Incoming, Option<Batch>) {
        let before = (!self.is_noted).then(|| self.reader.clone());
        let mut part = self.reader.next_part(self.received);
        if let Some(before) = before.filter(|_| part.as_ref().is_some_and(|part| part.untimed > 0)) {
            let first = arrivals.note(self.digest, self.received);
            if first != self.received {
                // The same body came at the same moment.
                self.reader = before;
                part = self.reader.next_part(first);
            }
            (self.received, self.is_noted) = (first, true);
        }
        (self, part.map(|part| part.batch))
    }
}

/// The body of a request, ready to be read.
async fn receive(app: &Arc<App>, parts: &Parts, body: Body) -> Result<Incoming, Refused> {
    let encoding = match otlp_http::encoding(&parts.headers) {
        Ok(encoding) => encoding,
        Err(refusal) => {
            body::discard_unless_expected(&parts.headers, body).await;
            return Err(refusal.into());
        }
    };
    let inflated_cap = app.limits.entries_inflated_bytes;
    let cap = if encoding.is_none() { inflated_cap } else { app.limits.entries_bytes };
    let received = body::read(&parts.headers, body, cap, &app.budget, &app.limits).await;
    let Received { bytes, mut reservation } = received.map_err(ingest::Refusal::from)?;
    let bytes = ingest::inflate_within(encoding.as_deref(), bytes, inflated_cap, &mut reservation).await?;
    let room = logs::record_bytes(&bytes).min(logs::MAX_PART_BYTES);
    // The records share the body's bytes, so its part of the budget lives as long as they do.
    if !reservation.grow_within(room, ingest::PATIENCE).await {
        return Err(ingest::NO_ROOM.into());
    }
    let (is_quick, app) = (bytes.len() <= ingest::BLOCKING_BYTES, Arc::clone(app));
    ingest::run(is_quick, move || Ok(Incoming::new(&bytes, &app.arrivals, reservation)?)).await
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
