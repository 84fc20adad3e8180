//! Issues over HTTP: what becomes one, lists, one alone, decisions, and what is refused.

use serde_json::{Value as Json, json};
use tracehub::model::{Batch, LogRecord, Nanos, Text, TraceId};

use crate::server_support::{Answer, JSON, Server, failed_span, span};
use crate::support::whole::Whole as _;

async fn change(server: &Server, id: &str, document: &str) -> Answer {
    let request = server.request("PATCH", &format!("/api/v1/issues/{id}")).header("content-type", JSON);
    Answer::of(request.body(document.to_owned())).await
}

async fn ids(server: &Server, query: &str) -> Vec<String> {
    let list = server.get(&format!("/api/v1/issues{query}")).await.json();
    let id = |issue: &Json| issue["id"].as_str().map(str::to_owned);
    list.as_array().expect("an array").iter().filter_map(id).collect()
}

#[tokio::test]
pub async fn exceptions_of_spans_become_issues_that_are_listed_and_shown() {
    let server = Server::start().await;
    assert_eq!(server.get("/api/v1/issues").await.text(), "[]");
    server.store(&[span(1, 1, "fine"), failed_span(2, 2, "KeyError"), failed_span(3, 3, "KeyError")]).await;
    let answer = server.get("/api/v1/issues?status=open&counts_since=1970-01-01T00:00:00Z").await;
    let header = |name: &str| answer.header(name).to_owned();
    assert_eq!((answer.status, header("x-tracehub-total"), header("x-tracehub-failed")), (200, "1".into(), "1".into()));
    assert_eq!((header("x-tracehub-api"), header("content-type")), ("1".into(), JSON.into()));
    let list = answer.json();
    let issue = &list[0];
    assert_eq!(
        (&issue["title"], &issue["event_count"], &issue["trace_count"]),
        (&json!("KeyError: no such key"), &json!(2), &json!(2))
    );
    assert_eq!(issue["counts"].as_array().map(Vec::len), Some(1));
    let shown = server.get(&format!("/api/v1/issues/{}", issue["id"].as_str().expect("an id"))).await.json();
    assert_eq!(
        (&shown["id"], &shown["why"]["error_type"], &shown["history"]),
        (&issue["id"], &json!("KeyError"), &json!([]))
    );
    assert_eq!(server.get("/api/v1/stats").await.json()["issues"], json!(1));
    assert_eq!(server.get("/api/v1/issues?status=resolved").await.text(), "[]");
}

#[tokio::test]
pub async fn all_of_a_long_list_is_one_array_and_a_page_says_where_the_next_begins() {
    let server = Server::start().await;
    // More than are read at once, and more new ones than an hour may bring.
    let spans: Vec<Json> = (1..=1_005).map(|number| failed_span(number, number, &format!("E{number}"))).collect();
    server.store(&spans).await;
    let all = ids(&server, "?limit=0&sort=first-seen").await;
    assert_eq!(all.len(), 1_001);
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/issues?limit=400&sort=first-seen{cursor}");
        let answer = server.get(&path).await;
        found.extend(
            answer.json().as_array().expect("an array").iter().map(|issue| issue["id"].as_str().map(str::to_owned)),
        );
        match answer.header("x-tracehub-next-cursor") {
            "" => break,
            next => cursor = format!("&cursor={next}"),
        }
    }
    assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), all);
    assert_eq!(ids(&server, "").await.len(), 20);
}

#[tokio::test]
pub async fn log_records_of_an_issue_are_listed_whichever_fingerprint_leads_there() {
    let server = Server::start().await;
    let failed = |time: u64, depth: u64| {
        let frames: String =
            (0..depth).rev().map(|at| format!("  File \"/app/pay.py\", line 7, in step{at}\n")).collect();
        let stack = format!("Traceback (most recent call last):\n{frames}E: card declined");
        LogRecord {
            time: Nanos(time),
            message: Text::from(format!("left {depth}")),
            trace_id: TraceId::parse("cli-1").ok(),
            attributes: [("exception.type", "E"), ("exception.stacktrace", &stack)].into_iter().collect(),
            ..LogRecord::default()
        }
    };
    let other = LogRecord { attributes: [("exception.type", "F")].into_iter().collect(), ..LogRecord::default() };
    for log in [failed(1, 2), failed(2, 1), other] {
        let batch = Batch { logs: vec![log], ..Batch::default() };
        server.running.backend().write(batch).await.expect("written");
    }
    let told = async |query: &str, key: &str| -> Vec<String> {
        let list = server.get(&format!("/api/v1/logs{query}")).await.json();
        list.as_array().expect("an array").iter().map(|log| log[key].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(ids(&server, "").await.len(), 2);
    let own = told("", "issue_id").await;
    let [last, first, other] = own.as_slice() else { panic!("{own:?}") };
    assert_ne!(first, last);
    for id in [first, last] {
        assert_eq!(told(&format!("?issue={id}"), "message").await, ["left 1", "left 2"]);
    }
    assert_eq!(told(&format!("?issue={other}"), "message").await, [""]);
    for both in [format!("?issue={other},{first}"), format!("?issue={other}&issue={first}")] {
        assert_eq!(told(&both, "message").await, ["left 1", "left 2", ""]);
    }
    assert_eq!(server.get("/api/v1/logs?issue=00000000000000ff").await.text(), "[]");
}

#[tokio::test]
pub async fn an_issue_is_resolved_reopened_and_ignored() {
    let server = Server::start().await;
    server.store(&[failed_span(1, 1, "KeyError")]).await;
    let id = ids(&server, "").await.remove(0);
    for status in ["resolved", "resolved", "ignored", "open"] {
        let answer = change(&server, &id, &json!({ "status": status }).to_string()).await;
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!(status)));
        assert_eq!(ids(&server, &format!("?status={status}")).await, std::slice::from_ref(&id));
    }
    let history = server.get(&format!("/api/v1/issues/{id}")).await.json()["history"].clone();
    let told: Vec<Json> =
        history.as_array().expect("a list").iter().map(|change| json!([change["status"], change["by"]])).collect();
    assert_eq!(Json::from(told), json!([["resolved", "person"], ["ignored", "person"], ["open", "person"]]));
}

#[tokio::test]
pub async fn what_cannot_be_done_to_an_issue_is_one_plain_sentence() {
    let server = Server::start().await;
    server.store(&[failed_span(1, 1, "KeyError")]).await;
    let id = ids(&server, "").await.remove(0);
    let absent = "00000000000000ff";
    for (document, status) in [
        (r#"{"status":"closed"}"#, 400),
        ("{}", 400),
        ("[]", 400),
        ("not JSON", 400),
        ("", 400),
        (&"x".repeat(100_000), 413),
    ] {
        let answer = change(&server, &id, document).await;
        assert_eq!(answer.status, status, "{document:.20}");
        assert!(answer.json()["detail"].as_str().is_some_and(|text| !text.is_empty()), "{document:.20}");
    }
    let document = r#"{"status":"resolved"}"#;
    for id in [absent, "nonsense", &id[..8], "%ff"] {
        assert_eq!(change(&server, id, document).await.status, 404, "{id}");
        let answer = server.get(&format!("/api/v1/issues/{id}")).await;
        assert_eq!(
            (answer.status, answer.json()),
            (404, json!({ "detail": "there is no issue with this id" })),
            "{id}"
        );
    }
    let text = server.request("PATCH", &format!("/api/v1/issues/{id}")).header("content-type", "text/plain");
    assert_eq!(Answer::of(text.body(document)).await.status, 415);
    for query in [
        "status=closed",
        "ids=x",
        "ids=",
        "sort=trend",
        "limit=-1",
        "cursor=x",
        "since=soon-ish",
        "counts_since=x",
        "unknown=name",
    ] {
        assert_eq!(server.get(&format!("/api/v1/issues?{query}")).await.status, 400, "{query}");
    }
    assert_eq!(ids(&server, "?status=open").await, [id]);
}

#[tokio::test]
pub async fn another_site_cannot_decide_about_an_issue() {
    let server = Server::start().await;
    server.store(&[failed_span(1, 1, "KeyError")]).await;
    let id = ids(&server, "").await.remove(0);
    let request = server.request("PATCH", &format!("/api/v1/issues/{id}")).header("content-type", JSON);
    let answer =
        Answer::of(request.header("origin", "https://elsewhere.example").body(r#"{"status":"resolved"}"#)).await;
    assert_eq!(answer.status, 403);
    assert_eq!(ids(&server, "?status=open").await, [id]);
}
