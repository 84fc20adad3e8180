//! What taking secrets out costs: `cargo bench --bench redact [spans]`.
//!
//! The spans are those of the [`shop`] of the whole-server benchmark, where one in nine has a token in its address.
//! Requests are decoded and written, by turns with no rules and with rules of every known kind; the figure is the CPU
//! time that the rules add. HTTP, which every request costs as well, is left out, so the share of a whole request is
//! smaller: `cargo bench --bench end_to_end -- --redact FILE` has it. Then each kind is looked for alone.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(dead_code, reason = "other benchmarks use the rest")]

#[path = "end_to_end/process.rs"]
mod process;
#[path = "shared/random.rs"]
mod random;
mod shared;
#[path = "end_to_end/shop.rs"]
mod shop;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use process::Usage;
use shared::{asked_for, file};
use shop::{BATCH, Shop};
use tracehub::decode::body::MediaType;
use tracehub::decode::otlp::traces;
use tracehub::model::Batch;
use tracehub::store::Backend;
use tracehub::store::redact::{KINDS, Redaction, Rules, redacting};
use tracehub::store::sqlite::{Options, Sqlite};

const ROUNDS: usize = 6;
/// Requests that are looked through for one kind alone.
const FEW: usize = 40;

fn main() {
    let count = asked_for(200_000) as usize;
    let bodies: Vec<Bytes> = Shop::new().take((count / BATCH / ROUNDS).max(1)).map(Bytes::from).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    runtime.block_on(run(&bodies));
    let few = bodies.get(..FEW).unwrap_or(&bodies);
    for kind in KINDS {
        let (_folder, path) = file("rules.toml");
        std::fs::write(&path, format!("[[rule]]\nkinds = [\"{}\"]\n", kind.name)).expect("written");
        let took = look_through(few, &Redaction::new(Rules::read(&path).expect("rules")));
        println!("  {:<44} {:>9.0} ns a span", kind.name, took);
    }
}

async fn run(bodies: &[Bytes]) {
    let redaction = Arc::new(Redaction::new(Rules::all_kinds()));
    println!("{:<46} {:>9.0} ns a span", "look through spans, one thread", look_through(bodies, &redaction));
    let (mut plain, mut redacted) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        plain += write(bodies, None).await;
        redacted += write(bodies, Some(&redaction)).await;
    }
    let spans = (bodies.len() * BATCH * ROUNDS) as f64;
    println!("{:<46} {:>9.2} us CPU a span", "decode and write, each batch on disk", plain * 1e6 / spans);
    println!("{:<46} {:>9.2} us CPU a span", "the same with rules of every kind", redacted * 1e6 / spans);
    println!("{:<46} {:>9.1} %", "rules add", (redacted / plain - 1.0) * 100.0);
}

fn decoded(body: &Bytes) -> Batch {
    traces(body, MediaType::Protobuf).expect("a request").batch
}

/// Nanoseconds a span, on one thread; the better of two runs.
fn look_through(bodies: &[Bytes], redaction: &Redaction) -> f64 {
    let run = || {
        let mut took = Duration::ZERO;
        for body in bodies {
            let mut batch = decoded(body);
            let begin = Instant::now();
            redaction.redact(&mut batch);
            took += begin.elapsed();
        }
        took.as_nanos() as f64 / (bodies.len() * BATCH) as f64
    };
    run().min(run())
}

/// Decodes requests and writes them into a new file, four at a time, and says how many seconds of CPU that took.
async fn write(bodies: &[Bytes], redaction: Option<&Arc<Redaction>>) -> f64 {
    let (_folder, path) = file("bench.db");
    let mut store: Arc<dyn Backend> = Sqlite::open_for_writing(path, Options::default()).await.expect("opened");
    if let Some(redaction) = redaction {
        store = redacting(store, Arc::clone(redaction)).await.expect("a salt");
    }
    let usage = Usage::begin(std::process::id());
    let tasks = (0..4).map(|share| {
        let share: Vec<Bytes> = bodies.iter().skip(share).step_by(4).cloned().collect();
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for body in share {
                store.sink().expect("a sink").write(decoded(&body)).await.expect("written");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("done");
    }
    store.close().await.expect("closed");
    usage.cpu_seconds()
}
