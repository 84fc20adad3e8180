//! How fast log records are found in a SQLite file: `cargo bench --bench logs [records]`.
//!
//! The records look like a web shop's: 50 services, messages made of patterns and numbers, one in a hundred an error
//! with its type, four in five with a trace. Each question is asked five times; the median counts.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracehub::model::{
    Attributes, Batch, FieldFilter, LogQuery, LogRecord, Nanos, Resource, Scope, Severity, SpanId, Text, TraceId, Value,
};
use tracehub::store::sqlite::{Options, Sqlite};
use tracehub::store::{Backend, Logs, Sink};

const BATCH: u64 = 512;
/// 2026-11-21.
const BEGIN_NS: u64 = 1_795_219_200_000_000_000;
const STEP_NS: u64 = 3_000_000;

fn main() {
    let count = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1_000_000_u64);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    runtime.block_on(run(count));
}

async fn run(count: u64) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("temp dir");
    let path = folder.path().join("bench.db");
    let store = Sqlite::open_for_writing(path.clone(), Options::default()).await.expect("opened");
    let resources: Vec<Arc<Resource>> = (0..50).map(resource).collect();
    let begin = Instant::now();
    for batch in 0..count.div_ceil(BATCH) {
        let logs = (batch * BATCH..count.min((batch + 1) * BATCH)).map(|number| log(number, &resources)).collect();
        store.write(Batch { logs, ..Batch::default() }).await.expect("written");
    }
    println!("{:<52} {:>9.0} records/s", "write", count as f64 / begin.elapsed().as_secs_f64());
    store.seal_now().await.expect("sealed");
    store.close().await.expect("closed");
    let bytes = std::fs::metadata(&path).expect("file").len();
    println!("{:<52} {:>9.1} bytes/record", "file", bytes as f64 / count as f64);
    let store = Sqlite::open_for_reading(path).await.expect("opened");
    let base = LogQuery { limit: 100, ..LogQuery::default() };
    let text = |text: &str| LogQuery { text: Some(text.to_owned()), ..base.clone() };
    let field = |field: &str| LogQuery { fields: FieldFilter::parse(field).into_iter().collect(), ..base.clone() };
    let middle = Nanos(BEGIN_NS + count / 2 * STEP_NS);
    let second_page = store.list_logs(&base).await.expect("listed").next;
    let trace = Some(trace_id(count / 3));
    let processed = (count / 2..count).find(|number| mixed(*number) % 10 > 4).unwrap_or_default();
    for (name, query) in [
        ("newest 100", base.clone()),
        ("the 100 before those", LogQuery { cursor: second_page, ..base.clone() }),
        ("oldest 100", LogQuery { oldest_first: true, ..base.clone() }),
        ("newest 100 before the middle", LogQuery { until: Some(middle), ..base.clone() }),
        ("newest 100 of level error (1 %)", LogQuery { level: Some(Severity::Error), ..base.clone() }),
        ("all of level error (1 %)", LogQuery { level: Some(Severity::Error), limit: 0, ..base.clone() }),
        ("newest 100 of a service (2 %)", LogQuery { service: Some("service-7".into()), ..base.clone() }),
        ("a substring of one record, through all", text(&format!("ORDER {processed} "))),
        ("a substring of none, through all", text("no such text")),
        ("the same beyond ASCII", text("größe")),
        ("newest 100 with a substring of 10 %", text("cart")),
        ("a field of one record, through all", field("order.id=31337")),
        ("newest 100 with a field of 10 %", field("http.status=404")),
        ("part of a field, through all", field("http.path~=/item/31337")),
        ("a trace", LogQuery { trace, ..base.clone() }),
    ] {
        let mut times: Vec<Duration> = Vec::new();
        let mut found = 0;
        for _ in 0..5 {
            let begin = Instant::now();
            found = store.list_logs(&query).await.expect("listed").records.len();
            times.push(begin.elapsed());
        }
        times.sort();
        println!("{name:<52} {:>9.1} ms, {found} found", times[2].as_secs_f64() * 1e3);
    }
}

fn resource(number: u64) -> Arc<Resource> {
    let attributes: Attributes = [
        ("service.name", Value::from(format!("service-{number}").as_str())),
        ("host.name", Value::from(format!("host-{}", number % 8).as_str())),
        ("deployment.environment.name", Value::from("production")),
    ]
    .into_iter()
    .collect();
    Arc::new(Resource::new(attributes))
}

fn trace_id(number: u64) -> TraceId {
    TraceId::Otel((u128::from(mixed(number / 6) | 1) << 64 | u128::from(number / 6)).to_be_bytes())
}

fn mixed(number: u64) -> u64 {
    let mixed = (number ^ number >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 29
}

fn log(number: u64, resources: &[Arc<Resource>]) -> LogRecord {
    let random = mixed(number);
    let message = match random % 10 {
        0 => format!("cart of user {} has {} items", random % 5_000, random % 17),
        1 | 2 => format!("GET /item/{number} took {} ms", random % 900),
        3 => "session ok".to_owned(),
        4 => format!("cache miss for key session:{random:016x}"),
        _ => format!("processed order {number} in step {} of the pipeline", random % 7),
    };
    let is_error = random % 100 == 55;
    let mut attributes = vec![
        (Text::from("http.status"), Value::Int(if random % 10 == 3 { 404 } else { 200 })),
        (Text::from("http.path"), Value::from(format!("/item/{number}").as_str())),
        (Text::from("order.id"), Value::Int(number as i64)),
        (Text::from("thread.id"), Value::Int((random % 16) as i64)),
        (Text::from("code.namespace"), Value::from(["cart", "pay", "search"][(random % 3) as usize])),
    ];
    if is_error {
        attributes.push((Text::from("exception.type"), Value::from("TimeoutError")));
        attributes.push((Text::from("exception.message"), Value::from("no answer in 280 ms")));
    }
    let severity = match random % 100 {
        _ if is_error => Severity::Error,
        0..=3 => Severity::Warn,
        4..=30 => Severity::Debug,
        _ => Severity::Info,
    };
    LogRecord {
        time: Nanos(BEGIN_NS + number * STEP_NS + random % 1_000_000),
        severity,
        message: Text::from(message),
        trace_id: (number % 6 != 5).then(|| trace_id(number)),
        span_id: (number % 6 != 5).then(|| SpanId((random | 1).to_be_bytes())),
        attributes: Attributes(attributes),
        resource: Arc::clone(&resources[(random >> 8) as usize % resources.len()]),
        scope: Arc::new(Scope::default()),
        request: 0,
    }
}
