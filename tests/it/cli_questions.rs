//! Questions about many traces end to end: what sets some apart, which attributes they have, and filters under a name.

use crate::support::{Home, otlp};

#[test]
fn why_names_what_sets_traces_apart_the_same_from_a_file_and_from_its_server() {
    let home = Home::new();
    let db = home.file("many.db").display().to_string();
    let server = home.start(&["--db", &db]);
    server.send(&otlp::many());
    let ask = ["why", "duration>500ms", "checkout"];
    let there = home.run(&[&ask[..], &["--url", server.url()]].concat());
    let there_json = home.run(&[&ask[..], &["--url", server.url(), "--json"]].concat());
    server.stop();
    let here = home.run(&[&ask[..], &["--db", &db]].concat());
    insta::assert_snapshot!(here, @"
    10 traces, compared with 90 others of the same root name
    user.id=u-7  10 of 10 · 0 of 90 of the others
      the same traces: name=charge status=error, status=error
    --- exit 0
    ");
    assert_eq!(there.data(), here.data());
    let here_json = home.run(&[&ask[..], &["--db", &db, "--json"]].concat());
    assert_eq!(there_json.data(), here_json.data());
    let json: serde_json::Value = serde_json::from_str(here_json.data()).expect("JSON");
    assert_eq!(json["causes"][0]["terms"][0]["filter"], r#"user.id="u-7""#);
    insta::assert_snapshot!(home.run(&["why", "--db", &db, "cart", "user.id=u-2"]), @"
    8 traces, compared with 42 others of the same root name
    nothing sets them apart
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["why", "--db", &db, "usr.id=u-7"]), @"
    --- stderr
    no trace matches, so there is nothing to explain
    hint: no record has 'usr.id'; near: user.id
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["why", "--db", &db, "usr.id=u-7", "--json"]), @r#"
    {
      "schema": 1,
      "selected_traces": 0,
      "other_traces": 0,
      "left_out_traces": 0,
      "candidates": 0,
      "causes": []
    }
    --- stderr
    no trace matches, so there is nothing to explain
    hint: no record has 'usr.id'; near: user.id
    --- exit 0
    "#);
    insta::assert_snapshot!(home.run(&["why", "--db", &db]), @"
    --- stderr
    error: nothing to explain
    hint: `tracehub why FILTER` compares the traces of a filter
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["why", "--db", &db, "cart", "--against", "(cart"]), @"
    --- stderr
    error: cannot read the filter
      (cart
      ^ this `(` is not closed
    hint: `tracehub help filters` shows how to write one
    --- exit 2
    ");
}

#[test]
fn attributes_are_listed_with_counts_the_same_from_a_file_and_from_its_server() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run(&["attrs", "--db", &db]), @"
    KEY           RECORDS  TYPE    ON
    service.name        4  string  resource
    db.rows             1  int     span
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["attrs", "--db", &db, "service"]), @"
    VALUE     RECORDS  TYPE
    payments        2  string
    shop            2  string
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["attrs", "--db", &db, "db.rows", "--json"]), @r#"
    [
      {
        "key": "db.rows",
        "value": "7",
        "types": [
          "int"
        ],
        "scopes": [],
        "count": 1
      }
    ]
    --- exit 0
    "#);
    insta::assert_snapshot!(home.run(&["attrs", "--db", &db, "-", "service=shop", "-n", "1"]), @"
    KEY           RECORDS  TYPE    ON
    service.name        2  string  resource
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["attrs", "--db", &db, "db.row", "--json"]), @"
    []
    --- stderr
    hint: no record has 'db.row'; near: db.rows
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["attrs", "--db", &db, "trace.spans"]), @"
    --- stderr
    error: `trace.spans` is of the whole trace, and values are of records
    hint: `tracehub list` shows what is of traces
    --- exit 2
    ");
    let server = home.start(&["--db", &db]);
    for words in [vec![], vec!["service"], vec!["-", "status=error"]] {
        let here = home.run(&[&["attrs", "--db", &db, "--json"], words.as_slice()].concat());
        let there = home.run(&[&["attrs", "--url", server.url(), "--json"], words.as_slice()].concat());
        assert_eq!((here.code, &here.stdout), (there.code, &there.stdout), "{words:?}");
    }
    insta::assert_snapshot!(home.run(&["attrs", "--url", server.url(), "trace.spans"]), @"
    --- stderr
    error: `trace.spans` is of the whole trace, and values are of records
    hint: `tracehub list` shows what is of traces
    --- exit 2
    ");
    server.stop();
}

#[test]
fn a_saved_filter_stands_wherever_a_filter_may_on_a_file_and_on_its_server() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run(&["query", "list", "--db", &db, "--json"]), @"
    []
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["query", "save", "slow", "duration>500ms", "OR", "status=error", "--db", &db]), @"
    --- stderr
    saved; `tracehub list @slow` uses it
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["query", "save", "bad", "(a", "--db", &db]), @"
    --- stderr
    error: cannot read the filter
      (a
      ^ this `(` is not closed
    hint: `tracehub help filters` shows how to write one
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["query", "save", "bad", "@bad", "--db", &db]), @"
    --- stderr
    error: `@bad` names other saved filters deeper than 8 levels, or itself
    hint: `tracehub query show bad` shows what is saved
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["query", "save", "bad/name", "a", "--db", &db]), @"
    --- stderr
    error: invalid value 'bad/name' for '<NAME>': a name has up to 64 letters, digits, `_`, `-` and `.`, and begins with a letter or digit
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "@slow", "--db", &db, "-q"]), @"
    4bf92f3577b34da6a3ce929d0e0e4736
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["list", "!@slow", "SELECT", "--db", &db, "-q"]), @"
    4bf900000000000000000000000000aa
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["list", "@slwo", "--db", &db]), @"
    --- stderr
    error: no filter is saved as `@slwo`
    hint: near: @slow; `tracehub query list` shows what is saved
    --- exit 2
    ");
    let server = home.start(&["--db", &db]);
    let url = server.url();
    // A file that a server holds is written by that server.
    insta::assert_snapshot!(home.run(&["query", "save", "charge", "@slow", "name=charge", "--db", &db]), @"
    --- stderr
    saved; `tracehub list @charge` uses it
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["query", "list", "--url", url]), @"
    NAME     FILTER
    @charge  @slow name=charge
    @slow    duration>500ms OR status=error
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["spans", "@charge", "--url", url, "--fields", "name", "-o", "csv"]), @"
    name
    charge
    --- exit 0
    ");
    let traces = |q: &str| home.get(&server, &format!("/api/v1/traces?q={q}"));
    assert!(traces("@charge").starts_with("HTTP/1.1 200") && traces("@charge").contains(otlp::CHECKOUT));
    let unknown = traces("@slwo");
    assert!(
        unknown.starts_with("HTTP/1.1 400") && unknown.contains("no filter is saved as `@slwo`; `@slow` is"),
        "{unknown}"
    );
    insta::assert_snapshot!(home.run(&["query", "delete", "charge", "--url", url]), @"
    --- stderr
    @charge is deleted
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["query", "delete", "charge", "--url", url]), @"
    --- stderr
    error: no filter is saved as `@charge`
    hint: `tracehub query list` shows what is saved
    --- exit 1
    ");
    server.stop();
    // Deleting everything leaves them.
    home.run(&["clear", "--yes", "--db", &db]);
    insta::assert_snapshot!(home.run(&["query", "show", "slow", "--db", &db]), @"
    duration>500ms OR status=error
    --- exit 0
    ");
}
