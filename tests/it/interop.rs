//! The published clients, unmodified: the OpenTelemetry Python SDK over every transport, msgtrace-sdk, and the checkpoint
//! client of `tracehub` 0.1.0.
//!
//! They run from the virtual environments that `.ci/run` makes in `target`. Where one is missing the tests say so on
//! stderr and pass; with `TRACEHUB_INTEROP_REQUIRED` set, as in CI, they fail instead.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};
use tracehub::model::Nanos;

use crate::support::Home;

/// The Python of a virtual environment that `.ci/run` makes; `None` where it did not run.
pub fn python(environment: &str) -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(environment).join("bin/python");
    if python.exists() {
        return Some(python);
    }
    assert!(std::env::var_os("TRACEHUB_INTEROP_REQUIRED").is_none(), "no published clients in `{}`", python.display());
    // Straight to the file descriptor: the test harness swallows what passing tests print.
    let _ = writeln!(
        std::io::stderr(),
        "\nSKIPPED: no published clients to test with in `{}`; `.ci/run` gets them\n",
        python.display()
    );
    None
}

/// Runs a script of `tests/it/interop` and returns the lines it printed.
pub fn run(python: &Path, script: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/interop").join(script);
    let output = Command::new(python)
        .arg(script)
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .expect("the virtual environment has a python");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(str::to_owned).collect()
}

/// A span as the SDK described it, in the shape `show --json` prints.
fn as_shown(sent: &Json) -> Json {
    let time = |value: &Json| json!(Nanos(value.as_u64().expect("nanoseconds")).to_rfc3339());
    let events = sent["events"].as_array().expect("list").iter().map(
        |event| json!({"time": time(&event["time_ns"]), "name": event["name"], "attributes": event["attributes"]}),
    );
    json!({
        "span_id": sent["span_id"],
        "parent_span_id": sent["parent_span_id"],
        "name": sent["name"],
        "kind": sent["kind"],
        "start_time": time(&sent["start_ns"]),
        "end_time": time(&sent["end_ns"]),
        "status": sent["status"],
        "status_message": sent["status_message"],
        "attributes": sent["attributes"],
        "resource": sent["resource"],
        "events": events.collect::<Vec<_>>(),
        "links": sent["links"],
    })
}

/// Whether every key of `expected` stands in `found` with an equal value, at any depth; `found` may say more.
fn includes(found: &Json, expected: &Json) -> bool {
    match (found, expected) {
        (Json::Object(found), Json::Object(expected)) => {
            expected.iter().all(|(key, value)| found.get(key).is_some_and(|found| includes(found, value)))
        }
        (Json::Array(found), Json::Array(expected)) => {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(found, expected)| includes(found, expected))
        }
        (found, expected) => found == expected,
    }
}

fn check_trace(home: &Home, url: &str, trace_id: &str, sent: &[Json]) {
    let remote = home.run(&["show", trace_id, "--json", "--url", url]);
    let local = home.run(&["show", trace_id, "--json"]);
    assert_eq!(remote.data(), local.data());
    let local = local.json();
    assert_eq!(local["span_count"], json!(sent.len()));
    for expected in sent.iter().map(as_shown) {
        let spans = local["spans"].as_array().expect("spans");
        let found =
            spans.iter().find(|span| span["span_id"] == expected["span_id"]).expect("every sent span is stored");
        assert!(includes(found, &expected), "sent {expected:#}\nfound {found:#}");
    }
}

fn check_sdk(transport: &str) {
    let Some(python) = python("interop-venv") else { return };
    let home = Home::new();
    let server = home.start(&[]);
    let lines = run(&python, "otel_sdk.py", &[transport, server.url()], &[]);
    let sent: Vec<Json> = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(sent.len(), 4);
    check_trace(&home, server.url(), sent[0]["trace_id"].as_str().expect("id"), &sent);
}

#[test]
fn the_python_sdk_over_http_arrives_to_the_nanosecond_and_the_type() {
    check_sdk("http");
}

#[test]
fn the_python_sdk_over_gzipped_http_arrives_to_the_nanosecond_and_the_type() {
    check_sdk("http-gzip");
}

#[test]
fn the_python_sdk_over_grpc_arrives_to_the_nanosecond_and_the_type() {
    check_sdk("grpc");
}

#[test]
fn the_python_sdk_over_gzipped_grpc_arrives_to_the_nanosecond_and_the_type() {
    check_sdk("grpc-gzip");
}

#[test]
fn msgtrace_sdk_sends_to_its_default_path_and_to_a_bare_base_url() {
    let Some(python) = python("interop-venv") else { return };
    let home = Home::new();
    let server = home.start(&[]);
    for endpoint in [format!("{}/api/v1/traces/export", server.url()), server.url().to_owned()] {
        let environment = [("MSGTRACE_TELEMETRY_ENABLED", "true"), ("MSGTRACE_OTLP_ENDPOINT", endpoint.as_str())];
        let ids = run(&python, "msgtrace_sdk.py", &[], &environment);
        let chat = home.run(&["show", &ids[0], "--json"]).json();
        assert_eq!(chat["tokens"], json!({"input": 812, "output": 64}));
        assert_eq!(chat["cost"], json!({"amount": 0.0016, "currency": "USD"}));
        assert_eq!(chat["workflow"], "support_flow");
        let tool = home.run(&["show", &ids[1], "--json"]).json();
        assert_eq!((&tool["name"], &tool["status"]), (&json!("tool search"), &json!("error")));
    }
}

#[test]
fn the_checkpoint_client_reads_back_what_it_sent_and_so_do_we() {
    let Some(python) = python("interop-venv") else { return };
    let home = Home::new();
    let server = home.start(&[]);
    let lines = run(&python, "checkpoints.py", &[server.url()], &[]);
    let lines: Vec<Json> = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let all = |key: &str| lines.iter().filter_map(|line| line.get(key)).cloned().collect::<Vec<Json>>();
    let sent = all("sent");
    assert_eq!(sent.len(), 25);
    let of = |id: &str| sent.iter().filter(|record| record["correlation_id"] == id).cloned().collect::<Vec<Json>>();
    let ids = ["cli-12345-abc", "req/with slash", "ünïcode-✓"];
    let answers = all("get_traces");
    for (id, answer) in ids.iter().zip(&answers) {
        let count = |direction: &str| of(id).iter().filter(|record| record["direction"] == direction).count();
        let complete = count("->") == count("<-");
        let expected = json!({ "correlation_id": id, "traces": of(id), "count": of(id).len(), "complete": complete });
        assert_eq!(*answer, expected);
        let shown = home.run(&["show", id, "--json"]).json();
        assert!(includes(&shown["checkpoints"], &json!(of(id))), "{shown:#}");
    }
    assert_eq!(answers.len(), ids.len());
    let from_ws = of(ids[0]).into_iter().filter(|record| record["source_id"] == "WS").collect::<Vec<Json>>();
    assert_eq!(all("get_traces of one source")[0]["traces"], json!(from_ws));
    assert_eq!(all("stream_traces")[0], json!(of(ids[1])));
    assert_eq!(all("list_correlations")[0]["count"], json!(ids.len()));
}
