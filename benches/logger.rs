//! What a call of the logger costs the program, while the records are delivered to a local sink:
//! `cargo bench --bench logger [calls]`.
//!
//! Each call is timed by itself with the clock of the system, whose own cost is measured and printed, not subtracted.
//! One thread alone, and four that contend for the ring; a plain message, and one with a module and two extra values.
//! A call ends when the record is in the ring. On two busy cores a message takes about 0.25 µs at p50 and 1.8 µs at
//! p99, with one thread and with four; module and extra values make it 0.35 to 0.45 µs and 2 to 5 µs.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use tracehub::client::Logger;

const CALLS: usize = 200_000;
/// So many calls, then a pause, as of a program that also works: about 200 000 calls a second.
const BURST: usize = 100;
const PAUSE: Duration = Duration::from_micros(500);

fn main() {
    let calls = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(CALLS);
    let sink = sink();
    print("clock alone", &mut (0..calls).map(|_| timed(|| ())).collect::<Vec<_>>());
    for threads in [1, 4] {
        run(&format!("message, {threads} thread(s)"), &sink, threads, calls, |logger, number| {
            logger.info(black_box("order placed and paid by a customer who will be back"));
            black_box(number);
        });
        run(&format!("module and 2 extra, {threads} thread(s)"), &sink, threads, calls, |logger, number| {
            logger.info(black_box("order placed")).module("orders").extra("order_id", number).extra("tier", "gold");
        });
    }
}

fn run(name: &str, sink: &str, threads: usize, calls: usize, call: impl Fn(&Logger, usize) + Sync) {
    let logger = Logger::builder("th_key", "bench", "bench").endpoint(sink).batch_size(1_000).max_buffer(1 << 20);
    let logger = logger.without_dlq().build().expect("a logger");
    (0..calls / 10).for_each(|number| call(&logger, number));
    let begin = Instant::now();
    let each = calls / threads;
    let mut nanos: Vec<u64> = thread::scope(|scope| {
        let (logger, call) = (&logger, &call);
        let work = move || {
            let mut nanos = Vec::with_capacity(each);
            for number in 0..each {
                nanos.push(timed(|| call(logger, number)));
                if number % BURST == BURST - 1 {
                    thread::sleep(PAUSE);
                }
            }
            nanos
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    let seconds = begin.elapsed().as_secs_f64();
    print(name, &mut nanos);
    let report = logger.close(Duration::from_secs(60));
    println!("    {:.0} calls/s, {} sent, {} dropped", nanos.len() as f64 / seconds, report.sent, report.dropped);
}

fn timed(work: impl FnOnce()) -> u64 {
    let begin = Instant::now();
    work();
    u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn print(name: &str, nanos: &mut [u64]) {
    nanos.sort_unstable();
    let at = |share: f64| nanos.get(((nanos.len() - 1) as f64 * share) as usize).copied().unwrap_or_default();
    println!("{name:<34} p50 {:>6} ns   p99 {:>7} ns   p99.9 {:>8} ns", at(0.5), at(0.99), at(0.999));
}

/// A server that takes everything.
fn sink() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || swallow(BufReader::new(connection)));
        }
    });
    url
}

fn swallow(mut reader: BufReader<TcpStream>) -> Option<()> {
    let mut line = String::new();
    let mut length = 0;
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            reader.read_exact(&mut vec![0; length]).ok()?;
            reader.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").ok()?;
        }
    }
}
