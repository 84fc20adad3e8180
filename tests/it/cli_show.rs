//! `tracehub show` end to end.

use crate::support::{Home, otlp};

#[test]
fn a_trace_is_drawn_as_a_waterfall() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run_on_terminal(&["show", "latest", "--db", &db]), @"
    ✗ POST /checkout  1.24s                         4bf92f3577b34da6a3ce929d0e0e4736
      Sat 2026-11-21 09:13:50.117 (12s ago) · 2 spans · 1 error · depth 2
      shop → payments

    SPAN                                TIME    SELF   0      310ms  620ms     1.24s
    POST /checkout                     1.24s   642ms   ██░░░░░░░░░░░░░░█████████████
    └ charge                           598ms   598ms ✗   ▐█████████████▏
        ✗ 402 card_declined
    ERRORS
      402 card_declined                                      charge  payments +100ms
    HINTS
      tracehub show 4bf92f35 --span 0000000000000002 │ --attrs
    --- exit 0
    ");
}

#[test]
fn json_is_the_whole_trace_with_spans_in_tree_order() {
    let (home, db) = Home::with_shop();
    let trace = home.run(&["show", otlp::CHECKOUT, "--db", &db, "--json"]).json();
    assert_eq!((&trace["schema"], &trace["trace_id"]), (&1.into(), &otlp::CHECKOUT.into()));
    let names: Vec<_> = trace["spans"].as_array().expect("spans").iter().map(|span| &span["name"]).collect();
    assert_eq!(names, ["POST /checkout", "charge"]);
    assert_eq!(trace["spans"][0]["self_ms"], 642.0);
    assert_eq!(trace["findings"], serde_json::json!([]));
    let line = home.run(&["show", otlp::CHECKOUT, "--db", &db, "-o", "ndjson"]);
    assert_eq!(line.data().lines().count(), 1);
    assert_eq!(line.json(), trace);
}

#[test]
fn findings_are_the_same_from_a_file_and_from_a_server() {
    let home = Home::new();
    let server = home.start(&[]);
    let query = |n: u64| {
        let span = otlp::span(otlp::CART, 10 + n, 1, "SELECT item", (12_000 - n * 100, 100));
        otlp::with(span, "db.system.name", serde_json::json!({"stringValue": "postgresql"}))
    };
    let mut spans = vec![otlp::span(otlp::CART, 1, 0, "GET /cart", (12_000, 1_000))];
    spans.extend((0..6).map(query));
    server.send(&serde_json::json!({"resourceSpans": [otlp::resource("shop", &spans)]}));
    let db = home.default_db().display().to_string();
    let show = |target: [&str; 2], more: &[&str]| {
        home.run(&[&["show", "latest", "--json", target[0], target[1]], more].concat()).data().to_owned()
    };
    let whole = ["--db", "--url"].map(|flag| show([flag, if flag == "--db" { &db } else { server.url() }], &[]));
    assert_eq!(whole[0], whole[1]);
    let fields = ["--fields", "findings.kind,findings.count,findings.total_ms,findings.gap_ms,findings.share"];
    insta::assert_snapshot!(show(["--db", &db], &fields), @r#"
    {
      "findings": [
        {
          "kind": "many_calls",
          "count": 6,
          "total_ms": 600.0,
          "gap_ms": null,
          "share": 0.6
        },
        {
          "kind": "own_gap",
          "count": null,
          "total_ms": null,
          "gap_ms": 400.0,
          "share": 0.4
        }
      ]
    }
    "#);
    let select = show(["--db", &db], &["--span", "SELECT item", "--fields", "findings"]);
    assert_eq!(select, "{\n  \"findings\": []\n}\n");
}

#[test]
fn other_formats_have_a_row_for_each_span() {
    let (home, db) = Home::with_shop();
    let show = |format: &[&str]| home.run(&[&["show", "latest", "--db", &db], format].concat());
    insta::assert_snapshot!(show(&["-o", "csv", "--fields", "name,parent_span_id,status"]), @"
    name,parent_span_id,status
    POST /checkout,,unset
    charge,0000000000000001,error
    --- exit 0
    ");
    assert_eq!(show(&["-q"]).data().trim(), otlp::CHECKOUT);
}

#[test]
fn ids_may_be_typed_in_many_ways() {
    let (home, db) = Home::with_shop();
    let traceparent = format!("00-{}-0000000000000001-01", otlp::CHECKOUT);
    for id in ["4bf92", "4BF92F", "latest", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", &traceparent] {
        assert_eq!(home.run(&["show", id, "--db", &db, "-q"]).data().trim(), otlp::CHECKOUT, "{id}");
    }
    assert_eq!(home.run(&["show", "latest~1", "--db", &db, "-q"]).data().trim(), otlp::CART);
    assert_eq!(home.run(&["trace", "show", "--db", &db, "-q"]).data().trim(), otlp::CHECKOUT);
}

#[test]
fn one_span_is_shown_with_what_is_below_it() {
    let (home, db) = Home::with_shop();
    for span in ["charge", "0000000000000002"] {
        let trace = home.run(&["show", "latest", "--span", span, "--db", &db, "--json"]).json();
        assert_eq!(trace["spans"].as_array().expect("spans").len(), 1, "{span}");
        assert_eq!(trace["spans"][0]["name"], "charge");
    }
    insta::assert_snapshot!(home.run(&["show", "latest", "--span", "0000000000", "--db", &db]), @"
    --- stderr
    error: span `0000000000` is ambiguous
      0000000000000001  POST /checkout
      0000000000000002  charge
    hint: type more of the id
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["show", "latest", "--span", "nothing", "--db", &db]), @"
    --- stderr
    error: no span `nothing` in trace 4bf92f3577b34da6a3ce929d0e0e4736
    hint: give its id, at least 4 characters of it, or its name
    --- exit 1
    ");
}

#[test]
fn ids_that_name_no_one_trace_are_refused() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run(&["show", "4bf9", "--db", &db]), @"
    --- stderr
    error: `4bf9` is ambiguous
      4bf92f3577b34da6a3ce929d0e0e4736  2026-11-21T09:13:50.117000000Z  POST /checkout
      4bf900000000000000000000000000aa  2026-11-21T09:13:22.117000000Z  GET /cart
    hint: type more of the id
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["show", "ffff", "--db", &db]), @"
    --- stderr
    error: no trace `ffff`
    hint: `tracehub list` shows recent traces
    --- exit 1
    ");
    insta::assert_snapshot!(home.run(&["show", "4b", "--db", &db]), @"
    --- stderr
    error: `4b` is not a trace id: a prefix has at least 4 characters
    hint: give a full id, at least 4 characters of one, `latest`, or `latest~2`
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["show", "latest~9", "--db", &db]), @"
    --- stderr
    error: no trace `latest~9`
    hint: there are not that many traces; `tracehub list` shows them
    --- exit 1
    ");
    insta::assert_snapshot!(home.run(&["show"]), @"
    --- stderr
    error: the following required arguments were not provided:
      <ID>
    hint: --help says more
    --- exit 2
    ");
}
