//! The table of `docs/reliability.md` names tests that are there: one row for each check, each held by at least one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How many checks there are.
const CHECKS: u32 = 72;

/// The rows of the table by their number: what is checked, and the tests named for it.
fn rows(text: &str) -> Vec<(u32, String, Vec<String>)> {
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let row = |line: &str| {
        let cells = cells(line);
        let [number, what, held] = cells.as_slice() else { return None };
        let tests = held.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Some((number.parse().ok()?, what.clone(), tests))
    };
    text.lines().filter(|line| line.starts_with('|')).filter_map(row).collect()
}

/// Why a test that is named as `path::name` is not there; `None` when it is.
fn problem(root: &Path, test: &str) -> Option<String> {
    let Some((path, name)) = test.split_once("::") else { return Some(format!("`{test}` is no path::name")) };
    let Ok(source) = fs::read_to_string(root.join(path)) else { return Some(format!("there is no file {path}")) };
    let definition = format!("fn {name}(");
    let is_there = source
        .lines()
        .any(|line| line.trim_start().trim_start_matches("pub ").trim_start_matches("async ").starts_with(&definition));
    (!is_there).then(|| format!("there is no test {name} in {path}"))
}

#[test]
fn every_check_is_held_by_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/reliability.md")).expect("the table");
    let rows = rows(&text);
    let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
    rows.iter().for_each(|(number, ..)| *seen.entry(*number).or_default() += 1);
    let once: Vec<(u32, usize)> = (1..=CHECKS).map(|number| (number, 1)).collect();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), once, "each check has one row");
    let empty: Vec<u32> = rows
        .iter()
        .filter(|(_, what, tests)| what.is_empty() || tests.is_empty())
        .map(|(number, ..)| *number)
        .collect();
    assert!(empty.is_empty(), "rows without a test: {empty:?}");
    let missing: Vec<String> = rows
        .iter()
        .flat_map(|(number, _, tests)| {
            tests.iter().filter_map(move |test| Some(format!("{number}: {}", problem(root, test)?)))
        })
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = "| 7 | it holds | `tests/it/reliability.rs::no_such_test`, `tests/it/reliability.rs::a_test_that_is_not_there_is_noticed` |";
    let rows = rows(table);
    assert_eq!((rows[0].0, rows[0].2.len()), (7, 2));
    let problems: Vec<Option<String>> = rows[0].2.iter().map(|test| problem(root, test)).collect();
    assert_eq!(problems, [Some("there is no test no_such_test in tests/it/reliability.rs".to_owned()), None]);
    assert!(problem(root, "tests/it/no_such_file.rs::x").is_some() && problem(root, "x").is_some());
}
