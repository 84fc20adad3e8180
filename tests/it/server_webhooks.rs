//! Webhooks: who is told of which issues, how often, and how it is known who told.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
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

/// The receiver of `contrib`, which is signed to with `hush`; killed when dropped.
struct Example {
    child: Child,
    url: String,
    lines: mpsc::Receiver<String>,
}

impl Example {
    /// Starts it; `None` where there is no Python.
    fn start() -> Option<Example> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/webhook_receiver.py");
        let mut command = Command::new("python3");
        command.args([script, "--port", "0"]).env("TRACEHUB_WEBHOOK_SECRET", "hush");
        let Ok(mut child) = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() else {
            assert!(std::env::var_os("TRACEHUB_INTEROP_REQUIRED").is_none(), "there is no python3");
            // Straight to the file descriptor: the test harness swallows what passing tests print.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED: no python3 for the example of a webhook receiver\n");
            return None;
        };
        let mut ready = String::new();
        let mut talk = BufReader::new(child.stderr.take().expect("piped"));
        talk.read_line(&mut ready).expect("a line");
        std::thread::spawn(move || std::io::copy(&mut talk, &mut std::io::sink()));
        let url = ready.trim().strip_prefix("listening at ").expect("a ready line").to_owned();
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Some(Example { child, url, lines })
    }

    fn line(&self) -> Json {
        serde_json::from_str(&self.lines.recv_timeout(LONG).expect("a line")).expect("JSON")
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_receiver_takes_each_signed_message_once_and_refuses_others() {
    let Some(example) = Example::start() else { return };
    let signed = |body: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"hush").expect("a key");
        mac.update(body.as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256={hex}")
    };
    let post = async |body: &str, signature: &str| {
        let request = reqwest::Client::new().post(&example.url).header("x-tracehub-signature", signature);
        request.body(body.to_owned()).send().await.expect("an answer").status().as_u16()
    };
    let message =
        json!({ "event": "issue.new", "delivery": "new-1", "server": "s", "issue": { "id": "a" } }).to_string();
    assert_eq!(post(&message, "").await, 401);
    assert_eq!(post(&message, &signed("another")).await, 401);
    for nonsense in ["", "{", "[]", "{\"event\":\"issue.new\",\"delivery\":\"new-1\",\"issue\":7}"] {
        assert_eq!(post(nonsense, &signed(nonsense)).await, 400, "{nonsense}");
    }
    let address = example.url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    stream.write_all(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1048577\r\n\r\n").expect("sent");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("an answer");
    assert!(answer.contains(" 413 "), "{answer}");
    assert_eq!((post(&message, &signed(&message)).await, post(&message, &signed(&message)).await), (200, 200));
    assert_eq!(example.line()["id"], "a");
    let server = with_hooks(&[&example.url]).await;
    log_error(&server, "KeyError").await;
    // The repetition of the first message wrote nothing, or it would come before this.
    let line = example.line();
    assert_eq!(line["event"], "issue.new");
    assert!(line["title"].as_str().is_some_and(|title| title.contains("KeyError")), "{line}");
}
