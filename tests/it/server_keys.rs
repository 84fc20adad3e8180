//! Who gets in: every route with every kind of key, and what becomes of those whose key is revoked.

mod projects;
mod reads;
mod revocation;

pub use reads::{
    a_reader_follows_and_goes_back_over_their_own_records,
    a_trace_of_several_projects_is_summed_up_from_the_readers_own_part,
    every_route_shows_a_reader_the_records_of_their_project_alone, many_shared_traces_are_told_apart_as_few_are,
};

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tracehub::client::{CheckpointClient, CheckpointRecord, Report};
use tracehub::model::json::key_to_wire;
use tracehub::model::{KeyScope, Nanos, TraceId, TraceQuery};
use tracehub::secret::ApiKey;
use tracehub::server::{self, Config, SidePort};
use tracehub::store::sqlite::lock;
use tracehub::store::{Backend, Error, Mode, Target};

use crate::server_support::{Answer, JSON, PROTOBUF, Server, call, export, export_protobuf, frame, read_all, span};
use crate::support::whole::Whole as _;

const ALL: [KeyScope; 3] = KeyScope::ALL;
const TRACES_CALL: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// A second, and a little for a machine with other things to do.
const A_SECOND: Duration = Duration::from_millis(1_500);

/// A key and its id.
struct Issued {
    secret: String,
    id: String,
}

/// The store of the server as its owner reaches it.
async fn owned(server: &Server) -> Arc<dyn Backend> {
    let token = lock::owner(&server.db()).and_then(|owner| owner.token).expect("a running server");
    as_holder(server, &token).await
}

async fn as_holder(server: &Server, secret: &str) -> Arc<dyn Backend> {
    let target = Target::Url { url: server.running.url().to_owned(), key: Some(secret.to_owned()) };
    tracehub::store::open(&target, Mode::Read).await.expect("a remote store")
}

async fn issue(server: &Server, project: &str, scopes: &[KeyScope]) -> Issued {
    let (secret, key) = ApiKey::issue(project, scopes, Nanos::now()).expect("random numbers");
    let id = key.id.to_string();
    owned(server).await.add_key(key).await.expect("issued");
    Issued { secret: secret.reveal().to_owned(), id }
}

async fn revoke(server: &Server, issued: &Issued) {
    owned(server).await.revoke_key(&issued.id).await.expect("revoked").expect("there");
}

async fn get(server: &Server, path: &str, key: &str) -> u16 {
    Answer::of(server.request("GET", path).header("x-api-key", key)).await.status
}

/// Every documented route, and what it takes; `None` for nothing. The documentation, which is made from the same table as
/// the server's gates, must say so too.
async fn routes(server: &Server) -> Vec<(String, String, Option<KeyScope>)> {
    let document = server.get("/openapi.json").await.json();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let scope = match (method.as_str(), path.as_str()) {
                (_, path) if path.starts_with("/opentelemetry") => Some(KeyScope::Ingest),
                ("get", "/health" | "/docs" | "/openapi.json") => None,
                ("get", path) if path.starts_with("/api/v1/keys") => Some(KeyScope::Admin),
                ("get", _) => Some(KeyScope::Read),
                ("post", "/api/v1/queries" | "/api/v1/prune") => Some(KeyScope::Admin),
                ("post", path) if path.starts_with("/api/v1/keys") => Some(KeyScope::Admin),
                ("post", _) => Some(KeyScope::Ingest),
                _ => Some(KeyScope::Admin),
            };
            let ways = operation["security"].as_array().expect("what a caller may present");
            let documented: Vec<&str> = ways.iter().filter_map(|way| way["key"][0].as_str()).collect();
            assert_eq!(documented, Vec::from_iter(scope.map(KeyScope::as_str)), "{method} {path}");
            routes.push((method.to_uppercase(), path.replace("{id}", "00000000"), scope));
        }
    }
    routes
}

#[tokio::test]
pub async fn every_route_wants_a_key_that_permits_it() {
    let server = Server::start().await;
    let one = |scope| [scope];
    let [sender, reader, admin] = [
        issue(&server, "shop", &one(KeyScope::Ingest)).await,
        issue(&server, "eyes", &one(KeyScope::Read)).await,
        issue(&server, "root", &one(KeyScope::Admin)).await,
    ];
    let revoked = issue(&server, "gone", &ALL).await;
    revoke(&server, &revoked).await;
    let routes = routes(&server).await;
    assert!(routes.len() > 30, "{routes:?}");
    for (method, path, wanted) in routes {
        for (key, scope) in [
            (None, None),
            (Some("th_0000000000000000000000000000000000000000000"), None),
            (Some(revoked.secret.as_str()), None),
            (Some(sender.secret.as_str()), Some(KeyScope::Ingest)),
            (Some(reader.secret.as_str()), Some(KeyScope::Read)),
            (Some(admin.secret.as_str()), Some(KeyScope::Admin)),
        ] {
            for header in ["x-api-key", "authorization"] {
                let mut request = server.request(&method, &path);
                let is_call = path.starts_with("/opentelemetry");
                if is_call {
                    request = request.header("content-type", "application/grpc");
                }
                if let Some(key) = key {
                    let value = if header == "authorization" { format!("Bearer {key}") } else { key.to_owned() };
                    request = request.header(header, value);
                }
                let path = if path.ends_with("/stream") { format!("{path}?timeout=0") } else { path.clone() };
                // Answers may go on for ever, so only their heads are read.
                let answer = request.send().await.expect("an answer");
                let status =
                    match (is_call, answer.headers().get("grpc-status").and_then(|status| status.to_str().ok())) {
                        (false, _) => answer.status().as_u16(),
                        (true, Some("16")) => 401,
                        (true, Some("7")) => 403,
                        (true, _) => 200,
                    };
                let is_revoked = key == Some(revoked.secret.as_str());
                let permitted = wanted.is_none() || scope == wanted || scope == Some(KeyScope::Admin);
                let what = format!("{method} {path} as {scope:?}, {is_revoked}");
                match (permitted, scope, is_revoked) {
                    (true, ..) => assert!(!matches!(status, 401 | 403), "{what}: {status}"),
                    (false, None, false) if is_call => assert_eq!(status, 401, "{what}"),
                    (false, None, false) => {
                        assert_eq!(status, 401, "{what}");
                        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{what}");
                    }
                    (false, ..) => assert_eq!(status, 403, "{what}"),
                }
            }
        }
    }
}

#[tokio::test]
pub async fn a_caller_without_a_key_hears_of_nothing_else_that_is_wrong() {
    let server = Server::start().await;
    let issued = issue(&server, "shop", &ALL).await;
    let keyed = [("x-api-key", issued.secret.as_str())];
    // Each is wrong in a way of its own; with a key that is what is said.
    for (method, path, content_type, known) in [
        ("GET", "/api/v1/traces/%ff", "", 404),
        ("GET", "/api/v1/traces/%ff/tree", "", 404),
        ("DELETE", "/api/v1/traces/%ff", "", 404),
        ("GET", "/api/v1/trace", "", 400),
        ("GET", "/api/v1/traces?limit=x", "", 400),
        ("GET", "/api/v1/logs?limit=x", "", 400),
        ("GET", "/api/v1/issues?limit=x", "", 400),
        ("GET", "/api/v1/issues/%ff", "", 404),
        ("PATCH", "/api/v1/issues/%ff", JSON, 404),
        ("PATCH", "/api/v1/issues/00000000", "text/plain", 404),
        ("GET", "/api/v1/stats?by=x", "", 400),
        ("GET", "/api/v1/scan?max=x", "", 400),
        ("GET", "/api/v1/place?records=x", "", 400),
        ("POST", "/api/v1/keys", JSON, 400),
        ("POST", "/api/v1/keys", "text/plain", 415),
        ("POST", "/api/v1/keys/used", "application/x-www-form-urlencoded", 415),
        ("POST", "/api/v1/ingest", "text/plain", 415),
        ("DELETE", "/api/v1/keys/%ff", "", 404),
        ("POST", "/api/v1/ingest", JSON, 400),
        ("POST", "/api/v1/records", "text/plain", 415),
        ("POST", "/v1/logs", "text/plain", 415),
        ("POST", "/v1/logs", JSON, 400),
        ("POST", "/ingest", JSON, 422),
        ("GET", "/traces/x/stream?timeout=x", "", 422),
        ("GET", "/recent?limit=x", "", 422),
    ] {
        let request = || server.request(method, path).header("content-type", content_type).body("{\"x\":");
        let what = format!("{method} {path}");
        assert_eq!(Answer::of(request()).await.status, 401, "{what}");
        let answer = Answer::of(request().header(keyed[0].0, keyed[0].1)).await;
        assert!(answer.status == known && !answer.json().is_null(), "{what}: {} {}", answer.status, answer.text());
    }
    let path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    let headers = [("content-type", "application/grpc+json")];
    assert_eq!(call(server.address(), path, &headers, frame(0, b"{}")).await.status, "16");
    assert_eq!(call(server.address(), path, &[headers[0], keyed[0]], frame(0, b"{}")).await.status, "3");
}

#[tokio::test]
pub async fn refusals_speak_the_language_of_the_sender_and_repeat_nothing() {
    #[derive(Clone, PartialEq, prost::Message)]
    struct RpcStatus {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(string, tag = "2")]
        message: String,
    }
    let server = Server::start().await;
    let reader = issue(&server, "eyes", &[KeyScope::Read]).await;
    let unknown = "th_unknownunknownunknownunknownunknownunknownun";
    for (key, status, code) in [(unknown, 401, 16), (reader.secret.as_str(), 403, 7)] {
        let send = |media: &str, body: Vec<u8>| {
            let request = server.request("POST", "/v1/traces").header("content-type", media).header("x-api-key", key);
            Answer::of(request.body(body))
        };
        let answer = send(PROTOBUF, export_protobuf(1, "refused")).await;
        let read: RpcStatus = prost::Message::decode(&answer.body[..]).expect("a status");
        assert_eq!((answer.status, read.code, answer.header("content-type")), (status, code, PROTOBUF));
        let answer = send(JSON, export(&[span(1, 1, "refused")]).to_string().into_bytes()).await;
        assert_eq!((answer.status, answer.json()["code"].as_i64()), (status, Some(i64::from(code))));
        let reply = call(
            server.address(),
            TRACES_CALL,
            &[("content-type", "application/grpc"), ("x-api-key", key)],
            frame(0, &export_protobuf(1, "refused")),
        )
        .await;
        assert_eq!((reply.http_status, reply.status.as_str()), (200, code.to_string().as_str()));
        for said in [read.message, answer.text(), reply.message] {
            assert!(!said.contains(&key[9..]) && !said.is_empty(), "{said}");
        }
    }
    assert_eq!(server.span_count().await, 0);
}

#[tokio::test]
pub async fn a_key_opens_otlp_over_http_and_grpc_in_either_header() {
    let server = Server::start().await;
    let key = issue(&server, "shop", &[KeyScope::Ingest]).await;
    let bearer = format!("bearer {}", key.secret);
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("key:{}", key.secret)));
    for (number, (name, value)) in
        [("x-api-key", key.secret.as_str()), ("authorization", &bearer), ("authorization", &basic)]
            .into_iter()
            .enumerate()
    {
        let number = number as u8 + 1;
        let request = server.request("POST", "/v1/traces").header("content-type", PROTOBUF).header(name, value);
        assert_eq!(Answer::of(request.body(export_protobuf(number, "http"))).await.status, 200);
        let headers = [("content-type", "application/grpc"), (name, value)];
        let reply =
            call(server.address(), TRACES_CALL, &headers, frame(0, &export_protobuf(number + 10, "grpc"))).await;
        assert_eq!(reply.status, "0", "{reply:?}");
    }
    assert_eq!(server.span_count().await, 6);
}

#[tokio::test]
pub async fn other_machines_need_a_key_from_the_start() {
    let server = Server::start_with(|config| config.host = "0.0.0.0".to_owned()).await;
    assert!(server.running.wants_a_key());
    let answer = server.get("/api/v1/traces").await;
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("tracehub keys create"), "{}", answer.text());
    let health = server.get("/health").await;
    assert_eq!((health.status, &health.json()["db"]), (200, &Json::Null));
    assert_eq!(server.get("/docs").await.status, 200);
    let key = issue(&server, "eyes", &[KeyScope::Read]).await;
    assert!(!server.running.wants_a_key());
    assert_eq!(get(&server, "/api/v1/traces", &key.secret).await, 200);
    let side = SidePort::At("0.0.0.0:0".parse().expect("an address"));
    let server = Server::start_with(|config| config.otlp_http = side).await;
    assert_eq!(server.get("/api/v1/traces").await.status, 401);
}

#[tokio::test]
pub async fn the_first_key_closes_the_door_and_revoking_the_last_does_not_open_it() {
    let server = Server::start().await;
    assert_eq!(server.get("/api/v1/traces").await.status, 200);
    let (secret, key) = ApiKey::issue("shop", &[KeyScope::Read], Nanos::now()).expect("random numbers");
    // Whoever may do everything may also issue the first key.
    server.remote().await.add_key(key.clone()).await.expect("issued");
    assert_eq!(server.get("/api/v1/traces").await.status, 401);
    assert_eq!(get(&server, "/api/v1/traces", secret.reveal()).await, 200);
    let denied = server.remote().await.add_key(key.clone()).await;
    assert!(matches!(denied, Err(Error::Denied { .. })), "{denied:?}");
    owned(&server).await.revoke_key(&key.id).await.expect("revoked");
    for key in ["", secret.reveal()] {
        assert_ne!(get(&server, "/api/v1/traces", key).await, 200);
    }
}

#[tokio::test]
pub async fn a_restart_keeps_keys_revocations_and_uses() {
    let server = Server::start().await;
    let kept = issue(&server, "shop", &[KeyScope::Read]).await;
    let gone = issue(&server, "gone", &[KeyScope::Read]).await;
    assert_eq!(get(&server, "/api/v1/traces", &kept.secret).await, 200);
    revoke(&server, &gone).await;
    let folder = server.stop().await;
    let mut config = Config::new(folder.path().join("traces.db"));
    (config.port, config.otlp_grpc, config.otlp_http) = (0, SidePort::Off, SidePort::Off);
    let running = server::start(config).await.expect("a server");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for (key, status) in [(kept.secret.as_str(), 200), (gone.secret.as_str(), 403), ("", 401)] {
        let request = client.get(format!("{}/api/v1/traces", running.url())).header("x-api-key", key);
        assert_eq!(Answer::of(request).await.status, status);
    }
    let keys = running.backend().list_keys().await.expect("listed");
    let used: Vec<bool> = keys.iter().map(|key| key.last_used.is_some()).collect();
    assert_eq!(used, [true, false], "the first was used before the server stopped");
    running.stop().await.expect("a clean stop");
}

#[tokio::test]
pub async fn a_use_is_noted_soon_and_only_of_the_key_that_was_used() {
    let server = Server::start().await;
    let [used, idle] = [issue(&server, "shop", &[KeyScope::Read]).await, issue(&server, "idle", &ALL).await];
    let before = Nanos::now();
    assert_eq!(get(&server, "/api/v1/traces", &used.secret).await, 200);
    // What a key does not permit is no use of it.
    let refused = server.request("DELETE", "/api/v1/traces").header("x-api-key", &used.secret);
    assert_eq!(Answer::of(refused).await.status, 403);
    let backend = owned(&server).await;
    let noted = async {
        loop {
            let keys = backend.list_keys().await.expect("listed");
            let of = |id: &str| keys.iter().find(|key| *key.id == *id).and_then(|key| key.last_used);
            if let Some(time) = of(&used.id) {
                assert!(time >= before && of(&idle.id).is_none());
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), noted).await.expect("noted");
}

#[tokio::test]
pub async fn the_secret_of_the_checkpoint_api_opens_what_it_protects_and_nothing_else() {
    let server = Server::start_with(|config| config.secret = Some("open sesame".to_owned())).await;
    let key = issue(&server, "shop", &[KeyScope::Ingest]).await;
    let record = json!({ "traces": [{
        "source_id": "MA", "correlation_id": "c", "timestamp": 1.5, "suffix": "000001", "direction": "->",
        "operation": "REST", "endpoint": "/api",
    }] });
    let send = async |name: &str, value: &str| {
        let request = server.request("POST", "/ingest").header("content-type", JSON).header(name, value);
        Answer::of(request.body(record.to_string())).await.status
    };
    assert_eq!(send("x-tracehub-secret", "open sesame").await, 200);
    assert_eq!(send("x-tracehub-secret", "open barley").await, 403);
    assert_eq!(send("x-api-key", &key.secret).await, 200);
    assert_eq!(send("x-nothing", "").await, 401);
    for (method, path) in [("GET", "/recent"), ("GET", "/traces/c"), ("DELETE", "/cleanup"), ("POST", "/v1/traces")] {
        let request = server.request(method, path).header("x-tracehub-secret", "open sesame");
        assert_eq!(Answer::of(request).await.status, 401, "{method} {path}");
    }
}

#[tokio::test]
pub async fn the_checkpoint_client_is_let_in_by_its_key() {
    let server = Server::start().await;
    let key = issue(&server, "shop", &[KeyScope::Ingest]).await;
    let url = server.running.url().to_owned();
    let send = async |variables: &[(&str, &str)]| {
        let lookup =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        let client = CheckpointClient::from_variables(&lookup);
        client.send(CheckpointRecord::enter("MA", "req-1", "REST", "/api"));
        let close = move || client.close(Duration::from_secs(60));
        tokio::task::spawn_blocking(close).await.expect("closed")
    };
    let url = ("TRACEHUB_URL", url.as_str());
    assert_eq!(send(&[url]).await, Report { sent: 0, dropped: 0, failed: 1 });
    let with_key = [url, ("TRACEHUB_API_KEY", key.secret.as_str())];
    assert_eq!(send(&with_key).await, Report { sent: 1, dropped: 0, failed: 0 });
    let in_the_url = url.1.replace("http://", &format!("http://key:{}@", key.secret));
    assert_eq!(send(&[("TRACEHUB_URL", &in_the_url)]).await, Report { sent: 1, dropped: 0, failed: 0 });
    let trace = TraceId::parse("req-1").expect("an id");
    let found = server.running.backend().trace(&trace).await.expect("read").expect("stored");
    assert_eq!(found.checkpoints.len(), 2);
}

#[tokio::test]
pub async fn keys_are_issued_and_revoked_over_http() {
    let server = Server::start().await;
    let admin = issue(&server, "root", &[KeyScope::Admin]).await;
    let ask = async |method: &str, path: &str, body: String| {
        Answer::of(server.request(method, path).header("x-api-key", &admin.secret).body(body)).await
    };
    let (secret, key) = ApiKey::issue("shop", &[KeyScope::Read], Nanos(5)).expect("random numbers");
    let wire = Json::Object(key_to_wire(&key));
    assert_eq!(ask("POST", "/api/v1/keys", wire.to_string()).await.json(), wire);
    assert_eq!(ask("POST", "/api/v1/keys", wire.to_string()).await.status, 409);
    assert_eq!(get(&server, "/api/v1/traces", secret.reveal()).await, 200);
    assert_eq!(ask("GET", "/api/v1/keys", String::new()).await.json()[0], wire);
    let path = format!("/api/v1/keys/{}", key.id);
    let revoked = ask("DELETE", &path, String::new()).await;
    assert!(revoked.status == 200 && revoked.json()["revoked"].is_string());
    assert_eq!(ask("DELETE", "/api/v1/keys/00000000", String::new()).await.status, 404);
    for (name, value) in [
        ("prefix", json!(secret.reveal())),
        ("id", json!("00000000")),
        ("digest", json!("ab")),
        ("scopes", json!(["all"])),
        ("project", json!("")),
        ("project", json!("\u{1b}[2J")),
    ] {
        let mut wrong = Json::Object(key_to_wire(&ApiKey::issue("x", &ALL, Nanos(1)).expect("random numbers").1));
        wrong[name] = value;
        let answer = ask("POST", "/api/v1/keys", wrong.to_string()).await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(!answer.text().contains(&secret.reveal()[9..]), "{}", answer.text());
    }
    assert_eq!(ask("POST", "/api/v1/keys", format!("{{{}", secret.reveal())).await.status, 400);
}

#[tokio::test]
pub async fn many_callers_with_many_keys_each_keep_their_own_rights() {
    let server = Arc::new(Server::start().await);
    let admin = issue(&server, "root", &[KeyScope::Admin]).await;
    let callers = (0..8).map(|number| {
        let (server, admin) = (Arc::clone(&server), admin.secret.clone());
        tokio::spawn(async move {
            let store = as_holder(&server, &admin).await;
            for _ in 0..5 {
                let (secret, key) = ApiKey::issue("shop", &[KeyScope::Read], Nanos(number)).expect("random numbers");
                let secret = secret.reveal();
                assert_eq!(get(&server, "/api/v1/traces", secret).await, 401);
                store.add_key(key.clone()).await.expect("issued");
                assert_eq!(get(&server, "/api/v1/traces", secret).await, 200);
                store.revoke_key(&key.id).await.expect("revoked");
                assert_eq!(get(&server, "/api/v1/traces", secret).await, 403);
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("no caller failed");
    }
    assert_eq!(owned(&server).await.list_keys().await.expect("listed").len(), 41);
}

#[tokio::test]
pub async fn no_key_lies_in_the_file_or_is_printed_for_debugging() {
    let server = Server::start().await;
    let key = issue(&server, "shop", &ALL).await;
    server.request("POST", "/v1/traces").header("x-api-key", &key.secret).send().await.expect("an answer");
    assert_eq!(get(&server, "/api/v1/traces", &key.secret).await, 200);
    let target = Target::Url { url: server.running.url().to_owned(), key: Some(key.secret.clone()) };
    let printed = format!("{target:?} {:?} {:?}", as_holder(&server, &key.secret).await, server.running);
    assert!(!printed.contains(&key.secret[9..]), "{printed}");
    let secret = key.secret.clone();
    let folder = server.stop().await;
    let mut looked_at = 0;
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let bytes = std::fs::read(entry.expect("readable").path()).expect("a file");
        looked_at += bytes.len();
        // What is in the file is at most the beginning that lists show.
        assert!(!bytes.windows(12).any(|window| window == &secret.as_bytes()[..12]));
    }
    assert!(looked_at > 10_000, "{looked_at}");
}

#[tokio::test]
pub async fn an_answer_repeats_no_key_that_stands_in_a_path() {
    let server = Server::start().await;
    let secret = "th_0123456789abcdefghijABCDEFGHIJ0123456789abc";
    for (method, path, status) in [("GET", "/api/v1/", 404), ("PUT", "/api/v1/traces/", 405)] {
        let answer = Answer::of(server.request(method, &format!("{path}{secret}"))).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(path) && !answer.text().contains("th_"), "{}", answer.text());
    }
}
