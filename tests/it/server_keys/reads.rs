//! What a key shows: the records of its project and nothing of any other, on every route that answers questions.

use super::*;
use crate::support::whole::Whole as _;

/// The part of every text of the other project.
const THEIRS: &str = "theirs";
/// The part of every text of the reader's own project.
const OURS: &str = "ours";
/// The trace both projects have records of.
const SHARED: &str = "000000000000000000000000000000aa";
/// The trace of the other project alone.
const FOREIGN: &str = "000000000000000000000000000000bb";
/// The trace of the reader's project alone.
const OWN: &str = "000000000000000000000000000000cc";

/// Spans, a log record and checkpoints of a project in a trace, each of whose texts has the mark of the project. What is
/// theirs begins earlier, ends later and fails.
async fn send_all(server: &Server, key: &str, mark: &str, trace: u32) {
    let is_theirs = mark == THEIRS;
    let mut parent = span(trace, if is_theirs { 1 } else { 2 }, &format!("{mark}-span"));
    let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    parent["attributes"] = json!([attribute("mark", mark), attribute("gen_ai.workflow.name", mark)]);
    if is_theirs {
        parent["startTimeUnixNano"] = json!("1795252441000000000");
        parent["endTimeUnixNano"] = json!("1795252449000000000");
        parent["status"] = json!({ "code": 2, "message": mark });
        let told = [attribute("exception.type", "TheirsError"), attribute("exception.message", mark)];
        parent["events"] =
            json!([{ "name": "exception", "timeUnixNano": parent["startTimeUnixNano"], "attributes": told }]);
    }
    let mut request = export(&[parent]);
    request["resourceSpans"][0]["resource"]["attributes"] = json!([attribute("service.name", mark)]);
    let log = json!([{
        "timestamp": "2026-11-21T09:14:02Z", "level": "error", "message": format!("{mark} log"), "service": mark,
        "trace_id": format!("{trace:032x}"), "error_type": format!("{mark}Error"), "error_message": mark,
    }]);
    let checkpoint = |direction: &str| {
        json!({
            "source_id": mark, "correlation_id": format!("{trace:032x}"), "timestamp": 1_795_252_442_000_u64,
            "suffix": format!("{mark}{direction}"), "direction": direction, "operation": mark, "endpoint": "/",
        })
    };
    let checkpoints = json!({ "traces": [checkpoint("->"), checkpoint("<-")] });
    for (path, body) in [("/v1/traces", request), ("/api/v1/ingest", log), ("/ingest", checkpoints)] {
        let request = server.request("POST", path).header("content-type", JSON).header("x-api-key", key);
        let answer = Answer::of(request.body(body.to_string())).await;
        assert!(matches!(answer.status, 200 | 202), "{path}: {} {}", answer.status, answer.text());
    }
}

/// A server with records of two projects, and a key that reads ours.
async fn two_projects() -> (Server, String) {
    let server = Server::start().await;
    let theirs = issue(&server, "theirs", &[KeyScope::Ingest]).await;
    let ours = issue(&server, "ours", &[KeyScope::Ingest]).await;
    for (key, mark, trace) in
        [(&theirs, THEIRS, 0xaa), (&theirs, THEIRS, 0xbb), (&ours, OURS, 0xaa), (&ours, OURS, 0xcc)]
    {
        send_all(&server, &key.secret, mark, trace).await;
    }
    let reader = issue(&server, "ours", &[KeyScope::Read]).await;
    (server, reader.secret)
}

/// The answer to a question of the reader, of a stream as much as comes.
async fn ask(server: &Server, path: &str, key: &str) -> Answer {
    Answer::of(server.request("GET", path).header("x-api-key", key)).await
}

#[tokio::test]
pub async fn every_route_shows_a_reader_the_records_of_their_project_alone() {
    let (server, reader) = two_projects().await;
    let issues = ask(&server, "/api/v1/issues?limit=0", &reader).await.json();
    let own_issue = issues[0]["id"].as_str().expect("an issue").to_owned();
    let admin = issue(&server, "ours", &[KeyScope::Admin]).await;
    let all = ask(&server, "/api/v1/issues?limit=0", &admin.secret).await.json();
    let mut ids = all.as_array().expect("issues").iter().filter_map(|issue| issue["id"].as_str());
    let foreign_issue = ids.rfind(|id| *id != own_issue).expect("theirs").to_owned();
    let mut asked = 0;
    for (method, path, scope) in routes(&server).await {
        if scope != Some(KeyScope::Read) || method != "GET" {
            continue;
        }
        let with = |id: &str| path.replace("00000000", id);
        let questions = match path.as_str() {
            "/traces/00000000" | "/api/v1/traces/00000000" | "/api/v1/traces/00000000/tree" => {
                vec![with(SHARED), with(FOREIGN), with(OWN)]
            }
            "/traces/00000000/stream" => {
                vec![with(SHARED) + "?timeout=0", with(FOREIGN) + "?timeout=0", with(OWN) + "?timeout=0"]
            }
            "/api/v1/issues/00000000" => vec![with(&own_issue), with(&foreign_issue)],
            "/api/v1/trace" => vec![format!("{path}?id={SHARED}"), format!("{path}?id={FOREIGN}")],
            "/api/v1/scan/stream" => vec![format!("{path}?after=&timeout=0")],
            "/api/v1/place" => vec![format!("{path}?records=2")],
            "/api/v1/traces" => {
                ["", "?project=theirs", "?has_errors=true", "?service=theirs", "?attr=mark=theirs", "?limit=0"]
                    .map(|query| format!("{path}{query}"))
                    .to_vec()
            }
            "/api/v1/logs" | "/api/v1/issues" => {
                ["", "?project=theirs", "?service=theirs", "?limit=0"].map(|query| format!("{path}{query}")).to_vec()
            }
            "/api/v1/stats" => ["", "?by=source", "?by=service", "?by=nothing", "?project=theirs"]
                .map(|query| format!("{path}{query}"))
                .to_vec(),
            "/api/v1/why" => ["?q=status=error", "?q=mark", "?q=status=error&against=mark"]
                .map(|query| format!("{path}{query}"))
                .to_vec(),
            "/api/v1/attributes" => {
                ["", "?key=mark", "?key=service", "?key=name", "?q=mark"].map(|query| format!("{path}{query}")).to_vec()
            }
            _ => vec![path.clone()],
        };
        for question in questions {
            let answer = ask(&server, &question, &reader).await;
            let text = answer.text().replace("?project=theirs", "");
            asked += 1;
            let is_foreign = question.contains(FOREIGN) || question.contains(&foreign_issue);
            let is_original = question.starts_with("/traces/");
            let expected = match path.starts_with("/api/v1/queries") {
                // What others saved may tell what they look for.
                true => 501,
                false if is_foreign && !is_original => 404,
                false => 200,
            };
            assert_eq!(answer.status, expected, "{question}: {text}");
            assert!(!text.to_lowercase().contains(THEIRS), "{question}: {text}");
            let tells_no_records = expected == 501
                || question.contains(THEIRS)
                || ["/api/v1/attributes", "/api/v1/attributes?q=mark"].contains(&question.as_str())
                || [
                    "/metrics",
                    "/stats",
                    "/api/v1/server",
                    "/api/v1/place",
                    "/api/v1/scan/cursor",
                    "?by=nothing",
                    "/api/v1/why",
                ]
                .iter()
                .any(|quiet| question == *quiet || question.contains("?") && question.contains(quiet));
            if !is_foreign && !tells_no_records && question != "/stats" {
                assert!(text.contains(OURS), "{question}: {text}");
            }
        }
    }
    assert!(asked > 30, "{asked}");
}

#[tokio::test]
pub async fn a_trace_of_several_projects_is_summed_up_from_the_readers_own_part() {
    let (server, reader) = two_projects().await;
    let listed = ask(&server, "/api/v1/traces?limit=0", &reader).await;
    assert_eq!((listed.header("x-tracehub-total"), listed.header("x-tracehub-failed")), ("2", "2"));
    let of_ours = |traces: &Json, id: &str| {
        let all = traces.as_array().expect("a list").clone();
        all.into_iter().find(|trace| trace["trace_id"] == id).expect("listed")
    };
    let (shared, own) = (of_ours(&listed.json(), SHARED), of_ours(&listed.json(), OWN));
    for key in ["name", "service", "services", "workflow", "status", "span_count", "checkpoint_count", "log_count"] {
        assert_eq!(shared[key], own[key], "{key}");
    }
    assert_eq!((shared["span_count"].as_u64(), shared["error_count"].as_u64()), (Some(1), Some(1)));
    let shown = ask(&server, &format!("/api/v1/traces/{SHARED}"), &reader).await.json();
    for key in ["name", "start_time", "end_time", "duration_ns", "span_count", "error_count", "complete"] {
        assert_eq!(shown[key], shared[key], "{key}");
    }
    let stats = ask(&server, "/api/v1/stats", &reader).await.json();
    let counts =
        ["traces", "spans", "checkpoints", "logs", "issues", "errors", "services"].map(|key| stats[key].as_u64());
    assert_eq!(counts, [2, 2, 4, 2, 1, 2, 1].map(Some), "{stats}");
    let totals = ask(&server, "/api/v1/stats?by=nothing", &reader).await.json();
    for key in
        ["traces", "failed_traces", "spans", "checkpoints", "logs", "issues", "errors", "first_time", "last_time"]
    {
        assert_eq!(totals[key], stats[key], "{key}");
    }
    let correlations = ask(&server, "/correlations", &reader).await.json();
    assert_eq!(correlations["count"], 2);
    assert!(correlations["correlations"].as_array().expect("rows").iter().all(|row| row["trace_count"] == 2));
    // An administrator's key is bound to nothing.
    let admin = issue(&server, "ours", &[KeyScope::Admin]).await;
    let all = ask(&server, "/api/v1/stats", &admin.secret).await.json();
    assert_eq!((all["traces"].as_u64(), all["spans"].as_u64()), (Some(3), Some(4)));
}

#[tokio::test]
pub async fn the_counts_of_a_reader_are_those_of_their_project() {
    let (server, reader) = two_projects().await;
    let told = ask(&server, "/api/v1/server", &reader).await.json();
    assert_eq!((told["accepted"].as_u64(), &told["database"]["size_bytes"]), (Some(8), &Json::Null), "{told}");
    let metrics = ask(&server, "/metrics", &reader).await.text();
    assert!(metrics.contains("tracehub_records_total{outcome=\"accepted\"} 8\n"), "{metrics}");
    assert!(!metrics.contains("tracehub_requests_total") && !metrics.contains("database"), "{metrics}");
    let sources = ask(&server, "/stats/sources", &reader).await.json();
    assert_eq!((sources["sources"].as_array().map(Vec::len), &sources["sources"][0]["total"]), (Some(1), &json!(4)));
    let figures = ask(&server, "/stats", &reader).await.json();
    assert_eq!((&figures["requests"]["ingest_total"], &figures["database"]["size_mb"]), (&json!(4), &Json::Null));
}

#[tokio::test]
pub async fn many_shared_traces_are_told_apart_as_few_are() {
    let server = Server::start().await;
    let (theirs, ours) =
        (issue(&server, "theirs", &[KeyScope::Ingest]).await, issue(&server, "ours", &[KeyScope::Ingest]).await);
    for (key, id, name) in [(&theirs, 1, "theirs"), (&ours, 2, "ours")] {
        let spans: Vec<Json> = (1..=200).map(|trace| span(trace, id, name)).collect();
        let request = server.request("POST", "/v1/traces").header("content-type", JSON);
        let sent = request.header("x-api-key", &key.secret).body(export(&spans).to_string());
        assert_eq!(Answer::of(sent).await.status, 200);
    }
    let reader = issue(&server, "ours", &[KeyScope::Read]).await;
    let listed = ask(&server, "/api/v1/traces?limit=0", &reader.secret).await.json();
    let listed = listed.as_array().expect("a list").clone();
    assert_eq!(listed.len(), 200);
    assert!(listed.iter().all(|trace| trace["name"] == "ours" && trace["span_count"] == 1));
}

#[tokio::test]
pub async fn a_reader_follows_and_goes_back_over_their_own_records() {
    let (server, reader) = two_projects().await;
    let store = as_holder(&server, &reader).await;
    let chunk = store.scan(&Default::default(), None, 100, Duration::ZERO).await.expect("scanned");
    assert_eq!((chunk.batch.spans.len(), chunk.batch.logs.len(), chunk.batch.checkpoints.len()), (2, 2, 4));
    let place = store.place(&Default::default(), 3).await.expect("placed");
    let newest = store.scan(&Default::default(), place.as_ref(), 100, Duration::ZERO).await.expect("scanned");
    assert!((3..=8).contains(&newest.batch.len()), "{}", newest.batch.len());
    let theirs = issue(&server, "theirs", &[KeyScope::Ingest]).await;
    let ours = issue(&server, "ours", &[KeyScope::Ingest]).await;
    let waiting = tokio::spawn(async move {
        store.scan(&Default::default(), Some(&chunk.next), 100, Duration::from_secs(20)).await.expect("scanned")
    });
    send_all(&server, &theirs.secret, THEIRS, 0xdd).await;
    send_all(&server, &ours.secret, OURS, 0xee).await;
    let found = waiting.await.expect("no panic");
    assert!(!found.batch.is_empty() && found.batch.spans.iter().all(|span| span.name == "ours-span"));
}
