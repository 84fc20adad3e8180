//! TraceQL end to end: the same queries on a file and on its server, what they measure, and what is said of those that
//! cannot be read.

use crate::support::{Home, otlp};

fn ids(home: &Home, args: &[&str]) -> Vec<String> {
    home.run(&[args, &["-q"]].concat()).data().lines().map(str::to_owned).collect()
}

#[test]
fn a_file_and_its_server_list_the_traces_whose_spans_a_query_selects() {
    let (home, db) = Home::with_shop();
    let server = home.start(&["--db", &db]);
    for (words, wanted) in [
        (vec!["{ }"], vec![otlp::CHECKOUT, otlp::CART]),
        (vec!["{}"], vec![otlp::CHECKOUT, otlp::CART]),
        (vec!["{", "status", "=", "error", "}"], vec![otlp::CHECKOUT]),
        (vec!["{ .db.rows > 5 }"], vec![otlp::CART]),
        (vec!["{ .db.rows = \"7\" }"], vec![]),
        (vec!["{ name = \"charge\" && resource.service.name = \"shop\" }"], vec![]),
        (vec!["{ name = \"charge\" } && { resource.service.name = \"shop\" }"], vec![otlp::CHECKOUT]),
        (
            vec!["{ resource.service.name = \"shop\" } > { resource.service.name = \"payments\" }"],
            vec![otlp::CHECKOUT, otlp::CART],
        ),
        (vec!["{ resource.service.name = \"payments\" } >> { }"], vec![]),
        (vec!["{ } | avg(duration) > 100ms"], vec![otlp::CHECKOUT]),
        (vec!["{ rootName = \"GET /cart\" }"], vec![otlp::CART]),
        (vec!["({ } | count() > 2) || { childCount = 1 && duration < 100ms }"], vec![otlp::CART]),
        (vec!["{ } > { name =~ \"charge|SELECT.*\" }", "--failed"], vec![otlp::CHECKOUT]),
        (vec!["{ } > { status != error }", "--attr", "db.rows=7"], vec![otlp::CART]),
        (vec!["{ } > { }", "--root-failed"], vec![]),
    ] {
        let here = ids(&home, &[&["list", "--db", &db], words.as_slice()].concat());
        let there = ids(&home, &[&["list", "--url", server.url()], words.as_slice()].concat());
        assert_eq!((&here, &there), (&wanted.iter().map(|id| (*id).to_owned()).collect(), &here), "{words:?}");
    }
    let answer = home.get(&server, "/api/v1/traces?q=%7B%20%7D%20%3E%20%7B%20status%20%3D%20error%20%7D");
    assert!(answer.contains(otlp::CHECKOUT) && !answer.contains(otlp::CART), "{answer}");
    server.stop();
}

#[test]
fn spans_tail_and_stats_take_a_query() {
    let (home, db) = Home::with_shop();
    let server = home.start(&["--db", &db]);
    for place in [["--db", &db], ["--url", server.url()]] {
        let names = |words: &str| {
            let spans = home.run(&[&["spans", words, "--json"], &place[..]].concat()).json();
            let spans = spans.as_array().expect("an array").iter();
            spans.map(|span| span["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names("{ } > { }"), ["charge", "SELECT cart"]);
        assert_eq!(names("{ name = \"SELECT cart\" } < { }"), ["GET /cart"]);
        assert_eq!(names("{ childCount = 0 } | by(resource.service.name) | count() = 1"), ["charge", "SELECT cart"]);
        let stats = home.run(&[&["stats", "{ } > { status = error }", "--json"], &place[..]].concat()).json();
        assert_eq!((&stats["spans"], &stats["operations"][0]["name"]), (&1.into(), &"charge".into()));
        let groups = home.run(&[&["stats", "{ } > { }", "--by", "db.rows", "--json"], &place[..]].concat()).json();
        assert_eq!((&groups["total"], &groups["groups"][0]["calls"]), (&2.into(), &1.into()));
        let tail = ["tail", "--no-follow", "{ status = error || .db.rows = 7 }", "-o", "ndjson"];
        assert_eq!(home.run(&[&tail[..], &place[..]].concat()).data().lines().count(), 2);
    }
    server.stop();
    insta::assert_snapshot!(home.run_on_terminal(&["spans", "--db", &db, "{ } > { } | select(.db.rows)"]), @"
    09:13:50.217 ✗ span  payments   charge: 402 card_declined        598ms  4bf92f35
    09:13:22.127   span  payments   SELECT cart  db.rows=7            20ms  4bf90000
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["tail", "--db", &db, "{ } > { }"]), @"
    --- stderr
    error: what a filter asks of the whole trace is not known while records arrive
    hint: of TraceQL, one `{ }` that asks for the span's own fields is known
    --- exit 2
    ");
}

#[test]
fn measures_are_series_on_a_file_and_on_its_server() {
    let (home, db) = Home::with_shop();
    let server = home.start(&["--db", &db]);
    let query = "{ } | count_over_time() by (resource.service.name)";
    let args = ["stats", query, "--over", "20s", "--json"];
    let series = home.run(&[&args[..], &["--db", &db]].concat()).json();
    assert_eq!(series, home.run(&[&args[..], &["--url", server.url()]].concat()).json());
    assert_eq!((&series["query"], &series["step_ms"], &series["spans"]), (&query.into(), &20_000.0.into(), &4.into()));
    assert_eq!(series["series"][0]["labels"]["resource.service.name"], "payments");
    assert_eq!(series["series"][0]["values"][0]["time"], "2026-11-21T09:13:20.000000000Z");
    let counts: Vec<_> =
        series["series"][1]["values"].as_array().expect("steps").iter().map(|one| &one["value"]).collect();
    assert_eq!(counts, [1.0, 1.0]);
    // What a measure works out is what single queries say.
    let share = "100 * ({ status = error } | count_over_time()) / ({ } | count_over_time())";
    for place in [["--db", &db], ["--url", server.url()]] {
        let answer = home.run(&[&["stats", share, "-o", "csv", "--fields", "value"], &place[..]].concat());
        assert_eq!(answer.data(), "value\r\n25.0\r\n");
    }
    server.stop();
    insta::assert_snapshot!(home.run_on_terminal(&["stats", "--db", &db, "{ } | max_over_time(duration) by (name) | topk(2)"]), @"
    NAME            VALUE
    POST /checkout   1.24
    charge          0.598
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["stats", "--db", &db, "{ name = \"gone\" } | rate()"]), @"
    --- stderr
    no spans match, so there is nothing to measure
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["stats", "--db", &db, "{ } | rate()", "--by", "service"]), @r#"
    --- stderr
    error: --by does not go with a TraceQL query that measures
    hint: the query says it: `{ resource.service.name = "shop" } | rate() by (name) | topk(10)`
    --- exit 2
    "#);
    insta::assert_snapshot!(home.run(&["stats", "--db", &db, "{ } | rate()", "--over", "1ms"]), @"
    --- stderr
    error: the spans reach over 28101 steps, and 1000 is the most
    hint: make --over longer, or narrow the time with --since
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["list", "--db", &db, "{ } | rate()"]), @"
    --- stderr
    error: cannot read the filter
      { } | rate()
      ^ this query measures spans over time, and here it is to select some
    hint: `tracehub stats` answers measures such as `{ } | rate()`
    --- exit 2
    ");
}

#[test]
fn a_query_that_cannot_be_read_is_shown_with_the_place_and_over_http_with_its_number() {
    let (home, db) = Home::with_shop();
    for command in ["list", "spans", "stats", "tail"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(home.run(&[command, "--db", &db, "{ resource.cluster = }"]), @"
            --- stderr
            error: cannot read the filter
              { resource.cluster = }
                                   ^ expected a value or a field here, not `}`
            hint: `tracehub help filters` shows how to write one
            --- exit 2
            ");
        }
    }
    for (command, words) in [
        ("logs", "{ status = error }"),
        ("logs", "{\"user\": 7}"),
        ("logs", "traceql:\"{ }\" declined"),
        ("search", "{ resource.cluster = }"),
    ] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(home.run(&[command, "--db", &db, words]), @"
            --- stderr
            error: a filter that begins with `{` is TraceQL, which selects spans alone
            hint: list, spans, tail and stats take TraceQL; a text that begins with `{` stands in quotes
            --- exit 2
            ");
        }
    }
    let many = format!("{{ {} }}", vec![".a = 1"; 5_000].join(" && "));
    for command in ["list", "stats"] {
        let answer = home.run(&[command, "--db", &db, &many]);
        assert!(answer.stderr.contains("has more than 1000 values"), "{answer}");
        assert!(answer.stderr.lines().all(|line| line.chars().count() < 120), "{answer}");
    }
    let server = home.start(&["--db", &db]);
    for (path, query, wanted) in [
        (
            "/api/v1/traces",
            "%7B%20resource.cluster%20%3D%20%7D",
            r#"{"detail":"parameter `q`: expected a value or a field here, not `}`","at":21}"#,
        ),
        (
            "/api/v1/logs",
            "%7B%20%7D",
            r#"{"detail":"parameter `q`: TraceQL selects spans alone, and this is about log records"}"#,
        ),
    ] {
        let answer = home.get(&server, &format!("{path}?q={query}"));
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert_eq!(answer.lines().last().expect("a body"), wanted);
    }
    server.stop();
}
