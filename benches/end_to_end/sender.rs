//! Four connections that send requests, each one at a time, and how long the answers took.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::shop::BATCH;

/// Connections, each with one request under way.
const CONNECTIONS: usize = 4;

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Protobuf over HTTP/1.1.
    Plain,
    /// Protobuf over HTTP/1.1, compressed.
    Gzip,
    /// gRPC.
    Grpc,
    /// JSON over HTTP/1.1.
    Json,
    /// JSON over HTTP/1.1, compressed.
    JsonGzip,
}

impl Encoding {
    /// Where spans of this encoding are sent.
    pub fn path(self) -> &'static str {
        match self {
            Encoding::Grpc => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            _ => "/v1/traces",
        }
    }

    /// A message as it lies in a request.
    pub fn encode(self, message: &Bytes) -> Bytes {
        match self {
            Encoding::Plain | Encoding::Json => message.clone(),
            Encoding::Gzip | Encoding::JsonGzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
                encoder.write_all(message).expect("compressed");
                Bytes::from(encoder.finish().expect("compressed"))
            }
            Encoding::Grpc => {
                let mut framed = BytesMut::with_capacity(5 + message.len());
                framed.put_u8(0);
                framed.put_u32(u32::try_from(message.len()).expect("a small message"));
                framed.put_slice(message);
                framed.freeze()
            }
        }
    }

    fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Encoding::Plain => &[("content-type", "application/x-protobuf")],
            Encoding::Gzip => &[("content-type", "application/x-protobuf"), ("content-encoding", "gzip")],
            Encoding::Grpc => &[("content-type", "application/grpc"), ("te", "trailers")],
            Encoding::Json => &[("content-type", "application/json")],
            // The published logger always sends a key, and is refused without one.
            Encoding::JsonGzip => {
                &[("content-type", "application/json"), ("content-encoding", "gzip"), ("x-api-key", "th_bench")]
            }
        }
    }
}

/// What was sent.
#[derive(Debug, Default)]
pub struct Sent {
    pub took: Duration,
    pub refused: usize,
    answers_ms: Vec<f64>,
}

impl Sent {
    pub fn requests(&self) -> usize {
        self.answers_ms.len()
    }

    pub fn spans(&self) -> usize {
        self.requests() * BATCH
    }

    pub fn add(&mut self, other: Sent) {
        self.took += other.took;
        self.refused += other.refused;
        self.answers_ms.extend(other.answers_ms);
    }

    /// Milliseconds within which so many of a hundred requests were answered.
    pub fn percentile(&self, percent: f64) -> f64 {
        let mut sorted = self.answers_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let place = (sorted.len() as f64 * percent / 100.0) as usize;
        sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// Sends all bodies to a URL.
pub async fn send(url: &str, encoding: Encoding, bodies: Vec<Bytes>) -> Sent {
    let url: Uri = url.parse().expect("a URL");
    let waiting = Rc::new(RefCell::new(VecDeque::from(bodies)));
    let begin = Instant::now();
    let local = LocalSet::new();
    let mut sent = Sent::default();
    local
        .run_until(async {
            let tasks = (0..CONNECTIONS).map(|_| {
                let connection = send_on_one(url.clone(), encoding, Rc::clone(&waiting));
                tokio::task::spawn_local(connection)
            });
            for task in tasks.collect::<Vec<_>>() {
                sent.add(task.await.expect("sent"));
            }
        })
        .await;
    sent.took = begin.elapsed();
    sent
}

async fn send_on_one(url: Uri, encoding: Encoding, waiting: Rc<RefCell<VecDeque<Bytes>>>) -> Sent {
    let address = format!("{}:{}", url.host().expect("a host"), url.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(&address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    let mut sent = Sent::default();
    let request = |body: Bytes| {
        let mut request = Request::post(url.clone()).header("host", &address);
        for (name, value) in encoding.headers() {
            request = request.header(*name, *value);
        }
        request.body(Full::new(body)).expect("a request")
    };
    macro_rules! send_all {
        ($sender:ident) => {
            loop {
                let Some(body) = waiting.borrow_mut().pop_front() else { break };
                let begin = Instant::now();
                $sender.ready().await.expect("a connection");
                let response = $sender.send_request(request(body)).await.expect("an answer");
                let status = response.status();
                let answer = response.into_body().collect().await.expect("a whole answer");
                let grpc = answer.trailers().and_then(|trailers| trailers.get("grpc-status"));
                let is_taken = status.is_success() && grpc.is_none_or(|status| status == "0");
                sent.refused += usize::from(!is_taken);
                sent.answers_ms.push(begin.elapsed().as_secs_f64() * 1e3);
            }
        };
    }
    if encoding == Encoding::Grpc {
        let io = TokioIo::new(stream);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
        let driver = tokio::spawn(connection);
        send_all!(sender);
        driver.abort();
    } else {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        let driver = tokio::spawn(connection);
        send_all!(sender);
        driver.abort();
    }
    sent
}
