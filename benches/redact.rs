//! What taking secrets out costs: `cargo bench --bench redact [spans]`.
//!
//! The spans look like a web shop's: 8 resource and 12 span attributes, some with an exception, one in a thousand with a
//! secret. They are written with no rules and with rules of every known kind, by turns; the figure is what the rules add
//! to a write that is on disk. Decoding and HTTP, which every request costs as well, are left out, so the share of a whole
//! request is smaller.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(dead_code, reason = "other benchmarks use the rest")]

mod shared;

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::{asked_for, file};
use tracehub::model::{
    Attributes, Batch, Event, Kind, Nanos, Resource, Scope, Span, SpanId, Status, Text, TraceId, Value,
};
use tracehub::store::Backend;
use tracehub::store::redact::{Redaction, Rules, redacting};
use tracehub::store::sqlite::{Options, Sqlite};

const BATCH: u64 = 512;
const ROUNDS: u64 = 6;
/// 2026-11-21.
const BEGIN_NS: u64 = 1_795_219_200_000_000_000;

fn main() {
    let count = asked_for(200_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    runtime.block_on(run(count));
}

async fn run(count: u64) {
    let redaction = Arc::new(Redaction::new(Rules::all_kinds()));
    let batches = (count / BATCH / ROUNDS).max(1);
    let mut alone = Duration::ZERO;
    for number in 0..batches {
        let mut batch = batch(number);
        let begin = Instant::now();
        redaction.redact(&mut batch);
        alone += begin.elapsed();
    }
    let spans = (batches * BATCH) as f64;
    println!("{:<46} {:>9.0} ns a span", "look through spans, one thread", alone.as_nanos() as f64 / spans);
    let (mut plain, mut redacted) = (Duration::ZERO, Duration::ZERO);
    for round in 0..ROUNDS {
        plain += write(round * batches..(round + 1) * batches, None).await;
        redacted += write(round * batches..(round + 1) * batches, Some(&redaction)).await;
    }
    let rate = |took: Duration| spans * ROUNDS as f64 / took.as_secs_f64() / 1_000.0;
    println!("{:<46} {:>9.0} k spans/s", "write, each batch on disk", rate(plain));
    println!("{:<46} {:>9.0} k spans/s", "the same with rules of every kind", rate(redacted));
    println!("{:<46} {:>9.1} %", "rules add", (redacted.as_secs_f64() / plain.as_secs_f64() - 1.0) * 100.0);
}

/// Writes batches into a new file, four at a time, and says how long that took.
async fn write(batches: std::ops::Range<u64>, redaction: Option<&Arc<Redaction>>) -> Duration {
    let (_folder, path) = file("bench.db");
    let mut store: Arc<dyn Backend> = Sqlite::open_for_writing(path, Options::default()).await.expect("opened");
    if let Some(redaction) = redaction {
        store = redacting(store, Arc::clone(redaction)).await.expect("a salt");
    }
    let made: Vec<Batch> = batches.map(batch).collect();
    let shares: Vec<Vec<Batch>> = (0..4).map(|share| made.iter().skip(share).step_by(4).cloned().collect()).collect();
    let begin = Instant::now();
    let tasks = shares.into_iter().map(|share| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for batch in share {
                store.sink().expect("a sink").write(batch).await.expect("written");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("done");
    }
    let took = begin.elapsed();
    store.close().await.expect("closed");
    took
}

fn batch(number: u64) -> Batch {
    let text = |text: &str| Value::String(Text::from(text));
    let resource = Arc::new(Resource::new(
        [
            ("service.name", format!("service-{}", number % 50)),
            ("service.version", "1.14.2".to_owned()),
            ("deployment.environment.name", "production".to_owned()),
            ("host.name", format!("ip-10-0-{}-17.eu-west-1.compute.internal", number % 200)),
            ("k8s.pod.name", format!("shop-7d9f8b6c5d-{:05}", number % 300)),
            ("telemetry.sdk.language", "python".to_owned()),
            ("telemetry.sdk.name", "opentelemetry".to_owned()),
            ("telemetry.sdk.version", "1.27.0".to_owned()),
        ]
        .into_iter()
        .map(|(key, value)| (Text::from_static(key), text(&value)))
        .fold(Attributes::default(), |mut all, pair| {
            all.0.push(pair);
            all
        }),
    ));
    let scope = Arc::new(Scope { name: Text::from_static("opentelemetry.instrumentation.flask"), ..Scope::default() });
    Batch::of_spans((0..BATCH).map(|place| span(number * BATCH + place, &resource, &scope)).collect())
}

fn span(number: u64, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Span {
    let mix = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let text = |text: String| Value::String(Text::from(text));
    let start = BEGIN_NS + number * 1_000_000;
    let secret = if number.is_multiple_of(1_000) { "?token=abcdef0123456789" } else { "" };
    let pairs = vec![
        ("http.request.method", text("GET".to_owned())),
        ("url.full", text(format!("https://shop.example/api/v1/orders/{}{secret}", mix % 100_000))),
        ("http.route", text("/api/v1/orders/{id}".to_owned())),
        ("http.response.status_code", Value::Int(200)),
        ("server.address", text("shop.example".to_owned())),
        ("server.port", Value::Int(443)),
        ("user_agent.original", text("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36".to_owned())),
        ("client.address", text(format!("10.1.{}.{}", mix % 250, mix / 7 % 250))),
        ("db.query.text", text("SELECT id, name, price FROM products WHERE id = $1 AND shop = $2".to_owned())),
        ("db.rows", Value::Int((mix % 40) as i64)),
        ("order.id", text(format!("{mix:016x}"))),
        ("thread.name", text("worker-7".to_owned())),
    ];
    let event = Event {
        time: Nanos(start),
        name: Text::from_static("exception"),
        attributes: [("exception.type", "TimeoutError"), ("exception.message", "no answer in 280 ms")]
            .into_iter()
            .collect(),
        dropped_attributes: 0,
    };
    let mut trace = [7; 16];
    trace[..8].copy_from_slice(&(number / 12 + 1).to_be_bytes());
    Span {
        trace_id: TraceId::Otel(trace),
        span_id: SpanId((number + 1).to_be_bytes()),
        parent_span_id: None,
        trace_state: Text::EMPTY,
        flags: 1,
        name: Text::from(format!("GET /api/v1/orders/{{id}} {}", mix % 400)),
        kind: Kind::Server,
        start: Nanos(start),
        end: Nanos(start + 3_000_000),
        attributes: Attributes(pairs.into_iter().map(|(key, value)| (Text::from_static(key), value)).collect()),
        dropped_attributes: 0,
        events: if number.is_multiple_of(50) { vec![event] } else { Vec::new() },
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: Status::default(),
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
    }
}
