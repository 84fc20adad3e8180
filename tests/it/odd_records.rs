//! Records that senders get wrong, over the wire: times that cannot be, lines that are equal, spans sent twice, usage
//! that is reported twice.

use serde_json::{Value as Json, json};
use tracehub::model::Nanos;

use crate::server_support::{Answer, JSON, Server};

const SECOND: u64 = 1_000_000_000;
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn span(name: &str, id: u64, parent: u64, start: u64, end: u64) -> Json {
    let hex = |id: u64| if id == 0 { String::new() } else { format!("{id:016x}") };
    json!({
        "traceId": TRACE, "spanId": hex(id), "parentSpanId": hex(parent), "name": name, "kind": 1,
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(),
    })
}

async fn post(server: &Server, path: &str, body: &Json) -> Answer {
    Answer::of(server.request("POST", path).header("content-type", JSON).body(body.to_string())).await
}

async fn send_spans(server: &Server, spans: Vec<Json>) {
    let service = json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": "shop" } }] });
    let body = json!({ "resourceSpans": [{ "resource": service, "scopeSpans": [{ "spans": spans }] }] });
    assert_eq!(post(server, "/v1/traces", &body).await.status, 200);
}

async fn get(server: &Server, path: &str) -> Json {
    let answer = server.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

async fn summary(server: &Server) -> Json {
    get(server, "/api/v1/traces").await[0].clone()
}

#[tokio::test]
pub async fn a_trace_is_of_now_whatever_one_of_its_spans_says() {
    let now = Nanos::now().0;
    let odd =
        [0, 44_511_913_730_532, now / 1_000, now / 1_000_000, now / SECOND, now + 400 * 86_400 * SECOND, u64::MAX];
    for (number, start) in (2..).zip(odd) {
        let server = Server::start().await;
        send_spans(&server, vec![span("child", number, 1, start, start.saturating_add(3))]).await;
        send_spans(&server, vec![span("root", 1, 0, now, now + SECOND), span("open", 90, 1, now + 5, 0)]).await;
        let found = get(&server, "/api/v1/traces?since=1h").await;
        assert_eq!(found[0]["trace_id"], TRACE, "{start}: {found}");
        let listed = &found[0];
        assert_eq!((&listed["name"], &listed["duration_ms"]), (&json!("root"), &json!(1_000.0)), "{start}");
        assert_eq!(listed["start_time"], json!(Nanos(now).to_rfc3339()));
        let shown = get(&server, &format!("/api/v1/traces/{TRACE}")).await;
        assert_eq!(shown["start_time"], listed["start_time"]);
        let spans = shown["spans"].as_array().expect("spans");
        let by_name = |name: &str| spans.iter().find(|span| span["name"] == name).expect("there");
        let child = by_name("child");
        assert_eq!(child["start_time"], json!(Nanos(start).to_rfc3339()), "kept as it was sent");
        assert_eq!((&child["odd_time"], &child["duration_ms"]), (&json!(true), &Json::Null), "{start}");
        let open = by_name("open");
        let ended = [&open["end_time"], &open["duration_ms"], &open["duration_ns"]];
        assert_eq!((ended, &open["odd_time"]), ([&Json::Null; 3], &json!(true)));
        assert_eq!(by_name("root")["odd_time"], json!(false));
        let stats = get(&server, "/api/v1/stats?since=1h").await;
        assert_eq!(stats["spans"], 3, "{start}: all are counted");
        for row in stats["operations"].as_array().expect("rows") {
            assert_eq!(row["calls"], 1);
            assert!(row["max_ms"].as_f64().expect("a number") <= 1_000.0, "{row}");
        }
        server.stop().await;
    }
}

#[tokio::test]
pub async fn a_trace_without_a_time_that_can_be_was_when_it_was_received() {
    let server = Server::start().await;
    let before = Nanos::now();
    send_spans(&server, vec![span("root", 1, 0, 7, 9), span("child", 2, 1, 8, 9)]).await;
    let start = Nanos::parse_rfc3339(summary(&server).await["start_time"].as_str().expect("text")).expect("a time");
    assert!((before..=Nanos::now()).contains(&start));
    assert_eq!(get(&server, "/api/v1/traces?since=1m").await.as_array().map(Vec::len), Some(1));
    server.stop().await;
}

#[tokio::test]
pub async fn a_span_sent_when_it_starts_and_when_it_ends_is_one() {
    let server = Server::start().await;
    let now = Nanos::now().0;
    send_spans(&server, vec![span("job", 1, 0, now, 0), span("job", 2, 1, now + 1, now + 1)]).await;
    send_spans(&server, vec![span("job", 1, 0, now, now + SECOND), span("job", 2, 1, now + 1, now + 9)]).await;
    let shown = get(&server, &format!("/api/v1/traces/{TRACE}")).await;
    let durations: Vec<&Json> =
        shown["spans"].as_array().expect("spans").iter().map(|span| &span["duration_ns"]).collect();
    assert_eq!(durations, [&json!(SECOND), &json!(8)]);
    assert_eq!(summary(&server).await["span_count"], shown["span_count"]);
    assert_eq!(shown["span_count"], 2);
    let stats = get(&server, "/api/v1/stats?by=operation").await;
    assert_eq!(stats["operations"][0]["calls"], 2);
    server.stop().await;
}

fn log(text: &str, time: u64, observed: u64) -> Json {
    json!({
        "timeUnixNano": time.to_string(), "observedTimeUnixNano": observed.to_string(), "severityNumber": 17,
        "body": { "stringValue": text },
    })
}

/// How many log records the server holds after it was sent these, and how often their issue was seen.
async fn send_logs(server: &Server, logs: Vec<Json>) -> (u64, u64) {
    let body = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": logs }] }] });
    assert_eq!(post(server, "/v1/logs", &body).await.status, 200);
    let stats = get(server, "/api/v1/stats").await;
    let issues = get(server, "/api/v1/issues").await;
    let seen: u64 = issues.as_array().expect("issues").iter().map(|one| one["event_count"].as_u64().unwrap_or(0)).sum();
    (stats["logs"].as_u64().expect("a number"), seen)
}

#[tokio::test]
pub async fn equal_lines_of_different_requests_are_all_kept_and_a_request_sent_again_is_not() {
    let server = Server::start().await;
    let second = Nanos::now().0 / SECOND * SECOND;
    let line = |observed: u64| log("payment failed", second, second + observed);
    for number in 1..=5 {
        assert_eq!(send_logs(&server, vec![line(number)]).await, (number, number));
    }
    assert_eq!(send_logs(&server, vec![line(3)]).await, (5, 5), "a request sent again");
    assert_eq!(send_logs(&server, vec![line(3), line(9)]).await, (7, 7), "another request that shares one");
    assert_eq!(send_logs(&server, vec![line(3), line(9)]).await, (7, 7));
    assert_eq!(send_logs(&server, vec![line(9), line(9)]).await, (9, 9), "two equal ones of one request are two");
    server.stop().await;
}

#[tokio::test]
pub async fn tokens_are_counted_once_under_any_name() {
    let server = Server::start().await;
    let now = Nanos::now().0;
    let using = |mut span: Json, keys: [&str; 2], model: &str| {
        let int = |key: &str, count: u64| json!({ "key": key, "value": { "intValue": count.to_string() } });
        span["attributes"] = json!([
            int(keys[0], 100), int(keys[1], 20), { "key": model, "value": { "stringValue": "gpt-4o" } }
        ]);
        span
    };
    let names = [
        (["ai.usage.promptTokens", "ai.usage.completionTokens"], "ai.model.id"),
        (["llm.token_count.prompt", "llm.token_count.completion"], "llm.model_name"),
    ];
    // The call is sent first, as it ends first, and nothing between it and the wrapper reports anything.
    send_spans(&server, vec![using(span("provider", 3, 2, now + 2, now + 8), names[0].0, names[0].1)]).await;
    let wrapper = using(span("wrapper", 1, 0, now, now + 10), names[1].0, names[1].1);
    send_spans(&server, vec![span("http", 2, 1, now + 1, now + 9), wrapper]).await;
    let tokens = json!({ "input": 100, "output": 20 });
    assert_eq!(summary(&server).await["tokens"], tokens);
    assert_eq!(get(&server, &format!("/api/v1/traces/{TRACE}")).await["tokens"], tokens);
    let stats = get(&server, "/api/v1/stats?by=model").await;
    assert_eq!(stats["operations"][0]["name"], "gpt-4o");
    server.stop().await;
}
