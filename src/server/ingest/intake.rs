//! The one way in for records, whatever they are written in: read the body, undo its compression, decode it, store what
//! it holds, count. A [`Format`] says what is its own: how its bytes become records, and its two answers.
//!
//! Success means that the records are on disk. Everything that may pass (a full disk, a lock, too much at once, a bug in
//! a decoder) is a refusal clients try again; everything that cannot succeed is one they do not.

use std::sync::Arc;
use std::{iter, mem};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};

use crate::causes::with_causes;
use crate::decode::Mended;
use crate::model::{Batch, Nanos, Rejection, Written, assign_requests};
use crate::server::access::Caller;
use crate::server::app::App;
use crate::server::http::body::{self, Received};
use crate::server::http::{Admitted, Caps, Refusal, Reservation, answer};
use crate::server::ingest::memory::{decoding_turn, inflate_within, is_small, reserve_records, run_work};
use crate::server::senders::contents::Outcome;
use crate::server::senders::{Contents, Refused, Taken};
use crate::store;

/// Longest reason told of one rejection, in characters.
pub(crate) const MAX_REASON_CHARS: usize = 160;

/// A way to write records down. Who may send it and how large it may be says its row in the table of routes.
pub(crate) trait Format: Send + Sync + 'static {
    /// The compression that the head of a request names; `None` for none.
    ///
    /// # Errors
    /// The head alone shows that nothing of the body can be taken; the body is not read then.
    fn read_head(&self, headers: &HeaderMap) -> Result<Option<String>, Refusal> {
        Ok(body::encoding(headers)?)
    }

    /// The message within a body, and its compression; `cap` is how many bytes the message may have. Only formats with a
    /// frame around it have something to do here.
    ///
    /// # Errors
    /// The frame is broken.
    fn open_frame(&self, body: Bytes, compression: Option<String>, _cap: usize) -> Result<Framed, Refusal> {
        Ok(Framed { message: body, compression })
    }

    /// The records of a message. Called off the async threads when the message is large, so decoding may take its time.
    ///
    /// # Errors
    /// The message is not what it says it is; nothing of it is taken.
    fn decode(&self, app: &Arc<App>, message: &Bytes) -> Result<Decoded, Refusal>;

    /// Whether records stay in the project they came in, although their sender has a key of another one.
    fn keeps_projects(&self, _caller: &Caller) -> bool {
        false
    }

    /// Whether log records come with the request they were received with first, not with this one.
    fn keeps_requests(&self) -> bool {
        false
    }

    /// Whether the records come through the checkpoint API, which counts them by source.
    fn is_of_checkpoint_api(&self) -> bool {
        false
    }

    /// The answer when everything is stored that can be.
    fn accepted(&self, app: &App, accepted: &Accepted) -> Response<Body>;

    /// The answer when nothing was taken.
    fn refused(&self, refusal: &Refusal, caps: &Caps) -> Response<Body> {
        answer::problem(refusal.status(), &refusal.message(caps.inflated))
    }
}

/// A message out of its frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Framed {
    /// The bytes of the message as sent.
    pub(crate) message: Bytes,
    /// The compression of the message; `None` for none.
    pub(crate) compression: Option<String>,
}

/// What a message holds.
pub(crate) struct Decoded {
    /// About the bytes of memory that the records take, or those of one part of them.
    room_bytes: usize,
    parts: Parts,
}

/// Some of the records of a message, which are stored together.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The records.
    pub(crate) batch: Batch,
    /// How many records beside them were not taken.
    pub(crate) rejected: usize,
    /// Why records were not taken, of the first of those.
    pub(crate) errors: Vec<Rejection>,
    /// What had to be changed in the records.
    pub(crate) mended: Mended,
    /// Whether the message has fields that its format no longer has.
    pub(crate) has_old_fields: bool,
}

enum Parts {
    /// All records are there; `None` when there is nothing to store nor to count.
    Whole(Option<Part>),
    /// Each part is decoded when its turn comes.
    OneByOne(Box<PartReader>),
}

type PartReader = dyn Iterator<Item = Result<Part, Refusal>> + Send;

impl Decoded {
    /// A message that was only checked.
    pub(crate) fn nothing() -> Decoded {
        Decoded { room_bytes: 0, parts: Parts::Whole(None) }
    }

    /// All records of a message at once.
    pub(crate) fn whole(part: Part) -> Decoded {
        let room_bytes = part.batch.memory_bytes() + part.mended.copied_bytes;
        Decoded { room_bytes, parts: Parts::Whole(Some(part)) }
    }

    /// A message whose records are decoded part by part, no part of which takes more room than this.
    pub(crate) fn in_parts(
        room_bytes: usize,
        parts: impl Iterator<Item = Result<Part, Refusal>> + Send + 'static,
    ) -> Decoded {
        Decoded { room_bytes, parts: Parts::OneByOne(Box::new(parts)) }
    }
}

/// A request that was taken.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    /// What the store did with the records.
    pub(crate) written: Written,
    /// How many records were not taken.
    pub(crate) rejected: usize,
    /// Why records were not taken, of the first of those.
    pub(crate) errors: Vec<Rejection>,
    /// What had to be changed in the records.
    pub(crate) mended: Mended,
}

/// The reason of a rejection as far as clients are told it.
pub(crate) fn short_reason(rejection: &Rejection) -> String {
    rejection.reason.chars().take(MAX_REASON_CHARS).collect()
}

/// Takes the records of a request of someone who may send them, and answers.
pub(crate) async fn take_records<F: Format>(
    app: &Arc<App>,
    admitted: &Admitted,
    format: F,
    request: Request<Body>,
) -> Response<Body> {
    let (format, caps) = (Arc::new(format), app.limits.caps(admitted.route.cap));
    let stored = async {
        let message = receive(app, admitted, &format, &caps, request).await?;
        let message_bytes = message.bytes;
        let (accepted, contents) = store_parts(app, admitted, &*format, message).await?;
        Ok::<_, Refusal>((accepted, contents, message_bytes))
    };
    match stored.await {
        Ok((accepted, contents, message_bytes)) => {
            app.mend_log.say(admitted.route.path, accepted.mended);
            let mut response = format.accepted(app, &accepted);
            let rejection = accepted.errors.first().map(short_reason);
            let (written, rejected) = (accepted.written, accepted.rejected as u64);
            let outcome = Outcome { written, rejected, rejection, message_bytes, contents };
            response.extensions_mut().insert(Taken(Arc::new(outcome)));
            response
        }
        Err(refusal) => {
            app.counters.ingest_failed(refusal.reason());
            app.project_counts.change(admitted.caller.project(), |counts| counts.failed += 1);
            let mut response = format.refused(&refusal, &caps);
            answer::set_retry_after(&mut response, refusal.retry_after_seconds());
            let detail = refusal.message(caps.inflated);
            response.extensions_mut().insert(Refused { reason: refusal.reason(), detail });
            response
        }
    }
}

/// A message whose records are about to be stored.
struct Message {
    parts: Parts,
    /// How many bytes it has, inflated.
    bytes: usize,
    /// The room for the records, which is held until they are stored: they share the bytes of the body.
    _reservation: Reservation,
}

/// Reads and decodes the message of a request.
async fn receive<F: Format>(
    app: &Arc<App>,
    admitted: &Admitted,
    format: &Arc<F>,
    caps: &Caps,
    request: Request<Body>,
) -> Result<Message, Refusal> {
    let (head, body) = request.into_parts();
    let compression = format.read_head(&head.headers)?;
    let cap = if compression.is_none() { caps.plain } else { caps.compressed };
    let reservation = Reservation::for_body(&app.budget, admitted.id.clone());
    let received = body::read(&head.headers, body, cap, reservation, &app.limits).await;
    let Received { bytes, mut reservation } = received?;
    let Framed { message, compression } = format.open_frame(bytes, compression, caps.inflated)?;
    let message = inflate_within(compression.as_deref(), message, caps.inflated, &mut reservation).await?;
    let (bytes, turn) = (message.len(), decoding_turn(app, message.len()).await);
    let (format, for_decoding) = (Arc::clone(format), Arc::clone(app));
    let decoded = run_work(is_small(bytes), move || format.decode(&for_decoding, &message)).await?;
    reserve_records(app, decoded.room_bytes, &mut reservation).await?;
    drop(turn);
    Ok(Message { parts: decoded.parts, bytes, _reservation: reservation })
}

/// Stores records part by part, in the project of whoever sent them; what became of them, and what they tell of their sender.
async fn store_parts(
    app: &App,
    Admitted { caller, id, .. }: &Admitted,
    format: &impl Format,
    mut message: Message,
) -> Result<(Accepted, Contents), Refusal> {
    let project = caller.project().filter(|_| !format.keeps_projects(caller));
    let (mut accepted, mut contents) = (Accepted::default(), Contents::default());
    let mut part_number = 0;
    let mut is_first = true;
    while let Some(Part { mut batch, rejected, errors, mended, has_old_fields }) = next_part(&mut message).await? {
        // Once some records of a message are stored the others are too.
        match mem::take(&mut is_first) {
            true => app.quota.take(caller, id, batch.len() + rejected, message.bytes).map_err(Refusal::quota)?,
            false => app.quota.charge(caller, id, batch.len() + rejected),
        }
        if let Some(project) = project {
            batch.assign_project(project);
        }
        if !format.keeps_requests() {
            assign_requests(&mut batch, part_number);
            part_number += 1;
        }
        if format.is_of_checkpoint_api() {
            app.sources.count(caller.project(), &batch.checkpoints, app.counters.uptime_seconds());
        }
        contents.look_at(&batch, Nanos::now());
        contents.has_old_fields |= has_old_fields;
        let written = match batch.is_empty() {
            true => Written::default(),
            false => write(app, batch).await.map_err(|error| write_failed(app, &error))?,
        };
        app.counters.stored(written, rejected);
        app.project_counts.change(caller.project(), |counts| {
            counts.add_stored(written, rejected);
            if format.is_of_checkpoint_api() {
                counts.add_checkpoints(written);
            }
        });
        accepted.written.accepted += written.accepted;
        accepted.written.duplicates += written.duplicates;
        accepted.rejected += rejected;
        accepted.errors.extend(errors);
        accepted.mended += mended;
    }
    Ok((accepted, contents))
}

/// Hands a batch to the store.
///
/// # Errors
/// The store takes no records, or fails.
async fn write(app: &App, batch: Batch) -> store::Result<Written> {
    app.sink()?.write(batch).await
}

async fn next_part(message: &mut Message) -> Result<Option<Part>, Refusal> {
    let reader = match &mut message.parts {
        Parts::Whole(part) => return Ok(part.take()),
        Parts::OneByOne(reader) => reader,
    };
    let mut taken = mem::replace(reader, Box::new(iter::empty()));
    let read = move || {
        let part = taken.next();
        Ok::<_, Refusal>((taken, part))
    };
    let (rest, part) = run_work(is_small(message.bytes), read).await?;
    *reader = rest;
    part.transpose()
}

/// Notes that the store could not write, in the log only when it could before, and says what to tell the client.
fn write_failed(app: &App, error: &store::Error) -> Refusal {
    if app.counters.write_failed() {
        tracing::warn!("cannot store what clients send, they will try again: {}", with_causes(error));
    }
    Refusal::from_store(error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::server::{
        Config, SidePort,
        access::CallerId,
        api::table::http_routes,
        ingest::{Signal, otlp_http::OtlpHttp},
        start,
    };

    #[tokio::test]
    async fn room_is_needed_for_what_records_take_not_for_the_bytes_they_came_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let side = SidePort::Off;
        let mut config =
            Config { port: 0, otlp_grpc: side, otlp_http: side, ..Config::new(folder.path().join("logs.db")) };
        config.limits.in_flight_bytes = 1 << 20;
        let running = start(config).await.expect("a server");
        let app = &running.app;
        let route = http_routes().find(|route| route.path == "/v1/logs").expect("a route");
        let send = async |logs: Vec<serde_json::Value>| {
            let body = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": logs }] }] }).to_string();
            let id = CallerId::new(&Caller::Anonymous, None);
            let admitted = Admitted { caller: Caller::Anonymous, id, route };
            let request = Request::builder().header("content-type", "application/json").body(Body::from(body));
            let request = request.expect("a request");
            let format = OtlpHttp::new(Signal::Logs, request.headers());
            take_records(app, &admitted, format, request).await.status().as_u16()
        };
        let mut others = Reservation::new(&app.budget);
        assert!(others.grow(600 << 10));
        assert_eq!(send(vec![json!({ "body": { "stringValue": "x".repeat(30_000) } })]).await, 200);
        assert_eq!(send(vec![json!({}); 10_000]).await, 503);
        drop(others);
        assert_eq!(send(vec![json!({}); 10_000]).await, 200);
        running.stop().await.expect("a clean stop");
    }
}
