//! Log records over the wire: the route of the published logger, and OTLP.

use std::path::PathBuf;

use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message as _;
use serde_json::{Value as Json, json};
use tracehub::model::KeyScope;

use crate::server_support::{Answer, JSON, PROTOBUF, Server, call, export, frame, gzip, span};
use crate::support::whole::Whole as _;

const INGEST: &str = "/api/v1/ingest";
const LOGS_SERVICE: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

fn entry(message: &str) -> Json {
    json!({
        "level": "INFO", "message": message, "timestamp": "2026-11-21T09:14:02.117+00:00", "service": "shop",
        "environment": "prod", "host": "a1", "pid": 12, "thread_id": "MainThread", "sdk_version": "1.2.0",
    })
}

async fn send(server: &Server, body: impl Into<reqwest::Body>, headers: &[(&str, &str)]) -> Answer {
    let mut request = server.request("POST", INGEST).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request).await
}

/// Everything stored, in the order it was committed.
async fn stored(server: &Server) -> Vec<Json> {
    let answer = server.get("/api/v1/scan?kind=logs&max=10000").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["logs"].as_array().expect("records").clone()
}

async fn messages(server: &Server) -> Vec<String> {
    stored(server).await.iter().map(|log| log["message"].as_str().expect("text").to_owned()).collect()
}

fn capture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/captures");
    std::fs::read(folder.join(name)).expect("a recording")
}

#[tokio::test]
pub async fn requests_of_the_published_logger_are_stored_to_the_letter_and_once() {
    let server = Server::start().await;
    let gzipped = [("content-type", JSON), ("content-encoding", "gzip"), ("x-api-key", "th_abc123")];
    let (first, second) =
        (capture("029-tracehub-logger-1.2.0-gzip.body"), capture("030-tracehub-logger-1.2.0-plain.body"));
    for (body, headers) in [(&first, &gzipped[..]), (&second, &gzipped[..1])] {
        for is_again in [false, true] {
            let answer = send(&server, body.clone(), headers).await;
            let duplicates = if is_again { 5 } else { 0 };
            let expected = json!({
                "accepted": 5, "rejected": 0, "duplicates": duplicates, "duplicate": is_again, "errors": [],
            });
            assert_eq!((answer.status, answer.json()), (202, expected));
        }
    }
    let found = stored(&server).await;
    assert_eq!(found.len(), 10);
    let sent: Vec<Json> = serde_json::from_slice(&second).expect("JSON");
    for (sent, found) in sent.iter().zip(&found[5..]) {
        for key in [
            "message",
            "service",
            "environment",
            "host",
            "pid",
            "thread_id",
            "sdk_version",
            "trace_id",
            "module",
            "stack_trace",
            "error_type",
            "error_message",
        ] {
            assert_eq!(found[key], sent[key], "{key}");
        }
        assert_eq!(found["level"], json!(sent["level"].as_str().expect("text").to_lowercase()));
        assert_eq!(found["time"], "2026-11-21T07:28:46.423000000Z");
        assert_eq!(found["extra"], sent.get("extra").cloned().unwrap_or(json!({})));
    }
    let trace = server.get("/api/v1/traces/4bf92f3577b34da6a3ce929d0e0e4736").await.json();
    assert_eq!(
        (&trace["log_count"], &trace["error_count"], &trace["service"]),
        (&json!(10), &json!(4), &json!("auth-service"))
    );
}

#[tokio::test]
pub async fn log_entries_join_the_spans_of_their_trace() {
    let server = Server::start().await;
    server.store(&[span(7, 1, "checkout")]).await;
    let mut joined = entry("charged");
    joined["trace_id"] = json!(format!("{:032x}", 7));
    joined["span_id"] = json!(format!("{:016x}", 1));
    assert_eq!(send(&server, json!([joined]).to_string(), &[]).await.status, 202);
    let trace = server.get(&format!("/api/v1/traces/{:032x}", 7)).await.json();
    assert_eq!((&trace["span_count"], &trace["logs"][0]["message"]), (&json!(1), &json!("charged")));
    assert_eq!(trace["logs"][0]["span_id"], trace["spans"][0]["span_id"]);
}

#[tokio::test]
pub async fn a_body_of_many_entries_is_stored_whole_and_once() {
    let server = Server::start().await;
    let timed = |index: usize| json!({ "message": index, "timestamp": 1_795_252_442_000_u64 + index as u64 });
    for body in [(0..40_000).map(timed).collect::<Json>(), (0..40_000).map(|_| json!({ "message": "same" })).collect()]
    {
        let body = gzip(body.to_string().as_bytes());
        for is_again in [false, true] {
            let answer = send(&server, body.clone(), &[("content-encoding", "gzip")]).await;
            let duplicates = if is_again { 40_000 } else { 0 };
            let expected = json!({
                "accepted": 40_000, "rejected": 0, "duplicates": duplicates, "duplicate": is_again, "errors": [],
            });
            assert_eq!((answer.status, answer.json()), (202, expected));
        }
    }
    assert_eq!(server.get("/api/v1/stats?by=nothing").await.json()["logs"], 80_000);
}

#[tokio::test]
pub async fn one_bad_entry_costs_only_itself() {
    let server = Server::start().await;
    let body = format!("[{},7,{},{{\"message\":}},{}]", entry("a"), entry("b"), entry("c"));
    let answer = send(&server, body, &[]).await;
    assert_eq!(
        (answer.status, answer.json()),
        (
            202,
            json!({
                "accepted": 3, "rejected": 2, "duplicates": 0, "duplicate": false,
                "errors": [
                    { "index": 1, "reason": "an entry is an object, and this is a number" },
                    { "index": 3, "reason": "it is not JSON: Expecting value, byte 11 of the entry" },
                ],
            })
        )
    );
    assert_eq!(messages(&server).await, ["a", "b", "c"]);
    let flood = send(&server, format!("[{}]", vec!["null"; 1_000].join(",")), &[]).await.json();
    assert_eq!((&flood["rejected"], flood["errors"].as_array().map(Vec::len)), (&json!(1_000), Some(100)));
    let page = server.get("/metrics").await.text();
    assert!(page.contains("tracehub_records_total{outcome=\"rejected\"} 1002\n"), "{page}");
}

#[tokio::test]
pub async fn one_object_and_one_a_line_are_taken_and_no_form_of_a_web_page() {
    let server = Server::start().await;
    for (body, content_type, count) in [
        (entry("alone").to_string(), "application/json; charset=utf-8", 1),
        (format!("{}\n{{\"message\":\n{}\n", entry("first"), entry("third")), "application/x-ndjson", 2),
        ("[]".to_owned(), JSON, 0),
    ] {
        let answer = send(&server, body, &[("content-type", content_type)]).await;
        assert_eq!((answer.status, &answer.json()["accepted"]), (202, &json!(count)), "{content_type}");
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "?"] {
        let answer = send(&server, json!([entry("form")]).to_string(), &[("content-type", content_type)]).await;
        assert_eq!((answer.status, answer.json()["detail"].is_string()), (415, true), "{content_type}");
    }
    assert_eq!(send(&server, json!([entry("untyped")]).to_string(), &[]).await.status, 202);
    assert_eq!(messages(&server).await, ["alone", "first", "third", "untyped"]);
}

#[tokio::test]
pub async fn compressed_bodies_are_inflated_to_their_last_member() {
    let server = Server::start().await;
    let text = json!([entry("one"), entry("two"), entry("three")]).to_string();
    let (head, tail) = text.split_at(text.len() / 2);
    let members = [gzip(head.as_bytes()), gzip(b""), gzip(tail.as_bytes())].concat();
    assert_eq!(send(&server, members, &[("content-encoding", "gzip")]).await.json()["accepted"], 3);
    let arrays =
        [gzip(json!([entry("four")]).to_string().as_bytes()), gzip(json!([entry("five")]).to_string().as_bytes())];
    assert_eq!(send(&server, arrays.concat(), &[("content-encoding", "gzip")]).await.json()["accepted"], 2);
    assert_eq!(messages(&server).await, ["one", "two", "three", "four", "five"]);
}

#[tokio::test]
pub async fn odd_values_are_taken_and_read_back() {
    let server = Server::start().await;
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let body = format!(
        r#"[{{"level":"WARNING","message":12345,"timestamp":1795252442.5,"pid":"p1","trace_id":"req/with slash?&","extra":{{
            "nan":NaN,"inf":-Infinity,"lone":"\udcff","nul":"a\u0000b","big":1234567890123456789012345678901,"deep":{deep},
            "host.name":"fake","list":[1,null]}}}},{{}},{{"level":"Loud","message":null,"timestamp":"soon"}}]"#
    );
    let answer = send(&server, body, &[]).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (202, &json!(3)), "{}", answer.text());
    let found = stored(&server).await;
    let first = &found[0];
    assert_eq!((&first["level"], &first["message"], &first["pid"]), (&json!("warn"), &json!("12345"), &json!("p1")));
    assert_eq!(
        (&first["time"], &first["service"]),
        (&json!("2026-11-21T09:14:02.500000000Z"), &json!("unknown_service"))
    );
    let extra = &first["extra"];
    assert_eq!((&extra["nan"], &extra["inf"]), (&json!("NaN"), &json!("-Infinity")));
    assert_eq!((&extra["lone"], &extra["nul"]), (&json!("\u{fffd}"), &json!("a\0b")));
    assert_eq!((&extra["big"], &extra["list"]), (&json!("1234567890123456789012345678901"), &json!([1, null])));
    assert!(extra["deep"].to_string().contains('1'));
    for log in &found[1..] {
        let seconds = tracehub::model::Nanos::parse_rfc3339(log["time"].as_str().expect("a time")).expect("a time");
        assert!(tracehub::model::Nanos::now().since(seconds) < 60_000_000_000);
        assert_eq!(log["extra"]["tracehub.time_source"], "received");
    }
    assert_eq!((&found[2]["level"], &found[2]["extra"]["level"]), (&json!("info"), &json!("Loud")));
    assert_eq!(found[2]["extra"]["timestamp"], "soon");
    let trace = server.get("/api/v1/trace?id=req%2Fwith%20slash%3F%26").await.json();
    assert_eq!(trace["log_count"], 1);
}

#[tokio::test]
pub async fn a_stack_of_megabytes_is_cut_and_says_so() {
    let server = Server::start().await;
    let mut long = entry("deep recursion");
    long["stack_trace"] = json!("  File \"a.py\", line 1, in f\n".repeat(200_000));
    let answer = send(&server, json!([long, entry("next")]).to_string(), &[]).await;
    assert_eq!(answer.json()["accepted"], 2);
    let found = stored(&server).await;
    assert_eq!(found[0]["extra"]["tracehub.truncated"], "stack_trace");
    let length = found[0]["stack_trace"].as_str().map_or(0, str::len);
    assert!((1_000_000..=1 << 20).contains(&length), "{length}");
    assert_eq!(found[1]["message"], "next");
}

#[tokio::test]
pub async fn a_retry_is_stored_once_even_without_times_and_equal_entries_of_one_request_are_all_kept() {
    let server = Server::start().await;
    let untimed = json!([{ "message": "tick" }, { "message": "tick" }]).to_string();
    let first = send(&server, untimed.clone(), &[]).await.json();
    assert_eq!((&first["accepted"], &first["duplicates"], &first["duplicate"]), (&json!(2), &json!(0), &json!(false)));
    let again = send(&server, gzip(untimed.as_bytes()), &[("content-encoding", "gzip")]).await;
    assert_eq!((again.status, &again.json()["accepted"], &again.json()["duplicate"]), (202, &json!(2), &json!(true)));
    let some_new = json!([entry("old"), entry("new")]).to_string();
    assert_eq!(send(&server, json!([entry("old")]).to_string(), &[]).await.json()["duplicates"], 0);
    let partly = send(&server, some_new, &[]).await.json();
    assert_eq!(
        (&partly["accepted"], &partly["duplicates"], &partly["duplicate"]),
        (&json!(2), &json!(0), &json!(false)),
        "an equal entry of another request is another entry"
    );
    assert_eq!(messages(&server).await, ["tick", "tick", "old", "old", "new"]);
}

#[tokio::test]
pub async fn what_is_wrong_is_told_in_one_plain_sentence() {
    let server = Server::start_with(|config| {
        (config.limits.entries_bytes, config.limits.entries_inflated_bytes) = (2_000, 100_000);
    })
    .await;
    let bomb = gzip(&vec![b' '; 1 << 20]);
    let noise: Vec<u8> = (0..3_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (body, encoding, status) in [
        (b"".to_vec(), "", 400),
        (b"hello".to_vec(), "", 400),
        (b"5".to_vec(), "", 400),
        (b"[{\"message\":".to_vec(), "", 400),
        (b"not gzip".to_vec(), "gzip", 400),
        (gzip(b"[]")[..10].to_vec(), "gzip", 400),
        (bomb, "gzip", 413),
        (noise, "gzip", 413),
        (vec![b' '; 100_001], "", 413),
        (b"[]".to_vec(), "br", 415),
    ] {
        let headers = [("content-encoding", encoding)];
        let headers = if encoding.is_empty() { &[][..] } else { &headers };
        let answer = send(&server, body.clone(), headers).await;
        assert_eq!(answer.status, status, "{encoding} {}", answer.text());
        let document = answer.json();
        let detail = document["detail"].as_str().expect("a sentence");
        assert!(!detail.is_empty() && detail.len() < 200 && !detail.contains('\n'), "{detail}");
    }
    let big = json!([{ "message": "x".repeat(99_000) }]).to_string();
    assert_eq!(send(&server, big, &[]).await.status, 202, "uncompressed only the inflated size counts");
    let answer = server.get(INGEST).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
    let page = server.get("/metrics").await.text();
    assert!(page.contains("tracehub_in_flight_bytes 0\n"), "all room came back:\n{page}");
}

#[tokio::test]
pub async fn what_may_pass_is_to_be_sent_again() {
    let server = Server::start_with(|config| config.limits.in_flight_bytes = 10).await;
    let crowded = send(&server, json!([entry("later")]).to_string(), &[]).await;
    let broken = Server::start().await;
    broken.running.backend().close().await.expect("closed");
    let unwritten = send(&broken, json!([entry("later")]).to_string(), &[]).await;
    for answer in [crowded, unwritten] {
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
        assert!(answer.json()["detail"].is_string());
    }
}

#[tokio::test]
pub async fn records_belong_to_the_project_of_the_key_whatever_they_say() {
    let server = Server::start().await;
    let (secret, key) = tracehub::secret::ApiKey::issue("shop-eu", &[KeyScope::Admin], tracehub::model::Nanos::now())
        .expect("random numbers");
    let new_key = server.running.backend();
    new_key.add_key(key).await.expect("issued");
    // The server reads its keys again within a second; until then everyone may send.
    loop {
        if send(&server, "[]", &[]).await.status == 401 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let with_key = |path: &str, content_type: &str, body: String| {
        let request = server.request("POST", path).header("x-api-key", secret.reveal());
        Answer::of(request.header("content-type", content_type).body(body))
    };
    let claimed = json!({ "key": "tracehub.project", "value": { "stringValue": "of others" } });
    let log = json!({ "timeUnixNano": "5", "body": { "stringValue": "otlp" } });
    let logs = json!({ "resourceLogs": [{ "resource": { "attributes": [claimed] }, "scopeLogs": [{ "logRecords": [log] }] }] });
    assert_eq!(with_key(INGEST, JSON, json!([entry("entry")]).to_string()).await.status, 202);
    assert_eq!(with_key("/v1/logs", JSON, logs.to_string()).await.status, 200);
    assert_eq!(with_key("/v1/traces", JSON, export(&[span(1, 1, "span")]).to_string()).await.status, 200);
    let request = server.request("GET", "/api/v1/scan").header("x-api-key", secret.reveal());
    let chunk = Answer::of(request).await.json();
    let records = ["logs", "spans"].iter().flat_map(|kind| chunk[*kind].as_array().expect("records"));
    let projects: Vec<&Json> = records.map(|record| &record["resource"]["tracehub.project"]).collect();
    assert_eq!(projects, [&json!("shop-eu"); 3]);
    for (header, value) in [("x-api-key", "th_unknown"), ("authorization", "Bearer th_unknown")] {
        assert_eq!(send(&server, "[]", &[(header, value)]).await.status, 401);
    }
    let bearer = format!("Bearer {}", secret.reveal());
    assert_eq!(send(&server, "[]", &[("authorization", &bearer)]).await.status, 202);
}

/// OTLP log records of the service `shop`.
fn otlp(records: &[Json]) -> String {
    let service = json!({ "key": "service.name", "value": { "stringValue": "shop" } });
    json!({ "resourceLogs": [{ "resource": { "attributes": [service] }, "scopeLogs": [{ "logRecords": records }] }] })
        .to_string()
}

fn otlp_protobuf(bodies: &[&str]) -> Vec<u8> {
    let text = |body: &&str| Some(AnyValue { value: Some(AnyKind::StringValue((*body).to_owned())) });
    let record = |body| LogRecord { time_unix_nano: 7, severity_number: 17, body: text(body), ..LogRecord::default() };
    let scope_logs = vec![ScopeLogs { log_records: bodies.iter().map(record).collect(), ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] }
        .encode_to_vec()
}

#[tokio::test]
pub async fn otlp_log_records_are_stored_from_every_transport() {
    let server = Server::start().await;
    let record = json!({
        "observedTimeUnixNano": "1795252442117000001", "severityNumber": 18, "severityText": "ERROR2",
        "body": { "kvlistValue": { "values": [{ "key": "a", "value": { "intValue": "1" } }] } }, "eventName": "payment.failed",
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331",
        "attributes": [{ "key": "exception.type", "value": { "stringValue": "CardError" } }],
    });
    let answer = server.post("/v1/logs", JSON, otlp(&[record])).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    let answer = server.post("/v1/logs", PROTOBUF, otlp_protobuf(&["over HTTP"])).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let grpc = ("content-type", "application/grpc");
    let reply = call(server.address(), LOGS_SERVICE, &[grpc], frame(0, &otlp_protobuf(&["over gRPC"]))).await;
    assert_eq!((reply.status.as_str(), reply.body.len()), ("0", 5));
    let found = stored(&server).await;
    assert_eq!(messages(&server).await, [r#"{"a":1}"#, "over HTTP", "over gRPC"]);
    let first = &found[0];
    assert_eq!((&first["time"], &first["level"]), (&json!("2026-11-21T09:14:02.117000001Z"), &json!("error")));
    assert_eq!((&first["error_type"], &first["span_id"]), (&json!("CardError"), &json!("b7ad6b7169203331")));
    assert_eq!(first["extra"], json!({ "event.name": "payment.failed", "log.severity_text": "ERROR2" }));
    assert_eq!(server.get("/api/v1/traces/0af7651916cd43dd8448eb211c80319c").await.json()["log_count"], 1);
}

#[tokio::test]
pub async fn an_otlp_log_record_without_any_time_has_the_one_of_its_arrival_and_a_retry_is_stored_once() {
    let server = Server::start().await;
    let body = otlp(&[json!({ "body": { "stringValue": "when" } })]);
    for _ in 0..2 {
        assert_eq!(server.post("/v1/logs", JSON, body.clone()).await.text(), "{}");
    }
    let found = stored(&server).await;
    assert_eq!(found.len(), 1);
    assert!(found[0]["time"].as_str().is_some_and(|time| time > "2024"), "{}", found[0]["time"]);
    assert_eq!(found[0]["extra"]["tracehub.time_source"], "received");
}

#[tokio::test]
pub async fn a_bad_otlp_log_record_costs_only_itself_and_one_nested_too_deep_only_its_depth() {
    let server = Server::start().await;
    let good = |body: &str| json!({ "timeUnixNano": "5", "body": { "stringValue": body } });
    let bad = json!({ "timeUnixNano": "not a number" });
    let answer = server.post("/v1/logs", JSON, otlp(&[good("a"), bad, good("b")])).await;
    let partial = &answer.json()["partialSuccess"];
    assert_eq!((answer.status, &partial["rejectedLogRecords"]), (200, &json!("1")));
    assert!(partial["errorMessage"].as_str().is_some_and(|text| text.contains("record 1")), "{partial}");
    let mut deep = AnyValue { value: Some(AnyKind::IntValue(1)) };
    for _ in 0..40 {
        let values = vec![deep];
        deep = AnyValue {
            value: Some(AnyKind::ArrayValue(opentelemetry_proto::tonic::common::v1::ArrayValue { values })),
        };
    }
    let mut request =
        ExportLogsServiceRequest::decode(otlp_protobuf(&["c", "too deep", "d"]).as_slice()).expect("ours");
    request.resource_logs[0].scope_logs[0].log_records[1].body = Some(deep);
    let answer = server.post("/v1/logs", PROTOBUF, request.encode_to_vec()).await;
    let partial = ExportLogsServiceResponse::decode(answer.body).expect("protobuf").partial_success.expect("partial");
    assert_eq!(partial.rejected_log_records, 0);
    assert!(partial.error_message.contains("nested deeper than 32"), "{}", partial.error_message);
    assert_eq!(messages(&server).await.len(), 5);
}
