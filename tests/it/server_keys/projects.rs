//! What a key says of the records sent with it.

use super::*;
use crate::support::whole::Whole as _;

/// A span of a sender that says which project it is of.
fn claiming(trace: u32, project: &str) -> Json {
    let mut request = export(&[span(trace, 1, "claims")]);
    let attributes = request["resourceSpans"][0]["resource"]["attributes"].as_array_mut().expect("attributes");
    attributes.push(json!({ "key": "tracehub.project", "value": { "stringValue": project } }));
    request
}

async fn traces_of(server: &Server, project: &str) -> Vec<String> {
    let query = TraceQuery { project: Some(project.to_owned()), limit: 0, ..TraceQuery::default() };
    let page = server.running.backend().traces(&query).await.expect("listed");
    let mut ids: Vec<String> =
        page.items.iter().map(|trace| trace.trace_id.to_string().trim_start_matches('0').to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn what_is_sent_with_a_key_is_of_its_project_whatever_it_says() {
    let server = Server::start().await;
    // Nobody else says, so the sender may.
    let sent = server.post("/v1/traces", JSON, claiming(1, "bank").to_string()).await;
    assert_eq!((sent.status, traces_of(&server, "bank").await), (200, vec!["1".to_owned()]));
    let key = issue(&server, "shop", &[KeyScope::Ingest]).await;
    let send = async |path: &str, media: &str, body: Vec<u8>, key: &str| {
        let request = server.request("POST", path).header("content-type", media).header("x-api-key", key);
        Answer::of(request.body(body)).await.status
    };
    assert_eq!(send("/v1/traces", JSON, claiming(2, "bank").to_string().into_bytes(), &key.secret).await, 200);
    assert_eq!(send("/v1/traces", PROTOBUF, export_protobuf(0x33, "http"), &key.secret).await, 200);
    let headers = [("content-type", "application/grpc"), ("x-api-key", key.secret.as_str())];
    let reply = call(server.address(), TRACES_CALL, &headers, frame(0, &export_protobuf(0x44, "grpc"))).await;
    assert_eq!(reply.status, "0", "{reply:?}");
    let entries = json!([{
        "timestamp": "2026-11-21T09:14:02Z", "level": "info", "message": "hello", "service": "shop",
        "trace_id": "55555555555555555555555555555555",
    }]);
    assert_eq!(send("/api/v1/ingest", JSON, entries.to_string().into_bytes(), &key.secret).await, 202);
    let expected = ["2".to_owned(), "3".repeat(32), "4".repeat(32), "5".repeat(32)];
    assert_eq!(traces_of(&server, "shop").await, expected);
    let checkpoint = |id: &str| {
        json!({
            "source_id": "MA", "correlation_id": id, "timestamp": 1, "suffix": "a", "direction": "->",
            "operation": "REST", "endpoint": "/", "project": "bank",
        })
    };
    let batch = json!({ "traces": [checkpoint("cli-1")] }).to_string().into_bytes();
    assert_eq!(send("/ingest", JSON, batch, &key.secret).await, 200);
    let single = checkpoint("cli-2").to_string().into_bytes();
    assert_eq!(send("/ingest/single", JSON, single, &key.secret).await, 200);
    let expected = [&expected[..], &["cli-1".to_owned(), "cli-2".to_owned()]].concat();
    assert_eq!(traces_of(&server, "shop").await, expected);
    // The published clients get the records of the original, which knows no projects.
    let reader = issue(&server, "shop", &[KeyScope::Read]).await;
    let found = Answer::of(server.request("GET", "/traces/cli-1").header("x-api-key", &reader.secret)).await.json();
    assert_eq!((found["count"].as_u64(), found["traces"][0].get("project")), (Some(1), None));
    // From store to store: an administrator keeps what records say, anyone else sends as their project.
    let admin = issue(&server, "root", &[KeyScope::Admin]).await;
    let chunk = server.running.backend().scan(&Default::default(), None, 1, Duration::ZERO).await.expect("scanned");
    let mut batch = chunk.batch;
    assert_eq!(batch.spans.len(), 1);
    for (number, secret, project) in [(6, &admin.secret, "bank"), (7, &key.secret, "shop")] {
        batch.spans[0].trace_id = TraceId::Otel([number; 16]);
        let store = as_holder(&server, secret).await;
        assert_eq!(store.write(batch.clone()).await.expect("written").accepted, 1);
        assert!(traces_of(&server, project).await.contains(&format!("{number:02x}").repeat(16)[1..].to_owned()));
    }
}
