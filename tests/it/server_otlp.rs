//! OTLP over HTTP, as the specification has it.

use serde_json::{Value as Json, json};

use crate::server_support::{Answer, JSON, PROTOBUF, Server, export, export_protobuf, gzip, span};

#[tokio::test]
pub async fn spans_are_stored_from_every_path_and_the_answer_is_in_the_requests_encoding() {
    let server = Server::start().await;
    for (index, path) in ["/v1/traces", "/api/v1/traces/export", "/"].into_iter().enumerate() {
        let index = index as u32;
        let json = export(&[span(index + 1, 1, "json")]).to_string();
        let answer = server.post(path, "application/json; charset=utf-8", json).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"), "{path}");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        let answer = server.post(path, PROTOBUF, export_protobuf(100 + index as u8, "protobuf")).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
        assert_eq!(answer.header("content-type"), PROTOBUF);
    }
    assert_eq!(server.span_count().await, 6);
}

#[tokio::test]
pub async fn compressed_bodies_are_inflated() {
    let server = Server::start().await;
    for (index, encoding) in ["gzip", "GZIP", "identity"].into_iter().enumerate() {
        let body = export_protobuf(1 + index as u8, "compressed");
        let body = if encoding == "identity" { body } else { gzip(&body) };
        let request = server.request("POST", "/v1/traces").header("content-encoding", encoding);
        let answer = Answer::of(request.header("content-type", PROTOBUF).body(body)).await;
        assert_eq!(answer.status, 200, "{encoding}");
    }
    assert_eq!(server.span_count().await, 3);
}

#[tokio::test]
pub async fn an_empty_request_is_a_success() {
    let server = Server::start().await;
    for (content_type, body) in [(PROTOBUF, ""), (JSON, "{}"), (JSON, r#"{"resourceSpans":[]}"#)] {
        assert_eq!(server.post("/v1/traces", content_type, body).await.status, 200, "{content_type} {body}");
    }
    assert_eq!(server.span_count().await, 0);
}

#[tokio::test]
pub async fn one_bad_span_costs_only_itself() {
    let server = Server::start().await;
    let mut bad = span(2, 2, "bad");
    bad["spanId"] = json!("0000000000000000");
    let body = export(&[span(1, 1, "good"), bad, span(3, 3, "good")]).to_string();
    let answer = server.post("/v1/traces", JSON, body).await;
    let partial = &answer.json()["partialSuccess"];
    assert_eq!((answer.status, &partial["rejectedSpans"]), (200, &json!("1")));
    assert!(partial["errorMessage"].as_str().is_some_and(|text| text.contains("record 1")), "{partial}");
    assert_eq!(server.span_count().await, 2);
}

#[tokio::test]
pub async fn a_retry_is_stored_once() {
    let server = Server::start().await;
    let body = export(&[span(1, 1, "once")]).to_string();
    for _ in 0..2 {
        assert_eq!(server.post("/v1/traces", JSON, body.clone()).await.text(), "{}");
    }
    assert_eq!(server.span_count().await, 1);
}

#[tokio::test]
pub async fn errors_are_statuses_in_the_requests_encoding() {
    let server = Server::start().await;
    let answer = server.post("/v1/traces", JSON, "{\"resourceSpans\":").await;
    let status = answer.json();
    assert_eq!((answer.status, &status["code"]), (400, &json!(3)));
    assert!(status["message"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(status["details"][0]["@type"], "type.googleapis.com/google.rpc.BadRequest");

    let answer = server.post("/v1/traces", PROTOBUF, &b"\xff\xff\xff"[..]).await;
    assert_eq!((answer.status, answer.header("content-type")), (400, PROTOBUF));
    assert_eq!(answer.body.get(..2), Some(&[0x08, 0x03][..]), "field 1 is the code 3");
}

#[tokio::test]
pub async fn other_types_encodings_and_methods_are_refused() {
    let server = Server::start().await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"] {
        let answer = server.post("/v1/traces", content_type, "{}").await;
        assert_eq!((answer.status, &answer.json()["code"]), (415, &json!(3)), "{content_type}");
    }
    let untyped = Answer::of(server.request("POST", "/v1/traces").body("{}")).await;
    assert_eq!(untyped.status, 415);
    for encoding in ["br", "lz4", "gzip, zstd", "?"] {
        let request = server.request("POST", "/v1/traces").header("content-encoding", encoding);
        let answer = Answer::of(request.header("content-type", JSON).body("{}")).await;
        assert_eq!(answer.status, 415, "{encoding}");
    }
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs", "/api/v1/traces/export", "/"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 405, "{path}");
        assert!(answer.header("allow").contains("POST"), "{path}: {}", answer.header("allow"));
        assert_eq!(answer.json()["code"], 12, "{path}");
    }
}

#[tokio::test]
pub async fn broken_compression_is_malformed() {
    let server = Server::start().await;
    let whole = gzip(&export_protobuf(1, "whole"));
    for (what, body) in [("truncated", &whole[..whole.len() - 4]), ("no gzip at all", b"hello"), ("empty", b"")] {
        let request = server.request("POST", "/v1/traces").header("content-encoding", "gzip");
        let answer = Answer::of(request.header("content-type", PROTOBUF).body(body.to_vec())).await;
        assert_eq!(answer.status, 400, "{what}");
    }
    assert_eq!(server.span_count().await, 0);
}

#[tokio::test]
pub async fn metrics_are_checked_and_dropped() {
    let server = Server::start().await;
    let answer = server.post("/v1/metrics", JSON, r#"{"resourceMetrics":[]}"#).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    assert_eq!(server.post("/v1/metrics", JSON, "[").await.status, 400);
    let page = server.get("/metrics").await.text();
    assert!(page.contains("tracehub_metrics_dropped_total 1\n"), "{page}");
}

/// Recorded requests of published clients that carry OTLP over HTTP.
fn recorded() -> Vec<(String, Json, Vec<u8>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/captures");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the recordings") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let Some(stem) = name.strip_suffix(".meta.json") else { continue };
        let meta: Json = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
        let body = std::fs::read(path.with_file_name(format!("{stem}.body"))).expect("its body");
        if ["/v1/traces", "/api/v1/traces/export", "/v1/metrics", "/v1/logs"]
            .contains(&meta["path"].as_str().unwrap_or_default())
        {
            found.push((stem.to_owned(), meta, body));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[tokio::test]
pub async fn requests_of_published_clients_are_taken_with_their_own_headers() {
    let server = Server::start().await;
    let recorded = recorded();
    assert!(recorded.len() > 20, "only {} recordings", recorded.len());
    for (name, meta, body) in recorded {
        let mut request = server.request("POST", meta["path"].as_str().expect("a path"));
        for header in meta["headers"].as_array().expect("headers") {
            let (key, value) = (header[0].as_str().expect("a name"), header[1].as_str().expect("a value"));
            if ["content-type", "content-encoding", "user-agent", "accept-encoding"]
                .contains(&key.to_lowercase().as_str())
            {
                request = request.header(key, value);
            }
        }
        let answer = Answer::of(request.body(body)).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
    }
    assert!(server.span_count().await > 0);
    assert!(server.running.backend().stats(&Default::default()).await.expect("statistics").logs > 0);
}

#[tokio::test]
pub async fn careless_slashes_lead_to_where_records_are_taken() {
    let server = Server::start().await;
    for (index, path) in
        ["//v1/traces", "/v1/traces/", "/v1//traces", "//", "/api/v1/traces/export/"].iter().enumerate()
    {
        let answer = server.post(path, PROTOBUF, export_protobuf(1 + index as u8, "x")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, PROTOBUF), "{path}");
    }
    for path in ["/v1/logs/", "//v1/metrics", "//ingest", "//ingest/single/", "/api/v1/ingest/", "//api/v1/records"] {
        let answer = server.post(path, JSON, "{").await;
        assert!([400, 422].contains(&answer.status), "{path}: {}", answer.status);
    }
    assert_eq!(server.span_count().await, 5);
    let page = server.get("/metrics").await.text();
    assert!(page.contains("tracehub_requests_total{route=\"/v1/traces\",status=\"200\"} 3\n"), "{page}");
}

#[tokio::test]
pub async fn zstd_is_understood_and_an_answer_to_what_is_not_names_it() {
    let server = Server::start().await;
    let body = zstd::encode_all(export_protobuf(1, "x").as_slice(), 3).expect("memory");
    let send = |encoding: &str| {
        let request = server.request("POST", "/v1/traces").header("content-type", PROTOBUF);
        Answer::of(request.header("content-encoding", encoding).body(body.clone()))
    };
    assert_eq!(send("zstd").await.status, 200);
    assert_eq!(server.span_count().await, 1);
    let answer = send("br").await;
    assert_eq!((answer.status, answer.header("accept-encoding")), (415, "gzip, deflate, zstd"));
}
