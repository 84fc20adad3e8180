//! `tracehub list` end to end.

use crate::support::{Home, otlp};

#[test]
fn traces_are_listed_newest_first() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run_on_terminal(&["list", "--db", &db]), @"
       TRACE     AGE  SERVICE   ROOT                      SPANS ERR    TIME
    ✗  4bf92f35  12s  shop      POST /checkout                2   1   1.24s ████████
    ✓  4bf90000  40s  shop      GET /cart                     2   ·  38.0ms ▎
    2 of 2 traces · 1 failed · ~/shop.db
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["list", "--db", &db]), @"
    STATUS  TRACE                             STARTED                         SERVICE  ROOT            SVCS  SPANS  CHECKPOINTS  ERR  LOGS  TOKENS  COST    TIME
    error   4bf92f3577b34da6a3ce929d0e0e4736  2026-11-21T09:13:50.117000000Z  shop     POST /checkout     2      2            0    1     0       -     -   1.24s
    ok      4bf900000000000000000000000000aa  2026-11-21T09:13:22.117000000Z  shop     GET /cart          2      2            0    0     0       -     -  38.0ms
    --- exit 0
    ");
}

#[test]
fn json_is_one_array_with_every_key() {
    let (home, db) = Home::with_shop();
    let answer = home.run(&["list", "--db", &db, "--json"]);
    let list = answer.json();
    assert_eq!(list.as_array().expect("an array").len(), 2);
    insta::assert_snapshot!(serde_json::to_string_pretty(&list[0]).expect("json"), @r#"
    {
      "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
      "name": "POST /checkout",
      "service": "shop",
      "services": [
        "payments",
        "shop"
      ],
      "workflow": null,
      "kinds": [
        "spans"
      ],
      "status": "error",
      "start_time": "2026-11-21T09:13:50.117000000Z",
      "end_time": "2026-11-21T09:13:51.357000000Z",
      "duration_ms": 1240.0,
      "duration_ns": 1240000000,
      "span_count": 2,
      "checkpoint_count": 0,
      "log_count": 0,
      "error_count": 1,
      "complete": true,
      "tokens": null,
      "cost": null,
      "root_span_id": "0000000000000001",
      "workflow_name": null,
      "service_name": "shop"
    }
    "#);
}

#[test]
fn filters_narrow_the_list() {
    let (home, db) = Home::with_shop();
    let ids = |filter: &[&str]| {
        let args = [&["list", "-q", "--db", &db], filter].concat();
        home.run(&args).data().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]), [otlp::CHECKOUT, otlp::CART]);
    assert_eq!(ids(&["--reverse"]), [otlp::CART, otlp::CHECKOUT]);
    assert_eq!(ids(&["--limit", "1"]), [otlp::CHECKOUT]);
    assert_eq!(ids(&["--limit", "0", "--sort", "duration"]), [otlp::CHECKOUT, otlp::CART]);
    for filter in [
        vec!["--failed"],
        vec!["--min-duration", "1s"],
        vec!["--since", "20s"],
        vec!["--since", "2026-11-21T09:13:50Z"],
        vec!["--name", "CHECK"],
    ] {
        assert_eq!(ids(&filter), [otlp::CHECKOUT], "{filter:?}");
    }
    for filter in [vec!["--max-duration", "100ms"], vec!["--until", "20s"], vec!["--attr", "db.rows=7"]] {
        assert_eq!(ids(&filter), [otlp::CART], "{filter:?}");
    }
    assert_eq!(ids(&["--service", "payments", "--kind", "spans"]).len(), 2);
    assert_eq!(ids(&["--kind", "logs"]), [""; 0]);
    assert_eq!(ids(&["--workflow", "none"]), [""; 0]);
}

#[test]
fn pages_follow_the_cursor_that_stderr_names() {
    let (home, db) = Home::with_shop();
    let page = |cursor: &str| home.run(&["list", "-o", "id", "--limit", "1", "--db", &db, "--cursor", cursor]);
    let first = page("");
    let next = first.stderr.trim().strip_prefix("next page: --cursor ").expect("a cursor");
    let second = page(next);
    assert_eq!((first.stdout.trim(), second.stdout.trim()), (otlp::CHECKOUT, otlp::CART));
    assert_eq!(second.stderr, "");
    insta::assert_snapshot!(page("not a cursor"), @"
    --- stderr
    error: cursor is not valid here
    hint: leave --cursor out to begin at the first page
    --- exit 2
    ");
}

#[test]
fn no_match_is_an_empty_answer_and_no_failure() {
    let (home, db) = Home::with_shop();
    let none = |format: &str| home.run(&["list", "--name", "nothing", "--db", &db, "-o", format]);
    assert_eq!(none("json").data(), "[]\n");
    assert_eq!(none("ndjson").data(), "");
    assert_eq!(none("id").data(), "");
    insta::assert_snapshot!(home.run_on_terminal(&["list", "--name", "nothing", "--db", &db]), @"
    --- stderr
    no traces match
    --- exit 0
    ");
}

#[test]
fn fields_are_chosen_in_every_format() {
    let (home, db) = Home::with_shop();
    let chosen = |format: &str| {
        home.run(&["list", "--db", &db, "--fields", "name,span_count,tokens.input,services", "-o", format])
    };
    insta::assert_snapshot!(chosen("csv"), @"
    name,span_count,tokens.input,services
    POST /checkout,2,,payments;shop
    GET /cart,2,,payments;shop
    --- exit 0
    ");
    insta::assert_snapshot!(chosen("tsv"), @"
    name	span_count	tokens.input	services
    POST /checkout	2		payments;shop
    GET /cart	2		payments;shop
    --- exit 0
    ");
    insta::assert_snapshot!(chosen("ndjson"), @r#"
    {"name":"POST /checkout","span_count":2,"tokens":null,"services":["payments","shop"]}
    {"name":"GET /cart","span_count":2,"tokens":null,"services":["payments","shop"]}
    --- exit 0
    "#);
    insta::assert_snapshot!(chosen("table"), @"
    NAME            SPAN COUNT  TOKENS.INPUT  SERVICES
    POST /checkout           2                payments;shop
    GET /cart                2                payments;shop
    --- exit 0
    ");
}

#[test]
fn wrong_flags_say_what_would_be_right() {
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["list", "--since", "soon"]), @"
    --- stderr
    error: invalid value 'soon' for '--since <TIME>': `soon` is not a time; use a length of time such as `15m`, `2h` or `7d`, `now`, `today`, `yesterday`, `09:00`, `2026-11-21`, `2026-11-21T09:00`, RFC 3339, or unix seconds
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "--min-duration", "500"]), @"
    --- stderr
    error: invalid value '500' for '--min-duration <DURATION>': `500` has no unit; write `500ms`, `500s`, `500m`, `500h` or `500d`
    hint: --help says more
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "--attr", "=500"]), @"
    --- stderr
    error: cannot read --attr
      =500
      ^ expected the key of an attribute here
    hint: `tracehub help filters` shows how to write one
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "--fields", "nmae"]), @"
    --- stderr
    error: unknown field `nmae`
    hint: the fields are trace_id, name, service, services, workflow, kinds, status, start_time, end_time, duration_ms, duration_ns, span_count, checkpoint_count, log_count, error_count, complete, tokens.input, tokens.output, cost.amount, cost.currency, root_span_id, workflow_name, service_name
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "--since", "1h", "--until", "2h"]), @"
    --- stderr
    error: --since is later than --until
    hint: swap the two
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "--falied"]), @"
    --- stderr
    error: unexpected argument '--falied' found
    hint: a similar argument exists: '--failed'
    --- exit 2
    ");
}

#[test]
fn traces_without_errors_are_listed_alone() {
    let (home, db) = Home::with_shop();
    for flag in ["--no-failed", "--no-errors"] {
        assert_eq!(home.run(&["list", "-q", flag, "--db", &db]).data(), "4bf900000000000000000000000000aa\n");
    }
    assert_eq!(home.run(&["list", "--failed", "--no-failed", "--db", &db]).code, Some(2));
}

#[test]
fn a_list_of_more_than_a_page_is_as_long_as_was_asked_for_and_can_be_gone_on_with() {
    let home = Home::new();
    let server = home.start(&["--db", "a.db"]);
    let span = |number: u32| {
        let id = format!("{:032x}", number + 1);
        serde_json::json!({ "traceId": id, "spanId": "00000000000000aa", "name": "n",
            "startTimeUnixNano": (1_795_252_442_117_000_000_u64 + u64::from(number)).to_string(),
            "endTimeUnixNano": "1795252443117000000" })
    };
    let spans: Vec<_> = (0..2_500).map(span).collect();
    server.send(&serde_json::json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] }));
    for limit in ["1", "999", "1000", "1001", "2100", "2500", "9000", "0"] {
        let listed = |target: [&str; 2]| home.run(&["list", "-q", "--limit", limit, target[0], target[1]]);
        let (file, remote) = (listed(["--db", "a.db"]), listed(["--url", server.url()]));
        assert_eq!(file.data(), remote.data(), "{limit}");
        let wanted = limit.parse().ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX).min(2_500);
        assert_eq!(file.data().lines().count(), wanted);
        let path = format!("/api/v1/traces?limit={limit}");
        let answer = crate::full_disk::ask(server.url(), "GET", &path, "").1;
        assert_eq!(answer.matches("\"trace_id\"").count(), wanted, "{limit}");
    }
}
