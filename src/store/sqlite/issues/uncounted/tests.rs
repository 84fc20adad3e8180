//! That each error is counted once, whenever that is, and that records never wait for it.

use rusqlite::Transaction;

use super::*;
use crate::model::{
    Attributes, Batch, IssueChange, IssueQuery, IssueStatus, LogRecord, Nanos, Page, Record, RecordFilter, Severity,
    Text, TraceId,
};
use crate::store::sqlite::file::{files, open};
use crate::store::sqlite::issues;
use crate::store::sqlite::issues::tests::{all, error, open, place, write};
use crate::store::sqlite::{Durability, Options, Sqlite, Tuning};
use crate::store::{Backend, Sink};

/// Undoes in the file what was counted, from a write on.
fn uncount(path: &std::path::Path, from: i64) {
    let connection = Connection::open(path).expect("opened");
    for table in issues::TABLES {
        connection.execute(&format!("DELETE FROM {table}"), []).expect("deleted");
    }
    connection.execute("INSERT INTO meta(key, value) VALUES ('uncounted_from', ?1)", [from]).expect("noted");
}

fn noted(path: &std::path::Path) -> Option<i64> {
    first_uncounted(&Connection::open(path).expect("opened")).expect("read")
}

async fn counts(store: &Sqlite) -> Vec<(String, u64)> {
    let issues = all(store).await.into_iter();
    let mut counts: Vec<_> =
        issues.map(|issue| (issue.error_type.unwrap_or_default().to_string(), issue.event_count)).collect();
    counts.sort();
    counts
}

#[tokio::test]
async fn what_was_stored_and_not_counted_is_counted_once_when_the_file_is_opened() {
    let (_folder, path) = place();
    let store = open(&path).await;
    write(&store, vec![error("shop", "A", 1), error("shop", "A", 2)]).await;
    write(&store, vec![error("shop", "B", 3), error("shop", "A", 4), error("shop", "B", 5)]).await;
    store.close().await.expect("closed");
    assert_eq!(noted(&path), None, "nothing is left to be counted");
    uncount(&path, 2);
    for _ in 0..2 {
        let store = open(&path).await;
        assert_eq!(counts(&store).await, [("A".to_owned(), 1), ("B".to_owned(), 2)], "of the second write alone");
        store.close().await.expect("closed");
        assert_eq!(noted(&path), None);
    }
    uncount(&path, 1);
    open(&path).await.seal_now().await.expect("sealed");
    assert_eq!(counts(&*open(&path).await).await, [("A".to_owned(), 3), ("B".to_owned(), 2)], "before they are sealed");
    uncount(&path, 1);
    let store = open(&path).await;
    store.delete(&RecordFilter::default(), false).await.expect("deleted");
    assert_eq!(counts(&store).await, []);
    write(&store, vec![LogRecord { severity: Severity::Info, attributes: Attributes::EMPTY, ..error("shop", "-", 1) }])
        .await;
    store.close().await.expect("closed");
    uncount(&path, 1);
    let store = open(&path).await;
    store.seal_now().await.expect("sealed, for the errors that were to be counted are gone");
    store.close().await.expect("closed");
    assert_eq!(noted(&path), None);
}

#[tokio::test]
async fn errors_in_quick_succession_are_counted_for_whoever_asks_and_soon_for_everybody() {
    let (_folder, path) = place();
    let store = open(&path).await;
    let reader = Sqlite::open_for_reading(path.clone()).await.expect("opened");
    for number in 0..50 {
        write(&store, vec![error("shop", "E", number)]).await;
        if number % 10 == 3 {
            assert_eq!(counts(&store).await, [("E".to_owned(), number + 1)]);
        }
    }
    let end = Instant::now() + Duration::from_secs(20);
    while counts(&reader).await != [("E".to_owned(), 50)] {
        assert!(Instant::now() < end, "nobody counts");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(noted(&path), None);
}

#[tokio::test]
async fn a_copy_of_what_lies_on_disk_has_each_error_counted_once_at_any_time() {
    let (folder, path) = place();
    let options = Options { durability: Durability::Os, ..Options::default() };
    let tuning = Tuning { seal_records: 30, ..Tuning::default() };
    let store = Sqlite::open_tuned(path.clone(), options, tuning).await.expect("opened");
    for round in 0..20 {
        for number in 0..5 {
            write(&store, vec![error("shop", &format!("E{number}"), round * 5 + number)]).await;
        }
        // What the writer does meanwhile would tear a copy.
        let connection = Connection::open(&path).expect("opened");
        let copy = folder.path().join(format!("{round}.db"));
        connection.execute("VACUUM INTO ?1", [copy.to_str().expect("a path")]).expect("copied");
        let copied = open(&copy).await;
        let stored = copied.stats(&Default::default()).await.expect("stats").logs;
        let counted: u64 = counts(&copied).await.iter().map(|(_, count)| count).sum();
        assert_eq!((stored, counted), (round * 5 + 5, round * 5 + 5));
    }
}

/// A new database, and a transaction in it.
fn in_transaction(work: impl FnOnce(&Transaction<'_>)) {
    let (_folder, path) = place();
    files::create(&path).expect("created");
    let mut connection = open::open_for_writing(&path, Durability::Os).expect("opened");
    work(&connection.transaction().expect("begun"));
}

fn errors(logs: Vec<LogRecord>) -> Errors {
    Errors::find(&logs.into_iter().map(Record::Log).collect::<Vec<_>>())
}

fn listed(transaction: &Transaction<'_>) -> Page<crate::model::Issue> {
    issues::list(transaction, &IssueQuery::default()).expect("listed")
}

#[test]
fn what_comes_of_an_error_in_another_write_leads_to_its_issue_also_when_both_are_counted_together() {
    let left = |depth: usize, trace: &str| {
        let frames = (0..depth).rev().map(|number| format!("  File \"/app/shop/pay.py\", line 7, in step{number}\n"));
        let stack = format!("Traceback (most recent call last):\n{}E: gone", frames.collect::<String>());
        let mut log = error("shop", "E", 1);
        log.trace_id = TraceId::parse(trace).ok();
        log.attributes.0.push((Text::from("exception.stacktrace"), stack.as_str().into()));
        errors(vec![log])
    };
    in_transaction(|transaction| {
        let mut uncounted = Uncounted::default();
        [left(2, "one"), left(3, "one"), left(4, "two")].into_iter().for_each(|errors| uncounted.add(errors, 5));
        uncounted.count(transaction, [(&left(1, "one"), 6)].into_iter()).expect("counted");
        let counts: Vec<u64> = listed(transaction).items.iter().map(|issue| issue.event_count).collect();
        assert_eq!(counts.iter().sum::<u64>(), 4);
        assert_eq!(counts.len(), 2, "another trace may have another error");
    });
}

#[test]
fn an_error_that_was_received_before_its_issue_was_resolved_does_not_open_it_again_when_counted_later() {
    const FUTURE: u64 = 4_102_444_800_000_000_000;
    in_transaction(|transaction| {
        let count = |writes: &[(u64, u64)]| {
            let mut uncounted = Uncounted::default();
            writes
                .iter()
                .for_each(|(time, received)| uncounted.add(errors(vec![error("shop", "E", *time)]), *received));
            uncounted.count(transaction, std::iter::empty()).expect("counted");
            listed(transaction).items[0].status
        };
        count(&[(10, 10)]);
        let id = listed(transaction).items[0].id;
        let resolve = IssueChange::Status(IssueStatus::Resolved);
        issues::set(transaction, &id, resolve, Nanos(100)).expect("set").expect("there");
        assert_eq!(count(&[(FUTURE, 90), (50, 110)]), IssueStatus::Resolved, "the late one was early by its clock");
        assert_eq!(count(&[(101, 110)]), IssueStatus::Open);
    });
}

#[test]
fn no_write_is_sealed_before_its_errors_are_counted() {
    in_transaction(|transaction| {
        let mut uncounted = Uncounted::default();
        uncounted.note(transaction, 7).expect("noted");
        uncounted.add(errors(vec![error("shop", "E", 1)]), 1);
        uncounted.note(transaction, 9).expect("noted");
        assert!(require_counted(transaction, 6).is_ok());
        assert!(matches!(require_counted(transaction, 7), Err(Error::Busy)));
        uncounted.count(transaction, std::iter::empty()).expect("counted");
        assert!(require_counted(transaction, 9).is_ok());
    });
}

#[tokio::test]
async fn errors_without_room_to_be_counted_are_stored_and_counted_when_there_is_some() {
    let (_folder, path) = place();
    let tuning = Tuning { most_pages: Some(60), ..Tuning::default() };
    let store = Sqlite::open_tuned(path.clone(), Options::default(), tuning).await.expect("opened");
    // Each kind takes a stack trace of several pages in the tables of issues, and little in the inbox.
    let kind = |number: u64| {
        let mut log = error("shop", &format!("E{number}"), number);
        let stack = format!("E{number}: gone\n{}", "    at a.b(c.js:1:2)\n".repeat(3_000));
        log.attributes.0.push((Text::from("exception.stacktrace"), stack.as_str().into()));
        log
    };
    let mut stored = 0;
    while stored < 1_000 && store.write(Batch { logs: vec![kind(stored)], ..Batch::default() }).await.is_ok() {
        stored += 1;
        let counted: u64 = counts(&store).await.iter().map(|(_, count)| count).sum();
        if counted < stored {
            break;
        }
    }
    let counted: u64 = counts(&store).await.iter().map(|(_, count)| count).sum();
    assert!(counted < stored, "{counted} of {stored}");
    assert!(store.seal_now().await.is_err(), "what is not counted is not sealed");
    store.close().await.expect("closed");
    assert!(noted(&path).is_some(), "nor forgotten");
    let store = open(&path).await;
    let counted: u64 = counts(&store).await.iter().map(|(_, count)| count).sum();
    assert_eq!(counted, stored);
    store.seal_now().await.expect("sealed");
    assert_eq!(store.stats(&Default::default()).await.expect("stats").logs, stored);
}
