//! How fast records become bytes and back, and how many bytes: `cargo bench --bench codec`.
//!
//! The spans resemble a shop of fifty services: 8 resource attributes, 8 to 14 span attributes, 5 to 60 spans a trace,
//! one span in twenty with an exception and its kilobyte of stack. Half of the services send batches of their own, half
//! go through a collector that mixes them, so a trace is spread over many batches. One such span is about 590 bytes of
//! protobuf. Everything runs on one thread; each figure is the best of several rounds.

#![allow(clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracehub::model::{
    Attributes, Event, Kind, Nanos, Record, RecordKind, Resource, Scope, Span, SpanId, Status, StatusCode, Text,
    TraceId, Value,
};
use tracehub::store::sqlite::codec::{
    BlockIndex, CodecError, ColumnSource, Segment, WantedRows, block_range, decode_inbox, prepare, read_records,
    read_spans_for_stats, seal, seal_span_payloads, traces_with_attribute,
};

const BATCH: usize = 512;
const SEGMENT: usize = 16_384;
const ROUNDS: usize = 15;

fn main() {
    const SPANS: RecordKind = RecordKind::Spans;
    let batches = generate(SEGMENT * 2 / BATCH);
    let as_records = |batch: &Vec<Span>| batch.iter().cloned().map(Record::Span).collect::<Vec<_>>();
    let batches: Vec<Vec<Record>> = batches[SEGMENT / BATCH..].iter().map(as_records).collect();
    let spans = batches.len() * BATCH;
    let prepared: Vec<_> = batches.iter().map(|batch| prepare(SPANS, batch, Nanos::now())).collect();
    let inbox_bytes: usize = prepared.iter().map(|prepared| prepared.payload.len()).sum();
    let decode =
        || prepared.iter().flat_map(|one| decode_inbox(SPANS, &one.payload).expect("own payload")).collect::<Vec<_>>();
    let sort_and_seal = |records: &[Record]| {
        let mut rows: Vec<&Record> = records.iter().collect();
        rows.sort_by(|a, b| a.order(b));
        seal(SPANS, &rows).expect("own records")
    };
    let segment = sort_and_seal(&decode());
    let mut source = Memory::of(&segment);
    let index = BlockIndex::decode(&segment.blocks).expect("own index");

    report("prepare", spans, || {
        batches.iter().map(|batch| prepare(SPANS, batch, Nanos::now()).payload.len()).sum::<usize>()
    });
    report("decode_inbox", spans, || decode().len());
    let waiting = decode();
    report("seal", spans, || sort_and_seal(&waiting).rows);
    report("decode_inbox + seal", spans, || sort_and_seal(&decode()).rows);
    let payloads: Vec<&[u8]> = prepared.iter().map(|one| one.payload.as_slice()).collect();
    report("seal_span_payloads", spans, || seal_span_payloads(&payloads).expect("own payloads").0.rows);
    report("read_records", spans, || {
        let all = WantedRows { blocks: 0..index.len(), trace: None };
        read_records(SPANS, &mut source, &index, all).expect("own segment").len()
    });
    for with_model in [false, true] {
        report(&format!("read_spans_for_stats, with model: {with_model}"), spans, || {
            read_spans_for_stats(&mut source, &index, 0..index.len(), with_model).expect("own segment").len()
        });
    }
    for (key, value) in [("http.route", "/api/v1/orders/{id}"), ("db.rows", "17"), ("host.name", "nowhere"), ("no", "")]
    {
        let pairs = [(key.to_owned(), value.to_owned())];
        let find = || traces_with_attribute(&mut Memory::of(&segment), &index, &pairs).expect("own segment").len();
        report(&format!("traces_with_attribute {key}={value} ({} traces)", find()), spans, find);
    }

    let ids: Vec<TraceId> = decode().iter().map(|span| span.trace_key().clone()).step_by(97).collect();
    let one = best(|| {
        for id in &ids {
            let wanted = WantedRows { blocks: index.blocks_of(id), trace: Some(id) };
            black_box(read_records(SPANS, &mut source, &index, wanted).expect("own segment"));
        }
    });
    println!("{:<50} {:>8.0} µs", "read one trace", one.as_secs_f64() * 1e6 / ids.len() as f64);

    let columns: usize = segment.columns.iter().map(|(_, bytes)| bytes.len()).sum();
    let total = columns + segment.blocks.len() + segment.trace_filter.len();
    println!("{:<50} {:>8.1} bytes/span", "inbox", inbox_bytes as f64 / spans as f64);
    println!("{:<50} {:>8.1} bytes/span", "segment", total as f64 / spans as f64);
    if std::env::args().any(|argument| argument == "--columns") {
        let mut columns = segment.columns.clone();
        columns.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.len()));
        for (name, bytes) in columns {
            println!("  {name:<48} {:>8.2} bytes/span", bytes.len() as f64 / spans as f64);
        }
    }
}

fn best<T>(mut run: impl FnMut() -> T) -> Duration {
    let timed = |_| {
        let start = Instant::now();
        black_box(run());
        start.elapsed()
    };
    (0..ROUNDS).map(timed).min().unwrap_or_default()
}

fn report<T>(what: &str, spans: usize, run: impl FnMut() -> T) {
    println!("{what:<50} {:>8.0} k spans/s", spans as f64 / best(run).as_secs_f64() / 1e3);
}

/// A segment in memory.
struct Memory(BTreeMap<String, Vec<u8>>);

impl Memory {
    fn of(segment: &Segment) -> Memory {
        Memory(segment.columns.iter().cloned().collect())
    }
}

impl ColumnSource for Memory {
    fn block(&mut self, column: &str, block: usize) -> Result<Option<Vec<u8>>, CodecError> {
        let Some(bytes) = self.0.get(column) else { return Ok(None) };
        Ok(block_range(bytes, block).and_then(|range: Range<usize>| bytes.get(range)).map(<[u8]>::to_vec))
    }
}

/// SplitMix64: the same numbers every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.fraction()).ln()
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.fraction()).ln()).sqrt() * (std::f64::consts::TAU * self.fraction()).cos()
    }

    /// Small numbers far more often than large ones.
    fn skewed(&mut self, end: u64) -> u64 {
        let power = (end as f64).powf(self.fraction());
        (power - 1.0).min(end as f64 - 1.0) as u64
    }

    fn hex(&mut self, digits: usize) -> String {
        let mut text: String = (0..digits.div_ceil(16)).map(|_| format!("{:016x}", self.next())).collect();
        text.truncate(digits);
        text
    }

    fn uuid(&mut self) -> String {
        let hex = self.hex(32);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// What spans of one process share.
struct Shop {
    resources: Vec<Arc<Resource>>,
    scopes: Vec<Arc<Scope>>,
}

const INSTANCES: usize = 3;
const SERVICES: usize = 50;

impl Shop {
    fn new() -> Shop {
        let resource = |place: usize| {
            let (service, instance) = (place / INSTANCES, place % INSTANCES);
            let mut resource = Resource::new(Attributes::from_iter([
                ("service.name", Value::String(format!("svc-{service:02}").into())),
                ("service.namespace", "shop".into()),
                ("service.version", Value::String(format!("1.{}.{}", service % 7, service % 11).into())),
                ("service.instance.id", Value::String(format!("svc-{service:02}-6f9c7d-{instance}").into())),
                ("deployment.environment", "production".into()),
                ("host.name", Value::String(format!("ip-10-0-{service}-{instance}.ec2.internal").into())),
                ("telemetry.sdk.language", ["java", "go", "python"][service % 3].into()),
                ("telemetry.sdk.version", "1.38.0".into()),
            ]));
            resource.schema_url = Text::from_static("https://opentelemetry.io/schemas/1.26.0");
            Arc::new(resource)
        };
        let scope = |name: &str| Arc::new(Scope { name: name.into(), version: "2.6.0".into(), ..Scope::default() });
        Shop {
            resources: (0..SERVICES * INSTANCES).map(resource).collect(),
            scopes: ["io.opentelemetry.http", "io.opentelemetry.jdbc", "io.opentelemetry.core"].map(scope).to_vec(),
        }
    }
}

/// Batches as they arrive.
fn generate(count: usize) -> Vec<Vec<Span>> {
    let (shop, mut random) = (Shop::new(), Random(42));
    let mut spans: Vec<(usize, Span)> = Vec::new();
    let mut now = 1_780_000_000_000_000_000;
    while spans.len() < (count + 60) * BATCH {
        now += random.exponential(86e6) as u64;
        trace(&shop, &mut random, now, &mut spans);
    }
    spans.sort_by_key(|(_, span)| span.end);
    let mut waiting: Vec<Vec<Span>> = vec![Vec::new(); SERVICES / 2 + 1];
    let mut batches = Vec::new();
    for (service, span) in spans {
        let sender = if service % 2 == 0 { service / 2 } else { SERVICES / 2 };
        waiting[sender].push(span);
        if waiting[sender].len() == BATCH {
            batches.push(std::mem::take(&mut waiting[sender]));
        }
    }
    batches.truncate(count);
    batches
}

fn trace(shop: &Shop, random: &mut Random, now: u64, out: &mut Vec<(usize, Span)>) {
    let first = out.len();
    let length = (5 + random.exponential(7.5) as usize).min(60);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&random.next().to_be_bytes());
    id[8..].copy_from_slice(&random.next().to_be_bytes());
    let (root_service, user) = (random.skewed(10) as usize, format!("user-{}", random.below(2_000_000)));
    for place in 0..length {
        let (service, operation, start, duration, parent);
        if place == 0 {
            (service, operation, start) = (root_service, random.below(3) as usize, now);
            duration = ((random.normal() + 18.6).exp() as u64).clamp(200_000, 30_000_000_000);
            parent = None;
        } else {
            let back = if place > 8 { random.below(8) as usize } else { random.below(place as u64) as usize };
            let (parent_service, above) = &out[first + place - 1 - back];
            operation = random.below(8) as usize;
            let is_remote = operation <= 2 || operation == 6;
            let other = (parent_service + 1 + random.skewed(SERVICES as u64 - 1) as usize) % SERVICES;
            service = if is_remote { other } else { *parent_service };
            let room = above.duration_ns() as f64;
            let offset = room * 0.7 * random.fraction();
            start = above.start.0 + offset as u64;
            duration = ((room - offset) * (0.05 + 0.9 * random.fraction())) as u64 + 1000;
            parent = Some(above.span_id);
        }
        let mut span = operation_span(random, service, operation, &user);
        span.trace_id = TraceId::Otel(id);
        span.parent_span_id = parent;
        (span.start, span.end) = (Nanos(start), Nanos(start + duration));
        span.resource = shop.resources[service * INSTANCES + usize::from(span.span_id.0[0]) % INSTANCES].clone();
        let scope = [0, 0, 0, 0, 1, 1, 2, 2][operation];
        span.scope = shop.scopes[scope].clone();
        if random.fraction() < 0.05 {
            span.events.push(exception(random, service, Nanos(start + duration / 2)));
        }
        out.push((service, span));
    }
}

fn route(service: usize, operation: usize) -> String {
    const NOUNS: [&str; 8] = ["orders", "carts", "users", "items", "payments", "shipments", "reviews", "sessions"];
    match operation % 3 {
        0 => format!("/api/v1/{}/{{id}}", NOUNS[(service + operation) % 8]),
        1 => format!("/api/v2/{}/{{id}}/details", NOUNS[(service * 3 + operation) % 8]),
        _ => format!("/api/v1/{}/search", NOUNS[(service + operation * 5) % 8]),
    }
}

fn exception(random: &mut Random, service: usize, time: Nanos) -> Event {
    let mut stack = format!(
        "java.lang.IllegalStateException: upstream request {} failed after {} ms\n",
        random.uuid(),
        random.below(5000)
    );
    while stack.len() < 1000 {
        let (handler, method, line) = (random.below(12), random.below(30), random.below(900));
        stack.push_str(&format!(
            "\tat com.shop.svc{service}.handler{handler}.Pipeline.invoke{method}(Pipeline.java:{line})\n"
        ));
    }
    let attributes = Attributes::from_iter([
        ("exception.type", Value::from("java.lang.IllegalStateException")),
        ("exception.message", Value::String(format!("upstream request failed code {}", random.below(40)).into())),
        ("exception.stacktrace", Value::String(stack.into())),
    ]);
    Event { time, name: Text::from_static("exception"), attributes, dropped_attributes: 0 }
}

/// Attributes being collected.
struct Pairs(Vec<(Text, Value)>);

impl Pairs {
    fn text(&mut self, key: &str, text: impl Into<String>) {
        self.0.push((key.into(), Value::String(text.into().into())));
    }

    fn int(&mut self, key: &str, number: u64) {
        self.0.push((key.into(), Value::Int(number as i64)));
    }
}

/// Operations 0 to 2 serve HTTP, 3 calls it, 4 and 5 ask a database, 6 is an RPC, 7 takes from a queue.
fn operation_span(random: &mut Random, service: usize, operation: usize, user: &str) -> Span {
    let failed = random.fraction() < 0.03;
    let peer = format!("svc-{:02}.prod.internal", random.below(50));
    let mut pairs = Pairs(Vec::with_capacity(14));
    let (name, kind) = match operation {
        0..=2 => http_server(random, &mut pairs, service, operation, user, failed),
        3 => http_client(random, &mut pairs, service, peer, failed),
        4 | 5 => database(random, &mut pairs, service, operation, user),
        6 => rpc(random, &mut pairs, service, peer, failed),
        _ => queue(random, &mut pairs, service, operation),
    };
    let message = if failed { format!("upstream failure {}", random.below(40)).into() } else { Text::EMPTY };
    Span {
        trace_id: TraceId::Otel([1; 16]),
        span_id: SpanId(random.next().to_be_bytes()),
        parent_span_id: None,
        trace_state: Text::EMPTY,
        flags: 257,
        name: name.into(),
        kind,
        start: Nanos(0),
        end: Nanos(0),
        attributes: Attributes(pairs.0),
        dropped_attributes: 0,
        events: Vec::new(),
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: Status { code: if failed { StatusCode::Error } else { StatusCode::Unset }, message },
        resource: Arc::default(),
        scope: Arc::default(),
    }
}

fn http_server(
    random: &mut Random,
    pairs: &mut Pairs,
    service: usize,
    operation: usize,
    user: &str,
    failed: bool,
) -> (String, Kind) {
    const AGENTS: [&str; 4] = [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0",
        "okhttp/4.12.0",
        "python-requests/2.32.3",
        "Go-http-client/2.0",
    ];
    let method = ["GET", "POST", "GET", "PUT"][(service + operation) % 4];
    let route = route(service, operation);
    let status = [200, 200, 200, 201, 204, 304, 404][random.skewed(7) as usize];
    pairs.text("http.request.method", method);
    pairs.text("http.route", route.clone());
    pairs.text("url.path", route.replace("{id}", &random.below(1_000_000_000).to_string()));
    pairs.int("http.response.status_code", if failed { 500 + random.below(4) } else { status });
    pairs.text("server.address", format!("svc-{service:02}.prod.internal"));
    pairs.int("server.port", 8080);
    pairs.text("client.address", format!("10.{}.{}.{}", random.below(4), random.below(256), random.below(256)));
    pairs.text("user_agent.original", AGENTS[random.skewed(4) as usize]);
    pairs.text("network.protocol.version", "1.1");
    pairs.text("enduser.id", user);
    pairs.text("request.id", random.uuid());
    pairs.int("http.response.body.size", random.exponential(8000.0) as u64);
    if random.fraction() < 0.5 {
        pairs.0.push(("cache.hit".into(), Value::Bool(random.fraction() < 0.4)));
        pairs.0.push(("sampling.probability".into(), Value::Double(0.25)));
    }
    (format!("{method} {route} s{service}"), Kind::Server)
}

fn http_client(random: &mut Random, pairs: &mut Pairs, service: usize, peer: String, failed: bool) -> (String, Kind) {
    let lookup = random.below(100_000_000);
    pairs.text("http.request.method", "GET");
    pairs.text("url.full", format!("http://{peer}:8080/api/v1/lookup/{lookup}?token={}", random.hex(16)));
    pairs.int("http.response.status_code", if failed { 503 } else { 200 });
    pairs.text("server.address", peer);
    pairs.int("server.port", 8080);
    pairs.text("network.protocol.version", "2");
    pairs.int("http.request.resend_count", random.below(3));
    pairs.int("thread.id", random.below(64));
    pairs.text("request.id", random.uuid());
    (format!("GET svc{service}-client"), Kind::Client)
}

fn database(random: &mut Random, pairs: &mut Pairs, service: usize, operation: usize, user: &str) -> (String, Kind) {
    const TABLES: [&str; 6] = ["orders", "customers", "line_items", "inventory", "prices", "ledger"];
    let table = TABLES[(service + operation) % 6];
    let verb = if operation == 4 { "SELECT" } else { "UPDATE" };
    let row = random.below(10_000_000);
    let statement = if operation == 4 {
        format!(
            "SELECT id, status, total, created_at FROM {table} WHERE tenant_id = $1 AND id > {row} ORDER BY id LIMIT 100"
        )
    } else {
        format!("UPDATE {table} SET status = $1, updated_at = now() WHERE id = {row}")
    };
    pairs.text("db.system", "postgresql");
    pairs.text("db.name", format!("svc{service}_db"));
    pairs.text("db.statement", statement);
    pairs.text("db.operation", verb);
    pairs.text("db.sql.table", table);
    pairs.text("server.address", format!("pg-{}.prod.internal", service % 6));
    pairs.int("server.port", 5432);
    pairs.int("db.rows", random.exponential(60.0) as u64);
    pairs.int("thread.id", random.below(64));
    pairs.text("thread.name", format!("pool-{}-thread-{}", 1 + service % 3, random.below(32)));
    if random.fraction() < 0.6 {
        pairs.text("http.route", route(service, 0));
    }
    if random.fraction() < 0.3 {
        pairs.text("enduser.id", user);
    }
    (format!("{verb} svc{service}.{table}"), Kind::Client)
}

fn rpc(random: &mut Random, pairs: &mut Pairs, service: usize, peer: String, failed: bool) -> (String, Kind) {
    pairs.text("rpc.system", "grpc");
    pairs.text("rpc.service", format!("shop.Svc{service}"));
    pairs.text("rpc.method", "Fetch");
    pairs.int("rpc.grpc.status_code", if failed { 13 } else { 0 });
    pairs.text("server.address", peer);
    pairs.int("server.port", 50051);
    pairs.text("rpc.request.id", random.uuid());
    pairs.int("rpc.message.size", random.exponential(900.0) as u64);
    pairs.text("network.transport", "tcp");
    pairs.text("network.peer.address", format!("10.9.{}.{}", random.below(8), random.below(256)));
    (format!("shop.Svc{service}/Fetch"), if random.fraction() < 0.5 { Kind::Server } else { Kind::Client })
}

fn queue(random: &mut Random, pairs: &mut Pairs, service: usize, operation: usize) -> (String, Kind) {
    pairs.text("messaging.system", "kafka");
    pairs.text("messaging.destination.name", format!("topic-{}", service % 12));
    pairs.text("messaging.message.id", random.hex(24));
    pairs.int("messaging.kafka.offset", random.below(1 << 40));
    pairs.int("messaging.kafka.partition", random.below(24));
    pairs.int("messaging.batch.size", random.below(50));
    pairs.text("code.function", format!("handle_{operation}"));
    pairs.text("code.namespace", format!("com.shop.svc{service}.worker"));
    let lag = (random.exponential(3.0) * 1000.0).round() / 1000.0;
    pairs.0.push(("queue.lag.seconds".into(), Value::Double(lag)));
    (format!("process svc{service} queue"), if random.fraction() < 0.5 { Kind::Internal } else { Kind::Consumer })
}
