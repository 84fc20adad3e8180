//! From a received body to stored records, the same for HTTP and gRPC: inflate, decode, write.
//!
//! Success means that the records are on disk. Everything that may pass (a full disk, a lock, too much at once, a bug
//! in a handler) is an answer OTLP clients retry; everything that cannot succeed is one they do not.

use std::sync::{Arc, atomic::Ordering};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    decode::{
        body::MediaType,
        logs::TIME_SOURCE_ATTRIBUTE,
        otlp::{self, Decoded},
    },
    model::{Nanos, Rejection, Text, Value},
    store,
};

use crate::server::{
    access::Caller,
    app::App,
    arrivals::Arrivals,
    body::Received,
    memory::{inflate_within, reserve_records, run, turn},
    refusal::{Refusal, with_causes},
};

/// Rejections told one by one; the rest is a count.
const TOLD_REJECTIONS: usize = 5;
/// Longest reason told of one rejection, in characters.
const TOLD_REASON_CHARS: usize = 160;

/// What an OTLP request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Spans, which are stored.
    Traces,
    /// Metrics, which are checked and dropped.
    Metrics,
    /// Log records, which are stored.
    Logs,
}

/// How a body is written down.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    /// Protobuf or JSON.
    pub(crate) media: MediaType,
    /// The compression its header names.
    pub(crate) encoding: Option<String>,
}

/// A request that was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Records that were not.
    pub(crate) rejected: usize,
    /// What was wrong with those; empty when there are none.
    pub(crate) message: String,
}

/// Stores what a body holds, in the project of whoever sent it.
pub(crate) async fn take(
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

async fn store(app: &Arc<App>, decoded: Decoded) -> Result<Accepted, Refusal> {
    let (total, rejected) = (decoded.batch.len() + decoded.rejected.len(), decoded.rejected.len());
    let written = match decoded.batch.is_empty() {
        true => Ok(crate::model::Written::default()),
        false => app.backend.write(decoded.batch).await,
    };
    match written {
        Ok(written) => {
            app.counters.stored(written, rejected);
            Ok(Accepted { rejected, message: told(&decoded.rejected, total) })
        }
        Err(error) => Err(write_failed(app, &error)),
    }
}

/// Notes that the store could not write, in the log only when it could before, and says what to tell the client.
pub(crate) fn write_failed(app: &App, error: &store::Error) -> Refusal {
    if app.counters.write_failed() {
        tracing::warn!("cannot store what clients send, they will try again: {}", with_causes(error));
    }
    Refusal::of_store(error)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::server::{Config, SidePort, budget::Reservation, refusal::NO_ROOM, start};

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

    #[test]
    fn ten_thousand_rejections_are_told_in_a_few_hundred_characters() {
        let rejected: Vec<Rejection> =
            (0..10_000).map(|index| Rejection { index, reason: "x".repeat(10_000) }).collect();
        let text = told(&rejected, 20_000);
        assert!(text.len() < 2_000 && text.starts_with("10000 of 20000 records rejected: record 0: "), "{text}");
        assert!(text.ends_with("; and 9995 more"), "{text}");
        assert_eq!(told(&[], 5), "");
    }
}
