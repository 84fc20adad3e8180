//! `tracehub log`: stored in a file, by the file's server, by a server, or kept until one is there; never in the way.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::support::Home;
use crate::support::peer::{NOBODY, Peer, Reply};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The log records of [`TRACE`].
fn logs(home: &Home, place: &[&str]) -> Vec<Json> {
    let mut args = vec!["show", TRACE, "--json"];
    args.extend(place);
    home.run(&args).json()["logs"].as_array().expect("logs").clone()
}

#[test]
fn a_record_is_written_to_a_file_that_nobody_owns() {
    let home = Home::new();
    let record = [
        "log",
        "--db",
        "x/logs.db",
        "--trace",
        TRACE,
        "-l",
        "WARN",
        "--service",
        "backup",
        "--module",
        "s3",
        "--env",
        "prod",
        "--extra",
        "n=5",
        "--extra",
        "name=05",
        "upload",
        "failed",
    ];
    assert_eq!(home.run(&record).data(), "");
    let logs = logs(&home, &["--db", "x/logs.db"]);
    assert_eq!(logs.len(), 1);
    for (key, value) in [
        ("level", json!("warn")),
        ("message", json!("upload failed")),
        ("service", json!("backup")),
        ("module", json!("s3")),
        ("environment", json!("prod")),
        ("time", json!("2026-11-21T09:14:02.117000000Z")),
    ] {
        assert_eq!(logs[0][key], value, "{key}");
    }
    assert_eq!((&logs[0]["extra"]["n"], &logs[0]["extra"]["name"]), (&json!(5), &json!("05")));
}

#[test]
fn the_message_and_the_stack_can_come_from_elsewhere_and_the_trace_from_the_environment() {
    let home = Home::new();
    std::fs::write(home.file("stack.txt"), "Traceback\n  x\n").expect("written");
    let mut command =
        home.command(&["log", "--db", "logs.db", "-l", "error", "--error-type", "E", "--stack", "stack.txt", "-"]);
    command.env("TRACEPARENT", format!("00-{TRACE}-00f067aa0ba902b7-01")).stdin(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    child.stdin.take().expect("piped").write_all(b"two\nlines\n").expect("written");
    assert!(child.wait().expect("ends").success());
    let logs = logs(&home, &["--db", "logs.db"]);
    assert_eq!((&logs[0]["message"], &logs[0]["service"]), (&json!("two\nlines"), &json!("shell")));
    assert_eq!((&logs[0]["error_type"], &logs[0]["stack_trace"]), (&json!("E"), &json!("Traceback\n  x\n")));
    assert_eq!(logs[0]["span_id"], "00f067aa0ba902b7");
}

#[test]
fn a_server_that_owns_the_file_does_the_writing() {
    let home = Home::new();
    let server = home.start(&["--db", "logs.db"]);
    assert_eq!(home.run(&["log", "--db", "logs.db", "--trace", TRACE, "to the file"]).data(), "");
    assert_eq!(home.run(&["log", "--url", server.url(), "--trace", TRACE, "to the server"]).data(), "");
    let answer = home.run(&["log", "--url", server.url(), "--trace", TRACE, "--json", "told"]).json();
    assert_eq!((&answer["outcome"], &answer["kept_in"]), (&json!("stored"), &Json::Null));
    let messages: Vec<Json> = logs(&home, &["--url", server.url()]).iter().map(|log| log["message"].clone()).collect();
    assert_eq!(messages.len(), 3, "{messages:?}");
}

#[test]
fn without_a_server_the_record_is_kept_and_the_script_goes_on() {
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["log", "--url", NOBODY, "hello"]).to_string().split(": error").next().expect("text"), @"
    --- stderr
    tracehub: the record is kept in ~/.tracehub/dlq until http://127.0.0.1:1 takes it
    ");
    let quiet = home.run(&["log", "-q", "--url", NOBODY, "hello"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
    let strict = home.run(&["log", "--strict", "--url", NOBODY, "hello"]);
    assert_eq!(strict.code, Some(3), "{strict}");
    assert!(strict.stderr.starts_with("error: the record is not stored in http://127.0.0.1:1\n"), "{strict}");
    assert_eq!(std::fs::read_dir(home.file(".tracehub/dlq")).expect("there").count(), 3);
}

#[test]
fn a_key_that_is_refused_is_another_failure_than_a_server_that_is_away() {
    let home = Home::new();
    for (status, code) in [("401 Unauthorized", 4), ("403 Forbidden", 4), ("400 Bad Request", 3)] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        let answer: &'static str = Box::leak(answer.into_boxed_str());
        let peer = Peer::start_with(move |_, _| Reply::Send(answer));
        let strict = home.run(&["log", "--strict", "--url", &peer.url, "hello"]);
        assert_eq!(strict.code, Some(code), "{strict}");
        assert!(strict.stderr.contains(&format!("  the server answered {status}\n")), "{strict}");
        assert_eq!(home.run(&["log", "--url", &peer.url, "hello"]).code, Some(0));
    }
}

#[test]
fn a_server_that_hangs_costs_a_second_at_most() {
    let (home, peer) = (Home::new(), Peer::start(&[Reply::Hang]));
    let start = Instant::now();
    let answer = home.run(&["log", "--json", "--url", &peer.url, "hello"]);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!((answer.code, &answer.json()["outcome"]), (Some(0), &json!("kept")));
}

#[test]
fn what_was_kept_for_a_file_is_stored_with_the_next_record() {
    let home = Home::new();
    // A directory in its place is a database that cannot be opened.
    std::fs::create_dir(home.file("logs.db")).expect("made");
    let answer = home.run(&["log", "--db", "logs.db", "--trace", TRACE, "first"]);
    assert!(answer.code == Some(0) && answer.stderr.contains("is kept in"), "{answer}");
    std::fs::remove_dir(home.file("logs.db")).expect("removed");
    assert_eq!(home.run(&["log", "--db", "logs.db", "--trace", TRACE, "second"]).data(), "");
    let messages: Vec<Json> = logs(&home, &["--db", "logs.db"]).iter().map(|log| log["message"].clone()).collect();
    assert!(messages.contains(&json!("first")) && messages.len() == 2, "{messages:?}");
    assert_eq!(std::fs::read_dir(home.file(".tracehub/dlq")).expect("there").count(), 0);
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_and_a_stack_that_is_not_there_keep_no_record_back() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let home = Home::new();
    let mut command = home.command(&["log", "--db", "logs.db", "--trace", TRACE, "--stack", "/no/such/file"]);
    command.args([OsStr::new("--extra"), OsStr::from_bytes(b"name=m\xfcller"), OsStr::from_bytes(b"caf\xe9")]);
    let output = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.starts_with("tracehub: the record has no stack trace: cannot read `/no/such/file`: "), "{said}");
    let logs = logs(&home, &["--db", "logs.db"]);
    assert_eq!((&logs[0]["message"], &logs[0]["extra"]["name"]), (&json!("caf\u{fffd}"), &json!("m\u{fffd}ller")));
}

#[test]
fn flags_that_make_no_sense_are_the_scripts_fault() {
    let home = Home::new();
    for args in [
        &["log"][..],
        &["log", "-l", "loud", "x"],
        &["log", "--extra", "x", "y"],
        &["log", "-", "more"],
        &["log", "--stack", "-", "-"],
        &["log", "--strict", "--stack", "/no/such/file", "x"],
    ] {
        assert_eq!(home.run(args).code, Some(2), "{args:?}");
    }
}
