//! How fast the SQLite backend writes and reads, and how many bytes it needs: `cargo bench --bench store [spans]`.
//!
//! The spans look like a web shop's: 50 services, 400 operations, 12 spans a trace, 8 resource and 10 span attributes.
//! Four tasks write batches of 512; half of the batches come from one service, half are mixed as a collector's are, so
//! a trace is spread over several of them. What making the batches alone costs is measured first and reported.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "shared/random.rs"]
mod random;
mod shared;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use random::mix;
use shared::{asked_for, file, in_tasks, ms, rate, size, time};
use tracehub::model::{
    Attributes, Batch, Kind, Nanos, RecordFilter, Resource, Scope, Span, SpanId, StatsQuery, Status, StatusCode, Text,
    TraceId, TraceQuery, Value,
};
use tracehub::store::sqlite::{Options, Sqlite};
use tracehub::store::{Backend, Feed, Sink};

const BATCH: u64 = 512;
const SPANS_PER_TRACE: u64 = 12;
/// Traces that are under way at once.
const WINDOW: u64 = 128;
/// 2026-11-21.
const BEGIN_NS: u64 = 1_795_219_200_000_000_000;

fn main() {
    let count = asked_for(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    runtime.block_on(run(count));
}

async fn run(count: u64) {
    let (_folder, path) = file("bench.db");
    let world = Arc::new(World::new());
    let batches = count.div_ceil(BATCH);

    let begin = Instant::now();
    let maker = Arc::clone(&world);
    let spans = in_tasks(batches, move |batch| {
        let maker = Arc::clone(&maker);
        async move { maker.batch(batch).len() as u64 }
    });
    let spans = spans.await;
    rate("make batches only", spans, "spans", begin);

    let store = Sqlite::open_for_writing(path.clone(), Options::default()).await.expect("opened");
    let (begin, new) = (Instant::now(), (Arc::clone(&world), Arc::clone(&store)));
    in_tasks(batches, move |batch| write(new.clone(), batch)).await;
    rate("write, each batch on disk", spans, "spans", begin);
    let (begin, again) = (Instant::now(), (Arc::clone(&world), Arc::clone(&store)));
    in_tasks(20, move |batch| write(again.clone(), batches - 1 - batch)).await;
    rate("write the last 20 batches again", 20 * BATCH, "spans", begin);

    list(&store, "list, with what waits in the inbox").await;
    let begin = Instant::now();
    store.seal_now().await.expect("sealed");
    time("seal the rest", begin, "");
    store.close().await.expect("closed");
    let bytes = std::fs::metadata(&path).expect("file").len();
    size("file", bytes, spans, "span");
    read(&path, spans).await;
}

async fn read(path: &Path, spans: u64) {
    let store = Sqlite::open_for_reading(path.to_owned()).await.expect("opened");
    list(&store, "list").await;
    let mut times = Vec::new();
    for number in 0..200 {
        let id = trace_id(number * (spans / SPANS_PER_TRACE / 200).max(1));
        let begin = Instant::now();
        store.trace(&id).await.expect("read").expect("there");
        times.push(begin.elapsed());
    }
    times.sort();
    println!("{:<46} {:>9.2} ms p50 {:>9.2} ms p99", "show one trace", ms(times[100]), ms(times[197]));
    let queries = [
        ("list by service", TraceQuery { service: Some("service-7".into()), limit: 20, ..TraceQuery::default() }),
        (
            "list by attribute",
            TraceQuery { attributes: vec![("db.rows".into(), "17".into())], limit: 20, ..TraceQuery::default() },
        ),
        ("list by id prefix", TraceQuery { id_prefix: Some("4bf9".into()), limit: 20, ..TraceQuery::default() }),
    ];
    for (name, query) in queries {
        let begin = Instant::now();
        let found = store.traces(&query).await.expect("listed").total.unwrap_or_default();
        time(name, begin, &format!(", {found} found"));
    }
    let begin = Instant::now();
    let stats = store.stats(&StatsQuery::default()).await.expect("stats");
    assert_eq!(stats.spans, spans);
    time("stats", begin, &format!(", {} rows", stats.operations.len()));
    let begin = Instant::now();
    assert_eq!(store.stats(&StatsQuery::totals()).await.expect("stats").spans, spans);
    time("totals alone", begin, "");
    let (begin, mut cursor, mut scanned) = (Instant::now(), None, 0);
    loop {
        let chunk =
            store.scan(&RecordFilter::default(), cursor.as_ref(), 5_000, Duration::ZERO).await.expect("scanned");
        scanned += chunk.batch.len() as u64;
        cursor = Some(chunk.next);
        if chunk.at_end {
            break;
        }
    }
    assert_eq!(scanned, spans);
    rate("scan everything", spans, "spans", begin);
}

async fn write((world, store): (Arc<World>, Arc<Sqlite>), batch: u64) -> u64 {
    let spans = world.batch(batch);
    let count = spans.len() as u64;
    let written = store.write(Batch::of_spans(spans)).await.expect("written");
    assert_eq!(written.accepted + written.duplicates, count);
    count
}

async fn list(store: &Sqlite, name: &str) {
    let query = TraceQuery { limit: 20, ..TraceQuery::default() };
    let mut times = Vec::new();
    for _ in 0..20 {
        let begin = Instant::now();
        store.traces(&query).await.expect("listed");
        times.push(begin.elapsed());
    }
    times.sort();
    println!("{name:<46} {:>9.2} ms p50 {:>9.2} ms max", ms(times[10]), ms(times[19]));
}

fn trace_id(trace: u64) -> TraceId {
    let (high, low) = (mix(trace), mix(trace ^ u64::MAX));
    TraceId::Otel((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
}

/// What all spans share.
struct World {
    resources: Vec<Arc<Resource>>,
    scope: Arc<Scope>,
    names: Vec<Text>,
    keys: Vec<Text>,
    routes: Vec<Text>,
}

impl World {
    fn new() -> World {
        let resource = |number: u64| {
            let service = format!("service-{number}");
            let host = format!("{service}-7d9f{number:04x}");
            let pairs = [
                ("service.name", service.as_str()),
                ("service.version", "1.4.2"),
                ("host.name", host.as_str()),
                ("deployment.environment.name", "production"),
                ("telemetry.sdk.language", "python"),
                ("telemetry.sdk.name", "opentelemetry"),
                ("telemetry.sdk.version", "1.29.0"),
                ("k8s.namespace.name", "shop"),
            ];
            Arc::new(Resource::new(pairs.into_iter().collect()))
        };
        let keys = [
            "http.request.method",
            "http.route",
            "http.response.status_code",
            "db.rows",
            "server.address",
            "user.id",
            "thread.id",
            "cache.hit",
            "network.protocol.version",
            "price",
        ];
        World {
            resources: (0..50).map(resource).collect(),
            scope: Arc::new(Scope { name: Text::from("opentelemetry.instrumentation.asgi"), ..Scope::default() }),
            names: (0..400).map(|number| Text::from(format!("GET /api/v1/resource-{number}"))).collect(),
            keys: keys.into_iter().map(Text::from).collect(),
            routes: (0..400).map(|number| Text::from(format!("/api/v1/resource-{number}/{{id}}"))).collect(),
        }
    }

    /// Each span of the whole run is in exactly one batch: a window of traces is dealt out in a shuffled order.
    fn batch(&self, batch: u64) -> Vec<Span> {
        (batch * BATCH..(batch + 1) * BATCH).map(|place| self.span(place)).collect()
    }

    fn span(&self, place: u64) -> Span {
        let per_window = WINDOW * SPANS_PER_TRACE;
        let (window, inside) = (place / per_window, place % per_window);
        // Neighbours in a batch belong to different traces; a batch of a window's first half is of few services.
        let (trace, step) = (window * WINDOW + inside % WINDOW, inside / WINDOW);
        let random = mix(trace * SPANS_PER_TRACE + step);
        let service = if window.is_multiple_of(2) { (window + step) % 50 } else { random % 50 };
        let name = (service * 8 + random / 64 % 8) % 400;
        let start = BEGIN_NS + trace * 7_000_000 + step * 1_500_000 + random % 1_000_000;
        let code = if random.is_multiple_of(97) { StatusCode::Error } else { StatusCode::Unset };
        Span {
            trace_id: trace_id(trace),
            span_id: SpanId((random | 1).to_be_bytes()),
            parent_span_id: (step > 0).then(|| SpanId((mix(trace * SPANS_PER_TRACE + step / 2) | 1).to_be_bytes())),
            trace_state: Text::EMPTY,
            flags: 1,
            name: self.names[name as usize].clone(),
            kind: Kind::from_number((random % 5 + 1) as i64),
            start: Nanos(start),
            end: Nanos(start + 200_000 + random % 40_000_000 / (step + 1)),
            attributes: self.attributes(random, name),
            dropped_attributes: 0,
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            status: Status { code, message: Text::EMPTY },
            resource: Arc::clone(&self.resources[service as usize]),
            scope: Arc::clone(&self.scope),
        }
    }

    fn attributes(&self, random: u64, name: u64) -> Attributes {
        let values = [
            Value::String(Text::from_static("GET")),
            Value::String(self.routes[name as usize].clone()),
            Value::Int(if random.is_multiple_of(97) { 500 } else { 200 }),
            Value::Int((random / 128 % 1_000) as i64),
            Value::String(Text::from_static("10.1.7.23")),
            Value::String(Text::from(format!("user-{}", random / 512 % 10_000))),
            Value::Int((random / 8 % 16) as i64),
            Value::Bool(random.is_multiple_of(2)),
            Value::String(Text::from_static("1.1")),
            Value::Double((random / 1024 % 100_000) as f64 / 100.0),
        ];
        Attributes(self.keys.iter().cloned().zip(values).collect())
    }
}
