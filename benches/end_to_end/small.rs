//! The small records of applications: checkpoints in tens, and log entries in compressed fifties with errors among them.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::process::{Server, Usage};
use crate::random::mix;
use crate::sender::{Encoding, send};
use crate::{new_file, say};

/// Requests of each kind.
const REQUESTS: u64 = 2_000;
const CHECKPOINTS: u64 = 10;
const ENTRIES: u64 = 50;
/// 2026-11-21, milliseconds.
const BEGIN_MS: u64 = 1_795_219_200_000;

/// Sends both kinds, each to a server of its own.
pub async fn run(program: &str, rules: Option<&str>, limit: f64) {
    let checkpoints = (0..REQUESTS).map(|request| checkpoints(request * CHECKPOINTS)).collect();
    let kind = Kind { name: "checkpoints in tens", path: "/ingest", encoding: Encoding::Json, each: CHECKPOINTS };
    measure(program, rules, limit, kind, checkpoints).await;
    let entries: Vec<Bytes> = (0..REQUESTS).map(|request| entries(request * ENTRIES)).collect();
    let entries = entries.iter().map(|body| Encoding::JsonGzip.encode(body)).collect();
    let kind = Kind {
        name: "log entries in fifties, gzip",
        path: "/api/v1/ingest",
        encoding: Encoding::JsonGzip,
        each: ENTRIES,
    };
    measure(program, rules, limit, kind, entries).await;
}

struct Kind {
    name: &'static str,
    path: &'static str,
    encoding: Encoding,
    each: u64,
}

async fn measure(program: &str, rules: Option<&str>, limit: f64, kind: Kind, bodies: Vec<Bytes>) {
    let (_folder, file) = new_file();
    let server = Server::start(program, &file, rules);
    let usage = Usage::begin(server.pid());
    let sent = send(&server.url(kind.path), kind.encoding, bodies).await;
    assert_eq!(sent.refused, 0, "requests were refused");
    let records = (sent.requests() as u64 * kind.each) as f64;
    let rate = records / sent.took.as_secs_f64();
    println!("{:<46} {rate:>9.0} records/s, {:.2} of the blobs' spans", kind.name, rate / limit);
    say("  CPU a record", usage.cpu_seconds() * 1e6 / records, "us");
    server.stop();
    say("  file", std::fs::metadata(&file).expect("a file").len() as f64 / records, "bytes/record");
}

/// Five hops of a request, each entered and left.
fn checkpoints(first: u64) -> Bytes {
    const SOURCES: [&str; 5] = ["MA", "WS", "WK", "VM", "MB"];
    const OPERATIONS: [&str; 3] = ["REST", "WS", "RPC"];
    let checkpoint = |number: u64| {
        let step = number % 10;
        let hop = if step < 5 { step } else { 9 - step };
        let mixed = mix(number);
        json!({
            "source_id": SOURCES[hop as usize],
            "correlation_id": format!("bench-{:08x}", number / 10),
            "timestamp": (BEGIN_MS + number) as f64,
            "suffix": format!("{:06x}", number & 0xff_ffff),
            "direction": if step < 5 { "->" } else { "<-" },
            "operation": OPERATIONS[(hop % 3) as usize],
            "endpoint": format!("/api/v1/orders/{}", mixed % 10_000),
            "data": {
                "user_id": mixed % 5_000,
                "status": if mixed.is_multiple_of(50) { 500 } else { 200 },
                "elapsed_ms": (mixed % 9_000) as f64 / 10.0,
                "params": { "page": mixed % 20, "region": "eu-west-1" },
            },
            "hostname": format!("node-{:02}", mixed % 20),
        })
    };
    let traces: Vec<Value> = (first..first + CHECKPOINTS).map(checkpoint).collect();
    Bytes::from(json!({ "traces": traces }).to_string())
}

/// Entries of an application, one in twenty with a stack trace.
fn entries(first: u64) -> Bytes {
    const MODULES: [&str; 4] = ["auth", "cart", "billing", "search"];
    let entry = |number: u64| {
        let mixed = mix(number);
        let level = match mixed % 100 {
            0..5 => "ERROR",
            5..15 => "WARN",
            15..75 => "INFO",
            _ => "DEBUG",
        };
        let time = jiff::Timestamp::from_millisecond((BEGIN_MS + number) as i64).expect("a time");
        let mut entry = json!({
            "level": level,
            "message": format!("order {} for user {} took {} ms", mixed % 1_000_000, mixed % 5_000, mixed % 900),
            "timestamp": time.to_string(),
            "service": format!("svc-{:02}", mixed % 50),
            "environment": if mixed.is_multiple_of(10) { "staging" } else { "production" },
            "host": format!("node-{:02}", mixed % 20),
            "pid": 1_000 + mixed % 64,
            "thread_id": format!("ThreadPoolExecutor-0_{}", mixed % 8),
            "sdk_version": "1.2.0",
            "trace_id": format!("bench-{:016x}", mix(number / 10)),
            "module": MODULES[(mixed >> 8) as usize % MODULES.len()],
            "extra": { "region": "eu-west-1", "attempt": mixed % 3, "sku": format!("SKU-{}", mixed % 2_000) },
        });
        if level == "ERROR" {
            let message = format!("could not reach upstream {}", mixed % 40);
            entry["error_type"] = json!("ConnectionError");
            entry["stack_trace"] = json!(stack_trace(&message));
            entry["error_message"] = json!(message);
        }
        entry
    };
    Bytes::from(Value::Array((first..first + ENTRIES).map(entry).collect()).to_string())
}

fn stack_trace(message: &str) -> String {
    let mut text = String::from("Traceback (most recent call last):\n");
    for frame in 0..8 {
        let line = 40 + frame * 17;
        let lines = format!(
            "  File \"/srv/app/module_{frame}.py\", line {line}, in step_{frame}\n    return self.call_{frame}(request)"
        );
        let _ = writeln!(text, "{lines}");
    }
    text + "ConnectionError: " + message
}
