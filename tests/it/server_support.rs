//! A real server on a free port over a database of its own, and the few ways tests talk to it.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracehub::server::{self, Addresses, Config, Limits, Listeners, Running, Settings, SidePort};
use tracehub::store::sqlite::lock;
use tracehub::store::{Backend, Mode, Target};

pub const PROTOBUF: &str = "application/x-protobuf";
pub const JSON: &str = "application/json";

thread_local! {
    static RELAYS: Cell<bool> = const { Cell::new(false) };
}

/// Runs a test whose servers are relays: each serves another server, which has the database.
pub fn behind_a_relay(test: fn()) {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            RELAYS.set(false);
        }
    }
    let _guard = Guard;
    RELAYS.set(true);
    test();
}

/// A running server; its database goes when it is dropped.
pub struct Server {
    pub running: Running,
    /// The server it relays to, if it is a relay.
    behind: Option<Running>,
    folder: tempfile::TempDir,
    client: reqwest::Client,
}

impl Server {
    pub async fn start() -> Server {
        Server::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Server {
        Server::start_as(RELAYS.get(), change).await
    }

    /// A server that relays to another one.
    pub async fn start_relay_with(change: impl FnOnce(&mut Config)) -> Server {
        Server::start_as(true, change).await
    }

    async fn start_as(is_relay: bool, change: impl FnOnce(&mut Config)) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config::new(folder.path().join("traces.db"));
        (config.port, config.otlp_grpc, config.otlp_http) = (0, SidePort::Off, SidePort::Off);
        change(&mut config);
        let (running, behind) = match is_relay {
            true => relay(config).await,
            false => (server::start(config).await.expect("a server"), None),
        };
        // Fails when another test was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Server { running, behind, folder, client }
    }

    pub fn db(&self) -> PathBuf {
        self.folder.path().join("traces.db")
    }

    /// Stops it; its database lies on in the folder.
    pub async fn stop(self) -> tempfile::TempDir {
        self.running.stop().await.expect("a clean stop");
        if let Some(behind) = self.behind {
            behind.stop().await.expect("a clean stop");
        }
        self.folder
    }

    pub fn address(&self) -> SocketAddr {
        self.running.url().trim_start_matches("http://").parse().expect("the URL of a running server")
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, format!("{}{path}", self.running.url()))
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        Answer::of(self.request("POST", path).header("content-type", content_type).body(body)).await
    }

    /// Sends spans, which must be stored.
    pub async fn store(&self, spans: &[Json]) {
        let answer = self.post("/v1/traces", JSON, export(spans).to_string()).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    }

    pub async fn span_count(&self) -> u64 {
        self.running.backend().stats(&Default::default()).await.expect("statistics").spans
    }

    pub async fn remote(&self) -> Arc<dyn Backend> {
        let target = Target::parse(self.running.url()).expect("a URL");
        tracehub::store::open(&target, Mode::Read).await.expect("a remote store")
    }

    /// Sends bytes as they are and reads until the server closes.
    pub async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address()).await.expect("a connection");
        stream.write_all(request).await.expect("room");
        read_all(&mut stream).await
    }
}

/// A server with these settings that relays to another one, which owns the database. Both have the same owner.
async fn relay(config: Config) -> (Running, Option<Running>) {
    let (side, limits) = (SidePort::Off, Limits::default());
    let behind = Config { otlp_grpc: side, otlp_http: side, limits, host: "127.0.0.1".to_owned(), ..config.clone() };
    let behind = server::start(behind).await.expect("a server");
    let token = config.store.file().and_then(lock::owner).and_then(|owner| owner.token);
    let target = Target::Url { url: behind.url().to_owned(), key: token.clone() };
    let backend = tracehub::store::open(&target, Mode::Write).await.expect("a remote store");
    let Config { host, port, otlp_grpc, otlp_http, allowed_hosts, cors_origins, secret, limits, .. } = config;
    let listeners = Listeners::bind(Addresses { host, port, otlp_grpc, otlp_http }).await.expect("free ports");
    let settings = Settings { allowed_hosts, cors_origins, secret, token, limits, ..Settings::default() };
    (server::serve(listeners, backend, settings).await.expect("a relay"), Some(behind))
}

/// Everything until the other end closes or breaks the connection.
pub async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is as good an end as any.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub async fn of(request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.expect("a whole body") }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("text")
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// One span of a trace, in OTLP JSON; ids from small numbers.
pub fn span(trace: u32, id: u32, name: &str) -> Json {
    json!({
        "traceId": format!("{trace:032x}"),
        "spanId": format!("{id:016x}"),
        "name": name,
        "kind": 2,
        "startTimeUnixNano": (1_795_252_442_000_000_000_u64 + u64::from(trace) * 1_000_000).to_string(),
        "endTimeUnixNano": (1_795_252_442_000_500_001_u64 + u64::from(trace) * 1_000_000).to_string(),
        "attributes": [{ "key": "answer", "value": { "intValue": "42" } }],
    })
}

/// A span that tells of an exception of this type.
pub fn failed_span(trace: u32, id: u32, error_type: &str) -> Json {
    let mut span = span(trace, id, "fails");
    let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let attributes = [attribute("exception.type", error_type), attribute("exception.message", "no such key")];
    span["events"] =
        json!([{ "name": "exception", "timeUnixNano": span["startTimeUnixNano"], "attributes": attributes }]);
    span
}

/// An export request of spans of the service `shop`.
pub fn export(spans: &[Json]) -> Json {
    let service = json!({ "key": "service.name", "value": { "stringValue": "shop" } });
    json!({ "resourceSpans": [{ "resource": { "attributes": [service] }, "scopeSpans": [{ "spans": spans }] }] })
}

/// The same span, as a protobuf request.
pub fn export_protobuf(trace: u8, name: &str) -> Vec<u8> {
    use opentelemetry_proto::tonic::{
        collector::trace::v1::ExportTraceServiceRequest,
        trace::v1::{ResourceSpans, ScopeSpans, Span},
    };
    let span = Span {
        trace_id: vec![trace; 16],
        span_id: vec![trace; 8],
        name: name.to_owned(),
        start_time_unix_nano: 1_795_252_442_000_000_000,
        end_time_unix_nano: 1_795_252_442_000_000_001,
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let request =
        ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..Default::default() }] };
    prost::Message::encode_to_vec(&request)
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// What a gRPC call came back with.
#[derive(Debug)]
pub struct Reply {
    pub http_status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// `grpc-status` of the trailers, or of the headers when there are no trailers.
    pub status: String,
    pub message: String,
}

/// A message as gRPC frames it.
pub fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("small").to_be_bytes();
    [&[flag][..], &length, message].concat()
}

/// Makes a call over HTTP/2 without TLS.
pub async fn call(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    let mut request = Request::post(format!("http://{address}{path}")).header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    let (http_status, headers) = (response.status().as_u16(), response.headers().clone());
    let collected = response.into_body().collect().await.expect("a whole body");
    let trailers = collected.trailers().cloned().unwrap_or_else(|| headers.clone());
    drop(sender);
    driver.abort();
    let text = |name: &str| trailers.get(name).map_or("", |value| value.to_str().expect("text")).to_owned();
    Reply {
        http_status,
        headers,
        body: collected.to_bytes(),
        status: text("grpc-status"),
        message: text("grpc-message"),
    }
}
