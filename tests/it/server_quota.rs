//! How much each caller may send, and how many keys they may try.

use serde_json::json;
use tracehub::model::{Key, KeyScope, Nanos};
use tracehub::secret::ApiKey;
use tracehub::server::RateLimit;
use tracehub::store::sqlite::lock;
use tracehub::store::{Mode, Target};

use crate::server_support::{Answer, JSON, PROTOBUF, Server, call, export, export_protobuf, frame, span};

const TRACES_CALL: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

async fn limited(records: Option<u64>, bytes: Option<u64>) -> Server {
    let rate = RateLimit { records_per_second: records, bytes_per_second: bytes };
    Server::start_with(|config| config.limits.rate = rate).await
}

/// Issues a key of a project for a server that runs.
async fn issue(server: &Server, project: &str, scopes: &[KeyScope]) -> String {
    issue_limited(server, project, scopes, RateLimit::default()).await
}

/// Issues a key with a limit of its own.
async fn issue_limited(server: &Server, project: &str, scopes: &[KeyScope], limit: RateLimit) -> String {
    let token = lock::owner(&server.db()).and_then(|owner| owner.token);
    let target = Target::Url { url: server.running.url().to_owned(), key: token };
    let owned = tracehub::store::open(&target, Mode::Write).await.expect("a remote store");
    let (secret, key) = ApiKey::issue(project, scopes, Nanos::now()).expect("random numbers");
    let key = Key { limit, ..key };
    owned.keys().expect("keys").add_key(key).await.expect("issued");
    secret.reveal().to_owned()
}

fn spans(first: u32, count: u32) -> String {
    let spans: Vec<_> = (first..first + count).map(|index| span(1, index, "x")).collect();
    export(&spans).to_string()
}

#[tokio::test]
pub async fn a_key_may_have_a_limit_of_its_own_on_a_server_with_or_without_one() {
    for of_server in [None, Some(20)] {
        let server = limited(of_server, None).await;
        let limit = RateLimit { records_per_second: Some(100), bytes_per_second: None };
        let own = issue_limited(&server, "batch", &[KeyScope::Ingest], limit).await;
        let other = issue(&server, "shop", &[KeyScope::Ingest]).await;
        let status = async |key: &str, first, count| {
            let request = server.request("POST", "/v1/traces").header("content-type", JSON).header("x-api-key", key);
            Answer::of(request.body(spans(first, count))).await.status
        };
        assert_eq!((status(&own, 1, 90).await, status(&own, 1_000, 90).await), (200, 429));
        let (first, second) = (status(&other, 2_000, 15).await, status(&other, 3_000, 15).await);
        assert_eq!((first, second), (200, if of_server.is_some() { 429 } else { 200 }));
    }
}

#[tokio::test]
pub async fn who_sends_more_than_their_quota_hears_when_to_come_back_and_nothing_of_it_is_taken() {
    let server = limited(Some(100), None).await;
    assert_eq!(server.post("/v1/traces", JSON, spans(1, 80)).await.status, 200);
    let refused = server.post("/v1/traces", JSON, spans(1_000, 90)).await;
    assert_eq!((refused.status, refused.json()["code"].as_u64(), refused.header("retry-after")), (429, Some(8), "1"));
    assert_eq!(server.span_count().await, 80);
    // More than a second's worth at once gets through when it is the first, and has to be waited for.
    let server = limited(Some(10), None).await;
    assert_eq!(server.post("/v1/traces", JSON, spans(1, 500)).await.status, 200);
    for (path, media, body) in [
        ("/v1/traces", PROTOBUF, export_protobuf(9, "x")),
        ("/v1/logs", JSON, b"{}".to_vec()),
        ("/api/v1/ingest", JSON, b"[]".to_vec()),
        ("/ingest", JSON, b"{}".to_vec()),
        ("/ingest/single", JSON, b"{}".to_vec()),
        ("/api/v1/records", JSON, b"{}".to_vec()),
    ] {
        let answer = server.post(path, media, body).await;
        let seconds: u64 = answer.header("retry-after").parse().expect("seconds");
        assert!(answer.status == 429 && (40..=50).contains(&seconds), "{path}: {} {seconds}", answer.status);
    }
    let reply = call(server.address(), TRACES_CALL, &[("content-type", "application/grpc")], frame(0, b"")).await;
    assert_eq!(reply.status, "8");
    assert!(reply.headers.contains_key("grpc-status-details-bin"), "clients drop what they are not told to retry");
    assert_eq!(server.get("/api/v1/traces").await.status, 200, "questions are not counted");
    let page = server.get("/metrics").await.text();
    assert!(page.contains("tracehub_ingest_failed_total{reason=\"quota\"} 7\n"), "{page}");
}

#[tokio::test]
pub async fn bytes_count_inflated_and_log_entries_are_not_cut_in_half() {
    let server = limited(None, Some(1_000)).await;
    let body = crate::server_support::gzip(&vec![b'x'; 50_000]);
    assert!(body.len() < 1_000);
    let zipped = || server.request("POST", "/v1/logs").header("content-type", JSON).header("content-encoding", "gzip");
    // What is refused for itself is not counted.
    assert_eq!(Answer::of(zipped().body(body)).await.status, 400);
    let logs = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{ "body": { "stringValue": "x".repeat(5_000) } }] }] }] });
    assert_eq!(server.post("/v1/logs", JSON, logs.to_string()).await.status, 200);
    assert_eq!(server.post("/v1/logs", JSON, "{}").await.status, 429);
    let server = limited(Some(10), None).await;
    let entries: Vec<_> = (0..30_000).map(|index| json!({ "level": "INFO", "message": format!("{index}") })).collect();
    let answer = server.post("/api/v1/ingest", JSON, json!(entries).to_string()).await;
    assert_eq!((answer.status, answer.json()["accepted"].as_u64()), (202, Some(30_000)));
    assert_eq!(server.post("/api/v1/ingest", JSON, json!([entries[0]]).to_string()).await.status, 429);
}

#[tokio::test]
pub async fn keys_have_quotas_of_their_own() {
    let server = limited(Some(10), None).await;
    let (one, other) =
        (issue(&server, "one", &[KeyScope::Ingest]).await, issue(&server, "other", &[KeyScope::Ingest]).await);
    let send = async |key: &str, first| {
        let request = server.request("POST", "/v1/traces").header("content-type", JSON).header("x-api-key", key);
        Answer::of(request.body(spans(first, 10))).await.status
    };
    assert_eq!((send(&one, 1).await, send(&one, 100).await, send(&other, 200).await), (200, 429, 200));
}

#[tokio::test]
pub async fn many_wrong_keys_are_refused_for_a_while_and_the_right_one_is_not() {
    let server = Server::start().await;
    let right = issue(&server, "shop", &[KeyScope::Ingest, KeyScope::Read]).await;
    let ask = async |key: &str| Answer::of(server.request("GET", "/api/v1/traces").header("x-api-key", key)).await;
    let mut statuses = Vec::new();
    for index in 0..400 {
        statuses.push(ask(&format!("th_wrong{index}")).await);
    }
    assert!(statuses[..200].iter().all(|answer| answer.status == 401));
    let refused = statuses.iter().find(|answer| answer.status == 429).expect("too many");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(ask(&right).await.status, 200);
    assert_eq!(server.get("/health").await.status, 200);
}
