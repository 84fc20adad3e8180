//! How many spans a second the decoders read, with `prost`'s own decoder as the yardstick.
//!
//! One made-up but realistic batch: 512 spans of 40 resources with 8 attributes each, 8 to 14 span attributes of mixed
//! types, an exception event of 1 KB on every twentieth span. Run with `cargo bench --bench decode`.
#![allow(clippy::print_stdout, missing_docs)]

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use serde_json::{Value as Json, json};
use tracehub::decode::body::{MediaType, inflate};
use tracehub::decode::otlp::traces;

const SPANS: u64 = 512;
const RESOURCES: u64 = 40;
const LIMIT_BYTES: usize = 64 << 20;
const MEASURED: Duration = Duration::from_secs(2);

fn main() {
    let request = request();
    let protobuf = Bytes::from(request.encode_to_vec());
    let json = Bytes::from(json_request(&request).to_string());
    let gzip = compressed(&protobuf);
    println!(
        "batch: {SPANS} spans, {} bytes/span protobuf, {} JSON, {} gzip",
        per_span(&protobuf),
        per_span(&json),
        per_span(&gzip)
    );

    let prost = measure(|| ExportTraceServiceRequest::decode(protobuf.clone()).expect("valid").resource_spans.len());
    let ours = measure(|| traces(&protobuf, MediaType::Protobuf).expect("valid").batch.len());
    let from_json = measure(|| traces(&json, MediaType::Json).expect("valid").batch.len());
    let from_gzip = measure(|| {
        let body = inflate(gzip.clone(), Some("gzip"), LIMIT_BYTES).expect("valid");
        traces(&body, MediaType::Protobuf).expect("valid").batch.len()
    });
    for (what, spans_per_second) in
        [("prost, no model", prost), ("protobuf", ours), ("gzip + protobuf", from_gzip), ("JSON", from_json)]
    {
        println!("{what:16} {:>9.0} spans/s  {:5.2} x prost", spans_per_second, spans_per_second / prost);
    }
}

fn per_span(body: &Bytes) -> u64 {
    body.len() as u64 / SPANS
}

/// Spans a second, from the median round of about two seconds of them.
fn measure(mut decode: impl FnMut() -> usize) -> f64 {
    let mut rounds = Vec::new();
    let began = Instant::now();
    while began.elapsed() < MEASURED {
        let round = Instant::now();
        black_box(decode());
        rounds.push(round.elapsed());
    }
    rounds.sort_unstable();
    SPANS as f64 / rounds[rounds.len() / 2].as_secs_f64()
}

fn compressed(body: &Bytes) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).expect("into memory");
    Bytes::from(encoder.finish().expect("into memory"))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn request() -> ExportTraceServiceRequest {
    let group = |resource: u64| {
        let spans = (0..SPANS).filter(|span| span % RESOURCES == resource).map(span).collect();
        let scope =
            InstrumentationScope { name: "shop.checkout".into(), version: "1.4.0".into(), ..Default::default() };
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, schema_url: String::new() }];
        ResourceSpans { resource: Some(origin(resource)), scope_spans, schema_url: String::new() }
    };
    ExportTraceServiceRequest { resource_spans: (0..RESOURCES).map(group).collect() }
}

fn origin(resource: u64) -> Resource {
    let attributes = vec![
        text("service.name", format!("service-{}", resource % 12)),
        text("service.version", "1.42.0"),
        text("service.instance.id", format!("f66abda1-2f84-4ae9-b5cc-{resource:012x}")),
        text("deployment.environment.name", "production"),
        text("host.name", format!("node-{resource}.internal")),
        attribute("process.pid", Value::IntValue(4_000 + resource as i64)),
        text("telemetry.sdk.language", "rust"),
        text("telemetry.sdk.version", "0.31.0"),
    ];
    Resource { attributes, ..Default::default() }
}

fn span(number: u64) -> Span {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut attributes = vec![
        text("http.request.method", "GET"),
        text("url.path", format!("/api/orders/{}/items", number * 37)),
        text("server.address", "orders.internal"),
        attribute("http.response.status_code", Value::IntValue(200 + (number % 3) as i64)),
        attribute("server.port", Value::IntValue(8080)),
        attribute("app.cache.hit", Value::BoolValue(number.is_multiple_of(2))),
        attribute("app.score", Value::DoubleValue(number as f64 * 0.37)),
        text("user.id", format!("{mixed:016x}")),
    ];
    attributes.extend(
        (0..number % 7).map(|extra| text(&format!("app.detail.{extra}"), format!("detail {extra} of {number}"))),
    );
    let exception = Event {
        time_unix_nano: 1_795_252_442_000_000_000 + number,
        name: "exception".into(),
        attributes: vec![text("exception.type", "TimeoutError"), text("exception.stacktrace", "at frame ".repeat(110))],
        dropped_attributes_count: 0,
    };
    Span {
        trace_id: (u128::from(mixed) << 64 | 7).to_be_bytes().to_vec(),
        span_id: mixed.to_be_bytes().to_vec(),
        parent_span_id: if number.is_multiple_of(8) { vec![] } else { (mixed ^ 2).to_be_bytes().to_vec() },
        name: format!("GET /api/orders/{}", number % 40),
        kind: 2 + (number % 2) as i32,
        start_time_unix_nano: 1_795_252_442_000_000_000 + number * 1_000,
        end_time_unix_nano: 1_795_252_442_000_000_000 + number * 3_000,
        attributes,
        events: if number.is_multiple_of(20) { vec![exception] } else { vec![] },
        status: number.is_multiple_of(20).then(|| Status { message: "deadline exceeded".into(), code: 2 }),
        flags: 257,
        ..Default::default()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json_attributes(attributes: &[KeyValue]) -> Json {
    let value = |value: &AnyValue| match &value.value {
        Some(Value::StringValue(text)) => json!({"stringValue": text}),
        Some(Value::IntValue(number)) => json!({"intValue": number.to_string()}),
        Some(Value::BoolValue(value)) => json!({"boolValue": value}),
        Some(Value::DoubleValue(number)) => json!({"doubleValue": number}),
        _ => json!({}),
    };
    attributes.iter().map(|pair| json!({"key": pair.key, "value": pair.value.as_ref().map(value)})).collect()
}

fn json_span(span: &Span) -> Json {
    let event = |event: &Event| {
        let time = event.time_unix_nano.to_string();
        json!({"timeUnixNano": time, "name": event.name, "attributes": json_attributes(&event.attributes)})
    };
    json!({
        "traceId": hex(&span.trace_id), "spanId": hex(&span.span_id), "parentSpanId": hex(&span.parent_span_id),
        "name": span.name, "kind": span.kind, "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano.to_string(), "attributes": json_attributes(&span.attributes),
        "events": span.events.iter().map(event).collect::<Vec<_>>(), "links": [], "flags": span.flags,
        "droppedAttributesCount": 0, "droppedEventsCount": 0, "droppedLinksCount": 0,
        "status": span.status.as_ref().map_or(json!({"code": 0}), |status| json!({"code": status.code, "message": status.message})),
    })
}

fn json_request(request: &ExportTraceServiceRequest) -> Json {
    let scope_spans = |group: &ScopeSpans| {
        let spans: Vec<Json> = group.spans.iter().map(json_span).collect();
        json!({"scope": {"name": "shop.checkout", "version": "1.4.0"}, "spans": spans})
    };
    let resource_spans = |group: &ResourceSpans| {
        let resource =
            group.resource.as_ref().map(|resource| json!({"attributes": json_attributes(&resource.attributes)}));
        json!({"resource": resource, "scopeSpans": group.scope_spans.iter().map(scope_spans).collect::<Vec<_>>()})
    };
    json!({"resourceSpans": request.resource_spans.iter().map(resource_spans).collect::<Vec<_>>()})
}
