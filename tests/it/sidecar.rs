//! Issues and keys of stores that keep none, in a database file beside them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tracehub::model::{IssueChange, IssueQuery, IssueStatus, RecordFilter};
use tracehub::query::facets;
use tracehub::store::{self, Backend, Error, Mode, Target};

use crate::old_files::fixture;
use crate::server_support::{JSON, Server, export, failed_span};
use crate::support::Home;
use crate::support::whole::Whole as _;

async fn open(store: &str, meta: &Path) -> Arc<dyn Backend> {
    let target = Target::parse(&format!("{store}?meta={}", meta.display())).expect("a target");
    store::open(&target, Mode::Read).await.expect("opened")
}

/// Title, events and status of each issue.
async fn issues(backend: &dyn Backend) -> Vec<(String, u64, &'static str)> {
    let page = facets::issues(backend).expect("kept").list_issues(&IssueQuery::default()).await.expect("listed");
    page.items.iter().map(|issue| (issue.title.to_string(), issue.event_count, issue.status.as_str())).collect()
}

#[tokio::test]
async fn errors_of_a_foreign_file_count_once_however_often_it_is_opened() {
    let home = Home::new();
    let (db, meta) = (fixture(&home, "msgtrace.db"), home.file("meta.db"));
    let before = fs::read(&db).expect("readable");
    for _ in 0..3 {
        let backend = open(&db, &meta).await;
        assert_eq!(issues(&*backend).await, [("TimeoutError: no answer".to_owned(), 1, "open")]);
        assert_eq!(backend.stats(&Default::default()).await.expect("counted").issues, 1);
        assert!(backend.sink().is_none() && backend.logs().is_none());
        backend.close().await.expect("closed");
    }
    assert_eq!(fs::read(&db).expect("readable"), before);
}

#[tokio::test]
async fn a_decision_is_kept_and_a_new_error_of_another_server_opens_the_issue_again() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().expect("a folder"));
    let meta = folder.path().join("meta.db");
    server.store(&[failed_span(1, 1, "KeyError")]).await;
    let backend = open(server.running.url(), &meta).await;
    let found = facets::issues(&*backend).expect("kept").list_issues(&IssueQuery::default()).await.expect("listed");
    let id = found.items[0].id;
    let change = IssueChange::Status(IssueStatus::Resolved);
    backend.set_issue(&id, change).await.expect("set");
    backend.close().await.expect("closed");
    let backend = open(server.running.url(), &meta).await;
    assert_eq!(issues(&*backend).await, [("KeyError: no such key".to_owned(), 1, "resolved")]);
    assert_eq!(issues(&*server.running.backend()).await[0].2, "open", "the server has issues of its own");
    // An older error that is only now sent opens nothing, and counts.
    server.store(&[failed_span(2, 2, "KeyError")]).await;
    assert_eq!(issues(&*backend).await, [("KeyError: no such key".to_owned(), 2, "resolved")]);
    let mut late = failed_span(3, 3, "KeyError");
    let in_an_hour = (tracehub::model::Nanos::now().0 + 3_600_000_000_000).to_string();
    late["events"][0]["timeUnixNano"] = json!(in_an_hour);
    late["endTimeUnixNano"] = json!(in_an_hour);
    assert_eq!(server.post("/v1/traces", JSON, export(&[late]).to_string()).await.status, 200);
    assert_eq!(issues(&*backend).await, [("KeyError: no such key".to_owned(), 3, "open")]);
    let removed = backend.delete(&RecordFilter::default(), false).await.expect("deleted");
    assert_eq!((removed.spans, removed.issues), (3, 1));
    assert_eq!(issues(&*backend).await, []);
}

#[tokio::test]
async fn many_who_ask_at_the_same_time_count_once() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().expect("a folder"));
    for number in 1..=40 {
        server.store(&[failed_span(number, number, "KeyError")]).await;
    }
    let backend = open(server.running.url(), &folder.path().join("meta.db")).await;
    futures::future::join_all((0..8).map(|_| issues(&*backend))).await;
    assert_eq!(issues(&*backend).await, [("KeyError: no such key".to_owned(), 40, "open")]);
}

#[tokio::test]
async fn while_another_process_counts_its_issues_are_read_and_not_changed() {
    let home = Home::new();
    let (db, meta) = (fixture(&home, "msgtrace.db"), home.file("meta.db"));
    let first = open(&db, &meta).await;
    let second = open(&db, &meta).await;
    let known = issues(&*first).await;
    assert_eq!((known.len(), issues(&*second).await), (1, known));
    let page = second.list_issues(&IssueQuery::default()).await.expect("listed");
    let refused = second.set_issue(&page.items[0].id, IssueChange::Status(IssueStatus::Ignored)).await;
    assert!(matches!(refused, Err(Error::Locked(_))), "{refused:?}");
}

#[test]
fn the_commands_about_issues_and_keys_work_on_a_foreign_file_with_one_beside_it() {
    let home = Home::new();
    let db = format!("{}?meta=meta.db", fixture(&home, "msgtrace.db"));
    let mut text = String::new();
    for command in [
        &["issues", "--fields", "title,status,event_count", "-o", "tsv"][..],
        &["issues", "resolve", "latest"],
        &["issues", "--all", "--fields", "title,status,event_count", "-o", "tsv"],
        &["keys", "list"],
        &["list", "-q"],
        &["clear", "--dry-run"],
    ] {
        text += &format!("$ {}\n{}", command.join(" "), home.run(&[command, &["--db", &db]].concat()));
    }
    insta::assert_snapshot!(text, @"
    $ issues --fields title,status,event_count -o tsv
    title	status	event_count
    TimeoutError: no answer	open	1
    --- exit 0
    $ issues resolve latest
    --- stderr
    resolved 1203  TimeoutError: no answer
    --- exit 0
    $ issues --all --fields title,status,event_count -o tsv
    title	status	event_count
    TimeoutError: no answer	resolved	1
    --- exit 0
    $ keys list
    --- exit 0
    $ list -q
    000000000000000000000000000000b2
    000000000000000000000000000000a1
    --- exit 0
    $ clear --dry-run
    --- stderr
    error: an msgtrace file can only be read
    hint: bring its records into a tracehub database: tracehub import msgtrace.db --db traces.db
    --- exit 2
    ");
}
