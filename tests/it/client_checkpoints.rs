//! The checkpoint client against a network peer that is down, slow, broken, busy, or comes back: nothing blocks, every
//! deadline holds, and every record is counted once.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tracehub::client::{
    CheckpointClient, CheckpointClientBuilder, CheckpointLogger, CheckpointRecord, Report, set_correlation_id,
    with_correlation_id,
};

use crate::support::peer::{NOBODY, OK, Peer, Reply, Request};

/// Longer than anything here takes; a test that waits so long has failed.
const LONG: Duration = Duration::from_secs(60);

fn traces(request: &Request) -> Vec<Json> {
    request.json()["traces"].as_array().expect("traces").clone()
}

fn client_of(peer: &Peer) -> CheckpointClientBuilder {
    CheckpointClient::builder(&peer.url).timeout(LONG).flush_interval(LONG).retry_backoff(Duration::ZERO)
}

fn record(number: usize) -> CheckpointRecord {
    CheckpointRecord::enter("MA", "req-1", "REST", "/api/agents").with_data(json!({ "n": number }))
}

fn send_all(client: &CheckpointClient, count: usize) {
    (0..count).for_each(|number| client.send(record(number)));
}

fn assert_all_counted(client: &CheckpointClient, report: Report, sends: u64) {
    let stats = client.stats();
    assert_eq!(stats.sends, sends);
    assert_eq!(report.sent + report.dropped + report.failed, sends, "{report:?}");
    assert_eq!((stats.queued, stats.in_flight), (0, 0));
    assert_eq!((stats.sent, stats.dropped, stats.failed), (report.sent, report.dropped, report.failed));
}

#[test]
fn batches_arrive_in_order_on_one_connection_with_the_secret() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let client = client_of(&peer).secret("s3cret").build();
    send_all(&client, 25);
    assert!(client.flush(LONG));
    let report = client.close(LONG);
    assert_eq!(report, Report { sent: 25, dropped: 0, failed: 0 });
    assert_all_counted(&client, report, 25);

    let requests: Vec<Request> = peer.requests.try_iter().collect();
    let sizes: Vec<usize> = requests.iter().map(|request| traces(request).len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 25);
    assert!(sizes.iter().all(|size| *size <= 10), "{sizes:?}");
    let numbers: Vec<Json> = requests.iter().flat_map(traces).map(|trace| trace["data"]["n"].clone()).collect();
    assert_eq!(numbers, (0..25).map(Json::from).collect::<Vec<_>>());
    for request in &requests {
        assert!(request.head.starts_with("POST /ingest HTTP/1.1\r\n"), "{}", request.head);
        assert!(request.head.contains("x-tracehub-secret: s3cret\r\n"), "{}", request.head);
        assert!(request.head.contains("content-type: application/json\r\n"), "{}", request.head);
        assert_eq!(request.connection, 0);
    }
}

#[test]
fn a_full_batch_goes_without_a_flush_and_a_lone_record_after_the_interval() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let client = client_of(&peer).batch_size(3).build();
    send_all(&client, 3);
    assert_eq!(traces(&peer.requests.recv_timeout(LONG).expect("a request")).len(), 3);

    let peer = Peer::start(&[Reply::Send(OK)]);
    let client = client_of(&peer).flush_interval(Duration::from_millis(1)).build();
    client.send(record(0));
    assert_eq!(traces(&peer.requests.recv_timeout(LONG).expect("a request")).len(), 1);
}

#[test]
fn what_may_pass_is_tried_again_until_the_server_takes_it() {
    let peer = Peer::start(&[
        Reply::Send("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"),
        Reply::Reset,
        Reply::Send("HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n"),
        Reply::Send(
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 0\r\n\r\n",
        ),
        Reply::Send("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"),
        Reply::Send(OK),
    ]);
    let client = client_of(&peer).retry_count(5).build();
    send_all(&client, 4);
    let report = client.close(LONG);
    assert_eq!(report, Report { sent: 4, dropped: 0, failed: 0 });
    assert!(client.stats().retries >= 5, "{:?}", client.stats());
    let bodies: HashSet<String> = peer.requests.try_iter().map(|request| request.body).collect();
    assert_eq!(bodies.len(), 1, "a retry sends the same bytes");
}

#[test]
fn the_pause_a_server_asks_for_is_kept() {
    let peer = Peer::start(&[
        Reply::Send("HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"),
        Reply::Send(OK),
    ]);
    let client = client_of(&peer).build();
    client.send(record(0));
    let start = Instant::now();
    assert!(client.close(LONG).is_complete());
    assert!(start.elapsed() >= Duration::from_secs(1), "came back after {:?}", start.elapsed());
}

#[test]
fn a_long_pause_a_server_asks_for_ends_with_the_close() {
    let peer =
        Peer::start(&[Reply::Send("HTTP/1.1 429 Too Many Requests\r\nretry-after: 3000\r\ncontent-length: 0\r\n\r\n")]);
    let client = client_of(&peer).build();
    send_all(&client, 12);
    peer.requests.recv_timeout(LONG).expect("a request");
    let start = Instant::now();
    assert!(!client.flush(Duration::from_millis(20)));
    let report = client.close(Duration::from_millis(20));
    assert!(start.elapsed() < LONG / 2);
    assert_eq!(report, Report { sent: 0, dropped: 2, failed: 10 });
    assert_all_counted(&client, report, 12);
}

#[test]
fn a_refusal_is_final_and_a_redirect_is_not_followed() {
    for (answer, reason) in [
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "the server answered 403 Forbidden"),
        (
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
            "the server answered 307 Temporary Redirect",
        ),
    ] {
        let script: &'static [Reply] = Box::leak(Box::new([Reply::Send(answer)]));
        let peer = Peer::start(script);
        let client = client_of(&peer).secret("s3cret").build();
        send_all(&client, 3);
        assert_eq!(client.close(LONG), Report { sent: 0, dropped: 0, failed: 3 });
        let stats = client.stats();
        assert_eq!((stats.requests, stats.retries), (1, 0));
        assert_eq!(stats.last_error.as_deref(), Some(reason));
    }
}

#[test]
fn a_batch_too_large_for_the_server_goes_in_halves() {
    let too_large = Reply::Send("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n");
    let script: &'static [Reply] = Box::leak(Box::new([too_large, Reply::Send(OK)]));
    let peer = Peer::start(script);
    let client = client_of(&peer).batch_size(4).build();
    send_all(&client, 4);
    assert_eq!(client.close(LONG), Report { sent: 4, dropped: 0, failed: 0 });
    let sizes: Vec<usize> = peer.requests.try_iter().map(|request| traces(&request).len()).collect();
    assert_eq!(sizes, [4, 2, 2]);
}

#[test]
fn without_a_server_every_record_is_failed_and_the_reason_names_no_address() {
    let client = CheckpointClient::builder(NOBODY).retry_backoff(Duration::ZERO).build();
    send_all(&client, 30);
    let report = client.close(LONG);
    assert_eq!((report.sent, report.dropped), (0, 0));
    assert_all_counted(&client, report, 30);
    let stats = client.stats();
    assert!(stats.retries >= 6, "{stats:?}");
    let reason = stats.last_error.expect("a reason");
    assert!(reason.to_lowercase().contains("refused") && !reason.contains(NOBODY), "{reason}");
}

#[test]
fn a_server_that_comes_back_gets_what_is_sent_after() {
    let peer = Peer::start(&[Reply::Reset, Reply::Send(OK)]);
    let client = client_of(&peer).retry_count(0).flush_interval(Duration::ZERO).build();
    client.send(record(0));
    assert!(client.flush(LONG));
    assert_eq!(client.stats().failed, 1);
    client.send(record(1));
    assert!(client.flush(LONG));
    assert_eq!(client.close(LONG), Report { sent: 1, dropped: 0, failed: 1 });
    let numbers: Vec<Json> = peer.requests.try_iter().map(|request| traces(&request)[0]["data"]["n"].clone()).collect();
    assert_eq!(numbers, [0, 1]);
}

#[test]
fn a_server_that_never_answers_costs_a_timeout_and_not_the_program() {
    let peer = Peer::start(&[Reply::Hang]);
    let client = client_of(&peer).timeout(Duration::from_millis(20)).retry_count(1).build();
    send_all(&client, 5);
    assert_eq!(client.close(LONG), Report { sent: 0, dropped: 0, failed: 5 });
    assert_eq!(client.stats().requests, 2);
}

#[test]
fn ten_thousand_sends_to_a_hanging_server_stay_bounded_and_close_keeps_its_deadline() {
    let peer = Peer::start(&[Reply::Hang]);
    let client = client_of(&peer).max_queue(1_000, usize::MAX).build();
    send_all(&client, 10);
    peer.requests.recv_timeout(LONG).expect("the first batch is under way");
    send_all(&client, 9_990);
    let stats = client.stats();
    assert_eq!((stats.queued, stats.in_flight, stats.dropped), (1_000, 10, 8_990));
    let start = Instant::now();
    assert!(!client.flush(Duration::from_millis(20)));
    let report = client.close(Duration::from_millis(20));
    assert!(start.elapsed() < LONG / 2, "{:?}", start.elapsed());
    assert_eq!(report, Report { sent: 0, dropped: 9_990, failed: 10 });
    assert_all_counted(&client, report, 10_000);
    client.send(record(0));
    assert_eq!(client.close(LONG).dropped, 9_991);
}

#[test]
fn the_queue_is_bounded_in_bytes_and_keeps_the_newest() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let client = client_of(&peer).batch_size(10_000).max_queue(10_000, 64 * 1024).build();
    for number in 0..100 {
        client.send(record(number).with_data(json!({ "n": number, "text": "x".repeat(4_000) })));
    }
    let report = client.close(LONG);
    assert_all_counted(&client, report, 100);
    assert!((5..=16).contains(&report.sent), "{report:?}");
    let last = traces(&peer.requests.recv_timeout(LONG).expect("a request")).pop().expect("records");
    assert_eq!(last["data"]["n"], 99);
}

#[test]
fn many_threads_that_send_at_once_are_all_counted() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let client = client_of(&peer).batch_size(100).build();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| send_all(&client, 500));
        }
    });
    let report = client.close(LONG);
    assert_eq!(report.sent, 2_000);
    assert_all_counted(&client, report, 2_000);
    let traces: usize = peer.requests.try_iter().map(|request| traces(&request).len()).sum();
    assert_eq!(traces, 2_000);
}

#[test]
fn dropping_the_last_clone_delivers_what_is_left() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let client = client_of(&peer).build();
    let clone = client.clone();
    client.send(record(0));
    drop(client);
    clone.send(record(1));
    drop(clone);
    assert_eq!(traces(&peer.requests.try_recv().expect("sent before the drop was over")).len(), 2);
}

#[tokio::test]
async fn a_logger_in_async_tasks_notes_entries_and_exits_under_their_ids() {
    let peer = Peer::start(&[Reply::Send(OK)]);
    let client = client_of(&peer).batch_size(100).build();
    let logger = CheckpointLogger::with_client("MA", client.clone());
    let tasks: Vec<_> = (0..3)
        .map(|number| {
            let logger = logger.clone();
            tokio::spawn(with_correlation_id(format!("req-{number}"), async move {
                let operation = logger.operation_with("REST", "/api/agents", json!({ "id": number }));
                tokio::task::yield_now().await;
                operation.exit_with(json!({"status": "ok"}));
            }))
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    let cancelled = tokio::spawn(with_correlation_id("cancelled", {
        let logger = logger.clone();
        async move {
            let _operation = logger.operation("REST", "/stuck");
            std::future::pending::<()>().await;
        }
    }));
    tokio::task::yield_now().await;
    cancelled.abort();
    assert!(cancelled.await.expect_err("aborted").is_cancelled());
    {
        let _id = set_correlation_id("thread");
        logger.checkpoint_entry("JOB", "/x", None);
        logger.checkpoint_exit("JOB", "/x", Some(json!({"rows": 2})));
    }
    let report = tokio::task::spawn_blocking(move || client.close(LONG)).await.expect("no panic");
    assert_eq!(report, Report { sent: 10, dropped: 0, failed: 0 });

    let traces = traces(&peer.requests.recv_timeout(LONG).expect("a request"));
    let of = |id: &str| -> Vec<String> {
        let own = traces.iter().filter(|trace| trace["correlation_id"] == id);
        own.map(|trace| format!("{} {} {}", trace["direction"], trace["endpoint"], trace["data"])).collect()
    };
    assert_eq!(of("req-2"), [r#""->" "/api/agents" {"id":2}"#, r#""<-" "/api/agents" {"status":"ok"}"#]);
    assert_eq!(of("cancelled"), [r#""->" "/stuck" null"#, r#""<-" "/stuck" null"#]);
    assert_eq!(of("thread"), [r#""->" "/x" null"#, r#""<-" "/x" {"rows":2}"#]);
    for trace in &traces {
        assert_eq!(trace["source_id"], "MA");
        assert_eq!(trace["suffix"].as_str().map(str::len), Some(3));
        assert!(trace["timestamp"].is_f64() && trace["hostname"].is_string() && trace["raw_line"].is_null());
    }
}
