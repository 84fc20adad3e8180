//! Connections that are of no use to anybody: however many there are, everybody else is answered.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tracehub::server::TlsFiles;

use crate::server_support::{JSON, PROTOBUF, Server, export_protobuf, frame, read_all};

const HTTP2_GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const HTTP2_PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0tracehub";
const ASK: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

async fn connect(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    stream.write_all(bytes).await.expect("room");
    stream
}

/// Asks for `/health` over a connection of its own, which must not take longer than a second.
async fn assert_alive(server: &Server, what: &str) {
    let answer = timeout(Duration::from_secs(1), async {
        let mut stream = connect(server, ASK).await;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.map(|_| status)
    });
    let status = answer.await.unwrap_or_else(|_| panic!("no answer beside {what}")).expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 200", "{what}");
}

/// Whether the other end closes within some seconds.
async fn is_closed(stream: &mut TcpStream) -> bool {
    timeout(Duration::from_secs(5), read_all(stream)).await.is_ok()
}

#[tokio::test]
pub async fn idle_connections_of_every_kind_make_way_for_whoever_asks() {
    let server = Server::start_with(|config| config.limits.connections = 40).await;
    for (what, bytes) in [
        ("silence", &b""[..]),
        ("HTTP/2 without a request", HTTP2_GREETING),
        ("a slow head", b"GET /health HTTP/1.1\r\nHost: loc"),
        ("half a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00"),
        ("part of a greeting", b"PRI * HTTP/2.0\r\n"),
    ] {
        let mut crowd = Vec::new();
        for _ in 0..100 {
            crowd.push(connect(&server, bytes).await);
        }
        assert_alive(&server, what).await;
        assert!(is_closed(&mut crowd[0]).await, "{what}");
    }
    let mut kept = Vec::new();
    for _ in 0..100 {
        let mut stream = connect(&server, ASK).await;
        assert_ne!(stream.read(&mut [0; 2_048]).await.expect("an answer"), 0);
        kept.push(stream);
    }
    assert_alive(&server, "kept connections").await;
    assert!(is_closed(&mut kept[0]).await);
    let page = server.get("/metrics").await.text();
    let released = page.lines().find_map(|line| line.strip_prefix("tracehub_connections_released_total "));
    assert!(released.and_then(|count| count.parse().ok()).is_some_and(|count: u64| count >= 300), "{page}");
}

#[tokio::test]
pub async fn pings_do_not_keep_a_connection_without_requests_and_it_is_told_that_it_ends() {
    let server = Server::start_with(|config| {
        config.limits.header_timeout = Duration::from_secs(3_600);
        config.limits.http2_idle_timeout = Duration::from_millis(200);
    })
    .await;
    let (mut reading, mut writing) = connect(&server, HTTP2_GREETING).await.into_split();
    let pings = async {
        while writing.write_all(HTTP2_PING).await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let end = async { timeout(Duration::from_secs(5), reading.read_to_end(&mut answer)).await };
    let ended = tokio::select! {
        ended = end => ended,
        () = pings => unreachable!("it waits for ever"),
    };
    assert!(ended.is_ok(), "it goes on for ever");
    // Nine bytes of head, of which the fourth says what the frame is: 7 is GOAWAY.
    let mut rest = &answer[..];
    let mut kinds = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<9>() {
        kinds.push(head[3]);
        rest = after.get(usize::from(head[1]) * 256 + usize::from(head[2])..).unwrap_or_default();
    }
    assert!(kinds.contains(&6) && kinds.contains(&7), "{kinds:?}");
}

#[tokio::test]
pub async fn the_letters_of_a_head_do_not_buy_time() {
    let server = Server::start_with(|config| config.limits.header_timeout = Duration::from_millis(200)).await;
    for is_second in [false, true] {
        let mut stream = connect(&server, if is_second { ASK } else { b"" }).await;
        let began = Instant::now();
        while stream.write_all(b"G").await.is_ok() && began.elapsed() < Duration::from_secs(5) {
            sleep(Duration::from_millis(10)).await;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "as a second request: {is_second}");
    }
}

#[tokio::test]
pub async fn streams_of_events_take_no_place() {
    let server = Server::start_with(|config| config.limits.connections = 2).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = connect(&server, b"GET /api/v1/scan/stream HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.expect("an answer");
        assert_eq!(&status, b"HTTP/1.1 200");
        streams.push(stream);
    }
    assert_alive(&server, "five streams").await;
    let _crowd = [connect(&server, b"").await, connect(&server, b"").await, connect(&server, b"").await];
    assert_alive(&server, "five streams and a crowd").await;
    for mut stream in streams {
        let mut buffer = [0; 4_096];
        // What was written before may still be there; the end is not.
        while let Ok(read) = timeout(Duration::from_millis(50), stream.read(&mut buffer)).await {
            assert_ne!(read.expect("a stream"), 0, "streams go on");
        }
    }
}

/// Sends a whole request without looking, then reads the head of its answer.
async fn send_blindly(stream: &mut TcpStream, head: &str, bytes: usize) -> String {
    let head = format!("{head}\r\nHost: localhost\r\nContent-Length: {bytes}\r\n\r\n");
    let sent = stream.write_all(&[head.as_bytes(), &vec![b' '; bytes]].concat()).await;
    sent.unwrap_or_else(|error| panic!("nobody reads {head}: {error}"));
    read_head(stream).await
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let byte = timeout(Duration::from_secs(10), stream.read_u8()).await.expect("an answer in time");
        answer.push(byte.expect("an answer"));
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).await.expect("a body");
    text
}

#[tokio::test]
pub async fn the_status_of_a_refused_body_arrives_and_the_connection_goes_on() {
    let server = Server::start_with(|config| {
        config.limits.body_bytes = 5 << 20;
        config.limits.in_flight_bytes = 1 << 20;
    })
    .await;
    let json = "Content-Type: application/json";
    for (head, status) in [
        ("POST /nothing-here HTTP/1.1".to_owned(), "404"),
        ("POST /health HTTP/1.1".to_owned(), "405"),
        ("PUT /v1/traces HTTP/1.1".to_owned(), "405"),
        ("DELETE /api/v1/issues HTTP/1.1".to_owned(), "405"),
        (format!("POST /v1/traces HTTP/1.1\r\nOrigin: https://evil.com\r\n{json}"), "403"),
        ("POST /v1/traces HTTP/1.1\r\nContent-Type: text/plain".to_owned(), "415"),
        ("POST /api/v1/ingest HTTP/1.1\r\nContent-Type: text/plain".to_owned(), "415"),
        (format!("POST /v1/traces HTTP/1.1\r\nContent-Encoding: br\r\n{json}"), "415"),
        (format!("POST /api/v1/keys HTTP/1.1\r\n{json}"), "413"),
        (format!("POST /v1/traces HTTP/1.1\r\n{json}"), "503"),
        (format!("GET /health HTTP/1.1\r\n{json}"), "200"),
    ] {
        let mut stream = connect(&server, b"").await;
        for _ in 0..2 {
            let answer = send_blindly(&mut stream, &head, 3 << 20).await;
            assert_eq!(answer.get(9..12), Some(status), "{head}: {answer}");
            assert!(!answer.to_lowercase().contains("connection: close"), "{answer}");
        }
        stream.write_all(ASK).await.expect("room");
        assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200 "), "after {head}");
    }
    let mut stream = connect(&server, b"").await;
    let head = format!("POST /v1/traces HTTP/1.1\r\n{json}");
    assert!(send_blindly(&mut stream, &head, 6 << 20).await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
pub async fn a_body_that_does_not_end_is_not_read_for_ever_and_the_answer_says_that_the_connection_closes() {
    let server = Server::start().await;
    let head = b"POST /nothing-here HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\nxxx";
    let mut stream = connect(&server, head).await;
    let answer = read_head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("connection: close\r\n"), "{answer}");
    // Whoever goes on sending for a moment does not lose the answer to a reset.
    stream.write_all(&[b'x'; 100_000]).await.expect("somebody reads");
    let waits =
        b"POST /nothing-here HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n";
    let began = Instant::now();
    let answer = read_head(&mut connect(&server, waits).await).await;
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("connection: close\r\n"), "{answer}");
    assert!(began.elapsed() < Duration::from_millis(900), "nobody is made to send");
}

#[tokio::test]
pub async fn slow_senders_of_large_bodies_hold_their_share_only_and_not_for_long() {
    const LARGE: usize = 2 << 20;
    let server = Server::start_with(|config| {
        config.limits.in_flight_bytes = 8 << 20;
        config.limits.large_body_grace = Duration::from_secs(2);
    })
    .await;
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {LARGE}\r\n\r\n"
    );
    let mut slow = Vec::new();
    for _ in 0..6 {
        let mut stream = connect(&server, head.as_bytes()).await;
        stream.write_all(&vec![0; LARGE - 60]).await.expect("somebody reads");
        slow.push(stream);
    }
    for index in 0..40 {
        let answer = server.post("/v1/traces", PROTOBUF, export_protobuf(index, "small")).await;
        assert_eq!(answer.status, 200, "{index}: {}", answer.text());
    }
    let mut statuses: Vec<String> = Vec::new();
    for mut stream in slow {
        statuses.push(read_head(&mut stream).await.get(9..12).unwrap_or_default().to_owned());
    }
    assert!(statuses.iter().all(|status| ["408", "503"].contains(&status.as_str())), "{statuses:?}");
    assert!(statuses.iter().any(|status| status == "408"), "{statuses:?}");
    // Over HTTP/2 as over HTTP/1: nothing is left of any of them.
    let call = frame(0, &export_protobuf(1, "call"));
    let headers = [("content-type", "application/grpc")];
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert_eq!(crate::server_support::call(server.address(), path, &headers, call).await.status, "0");
    assert!(server.get("/metrics").await.text().contains("tracehub_in_flight_bytes 0\n"));
    assert_eq!(server.post("/v1/logs", JSON, "{}").await.status, 200);
}

/// A gRPC call whose message is announced, and never ends.
async fn endless_call(address: std::net::SocketAddr, announced: u32) -> String {
    let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    let begin = [&[0][..], &announced.to_be_bytes(), &vec![0; announced as usize - 60]].concat();
    let body = stream::once(async { Ok::<_, std::io::Error>(begin) }).chain(stream::pending());
    let url = format!("http://{address}/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    let call = client.post(url).header("content-type", "application/grpc").body(reqwest::Body::wrap_stream(body));
    match call.send().await {
        Ok(answer) => {
            answer.headers().get("grpc-status").map_or("none", |status| status.to_str().unwrap_or("odd")).to_owned()
        }
        Err(_) => "cut".to_owned(),
    }
}

#[tokio::test]
pub async fn calls_that_do_not_end_hold_their_share_only_and_not_for_long() {
    const LARGE: u32 = 2 << 20;
    let server = Server::start_with(|config| {
        config.limits.in_flight_bytes = 8 << 20;
        config.limits.large_body_grace = Duration::from_secs(2);
    })
    .await;
    let address = server.address();
    let slow: Vec<_> = (0..6).map(|_| tokio::spawn(endless_call(address, LARGE))).collect();
    sleep(Duration::from_millis(300)).await;
    for index in 0..40 {
        let call = frame(0, &export_protobuf(index, "small"));
        let headers = [("content-type", "application/grpc")];
        let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
        assert_eq!(crate::server_support::call(address, path, &headers, call).await.status, "0", "{index}");
    }
    let ended = timeout(Duration::from_secs(30), futures::future::join_all(slow)).await.expect("none goes on for ever");
    let statuses: Vec<String> = ended.into_iter().map(|status| status.expect("no panic")).collect();
    assert!(statuses.iter().all(|status| status != "0" && status != "none"), "{statuses:?}");
    assert!(server.get("/metrics").await.text().contains("tracehub_in_flight_bytes 0\n"));
}

/// Asks for `/health` over TLS on a connection that is there; the connection stays open.
async fn ask_over_tls(stream: TcpStream, root: &rustls::pki_types::CertificateDer<'static>) -> TcpStream {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.clone()).expect("a certificate");
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, stream).await.expect("a handshake");
    stream.write_all(ASK).await.expect("room");
    let mut answer = [0; 2_048];
    assert_ne!(stream.read(&mut answer).await.expect("an answer"), 0);
    assert_eq!(&answer[..12], b"HTTP/1.1 200");
    stream.into_inner().0
}

#[tokio::test]
async fn connections_with_tls_make_way_and_end_like_all_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let server = Server::start_with(|config| {
        config.limits.connections = 20;
        config.limits.header_timeout = Duration::from_millis(500);
        config.tls = Some(TlsFiles { cert, key });
    })
    .await;
    let address = server.running.url().trim_start_matches("https://").to_owned();
    let connect = async || TcpStream::connect(&address).await.expect("a connection");
    // A handshake has more time than a head, and the head its own after it.
    let late = connect().await;
    sleep(Duration::from_millis(700)).await;
    let mut late = ask_over_tls(late, made.cert.der()).await;
    assert!(is_closed(&mut late).await, "a connection that asks nothing more ends");
    let mut crowd = Vec::new();
    for _ in 0..60 {
        crowd.push(connect().await);
    }
    let asked = timeout(Duration::from_secs(2), async { ask_over_tls(connect().await, made.cert.der()).await });
    assert!(asked.await.is_ok(), "no answer beside handshakes that do not go on");
    assert!(is_closed(&mut crowd[0]).await, "the oldest handshake makes way");
    server.stop().await;
}
