//! `tracehub sql` as somebody at a terminal meets it.

use crate::support::Home;

#[test]
fn a_statement_is_answered_over_a_file_and_its_server_in_every_format() {
    let (home, db) = Home::with_shop();
    let server = home.start(&["--db", &db]);
    let statement = "SELECT service, count(*) AS spans, max(duration_ms) FROM spans GROUP BY 1 ORDER BY 1";
    insta::assert_snapshot!(home.run(&["sql", statement, "--db", &db]), @"
    SERVICE   SPANS  MAX(DURATION MS)
    payments      2             598.0
    shop          2            1240.0
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["sql", statement, "--db", &db, "-o", "csv"]), @"
    service,spans,max(duration_ms)
    payments,2,598.0
    shop,2,1240.0
    --- exit 0
    ");
    let here = home.run(&["sql", statement, "--db", &db, "--json"]).json();
    assert_eq!(here, home.run(&["sql", statement, "--url", server.url(), "--json"]).json());
    let joined = "SELECT t.name, s.attributes ->> 'http.route' AS route, s.status_code FROM spans s
                  JOIN traces t USING (trace_id) WHERE s.parent_span_id IS NULL";
    insta::assert_snapshot!(home.run(&["sql", joined, "--db", &db, "-o", "ndjson"]), @r#"
    {"name":"POST /checkout","route":null,"status_code":"unset"}
    {"name":"GET /cart","route":null,"status_code":"unset"}
    --- exit 0
    "#);
    insta::assert_snapshot!(home.run(&["sql", "SELECT count(*) AS n FROM spans", "--since", "2027-01-01", "--db", &db]), @"
    N
    0
    --- exit 0
    ");
    server.stop();
}

#[test]
fn what_is_no_question_is_refused_with_a_word_on_what_there_is() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run(&["sql", "DELETE FROM spans", "--db", &db]), @"
    --- stderr
    error: a statement is one SELECT, and can read the tables and nothing else
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["sql", "SELECT nam FROM spans", "--db", &db]), @"
    --- stderr
    error: no such column: nam
    hint: `tracehub sql` alone lists the tables and their columns
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["sql", "ATTACH 'other.db' AS o", "--db", &db]), @"
    --- stderr
    error: a statement is one SELECT, and can read the tables and nothing else
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["sql", "SELECT 1", "--fields", "a", "--db", &db]), @"
    --- stderr
    error: --fields chooses nothing here
    hint: name the columns in the statement
    --- exit 2
    ");
    let answer = home.run(&["sql"]);
    let tables = answer.data();
    let names: Vec<&str> = tables.lines().filter_map(|line| line.split_once('(')).map(|(name, _)| name).collect();
    assert_eq!(names, ["traces", "spans", "events", "logs", "checkpoints", "issues"]);
}

#[test]
fn all_tables_are_written_into_a_new_file_and_one_of_them_to_stdout() {
    let (home, db) = Home::with_shop();
    let copy = home.file("copy.db");
    let path = copy.display().to_string();
    assert_eq!(home.run(&["export", "sqlite", &path, "--db", &db, "-q"]).data(), "");
    let exported = rusqlite::Connection::open(&copy).expect("a database");
    let count = |table: &str| -> i64 {
        exported.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("counted")
    };
    let counts = ["traces", "spans", "events", "logs", "checkpoints", "issues"].map(count);
    assert_eq!(counts[..2], [2, 4]);
    let route: String =
        exported.query_row("SELECT name FROM spans ORDER BY start_time LIMIT 1", [], |row| row.get(0)).expect("a span");
    assert!(!route.is_empty());
    let again = home.run(&["export", "sqlite", &path, "--db", &db]);
    assert_eq!(again.code, Some(2));
    let csv = home.run(&["export", "csv", "spans", "--db", &db]);
    assert_eq!(csv.data().lines().count(), 5);
    assert!(csv.data().starts_with("trace_id,span_id,"));
}
