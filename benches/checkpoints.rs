//! How fast the SQLite backend takes checkpoints, and how many bytes it needs beside the table of the published Python
//! server with the same rows: `cargo bench --bench checkpoints [records]`.
//!
//! The records look like a control panel's: eight components, forty endpoints, eight checkpoints a request, of which
//! two have a payload, times as a Python clock gives them and four random characters of suffix. Four tasks write
//! batches of 100 or of 10, each with records of several requests, and a batch is answered when it is on disk.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "shared/random.rs"]
mod random;
mod shared;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use random::mix;
use shared::{asked_for, file, in_tasks, rate, size, time};
use tracehub::model::{
    Batch, Checkpoint, Direction, RecordFilter, RecordKind, Sort, StatsBy, StatsQuery, Text, TraceId, TraceQuery,
};
use tracehub::store::sqlite::{Options, Sqlite};
use tracehub::store::{Backend, Feed, Sink};

const PER_REQUEST: u64 = 8;
/// Requests that are under way at once.
const WINDOW: u64 = 32;
/// 2026-11-21.
const BEGIN_MS: f64 = 1_795_219_200_000.0;
/// Rows of the Python server's table; its size per row does not depend on how many there are.
const PYTHON_ROWS: u64 = 200_000;
/// Its schema, word for word.
const PYTHON_SCHEMA: &str = "
CREATE TABLE traces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id TEXT NOT NULL, correlation_id TEXT NOT NULL, timestamp REAL NOT NULL, suffix TEXT NOT NULL,
    direction TEXT NOT NULL, operation TEXT NOT NULL, endpoint TEXT NOT NULL, data TEXT, hostname TEXT, raw_line TEXT,
    created_at REAL DEFAULT (strftime('%s', 'now')),
    UNIQUE(correlation_id, timestamp, suffix));
CREATE INDEX idx_correlation_id ON traces(correlation_id);
CREATE INDEX idx_timestamp ON traces(timestamp);
CREATE INDEX idx_source_id ON traces(source_id);";

fn main() {
    let count = asked_for(1_200_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        write_all(count, 10).await;
        write_all(count, 100).await;
    });
    python(count.min(PYTHON_ROWS));
}

async fn write_all(count: u64, batch: u64) {
    let (_folder, path) = file("bench.db");
    let store = Sqlite::open_for_writing(path.clone(), Options::default()).await.expect("opened");
    let (begin, writer) = (Instant::now(), Arc::clone(&store));
    in_tasks(count.div_ceil(batch), move |number| {
        let store = Arc::clone(&writer);
        async move {
            let checkpoints = (number * batch..(number + 1) * batch).map(checkpoint).collect();
            let written = store.write(Batch { checkpoints, ..Batch::default() }).await.expect("written");
            assert_eq!(written.accepted, batch);
            batch
        }
    })
    .await;
    rate(&format!("write in batches of {batch}, each on disk"), count, "records", begin);
    let again = Batch { checkpoints: (0..batch).map(checkpoint).collect(), ..Batch::default() };
    assert_eq!(store.write(again).await.expect("written").accepted, 0);
    store.seal_now().await.expect("sealed");
    store.close().await.expect("closed");
    let bytes = std::fs::metadata(&path).expect("file").len();
    size("file", bytes, count, "record");
    parts(&path, count);
    read(&path, count).await;
}

/// Which tables the bytes are in.
fn parts(path: &Path, count: u64) {
    let connection = rusqlite::Connection::open(path).expect("opened");
    let sums = [
        ("columns", "SELECT SUM(length(data)) FROM segment_columns"),
        (
            "arrivals, filters, indexes of segments",
            "SELECT SUM(length(arrivals) + length(trace_filter) + length(blocks)) FROM segments",
        ),
        ("folds of traces", "SELECT SUM(length(fold)) FROM traces"),
    ];
    for (name, sql) in sums {
        let bytes: i64 = connection.query_row(sql, [], |row| row.get(0)).expect("summed");
        println!("  {name:<44} {:>9.1} bytes/record", bytes as f64 / count as f64);
    }
    let free: i64 = connection.query_row("PRAGMA freelist_count", [], |row| row.get(0)).expect("counted");
    println!("  {:<44} {:>9.1} bytes/record", "unused pages", (free * 16_384) as f64 / count as f64);
    if std::env::args().any(|argument| argument == "--columns") {
        let sql = "SELECT name, SUM(length(data)) FROM segment_columns GROUP BY name ORDER BY 2 DESC";
        let mut select = connection.prepare(sql).expect("prepared");
        let mut rows = select.query([]).expect("read");
        while let Some(row) = rows.next().expect("read") {
            let (name, bytes): (String, i64) = (row.get(0).expect("name"), row.get(1).expect("sum"));
            println!("    {name:<42} {:>9.2} bytes/record", bytes as f64 / count as f64);
        }
    }
}

async fn read(path: &Path, count: u64) {
    let store = Sqlite::open_for_reading(path.to_owned()).await.expect("opened");
    let timed = |name: &str, begin: Instant| time(name, begin, "");
    let kind = Some(RecordKind::Checkpoints);
    let begin = Instant::now();
    let newest = TraceQuery { kind, sort: Sort::Received, limit: 50, ..TraceQuery::default() };
    assert_eq!(store.traces(&newest).await.expect("listed").items.len(), 50);
    timed("list the 50 received last", begin);
    let id = TraceId::parse(&correlation_id(count / PER_REQUEST / 2)).expect("valid");
    let begin = Instant::now();
    assert!(store.trace(&id).await.expect("read").is_some());
    timed("show one trace", begin);
    let filter = RecordFilter { kind, trace: Some(id), ..RecordFilter::default() };
    let begin = Instant::now();
    let (mut found, mut after) = (0, None);
    loop {
        let chunk = store.scan(&filter, after.as_ref(), 1_000, Duration::ZERO).await.expect("scanned");
        found += chunk.batch.checkpoints.len();
        if chunk.at_end {
            break;
        }
        after = Some(chunk.next);
    }
    assert!(found > 0);
    timed("scan one trace", begin);
    let begin = Instant::now();
    let place = store.place(&RecordFilter { kind, ..RecordFilter::default() }, 1_000).await.expect("found");
    assert!(place.is_some());
    timed("find the newest 1000", begin);
    for by in [StatsBy::Operation, StatsBy::Source] {
        let begin = Instant::now();
        let stats = store.stats(&StatsQuery { by, ..StatsQuery::default() }).await.expect("stats");
        assert_eq!(stats.checkpoints, count);
        timed(&format!("stats by {}", by.as_str()), begin);
    }
}

fn python(count: u64) {
    let (_folder, path) = file("python.db");
    let mut connection = rusqlite::Connection::open(&path).expect("opened");
    connection.execute_batch(PYTHON_SCHEMA).expect("created");
    let transaction = connection.transaction().expect("begun");
    {
        let mut insert = transaction
            .prepare(
                "INSERT INTO traces(source_id, correlation_id, timestamp, suffix, direction, operation, endpoint, data,
                                    hostname) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .expect("prepared");
        for one in (0..count).map(checkpoint) {
            insert
                .execute(rusqlite::params![
                    one.source_id.as_str(),
                    one.correlation_id.as_str(),
                    one.timestamp_ms,
                    one.suffix.as_str(),
                    one.direction.as_str(),
                    one.operation.as_str(),
                    one.endpoint.as_str(),
                    one.data.as_deref(),
                    one.hostname.as_str(),
                ])
                .expect("inserted");
        }
    }
    transaction.commit().expect("committed");
    drop(connection);
    let bytes = std::fs::metadata(&path).expect("file").len();
    size("the Python server's file, same rows", bytes, count, "record");
}

fn correlation_id(request: u64) -> String {
    let random = mix(request);
    format!("cli-{:05}-{:08x}", random % 100_000, random >> 32)
}

/// Record number `place` in the order they are sent: the requests of a window take turns.
fn checkpoint(place: u64) -> Checkpoint {
    const SOURCES: [&str; 8] = ["MA", "WS", "WK", "DB", "GW", "AU", "CA", "MQ"];
    const OPERATIONS: [&str; 4] = ["REST", "WS", "DB", "TASK"];
    let per_window = WINDOW * PER_REQUEST;
    let (window, inside) = (place / per_window, place % per_window);
    let (request, step) = (window * WINDOW + inside % WINDOW, inside / WINDOW);
    let random = mix(place);
    // Enters four components, one inside the other, and leaves them again.
    let depth = if step < PER_REQUEST / 2 { step } else { PER_REQUEST - 1 - step };
    let endpoint = mix(request * 4 + depth) % 40;
    let seconds = (BEGIN_MS + place as f64 * 0.8) / 1e3 + (random % 1_000_000) as f64 * 1e-9;
    let id = Text::from(correlation_id(request));
    Checkpoint {
        source_id: Text::from_static(SOURCES[(endpoint + depth) as usize % 8]),
        trace_id: TraceId::Text(id.clone()),
        correlation_id: id,
        timestamp_ms: seconds * 1e3,
        suffix: Text::from(format!("{:04x}", random >> 48)),
        direction: if step < PER_REQUEST / 2 { Direction::Enter } else { Direction::Exit },
        operation: Text::from_static(OPERATIONS[depth as usize]),
        endpoint: Text::from(format!("/api/v1/resource-{endpoint}/list")),
        data: (step % 4 == 1)
            .then(|| Text::from(format!("{{\"binding_id\": \"{}\", \"n\": {step}}}", random % 100_000))),
        hostname: Text::from_static("panel-worker-1"),
        raw_line: None,
        project: Text::EMPTY,
    }
}
