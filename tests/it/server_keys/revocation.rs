//! What becomes of those whose key is revoked while they are being served.

use super::*;
use crate::support::whole::Whole as _;

/// An HTTP/1.1 connection that is kept alive.
struct Connection(TcpStream);

impl Connection {
    async fn open(server: &Server) -> Connection {
        Connection(TcpStream::connect(server.address()).await.expect("a connection"))
    }

    async fn send(&mut self, head: &str) {
        self.0.write_all(head.as_bytes()).await.expect("room");
    }

    /// Asks for a page; its status.
    async fn get(&mut self, path: &str, key: &str) -> u16 {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n")).await;
        let head = self.head().await;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        let mut body = vec![0; length.parse().expect("a number")];
        self.0.read_exact(&mut body).await.expect("a body");
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }

    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.expect("a head"));
        }
        String::from_utf8(head).expect("text")
    }
}

#[tokio::test]
async fn a_revocation_acts_at_once_on_a_connection_that_is_kept_alive() {
    let server = Server::start().await;
    let key = issue(&server, "eyes", &[KeyScope::Read]).await;
    let mut connection = Connection::open(&server).await;
    assert_eq!(connection.get("/api/v1/traces", &key.secret).await, 200);
    revoke(&server, &key).await;
    assert_eq!(connection.get("/api/v1/traces", &key.secret).await, 403);
    assert_eq!(connection.get("/health", &key.secret).await, 200);
}

#[tokio::test]
async fn what_is_changed_behind_the_servers_back_acts_within_a_second() {
    let server = Server::start().await;
    let (secret, key) = ApiKey::issue("eyes", &[KeyScope::Read], Nanos::now()).expect("random numbers");
    let mut connection = Connection::open(&server).await;
    let becomes = async |connection: &mut Connection, status: u16| {
        let since = Instant::now();
        while connection.get("/api/v1/traces", secret.reveal()).await != status {
            assert!(since.elapsed() < A_SECOND, "not yet {status}");
        }
    };
    assert_eq!(connection.get("/api/v1/traces", "").await, 200);
    server.running.backend().add_key(key.clone()).await.expect("issued");
    let since = Instant::now();
    while connection.get("/api/v1/traces", "").await != 401 {
        assert!(since.elapsed() < A_SECOND, "still open");
    }
    becomes(&mut connection, 200).await;
    server.running.backend().revoke_key(&key.id).await.expect("revoked");
    becomes(&mut connection, 403).await;
}

#[tokio::test]
async fn streams_and_questions_that_wait_end_with_the_key_behind_them() {
    let server = Server::start().await;
    let [key, other] =
        [issue(&server, "eyes", &[KeyScope::Read]).await, issue(&server, "eyes", &[KeyScope::Read]).await];
    let open = async |path: &str, key: &Issued| {
        let mut connection = Connection::open(&server).await;
        connection.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\n\r\n", key.secret)).await;
        connection
    };
    let mut stream = open("/traces/watched/stream?timeout=600", &key).await;
    let mut lasting = open("/traces/watched/stream?timeout=600", &other).await;
    assert!(stream.head().await.contains(" 200 ") && lasting.head().await.contains(" 200 "));
    let mut everything = open("/api/v1/scan/stream", &key).await;
    assert!(everything.head().await.contains(" 200 "));
    let mut waiting = open("/api/v1/scan?wait_ms=30000", &key).await;
    let cursor = as_holder(&server, &key.secret).await;
    assert!(cursor.traces(&Default::default()).await.is_ok());
    revoke(&server, &key).await;
    for stream in [&mut stream, &mut everything] {
        let rest = timeout(A_SECOND, read_all(&mut stream.0)).await.expect("the stream ends");
        assert!(!rest.contains("timeout") && !rest.ends_with("0\r\n\r\n"), "it must not look like an end: {rest:?}");
    }
    let head = timeout(A_SECOND, waiting.head()).await.expect("the question is answered");
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    let mut byte = [0];
    let quiet = timeout(Duration::from_millis(300), lasting.0.read(&mut byte)).await;
    assert!(quiet.is_err(), "the stream of another key goes on: {quiet:?}");
}

#[tokio::test]
async fn a_body_that_trickles_in_is_not_stored_once_its_key_is_revoked() {
    let server = Server::start().await;
    let key = issue(&server, "shop", &[KeyScope::Ingest]).await;
    let body = export(&[span(1, 1, "late")]).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let mut connection = Connection::open(&server).await;
    let length = body.len();
    connection
        .send(&format!(
            "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\nContent-Type: application/json\r\n\
             Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n",
            key.secret
        ))
        .await;
    // It asks for the body only of those it has let in.
    assert!(connection.head().await.starts_with("HTTP/1.1 100"));
    connection.send(first).await;
    revoke(&server, &key).await;
    // The connection may be closed by now.
    let _ = connection.0.write_all(rest.as_bytes()).await;
    let answer = timeout(A_SECOND, connection.head()).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert_eq!(server.span_count().await, 0);
}
