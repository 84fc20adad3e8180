//! A store that is killed, or whose disk fails, at each call that changes the disk: creation, ingest, seal and merge,
//! deletion, retention, migration and import.
//!
//! `strace` counts the calls a piece of work makes and runs it again and again: the process is killed at a call, a call
//! fails, or all calls from one on fail. Afterwards the file is opened as a next start would, and has to hold all
//! that was acknowledged, once, and of everything else the whole or nothing. A few calls of each work are tried by `cargo test`,
//! all of them with `TRACEHUB_SWEEP=all`. Without `strace` nothing is tried, and stderr says so.

mod strace;
mod work;

use std::io::Write as _;

use self::strace::{Failure, Tracer};
use self::work::Work;

/// Calls that change the disk.
const CALLS: [&str; 6] = ["pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "unlink"];
/// Calls of each kind that are tried by `cargo test`, and of each such kind this many ways to fail.
const TRIED_OF_EACH: usize = 2;

/// Tries a work with a failure at its calls.
fn sweep(work: Work) {
    let Some(tracer) = Tracer::find() else {
        // Past the capture of the test harness: nobody should believe that this was tried.
        let _ = writeln!(std::io::stderr(), "no `strace` that may trace: {work:?} was NOT killed at any call");
        return;
    };
    let is_all = std::env::var("TRACEHUB_SWEEP").is_ok_and(|value| value == "all");
    let mut tried = 0;
    for call in CALLS {
        let made = tracer.count(work, call);
        for (number, failure) in chosen(made, is_all) {
            let place = work.prepare();
            let died = tracer.run(work, &place, call, number, failure);
            assert!(!died || failure == Failure::Kill, "{work:?} died of {failure:?} at {call} {number}: {place:?}");
            if let Err(wrong) = place.check(work) {
                panic!("{work:?}, {failure:?} at {call} {number} of {made}: {wrong}");
            }
            tried += 1;
        }
    }
    assert!(tried > 0, "{work:?} makes no call that changes the disk");
}

/// The numbers of calls to fail at, and how: all, or a few spread over all that are made.
fn chosen(made: usize, is_all: bool) -> Vec<(usize, Failure)> {
    if is_all {
        return (1..=made).flat_map(|number| Failure::ALL.map(|failure| (number, failure))).collect();
    }
    let spread = (0..TRIED_OF_EACH).map(|part| 1 + part * made / TRIED_OF_EACH + made / (2 * TRIED_OF_EACH));
    let mut numbers: Vec<usize> = spread.filter(|number| *number <= made).collect();
    numbers.dedup();
    numbers
        .iter()
        .enumerate()
        .flat_map(|(at, number)| [(*number, Failure::Kill), (*number, Failure::ALL[1 + at % 2])])
        .collect()
}

/// The process that is killed: without the variables a sweep sets there is nothing to do.
#[test]
#[ignore = "the process that a sweep starts and kills"]
fn the_work_of_a_sweep() {
    work::run_from_environment();
}

#[test]
fn a_new_file_survives_each_kill_and_failure_while_it_is_made() {
    sweep(Work::Create);
}

#[test]
fn acknowledged_writes_survive_each_kill_and_failure() {
    sweep(Work::Ingest);
}

#[test]
fn records_survive_each_kill_and_failure_while_they_are_sealed_and_merged() {
    sweep(Work::Seal);
}

#[test]
fn a_deletion_that_is_killed_or_fails_costs_nothing_else() {
    sweep(Work::Delete);
}

#[test]
fn retention_that_is_killed_or_fails_costs_nothing_else() {
    sweep(Work::Retain);
}

#[test]
fn a_file_of_an_earlier_version_survives_each_kill_and_failure_of_its_migration() {
    sweep(Work::Migrate);
}

#[test]
fn an_import_that_is_killed_or_fails_can_be_done_again() {
    sweep(Work::Import);
}
