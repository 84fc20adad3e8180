//! Death and broken disks at one system call after the other, while a database is created, imported into, migrated,
//! sealed and deleted from. Needs strace, and says so where there is none; `TRACEHUB_TEST_CASES=1000` tries every call.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::Home;

/// Calls tried of each kind in the quick tier; more with `TRACEHUB_TEST_CASES`.
const QUICK: usize = 5;
/// Where the calls of a run end at the latest.
const MOST_CALLS: usize = 400;

/// Whether strace is here and may trace; what runs with all that it needs must have it.
fn has_strace() -> bool {
    let probe = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let is_there = probe.is_ok_and(|status| status.success());
    if !is_there {
        assert!(std::env::var_os("TRACEHUB_INTEROP_REQUIRED").is_none(), "strace is required and cannot run here");
        // Past what the test runner captures, so that it is seen.
        let said = "SKIPPED: no strace that may trace, so nothing was killed; `apt-get install strace`\n";
        std::io::stderr().write_all(said.as_bytes()).expect("stderr");
    }
    is_there
}

/// Runs the program with a failure at the `number`th of some calls; whether it went through.
fn run_with(home: &Home, calls: &str, failure: &str, number: usize, args: &[&str]) -> bool {
    let program = home.command(args);
    let inject = format!("inject={calls}:{failure}:when={number}");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", &inject]);
    command.arg(program.get_program()).args(program.get_args());
    command.env("HOME", home.path()).current_dir(home.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("strace runs").success()
}

fn ids(home: &Home, db: &str) -> BTreeSet<String> {
    let listed = home.run(&["list", "-q", "--limit", "0", "--db", db]);
    listed.data().lines().map(str::to_owned).collect()
}

fn fixture(home: &Home, name: &str) -> String {
    let compressed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/ours/schema-3.db.zst");
    let bytes = zstd::decode_all(fs::read(compressed).expect("a fixture").as_slice()).expect("compressed");
    let path = home.file(name);
    fs::write(&path, bytes).expect("written");
    path.display().to_string()
}

fn clean(home: &Home, name: &str) {
    for suffix in ["", "-wal", "-shm", "-journal", ".lock", ".new", ".new-wal", ".new-shm", ".new-journal"] {
        let _ = fs::remove_file(home.file(&format!("{name}{suffix}")));
    }
}

const FAILURES: [&str; 3] = ["signal=SIGKILL", "error=EIO", "error=ENOSPC"];
const CALLS: [&str; 3] = ["pwrite64", "fdatasync,fsync", "ftruncate,unlink,rename"];

/// Tries `attempt` with each failure at each call until it goes through, and then `check`.
fn sweep(attempt: impl Fn(&str, &str, usize) -> bool, check: impl Fn(&str)) {
    let most = std::env::var("TRACEHUB_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(QUICK);
    for calls in CALLS {
        for failure in FAILURES {
            // Of a quick sweep each failure meets other calls.
            let mut number = 1;
            for tried in 0..most {
                let went_through = attempt(calls, failure, number);
                check(&format!("{calls} {failure} when={number}"));
                number += if most > QUICK { 1 } else { 1 + tried * 3 };
                if number > MOST_CALLS || went_through && failure == "signal=SIGKILL" {
                    break;
                }
            }
        }
    }
}

#[test]
fn an_import_into_a_new_file_that_dies_anywhere_is_finished_by_making_it_again() {
    if !has_strace() {
        return;
    }
    let home = Home::new();
    let source = fixture(&home, "source.db");
    let whole = ids(&home, &source);
    assert_eq!(whole.len(), 3);
    let db = home.file("new.db").display().to_string();
    let import = ["import", source.as_str(), "--db", db.as_str()];
    let attempt = |calls: &str, failure: &str, number| {
        clean(&home, "new.db");
        run_with(&home, calls, failure, number, &import)
    };
    sweep(attempt, |at| {
        if home.file("new.db").exists() {
            assert!(ids(&home, &db).is_subset(&whole), "{at}");
        }
        let again = home.run(&import);
        assert!(again.to_string().contains("exit 0"), "{at}: {again}");
        assert_eq!(ids(&home, &db), whole, "{at}");
        assert_eq!(home.run(&["status", "--db", &db, "--json"]).json()["database"]["damaged_rows"], 0, "{at}");
    });
}

#[test]
fn a_deletion_in_an_earlier_file_that_dies_anywhere_costs_nothing_else() {
    if !has_strace() {
        return;
    }
    let home = Home::new();
    let whole = ids(&home, &fixture(&home, "t.db"));
    let left: BTreeSet<String> = whole.iter().filter(|id| *id != "waiting-1").cloned().collect();
    let db = home.file("t.db").display().to_string();
    let clear = ["clear", "--trace", "waiting-1", "--yes", "--db", db.as_str()];
    let attempt = |calls: &str, failure: &str, number| {
        clean(&home, "t.db");
        fixture(&home, "t.db");
        run_with(&home, calls, failure, number, &clear)
    };
    sweep(attempt, |at| {
        let found = ids(&home, &db);
        assert!(found == whole || found == left, "{at}: {found:?}");
        if found == whole {
            let again = home.run(&clear);
            assert!(again.to_string().contains("exit 0"), "{at}: {again}");
        }
        assert_eq!(ids(&home, &db), left, "{at}");
    });
}
