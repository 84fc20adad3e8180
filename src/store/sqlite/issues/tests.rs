//! What only this backend promises of issues: that they survive, that nothing but a write counts, and their limits.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::model::{
    Attributes, Batch, Issue, IssueChange, IssueQuery, IssueStatus, LogRecord, Nanos, RecordFilter, Removed, Resource,
    Retention, Scope, Severity, Text, TraceId,
};
use crate::store::issues::{MOST_NEW, SHARED_TITLE};
use crate::store::sqlite::{Options, Sqlite, Tuning};
use crate::store::{Backend, Error, Issues, Sink};

pub(super) fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("temp dir");
    let path = folder.path().join("a.db");
    (folder, path)
}

pub(super) async fn open(path: &Path) -> Arc<Sqlite> {
    let tuning = Tuning { seal_records: 8, ..Tuning::default() };
    Sqlite::open_tuned(path.to_owned(), Options::default(), tuning).await.expect("opened")
}

pub(super) fn error(service: &str, error_type: &str, time: u64) -> LogRecord {
    let attributes: Attributes = [("exception.type", error_type), ("exception.message", "gone")].into_iter().collect();
    LogRecord {
        time: Nanos(time),
        severity: Severity::Error,
        message: Text::from("failed"),
        trace_id: TraceId::parse(&format!("req-{}", time % 3)).ok(),
        span_id: None,
        attributes,
        resource: Arc::new(Resource::new([("service.name", service)].into_iter().collect())),
        scope: Arc::new(Scope::default()),
        request: 0,
    }
}

pub(super) async fn write(store: &Sqlite, logs: Vec<LogRecord>) {
    store.write(Batch { logs, ..Batch::default() }).await.expect("written");
}

pub(super) async fn all(store: &Sqlite) -> Vec<Issue> {
    store.list_issues(&IssueQuery::default()).await.expect("listed").items
}

#[tokio::test]
async fn issues_survive_and_sealing_merging_and_opening_count_nothing() {
    let (_folder, path) = place();
    let store = open(&path).await;
    for round in 0..40 {
        write(&store, (0..5).map(|number| error("shop", "E", round * 10 + number)).collect()).await;
        if round % 4 == 0 {
            store.seal_now().await.expect("sealed");
        }
    }
    let change = IssueChange::Status(IssueStatus::Ignored);
    let id = all(&store).await[0].id;
    store.set_issue(&id, change).await.expect("set");
    let before = (all(&store).await, store.issue(&id).await.expect("read"));
    assert_eq!((before.0[0].event_count, before.0[0].trace_count), (200, 3));
    store.close().await.expect("closed");
    let store = open(&path).await;
    store.seal_now().await.expect("sealed");
    assert_eq!((all(&store).await, store.issue(&id).await.expect("read")), before);
    store.close().await.expect("closed");
    let reader = Sqlite::open_for_reading(path).await.expect("opened");
    assert_eq!(all(&reader).await, before.0);
    assert!(matches!(reader.set_issue(&id, change).await, Err(Error::ReadOnly)));
}

#[tokio::test]
async fn new_issues_beyond_the_limit_are_counted_together_in_one_that_says_so() {
    let (_folder, path) = place();
    let store = open(&path).await;
    let of_shop = |numbers: std::ops::Range<u64>| numbers.map(|number| error("shop", &format!("E{number}"), number));
    write(&store, of_shop(0..MOST_NEW - 1).collect()).await;
    write(&store, of_shop(MOST_NEW - 1..MOST_NEW + 5).chain([error("cart", "C", 1)]).collect()).await;
    write(&store, of_shop(MOST_NEW + 5..MOST_NEW + 9).collect()).await;
    let shared = async || {
        let mut shared = all(&store).await;
        shared.retain(|issue| issue.title == SHARED_TITLE);
        shared.sort_by(|a, b| a.service.cmp(&b.service));
        shared.into_iter().map(|issue| (issue.service.to_string(), issue.event_count)).collect::<Vec<_>>()
    };
    assert_eq!(shared().await, [("cart".to_owned(), 1), ("shop".to_owned(), 9)]);
    assert_eq!(all(&store).await.len() as u64, MOST_NEW + 2);
    // Known ones count where they are.
    let times = |service: &str| error(service, "E7", 10_000);
    write(&store, vec![times("shop")]).await;
    assert_eq!(shared().await, [("cart".to_owned(), 1), ("shop".to_owned(), 9)]);
    // However many services there are, there is an end to it.
    write(&store, (0..300).map(|number| error(&format!("s{number:03}"), "E", number)).collect()).await;
    let found = shared().await;
    assert_eq!(found.len(), 101, "a hundred services share one each, the rest share one of no service");
    assert_eq!(found[0], (String::new(), 202));
    assert_eq!(store.list_issues(&IssueQuery::default()).await.expect("listed").total, Some(MOST_NEW + 101));
    let project = LogRecord {
        resource: Arc::new(Resource::new([("service.name", "shop"), ("tracehub.project", "p")].into_iter().collect())),
        ..error("shop", "other", 1)
    };
    write(&store, vec![project]).await;
    let of_project = IssueQuery { project: Some("p".into()), ..IssueQuery::default() };
    assert_eq!(
        store.list_issues(&of_project).await.expect("listed").items[0].title,
        "other: gone",
        "others have their own"
    );
}

#[tokio::test]
async fn fingerprints_that_lead_to_one_issue_count_there_and_find_it() {
    let (_folder, path) = place();
    let store = open(&path).await;
    write(&store, vec![error("shop", "A", 1), error("shop", "B", 2)]).await;
    let issues = all(&store).await;
    let of = |name: &str| issues.iter().find(|issue| issue.error_type.as_deref() == Some(name)).expect("it").clone();
    let (a, b) = (of("A"), of("B"));
    store.close().await.expect("closed");
    let connection = Connection::open(&path).expect("opened");
    let merge = "UPDATE issue_fingerprints SET issue = (SELECT id FROM issues WHERE issue_id = ?1) WHERE grouping = ?2";
    connection.execute(merge, [a.id.0, b.id.0]).expect("merged");
    connection.execute("DELETE FROM issues WHERE issue_id = ?1", [b.id.0]).expect("merged");
    drop(connection);
    let store = open(&path).await;
    write(&store, vec![error("shop", "B", 3)]).await;
    assert_eq!(all(&store).await.len(), 1);
    let found = store.issue(&b.id).await.expect("read").expect("by its other fingerprint");
    assert_eq!((found.issue.id, found.issue.event_count), (a.id, 2));
    assert_eq!(found.fingerprints, [a.fingerprint, b.fingerprint]);
    assert_eq!(found.why.error_type, "A");
    let resolved = store.set_issue(&b.id, IssueChange::Status(IssueStatus::Resolved)).await.expect("set");
    assert_eq!(resolved.map(|issue| issue.id), Some(a.id));
}

#[tokio::test]
async fn counts_go_after_ninety_days_and_issues_when_they_were_not_seen_for_as_long() {
    const DAY: u64 = 24 * 3_600_000_000_000;
    let (_folder, path) = place();
    let now = Nanos::now().0;
    let store = open(&path).await;
    write(&store, vec![error("shop", "A", now - 91 * DAY), error("shop", "A", now - 89 * DAY)]).await;
    write(&store, vec![error("shop", "B", now)]).await;
    let prune = async |store: &Sqlite, received_before: u64| {
        let keep = Retention { received_before: Nanos(received_before) };
        store.prune(&keep, 1_000).await.expect("pruned").issues
    };
    assert_eq!(prune(&store, 0).await, 0);
    let id = all(&store).await.iter().find(|issue| issue.error_type.as_deref() == Some("A")).expect("it").id;
    let counts = async |store: &Sqlite| store.issue(&id).await.expect("read").expect("there").issue;
    let issue = counts(&store).await;
    assert_eq!((issue.counts.len(), issue.event_count), (1, 2));
    store.close().await.expect("closed");
    let connection = Connection::open(&path).expect("opened");
    let age = "UPDATE issues SET received_ns = ?2 WHERE error_type = ?1";
    connection.execute(age, ("A", (now - 95 * DAY) as i64)).expect("aged");
    drop(connection);
    let store = open(&path).await;
    assert_eq!(prune(&store, now - 100 * DAY).await, 0, "records are kept for longer");
    assert_eq!(prune(&store, now).await, 1);
    assert_eq!(prune(&store, now).await, 0);
    let left = all(&store).await;
    assert_eq!(left.iter().map(|issue| issue.error_type.as_deref()).collect::<Vec<_>>(), [Some("B")]);
    store.close().await.expect("closed");
    let connection = Connection::open(&path).expect("opened");
    for table in super::TABLES.into_iter().filter(|table| *table != "issues") {
        let orphans = format!("SELECT COUNT(*) FROM {table} WHERE issue NOT IN (SELECT id FROM issues)");
        assert_eq!(connection.query_row(&orphans, [], |row| row.get::<_, i64>(0)), Ok(0), "{table}");
    }
}

#[tokio::test]
async fn what_is_too_long_is_cut_at_a_character_and_too_many_environments_are_not_kept() {
    let (_folder, path) = place();
    let store = open(&path).await;
    let long = |count: usize| "é".repeat(count);
    let mut logs = Vec::new();
    for number in 0..60 {
        let mut log = error("shop", "E", number);
        let mut add = |key: &str, value: String| {
            log.attributes.0.retain(|(known, _)| known.as_str() != key);
            log.attributes.0.push((Text::from(key), value.as_str().into()));
        };
        add("exception.type", long(10_000));
        add("exception.message", format!("x{}", long(1_000)));
        add("exception.stacktrace", format!("x{}", long(100_000)));
        add("deployment.environment.name", format!("e{number:02}{}", long(200)));
        logs.push(log);
    }
    write(&store, logs).await;
    let found = all(&store).await;
    assert_eq!(found.len(), 1);
    let detail = store.issue(&found[0].id).await.expect("read").expect("there");
    assert!(detail.issue.message.len() <= 1_024 && detail.issue.title.len() <= 1_024 + 2 + 512);
    assert_eq!(detail.stack_trace.map(|stack| stack.len()), Some((64 << 10) - 1));
    assert_eq!(detail.issue.environments.len(), 32);
    assert!(detail.issue.environments.is_sorted() && detail.issue.environments[0].starts_with("e00é"));
}

#[tokio::test]
async fn a_write_that_fails_counts_nothing() {
    let (_folder, path) = place();
    let tuning = Tuning { most_pages: Some(40), ..Tuning::default() };
    let store = Sqlite::open_tuned(path.clone(), Options::default(), tuning).await.expect("opened");
    write(&store, vec![error("shop", "E", 1)]).await;
    let noise: String =
        (0..200_000_u32).map(|number| char::from(33 + (number.wrapping_mul(2_654_435_761) >> 25) as u8)).collect();
    let mut large = error("shop", "E", 2);
    large.message = Text::from(noise.repeat(8));
    let mut failed = 0;
    for number in 0..20 {
        let large = LogRecord {
            time: Nanos(100 + number),
            message: Text::from(format!("{number}{}", large.message.as_str())),
            ..large.clone()
        };
        let outcome = store.write(Batch { logs: vec![large, error("shop", "New", number)], ..Batch::default() }).await;
        failed += u64::from(outcome.is_err());
    }
    assert!(failed > 0, "the file was never full");
    let stored = store.stats(&Default::default()).await.expect("stats").logs;
    let counted: u64 = all(&store).await.iter().map(|issue| issue.event_count).sum();
    assert_eq!(counted, stored);
}

#[tokio::test]
async fn deleting_everything_leaves_no_row_of_an_issue() {
    let (_folder, path) = place();
    let store = open(&path).await;
    write(&store, vec![error("shop", "A", 1), error("shop", "B", 2)]).await;
    let id = all(&store).await[0].id;
    store.set_issue(&id, IssueChange::Status(IssueStatus::Resolved)).await.expect("set");
    let removed = store.delete(&RecordFilter::default(), false).await.expect("deleted");
    assert_eq!(removed, Removed { traces: 2, logs: 2, issues: 2, ..Removed::default() });
    store.close().await.expect("closed");
    let connection = Connection::open(&path).expect("opened");
    for table in super::TABLES {
        let count = format!("SELECT COUNT(*) FROM {table}");
        assert_eq!(connection.query_row(&count, [], |row| row.get::<_, i64>(0)), Ok(0), "{table}");
    }
}
