//! `tracehub demo` end to end.

use std::fs;

use crate::support::{Home, otlp};

#[test]
fn the_demo_needs_nothing_and_shows_list_waterfall_and_statistics() {
    let (home, db) = Home::with_shop();
    let before = fs::read(&db).expect("readable");
    let mut command = home.command(&["demo"]);
    command.env("TRACEHUB_DB", &db).env_remove("TRACEHUB_NOW");
    let answer = home.answer(command);
    let text = answer.data();
    let parts = [
        "$ tracehub list",
        "$ tracehub show latest",
        "$ tracehub issues",
        "$ tracehub stats",
        "SELECT cart_items",
        "TimeoutError",
        "• WARN payments  retrying charge (2/2)",
    ];
    for part in parts {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert_eq!(fs::read(&db).expect("readable"), before, "another database was touched");
    let demo = home.file(".local/share/tracehub/demo.db").display().to_string();
    let trace = home.run(&["show", otlp::CHECKOUT, "--db", &demo, "--json"]).json();
    assert_eq!(trace["span_count"], 47);
    let sign_in = home.run(&["show", "a3ce929d", "--db", &demo, "--json"]).json();
    let counts = ["span_count", "checkpoint_count", "log_count"].map(|key| sign_in[key].as_u64().expect("a count"));
    assert_eq!(counts, [2, 2, 5]);
    let issues = home.run(&["issues", "--json", "--db", &demo]).json();
    let division = issues.as_array().expect("issues").iter().find(|issue| issue["error_type"] == "ZeroDivisionError");
    assert_eq!(division.expect("what the logger sent")["event_count"], 4);
    let total = home.run(&["list", "-q", "--limit", "0", "--db", &demo]).data().lines().count();
    assert!(total > 42, "the recorded requests are missing among {total} traces");
}

#[test]
fn the_demo_can_be_repeated_but_overwrites_no_file_it_was_given() {
    let home = Home::new();
    assert_eq!(home.run(&["demo"]).code, Some(0));
    assert_eq!(home.run(&["demo"]).code, Some(0));
    assert_eq!(home.run(&["demo", "--db", "own.db"]).code, Some(0));
    insta::assert_snapshot!(home.run(&["demo", "--db", "own.db"]), @"
    --- stderr
    error: `own.db` is there already; the demo makes a new file
    hint: name another file, or leave --db out
    --- exit 2
    ");
    insta::assert_snapshot!(home.run(&["demo", "--json"]), @"
    --- stderr
    error: the demo is for people and prints text only
    hint: run `tracehub demo`, then for example `tracehub list --json --db FILE`
    --- exit 2
    ");
}
