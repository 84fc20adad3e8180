//! Webhooks: who is told of which issues, how often, and how it is known who told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value as Json, json};
use sha2::Sha256;
use tracehub::server::{Config, Webhooks, start};

use crate::server_support::{JSON, Server, failed_span};
use crate::support::peer::{NOBODY, OK, Peer, Reply, Request};

const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
const MOVED: &str = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
const LONG: Duration = Duration::from_secs(30);

fn told(peer: &Peer) -> Request {
    peer.requests.recv_timeout(LONG).expect("a call")
}

async fn with_hooks(urls: &[&str]) -> Server {
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    Server::start_with(|config| config.webhooks = Webhooks { urls, secret: Some("hush".to_owned()) }).await
}

async fn log_error(server: &Server, error_type: &str) {
    // The very same request again would be a repetition.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let extra = json!({ "number": NUMBER.fetch_add(1, Ordering::Relaxed) });
    let entry =
        json!([{ "level": "error", "message": "no", "service": "shop", "error_type": error_type, "extra": extra }]);
    assert_eq!(server.post("/api/v1/ingest", JSON, entry.to_string()).await.status, 202);
}

fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_issue_and_one_that_comes_back_are_told_once_each_and_signed() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let server = with_hooks(&[&format!("{}/hook", peer.url)]).await;
    log_error(&server, "KeyError").await;
    let new = told(&peer);
    let document = new.json();
    assert!(new.head.starts_with("POST /hook "), "{}", new.head);
    assert_eq!((&document["event"], &document["issue"]["error_type"]), (&json!("issue.new"), &json!("KeyError")));
    assert_eq!(header(&new, "x-tracehub-event"), Some("issue.new"));
    let mut mac = Hmac::<Sha256>::new_from_slice(b"hush").expect("a key");
    mac.update(new.body.as_bytes());
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(header(&new, "x-tracehub-signature"), Some(format!("sha256={expected}").as_str()));
    let id = document["issue"]["id"].as_str().expect("an id").to_owned();
    let patch = server.request("PATCH", &format!("/api/v1/issues/{id}")).header("content-type", JSON);
    assert_eq!(patch.body(r#"{"status":"resolved"}"#).send().await.expect("an answer").status(), 200);
    log_error(&server, "KeyError").await;
    let back = told(&peer).json();
    assert_eq!((&back["event"], &back["issue"]["id"]), (&json!("issue.reopened"), &json!(id)));
    // Another one of the same issue is no news; the next call is about the other issue.
    log_error(&server, "KeyError").await;
    log_error(&server, "TypeError").await;
    assert_eq!(told(&peer).json()["issue"]["error_type"], "TypeError");
    let metrics = server.get("/metrics").await.text();
    assert!(metrics.contains("tracehub_webhook_calls_total{outcome=\"delivered\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_tried_again_and_a_redirect_is_not_followed() {
    let peer = Peer::start(&[Reply::Reset, Reply::Send(BUSY), Reply::Send(OK), Reply::Send(MOVED), Reply::Send(OK)]);
    let server = with_hooks(&[&peer.url]).await;
    log_error(&server, "KeyError").await;
    let deliveries: Vec<Json> = (0..3).map(|_| told(&peer).json()["delivery"].clone()).collect();
    assert!(deliveries.iter().all(|delivery| *delivery == deliveries[0]), "{deliveries:?}");
    log_error(&server, "TypeError").await;
    assert_eq!(told(&peer).json()["issue"]["error_type"], "TypeError");
    log_error(&server, "OSError").await;
    assert_eq!(told(&peer).json()["issue"]["error_type"], "OSError");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_nobody_listens_at_delays_neither_senders_nor_other_addresses_nor_the_end() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let server = with_hooks(&[NOBODY, &peer.url]).await;
    log_error(&server, "KeyError").await;
    assert_eq!(told(&peer).json()["issue"]["error_type"], "KeyError");
    server.store(&[failed_span(1, 1, "TypeError")]).await;
    tokio::time::timeout(LONG, server.stop()).await.expect("in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_told_when_a_server_stopped_is_told_by_the_next() {
    let hung = Peer::start(&[Reply::Hang, Reply::Send(OK)]);
    let server = with_hooks(&[&hung.url]).await;
    log_error(&server, "KeyError").await;
    let first = told(&hung).json();
    let folder = server.stop().await;
    let side = tracehub::server::SidePort::Off;
    let webhooks = Webhooks { urls: vec![hung.url.clone()], secret: None };
    let config = Config::new(folder.path().join("traces.db"));
    let running =
        start(Config { port: 0, otlp_grpc: side, otlp_http: side, webhooks, ..config }).await.expect("a server");
    let again = told(&hung);
    assert_eq!(again.json()["delivery"], first["delivery"]);
    assert_eq!(header(&again, "x-tracehub-signature"), None);
    running.stop().await.expect("a clean stop");
}
