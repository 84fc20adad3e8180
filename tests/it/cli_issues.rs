//! `tracehub issues` end to end.

use serde_json::json;

use crate::support::{Home, NOW_NS, Server};

const STACK: &str = "Traceback (most recent call last):\n  File \"/srv/app/payments/stripe.py\", line 88, in charge_card\n    raise HTTPError(response)\nHTTPError: 402 card_declined\n";

/// An entry of the published logger so many seconds before the tests take place.
fn entry(seconds_ago: u64, service: &str, kind: &str, message: &str) -> serde_json::Value {
    let time = jiff::Timestamp::from_nanosecond(i128::from(NOW_NS - seconds_ago * 1_000_000_000)).expect("a time");
    json!({
        "level": "ERROR", "message": format!("it failed: {message}"), "timestamp": time.to_string(), "service": service,
        "environment": "production", "trace_id": format!("{seconds_ago:08x}{:024x}", 7), "error_type": kind,
        "error_message": message, "stack_trace": STACK.replace("HTTPError: 402 card_declined", &format!("{kind}: {message}")),
    })
}

fn send(server: &Server, entries: &[serde_json::Value]) {
    let answer = server.post("/api/v1/ingest", "application/json", json!(entries).to_string().as_bytes());
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

/// Three issues: two of `payments`, the first of them with two events, and one of `cart`.
fn events() -> Vec<serde_json::Value> {
    vec![
        entry(200_000, "payments", "HTTPError", "402 card_declined"),
        entry(12, "payments", "HTTPError", "402 card_declined"),
        entry(7_200, "payments", "TimeoutError", "no answer in 280ms"),
        entry(3_600, "cart", "KeyError", "'sku'"),
    ]
}

fn with_issues() -> (Home, String) {
    let home = Home::new();
    let db = home.file("shop.db").display().to_string();
    let server = home.start(&["--db", &db]);
    send(&server, &events());
    server.stop();
    (home, db)
}

fn id_of(home: &Home, target: &[&str], kind: &str) -> String {
    let issues = home.run(&[&["issues", "--all", "--json"], target].concat()).json();
    let issue = issues.as_array().expect("a list").iter().find(|issue| issue["error_type"] == kind);
    issue.expect("an issue")["id"].as_str().expect("an id").to_owned()
}

#[test]
fn the_list_shows_open_issues_and_says_what_it_leaves_out() {
    let (home, db) = with_issues();
    let timeout = id_of(&home, &["--db", &db], "TimeoutError");
    let resolved = home.run(&["issues", "resolve", &timeout[..6], "--db", &db]);
    insta::assert_snapshot!(resolved, @"
    --- stderr
    resolved f5cd  TimeoutError: no answer in 280ms
    --- exit 0
    ");
    insta::assert_snapshot!(home.run_on_terminal(&["issues", "--db", &db]), @"
    ID    LAST  FIRST  EVENTS TRACES  LAST 24H      ISSUE
    f8cd   12s     2d       2      2  ·······█  ✗   HTTPError: 402 card_declined
                                                    stripe.py:88 charge_card
    6c23    1h     1h       1      1  ·······█ new  KeyError: 'sku'
                                                    stripe.py:88 charge_card · cart
    2 open · 1 resolved hidden (--all) · tracehub issues show f8cd
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["issues", "--status", "resolved", "--db", &db, "--fields", "status,title,event_count"]), @"
    STATUS    TITLE                             EVENT COUNT
    resolved  TimeoutError: no answer in 280ms            1
    --- exit 0
    ");
    let all = home.run(&["issues", "--all", "--db", &db, "-q"]);
    assert_eq!(all.data().lines().count(), 3);
}

#[test]
fn the_list_is_narrowed_sorted_and_paged() {
    let (home, db) = with_issues();
    let kinds = |flags: &[&str]| -> Vec<String> {
        let issues = home.run(&[&["issues", "--json", "--db", &db], flags].concat()).json();
        let kind = |issue: &serde_json::Value| issue["error_type"].as_str().expect("a type").to_owned();
        issues.as_array().expect("a list").iter().map(kind).collect()
    };
    assert_eq!(kinds(&[]), ["HTTPError", "KeyError", "TimeoutError"]);
    assert_eq!(kinds(&["--service", "cart"]), ["KeyError"]);
    assert_eq!(kinds(&["--env", "staging"]), Vec::<String>::new());
    assert_eq!(kinds(&["--since", "90m"]), ["HTTPError", "KeyError"]);
    assert_eq!(kinds(&["--sort", "first-seen"]), ["KeyError", "TimeoutError", "HTTPError"]);
    assert_eq!(kinds(&["--sort", "count", "--limit", "1"]), ["HTTPError"]);
    assert_eq!(kinds(&["--reverse"]), ["TimeoutError", "KeyError", "HTTPError"]);
    let first = home.run(&["issues", "-q", "--limit", "2", "--cursor", "", "--db", &db, "-v"]);
    assert_eq!(first.stdout.lines().count(), 2);
    let first = home.run(&["issues", "-o", "id", "--limit", "2", "--cursor", "", "--db", &db]);
    let cursor = first.stderr.trim().strip_prefix("next page: --cursor ").expect("a cursor");
    let rest = home.run(&["issues", "-q", "--limit", "2", "--cursor", cursor, "--db", &db]);
    assert_eq!(rest.data().lines().count(), 1);
}

#[test]
fn one_issue_is_shown_with_its_stack_its_traces_and_why() {
    let (home, db) = with_issues();
    let id = id_of(&home, &["--db", &db], "HTTPError");
    insta::assert_snapshot!(home.run_on_terminal(&["issues", "show", &id[..5].to_uppercase(), "--why", "--db", &db]), @r#"
    ✗ HTTPError: 402 card_declined                                  f8cdc34e89b9236d
      open · 2 events · 2 traces · payments · in production
      at payments/stripe.py:88 charge_card
      first 2d ago (11-19 01:40) · last 12s ago (09:13:50.117)

    LAST 24H  ·······················█  1 event
    14 DAYS   ···········█·█            2 events · at most 1 a day

    STACK
      Traceback (most recent call last):
        File "/srv/app/payments/stripe.py", line 88, in charge_card
          raise HTTPError(response)
      HTTPError: 402 card_declined

    TRACES
        TRACE     AGE  SERVICE   ROOT                             TIME
      ✗ 0000000c  12s  payments  it failed: 402 card_declined        0
      ✗ 00030d40   2d  payments  it failed: 402 card_declined        0

    WHY
      by        type, text, frames and causes
      algorithm 1
      type      HTTPError
      text      <int> card_declined
      frames    payments/stripe.py charge_card
      sha-256   d33485a4d33e4d8a78f7a1356798e0cc54258a717a624bdffcbffc564ec472aa

    tracehub issues resolve f8cd │ tracehub show 0000000c
    --- exit 0
    "#);
    let shown = home.run(&["issues", "show", "latest", "--json", "--db", &db]).json();
    assert_eq!((&shown["id"], &shown["event_count"]), (&json!(id), &json!(2)));
    assert_eq!((&shown["why"]["error_type"], &shown["stack_trace"]), (&json!("HTTPError"), &json!(STACK)));
    home.run(&["clear", "--older-than", "1h", "--db", &db, "--yes"]).data();
    let shown = home.run_on_terminal(&["issues", "show", &id, "--db", &db]);
    assert!(shown.stdout.contains("2 events"), "{shown}");
}

#[test]
fn ids_that_name_no_issue_leave_the_others_to_be_changed() {
    let (home, db) = with_issues();
    let [http, key] = ["HTTPError", "KeyError"].map(|kind| id_of(&home, &["--db", &db], kind));
    let answer = home.run(&["issues", "ignore", "ffffffff", &http, &key, &http, "--db", &db, "--json"]);
    let statuses: Vec<_> =
        answer.json().as_array().expect("a list").iter().map(|issue| issue["status"].clone()).collect();
    assert_eq!((statuses, answer.code), (vec![json!("ignored"); 2], Some(1)), "{answer}");
    assert!(answer.stderr.contains("error: no issue `ffffffff`"), "{answer}");
    assert_eq!(home.run(&["issues", "-q", "--db", &db]).data().lines().count(), 1);
    let again = home.run(&["issues", "ignore", &http, "--db", &db]);
    assert!(again.stderr.starts_with("ignored already: ") && again.code == Some(0), "{again}");
    assert_eq!(home.run(&["issues", "reopen", &http, "-q", "--db", &db]).data().trim(), http);
}

#[test]
fn references_that_are_none_or_several_change_nothing() {
    let home = Home::new();
    let db = home.file("shop.db").display().to_string();
    let server = home.start(&["--db", &db]);
    // So many that two ids begin with the same four digits.
    let many: Vec<_> = (0..700).map(|n| entry(60, &format!("service-{n}"), "HTTPError", "402 card_declined")).collect();
    send(&server, &many);
    let ids = home.run(&["issues", "-q", "--limit", "0", "--url", server.url()]);
    let mut ids: Vec<&str> = ids.data().lines().collect();
    assert_eq!(ids.len(), 700);
    ids.sort_unstable();
    let twins = ids.windows(2).find(|pair| pair[0][..4] == pair[1][..4]).expect("two that begin alike");
    let ambiguous = home.run(&["issues", "resolve", ids[0], &twins[0][..4], "--db", &db]);
    assert_eq!(ambiguous.code, Some(2), "{ambiguous}");
    assert!(ambiguous.stderr.contains(twins[0]) && ambiguous.stderr.contains("type more of the id"), "{ambiguous}");
    let listed = home.run_on_terminal(&["issues", "--limit", "0", "--url", server.url()]);
    assert!(listed.stdout.contains(&twins[0][..5]), "{listed}");
    insta::assert_snapshot!(home.run(&["issues", "resolve", "7f", "--db", &db]), @"
    --- stderr
    error: `7f` is not an issue id: a prefix has at least 4 characters
    hint: give a full id, at least 4 characters of one, or `latest`
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["issues", "show", "card", "--db", &db]), @"
    --- stderr
    error: `card` is not an issue id: it is not made of hex digits
    hint: give a full id, at least 4 characters of one, or `latest`
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["issues", "--all", "show", "latest", "--db", &db]), @"
    --- stderr
    error: --all belongs to a list of issues
    hint: write it behind the last word, or leave it out
    --- exit 2
    ");
    assert_eq!(home.run(&["issues", "--status", "resolved", "-q", "--db", &db]).data(), "");
}

#[test]
fn a_running_server_makes_the_changes_and_a_later_event_opens_an_issue_again() {
    let home = Home::new();
    let db = home.file("shop.db").display().to_string();
    let server = home.start(&["--db", &db]);
    send(&server, &events());
    let id = id_of(&home, &["--db", &db], "HTTPError");
    for target in [["--db", db.as_str()], ["--url", server.url()]] {
        let resolve = home.run(&["issues", "resolve", &id[..8], target[0], target[1]]);
        assert_eq!((resolve.code, resolve.stdout.as_str()), (Some(0), ""), "{resolve}");
    }
    assert_eq!(
        home.run(&["issues", "--all", "--json", "--db", &db]).data(),
        home.run(&["issues", "--all", "--json", "--url", server.url()]).data()
    );
    let status =
        || home.run(&["issues", "show", &id, "--fields", "status,regressed", "-o", "ndjson", "--db", &db]).json();
    // An old event that arrives late changes nothing.
    send(&server, &[entry(400_000, "payments", "HTTPError", "402 card_declined")]);
    assert_eq!(status(), json!({"status": "resolved", "regressed": false}));
    let mut later = entry(0, "payments", "HTTPError", "402 card_declined");
    later["timestamp"] = json!(jiff::Timestamp::now().to_string());
    send(&server, &[later]);
    assert_eq!(status(), json!({"status": "open", "regressed": true}));
    let shown = home.run_on_terminal(&["issues", "show", &id, "--db", &db]);
    assert!(shown.stdout.contains("reopened: it happened again"), "{shown}");
}

#[test]
fn a_store_without_issues_is_an_empty_list() {
    let (home, db) = Home::with_shop();
    assert_eq!(home.run(&["issues", "--json", "--db", &db]).data(), "[]\n");
    assert_eq!(home.run(&["issues", "show", "latest", "--db", &db]).code, Some(1));
    insta::assert_snapshot!(home.run_on_terminal(&["issues", "--db", &db]), @"
    --- stderr
    no issues; errors of spans and log records become some
    --- exit 0
    ");
}
