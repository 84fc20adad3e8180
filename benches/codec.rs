//! How fast records become bytes and back, and how many bytes: `cargo bench --bench codec`.
//!
//! The spans are those of the [`shop`] of the whole-server benchmark. Everything runs on one thread; each figure is the
//! best of several rounds. `-- --columns` says how many bytes of a span each column takes.

#![allow(clippy::print_stdout, missing_docs)]
#![allow(dead_code, reason = "other benchmarks use the rest")]

#[path = "shared/random.rs"]
mod random;
#[path = "end_to_end/shop.rs"]
mod shop;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;
use shop::{BATCH, Shop};
use tracehub::decode::body::MediaType;
use tracehub::decode::otlp::traces;
use tracehub::model::{Nanos, Record, RecordKind, Span, TraceId};
use tracehub::store::sqlite::codec::{
    BlockIndex, CodecError, ColumnSource, Segment, WantedRows, block_range, decode_inbox, prepare, read_records,
    read_spans_for_stats, seal, seal_span_payloads, traces_with_attribute,
};

const SEGMENT: usize = 16_384;
const ROUNDS: usize = 15;

fn main() {
    const SPANS: RecordKind = RecordKind::Spans;
    let decoded = |body: Vec<u8>| traces(&Bytes::from(body), MediaType::Protobuf).expect("own spans").batch.spans;
    let as_records = |spans: Vec<Span>| spans.into_iter().map(Record::Span).collect::<Vec<_>>();
    // The first traces lack what would have lain before them.
    let bodies = Shop::new().skip(SEGMENT / BATCH).take(SEGMENT / BATCH);
    let batches: Vec<Vec<Record>> = bodies.map(|body| as_records(decoded(body))).collect();
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
