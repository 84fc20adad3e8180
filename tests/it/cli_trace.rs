//! `tracehub trace` end to end.

use crate::support::{Answer, Home, otlp};

fn current(home: &Home, variables: &[(&str, &str)], args: &[&str]) -> Answer {
    let mut command = home.command(&[&["trace", "current"], args].concat());
    command.envs(variables.iter().copied());
    home.answer(command)
}

#[test]
fn the_current_trace_comes_from_the_first_variable_that_names_one() {
    let home = Home::new();
    let traceparent = format!("00-{}-00f067aa0ba902b7-01", otlp::CHECKOUT);
    let all =
        [("TRACEPARENT", traceparent.as_str()), ("TRACEHUB_TRACE_ID", "a b"), ("TRACEHUB_CORRELATION_ID", "cli-1")];
    assert_eq!(current(&home, &all, &[]).data().trim(), otlp::CHECKOUT);
    assert_eq!(current(&home, &all[1..], &[]).data(), "a b\n");
    assert_eq!(current(&home, &[("TRACEPARENT", "nonsense"), all[2]], &["-q"]).data(), "cli-1\n");
    assert_eq!(current(&home, &[("TRACEPARENT", ""), ("TRACEHUB_TRACE_ID", "\x1b[2J")], &[]).data(), "\\x1b[2J\n");
    insta::assert_snapshot!(current(&home, &all, &["--json"]), @r#"
    {
      "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
      "span_id": "00f067aa0ba902b7",
      "source": "TRACEPARENT",
      "sampled": true
    }
    --- exit 0
    "#);
    insta::assert_snapshot!(current(&home, &all[2..], &["--json", "--fields", "trace_id,span_id,source"]), @r#"
    {
      "trace_id": "cli-1",
      "span_id": null,
      "source": "TRACEHUB_CORRELATION_ID"
    }
    --- exit 0
    "#);
}

#[test]
fn a_terminal_also_sees_what_is_known_of_it() {
    let (home, db) = Home::with_shop();
    let traceparent = format!("00-{}-0000000000000002-00", otlp::CHECKOUT);
    let variables = [("TRACEPARENT", traceparent.as_str()), ("TRACEHUB_FORCE_TTY", "80"), ("TRACEHUB_DB", &db)];
    insta::assert_snapshot!(current(&home, &variables, &[]), @r#"
    trace  4bf92f3577b34da6a3ce929d0e0e4736   from TRACEPARENT (not sampled)
    span   0000000000000002  "charge"
    known  POST /checkout   2 spans so far, 1 error   in ~/shop.db
    --- exit 0
    "#);
}

#[test]
fn no_current_trace_is_a_no() {
    insta::assert_snapshot!(current(&Home::new(), &[], &[]), @"
    --- stderr
    error: no current trace
    hint: set TRACEPARENT, TRACEHUB_TRACE_ID or TRACEHUB_CORRELATION_ID; `tracehub trace new --export` makes one
    --- exit 1
    ");
}

#[test]
fn fresh_ids_differ_and_can_be_exported() {
    let home = Home::new();
    let fresh = || home.run(&["trace", "new"]).data().trim().to_owned();
    let (one, two) = (fresh(), fresh());
    assert!(one != two && one.len() == 32 && one.chars().all(|c| c.is_ascii_hexdigit()), "{one} {two}");
    let exported = home.run(&["trace", "new", "--export"]).data().to_owned();
    let traceparent = exported.trim().strip_prefix("export TRACEPARENT=").expect("an export");
    let json = current(&home, &[("TRACEPARENT", traceparent)], &["--json"]).json();
    assert!(traceparent.contains(json["trace_id"].as_str().expect("an id")));
    let json = home.run(&["trace", "new", "--json"]).json();
    assert_eq!(json.as_object().expect("an object").len(), 3);
}

#[test]
fn trace_list_and_trace_show_are_list_and_show() {
    let (home, db) = Home::with_shop();
    assert_eq!(home.run(&["trace", "list", "--db", &db]).data(), home.run(&["list", "--db", &db]).data());
    assert_eq!(home.run(&["trace", "show", "--db", &db]).data(), home.run(&["show", "latest", "--db", &db]).data());
}
