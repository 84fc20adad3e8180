//! Published clients that send log records, unmodified: `tracehub-logger` 1.2.0 with its middleware for FastAPI, Flask
//! and Django, and the OpenTelemetry Python SDK behind Python's own `logging`.
//!
//! The logger runs from `target/interop-logger-venv`, because its package has the name of the checkpoint client's.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::interop::{python, run};
use crate::support::Home;

fn logs_of(home: &Home, trace_id: &str) -> Vec<Json> {
    home.run(&["show", trace_id, "--json"]).json()["logs"].as_array().expect("log records").clone()
}

fn message(log: &Json) -> &str {
    log["message"].as_str().expect("text")
}

fn check_plain(home: &Home) {
    let logs = logs_of(home, "4bf92f3577b34da6a3ce929d0e0e4736");
    let logs: BTreeMap<&str, &Json> = logs.iter().map(|log| (message(log), log)).collect();
    let levels: BTreeMap<&str, &str> =
        logs.iter().map(|(message, log)| (*message, log["level"].as_str().expect("a word"))).collect();
    let expected = [
        ("giving up", "fatal"),
        ("payment failed", "error"),
        ("slow query", "warn"),
        ("started", "debug"),
        ("user logged in", "info"),
        ("without an exception", "error"),
    ];
    assert_eq!(levels, BTreeMap::from(expected));
    let info = logs["user logged in"];
    assert_eq!(info["extra"], json!({ "user_id": 42, "ratio": 0.5, "tags": ["a", null], "✓": "ünïcode" }));
    assert_eq!((&info["module"], &info["environment"]), (&json!("auth"), &json!("interop")));
    assert_eq!((&info["service"], &info["sdk_version"]), (&json!("plain"), &json!("1.2.0")));
    assert_eq!(info["thread_id"], "MainThread");
    assert!(info["pid"].is_u64() && info["host"].is_string(), "{info}");
    let failed = logs["payment failed"];
    assert_eq!((&failed["error_type"], &failed["error_message"]), (&json!("ValueError"), &json!("cannot charge -1")));
    let stack = failed["stack_trace"].as_str().expect("a stack");
    assert!(stack.starts_with("Traceback (most recent call last):") && stack.contains("in charge"), "{stack}");
    assert_eq!(logs["giving up"]["error_message"], "cannot charge -2");
    assert_eq!(logs["without an exception"]["error_message"], "told");
}

/// What needs more of Python's JSON than JSON has.
fn check_odd(home: &Home) {
    let logs = logs_of(home, "odd values");
    let odd: BTreeMap<&str, &Json> = logs.iter().map(|log| (message(log), log)).collect();
    assert_eq!(odd.keys().copied().collect::<Vec<_>>(), ["", "12345", "deep", "long", "nan"]);
    let expected = json!({
        "nan": "NaN", "inf": "-Infinity", "big": format!("1{}", "0".repeat(30)), "lone": "\u{fffd}", "nul": "a\0b",
    });
    assert_eq!(odd["nan"]["extra"], expected);
    assert!(odd["deep"]["extra"]["deep"].to_string().contains("core"));
    assert_eq!(odd["long"]["extra"]["tracehub.truncated"], "stack_trace");
}

#[test]
fn the_published_logger_ships_logs_and_errors_alone_and_behind_its_middleware() {
    let Some(python) = python("interop-logger-venv") else { return };
    let home = Home::new();
    let server = home.start(&[]);
    let dead_letters = home.file("dead letters");
    let dead_letters = dead_letters.to_str().expect("a path of text");
    let lines = run(&python, "logger.py", &[server.url(), "th_interop", dead_letters], &[]);
    let lines: Vec<Json> = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.last(), Some(&json!({ "dead letters": [] })), "the logger parked what it was not thanked for");
    check_plain(&home);
    check_odd(&home);
    assert_eq!(home.run(&["stats", "--json"]).json()["logs"], json!(6 + 5 + 3 * 4));
    for service in ["fastapi-app", "flask-app", "django-app"] {
        let ids: Vec<&str> = lines.iter().filter_map(|line| line[service].as_str()).collect();
        assert_eq!(ids.len(), 2, "{service}");
        for id in ids {
            let logs = logs_of(&home, id);
            assert_eq!(logs.iter().map(message).collect::<Vec<_>>(), ["paying", "payment failed"], "{service} {id}");
            assert!(logs.iter().all(|log| log["service"] == service));
            assert_eq!(logs[1]["error_type"], "ValueError");
        }
    }
}

fn check_otel_logs(transport: &str) {
    let Some(python) = python("interop-venv") else { return };
    let home = Home::new();
    let server = home.start(&[]);
    let ids = run(&python, "otel_logs.py", &[transport, server.url()], &[]);
    let ids: Json = serde_json::from_str(&ids[0]).expect("JSON");
    let logs = logs_of(&home, ids["trace_id"].as_str().expect("an id"));
    let levels: Vec<(&str, &str)> =
        logs.iter().map(|log| (log["level"].as_str().expect("a word"), message(log))).collect();
    let expected = [
        ("info", "paying 12"),
        ("warn", "slow ✓"),
        ("error", "payment failed"),
        ("info", "noted"),
        ("fatal", r#"{"structured":[1,2.5,true]}"#),
    ];
    assert_eq!(levels, expected);
    for log in &logs {
        assert_eq!((&log["span_id"], &log["environment"]), (&ids["span_id"], &json!("interop")));
        assert_eq!((&log["service"], &log["scope"]["name"]), (&json!(format!("logs-{transport}")), &json!("shop.pay")));
    }
    assert_eq!(logs[0]["extra"]["order_id"], 123);
    assert_eq!(logs[0]["extra"]["tags"], json!(["a", "b"]));
    assert_eq!(logs[3]["extra"]["log.severity_text"], "NOTICE");
    let failed = &logs[2];
    assert_eq!((&failed["error_type"], &failed["error_message"]), (&json!("ValueError"), &json!("cannot charge -1")));
    assert!(failed["stack_trace"].as_str().is_some_and(|stack| stack.contains("in main")), "{failed}");
}

#[test]
fn pythons_logging_behind_the_otel_sdk_arrives_over_http() {
    check_otel_logs("http");
}

#[test]
fn pythons_logging_behind_the_otel_sdk_arrives_over_grpc() {
    check_otel_logs("grpc");
}
