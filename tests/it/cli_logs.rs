//! `tracehub logs` end to end.

use serde_json::{Value as Json, json};

use crate::cli_tail::Follower;
use crate::support::{Home, Server, otlp};

/// A log record so many milliseconds after 09:14:00.
fn log(ms: u64, level: &str, message: &str, more: Json) -> Json {
    let mut log = json!({
        "time": format!("2026-11-21T09:14:{:02}.{:03}000000Z", ms / 1_000, ms % 1_000),
        "level": level,
        "message": message,
        "service": "shop",
        "extra": {},
        "resource": { "service.name": "shop", "host.name": "a1", "deployment.environment.name": "prod" },
    });
    for (key, value) in more.as_object().expect("an object") {
        log[key] = value.clone();
    }
    log
}

fn payments(more: Json) -> Json {
    let mut all = json!({
        "service": "payments",
        "resource": { "service.name": "payments", "host.name": "b2", "tracehub.project": "p1" },
        "trace_id": otlp::CHECKOUT,
        "span_id": "a3ed010203040506",
    });
    all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    all
}

/// What the shop and its payments say, in 60 records of which one failed.
fn story() -> Vec<Json> {
    let stack = "Traceback (most recent call last):\n  File \"/srv/app/payments/stripe.py\", line 88, in charge_card\n    raise HTTPError\nHTTPError: 402 card_declined";
    let error = payments(json!({
        "error_type": "HTTPError", "error_message": "402 card_declined", "stack_trace": stack, "module": "pay.stripe",
    }));
    let retry = payments(json!({ "extra": { "attempt": "2/2", "user": { "id": 42 } } }));
    let tick =
        |second: u64| log(100 + second * 20, "debug", &format!("tick {second}"), json!({ "pid": 1 + second % 2 }));
    let mut logs: Vec<Json> = (0..57).map(tick).collect();
    logs.push(log(131, "info", "session ok", json!({ "extra": { "user": "u-42" } })));
    logs.push(log(742, "warn", "retrying charge", retry));
    logs.push(log(1_331, "error", "charge failed: 402 card_declined", error));
    logs
}

fn send(server: &Server, logs: &[Json]) {
    let body = json!({ "spans": [], "checkpoints": [], "logs": logs });
    let answer = server.post("/api/v1/records", "application/json", body.to_string().as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// A server that holds the story in `a.db`.
fn with_story() -> (Home, Server) {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    send(&server, &story());
    (home, server)
}

#[test]
fn a_wide_terminal_names_the_span_that_said_it_and_data_stays_as_it_is() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    server.send(&otlp::shop());
    let trace = home.run(&["show", otlp::CHECKOUT, "--db", "a.db", "--json"]).json();
    let span = &trace["spans"][1];
    let said = json!({ "trace_id": otlp::CHECKOUT, "span_id": span["span_id"], "module": "auth" });
    send(&server, &[log(131, "info", "session ok", said)]);
    let name = span["name"].as_str().expect("a name");
    for place in [["--db", "a.db"], ["--url", server.url()]] {
        let shown = |width| home.run_on_terminal(&["logs", "--width", width, place[0], place[1]]).data().to_owned();
        let first = shown("120");
        let first = first.lines().next().expect("a line");
        assert!(first.ends_with(name) && first.contains("session ok  module=auth"), "{first}");
        assert!(!shown("80").contains(name));
        assert!(!home.run(&["logs", "--width", "120", place[0], place[1]]).data().contains(name));
    }
}

#[test]
fn a_person_sees_errors_of_one_issue_once_in_a_trace() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    let failed = |number: u64| {
        let message = format!("no answer from bank {number}");
        let error = payments(json!({ "error_type": "BankError", "error_message": message, "span_id": null }));
        log(number, "error", "charge failed", error)
    };
    send(&server, &[failed(1), failed(2), failed(3)]);
    let args = ["show", "latest", "--db", "a.db"];
    let errors = |text: &str| text.lines().filter(|line| line.contains("BankError")).count();
    let shown = home.run_on_terminal(&args);
    assert!(shown.data().contains("BankError: no answer from bank 1 ×3"), "{}", shown.data());
    assert_eq!([errors(shown.data()), errors(home.run(&args).data())], [1, 3]);
}

#[test]
fn the_newest_records_come_last_and_fit_a_terminal() {
    let (home, server) = with_story();
    insta::assert_snapshot!(home.run_on_terminal(&["logs", "--db", "a.db", "-n", "4", "--since", "5m"]), @"
    09:14:01.180 DEBUG shop      tick 54
    09:14:01.200 DEBUG shop      tick 55
    09:14:01.220 DEBUG shop      tick 56
    09:14:01.331 ERROR payments  charge failed: 402 card_declined      4bf92f35/a3ed
                 exception.type=HTTPError  code=payments/stripe.py:88  (stack: -v)
    ── 4 logs · 1 at WARN or above · last 5m · and older ones (-n 0: all) ──
    --- exit 0
    ");
    insta::assert_snapshot!(home.run_on_terminal(&["logs", "--db", "a.db", "-l", "w"]), @r#"
    09:14:00.742 WARN  payments  retrying charge attempt=2/2 user={"i… 4bf92f35/a3ed
    09:14:01.331 ERROR payments  charge failed: 402 card_declined      4bf92f35/a3ed
                 exception.type=HTTPError  code=payments/stripe.py:88  (stack: -v)
    ── 2 logs · 2 at WARN or above ──
    --- exit 0
    "#);
    insta::assert_snapshot!(home.run(&["logs", "--url", server.url(), "-l", "i", "--reverse"]), @r#"
    2026-11-21T09:14:01.331000000Z ERROR payments 4bf92f3577b34da6a3ce929d0e0e4736/a3ed010203040506 charge failed: 402 card_declined exception.type=HTTPError code=payments/stripe.py:88
    2026-11-21T09:14:00.742000000Z WARN  payments 4bf92f3577b34da6a3ce929d0e0e4736/a3ed010203040506 retrying charge attempt=2/2 user={"id":42}
    2026-11-21T09:14:00.131000000Z INFO  shop - session ok user=u-42
    --- exit 0
    "#);
    insta::assert_snapshot!(home.run(&["logs", "--db", "a.db", "-v", "-l", "ERROR"]), @r#"
    2026-11-21T09:14:01.331000000Z ERROR payments 4bf92f3577b34da6a3ce929d0e0e4736/a3ed010203040506 charge failed: 402 card_declined exception.type=HTTPError code=payments/stripe.py:88
      host=b2 module=pay.stripe id=0c090342b87649ef
      Traceback (most recent call last):
        File "/srv/app/payments/stripe.py", line 88, in charge_card
          raise HTTPError
      HTTPError: 402 card_declined
    --- exit 0
    "#);
}

#[test]
fn a_file_and_its_server_print_the_same_bytes() {
    let (home, server) = with_story();
    for args in [
        &["--json"][..],
        &["-n", "0", "-o", "ndjson", "--reverse"],
        &["-n", "7", "-o", "csv"],
        &["CARD_declined", "-C", "2", "--json"],
        &["--trace", "latest", "-o", "ndjson"],
        &["-l", "error", "-v"],
    ] {
        let file = home.run(&[&["logs", "--db", "a.db"], args].concat());
        let remote = home.run(&[&["logs", "--url", server.url()], args].concat());
        assert!(!file.data().is_empty(), "{args:?}");
        assert_eq!(file.data(), remote.data(), "{args:?}");
    }
}

#[test]
fn every_filter_keeps_what_it_names() {
    let (home, _server) = with_story();
    let messages = |args: &[&str]| {
        let answer = home.run(&[&["logs", "--db", "a.db", "-o", "ndjson", "--fields", "message"], args].concat());
        let message =
            |line: &str| serde_json::from_str::<Json>(line).expect("json")["message"].as_str().map(str::to_owned);
        answer.data().lines().filter_map(message).collect::<Vec<_>>()
    };
    let (session, retry, failed) = ("session ok", "retrying charge", "charge failed: 402 card_declined");
    assert_eq!(messages(&["-l", "i"]), [session, retry, failed]);
    assert_eq!(messages(&["httperror"]), [failed]);
    assert_eq!(messages(&["--service", "payments"]), [retry, failed]);
    assert_eq!(messages(&["--module", "pay.stripe"]), [failed]);
    assert_eq!(messages(&["--env", "prod", "-l", "i"]), [session]);
    assert_eq!(messages(&["--project", "p1"]), [retry, failed]);
    assert_eq!(messages(&["--trace", &otlp::CHECKOUT[..8]]), [retry, failed]);
    assert_eq!(messages(&["--extra", "user.id=42"]), [retry]);
    assert_eq!(messages(&["--extra", "attempt~=/2", "--extra", "host=b2"]), [retry]);
    assert_eq!(messages(&["--extra", "host!=a1"]), [retry, failed]);
    assert_eq!(messages(&["--until", "2026-11-21T09:14:00.140", "-l", "info"]), [session]);
    assert_eq!(messages(&["--since", "2026-11-21T09:14:01.300"]), [failed]);
    assert_eq!(messages(&["-n", "2"]), ["tick 56", failed]);
    assert_eq!(messages(&["-n", "2", "--reverse"]), [failed, "tick 56"]);
    assert_eq!(messages(&["-n", "0"]).len(), 60);
    let issue = home.run(&["logs", "--db", "a.db", "-l", "e", "-o", "ndjson"]).json()["issue_id"].clone();
    assert_eq!(messages(&["--issue", issue.as_str().expect("an issue")]), [failed]);
    assert_eq!(messages(&["--issue", &issue.as_str().expect("an issue")[..6]]), [failed]);
}

#[test]
fn the_records_of_an_issue_are_found_whichever_fingerprint_leads_there() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    let failed = |ms: u64, depth: u64| {
        let frames: String =
            (0..depth).rev().map(|at| format!("  File \"/app/pay.py\", line 7, in step{at}\n")).collect();
        let stack = format!("Traceback (most recent call last):\n{frames}E: card declined");
        let error = json!({ "error_type": "E", "error_message": "card declined", "stack_trace": stack });
        log(ms, "error", &format!("left {depth}"), payments(error))
    };
    send(&server, &[failed(1, 2)]);
    send(&server, &[failed(2, 1), log(3, "error", "another", json!({}))]);
    let lines = |args: &[&str]| -> Vec<Json> {
        let answer = home.run(&[args, &["-o", "ndjson"]].concat());
        answer.data().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let told = |lines: &[Json], key: &str| -> Vec<String> {
        lines.iter().filter_map(|line| line[key].as_str()).map(str::to_owned).collect()
    };
    let ids = told(&lines(&["logs", "left", "--db", "a.db"]), "issue_id");
    assert_ne!(ids[0], ids[1]);
    assert_eq!(lines(&["issues", "--service", "payments", "--db", "a.db"]).len(), 1);
    for id in &ids {
        for place in [["--db", "a.db"], ["--url", server.url()]] {
            let found = lines(&["logs", "--issue", id, place[0], place[1]]);
            assert_eq!(told(&found, "message"), ["left 2", "left 1"], "{id} {place:?}");
        }
    }
    let (code, stderr) = server.stop();
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(told(&lines(&["logs", "--issue", &ids[1], "--db", "a.db"]), "message"), ["left 2", "left 1"]);
}

#[test]
fn json_is_one_array_and_every_key_is_there() {
    let (home, _server) = with_story();
    let answer = home.run(&["logs", "--db", "a.db", "retrying", "--json"]);
    answer.data();
    insta::assert_snapshot!(answer, @r#"
    [
      {
        "id": "31445fe1a8f43ff9",
        "time": "2026-11-21T09:14:00.742000000Z",
        "level": "warn",
        "message": "retrying charge",
        "service": "payments",
        "environment": null,
        "host": "b2",
        "pid": null,
        "thread_id": null,
        "module": null,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": "a3ed010203040506",
        "error_type": null,
        "error_message": null,
        "stack_trace": null,
        "issue_id": null,
        "sdk_version": null,
        "extra": {
          "attempt": "2/2",
          "user": {
            "id": 42
          }
        },
        "resource": {
          "service.name": "payments",
          "host.name": "b2",
          "tracehub.project": "p1"
        },
        "scope": {
          "name": "",
          "version": "",
          "attributes": {},
          "schema_url": null
        },
        "resource_schema_url": null
      }
    ]
    --- exit 0
    "#);
    let ids = home.run(&["logs", "--db", "a.db", "-q", "retrying"]);
    assert_eq!(ids.data().trim_end(), answer.json()[0]["id"]);
    let csv = home.run(&["logs", "--db", "a.db", "-l", "w", "-o", "csv", "--fields", "level,service,message"]);
    insta::assert_snapshot!(csv.data().replace('\r', ""), @"
    level,service,message
    warn,payments,retrying charge
    error,payments,charge failed: 402 card_declined
    ");
}

#[test]
fn an_empty_answer_is_fine() {
    let (home, _server) = with_story();
    assert_eq!(home.run(&["logs", "--db", "a.db", "no such text"]).data(), "");
    assert_eq!(home.run(&["logs", "--db", "a.db", "no such text", "--json"]).data(), "[]\n");
    insta::assert_snapshot!(home.run_on_terminal(&["logs", "--db", "a.db", "--service", "nobody"]), @"
    --- stderr
    no log records match
    --- exit 0
    ");
}

#[test]
fn neighbours_are_of_the_same_process_and_come_once() {
    let (home, _server) = with_story();
    insta::assert_snapshot!(home.run_on_terminal(&["logs", "--db", "a.db", "\"tick 1\"", "-n", "12", "-C", "1"]), @"
    09:14:00.120 DEBUG shop      tick 1
    09:14:00.160 DEBUG shop      tick 3
    --
    09:14:00.260 DEBUG shop      tick 8
    09:14:00.300 DEBUG shop      tick 10
    09:14:00.340 DEBUG shop      tick 12
    09:14:00.380 DEBUG shop      tick 14
    09:14:00.420 DEBUG shop      tick 16
    09:14:00.460 DEBUG shop      tick 18
    09:14:00.500 DEBUG shop      tick 20
    --
    09:14:00.280 DEBUG shop      tick 9
    09:14:00.320 DEBUG shop      tick 11
    09:14:00.360 DEBUG shop      tick 13
    09:14:00.400 DEBUG shop      tick 15
    09:14:00.440 DEBUG shop      tick 17
    09:14:00.480 DEBUG shop      tick 19
    09:14:00.520 DEBUG shop      tick 21
    ── 11 logs ──
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["logs", "--db", "a.db", "card", "-B", "5", "-o", "ndjson", "--fields", "message"]), @r#"
    {"message":"retrying charge"}
    {"message":"charge failed: 402 card_declined"}
    --- exit 0
    "#);
    insta::assert_snapshot!(home.run(&["logs", "--db", "a.db", "tick 5", "-n", "2", "-A", "2", "--reverse", "-o", "tsv", "--fields", "message,pid"]), @"
    message	pid
    tick 56	1
    tick 55	2
    --- exit 0
    ");
}

#[test]
fn following_tells_the_last_few_and_then_what_arrives() {
    let (home, server) = with_story();
    let warned = |number: u64| log(2_000 + number, "warn", &format!("late {number}"), json!({}));
    for target in [["--db", "a.db"], ["--url", server.url()]] {
        let args = ["logs", "-F", "-v", "-n", "2", "-l", "w", "-o", "ndjson", target[0], target[1]];
        let follower = Follower::of(&home, &args);
        let message = || {
            let line: Json = serde_json::from_str(&follower.line()).expect("json");
            line["message"].as_str().expect("text").to_owned()
        };
        let before = [message(), message()];
        assert_eq!(follower.remark(), "following; Ctrl-C ends");
        let first = u64::from(target[0] == "--url") * 10;
        for number in first..first + 5 {
            send(&server, &[warned(number), log(3_000 + number, "info", "not wanted", json!({}))]);
        }
        let arrived: Vec<String> = (0..5).map(|_| message()).collect();
        let expected: Vec<String> = (first..first + 5).map(|number| format!("late {number}")).collect();
        assert_eq!(arrived, expected, "{target:?} after {before:?}");
        assert_eq!(follower.stop(), (Some(130), Vec::new(), Vec::new()));
    }
}

#[test]
fn nothing_is_lost_or_told_twice_when_records_arrive_while_following_begins() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    let count = 300;
    let follower = std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            (0..count).for_each(|number| send(&server, &[log(number, "info", &format!("line {number}"), json!({}))]));
        });
        let follower = Follower::of(&home, &["logs", "-F", "-n", "0", "--db", "a.db", "-o", "ndjson"]);
        sending.join().expect("sent");
        follower
    });
    let mut numbers: Vec<String> = (0..count).map(|_| follower.line()).collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), count as usize);
    assert_eq!(follower.stop(), (Some(130), Vec::new(), Vec::new()));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (home, _server) = with_story();
    let refused = |args: &[&str]| home.run(&[&["logs", "--db", "a.db"], args].concat()).to_string();
    insta::assert_snapshot!(refused(&["--level", "loud"]), @"
    --- stderr
    error: invalid value 'loud' for '--level <LEVEL>'
      [possible values: trace, debug, info, warn, error, fatal]
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(refused(&["--extra", "novalue"]), @"
    --- stderr
    error: invalid value 'novalue' for '--extra <KEY=VALUE>': write it as `key=value`, `key!=value` or `key~=part`, such as `user.id=7`
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(refused(&["-C", "many"]), @"
    --- stderr
    error: invalid value 'many' for '--context <N>': a number from 0 to 1000
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(refused(&["--fields", "colour"]), @"
    --- stderr
    error: unknown field `colour`
    hint: the fields are id, time, level, message, service, environment, host, pid, thread_id, module, trace_id, span_id, error_type, error_message, stack_trace, issue_id, sdk_version, extra, resource, scope, resource_schema_url
    --- exit 2
    ");
    insta::assert_snapshot!(refused(&["-F", "--reverse"]), @"
    --- stderr
    error: --follow and --reverse exclude each other
    hint: leave one of them out
    --- exit 2
    ");
    insta::assert_snapshot!(refused(&["-F", "-o", "csv"]), @"
    --- stderr
    error: what is followed has no columns to separate
    hint: use -o ndjson, or -o id
    --- exit 2
    ");
    insta::assert_snapshot!(refused(&["--trace", "nobody"]), @"
    --- stderr
    error: no trace `nobody`
    hint: `tracehub list` shows recent traces
    --- exit 1
    ");
    insta::assert_snapshot!(refused(&["--issue", "0000"]), @"
    --- stderr
    error: no issue `0000`
    hint: `tracehub issues --all` shows them
    --- exit 1
    ");
    insta::assert_snapshot!(refused(&["--since", "1h", "--until", "2h"]), @"
    --- stderr
    error: --since is later than --until
    hint: swap the two
    --- exit 2
    ");
    assert_eq!(home.run(&["logs", "--db", "missing.db"]).code, Some(3));
}
