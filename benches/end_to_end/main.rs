//! What a whole server does with what clients send: `cargo bench --bench end_to_end -- [options]`.
//!
//! The real server is started on a new file; four connections, each with one request under way, send the data of a
//! [`shop`] over HTTP, gzip and gRPC, then checkpoints and logs. Each answer means that the request is on disk. Beside it
//! stand the limits of this machine measured in the same run: SQLite storing the same requests as blobs, and a walk over
//! their bytes. Machines differ by more than twice from one day to the next, so ratios to those limits are what counts.
//!
//! - `--spans N`: how many, 400,384 unless told; 10,000,000 makes the growth curve.
//! - `--server PATH`: another build of tracehub, to compare with.
//! - `--redact FILE`: has the server take secrets out by these rules.
//! - `--peer URL`: sends the same requests over HTTP to any OTLP server's `/v1/traces`, and nothing else.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod process;
#[path = "../shared/random.rs"]
mod random;
mod sender;
mod shop;
mod small;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::Connection;

use process::{Server, Usage};
use sender::{Encoding, Sent, send};
use shop::{BATCH, Shop};

/// Parts of the run whose speeds are told one by one.
const PARTS: usize = 10;
/// Requests that are made and held at once, so that making them is not measured.
const HELD: usize = 800;
/// Runs of a command, of which the median counts.
const RUNS: usize = 5;

struct Options {
    spans: usize,
    server: String,
    redact: Option<String>,
    peer: Option<String>,
}

fn main() {
    let options = options();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(&options));
}

fn options() -> Options {
    let mut words = std::env::args().skip(1);
    let server = env!("CARGO_BIN_EXE_tracehub").to_owned();
    let mut options = Options { spans: 400_384, server, redact: None, peer: None };
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("`{word}` needs a value"));
        match word.as_str() {
            "--spans" => options.spans = value().parse().expect("a number of spans"),
            "--server" => options.server = value(),
            "--redact" => options.redact = Some(value()),
            "--peer" => options.peer = Some(value()),
            "--bench" => {}
            other => panic!("no option `{other}`"),
        }
    }
    options
}

async fn run(options: &Options) {
    let batches = options.spans.div_ceil(BATCH);
    if let Some(peer) = &options.peer {
        let bodies: Vec<Bytes> = Shop::new().take(batches).map(Bytes::from).collect();
        let sent = send(peer, Encoding::Plain, bodies).await;
        return say_sent("peer, OTLP/HTTP", &sent, None);
    }
    let few: Vec<Bytes> = Shop::new().take(batches.min(HELD)).map(Bytes::from).collect();
    let bytes: usize = few.iter().map(Bytes::len).sum();
    say("bytes of a span as protobuf", bytes as f64 / (few.len() * BATCH) as f64, "bytes");
    let limit = blobs(&few);
    say("limit: SQLite, requests as blobs, each synced", limit, "spans/s");
    say("limit: a walk over the bytes", walk(&few), "spans/s");
    spans_over_http(options, batches, limit).await;
    for (name, encoding) in [("OTLP/HTTP, gzip", Encoding::Gzip), ("OTLP/gRPC", Encoding::Grpc)] {
        let (_folder, file) = new_file();
        let server = Server::start(&options.server, &file, options.redact.as_deref());
        let usage = Usage::begin(server.pid());
        let bodies = few.iter().map(|body| encoding.encode(body)).collect();
        let sent = send(&server.url(encoding.path()), encoding, bodies).await;
        say_sent(name, &sent, Some(limit));
        say("  CPU a span", usage.cpu_seconds() * 1e6 / sent.spans() as f64, "us");
    }
    small::run(&options.server, options.redact.as_deref(), limit).await;
}

/// The main part: all spans, part by part, what they cost, and what reading them takes.
async fn spans_over_http(options: &Options, batches: usize, limit: f64) {
    let (_folder, file) = new_file();
    let server = Server::start(&options.server, &file, options.redact.as_deref());
    say("memory, idle", server.peak_memory_mib(), "MiB");
    let (mut shop, mut all) = (Shop::new().take(batches), Sent::default());
    let whole = Usage::begin(server.pid());
    let size = batches.div_ceil(PARTS).min(HELD);
    loop {
        let bodies: Vec<Bytes> = shop.by_ref().take(size).map(Bytes::from).collect();
        if bodies.is_empty() {
            break;
        }
        let usage = Usage::begin(server.pid());
        let sent = send(&server.url("/v1/traces"), Encoding::Plain, bodies).await;
        let spans = sent.spans() as f64;
        let told = [
            format!("{:>9.0} spans/s", spans / sent.took.as_secs_f64()),
            format!("{:>5.1} us CPU", usage.cpu_seconds() * 1e6 / spans),
            format!("{:>5.0} B written a span", usage.written_bytes() as f64 / spans),
        ];
        println!("  to {:>9} spans {:>27}", all.spans() + sent.spans(), told.join("  "));
        all.add(sent);
    }
    say_sent("OTLP/HTTP", &all, Some(limit));
    say("peak memory", server.peak_memory_mib(), "MiB");
    let spans = all.spans() as f64;
    // Merging goes on after the last request; its cost belongs to the spans.
    whole.until_idle(Duration::from_secs(60)).await;
    say("CPU a span, merges included", whole.cpu_seconds() * 1e6 / spans, "us");
    say("written a span, merges included", whole.written_bytes() as f64 / spans, "bytes");
    server.stop();
    say("file, sealed", std::fs::metadata(&file).expect("a file").len() as f64 / spans, "bytes/span");
    commands(&options.server, &file);
}

/// What a command takes in a process of its own, beyond a process that only says its version.
fn commands(program: &str, file: &Path) {
    let version = median(program, file, &["--version"]);
    let id = id_of_a_trace(program, file);
    let lines: [(&str, &[&str]); 8] = [
        ("list", &["list", "--limit", "20"]),
        ("show", &["show", &id]),
        ("list --service --failed", &["list", "--service", "svc-07", "--failed"]),
        ("list --min-duration 1s", &["list", "--min-duration", "1s"]),
        ("list --sort duration", &["list", "--sort", "duration"]),
        ("list --attr", &["list", "--attr", "db.rows=17"]),
        ("stats", &["stats"]),
        ("issues", &["issues"]),
    ];
    println!("{:<46} {version:>9.1} ms", "--version");
    for (name, args) in lines {
        println!("{name:<46} {:>9.1} ms beyond --version", (median(program, file, args) - version).max(0.0));
    }
}

fn id_of_a_trace(program: &str, file: &Path) -> String {
    let output =
        Command::new(program).args(["list", "--limit", "50", "-q", "--db"]).arg(file).output().expect("listed");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().last().expect("a trace").to_owned()
}

fn median(program: &str, file: &Path, args: &[&str]) -> f64 {
    let run = |_| {
        let begin = Instant::now();
        let output = Command::new(program).args(args).env("TRACEHUB_DB", file).output().expect("the program runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        begin.elapsed().as_secs_f64() * 1e3
    };
    let mut times: Vec<f64> = (0..RUNS).map(run).collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// Spans a second that SQLite stores when each request is one blob in a transaction of its own.
fn blobs(bodies: &[Bytes]) -> f64 {
    let (_folder, file) = new_file();
    let connection = Connection::open(file).expect("a database");
    let pragmas = "PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
        CREATE TABLE requests(number INTEGER PRIMARY KEY, body BLOB NOT NULL);";
    connection.execute_batch(pragmas).expect("a table");
    let begin = Instant::now();
    for body in bodies {
        connection.execute("INSERT INTO requests(body) VALUES (?1)", [&body[..]]).expect("stored");
    }
    (bodies.len() * BATCH) as f64 / begin.elapsed().as_secs_f64()
}

/// Spans a second whose fields are gone past, without keeping any.
fn walk(bodies: &[Bytes]) -> f64 {
    let begin = Instant::now();
    // requests > resource spans > scope spans > spans > attributes, events > values
    let fields: usize = bodies.iter().map(|body| fields_within(body, 7)).sum();
    assert!(fields > bodies.len());
    (bodies.len() * BATCH) as f64 / begin.elapsed().as_secs_f64()
}

/// How many fields a protobuf message has, and messages within it as deep as told, where its bytes look like such.
fn fields_within(mut bytes: &[u8], depth: usize) -> usize {
    let mut fields = 0;
    while let Some((tag, rest)) = varint(bytes) {
        bytes = rest;
        let length = match tag & 7 {
            0 => match varint(bytes) {
                Some((_, rest)) => bytes.len() - rest.len(),
                None => return fields,
            },
            1 => 8,
            5 => 4,
            2 => match varint(bytes) {
                Some((length, rest)) => {
                    bytes = rest;
                    length as usize
                }
                None => return fields,
            },
            _ => return fields,
        };
        let Some((field, rest)) = bytes.split_at_checked(length) else { return fields };
        fields += 1 + if tag & 7 == 2 && depth > 0 { fields_within(field, depth - 1) } else { 0 };
        bytes = rest;
    }
    fields
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

/// A folder on the disk of the build, not in memory as `/tmp` often is, and a file in it that is not there yet.
fn new_file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let file = folder.path().join("bench.db");
    (folder, file)
}

fn say(name: &str, value: f64, unit: &str) {
    let digits = if value < 1000.0 { 1 } else { 0 };
    println!("{name:<46} {value:>9.digits$} {unit}");
}

fn say_sent(name: &str, sent: &Sent, limit: Option<f64>) {
    let rate = sent.spans() as f64 / sent.took.as_secs_f64();
    let ratio = limit.map(|limit| format!(", {:.2} of the blobs", rate / limit)).unwrap_or_default();
    println!("{name:<46} {rate:>9.0} spans/s{ratio}");
    println!("  answered after, p50 and p99 {:>27.1} {:.1} ms", sent.percentile(50.0), sent.percentile(99.0));
    assert_eq!(sent.refused, 0, "requests were refused");
}
