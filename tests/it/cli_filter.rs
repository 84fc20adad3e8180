//! Filters end to end: the same words on every command, on a file and on its server; single spans, and search.

use crate::support::{Home, otlp};

fn ids(home: &Home, args: &[&str]) -> Vec<String> {
    home.run(&[args, &["-q"]].concat()).data().lines().map(str::to_owned).collect()
}

#[test]
fn a_file_and_its_server_list_the_traces_that_have_a_record_a_filter_is_true_of() {
    let (home, db) = Home::with_shop();
    let server = home.start(&["--db", &db]);
    for (filter, wanted) in [
        (vec!["checkout"], vec![otlp::CHECKOUT]),
        (vec!["status=error"], vec![otlp::CHECKOUT]),
        (vec!["root.status!=error"], vec![otlp::CHECKOUT, otlp::CART]),
        (vec!["duration>1s"], vec![otlp::CHECKOUT]),
        (vec!["name=charge", "service=payments"], vec![otlp::CHECKOUT]),
        // Both hold on one record.
        (vec!["name=charge", "service=shop"], vec![]),
        (vec!["db.rows>5"], vec![otlp::CART]),
        (vec!["db.rows=7 OR declined"], vec![otlp::CHECKOUT, otlp::CART]),
        (vec!["!(db.rows=7)", "name=SELECT*"], vec![]),
        (vec!["trace.spans=2", "trace.duration<100ms"], vec![otlp::CART]),
        (vec!["self>600ms", "checkout"], vec![otlp::CHECKOUT]),
        (vec!["name~=^(GET|SELECT)", "--failed"], vec![]),
        (vec!["--root-failed"], vec![]),
        (vec!["--session", "s-1"], vec![]),
        (vec!["--attr", "db.rows>=7"], vec![otlp::CART]),
        (vec!["--attr", "db.rows!=7", "name=SELECT*"], vec![]),
    ] {
        let here = ids(&home, &[&["list", "--db", &db], filter.as_slice()].concat());
        let there = ids(&home, &[&["list", "--url", server.url()], filter.as_slice()].concat());
        assert_eq!((&here, &there), (&wanted.iter().map(|id| (*id).to_owned()).collect(), &here), "{filter:?}");
    }
    server.stop();
}

#[test]
fn a_filter_that_cannot_be_read_is_shown_with_the_place_and_over_http_with_its_number() {
    let (home, db) = Home::with_shop();
    for command in ["list", "logs", "spans", "search"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(home.run(&[command, "--db", &db, "checkout", "status=broken"]), @"
            --- stderr
            error: cannot read the filter
              checkout status=broken
                              ^ `status` is ok, error or unset, not `broken`
            hint: `tracehub help filters` shows how to write one
            --- exit 2
            ");
        }
    }
    insta::assert_snapshot!(home.run(&["tail", "--db", &db, "trace.spans>2"]), @"
    --- stderr
    error: what a filter asks of the whole trace is not known while records arrive
    hint: leave out what begins with `trace.` or `root.`, and `self`, `session`, `issue`, `workflow`
    --- exit 2
    ");
    let server = home.start(&["--db", &db]);
    for path in ["/api/v1/traces", "/api/v1/logs"] {
        let answer = home.get(&server, &format!("{path}?q=a%20status%3Dbroken"));
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        let body = answer.lines().last().expect("a body");
        assert_eq!(body, r#"{"detail":"parameter `q`: `status` is ok, error or unset, not `broken`","at":9}"#);
        let long = home.get(&server, &format!("{path}?q={}", "a+".repeat(3_000)));
        assert!(long.starts_with("HTTP/1.1 400") && long.contains("more than 1000 terms"), "{long}");
    }
    server.stop();
}

#[test]
fn an_empty_answer_names_the_keys_that_no_record_has() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run(&["list", "--db", &db, "db.row=7", "--json"]), @"
    []
    --- stderr
    hint: no record has 'db.row'; near: db.rows
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["spans", "--db", &db, "db.rows=8", "--json"]), @"
    []
    --- exit 0
    ");
}

#[test]
fn spans_are_one_line_each_with_the_attributes_the_filter_names() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run_on_terminal(&["spans", "--db", &db, "db.rows>5"]), @"
    09:13:22.127   span  payments   SELECT cart  db.rows=7            20ms  4bf90000
    --- exit 0
    ");
    let slowest = home.run(&["spans", "--db", &db, "kind=server", "-n", "2", "--sort", "duration"]);
    let names: Vec<&str> = slowest.stdout.lines().map(|line| line.rsplit(' ').next().unwrap_or(line)).collect();
    assert_eq!(names, ["/checkout", "card_declined"], "{slowest}");
    assert_eq!(slowest.stderr, "2 of 4; -n 0 shows all\n");
    let spans = home.run(&["spans", "--db", &db, "name=charge", "--json"]).json();
    assert_eq!((&spans[0]["trace_id"], &spans[0]["name"]), (&otlp::CHECKOUT.into(), &"charge".into()));
    assert_eq!(spans[0]["status"], "error");
    let newest = home.run(&["spans", "--db", &db, "-n", "1", "-q"]);
    assert_eq!(newest.stdout.trim(), otlp::CHECKOUT);
}

#[test]
fn search_says_where_a_text_stands() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run_on_terminal(&["search", "--db", &db, "DECLINED"]), @"
    09:13:50.217 ✗ span  payments   status.message: 402 card_decli…  598ms  4bf92f35
    --- exit 0
    ");
    let found = home.run(&["search", "--db", &db, "cart", "--json"]).json();
    let hits: Vec<_> = found.as_array().expect("an array").iter().map(|hit| &hit["hits"][0]["text"]).collect();
    assert_eq!(hits, ["SELECT cart", "GET /cart"]);
    insta::assert_snapshot!(home.run(&["search", "--db", &db]), @"
    --- stderr
    error: nothing to search for
    hint: `tracehub search TEXT` looks for a text
    --- exit 2
    ");
}

#[test]
fn tail_follows_what_a_filter_is_true_of() {
    let (home, db) = Home::with_shop();
    let lines = home.run(&["tail", "--db", &db, "--no-follow", "name=charge OR db.rows=7", "-o", "ndjson"]);
    assert_eq!(lines.data().lines().count(), 2, "{lines}");
}

#[test]
fn the_page_on_filters_is_what_help_prints() {
    let home = Home::new();
    let page = home.run(&["help", "filters"]);
    assert!(page.data().starts_with("A filter says which records are meant"), "{page}");
    assert!(page.data().lines().all(|line| line.len() <= 80), "{page}");
}

#[test]
fn spans_are_grouped_by_any_key_and_over_time() {
    let (home, db) = Home::with_shop();
    let server = home.start(&["--db", &db]);
    let args = ["stats", "--by", "service,db.rows", "--sort", "max", "--json"];
    let groups = home.run(&[&args[..], &["--db", &db]].concat()).json();
    assert_eq!(groups, home.run(&[&args[..], &["--url", server.url()]].concat()).json());
    server.stop();
    let row = |place: usize| {
        let row = &groups["groups"][place];
        (row["group"].to_string(), row["calls"].as_u64(), row["errors"].as_u64(), row["max_ms"].as_f64())
    };
    assert_eq!(row(0), (r#"{"service":"shop","db.rows":null}"#.to_owned(), Some(2), Some(0), Some(1_240.0)));
    assert_eq!(row(1), (r#"{"service":"payments","db.rows":null}"#.to_owned(), Some(1), Some(1), Some(598.0)));
    assert_eq!(row(2), (r#"{"service":"payments","db.rows":"7"}"#.to_owned(), Some(1), Some(0), Some(20.0)));
    assert_eq!((&groups["total"], &groups["by"][1]), (&3.into(), &"db.rows".into()));
    let over = home.run(&["stats", "--db", &db, "--by", "service", "--over", "10s", "service=shop", "--json"]).json();
    let steps: Vec<_> =
        over["groups"][0]["series"].as_array().expect("steps").iter().map(|step| &step["calls"]).collect();
    assert_eq!(steps, [1, 0, 0, 1]);
    assert_eq!(over["groups"][0]["series"][0]["time"], "2026-11-21T09:13:20.000000000Z");
    let nobody = home.run(&["stats", "--db", &db, "--by", "user.id"]);
    assert!(nobody.stderr.contains("no span has user.id"), "{nobody}");
    let short = home.run(&["stats", "--db", &db, "--by", "service", "--over", "1ms"]);
    assert!(short.stderr.contains("make --over longer"), "{short}");
    let whole = home.run(&["stats", "--db", &db, "--by", "trace.name"]);
    assert!(whole.stderr.contains("`trace.name` is of the whole trace"), "{whole}");
}

#[test]
fn statistics_are_of_the_records_a_filter_is_true_of() {
    let (home, db) = Home::with_shop();
    let stats = home.run(&["stats", "--db", &db, "status=error OR db.rows=7", "--json"]).json();
    assert_eq!((&stats["spans"], &stats["traces"], &stats["errors"]), (&2.into(), &2.into(), &1.into()));
    let names: Vec<_> = stats["operations"].as_array().expect("rows").iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["charge", "SELECT cart"]);
}
