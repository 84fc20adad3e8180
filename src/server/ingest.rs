//! From a received body to stored records, the same for HTTP and gRPC: inflate, decode, write.
//!
//! Success means that the records are on disk. Everything that may pass (a full disk, a lock, too much at once, a bug
//! in a handler) is an answer OTLP clients retry; everything that cannot succeed is one they do not.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use tokio::sync::SemaphorePermit;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    decode::{
        body::{BodyError, MediaType, inflate},
        logs::TIME_SOURCE_ATTRIBUTE,
        otlp::{self, Decoded},
    },
    model::{Batch, Nanos, Rejection, Text, Value, Written},
    query::facets,
    store,
};

use super::{
    access::Caller,
    app::App,
    arrivals::Arrivals,
    body::{BodyProblem, Received},
    limits::Reservation,
    weight,
};

/// Bodies larger than this are decoded off the async threads.
pub(super) const BLOCKING_BYTES: usize = 256 << 10;
/// The same for compressed bodies, which may become a thousand times larger.
pub(super) const BLOCKING_COMPRESSED_BYTES: usize = 16 << 10;
/// What a compressed body usually becomes at most, in multiples of itself.
const USUAL_RATIO: usize = 20;
/// How many times as much room the next attempt gets when that was not enough.
const MORE_ROOM: usize = 4;
/// How long a request that has arrived waits for room for its records.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// Rejections told one by one; the rest is a count.
const TOLD_REJECTIONS: usize = 5;
/// Longest reason told of one rejection, in characters.
const TOLD_REASON_CHARS: usize = 160;

/// What an OTLP request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// Spans, which are stored.
    Traces,
    /// Metrics, which are checked and dropped.
    Metrics,
    /// Log records, which are stored.
    Logs,
}

/// How a body is written down.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    /// Protobuf or JSON.
    pub(super) media: MediaType,
    /// The compression its header names.
    pub(super) encoding: Option<String>,
}

/// A request that was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Records that were not.
    pub(super) rejected: usize,
    /// What was wrong with those; empty when there are none.
    pub(super) message: String,
}

/// A request of which nothing was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not what it says it is.
    Malformed(String),
    /// It is, or becomes, larger than the cap.
    TooLarge,
    /// It is compressed in a way nobody here understands.
    UnknownEncoding(String),
    /// It did not arrive in time.
    Slow,
    /// It may succeed later: why, in one word and one sentence.
    Later(&'static str, &'static str),
}

impl Refusal {
    /// The word failures are counted under.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Refusal::Malformed(_) => "malformed",
            Refusal::TooLarge => "too_large",
            Refusal::UnknownEncoding(_) => "unknown_encoding",
            Refusal::Slow => "slow",
            Refusal::Later(reason, _) => reason,
        }
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Refusal::Malformed(_) => StatusCode::BAD_REQUEST,
            Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::UnknownEncoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::Slow => StatusCode::REQUEST_TIMEOUT,
            Refusal::Later(..) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// One plain sentence.
    pub(super) fn message(&self, cap_bytes: usize) -> String {
        match self {
            Refusal::Malformed(detail) | Refusal::UnknownEncoding(detail) => detail.clone(),
            Refusal::TooLarge => format!("the body is larger than {cap_bytes} bytes, as sent or inflated"),
            Refusal::Slow => "the body did not arrive in time".to_owned(),
            Refusal::Later(_, sentence) => (*sentence).to_owned(),
        }
    }
}

impl From<BodyProblem> for Refusal {
    fn from(problem: BodyProblem) -> Refusal {
        match problem {
            BodyProblem::TooLarge => Refusal::TooLarge,
            BodyProblem::Slow => Refusal::Slow,
            BodyProblem::NoRoom => NO_ROOM,
            BodyProblem::Gone => Refusal::Malformed("the body ended before it was complete".to_owned()),
        }
    }
}

/// The budget is used up.
pub(super) const NO_ROOM: Refusal = Refusal::Later("overload", "too many bytes are under way, try again");
/// A handler failed in a way nobody foresaw.
pub(super) const PANIC: Refusal = Refusal::Later("panic", "the server failed on this request, try again");

/// Stores what a body holds, in the project of whoever sent it.
pub(super) async fn take(
    app: &Arc<App>,
    caller: &Caller,
    signal: Signal,
    wire: Wire,
    received: Received,
) -> Result<Accepted, Refusal> {
    let outcome = take_uncounted(app, caller, signal, wire, received).await;
    if let Err(refusal) = &outcome {
        app.counters.ingest_failed(refusal.reason());
    }
    outcome
}

async fn take_uncounted(
    app: &Arc<App>,
    caller: &Caller,
    signal: Signal,
    wire: Wire,
    received: Received,
) -> Result<Accepted, Refusal> {
    let Received { bytes, mut reservation } = received;
    let bytes = inflate_within(wire.encoding.as_deref(), bytes, app.limits.body_bytes, &mut reservation).await?;
    let turn = turn(app, bytes.len()).await;
    let for_decoding = Arc::clone(app);
    let work = move || decode(&for_decoding.arrivals, signal, wire.media, &bytes);
    let mut decoded = run(turn.is_none(), work).await?;
    // The records share the body's bytes, so its part of the budget lives as long as they do.
    reserve_records(app, &decoded.batch, &mut reservation).await?;
    drop(turn);
    if signal == Signal::Metrics {
        mention_metrics(app);
        return Ok(Accepted::default());
    }
    if let Some(project) = caller.project() {
        decoded.batch.assign_project(project);
    }
    store(app, decoded).await
}

/// Asks for the room decoded records take; one request alone never asks for more than there is.
pub(super) async fn reserve_records(app: &App, batch: &Batch, reservation: &mut Reservation) -> Result<(), Refusal> {
    let room = weight::of(batch).min(app.limits.in_flight_bytes / 2);
    reservation.grow_within(room, PATIENCE).await.then_some(()).ok_or(NO_ROOM)
}

/// The turn to decode a body; `None` for one that needs none, because it is small. What a large one becomes is known
/// only afterwards, so as many are decoded at once as there are processors, until each has the room it turned out to
/// need.
pub(super) async fn turn(app: &App, bytes: usize) -> Option<SemaphorePermit<'_>> {
    match bytes <= BLOCKING_BYTES {
        true => None,
        // It is never closed.
        false => app.decoding.acquire().await.ok(),
    }
}

/// Does some work here, or where it keeps nobody waiting.
pub(super) async fn run<T, E>(is_quick: bool, work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Refusal> + Send + 'static,
{
    match is_quick {
        true => work(),
        false => tokio::task::spawn_blocking(work).await.map_err(|_| E::from(PANIC))?,
    }
}

fn decode(arrivals: &Arrivals, signal: Signal, media: MediaType, bytes: &Bytes) -> Result<Decoded, Refusal> {
    let decoded = match signal {
        Signal::Traces => otlp::traces(bytes, media),
        Signal::Metrics => otlp::metrics(bytes, media).map(|_| Decoded::default()),
        Signal::Logs => otlp::logs(bytes, media).map(|decoded| with_times(arrivals, bytes, decoded)),
    };
    decoded.map_err(|error| Refusal::Malformed(error.to_string()))
}

/// Gives log records that were sent without any time the one at which this same body came first.
fn with_times(arrivals: &Arrivals, bytes: &[u8], mut decoded: Decoded) -> Decoded {
    let mut untimed = decoded.batch.logs.iter_mut().filter(|log| log.time == Nanos(0)).peekable();
    if untimed.peek().is_some() {
        let received = arrivals.note(xxh3_128(bytes), Nanos::now());
        for log in untimed {
            log.time = received;
            log.attributes.0.push((Text::from_static(TIME_SOURCE_ATTRIBUTE), Value::from("received")));
        }
    }
    decoded
}

/// Inflates within the budget: first into the room such bodies usually need, and only if that does not do into more.
/// Reserving the room of the largest for everyone would turn away ordinary requests; what was not needed is given back.
pub(super) async fn inflate_within(
    encoding: Option<&str>,
    bytes: Bytes,
    cap: usize,
    reservation: &mut Reservation,
) -> Result<Bytes, Refusal> {
    if encoding.is_none() {
        return Ok(bytes);
    }
    let (mut reserved, mut limit) =
        (0, bytes.len().saturating_mul(USUAL_RATIO).max(BLOCKING_COMPRESSED_BYTES).min(cap));
    loop {
        if !reservation.grow_within(limit - reserved, PATIENCE).await {
            return Err(NO_ROOM);
        }
        reserved = limit;
        let (bytes, encoding) = (bytes.clone(), encoding.map(str::to_owned));
        let work = move || Ok::<_, Refusal>(inflate(bytes, encoding.as_deref(), limit));
        match run(limit <= 2 * BLOCKING_BYTES, work).await? {
            Ok(inflated) => {
                reservation.give_back(reserved.saturating_sub(inflated.len()));
                return Ok(inflated);
            }
            Err(BodyError::TooLarge { .. }) if limit < cap => limit = limit.saturating_mul(MORE_ROOM).min(cap),
            Err(BodyError::TooLarge { .. }) => return Err(Refusal::TooLarge),
            Err(error @ BodyError::Unsupported(_)) => return Err(Refusal::UnknownEncoding(error.to_string())),
            Err(error @ BodyError::Corrupt { .. }) => return Err(Refusal::Malformed(with_causes(&error))),
        }
    }
}

async fn store(app: &Arc<App>, decoded: Decoded) -> Result<Accepted, Refusal> {
    let (total, rejected) = (decoded.batch.len() + decoded.rejected.len(), decoded.rejected.len());
    let written = match decoded.batch.is_empty() {
        true => Ok(Written::default()),
        false => write(app, decoded.batch).await,
    };
    match written {
        Ok(written) => {
            app.counters.stored(written, rejected);
            Ok(Accepted { rejected, message: told(&decoded.rejected, total) })
        }
        Err(error) => Err(write_failed(app, &error)),
    }
}

/// Hands a batch to the store.
///
/// # Errors
/// The store takes no records, or fails.
pub(super) async fn write(app: &App, batch: Batch) -> store::Result<Written> {
    facets::sink(app.backend.as_ref())?.write(batch).await
}

/// Notes that the store could not write, in the log only when it could before, and says what to tell the client.
pub(super) fn write_failed(app: &App, error: &store::Error) -> Refusal {
    if app.counters.write_failed() {
        tracing::warn!("cannot store what clients send, they will try again: {}", with_causes(error));
    }
    later(error)
}

/// What is told of a store that cannot write: always that it may work later, because a client that hears anything else
/// throws the batch away, and never where our files lie.
pub(super) fn later(error: &store::Error) -> Refusal {
    let (reason, sentence) = match error {
        store::Error::DiskFull => ("disk_full", "the disk is full"),
        store::Error::Locked(_) => ("locked", "the database is locked"),
        store::Error::Busy => ("overload", "too much is waiting to be written, try again"),
        store::Error::Closed => ("stopping", "the server is stopping"),
        store::Error::Gone(_) => ("gone", "the database file was removed or replaced"),
        store::Error::ReadOnly | store::Error::Lacks { .. } => ("read_only", "the database is read-only"),
        store::Error::Corrupt(_) => ("corrupt", "the database is corrupt"),
        _ => ("storage", "the database failed"),
    };
    Refusal::Later(reason, sentence)
}

fn mention_metrics(app: &App) {
    app.counters.metrics_dropped.fetch_add(1, Ordering::Relaxed);
    if !app.metrics_mentioned.swap(true, Ordering::Relaxed) {
        tracing::info!("a client sends metrics; they are accepted and dropped");
    }
}

/// The first few rejections and how many more there are; bounded, because ten thousand reasons help nobody.
fn told(rejected: &[Rejection], total: usize) -> String {
    if rejected.is_empty() {
        return String::new();
    }
    let one = |rejection: &Rejection| {
        let reason: String = rejection.reason.chars().take(TOLD_REASON_CHARS).collect();
        format!("record {}: {reason}", rejection.index)
    };
    let examples: Vec<String> = rejected.iter().take(TOLD_REJECTIONS).map(one).collect();
    let more = match rejected.len().saturating_sub(TOLD_REJECTIONS) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{} of {total} records rejected: {}{more}", rejected.len(), examples.join("; "))
}

/// An error and what caused it, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;
    use crate::server::{Config, SidePort, limits::Budget, start};

    #[tokio::test]
    async fn room_is_needed_for_what_records_take_not_for_the_bytes_they_came_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let side = SidePort::Off;
        let mut config =
            Config { port: 0, otlp_grpc: side, otlp_http: side, ..Config::new(folder.path().join("logs.db")) };
        config.limits.in_flight_bytes = 1 << 20;
        let running = start(config).await.expect("a server");
        let app = &running.app;
        let send = async |logs: Vec<serde_json::Value>| {
            let body = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": logs }] }] }).to_string();
            let received = Received { bytes: Bytes::from(body), reservation: Reservation::of(&app.budget) };
            let wire = Wire { media: MediaType::Json, encoding: None };
            take(app, &Caller::Anonymous, Signal::Logs, wire, received).await
        };
        let mut others = Reservation::of(&app.budget);
        assert!(others.grow(600 << 10));
        assert_eq!(send(vec![json!({ "body": { "stringValue": "x".repeat(30_000) } })]).await, Ok(Accepted::default()));
        assert_eq!(send(vec![json!({}); 10_000]).await, Err(NO_ROOM));
        drop(others);
        assert_eq!(send(vec![json!({}); 10_000]).await, Ok(Accepted::default()));
        running.stop().await.expect("a clean stop");
    }

    #[tokio::test]
    async fn a_body_that_becomes_very_large_takes_no_more_room_than_that() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&[b' '; 400_000]).expect("memory");
        let (compressed, budget) = (Bytes::from(encoder.finish().expect("memory")), Budget::new(1 << 20));
        assert!(compressed.len() * USUAL_RATIO < 20_000, "{}", compressed.len());
        let mut reservation = Reservation::of(&budget);
        let inflated = inflate_within(Some("gzip"), compressed.clone(), 64 << 20, &mut reservation).await;
        assert_eq!((inflated.map(|bytes| bytes.len()), budget.used()), (Ok(400_000), 400_000));
        let refused = inflate_within(Some("gzip"), compressed, 300_000, &mut Reservation::of(&budget)).await;
        assert_eq!(refused, Err(Refusal::TooLarge));
    }

    #[test]
    fn ten_thousand_rejections_are_told_in_a_few_hundred_characters() {
        let rejected: Vec<Rejection> =
            (0..10_000).map(|index| Rejection { index, reason: "x".repeat(10_000) }).collect();
        let text = told(&rejected, 20_000);
        assert!(text.len() < 2_000 && text.starts_with("10000 of 20000 records rejected: record 0: "), "{text}");
        assert!(text.ends_with("; and 9995 more"), "{text}");
        assert_eq!(told(&[], 5), "");
    }

    #[test]
    fn every_storage_error_is_one_to_try_again() {
        for error in [
            store::Error::DiskFull,
            store::Error::Busy,
            store::Error::Closed,
            store::Error::ReadOnly,
            store::Error::Corrupt("page 7".to_owned()),
            store::Error::Gone("/secret/path".into()),
            store::Error::Io("/secret/path".into()),
        ] {
            let refusal = later(&error);
            assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(!refusal.message(1).contains("secret"), "{refusal:?}");
        }
    }
}
