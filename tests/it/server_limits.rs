//! What a client may ask for, and what happens to those who ask for more.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::server_support::{Answer, JSON, PROTOBUF, Server, export, export_protobuf, gzip, read_all, span};

#[tokio::test]
pub async fn a_body_over_the_cap_is_too_large_and_one_at_the_cap_is_not() {
    let server = Server::start_with(|config| config.limits.body_bytes = 50_000).await;
    let exact = |length: usize| {
        let mut json = export(&[span(1, 1, "x")]).to_string();
        json.push_str(&" ".repeat(length - json.len()));
        json
    };
    assert_eq!(server.post("/v1/traces", JSON, exact(50_000)).await.status, 200);
    let answer = server.post("/v1/traces", JSON, exact(50_001)).await;
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (413, Some(8)));
    let chunks: Vec<Result<String, std::io::Error>> = (0..6).map(|_| Ok(" ".repeat(10_000))).collect();
    let chunked = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    assert_eq!(server.post("/v1/traces", JSON, chunked).await.status, 413);
    assert_eq!(server.span_count().await, 1);
}

#[tokio::test]
pub async fn a_body_that_inflates_over_the_cap_is_too_large() {
    let server = Server::start_with(|config| config.limits.body_bytes = 1 << 20).await;
    for inflated in [(1 << 20) + 1, 3 << 20] {
        let request = server.request("POST", "/v1/traces").header("content-encoding", "gzip");
        let answer = Answer::of(request.header("content-type", PROTOBUF).body(gzip(&vec![0; inflated]))).await;
        assert_eq!(answer.status, 413, "{inflated}");
    }
    let page = server.get("/metrics").await.text();
    assert!(page.contains("tracehub_in_flight_bytes 0\n"), "all room came back:\n{page}");
}

#[tokio::test]
pub async fn a_client_that_announces_too_much_is_told_before_it_sends() {
    let server = Server::start().await;
    let head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n";
    let answer = server.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
pub async fn without_room_a_client_is_told_when_to_come_back() {
    let server = Server::start_with(|config| config.limits.in_flight_bytes = 10).await;
    let answer = server.post("/v1/traces", PROTOBUF, export_protobuf(1, "later")).await;
    assert_eq!(answer.status, 503);
    let seconds: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=5).contains(&seconds));
}

#[tokio::test]
pub async fn a_body_that_stalls_is_answered_408() {
    let server = Server::start_with(|config| config.limits.body_idle_timeout = Duration::from_millis(50)).await;
    let head =
        "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    let answer = server.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
pub async fn connections_that_never_ask_are_closed() {
    let server = Server::start_with(|config| config.limits.header_timeout = Duration::from_millis(50)).await;
    for beginning in ["", "P", "PRI * HTTP/2", "GET /health HTTP/1.1\r\nHost: loc"] {
        // Reading ends only because the server closes.
        server.raw(beginning.as_bytes()).await;
    }
    assert_eq!(server.get("/health").await.status, 200);
}

#[tokio::test]
pub async fn a_huge_head_is_refused() {
    let server = Server::start().await;
    let head = format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000));
    let answer = server.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
pub async fn more_connections_than_allowed_wait_for_their_turn() {
    let server = Server::start_with(|config| config.limits.connections = 1).await;
    let first = TcpStream::connect(server.address()).await.expect("a connection");
    let mut second = TcpStream::connect(server.address()).await.expect("a place in the queue");
    second.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.expect("room");
    drop(first);
    let answer = read_all(&mut second).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
pub async fn stopping_finishes_what_is_under_way_and_keeps_it() {
    let server = Server::start().await;
    let body = export(&[span(1, 1, "last")]).to_string();
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("room");
    // The invitation to go on proves that the request is under way.
    let mut invitation = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut invitation).await.expect("an invitation");
    assert!(invitation.starts_with(b"HTTP/1.1 100 "));
    let backend = server.running.backend();
    let (stopped, answer) = tokio::join!(server.running.stop(), async {
        stream.write_all(body.as_bytes()).await.expect("room");
        read_all(&mut stream).await
    });
    stopped.expect("a clean stop");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(backend);
}
