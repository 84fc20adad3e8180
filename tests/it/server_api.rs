//! The query API, the server's own pages, and the remote store that speaks to them.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tracehub::model::{Batch, Cursor, RecordFilter, TraceId, TraceQuery};
use tracehub::server::{self, Config, SidePort, StartError};
use tracehub::store::Error;

use crate::server_support::{Answer, JSON, Server, failed_span, span};
use crate::support::whole::Whole as _;

async fn with_traces(count: u32) -> Server {
    let server = Server::start().await;
    let spans: Vec<Json> = (1..=count).map(|trace| span(trace, trace, &format!("trace {trace}"))).collect();
    server.store(&spans).await;
    server
}

#[tokio::test]
pub async fn a_list_is_an_array_of_summaries_newest_first_with_totals_in_headers() {
    let server = with_traces(25).await;
    let answer = server.get("/api/v1/traces").await;
    let list = answer.json();
    assert_eq!((answer.status, list.as_array().map(Vec::len)), (200, Some(20)));
    assert_eq!((&list[0]["name"], &list[0]["duration_ns"]), (&json!("trace 25"), &json!(500_001)));
    assert_eq!((answer.header("x-tracehub-total"), answer.header("x-tracehub-failed")), ("25", "0"));
    assert_eq!((answer.header("x-tracehub-api"), answer.header("content-type")), ("1", JSON));
    let next = answer.header("x-tracehub-next-cursor").to_owned();
    let request = server.request("GET", "/api/v1/traces").query(&[("cursor", next.as_str())]);
    let rest = Answer::of(request).await;
    assert_eq!(rest.json().as_array().map(Vec::len), Some(5));
    assert_eq!(rest.header("x-tracehub-next-cursor"), "");
}

#[tokio::test]
pub async fn an_empty_list_is_an_empty_array() {
    let server = Server::start().await;
    let answer = server.get("/api/v1/traces?limit=0&service=nobody").await;
    assert_eq!((answer.status, answer.text().as_str(), answer.header("x-tracehub-total")), (200, "[]", "0"));
}

#[tokio::test]
pub async fn all_of_a_long_list_is_one_array_that_a_remote_store_reads() {
    let server = with_traces(1_234).await;
    let list = server.get("/api/v1/traces?limit=0").await.json();
    let ids: std::collections::BTreeSet<&str> =
        list.as_array().expect("an array").iter().filter_map(|summary| summary["trace_id"].as_str()).collect();
    assert_eq!((list.as_array().map(Vec::len), ids.len()), (Some(1_234), 1_234));
    let remote = server.remote().await;
    let (there, here) =
        (remote.traces(&TraceQuery::default()).await, server.running.backend().traces(&TraceQuery::default()).await);
    assert_eq!(there.expect("a page"), here.expect("a page"));
}

#[tokio::test]
pub async fn parameters_that_cannot_be_used_are_one_plain_sentence() {
    let server = Server::start().await;
    for path in [
        "/api/v1/traces?limit=-1",
        "/api/v1/traces?since=not-a-time-at-all",
        "/api/v1/traces?cursor=nonsense!",
        "/api/v1/stats?by=colour",
        "/api/v1/trace",
        "/api/v1/scan?after=nonsense!",
        "/api/v1/scan?max=x",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.json()["detail"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
    }
    let typo = Answer::of(server.request("DELETE", "/api/v1/traces?ended-before=2026-11-21T00:00:00Z")).await;
    assert_eq!(typo.status, 400, "a misspelt filter must not delete everything");
}

#[tokio::test]
pub async fn a_parameter_that_a_route_does_not_take_is_refused_by_name_on_every_route() {
    let server = with_traces(1).await;
    let document = server.get("/openapi.json").await.json();
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            // The published Python server ignores them.
            if path.starts_with("/opentelemetry") || operation["tags"][0] == "checkpoints" || path == "/health" {
                continue;
            }
            let path = format!("{}?colour=red", path.replace("{id}", "00000001"));
            let answer = Answer::of(server.request(&method.to_uppercase(), &path)).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(answer.status == 400 && text.contains("`colour`"), "{method} {path}: {} {text}", answer.status);
            asked += 1;
        }
    }
    assert!(asked > 28, "{asked}");
    let told = server.get("/api/v1/traces?limit=1&offset=20").await.json();
    assert_eq!(told["detail"], "parameter `offset`: is not known here; `cursor` is");
}

#[tokio::test]
pub async fn errors_are_asked_for_in_the_words_of_any_language() {
    let server = with_traces(2).await;
    server.store(&[failed_span(9, 9, "KeyError")]).await;
    for (word, count) in [("true", 0), ("True", 0), ("1", 0), ("false", 3), ("False", 3), ("FALSE", 3), ("0", 3)] {
        let found = server.get(&format!("/api/v1/traces?has_errors={word}")).await.json();
        assert_eq!(found.as_array().map(Vec::len), Some(count), "{word}");
    }
    assert_eq!(server.get("/api/v1/traces?has_errors=").await.status, 400);
    let named = server.get("/api/v1/traces?service_name=shop&limit=1").await.json();
    assert_eq!((&named[0]["service_name"], &named[0]["workflow_name"]), (&json!("shop"), &Json::Null));
    assert_eq!(named[0]["root_span_id"], format!("{:016x}", 9));
    assert_eq!(server.get("/api/v1/traces?service_name=other").await.json(), json!([]));
}

#[tokio::test]
pub async fn one_trace_is_shown_as_a_list_and_as_a_tree_and_can_be_deleted() {
    let server = with_traces(2).await;
    let id = format!("{:032x}", 1);
    for path in [format!("/api/v1/traces/{id}"), format!("/api/v1/trace?id={id}")] {
        let trace = server.get(&path).await.json();
        assert_eq!((&trace["trace_id"], &trace["schema"]), (&json!(id), &json!(1)), "{path}");
        assert_eq!(trace["spans"][0]["attributes"], json!({ "answer": 42 }), "{path}");
        assert_eq!(trace["findings"], json!([]), "{path}");
    }
    let tree = server.get(&format!("/api/v1/traces/{id}/tree")).await.json();
    assert_eq!(tree["roots"][0]["name"], "trace 1");
    let removed = Answer::of(server.request("DELETE", &format!("/api/v1/traces/{id}"))).await;
    assert_eq!((removed.status, &removed.json()["spans"]), (200, &json!(1)));
    for (method, path) in [("GET", ""), ("GET", "/tree"), ("DELETE", "")] {
        let answer = Answer::of(server.request(method, &format!("/api/v1/traces/{id}{path}"))).await;
        assert_eq!(answer.status, 404, "{method} {path}");
        assert!(answer.json()["detail"].is_string());
    }
    let prefix = server.get(&format!("/api/v1/traces/{}", &id[..31])).await;
    assert_eq!(prefix.status, 404, "only a full id names a trace");
}

#[tokio::test]
pub async fn ids_of_any_form_reach_the_store() {
    let server = Server::start().await;
    for path in [
        "/api/v1/traces/req%2Fwith%20slash%3F%26",
        "/api/v1/traces/%C3%BCn%C3%AFcode-%E2%9C%93/tree",
        "/api/v1/trace?id=..",
        "/api/v1/traces/%FF%FE",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["detail"], "there is no trace with this id", "{path}");
    }
}

#[tokio::test]
pub async fn a_filtered_deletion_can_be_counted_first() {
    let server = with_traces(3).await;
    let path = format!("/api/v1/traces?trace={:032x}", 2);
    for (dry_run, left) in [("true", 3), ("false", 2)] {
        let answer = Answer::of(server.request("DELETE", &format!("{path}&dry_run={dry_run}"))).await;
        assert_eq!((answer.status, &answer.json()["spans"]), (200, &json!(1)));
        assert_eq!(server.span_count().await, left);
    }
}

#[tokio::test]
pub async fn what_is_not_there_and_what_a_path_does_not_take_are_said_so() {
    let server = Server::start().await;
    for path in ["/nothing", "/api/v1/nothing", "/api/v1/traces/", "/traces/", "/traces//stream"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.json()["detail"].is_string(), "{path}");
    }
    for (method, path, allowed) in [
        ("PUT", "/api/v1/traces", "DELETE"),
        ("POST", "/health", "GET"),
        ("GET", "/api/v1/records", "POST"),
        ("TRACE", "/docs", "GET"),
    ] {
        let answer = Answer::of(server.request(method, path)).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(answer.header("allow").contains(allowed), "{method} {path}: {}", answer.header("allow"));
    }
}

#[tokio::test]
pub async fn the_server_tells_how_it_is() {
    let server = with_traces(2).await;
    let health = server.get("/health").await.json();
    assert_eq!((&health["status"], &health["version"]), (&json!("healthy"), &json!(env!("CARGO_PKG_VERSION"))));
    assert_eq!(health.as_object().and_then(|keys| keys.keys().next()).map(String::as_str), Some("status"));
    let about = server.get("/api/v1/server").await.json();
    assert_eq!((&about["pid"], &about["accepted"]), (&json!(std::process::id()), &json!(2)));
    assert_eq!(about["url"], server.running.url());
    assert!(about["database"]["location"].as_str().is_some_and(|path| path.ends_with("traces.db")), "{about}");
    let page = server.get("/metrics").await;
    assert!(page.header("content-type").starts_with("text/plain; version=0.0.4"));
    let page = page.text();
    assert!(page.contains("tracehub_requests_total{route=\"/v1/traces\",status=\"200\"} 1\n"), "{page}");
    assert!(page.contains("tracehub_records_total{outcome=\"accepted\"} 2\n"), "{page}");
}

#[tokio::test]
pub async fn every_documented_get_route_answers() {
    let server = with_traces(1).await;
    server.store(&[failed_span(2, 2, "KeyError")]).await;
    let issue = server.get("/api/v1/issues").await.json()[0]["id"].as_str().expect("an id").to_owned();
    let document = server.get("/openapi.json").await.json();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        if methods["get"].is_null() {
            continue;
        }
        let id = if path.starts_with("/api/v1/issues/") { issue.clone() } else { format!("{:032x}", 1) };
        let path = path.replace("{id}", &id).replace("/api/v1/trace ", "");
        let path = match &path {
            path if path.ends_with("/trace") => format!("{path}?id={id}"),
            path if path.ends_with("/why") => format!("{path}?q=status%3Derror"),
            path if path.ends_with("/stream") => format!("{path}?timeout=0"),
            path => path.clone(),
        };
        let answer = server.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        let content = methods["get"]["responses"]["200"]["content"].as_object().expect("media types");
        let media = content.keys().next().expect("a media type");
        assert!(answer.header("content-type").starts_with(media), "{path}");
    }
}

#[tokio::test]
pub async fn a_remote_store_answers_like_the_file() {
    let server = with_traces(5).await;
    let (remote, file) = (server.remote().await, server.running.backend());
    let query = TraceQuery { limit: 2, ..TraceQuery::default() };
    let page = remote.traces(&query).await.expect("a page");
    assert_eq!(page, file.traces(&query).await.expect("a page"));
    let id = TraceId::parse(&format!("{:032x}", 3)).expect("an id");
    assert_eq!(remote.trace(&id).await.expect("an answer"), file.trace(&id).await.expect("an answer"));
    let absent = TraceId::parse("../no/such trace?&✓").expect("an id");
    assert_eq!(remote.trace(&absent).await.expect("an answer"), None);
    assert_eq!(remote.stats(&Default::default()).await.expect("numbers").spans, 5);
    let foreign = TraceQuery { cursor: Some(Cursor("nonsense!".to_owned())), ..TraceQuery::default() };
    assert!(matches!(remote.traces(&foreign).await, Err(Error::BadCursor)));
    let chunk = remote.scan(&RecordFilter::default(), None, 100, Duration::ZERO).await.expect("records");
    assert_eq!((chunk.batch.len(), chunk.at_end), (5, true));
    let again = remote.write(chunk.batch.clone()).await.expect("a write");
    assert_eq!((again.accepted, again.duplicates), (0, 5));
    let mut changed = chunk.batch.spans[0].clone();
    changed.trace_id = TraceId::parse("req/with slash?&").expect("an id");
    let written = remote.write(Batch::of_spans(vec![changed.clone()])).await.expect("a write");
    assert_eq!(written.accepted, 1);
    let trace = remote.trace(&changed.trace_id).await.expect("an answer").expect("a trace");
    assert_eq!(trace.spans, [changed]);
    let everything = remote.delete(&RecordFilter::default(), true).await.expect("counts");
    assert_eq!((everything.spans, server.span_count().await), (6, 6));
}

#[tokio::test]
pub async fn values_of_every_type_cross_the_network_unchanged() {
    let server = Server::start().await;
    // A linear congruential generator: the same awkward doubles on every run.
    let bits = std::iter::successors(Some(1_u64), |bits| {
        Some(bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    });
    let mut doubles: Vec<f64> = bits.take(500).map(f64::from_bits).filter(|double| double.is_finite()).collect();
    doubles.extend([0.1, -0.0, 5e-324, f64::MAX, f64::MIN_POSITIVE, 1.0, 1e21]);
    let number =
        |(index, double): (usize, &f64)| json!({ "key": format!("d{index}"), "value": { "doubleValue": double } });
    let mut attributes: Vec<Json> = doubles.iter().enumerate().map(number).collect();
    for (key, value) in [
        ("int", json!({ "intValue": i64::MIN.to_string() })),
        ("text", json!({ "stringValue": "\u{0}\u{1b}[31m✓\"" })),
        ("flag", json!({ "boolValue": true })),
        ("list", json!({ "arrayValue": { "values": [{ "intValue": "1" }, { "doubleValue": 1.0 }, {}] } })),
        ("map", json!({ "kvlistValue": { "values": [{ "key": "k", "value": { "stringValue": "v" } }] } })),
    ] {
        attributes.push(json!({ "key": key, "value": value }));
    }
    let mut span = span(1, 1, "values");
    span["attributes"] = json!(attributes);
    server.store(&[span]).await;
    let id = TraceId::parse(&format!("{:032x}", 1)).expect("an id");
    let here = server.running.backend().trace(&id).await.expect("an answer").expect("a trace");
    for (index, double) in doubles.iter().enumerate() {
        let stored = here.spans[0].attributes.get(&format!("d{index}")).and_then(tracehub::model::Value::as_f64);
        assert_eq!(stored.map(f64::to_bits), Some(double.to_bits()), "{double}");
    }
    let there = server.remote().await.trace(&id).await.expect("an answer").expect("a trace");
    // No `assert_eq`: it would print five hundred numbers twice.
    assert!(there == here, "the remote trace differs from the stored one");
}

#[tokio::test]
pub async fn something_else_than_a_tracehub_server_is_not_taken_for_one() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let other = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut head = [0; 64];
        tokio::io::AsyncReadExt::read(&mut stream, &mut head).await.expect("a request");
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]";
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await.expect("room");
        // Everything the client sent is read, so that closing is no reset.
        crate::server_support::read_all(&mut stream).await;
    });
    let remote = tracehub::store::remote::open(&url, None).await.expect("a URL");
    let error = remote.traces(&TraceQuery::default()).await.expect_err("no tracehub");
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    other.await.expect("the other server");
}

#[tokio::test]
pub async fn side_ports_serve_and_a_busy_one_is_an_error_only_when_asked_for() {
    let any = SidePort::At("127.0.0.1:0".parse().expect("an address"));
    let server = Server::start_with(|config| (config.otlp_grpc, config.otlp_http) = (any, any)).await;
    let (Some(grpc), Some(http)) = server.running.side_ports() else { panic!("both side ports were asked for") };
    for address in [grpc, http] {
        let answer = reqwest::get(format!("http://{address}/health")).await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.db");
    let busy = Config { port: 0, otlp_grpc: SidePort::At(grpc), otlp_http: SidePort::Off, ..Config::new(&path) };
    let error = server::start(busy).await.expect_err("busy");
    assert!(matches!(&error, StartError::Bind { address, .. } if *address == grpc.to_string()), "{error}");
    assert!(!path.exists(), "a server that cannot start leaves no file behind");
}

async fn start_again(path: &std::path::Path) -> Result<server::Running, StartError> {
    // The bare clients below need it; fails when another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let side = SidePort::Off;
    server::start(Config { port: 0, otlp_grpc: side, otlp_http: side, ..Config::new(path) }).await
}

#[tokio::test]
pub async fn a_server_that_stopped_has_let_go_of_its_file_and_kept_what_it_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("traces.db");
    let first = start_again(&path).await.expect("a server");
    let url = first.url().to_owned();
    let body = crate::server_support::export(&[span(1, 1, "kept")]).to_string();
    let request = reqwest::Client::new().post(format!("{url}/v1/traces")).header("content-type", JSON).body(body);
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    let second = start_again(&path).await.expect_err("the file is taken");
    assert!(matches!(second, StartError::Store(Error::Locked(_))), "{second:?}");
    first.stop().await.expect("a clean stop");
    assert!(reqwest::get(format!("{url}/health")).await.is_err(), "nobody listens any more");
    let again = start_again(&path).await.expect("a server");
    assert_eq!(again.backend().stats(&Default::default()).await.expect("statistics").spans, 1);
    again.stop().await.expect("a clean stop");
}

#[tokio::test]
pub async fn a_server_that_is_dropped_lets_go_of_its_file_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("traces.db");
    drop(start_again(&path).await.expect("a server"));
    let restarted = async {
        loop {
            match start_again(&path).await {
                Ok(running) => return running,
                Err(StartError::Store(Error::Locked(_))) => tokio::task::yield_now().await,
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    let running = tokio::time::timeout(Duration::from_secs(20), restarted).await.expect("the file is free again");
    running.stop().await.expect("a clean stop");
}

#[tokio::test]
pub async fn log_records_are_an_array_newest_first_with_the_next_page_in_a_header() {
    let server = Server::start().await;
    let log = |number: u64| tracehub::model::LogRecord {
        time: tracehub::model::Nanos(1_000 + number),
        message: tracehub::model::Text::from(format!("line {number}")),
        attributes: [("number", number as i64)].into_iter().collect(),
        ..Default::default()
    };
    let batch = Batch { logs: (0..1_234).map(log).collect(), ..Batch::default() };
    server.running.backend().write(batch).await.expect("written");
    let answer = server.get("/api/v1/logs").await;
    let list = answer.json();
    assert_eq!((answer.status, list.as_array().map(Vec::len)), (200, Some(100)));
    assert_eq!((&list[0]["message"], answer.header("x-tracehub-api")), (&json!("line 1233"), "1"));
    let next = answer.header("x-tracehub-next-cursor").to_owned();
    let rest = Answer::of(server.request("GET", "/api/v1/logs").query(&[("cursor", next.as_str())])).await;
    assert_eq!(rest.json()[0]["message"], "line 1133");
    assert_eq!(server.get("/api/v1/logs?limit=0").await.json().as_array().map(Vec::len), Some(1_234));
    let most = server.get("/api/v1/logs?limit=5000").await;
    assert_eq!(most.json().as_array().map(Vec::len), Some(1_000));
    assert_ne!(most.header("x-tracehub-next-cursor"), "");
    let found = server.get("/api/v1/logs?extra=number=7&text=LINE&order=oldest&limit=1").await;
    assert_eq!((found.json()[0]["message"].as_str(), found.header("x-tracehub-next-cursor")), (Some("line 7"), ""));
    assert_eq!(server.get("/api/v1/logs?service=nobody").await.text(), "[]");
    for path in ["limit=x", "level=loud", "issue=7f", "extra=x", "order=up", "cursor=nonsense!", "trace="] {
        let answer = server.get(&format!("/api/v1/logs?{path}")).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.json()["detail"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
    }
}
