//! `tracehub import`: everything of an old file, once, however often it is asked for.

use std::path::Path;
use std::process::Stdio;

use rusqlite::Connection;

use crate::old_files::fixture;
use crate::support::Home;

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
      "target": "/home/new.db",
      "errors": [],
      "removed": []
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
    error: `spans.json` is no file that can be imported
    hint: import understands SQLite databases of the Python tracehub server, of msgtrace, and of tracehub, and the .jsonl files of loggers
    --- exit 3
    ");
    insta::assert_snapshot!(home.run(&["import", "nowhere.db", "--db", "new.db"]), @"
    --- stderr
    error: no file `nowhere.db`
    hint: import understands SQLite databases of the Python tracehub server, of msgtrace, and of tracehub, and the .jsonl files of loggers
    --- exit 3
    ");
    insta::assert_snapshot!(home.run(&["import", "-", "--db", "new.db"]), @"
    --- stderr
    error: nothing can be imported from standard input
    hint: import understands SQLite databases of the Python tracehub server, of msgtrace, and of tracehub, and the .jsonl files of loggers
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["import", "http://localhost:1", "--db", "new.db"]), @"
    --- stderr
    error: `http://localhost:1` is not a file
    hint: import understands SQLite databases of the Python tracehub server, of msgtrace, and of tracehub, and the .jsonl files of loggers
    --- exit 2
    ");
    assert!(!home.file("new.db").exists());
}

/// Files as the published logger leaves them: two whole ones and one whose last line is torn.
fn dead_letters(home: &Home) -> String {
    let directory = home.file("dlq");
    std::fs::create_dir(&directory).expect("made");
    let entry = |number: u32| {
        format!(
            "{{\"level\": \"ERROR\", \"message\": \"charge {number} failed\", \"timestamp\": \"2026-11-21T09:00:0{number}Z\", \
             \"service\": \"payments\", \"trace_id\": \"cli-12345-abc\"}}\n"
        )
    };
    let torn = format!("{}oops\n{}{}", entry(3), entry(4), &entry(5)[..40]);
    let files = [("failed_1.jsonl", entry(1)), ("failed_2.jsonl", entry(2)), ("failed_3.jsonl", torn)];
    for (name, text) in files {
        std::fs::write(directory.join(name), text).expect("written");
    }
    std::fs::write(directory.join("notes.txt"), "no entries").expect("written");
    directory.display().to_string()
}

#[test]
fn dead_letters_of_a_logger_are_imported_once_torn_last_line_and_all() {
    let home = Home::new();
    let directory = dead_letters(&home);
    insta::assert_snapshot!(home.run(&["import", &directory, "--db", "new.db"]), @"
    imported 4 records from ~/dlq into ~/new.db: 4 new, 0 there already, 2 skipped
    --- stderr
    warning: ~/dlq/failed_3.jsonl, line 2 skipped: it is not JSON: Expecting value, byte 0 of the entry
    warning: ~/dlq/failed_3.jsonl, line 4 skipped: it is the last line and torn
    --- exit 0
    ");
    let again = home.run(&["import", &directory, "--db", "new.db", "--json"]).json();
    assert_eq!(counts(&again), [4, 0, 4, 2]);
    assert_eq!((&again["errors"][0]["line"], &again["errors"][1]["line"]), (&2.into(), &4.into()));
    assert_eq!(home.run(&["stats", "--db", "new.db", "--json"]).json()["logs"], 4);
    let trace = home.run(&["show", "cli-12345-abc", "--db", "new.db", "--json"]).json();
    assert_eq!((&trace["log_count"], &trace["error_count"]), (&4.into(), &4.into()));
}

#[test]
fn dead_letters_of_which_every_line_is_stored_are_removed_when_that_is_asked() {
    let home = Home::new();
    let directory = dead_letters(&home);
    let held = std::fs::File::open(format!("{directory}/failed_2.jsonl")).expect("opened");
    held.lock().expect("as a logger that delivers it");
    let names = || {
        let listed = std::fs::read_dir(&directory).expect("listed").filter_map(Result::ok);
        let mut names: Vec<_> = listed.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    insta::assert_snapshot!(home.run(&["import", &directory, "--remove", "--db", "new.db"]), @"
    imported 4 records from ~/dlq into ~/new.db: 4 new, 0 there already, 2 skipped, 1 file removed
    --- stderr
    warning: ~/dlq/failed_3.jsonl, line 2 skipped: it is not JSON: Expecting value, byte 0 of the entry
    warning: ~/dlq/failed_3.jsonl, line 4 skipped: it is the last line and torn
    warning: ~/dlq/failed_2.jsonl is kept: a logger delivers it just now
    warning: ~/dlq/failed_3.jsonl is kept: not every line of it is in the target
    --- exit 0
    ");
    assert_eq!(names(), ["failed_2.jsonl", "failed_3.jsonl", "notes.txt"]);
    drop(held);
    let again = home.run(&["import", &directory, "--remove", "--db", "new.db", "--json"]).json();
    assert_eq!(again["removed"], serde_json::json!(["/home/dlq/failed_2.jsonl"]));
    assert_eq!((names(), counts(&again)), (vec!["failed_3.jsonl".to_owned(), "notes.txt".to_owned()], [3, 0, 3, 2]));
    let old = fixture(&home, "msgtrace.db");
    insta::assert_snapshot!(home.run(&["import", &old, "--remove", "--db", "new.db"]), @"
    --- stderr
    error: `/home/msgtrace.db` is a database, which --remove does not delete
    hint: --remove is for the .jsonl files of loggers
    --- exit 2
    ");
    assert!(home.file("msgtrace.db").exists());
}

#[test]
fn dead_letters_join_the_project_that_is_named_and_its_issue() {
    let home = Home::new();
    let directory = dead_letters(&home);
    let import = || counts(&home.run(&["import", &directory, "--project", "p1", "--db", "new.db", "--json"]).json());
    assert_eq!((import(), import()), ([4, 4, 0, 2], [4, 0, 4, 2]));
    let issues = home.run(&["issues", "--project", "p1", "--db", "new.db", "--json"]).json();
    assert_eq!((issues.as_array().map(Vec::len), &issues[0]["event_count"]), (Some(1), &4.into()));
    assert_eq!(home.run(&["issues", "--db", "new.db", "--json"]).json(), issues);
    let logs = home.run(&["logs", "--project", "p1", "--db", "new.db", "--json"]).json();
    assert_eq!(logs.as_array().map(Vec::len), Some(4));
}

#[test]
fn records_of_databases_come_into_the_project_that_is_named_unless_they_are_in_one() {
    let home = Home::new();
    let listed = |project: &str, db: &str| {
        let ids = home.run(&["list", "-q", "--project", project, "--db", db]);
        ids.data().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (checkpoints, spans) = (fixture(&home, "python-0.1.0.db"), fixture(&home, "msgtrace.db"));
    assert!(home.run(&["import", &checkpoints, "--project", "p1", "--db", "one.db"]).data().contains("12 new"));
    assert!(home.run(&["import", &spans, "--db", "one.db"]).data().contains("4 new"));
    assert_eq!((listed("p1", "one.db").len(), listed("p2", "one.db").len()), (5, 0));
    home.run(&["import", "one.db", "--project", "p2", "--db", "two.db"]);
    assert_eq!(listed("p1", "two.db"), listed("p1", "one.db"));
    assert_eq!(listed("p2", "two.db").len(), 2);
}

#[test]
fn several_files_are_imported_each_with_a_line_of_its_own_also_through_a_server() {
    let home = Home::new();
    let directory = dead_letters(&home);
    let files = [1, 2].map(|number| format!("{directory}/failed_{number}.jsonl"));
    let old = fixture(&home, "msgtrace.db");
    let server = home.start(&["--db", "owned.db"]);
    let owned = home.run(&["import", &files[0], &files[1], &old, "--db", "owned.db", "--json"]).json();
    assert_eq!(
        owned.as_array().expect("a list").iter().map(counts).collect::<Vec<_>>(),
        [[1, 1, 0, 0], [1, 1, 0, 0], [4, 4, 0, 0]]
    );
    assert_eq!(owned[0]["target"], server.url());
    let remote = home.run(&["import", &directory, "--url", server.url(), "--json"]).json();
    assert_eq!(counts(&remote), [4, 2, 2, 2]);
    assert_eq!(home.run(&["import", &files[0], "--url", server.url(), "-q"]).data(), "");
}

#[test]
fn files_and_directories_without_log_entries_are_refused() {
    let home = Home::new();
    std::fs::create_dir(home.file("empty")).expect("made");
    std::fs::write(home.file("odd.jsonl"), "oops\n7\n").expect("written");
    insta::assert_snapshot!(home.run(&["import", "empty", "--db", "new.db"]), @"
    --- stderr
    error: there is no .jsonl file in `empty`
    hint: import understands SQLite databases of the Python tracehub server, of msgtrace, and of tracehub, and the .jsonl files of loggers
    --- exit 3
    ");
    assert!(!home.file("new.db").exists());
    insta::assert_snapshot!(home.run(&["import", "odd.jsonl", "--db", "new.db"]), @"
    --- stderr
    warning: ~/odd.jsonl, line 1 skipped: it is not JSON: Expecting value, byte 0 of the entry
    warning: ~/odd.jsonl, line 2 skipped: this is a number
    error: there is not one log entry in `odd.jsonl`
    hint: import understands SQLite databases of the Python tracehub server, of msgtrace, and of tracehub, and the .jsonl files of loggers
    --- exit 3
    ");
    insta::assert_snapshot!(home.run(&["import", "--db", "new.db"]), @"
    --- stderr
    error: the following required arguments were not provided:
      <FILE>...
    hint: --help says more
    --- exit 2
    ");
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
