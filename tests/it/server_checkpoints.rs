//! The checkpoint API beyond what the recordings show: captured clients, live streams, restarts, hostile senders.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tracehub::model::{RecordFilter, TraceId};
use tracehub::store::{Error, Target};

use crate::server_support::{Answer, JSON, Server, gzip, read_all};
use crate::support::whole::Whole as _;

fn checkpoint(id: &str, number: u32) -> Json {
    json!({
        "source_id": "MA", "correlation_id": id, "timestamp": 1_795_246_123_336.5 + f64::from(number),
        "suffix": format!("{number:06}"), "direction": if number.is_multiple_of(2) { "->" } else { "<-" },
        "operation": "REST", "endpoint": "/api", "data": { "n": number }, "hostname": "h", "raw_line": null,
    })
}

async fn ingest(server: &Server, records: &[Json]) -> Json {
    let answer = server.post("/ingest", JSON, json!({ "traces": records }).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// An open stream of events.
struct Stream {
    lines: Lines<BufReader<TcpStream>>,
}

impl Stream {
    async fn open(server: &Server, path: &str, headers: &str) -> Stream {
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        let head = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.expect("room");
        let mut lines = BufReader::new(stream).lines();
        assert!(lines.next_line().await.expect("a line").expect("an answer").contains(" 200 "));
        while !lines.next_line().await.expect("a line").expect("a head").is_empty() {}
        Stream { lines }
    }

    /// The next line that is not empty and no sign of life; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            let line = self.lines.next_line().await.ok()??;
            if !line.is_empty() && !line.starts_with(':') {
                return Some(line);
            }
        }
    }

    /// Numbers of the records until one is the last.
    async fn numbers_until(&mut self, last: u32) -> Vec<u32> {
        let mut numbers = Vec::new();
        while numbers.last() != Some(&last) {
            let line = self.next().await.expect("the stream goes on");
            let record: Json = serde_json::from_str(line.strip_prefix("data: ").expect("an event")).expect("JSON");
            numbers.push(record["data"]["n"].as_u64().expect("a number") as u32);
        }
        numbers
    }
}

#[tokio::test]
pub async fn every_captured_request_of_the_published_clients_is_answered_as_they_need_it() {
    let server = Server::start_with(|config| config.secret = Some("s3cret".to_owned())).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/captures");
    for number in 19..=28 {
        let label = if number < 24 { "tracehub-0.1.0-client" } else { "kiberos-tracehub-HEAD-client-secret" };
        let read = |kind: &str| std::fs::read(folder.join(format!("{number:03}-{label}.{kind}"))).expect("a capture");
        let meta: Json = serde_json::from_slice(&read("meta.json")).expect("JSON");
        let text = |value: &Json| value.as_str().expect("text").to_owned();
        let mut request = server.request(&text(&meta["method"]), &text(&meta["path"]));
        for header in meta["headers"].as_array().expect("headers") {
            if !["Host", "Content-Length", "Connection"].contains(&text(&header[0]).as_str()) {
                request = request.header(text(&header[0]), text(&header[1]));
            }
        }
        // The older client knows no secret.
        let needs_secret = meta["method"] == "POST" && number < 24;
        if needs_secret {
            request = request.header("x-tracehub-secret", "s3cret");
        }
        let answer = Answer::of(request.body(read("body"))).await;
        assert_eq!(answer.status, 200, "{number}: {}", answer.text());
        let body = answer.json();
        match number {
            19 | 24 => assert_eq!(body, json!({ "accepted": 10, "inserted": 10, "duplicates": 0 }), "{number}"),
            20 | 25 => assert_eq!(body, json!({ "accepted": 2, "inserted": 2, "duplicates": 0 }), "{number}"),
            _ if meta["path"].as_str().is_some_and(|path| path.starts_with("/correlations")) => {
                assert!(body["count"].as_u64().is_some_and(|count| count > 0), "{number}: {body}");
            }
            _ => assert!(body["correlation_id"].is_string() && body["traces"].is_array(), "{number}: {body}"),
        }
    }
}

#[tokio::test]
pub async fn a_record_sent_again_is_a_duplicate_also_after_a_restart() {
    let server = Server::start().await;
    let records: Vec<Json> = (0..30).map(|number| checkpoint("again", number)).collect();
    assert_eq!(ingest(&server, &records).await, json!({ "accepted": 30, "inserted": 30, "duplicates": 0 }));
    let path = server.db();
    let folder = server.stop().await;
    let server = Server::start_with(|config| config.store = Target::File(path)).await;
    assert_eq!(ingest(&server, &records[..10]).await, json!({ "accepted": 10, "inserted": 0, "duplicates": 10 }));
    let trace = server.get("/traces/again").await.json();
    assert_eq!((&trace["count"], &trace["complete"]), (&json!(30), &json!(true)));
    let recent = server.get("/recent?limit=2").await.json();
    assert_eq!((&recent["traces"][1]["data"]["n"], &recent["count"]), (&json!(29), &json!(2)));
    drop((server, folder));
}

#[tokio::test]
pub async fn compressed_and_oversized_bodies_are_treated_as_everywhere() {
    let server = Server::start_with(|config| config.limits.body_bytes = 4_096).await;
    let body = gzip(json!({ "traces": [checkpoint("gzip", 1)] }).to_string().as_bytes());
    let send = |body: Vec<u8>, encoding: &str| {
        let request =
            server.request("POST", "/ingest").header("content-type", JSON).header("content-encoding", encoding);
        Answer::of(request.body(body))
    };
    assert_eq!(send(body, "gzip").await.json()["inserted"], 1);
    assert_eq!(send(gzip(&[b' '; 5_000]), "gzip").await.status, 413);
    assert_eq!(send(vec![b' '; 5_000], "identity").await.status, 413);
    assert_eq!(send(b"not gzip".to_vec(), "gzip").await.status, 400);
    assert_eq!(send(b"{}".to_vec(), "br").await.status, 415);
}

#[tokio::test]
pub async fn what_cannot_be_stored_is_to_be_sent_again_and_no_duplicate() {
    let server = Server::start().await;
    server.running.backend().close().await.expect("closed");
    for (path, body) in [("/ingest", json!({ "traces": [checkpoint("a", 1)] })), ("/ingest/single", checkpoint("a", 1))]
    {
        let answer = server.post(path, JSON, body.to_string()).await;
        assert_eq!(answer.status, 503, "{path}: {}", answer.text());
        assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
        assert!(answer.json()["detail"].is_string());
    }
    assert_eq!(server.get("/health").await.json()["status"], "degraded");
}

#[tokio::test]
pub async fn streams_opened_before_during_and_after_writes_see_each_record_once() {
    const LAST: u32 = 399;
    let server = Server::start().await;
    let mut before = Stream::open(&server, "/traces/req/with%20slash/stream?timeout=600", "").await;
    let write = async {
        for first in (0..=LAST).step_by(4) {
            let mine = (first..first + 4).map(|number| checkpoint("req/with slash", number));
            let records: Vec<Json> = mine.chain([checkpoint("other", first)]).collect();
            ingest(&server, &records).await;
        }
    };
    let watch = async {
        let mut seen = Vec::new();
        for _ in 0..8 {
            // Each of them begins wherever the writes are by now.
            let mut stream = Stream::open(&server, "/traces/req%2Fwith%20slash/stream?timeout=600", "").await;
            let first = stream.numbers_until(0).await;
            seen.push((first, stream));
        }
        seen
    };
    let ((), during) = tokio::join!(write, watch);
    let expected: Vec<u32> = (0..=LAST).collect();
    assert_eq!(before.numbers_until(LAST).await, expected);
    for (mut numbers, mut stream) in during {
        numbers.extend(stream.numbers_until(LAST).await);
        assert_eq!(numbers, expected);
    }
    let mut after = Stream::open(&server, "/traces/req/with%20slash/stream?timeout=0", "").await;
    assert_eq!(after.numbers_until(LAST).await, expected);
    assert_eq!(after.next().await.as_deref(), Some("data: {\"type\": \"timeout\"}"));
    assert_eq!(after.next().await, None);
}

#[tokio::test]
pub async fn a_browser_goes_on_where_its_stream_broke() {
    let server = Server::start().await;
    let path = "/traces/broken/stream?timeout=600";
    ingest(&server, &(0..10).map(|number| checkpoint("broken", number)).collect::<Vec<_>>()).await;
    let mut stream = Stream::open(&server, path, "Accept: text/event-stream\r\n").await;
    let mut place = String::new();
    for number in 10..13_u32 {
        ingest(&server, &[checkpoint("broken", number), checkpoint("elsewhere", number)]).await;
        loop {
            let line = stream.next().await.expect("the stream goes on");
            if let Some(id) = line.strip_prefix("id: ") {
                place = id.to_owned();
            }
            if line.contains(&format!("\"n\":{number}}}")) {
                break;
            }
        }
    }
    drop(stream);
    ingest(&server, &(13..20).map(|number| checkpoint("broken", number)).collect::<Vec<_>>()).await;
    let mut again = Stream::open(&server, path, &format!("Last-Event-ID: {place}\r\n")).await;
    ingest(&server, &[checkpoint("broken", 20)]).await;
    let mut numbers = Vec::new();
    while numbers.last() != Some(&20) {
        let line = again.next().await.expect("the stream goes on");
        if let Some(record) = line.strip_prefix("data: ") {
            numbers.push(serde_json::from_str::<Json>(record).expect("JSON")["data"]["n"].as_u64().expect("a number"));
        }
    }
    assert_eq!(numbers, (13..=20).collect::<Vec<u64>>());
    let mut foreign = Stream::open(&server, "/traces/broken/stream?timeout=0", "Last-Event-ID: nonsense!\r\n").await;
    assert_eq!(foreign.next().await.map(|line| line.contains("id: ") || line.contains("\"n\":0}")), Some(true));
}

#[tokio::test]
pub async fn a_reader_that_pauses_holds_nobody_up_and_misses_nothing() {
    const LAST: u32 = 1_999;
    let server = Server::start_with(|config| config.limits.stream_bytes = 1_000).await;
    let mut slow = Stream::open(&server, "/traces/slow/stream?timeout=600", "").await;
    let padding = "x".repeat(4_000);
    for first in (0..=LAST).step_by(20) {
        let mut records: Vec<Json> = (first..first + 20).map(|number| checkpoint("slow", number)).collect();
        records.iter_mut().for_each(|record| record["raw_line"] = json!(padding));
        ingest(&server, &records).await;
    }
    assert_eq!(slow.numbers_until(LAST).await, (0..=LAST).collect::<Vec<u32>>());
    // More than streams may hold is read bit by bit.
    let mut late = Stream::open(&server, "/traces/slow/stream?timeout=0", "").await;
    assert_eq!(late.numbers_until(LAST).await.len(), LAST as usize + 1);
}

#[tokio::test]
pub async fn a_stream_is_counted_while_it_lasts_and_ends_when_the_server_stops() {
    let server = Server::start().await;
    let subscribers = async || server.get("/stats").await.json()["subscribers"].clone();
    let first = Stream::open(&server, "/traces/a/stream", "").await;
    let mut second = Stream::open(&server, "/traces/a/stream", "").await;
    assert_eq!(subscribers().await, json!({ "active_correlations": 1, "total_queues": 2 }));
    drop(first);
    // The server notices at the next sign of life, a second later at most.
    while subscribers().await["total_queues"] != 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (folder, line) = tokio::join!(server.stop(), second.next());
    assert_eq!(line, None);
    drop(folder);
}

#[tokio::test]
pub async fn recent_forgets_what_is_deleted_and_keeps_its_numbers() {
    let server = Server::start().await;
    ingest(&server, &[checkpoint("a", 1), checkpoint("b", 2), checkpoint("a", 3), checkpoint("-", 4)]).await;
    let before = server.get("/recent").await.json();
    assert_eq!(before["count"], 3, "records outside any request are left out: {before}");
    let removed = Answer::of(server.request("DELETE", "/api/v1/traces/a")).await;
    assert_eq!((removed.status, &removed.json()["checkpoints"]), (200, &json!(2)));
    let after = server.get("/recent").await.json();
    assert_eq!((&after["count"], &after["traces"][0]), (&json!(1), &before["traces"][1]));
}

#[tokio::test]
pub async fn cleanup_removes_by_the_time_of_receipt() {
    let server = Server::start_with(|config| config.retention = Some(Duration::from_secs(3_600))).await;
    let mut old = checkpoint("old", 1);
    old["timestamp"] = json!(5);
    ingest(&server, &[old]).await;
    let answer = Answer::of(server.request("DELETE", "/cleanup")).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "deleted": 0 })));
    assert_eq!(server.get("/traces/old").await.json()["count"], 1);
}

#[tokio::test]
pub async fn correlations_are_listed_newest_first_and_all_when_asked_for() {
    let server = Server::start().await;
    let records: Vec<Json> = (0..1_200).map(|number| checkpoint(&format!("id {number}"), number)).collect();
    ingest(&server, &records).await;
    let all = server.get("/correlations?limit=-1").await.json();
    let ids: BTreeSet<&str> = all["correlations"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["correlation_id"].as_str())
        .collect();
    assert_eq!((ids.len(), &all["count"]), (1_200, &json!(1_200)));
    assert_eq!(server.get("/correlations").await.json()["count"], 50);
}

/// The original has no finer times than seconds, and lists what it received in the same second by id, byte by byte.
#[tokio::test]
pub async fn correlations_of_the_same_second_are_listed_by_id_whatever_kind_it_is_of() {
    let server = Server::start().await;
    let ids = ["z", "é", "5", "4bf92f3577b34da6a3ce929d0e0e4736", "4b", "A", "f", "ffffffffffffffffffffffffffffffff"];
    let records: Vec<Json> = ids.iter().zip(0..).map(|(id, number)| checkpoint(id, number)).collect();
    ingest(&server, &records).await;
    let list = server.get("/correlations").await.json();
    let listed = list["correlations"].as_array().expect("a list").iter().map(|one| &one["correlation_id"]);
    let mut wanted = ids;
    wanted.sort();
    assert!(listed.eq(wanted.iter()), "{list}");
}

#[tokio::test]
pub async fn a_correlation_id_with_very_many_records_is_listed_as_any_other() {
    const MANY: usize = 25_000;
    let server = Server::start().await;
    // An id that is one of OpenTelemetry, too, with a span that lasts longer and a time no nanosecond holds.
    let id = format!("{:032x}", 7);
    server.store(&[crate::server_support::span(7, 1, "long")]).await;
    let record = |number: usize| {
        let mut record = checkpoint(&id, number as u32);
        record["timestamp"] = json!(0.000_000_1 + number as f64);
        record["source_id"] = json!(["WS", "MA", "VM"][(number / 10_000).min(2)]);
        record
    };
    let records: Vec<Json> = (1..=MANY).map(record).collect();
    for part in records.chunks(5_000) {
        ingest(&server, part).await;
    }
    ingest(&server, &[checkpoint("small", 1)]).await;
    let listed = async || {
        let list = server.get("/correlations").await.json();
        let rows = list["correlations"].as_array().expect("a list").clone();
        rows.into_iter().find(|row| row["correlation_id"] == id).expect("listed")
    };
    let mut wanted = json!({
        "correlation_id": id, "trace_count": MANY, "first_ts": 1.000_000_1, "last_ts": 25_000.000_000_1,
        "duration_ms": 24_999, "sources": ["WS", "MA", "VM"],
    });
    assert_eq!(listed().await, wanted);
    let trace = server.get(&format!("/traces/{id}")).await.json();
    assert_eq!((&trace["count"], &trace["complete"]), (&json!(MANY), &json!(true)));
    let times = trace["traces"].as_array().expect("records").iter().map(|record| &record["timestamp"]);
    assert!(times.eq(records.iter().map(|record| &record["timestamp"])));
    // What comes later is added to what is known already, whatever its time.
    let mut late = checkpoint(&id, 0);
    (late["timestamp"], late["source_id"]) = (json!(0.5), json!("new"));
    ingest(&server, &[late]).await;
    (wanted["trace_count"], wanted["first_ts"]) = (json!(MANY + 1), json!(0.5));
    (wanted["duration_ms"], wanted["sources"]) = (json!(24_999), json!(["WS", "MA", "VM", "new"]));
    assert_eq!(listed().await, wanted);
    // And what is removed is not.
    let gone = server.request("DELETE", &format!("/api/v1/traces/{id}")).send().await.expect("an answer");
    assert_eq!(gone.status(), 200);
    for part in records.chunks(5_000).skip(1) {
        ingest(&server, part).await;
    }
    let row = listed().await;
    assert_eq!((&row["trace_count"], &row["first_ts"]), (&json!(20_000), &json!(5_001.000_000_1)));
    ingest(&server, &records[..1]).await;
    assert_eq!(listed().await["trace_count"], 20_001);
}

#[tokio::test]
pub async fn a_remote_store_has_checkpoints_like_the_file() {
    let server = Server::start().await;
    let mut odd = checkpoint("req/with slash?&", 1);
    odd["raw_line"] = json!("[x] ✓\u{1b}");
    odd["data"] = json!({ "n": 1.0, "nested": { "list": [1, 1.5, null, "✓"] } });
    ingest(&server, &[checkpoint("a", 0), odd, checkpoint("a", 1)]).await;
    let (remote, file) = (server.remote().await, server.running.backend());
    for id in ["a", "req/with slash?&"] {
        let id = TraceId::parse(id).expect("an id");
        let (there, here) = (remote.trace(&id).await.expect("an answer"), file.trace(&id).await.expect("an answer"));
        assert!(here.as_ref().is_some_and(|trace| !trace.checkpoints.is_empty()));
        assert_eq!(there, here);
    }
    let scan = |store: std::sync::Arc<dyn tracehub::store::Backend>| async move {
        store.scan(&RecordFilter::default(), None, 100, Duration::ZERO).await.expect("records")
    };
    let (there, here) = (scan(remote.clone()).await, scan(file).await);
    assert_eq!(there, here);
    let again = remote.write(there.batch).await.expect("a write");
    assert_eq!((again.accepted, again.duplicates), (0, 3));
    remote.close().await.expect("closed");
    assert!(matches!(remote.write(here.batch).await, Err(Error::Closed)));
}

#[tokio::test]
pub async fn other_sites_may_neither_send_nor_delete() {
    let server = Server::start().await;
    for (method, path) in [("POST", "/ingest"), ("POST", "/ingest/single"), ("DELETE", "/cleanup")] {
        let request = server.request(method, path).header("origin", "https://evil.example");
        let answer = Answer::of(request.header("content-type", JSON).body(checkpoint("a", 1).to_string())).await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
pub async fn a_client_that_keeps_its_connection_and_one_that_does_not_are_both_served() {
    let server = Server::start().await;
    let body = json!({ "traces": [checkpoint("a", 1)] }).to_string();
    let head = |connection: &str| {
        let length = body.len();
        format!(
            "POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: {connection}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    };
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    for _ in 0..3 {
        stream.write_all(head("keep-alive").as_bytes()).await.expect("room");
        let mut start = [0; 15];
        stream.read_exact(&mut start).await.expect("an answer");
        assert_eq!(&start, b"HTTP/1.1 200 OK");
        let mut rest = Vec::new();
        while !rest.ends_with(b"}") {
            rest.push(stream.read_u8().await.expect("the rest of it"));
        }
    }
    stream.write_all(head("close").as_bytes()).await.expect("room");
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
}
