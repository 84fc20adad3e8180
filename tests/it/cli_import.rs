//! `tracehub import`: everything of an old file, once, however often it is asked for.

use std::{path::Path, process::Stdio};

use rusqlite::Connection;

use crate::{old_files::fixture, support::Home};

fn counts(answer: &serde_json::Value) -> [u64; 4] {
    ["read", "accepted", "duplicates", "skipped"].map(|key| answer[key].as_u64().expect("a count"))
}

#[test]
fn an_msgtrace_database_is_imported_once() {
    let home = Home::new();
    let old = fixture(&home, "msgtrace.db");
    insta::assert_snapshot!(home.run(&["import", &old, "--db", "new.db"]), @"
    imported 4 records from ~/msgtrace.db into ~/new.db: 4 new, 0 there already
    --- exit 0
    ");
    let again = home.run(&["import", &old, "--db", "new.db", "--json"]);
    insta::assert_snapshot!(again, @r#"
    {
      "read": 4,
      "accepted": 0,
      "duplicates": 4,
      "skipped": 0,
      "source": "/home/msgtrace.db",
      "target": "/home/new.db"
    }
    --- exit 0
    "#);
    assert_eq!(counts(&again.json()), [4, 0, 4, 0]);
}

#[test]
fn an_imported_trace_is_the_one_in_the_old_file() {
    let home = Home::new();
    let old = fixture(&home, "msgtrace.db");
    home.run(&["import", &old, "--db", "new.db"]).data();
    for command in [&["list"][..], &["show", "latest"], &["show", "latest~1"]] {
        let ask = |db: &str| home.run(&[command, &["--json", "--db", db]].concat()).data().to_owned();
        assert_eq!(ask(&old), ask("new.db"), "{command:?}");
    }
}

#[test]
fn a_python_database_is_imported_once() {
    for (name, count) in [("python-0.1.0.db", 12), ("python-successor.db", 10)] {
        let home = Home::new();
        let old = fixture(&home, name);
        let import = || counts(&home.run(&["import", &old, "--db", "new.db", "--json"]).json());
        assert_eq!(import(), [count, count, 0, 0]);
        assert_eq!(import(), [count, 0, count, 0]);
        for command in [&["list"][..], &["show", "cli-12345-abc"], &["show", "req/with slash?&"]] {
            let ask = |db: &str| home.run(&[command, &["--json", "--db", db]].concat()).data().to_owned();
            assert_eq!(ask(&old), ask("new.db"), "{name} {command:?}");
        }
    }
}

#[test]
fn a_database_of_our_own_is_imported_too() {
    let (home, db) = Home::with_shop();
    let first = home.run(&["import", &db, "--db", "new.db", "--json"]).json();
    let spans = home.run(&["stats", "--db", &db, "--json"]).json()["spans"].as_u64().expect("a count");
    assert_eq!(counts(&first), [spans, spans, 0, 0]);
    assert_eq!(
        home.run(&["list", "--json", "--db", &db]).data(),
        home.run(&["list", "--json", "--db", "new.db"]).data()
    );
}

#[test]
fn a_server_that_owns_the_target_does_the_writing() {
    let home = Home::new();
    let old = fixture(&home, "msgtrace.db");
    let server = home.start(&["--db", "owned.db"]);
    let answer = home.run(&["import", &old, "--db", "owned.db", "--json"]).json();
    assert_eq!(counts(&answer), [4, 4, 0, 0]);
    assert_eq!(answer["target"], server.url());
    assert_eq!(home.run(&["list", "--url", server.url(), "-q"]).data().lines().count(), 2);
}

#[test]
fn an_import_that_was_killed_is_finished_by_the_next() {
    let home = Home::new();
    let old = home.file("large.db");
    many_spans(&old, 20_000);
    let old = old.display().to_string();
    let mut first = home
        .command(&["import", &old, "--db", "new.db"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("runs");
    // As soon as something arrived.
    while home.run(&["list", "-q", "--limit", "1", "--db", "new.db"]).stdout.is_empty() {
        assert!(first.try_wait().expect("known").is_none_or(|status| status.success()), "it failed");
    }
    first.kill().expect("killed");
    first.wait().expect("ended");
    let [read, accepted, duplicates, _] = counts(&home.run(&["import", &old, "--db", "new.db", "--json"]).json());
    assert_eq!((read, accepted + duplicates), (20_000, 20_000));
    assert!(duplicates > 0);
    assert_eq!(home.run(&["stats", "--db", "new.db", "--json"]).json()["spans"], 20_000);
    assert_eq!(counts(&home.run(&["import", &old, "--db", "new.db", "--json"]).json()), [20_000, 0, 20_000, 0]);
}

fn many_spans(path: &Path, count: u32) {
    let statements = format!(
        "CREATE TABLE traces(trace_id TEXT);
         CREATE TABLE spans(span_id TEXT PRIMARY KEY, trace_id TEXT, name TEXT, start_time INTEGER, end_time INTEGER);
         WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {count})
         INSERT INTO spans SELECT printf('%016x', n), printf('%032x', n / 10 + 1), 'step ' || n % 7, n * 1000, n * 1000 + 500
         FROM number;"
    );
    Connection::open(path).expect("a database").execute_batch(&statements).expect("valid SQL");
}

#[test]
fn rows_that_cannot_be_read_are_counted_and_named() {
    let home = Home::new();
    let old = fixture(&home, "msgtrace.db");
    let damage = "UPDATE spans SET start_time = 'soon' WHERE name = 'GET /health';
                  UPDATE spans SET attributes = '{' WHERE name = 'plan trip'";
    Connection::open(&old).expect("a database").execute_batch(damage).expect("valid SQL");
    insta::assert_snapshot!(home.run(&["import", &old, "--db", "new.db"]), @"
    imported 3 records from ~/msgtrace.db into ~/new.db: 3 new, 0 there already, 1 skipped
    --- stderr
    warning: 1 row skipped: no start time
    warning: 1 row mended: attributes are no JSON object
    --- exit 0
    ");
}

#[test]
fn what_is_no_known_database_is_refused_in_words() {
    let home = Home::new();
    std::fs::write(home.file("spans.json"), "{\"resourceSpans\": []}\n".repeat(100)).expect("written");
    insta::assert_snapshot!(home.run(&["import", "spans.json", "--db", "new.db"]), @"
    --- stderr
    error: `spans.json` is no database that can be imported
    hint: import understands SQLite databases of the Python tracehub server, of msgtrace, and of tracehub
    --- exit 3
    ");
    insta::assert_snapshot!(home.run(&["import", "nowhere.db", "--db", "new.db"]), @"
    --- stderr
    error: no file `nowhere.db`
    hint: import understands SQLite databases of the Python tracehub server, of msgtrace, and of tracehub
    --- exit 3
    ");
    insta::assert_snapshot!(home.run(&["import", "-", "--db", "new.db"]), @"
    --- stderr
    error: a database cannot be imported from standard input
    hint: import understands SQLite databases of the Python tracehub server, of msgtrace, and of tracehub
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["import", "http://localhost:1", "--db", "new.db"]), @"
    --- stderr
    error: `http://localhost:1` is not a file
    hint: import understands SQLite databases of the Python tracehub server, of msgtrace, and of tracehub
    --- exit 2
    ");
    assert!(!home.file("new.db").exists());
}

#[test]
fn a_database_is_not_imported_into_itself() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run(&["import", &db, "--db", "./shop.db"]), @"
    --- stderr
    error: `/home/shop.db` cannot be imported into itself
    hint: name another database with --db
    --- exit 2
    ");
}
