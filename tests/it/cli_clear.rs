//! `tracehub clear` end to end.

use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::support::{Answer, Home, otlp};

fn count(home: &Home, db: &str) -> usize {
    home.run(&["list", "-q", "--db", db]).data().lines().count()
}

/// Runs the command as on a terminal and types an answer.
fn typed(home: &Home, db: &str, answer: &str) -> Answer {
    std::fs::write(home.file("answer"), answer).expect("written");
    let mut command = home.command(&["clear", "--db", db]);
    command.env("TRACEHUB_FORCE_TTY", "80").env("NO_COLOR", "1");
    command.stdin(Stdio::from(std::fs::File::open(home.file("answer")).expect("readable")));
    home.answer(command)
}

#[test]
fn nobody_to_ask_means_yes_must_be_said() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run(&["clear", "--db", &db]), @"
    --- stderr
    error: deleting needs --yes when there is no terminal to ask on
    hint: --dry-run says what would go
    --- exit 2
    ");
    assert_eq!(count(&home, &db), 2);
    insta::assert_snapshot!(home.run(&["clear", "--db", &db, "--yes"]), @"
    deleted 2 traces (4 spans)
    --- exit 0
    ");
    assert_eq!(count(&home, &db), 0);
    insta::assert_snapshot!(home.run(&["clear", "--db", &db, "--yes"]), @"
    nothing deleted
    --- exit 0
    ");
}

#[test]
fn a_dry_run_counts_and_deletes_nothing() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(home.run(&["clear", "--db", &db, "--dry-run"]), @"
    would delete 2 traces (4 spans)
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["clear", "--db", &db, "--dry-run", "--trace", "4bf92", "--json"]), @r#"
    {
      "dry_run": true,
      "traces": 1,
      "spans": 2,
      "checkpoints": 0,
      "logs": 0,
      "issues": 0
    }
    --- exit 0
    "#);
    assert_eq!(count(&home, &db), 2);
}

#[test]
fn on_a_terminal_it_asks() {
    let (home, db) = Home::with_shop();
    insta::assert_snapshot!(typed(&home, &db, "n\n"), @"
    --- stderr
    delete 2 traces (4 spans) from ~/shop.db? [y/N] error: nothing deleted
    --- exit 1
    ");
    assert_eq!(count(&home, &db), 2);
    insta::assert_snapshot!(typed(&home, &db, "y\n"), @"
    deleted 2 traces (4 spans)
    --- stderr
    delete 2 traces (4 spans) from ~/shop.db? [y/N] --- exit 0
    ");
    assert_eq!(count(&home, &db), 0);
}

#[test]
fn ctrl_c_at_the_question_deletes_nothing_and_ends_with_130() {
    let (home, db) = Home::with_shop();
    let mut command = home.command(&["clear", "--db", &db]);
    command.env("TRACEHUB_FORCE_TTY", "80").stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut question = [0; 6];
    child.stderr.as_mut().expect("piped").read_exact(&mut question).expect("a question");
    assert_eq!(&question, b"delete");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(count(&home, &db), 2);
}

#[test]
fn filters_keep_the_rest() {
    let (home, db) = Home::with_shop();
    assert_eq!(home.run(&["clear", "--yes", "--db", &db, "--kind", "logs"]).data(), "nothing deleted\n");
    home.run(&["clear", "--yes", "--db", &db, "--older-than", "20s"]).data();
    assert_eq!(home.run(&["list", "-q", "--db", &db]).data().trim(), otlp::CHECKOUT);
    assert_eq!(home.run(&["clear", "--yes", "--db", &db, "--trace", "ffffff"]).code, Some(1));
    home.run(&["clear", "--yes", "-q", "--db", &db, "--trace", "latest"]).data();
    assert_eq!(count(&home, &db), 0);
}

#[test]
fn a_file_that_a_server_owns_is_cleared_by_that_server() {
    let home = Home::new();
    let db = home.file("own.db").display().to_string();
    let server = home.start(&["--db", &db]);
    server.send(&otlp::shop());
    insta::assert_snapshot!(home.run(&["clear", "--db", &db, "--yes"]), @"
    deleted 2 traces (4 spans)
    --- exit 0
    ");
    assert_eq!(home.run(&["list", "-q", "--url", server.url()]).data(), "");
    server.send(&otlp::shop());
    assert_eq!(count(&home, &db), 2);
}

#[test]
fn a_missing_database_stays_missing() {
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["clear", "--db", "none.db", "--yes"]), @"
    --- stderr
    error: no database at `none.db`
    hint: start a server with `tracehub start`, or name a database with --db
    --- exit 3
    ");
    assert!(!home.file("none.db").exists());
}
