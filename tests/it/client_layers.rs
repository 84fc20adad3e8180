//! The `tracing` layer over real subscribers, and everything together against a real server.

use std::fmt;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tracehub::client::{LogLayer, Logger, set_trace_id};
use tracing::{Level, error, info, info_span, warn};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::Home;
use crate::support::peer::{OK, Peer, Reply};

const LONG: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct PaymentError {
    source: std::num::ParseIntError,
}

impl fmt::Display for PaymentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("card declined")
    }
}

impl std::error::Error for PaymentError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

fn payment_error() -> PaymentError {
    PaymentError { source: "x".parse::<u8>().expect_err("no number") }
}

/// What arrives of the events of `work` under a subscriber with the layer.
fn logged(work: impl FnOnce()) -> Vec<Json> {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let logger = Logger::builder("", "shop", "test").endpoint(&peer.url).without_dlq().build().expect("a logger");
    let layer = LogLayer::new(&logger).with_filter(LevelFilter::DEBUG);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    assert!(logger.close(LONG).is_complete());
    peer.requests.try_iter().flat_map(|request| request.json().as_array().expect("an array").clone()).collect()
}

#[test]
fn events_carry_their_fields_those_of_their_spans_and_the_innermost_trace_id() {
    let entries = logged(|| {
        let _context = set_trace_id("context");
        info!(count = 3_u64, ok = true, share = f64::NAN, "started {}", 1);
        let request = info_span!(
            "request",
            trace_id = "req-1",
            span_id = "00f067aa0ba902b7",
            user = 42_i64,
            late = tracing::field::Empty
        );
        let _entered = request.enter();
        request.record("late", "yes");
        let _inner = info_span!("query", user = 43_i64).entered();
        warn!(target: "shop::db", table = "orders", "slow");
        tracing::trace!("filtered");
    });
    assert_eq!(entries.len(), 2);
    assert_eq!((&entries[0]["message"], &entries[0]["trace_id"]), (&json!("started 1"), &json!("context")));
    assert_eq!(entries[0]["extra"], json!({"count": 3, "ok": true, "share": "NaN"}));
    assert_eq!(entries[0]["module"], module_path!());
    assert_eq!((&entries[1]["level"], &entries[1]["trace_id"]), (&json!("WARN"), &json!("req-1")));
    assert_eq!((entries[0].get("span_id"), &entries[1]["span_id"]), (None, &json!("00f067aa0ba902b7")));
    assert_eq!(entries[1]["extra"], json!({"user": 43, "late": "yes", "table": "orders"}));
    assert_eq!(entries[1]["module"], "shop::db");
}

#[test]
fn an_error_among_the_fields_is_the_error_of_the_record_with_its_sources() {
    let entries = logged(|| {
        let error = payment_error();
        error!(error = &error as &(dyn std::error::Error + 'static), order = 7, "payment failed");
    });
    let entry = &entries[0];
    assert_eq!((&entry["error_type"], &entry["error_message"]), (&json!("PaymentError"), &json!("card declined")));
    let stack = entry["stack_trace"].as_str().expect("a stack");
    assert!(stack.contains("0: ParseIntError: invalid digit found in string"), "{stack}");
    assert!(stack.contains("client_layers.rs:"), "{stack}");
    assert_eq!(entry["extra"], json!({"error": "card declined", "order": 7}));
}

#[test]
fn what_is_logged_while_an_event_is_written_is_no_event() {
    struct Chatty;
    impl fmt::Debug for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info!("from within");
            f.write_str("chatty")
        }
    }
    let entries = logged(|| info!(value = ?Chatty, "outer"));
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["extra"], json!({"value": "chatty"}));
}

#[test]
fn spans_another_filter_hides_do_no_harm() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let logger = Logger::builder("", "shop", "test").endpoint(&peer.url).without_dlq().build().expect("a logger");
    let layer = LogLayer::new(&logger).with_filter(LevelFilter::WARN);
    let other = tracing_subscriber::fmt::layer().with_writer(std::io::sink).with_filter(LevelFilter::TRACE);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(other).with(layer), || {
        let span = tracing::span!(Level::TRACE, "hidden", trace_id = "req-1", late = tracing::field::Empty);
        span.record("late", 1);
        let _entered = span.entered();
        error!("seen");
    });
    assert_eq!(logger.close(LONG).sent, 1);
}

#[test]
fn records_of_the_logger_are_stored_by_a_server_in_their_trace() {
    let home = Home::new();
    let server = home.start(&["--db", "logs.db"]);
    let logger = Logger::builder("", "shop", "test").endpoint(server.url()).without_dlq().build().expect("a logger");
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    logger.error("payment failed").error(&payment_error()).module("billing").extra("order_id", 7).trace_id(id);
    logger.info("ünï\u{0}code").trace_id(id);
    let report = logger.close(LONG);
    assert_eq!((report.sent, report.logged), (2, 2), "{:?}", logger.stats());
    let shown = home.run(&["show", id, "--json", "--url", server.url()]).json();
    let logs = shown["logs"].as_array().expect("logs");
    assert_eq!(logs.len(), 2);
    let error = logs.iter().find(|log| log["level"] == "error").expect("the error");
    for (key, value) in [
        ("message", json!("payment failed")),
        ("service", json!("shop")),
        ("environment", json!("test")),
        ("module", json!("billing")),
        ("error_type", json!("PaymentError")),
        ("error_message", json!("card declined")),
        ("sdk_version", json!(env!("CARGO_PKG_VERSION"))),
        ("pid", json!(std::process::id())),
    ] {
        assert_eq!(error[key], value, "{key}");
    }
    assert_eq!(error["extra"]["order_id"], 7);
    assert_eq!(error["time"].as_str().map(str::len), Some(30));
}
