//! Spans as a shop of 50 services sends them, the same ones in each run: 400 names, 8 resource and 8 to 14 span
//! attributes, uuids, varying addresses and statements, 5 % exceptions with a stack of a kilobyte. Half of the services
//! send batches of their own, half go through a collector that mixes them, so that a trace is spread over many batches.
//!
//! The order in which random numbers are drawn is part of the data: another order makes other spans, and figures that
//! cannot be compared with those measured before.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;

use crate::random::Random;

/// Spans of a batch.
pub const BATCH: usize = 512;
const SERVICES: usize = 50;
/// The bucket of the collector, behind those of the services that send for themselves.
const COLLECTOR: usize = SERVICES / 2;
/// 2026-05-28.
const BEGIN_NS: u64 = 1_780_000_000_000_000_000;
/// Mean pause between two traces.
const PAUSE_NS: f64 = 86_000_000.0;

/// A span that waits for its end, and the number that orders those of one end.
struct Open {
    end_ns: u64,
    number: u64,
    service: usize,
    span: Span,
}

impl Open {
    fn key(&self) -> (u64, u64) {
        (self.end_ns, self.number)
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Open) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Open {}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Open) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Open {
    fn cmp(&self, other: &Open) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// A span that later ones of its trace may be called by.
struct Node {
    id: Vec<u8>,
    start_ns: u64,
    end_ns: u64,
    service: usize,
    route: String,
}

/// The shop, which sends one batch after the other without end.
pub struct Shop {
    random: Random,
    now_ns: u64,
    number: u64,
    open: BinaryHeap<Reverse<Open>>,
    waiting: Vec<Vec<(usize, Span)>>,
}

impl Shop {
    pub fn new() -> Shop {
        let waiting = (0..=COLLECTOR).map(|_| Vec::new()).collect();
        Shop { random: Random(42), now_ns: BEGIN_NS, number: 0, open: BinaryHeap::new(), waiting }
    }

    fn begin_trace(&mut self) {
        let random = &mut self.random;
        self.now_ns += random.exponential(PAUSE_NS) as u64;
        let count = (5 + random.exponential(7.5) as usize).min(60);
        let trace_id = [random.next().to_be_bytes(), random.next().to_be_bytes()].concat();
        let root_service = random.zipf(10);
        let user = format!("user-{}", random.below(2_000_000));
        let mut nodes: Vec<Node> = Vec::new();
        for _ in 0..count {
            let (service, operation, start_ns, took_ns, parent);
            if nodes.is_empty() {
                (service, operation, start_ns, parent) = (root_service, random.pick(3), self.now_ns, None);
                took_ns = ((random.normal() + 18.6).exp() as u64).clamp(200_000, 30_000_000_000);
            } else {
                let recent = nodes.len().min(8);
                let place = match nodes.len() > 8 {
                    true => nodes.len() - 1 - random.pick(recent),
                    false => random.pick(recent),
                };
                let caller = &nodes[place];
                operation = random.pick(8);
                service = match operation {
                    0..=2 | 6 => (caller.service + 1 + random.zipf(SERVICES - 1)) % SERVICES,
                    _ => caller.service,
                };
                let room = caller.end_ns - caller.start_ns;
                let after = (room as f64 * 0.7 * random.unit()) as u64;
                start_ns = caller.start_ns + after;
                took_ns = ((room - after) as f64 * (0.05 + 0.9 * random.unit())) as u64 + 1000;
                parent = Some(caller);
            }
            let route = parent.map_or_else(|| route(service, operation), |caller| caller.route.clone());
            let call = Call { service, operation, start_ns, took_ns, route: &route, user: &user };
            let mut span = call.span(random);
            span.trace_id = trace_id.clone();
            span.parent_span_id = parent.map(|caller| caller.id.clone()).unwrap_or_default();
            let route = if operation <= 2 { self::route(service, operation) } else { route };
            nodes.push(Node { id: span.span_id.clone(), start_ns, end_ns: start_ns + took_ns, service, route });
            self.number += 1;
            self.open.push(Reverse(Open { end_ns: start_ns + took_ns, number: self.number, service, span }));
        }
    }
}

impl Iterator for Shop {
    /// A request as it is sent.
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            while self.open.peek().is_some_and(|open| open.0.end_ns <= self.now_ns) {
                let Reverse(ended) = self.open.pop()?;
                let bucket = if ended.service % 2 == 0 { ended.service / 2 } else { COLLECTOR };
                self.waiting[bucket].push((ended.service, ended.span));
                if self.waiting[bucket].len() == BATCH {
                    return Some(request(std::mem::take(&mut self.waiting[bucket])).encode_to_vec());
                }
            }
            self.begin_trace();
        }
    }
}

/// What a span tells of. Operations are three of HTTP servers, one of a client, two of databases, one of RPC, and a queue.
struct Call<'a> {
    service: usize,
    operation: usize,
    start_ns: u64,
    took_ns: u64,
    route: &'a str,
    user: &'a str,
}

impl Call<'_> {
    fn span(&self, random: &mut Random) -> Span {
        let peer = format!("svc-{:02}.prod.internal", random.below(50));
        let failed = random.unit() < 0.03;
        let (name, kind, attributes) = match self.operation {
            0..=2 => self.served(random, failed),
            3 => self.fetched(random, peer, failed),
            4 | 5 => self.queried(random),
            6 => self.called(random, peer, failed),
            _ => self.processed(random),
        };
        let mut events = Vec::new();
        if random.unit() < 0.05 {
            events.push(self.exception(random));
        }
        let span_id = random.next().to_be_bytes().to_vec();
        let status = match failed {
            true => Status { code: 2, message: format!("upstream failure {}", random.below(40)) },
            false => Status::default(),
        };
        Span {
            span_id,
            flags: 257,
            name,
            kind,
            start_time_unix_nano: self.start_ns,
            end_time_unix_nano: self.start_ns + self.took_ns,
            attributes,
            events,
            status: Some(status),
            ..Span::default()
        }
    }

    fn served(&self, random: &mut Random, failed: bool) -> (String, i32, Vec<KeyValue>) {
        const STATUSES: [i64; 7] = [200, 200, 200, 201, 204, 304, 404];
        const AGENTS: [&str; 4] = [
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0",
            "okhttp/4.12.0",
            "python-requests/2.32.3",
            "Go-http-client/2.0",
        ];
        let method = ["GET", "POST", "GET", "PUT"][(self.service + self.operation) % 4];
        let own_route = route(self.service, self.operation);
        let path = own_route.replace("{id}", &random.below(1_000_000_000).to_string());
        let status = if failed { 500 + random.below(4) as i64 } else { STATUSES[random.zipf(7)] };
        let client = format!("10.{}.{}.{}", random.below(4), random.below(256), random.below(256));
        let mut attributes = vec![
            text("http.request.method", method),
            text("http.route", own_route.as_str()),
            text("url.path", path),
            int("http.response.status_code", status),
            text("server.address", format!("svc-{:02}.prod.internal", self.service)),
            int("server.port", 8080),
            text("client.address", client),
            text("user_agent.original", AGENTS[random.zipf(4)]),
            text("network.protocol.version", "1.1"),
            text("enduser.id", self.user),
            text("request.id", random.uuid()),
            int("http.response.body.size", random.exponential(8000.0) as i64),
        ];
        if random.unit() < 0.5 {
            attributes.push(attribute("cache.hit", Value::BoolValue(random.unit() < 0.4)));
            attributes.push(attribute("sampling.probability", Value::DoubleValue(0.25)));
        }
        (format!("{method} {own_route} s{}", self.service), 2, attributes)
    }

    fn fetched(&self, random: &mut Random, peer: String, failed: bool) -> (String, i32, Vec<KeyValue>) {
        let id = random.below(100_000_000);
        let url = format!("http://{peer}:8080/api/v1/lookup/{id}?token={}", random.hex(16));
        let attributes = vec![
            text("http.request.method", "GET"),
            text("url.full", url),
            int("http.response.status_code", if failed { 503 } else { 200 }),
            text("server.address", peer),
            int("server.port", 8080),
            text("network.protocol.version", "2"),
            int("http.request.resend_count", random.below(3) as i64),
            int("thread.id", random.below(64) as i64),
            text("request.id", random.uuid()),
        ];
        (format!("GET svc{}-client", self.service), 3, attributes)
    }

    fn queried(&self, random: &mut Random) -> (String, i32, Vec<KeyValue>) {
        const TABLES: [&str; 6] = ["orders", "customers", "line_items", "inventory", "prices", "ledger"];
        let table = TABLES[(self.service + self.operation) % 6];
        let is_read = self.operation == 4;
        let id = random.below(10_000_000);
        let (verb, statement) = match is_read {
            true => (
                "SELECT",
                format!(
                    "SELECT id, status, total, created_at FROM {table} WHERE tenant_id = $1 AND id > {id} ORDER BY id LIMIT 100"
                ),
            ),
            false => ("UPDATE", format!("UPDATE {table} SET status = $1, updated_at = now() WHERE id = {id}")),
        };
        let mut attributes = vec![
            text("db.system", "postgresql"),
            text("db.name", format!("svc{}_db", self.service)),
            text("db.statement", statement),
            text("db.operation", verb),
            text("db.sql.table", table),
            text("server.address", format!("pg-{}.prod.internal", self.service % 6)),
            int("server.port", 5432),
            int("db.rows", random.exponential(60.0) as i64),
            int("thread.id", random.below(64) as i64),
            text("thread.name", format!("pool-{}-thread-{}", 1 + self.service % 3, random.below(32))),
        ];
        if random.unit() < 0.6 {
            attributes.push(text("http.route", self.route));
        }
        if random.unit() < 0.3 {
            attributes.push(text("enduser.id", self.user));
        }
        (format!("{verb} svc{}.{table}", self.service), 3, attributes)
    }

    fn called(&self, random: &mut Random, peer: String, failed: bool) -> (String, i32, Vec<KeyValue>) {
        let kind = if random.unit() < 0.5 { 2 } else { 3 };
        let attributes = vec![
            text("rpc.system", "grpc"),
            text("rpc.service", format!("shop.Svc{}", self.service)),
            text("rpc.method", "Fetch"),
            int("rpc.grpc.status_code", if failed { 13 } else { 0 }),
            text("server.address", peer),
            int("server.port", 50051),
            text("rpc.request.id", random.uuid()),
            int("rpc.message.size", random.exponential(900.0) as i64),
            text("network.transport", "tcp"),
            text("network.peer.address", format!("10.9.{}.{}", random.below(8), random.below(256))),
        ];
        (format!("shop.Svc{}/Fetch", self.service), kind, attributes)
    }

    fn processed(&self, random: &mut Random) -> (String, i32, Vec<KeyValue>) {
        let kind = if random.unit() < 0.5 { 1 } else { 5 };
        let attributes = vec![
            text("messaging.system", "kafka"),
            text("messaging.destination.name", format!("topic-{}", self.service % 12)),
            text("messaging.message.id", random.hex(24)),
            int("messaging.kafka.offset", random.below(1 << 40) as i64),
            int("messaging.kafka.partition", random.below(24) as i64),
            int("messaging.batch.size", random.below(50) as i64),
            text("code.function", format!("handle_{}", self.operation)),
            text("code.namespace", format!("com.shop.svc{}.worker", self.service)),
            attribute("queue.lag.seconds", Value::DoubleValue((random.exponential(3.0) * 1000.0).round() / 1000.0)),
        ];
        (format!("process svc{} queue", self.service), kind, attributes)
    }

    fn exception(&self, random: &mut Random) -> Event {
        let message = format!("upstream request failed code {}", random.below(40));
        let (id, took_ms) = (random.uuid(), random.below(5000));
        let mut stack = format!("java.lang.IllegalStateException: upstream request {id} failed after {took_ms} ms\n");
        while stack.len() < 1000 {
            let (handler, step, line) = (random.below(12), random.below(30), random.below(900));
            let service = self.service;
            stack.push_str(&format!(
                "\tat com.shop.svc{service}.handler{handler}.Pipeline.invoke{step}(Pipeline.java:{line})\n"
            ));
        }
        Event {
            time_unix_nano: self.start_ns + self.took_ns / 2,
            name: "exception".to_owned(),
            attributes: vec![
                text("exception.type", "java.lang.IllegalStateException"),
                text("exception.message", message),
                text("exception.stacktrace", stack),
            ],
            dropped_attributes_count: 0,
        }
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

/// Service and instance, and the spans of each scope.
type Group = ((usize, usize), [Vec<Span>; 3]);

/// Spans as one request, grouped by instance and scope as exporters do.
fn request(spans: Vec<(usize, Span)>) -> ExportTraceServiceRequest {
    const SCOPES: [&str; 3] = ["io.opentelemetry.http", "io.opentelemetry.jdbc", "io.opentelemetry.core"];
    let mut groups: Vec<Group> = Vec::new();
    for (service, span) in spans {
        let key = (service, usize::from(span.span_id[0]) % 3);
        let scope = match span.attributes[0].key.as_bytes()[0] {
            b'h' => 0,
            b'd' => 1,
            _ => 2,
        };
        let place = groups.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            groups.push((key, Default::default()));
            groups.len() - 1
        });
        groups[place].1[scope].push(span);
    }
    let scope_spans = |(spans, name): (Vec<Span>, &str)| {
        let scope = InstrumentationScope { name: name.into(), version: "2.6.0".into(), ..Default::default() };
        ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }
    };
    let resource_spans = |((service, instance), scopes): Group| ResourceSpans {
        resource: Some(resource(service, instance)),
        scope_spans: scopes.into_iter().zip(SCOPES).filter(|(spans, _)| !spans.is_empty()).map(scope_spans).collect(),
        schema_url: "https://opentelemetry.io/schemas/1.26.0".into(),
    };
    ExportTraceServiceRequest { resource_spans: groups.into_iter().map(resource_spans).collect() }
}

fn resource(service: usize, instance: usize) -> Resource {
    let attributes = vec![
        text("service.name", format!("svc-{service:02}")),
        text("service.namespace", "shop"),
        text("service.version", format!("1.{}.{}", service % 7, service % 11)),
        text("service.instance.id", format!("svc-{service:02}-6f9c7d-{instance}")),
        text("deployment.environment", "production"),
        text("host.name", format!("ip-10-0-{service}-{instance}.ec2.internal")),
        text("telemetry.sdk.language", ["java", "go", "python"][service % 3]),
        text("telemetry.sdk.version", "1.38.0"),
    ];
    Resource { attributes, ..Resource::default() }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}
