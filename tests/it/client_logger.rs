//! The logger against a network peer that is down, slow, broken, busy, or comes back: what is logged is delivered, kept
//! on disk, or counted.

mod programs;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tracehub::client::{Logger, LoggerBuilder, LoggerReport, set_trace_id};

use crate::support::peer::{NOBODY, OK, Peer, Reply, Request};

/// Longer than anything here takes; a test that waits so long has failed.
const LONG: Duration = Duration::from_secs(60);

/// Settings under which nothing happens by time alone.
fn builder(url: &str, letters: &Path) -> LoggerBuilder {
    Logger::builder("th_key", "shop", "test")
        .endpoint(url)
        .dlq_path(letters)
        .timeout(LONG)
        .flush_interval(LONG)
        .retry_backoff(Duration::ZERO)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn log_all(logger: &Logger, count: usize) {
    (0..count).for_each(|number| drop(logger.info(format!("m{number}"))));
}

fn entries(request: &Request) -> Vec<Json> {
    request.json().as_array().expect("an array").clone()
}

fn messages(requests: &[Request]) -> Vec<String> {
    let entries = requests.iter().flat_map(entries);
    entries.map(|entry| entry["message"].as_str().expect("a text").to_owned()).collect()
}

fn files(letters: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(letters).map_or_else(|_| Vec::new(), |entries| entries.flatten().collect());
    let mut paths: Vec<PathBuf> = found.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn kept(letters: &Path) -> Vec<Json> {
    let text: Vec<String> = files(letters).iter().map(|path| fs::read_to_string(path).expect("readable")).collect();
    text.concat().lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn assert_all_counted(logger: &Logger, report: LoggerReport, logged: u64) {
    assert_eq!(report.logged, logged, "{report:?}");
    assert_eq!(report.sent + report.dropped + report.parked + report.failed, logged, "{report:?}");
    let stats = logger.stats();
    assert_eq!((stats.logged, stats.queued, stats.in_flight), (logged, 0, 0), "{stats:?}");
}

fn answer(status: &'static str) -> Reply {
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    Reply::Send(Box::leak(text.into_boxed_str()))
}

#[test]
fn an_error_without_a_stack_trace_says_where_it_was_logged() {
    let (peer, letters) = (Peer::start(&[Reply::Send(OK)]), folder());
    let logger = builder(&peer.url, letters.path()).build().expect("a logger");
    logger.info("no error");
    let line = line!() + 1;
    logger.error("cannot charge").extra("order", 7);
    logger.fatal("over").stack_trace("says it");
    logger.close(LONG);
    let entries: Vec<Json> = peer.requests.try_iter().collect::<Vec<_>>().iter().flat_map(entries).collect();
    let place = json!({"order": 7, "code.file.path": file!(), "code.line.number": line});
    let extra: Vec<_> = entries.iter().map(|entry| entry.get("extra")).collect();
    assert_eq!(extra, [None, Some(&place), None]);
}

#[test]
fn records_arrive_whole_in_order_and_compressed() {
    let (peer, letters) = (Peer::start(&[Reply::Send(OK)]), folder());
    let logger = builder(&peer.url, letters.path()).build().expect("a logger");
    {
        let _id = set_trace_id("req-1");
        logger.info("signed in").module("auth").extra("user_id", 42).extra("nan", f64::NAN);
    }
    let missing = fs::read("/no/such/file").expect_err("missing");
    logger.error("cannot read").error(&missing).module("files");
    logger.fatal("over").error_type("E").error_message("m").stack_trace("s").trace_id("own");
    log_all(&logger, 50);
    let report = logger.close(LONG);
    assert_eq!(report, LoggerReport { logged: 53, sent: 53, ..LoggerReport::default() });
    assert!(report.is_complete());

    let requests: Vec<Request> = peer.requests.try_iter().collect();
    for request in &requests {
        assert!(request.head.starts_with("POST /api/v1/ingest HTTP/1.1\r\n"), "{}", request.head);
        for line in ["x-api-key: th_key\r\n", "content-type: application/json\r\n", "content-encoding: gzip\r\n"] {
            assert!(request.head.contains(line), "{}", request.head);
        }
        assert!(entries(request).len() <= 50);
        assert_eq!(request.connection, 0);
    }
    let entries: Vec<Json> = requests.iter().flat_map(entries).collect();
    assert_eq!((&entries[0]["trace_id"], &entries[0]["module"]), (&json!("req-1"), &json!("auth")));
    assert_eq!(entries[0]["extra"], json!({"user_id": 42, "nan": null}));
    assert_eq!(entries[1]["error_type"], "io::Error");
    assert!(entries[1]["stack_trace"].as_str().expect("a stack").contains("client_logger.rs"));
    assert_eq!(entries[1].get("trace_id"), None);
    let last = &entries[2];
    let fields = ["level", "trace_id", "error_type", "error_message", "stack_trace"].map(|key| last[key].clone());
    assert_eq!(fields, ["FATAL", "own", "E", "m", "s"].map(Json::from));
    assert_eq!(entries[52]["message"], "m49");
    assert_eq!(files(letters.path()), Vec::<PathBuf>::new());
}

#[test]
fn what_may_pass_is_tried_again_with_the_same_bytes() {
    let peer = Peer::start_with(|step, _| match step {
        0 => answer("500 Internal Server Error"),
        1 => Reply::Reset,
        2 => Reply::Send("HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n"),
        3 => answer("408 Request Timeout"),
        // An answer that ends in its middle is no answer.
        4 => Reply::Send("HTTP/1.1 2"),
        _ => Reply::Send(OK),
    });
    let letters = folder();
    // One connection at a time: the half answer needs its timeout.
    let logger = builder(&peer.url, letters.path())
        .max_retries(6)
        .timeout(Duration::from_millis(300))
        .build()
        .expect("a logger");
    log_all(&logger, 3);
    let report = logger.close(LONG);
    assert_eq!((report.sent, report.parked), (3, 0), "{:?}", logger.stats());
    assert!(logger.stats().retries >= 5, "{:?}", logger.stats());
    let bodies: HashSet<String> = peer.requests.try_iter().map(|request| request.body).collect();
    assert_eq!(bodies.len(), 1);
}

#[test]
fn without_a_server_everything_is_kept_for_the_next_start() {
    let letters = folder();
    let logger = builder(NOBODY, letters.path()).build().expect("a logger");
    log_all(&logger, 120);
    let report = logger.close(LONG);
    assert_eq!((report.parked, report.dropped, report.failed), (120, 0, 0), "{:?}", logger.stats());
    assert_all_counted(&logger, report, 120);
    assert!(logger.stats().last_error.expect("a reason").to_lowercase().contains("refused"));
    assert_eq!(kept(letters.path()).len(), 120);

    // Another server or key does not get them.
    let other = Peer::start(&[Reply::Send(OK)]);
    let logger = builder(&other.url, letters.path()).build().expect("a logger");
    logger.info("new");
    assert_eq!(logger.close(LONG).sent, 1);
    assert_eq!(messages(&other.requests.try_iter().collect::<Vec<_>>()), ["new"]);
    assert_eq!(kept(letters.path()).len(), 120);
}

#[cfg(unix)]
#[test]
fn what_is_kept_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let letters = folder.path().join("a/b");
    let logger = builder(NOBODY, &letters).build().expect("a logger");
    logger.info("private");
    assert_eq!(logger.close(LONG).parked, 1);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&letters), mode(&files(&letters)[0])), (0o700, 0o600));
}

#[test]
fn what_is_kept_is_delivered_in_batches_at_the_next_start_even_if_nothing_is_logged() {
    let (peer, letters) = (down_then_up(), folder());
    let logger = builder(&peer.0.url, letters.path()).max_retries(0).build().expect("a logger");
    log_all(&logger, 120);
    assert_eq!(logger.close(LONG).parked, 120);
    let _ = peer.0.requests.try_iter().count();

    peer.1.store(false, Ordering::SeqCst);
    let logger = builder(&peer.0.url, letters.path()).build().expect("a logger");
    assert!(logger.wait_for_replay(LONG));
    assert_eq!(logger.stats().replayed, 120);
    assert_eq!(files(letters.path()), Vec::<PathBuf>::new());
    let requests: Vec<Request> = peer.0.requests.try_iter().collect();
    assert!(requests.iter().all(|request| entries(request).len() <= 50));
    let received: HashSet<String> = messages(&requests).into_iter().collect();
    assert_eq!(received, (0..120).map(|number| format!("m{number}")).collect());
    assert_eq!(logger.close(LONG), LoggerReport::default());
}

#[test]
fn a_record_refused_at_its_replay_is_counted_and_the_rest_is_delivered() {
    for status in ["413 Payload Too Large", "422 Unprocessable Entity"] {
        let is_down = Arc::new(AtomicBool::new(true));
        let (flag, refusal) = (is_down.clone(), answer(status));
        let peer = Peer::start_with(move |_, request| match flag.load(Ordering::SeqCst) {
            true => Reply::Reset,
            false if request.body.contains("bad") => refusal,
            false => Reply::Send(OK),
        });
        let letters = folder();
        let logger = builder(&peer.url, letters.path()).max_retries(0).build().expect("a logger");
        log_all(&logger, 70);
        logger.info("bad");
        log_all(&logger, 29);
        assert_eq!(logger.close(LONG).parked, 100);
        let _ = peer.requests.try_iter().count();

        is_down.store(false, Ordering::SeqCst);
        let logger = builder(&peer.url, letters.path()).build().expect("a logger");
        assert!(logger.wait_for_replay(LONG));
        let stats = logger.stats();
        assert_eq!((stats.replayed, stats.replay_lost), (99, 1), "{status}: {stats:?}");
        assert_eq!(stats.last_error, Some(format!("the server answered {status}")));
        // One by one only around the bad one.
        let requests = peer.requests.try_iter().count();
        assert!(requests < 25, "{requests} requests");
        assert_eq!(files(letters.path()), Vec::<PathBuf>::new());
    }
}

#[test]
fn single_records_refused_at_their_replay_are_counted() {
    let body = r#"{"accepted":1,"rejected":2,"errors":[{"index":1,"reason":"too deep"}]}"#;
    let text = format!("HTTP/1.1 202 Accepted\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let (letters, text): (_, &'static str) = (folder(), Box::leak(text.into_boxed_str()));
    fs::write(letters.path().join("failed_1.jsonl"), "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n").expect("written");
    let peer = Peer::start_with(move |_, _| Reply::Send(text));
    let logger = builder(&peer.url, letters.path()).build().expect("a logger");
    assert!(logger.wait_for_replay(LONG));
    let stats = logger.stats();
    assert_eq!((stats.replayed, stats.replay_lost), (1, 2), "{stats:?}");
    assert!(stats.last_error.expect("a reason").ends_with("too deep"));
}

/// A peer that breaks every connection until the flag is taken down.
fn down_then_up() -> (Peer, Arc<AtomicBool>) {
    let is_down = Arc::new(AtomicBool::new(true));
    let flag = is_down.clone();
    (Peer::start_with(move |_, _| if flag.load(Ordering::SeqCst) { Reply::Reset } else { Reply::Send(OK) }), is_down)
}

#[test]
fn many_loggers_deliver_what_is_kept_once() {
    let letters = folder();
    let is_down = Arc::new(AtomicBool::new(true));
    let flag = is_down.clone();
    // The peer serves one connection after another.
    let last = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let peer = Peer::start_with(move |_, _| if flag.load(Ordering::SeqCst) { Reply::Reset } else { Reply::Send(last) });
    for _ in 0..5 {
        let logger = builder(&peer.url, letters.path()).max_retries(0).build().expect("a logger");
        log_all(&logger, 7);
        assert_eq!(logger.close(LONG).parked, 7);
    }
    let _ = peer.requests.try_iter().count();
    is_down.store(false, Ordering::SeqCst);
    let loggers: Vec<Logger> = (0..4).map(|_| builder(&peer.url, letters.path()).build().expect("a logger")).collect();
    while !files(letters.path()).is_empty() {
        thread::yield_now();
    }
    for logger in &loggers {
        logger.close(LONG);
    }
    assert_eq!(messages(&peer.requests.try_iter().collect::<Vec<_>>()).len(), 35);
}

#[test]
fn a_dead_server_for_a_long_time_costs_nothing_that_is_not_counted() {
    let (peer, letters) = (down_then_up(), folder());
    let logger = builder(&peer.0.url, letters.path())
        .max_retries(1)
        .batch_size(10)
        .max_buffer(200)
        .flush_interval(Duration::from_millis(1))
        .retry_backoff(Duration::from_millis(1))
        .build()
        .expect("a logger");
    thread::scope(|scope| {
        for thread in 0..3 {
            let logger = &logger;
            scope.spawn(move || {
                for number in 0..2_000 {
                    logger.warn(format!("t{thread}-{number}"));
                    if number % 50 == 0 {
                        thread::yield_now();
                    }
                }
            });
        }
    });
    assert!(logger.flush(LONG));
    let stats = logger.stats();
    assert!(stats.parked > 0 && stats.sent == 0, "{stats:?}");
    let _ = peer.0.requests.try_iter().count();

    peer.1.store(false, Ordering::SeqCst);
    // The new record is the first sign that the server is back; it may still be kept, and then follows.
    while logger.stats().sent == 0 {
        logger.info("again");
        assert!(logger.flush(LONG));
    }
    assert!(logger.wait_for_replay(LONG));
    let report = logger.close(LONG);
    assert_eq!((report.failed, report.logged), (0, logger.stats().logged));
    assert_all_counted(&logger, report, logger.stats().logged);
    assert_eq!(logger.stats().replayed, report.parked);
    let mut received = HashMap::new();
    let mut told = 0;
    for entry in peer.0.requests.try_iter().flat_map(|request| entries(&request)) {
        told += entry["extra"]["tracehub.dropped"].as_u64().unwrap_or(0);
        *received.entry(entry["message"].as_str().expect("a text").to_owned()).or_insert(0) += 1;
    }
    let distinct = received.keys().filter(|message| message.starts_with('t')).count() as u64;
    assert_eq!(distinct + report.dropped, 6_000, "{report:?}");
    assert_eq!(told, report.dropped, "the server was told of every gap");
    assert_eq!(files(letters.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_full_buffer_drops_the_oldest_and_the_server_is_told() {
    let letters = folder();
    let peer = Peer::start(&[Reply::Send(OK)]);
    let logger = builder(&peer.url, letters.path()).batch_size(1_000).max_buffer(10).build().expect("a logger");
    // Far more than can be sent in the time it takes to log them.
    log_all(&logger, 500);
    let report = logger.close(LONG);
    assert_all_counted(&logger, report, 500);
    assert!(report.dropped > 0 && report.sent > 0, "{report:?}");
    let requests: Vec<Request> = peer.requests.try_iter().collect();
    let told: u64 =
        requests.iter().flat_map(entries).filter_map(|entry| entry["extra"]["tracehub.dropped"].as_u64()).sum();
    assert_eq!(told, report.dropped);
    assert!(messages(&requests).contains(&"m499".to_owned()));
}

#[test]
fn a_batch_too_large_goes_in_halves_and_one_record_too_large_costs_itself() {
    let peer = Peer::start_with(|_, request| match request.body.contains("huge") || request.body.len() > 2_000 {
        true => answer("413 Payload Too Large"),
        false => Reply::Send(OK),
    });
    let letters = folder();
    let logger = builder(&peer.url, letters.path()).build().expect("a logger");
    log_all(&logger, 20);
    logger.info("huge");
    log_all(&logger, 19);
    let report = logger.close(LONG);
    assert_eq!((report.sent, report.failed, report.parked), (39, 1, 0), "{:?}", logger.stats());
}

#[test]
fn a_refused_key_is_not_tried_again_and_costs_nothing() {
    for status in ["401 Unauthorized", "403 Forbidden", "400 Bad Request", "307 Temporary Redirect"] {
        let (letters, reply) = (folder(), answer(status));
        let peer = Peer::start_with(move |_, _| reply);
        let logger = builder(&peer.url, letters.path()).build().expect("a logger");
        log_all(&logger, 4);
        let report = logger.close(LONG);
        assert_eq!(report.parked, 4, "{status}: {:?}", logger.stats());
        assert_eq!((peer.requests.try_iter().count(), logger.stats().retries), (1, 0), "{status}");
        assert_eq!(logger.stats().last_error, Some(format!("the server answered {status}")));
    }
}

#[test]
fn what_a_server_refused_for_the_key_follows_when_it_takes_the_key_again() {
    let letters = folder();
    // The first record, then its replay, are refused.
    let peer = Peer::start_with(|step, _| if step < 2 { answer("401 Unauthorized") } else { Reply::Send(OK) });
    let logger = builder(&peer.url, letters.path()).build().expect("a logger");
    let next = || messages(&[peer.requests.recv_timeout(LONG).expect("a request")]);
    logger.info("early");
    assert!(logger.flush(LONG));
    assert_eq!([next(), next()], [["early"], ["early"]]);
    logger.info("late");
    assert!(logger.flush(LONG));
    assert_eq!([next(), next()], [["late"], ["early"]]);
    let report = logger.close(LONG);
    assert_eq!((report.sent, report.parked), (1, 1));
}

#[test]
fn a_flood_leaves_its_newest_records_when_there_is_little_room_and_the_others_are_counted() {
    let letters = folder();
    let logger = builder(NOBODY, letters.path()).max_retries(0).dlq_limits(16_000, LONG).build().expect("a logger");
    log_all(&logger, 1_000);
    let report = logger.close(LONG);
    assert_eq!((report.parked, report.failed), (1_000, 0));
    let kept = kept(letters.path());
    assert!(kept.len() >= 50, "{}", kept.len());
    assert_eq!(kept.last().expect("one")["message"], "m999");
    assert_eq!(report.evicted, 1_000 - kept.len() as u64);
    assert!(!report.is_complete());
}

#[test]
fn single_records_a_server_refuses_are_counted() {
    let body = r#"{"accepted":2,"rejected":1,"errors":[{"index":1,"reason":"too deep"}]}"#;
    let text = format!("HTTP/1.1 202 Accepted\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let (letters, text): (_, &'static str) = (folder(), Box::leak(text.into_boxed_str()));
    let peer = Peer::start_with(move |_, _| Reply::Send(text));
    let logger = builder(&peer.url, letters.path()).build().expect("a logger");
    log_all(&logger, 3);
    let report = logger.close(LONG);
    assert_eq!((report.sent, report.failed), (2, 1));
    assert!(logger.stats().last_error.expect("a reason").ends_with("too deep"));
}

#[test]
fn a_server_that_hangs_costs_the_deadline_and_then_everything_is_on_disk() {
    let (peer, letters) = (Peer::start(&[Reply::Hang]), folder());
    let logger = builder(&peer.url, letters.path()).build().expect("a logger");
    log_all(&logger, 70);
    peer.requests.recv_timeout(LONG).expect("a request under way");
    let start = Instant::now();
    assert!(!logger.flush(Duration::from_millis(20)));
    let report = logger.close(Duration::from_millis(20));
    assert!(start.elapsed() < LONG / 2, "{:?}", start.elapsed());
    assert_eq!(report.parked, 70);
    assert_all_counted(&logger, report, 70);
    let kept: HashSet<String> = kept(letters.path()).iter().map(|entry| entry["message"].to_string()).collect();
    assert_eq!(kept.len(), 70);
    logger.info("late");
    assert_eq!(logger.close(LONG).dropped, 1);
}

#[test]
fn a_long_pause_a_server_asks_for_is_waited_for_on_disk() {
    let (letters, busy) =
        (folder(), "HTTP/1.1 429 Too Many Requests\r\nretry-after: 3000\r\ncontent-length: 0\r\n\r\n");
    let peer = Peer::start_with(move |_, _| Reply::Send(busy));
    let logger = builder(&peer.url, letters.path()).build().expect("a logger");
    log_all(&logger, 60);
    assert!(logger.flush(LONG));
    assert_eq!((logger.stats().parked, logger.stats().requests), (60, 1));
}

#[test]
fn a_trickle_without_a_server_is_not_a_file_for_each_record() {
    let letters = folder();
    let builder = builder(NOBODY, letters.path()).max_retries(0).retry_backoff(LONG).flush_interval(Duration::ZERO);
    let logger = builder.build().expect("a logger");
    for _ in 0..100 {
        logger.info("drop");
        thread::sleep(Duration::from_millis(2));
    }
    let (start, report) = (Instant::now(), logger.close(LONG));
    assert_eq!(report.parked, 100);
    let seconds = 2 + start.elapsed().as_secs() as usize;
    assert!(files(letters.path()).len() <= 2 + seconds, "{:?}", files(letters.path()));
}

#[test]
fn dropping_the_last_clone_keeps_what_cannot_be_delivered() {
    let letters = folder();
    let logger = builder(NOBODY, letters.path()).build().expect("a logger");
    let clone = logger.clone();
    logger.info("one");
    drop(logger);
    clone.info("two");
    drop(clone);
    assert_eq!(kept(letters.path()).len(), 2);
}

#[test]
fn a_directory_that_cannot_be_written_costs_the_records_and_is_counted() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    let logger = builder(NOBODY, &file.join("below")).max_retries(0).build().expect("a logger");
    log_all(&logger, 5);
    let report = logger.close(LONG);
    assert_eq!((report.failed, report.parked), (5, 0));
    assert!(!report.is_complete());
    let logger = builder(NOBODY, &file).without_dlq().max_retries(0).build().expect("a logger");
    log_all(&logger, 5);
    assert_eq!(logger.close(LONG).failed, 5);
}

#[test]
fn files_of_the_published_sdk_are_delivered_torn_line_and_all() {
    let (peer, letters) = (Peer::start(&[Reply::Send(OK)]), folder());
    let text =
        "{\"message\":\"a\"}\n{\"message\":\"b\"}\n\n[{\"message\":\"c\"},{\"message\":\"d\"}]\n{\"message\":\"to";
    fs::write(letters.path().join("failed_20261121_073517.jsonl"), text).expect("written");
    fs::write(letters.path().join("notes.txt"), "mine").expect("written");
    let logger = builder(&peer.url, letters.path()).build().expect("a logger");
    assert!(logger.wait_for_replay(LONG));
    assert_eq!(messages(&peer.requests.try_iter().collect::<Vec<_>>()), ["a", "b", "c", "d"]);
    assert_eq!(files(letters.path()), [letters.path().join("notes.txt")]);
    // The torn line.
    assert_eq!(logger.stats().replay_lost, 1);
}
