//! The stream of everything, and the remote store that reads it: nothing lost or doubled, whatever becomes of connections.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tracehub::model::{Batch, Cursor, RecordFilter, RecordKind};
use tracehub::store::{Backend, Mode, Target, wire};

use crate::server_support::{JSON, Server, span};
use crate::support::whole::Whole as _;

const STREAM: &str = "/api/v1/scan/stream";

/// An open stream, read line by line.
struct Stream {
    lines: Lines<BufReader<TcpStream>>,
}

impl Stream {
    async fn open(server: &Server, query: &str, headers: &str) -> Stream {
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        let head = format!("GET {STREAM}{query} HTTP/1.0\r\nHost: localhost\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.expect("room");
        let mut lines = BufReader::new(stream).lines();
        assert!(lines.next_line().await.expect("a line").expect("an answer").contains(" 200 "));
        while !lines.next_line().await.expect("a line").expect("a head").is_empty() {}
        Stream { lines }
    }

    /// The lines up to the next empty one, by the name of their field; `None` at the end.
    async fn block(&mut self) -> Option<BTreeMap<String, String>> {
        let mut block = BTreeMap::new();
        loop {
            let line = self.lines.next_line().await.ok()??;
            let Some((name, value)) = line.split_once(':') else { return Some(block) };
            block.insert(name.to_owned(), value.trim_start().to_owned());
        }
    }

    /// The next event: its id and its data.
    async fn event(&mut self) -> Option<(String, Json)> {
        loop {
            let block = self.block().await?;
            if let Some(data) = block.get("data") {
                return Some((block["id"].clone(), serde_json::from_str(data).expect("JSON")));
            }
        }
    }

    /// The names of spans until one is the last, and the id of the event it came with.
    async fn names_until(&mut self, last: &str) -> (Vec<String>, String) {
        let mut names: Vec<String> = Vec::new();
        loop {
            let (id, data) = self.event().await.expect("the stream goes on");
            names.extend(data["spans"].as_array().expect("spans").iter().map(name));
            if names.last().is_some_and(|name| name == last) {
                return (names, id);
            }
        }
    }
}

fn name(span: &Json) -> String {
    span["name"].as_str().expect("a name").to_owned()
}

fn names(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("op {number}")).collect()
}

async fn send(server: &Server, numbers: std::ops::Range<u32>) {
    for number in numbers {
        server.store(&[span(number / 3 + 1, number + 1, &format!("op {number}"))]).await;
    }
}

#[tokio::test]
pub async fn a_stream_begins_at_the_end_or_at_a_place_and_goes_on_after_an_event() {
    let server = Server::start().await;
    send(&server, 0..5).await;
    let mut from_end = Stream::open(&server, "", "").await;
    let first = from_end.block().await.expect("a sign of life");
    assert_eq!(first.keys().collect::<Vec<_>>(), ["", "id"], "its place is known before anything arrives");
    let mut from_start = Stream::open(&server, "?after=&max=2", "").await;
    send(&server, 5..9).await;
    assert_eq!(from_end.names_until("op 8").await.0, names(5..9));
    let (told, _) = from_start.names_until("op 1").await;
    assert_eq!(told, names(0..2));
    let (told, place) = from_start.names_until("op 3").await;
    assert_eq!(told, names(2..4));
    drop(from_start);
    for (query, headers) in
        [("".to_owned(), format!("Last-Event-ID: {place}\r\n")), (format!("?after={place}"), String::new())]
    {
        let mut again = Stream::open(&server, &query, &headers).await;
        assert_eq!(again.names_until("op 8").await.0, names(4..9), "{query}{headers}");
    }
    let mut from_where_it_began = Stream::open(&server, &format!("?after={}", first["id"]), "").await;
    assert_eq!(from_where_it_began.names_until("op 8").await.0, names(5..9));
}

#[tokio::test]
pub async fn a_stream_ends_when_its_time_is_up_or_the_server_stops() {
    let server = Server::start().await;
    send(&server, 0..5).await;
    let mut short = Stream::open(&server, "?after=&timeout=0&max=1", "").await;
    assert_eq!(short.names_until("op 4").await.0, names(0..5));
    assert!(short.event().await.is_none());
    let mut long = Stream::open(&server, "", "").await;
    assert!(long.block().await.is_some());
    let (folder, end) = tokio::join!(server.stop(), long.event());
    assert_eq!(end, None);
    drop(folder);
}

#[tokio::test]
pub async fn a_stream_tells_only_what_its_filter_names() {
    let server = Server::start().await;
    let trace = format!("{:032x}", 2);
    let mut one = Stream::open(&server, &format!("?trace={trace}"), "").await;
    let mut checkpoints = Stream::open(&server, "?kind=checkpoints", "").await;
    send(&server, 0..9).await;
    let checkpoint = json!({ "source_id": "MA", "correlation_id": "c", "timestamp": 1.5, "suffix": "", "direction": "->",
        "operation": "REST", "endpoint": "/", "raw_line": "", "data": { "n": 1 } });
    assert_eq!(server.post("/ingest/single", JSON, checkpoint.to_string()).await.status, 200);
    assert_eq!(one.names_until("op 5").await.0, names(3..6));
    let (_, data) = checkpoints.event().await.expect("the stream goes on");
    assert_eq!((&data["spans"], &data["checkpoints"][0]["operation"]), (&json!([]), &json!("REST")));
}

#[tokio::test]
pub async fn a_place_of_another_database_is_refused() {
    let (server, other) = (Server::start().await, Server::start().await);
    send(&server, 0..3).await;
    send(&other, 0..3).await;
    let theirs = other.get("/api/v1/place").await.json()["place"].as_str().expect("a place").to_owned();
    for place in ["nonsense", &theirs] {
        let answer = server.get(&format!("{STREAM}?after={place}")).await;
        assert_eq!((answer.status, answer.json()["detail"].is_string()), (400, true), "{place}");
    }
    assert_eq!(server.get(&format!("{STREAM}?max=many")).await.status, 400);
}

#[tokio::test]
pub async fn a_slow_reader_holds_nobody_up_and_is_told_what_was_removed_before_it_came_there() {
    let server = Server::start_with(|config| config.limits.stream_bytes = 1_000).await;
    let mut slow = Stream::open(&server, "?max=1", "").await;
    assert!(slow.block().await.is_some());
    let padding = "x".repeat(200_000);
    for number in 0..60 {
        let mut one = span(1, number + 1, &format!("op {number}"));
        one["attributes"] = json!([{ "key": "padding", "value": { "stringValue": padding } }]);
        server.store(&[one]).await;
    }
    // Twelve million bytes are more than sockets hold, and streams may hold a thousand.
    assert_eq!(server.request("DELETE", "/api/v1/traces").send().await.expect("an answer").status(), 200);
    server.store(&[span(2, 1_000, "last")]).await;
    let (mut told, mut missed) = (0, 0);
    loop {
        let (_, data) = slow.event().await.expect("the stream goes on");
        missed += data["missed"].as_u64().expect("a number");
        let names: Vec<String> = data["spans"].as_array().expect("spans").iter().map(name).collect();
        if names == ["last"] {
            break;
        }
        assert_eq!(names, [format!("op {told}")]);
        told += 1;
    }
    assert!(missed > 0, "{told} of 60 were told");
    assert_eq!(told + missed, 60);
}

#[tokio::test]
pub async fn a_payload_of_several_lines_is_one_event() {
    let server = Server::start().await;
    let mut stream = Stream::open(&server, "", "").await;
    let mut checkpoints = Stream::open(&server, "?kind=checkpoints", "").await;
    let record = "{\"source_id\":\"MA\",\"correlation_id\":\"c\",\"timestamp\":1.5,\"suffix\":\"\",\"direction\":\"->\",\
        \"operation\":\"REST\",\"endpoint\":\"/\",\"raw_line\":\"\",\"hostname\":\"h\",\"data\":{\n \"n\":\r\n1}}";
    let body = format!("{{\"spans\":[],\"checkpoints\":[{record}],\"logs\":[]}}");
    let remote = server.remote().await;
    let place = remote.place(&RecordFilter::default(), 0).await.expect("the end");
    assert_eq!(server.post("/api/v1/records", JSON, body).await.status, 200);
    for stream in [&mut stream, &mut checkpoints] {
        while !stream.block().await.expect("the stream goes on").contains_key("data") {}
    }
    let chunk =
        remote.scan(&RecordFilter::default(), place.as_ref(), 9, Duration::from_secs(60)).await.expect("a chunk");
    let data: Json = serde_json::from_str(chunk.batch.checkpoints[0].data.as_deref().expect("data")).expect("JSON");
    assert_eq!(data, json!({ "n": 1 }));
    // Clients of the original read an event line by line.
    let answer = server.get("/traces/c/stream?timeout=0").await.text();
    assert!(
        answer.lines().all(|line| line.is_empty() || line.starts_with("data: {") && line.ends_with('}')),
        "{answer}"
    );
}

/// What stands between a client and a server.
struct Proxy {
    address: SocketAddr,
    /// Streams that were asked for.
    streams: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Hands on what a connection brings back until that is `budget(n)` bytes for the `n`th one. Without `streams` it
    /// does not know such a path.
    async fn start(to: SocketAddr, streams_known: bool, budget: fn(usize) -> usize) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let streams = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&streams);
        let task = tokio::spawn(async move {
            for number in 0.. {
                let (client, _) = listener.accept().await.expect("a connection");
                tokio::spawn(hand_on(client, to, (Arc::clone(&counter), streams_known), budget(number)));
            }
        });
        Proxy { address, streams, task }
    }

    async fn remote(&self) -> Arc<dyn Backend> {
        let target = Target::parse(&format!("http://{}", self.address)).expect("a URL");
        tracehub::store::open(&target, Mode::Read).await.expect("a remote store")
    }

    fn streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hand_on(mut client: TcpStream, to: SocketAddr, streams: (Arc<AtomicUsize>, bool), mut left: usize) {
    let mut server = TcpStream::connect(to).await.expect("a server");
    let (mut from_client, mut from_server) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(read @ 1..) = read else { return };
                if String::from_utf8_lossy(&from_client[..read]).starts_with(&format!("GET {STREAM}")) {
                    streams.0.fetch_add(1, Ordering::Relaxed);
                    if !streams.1 {
                        let _ = client.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
                        continue;
                    }
                }
                if server.write_all(&from_client[..read]).await.is_err() { return }
            }
            read = server.read(&mut from_server) => {
                let Ok(read @ 1..) = read else { return };
                let passed = read.min(left);
                left -= passed;
                if client.write_all(&from_server[..passed]).await.is_err() || left == 0 { return }
            }
        }
    }
}

/// Follows until a span is told.
async fn follow(remote: &dyn Backend, mut place: Option<Cursor>, last: &str) -> Vec<String> {
    let spans = RecordFilter { kind: Some(RecordKind::Spans), ..RecordFilter::default() };
    let mut names: Vec<String> = Vec::new();
    while names.last().is_none_or(|name| name != last) {
        match remote.scan(&spans, place.as_ref(), 2, Duration::from_secs(20)).await {
            Ok(chunk) => {
                names.extend(chunk.batch.spans.iter().map(|span| span.name.to_string()));
                place = Some(chunk.next);
            }
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    }
    names
}

#[tokio::test]
pub async fn a_remote_store_reads_one_stream_as_long_as_it_lasts() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address(), true, |_| usize::MAX).await;
    let remote = proxy.remote().await;
    let place = remote.place(&RecordFilter::default(), 0).await.expect("the end");
    let (told, ()) = tokio::join!(follow(&*remote, place.clone(), "op 39"), send(&server, 0..40));
    assert_eq!((told, proxy.streams()), (names(0..40), 1));
    // With nothing new it waits as long as it was told to, and keeps its stream.
    let end = remote.place(&RecordFilter::default(), 0).await.expect("the end");
    for _ in 0..3 {
        let wait = Duration::from_millis(20);
        let chunk = remote.scan(&RecordFilter::default(), end.as_ref(), 2, wait).await.expect("a chunk");
        assert_eq!((chunk.batch, chunk.at_end, Some(&chunk.next)), (Batch::default(), true, end.as_ref()));
    }
    assert_eq!(proxy.streams(), 2);
}

#[tokio::test]
pub async fn connections_cut_anywhere_lose_and_double_nothing() {
    let server = Server::start().await;
    // Too little for an answer, in the middle of one, or of the third event.
    let proxy = Proxy::start(server.address(), true, |number| 300 + number * 997 % 7_000).await;
    let remote = proxy.remote().await;
    let start = server.running.backend().place(&RecordFilter::default(), 0).await.expect("the end");
    let (told, ()) = tokio::join!(follow(&*remote, start, "op 199"), send(&server, 0..200));
    assert_eq!(told, names(0..200));
    assert!(proxy.streams() > 3, "{}", proxy.streams());
}

#[tokio::test]
pub async fn a_server_without_streams_is_asked_again_and_again() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address(), false, |_| usize::MAX).await;
    let remote = proxy.remote().await;
    let place = remote.place(&RecordFilter::default(), 0).await.expect("the end");
    let (told, ()) = tokio::join!(follow(&*remote, place, "op 39"), send(&server, 0..40));
    assert_eq!((told, proxy.streams()), (names(0..40), 1));
}

#[tokio::test]
pub async fn an_answer_of_an_older_server_counts_nothing_as_missed() {
    let text = br#"{"spans":[],"checkpoints":[],"logs":[],"next":"s1.0","at_end":true}"#;
    assert_eq!(wire::chunk_from_json(text).map(|chunk| chunk.missed).ok(), Some(0));
}
