//! Databases earlier versions of tracehub wrote, as they lay there after the server was killed: some records sealed, the
//! others waiting. What such a version cannot have written is in the tests of the store.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use tracehub::model::{Batch, Checkpoint, IssueQuery, RecordFilter, StatsQuery, Text, Trace, TraceId, TraceQuery};
use tracehub::store::{self, Backend, Mode, Target};

use crate::support::Home;
use crate::support::whole::Whole as _;

/// The database of a schema: the checkpoints and the log record of `sealed-1` and a span that failed are sealed, the
/// checkpoints and the log record of `waiting-1` wait. In that of schema 4 the log records are of no trace.
fn database(home: &Home, schema: u32) -> PathBuf {
    let name = format!("tests/it/data/ours/schema-{schema}.db.zst");
    let compressed = fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a fixture");
    let path = home.file("earlier.db");
    fs::write(&path, zstd::decode_all(compressed.as_slice()).expect("compressed")).expect("written");
    path
}

async fn open(path: &Path, mode: Mode) -> Arc<dyn Backend> {
    store::open(&Target::File(path.to_owned()), mode).await.expect("opened")
}

async fn checkpoints(store: &dyn Backend, id: &str) -> Vec<Checkpoint> {
    let trace = store.trace(&TraceId::parse(id).expect("an id")).await.expect("read");
    trace.map(|trace| trace.checkpoints).unwrap_or_default()
}

#[test]
fn what_an_earlier_version_wrote_is_read_as_it_is() {
    let home = Home::new();
    let db = database(&home, 3).display().to_string();
    let before = fs::read(&db).expect("readable");
    let fields = "trace_id,kinds,services,status,span_count,checkpoint_count,log_count";
    insta::assert_snapshot!(home.run(&["list", "--db", &db, "--fields", fields, "-o", "tsv"]), @"
    trace_id	kinds	services	status	span_count	checkpoint_count	log_count
    waiting-1	checkpoints;logs	MA;shop	error	0	2	1
    4bf92f3577b34da6a3ce929d0e0e4736	spans	shop	ok	1	0	0
    sealed-1	checkpoints;logs	MA;shop	error	0	2	1
    --- exit 0
    ");
    insta::assert_snapshot!(home.run(&["issues", "--db", &db, "--fields", "title,service,event_count", "-o", "tsv"]), @"
    title	service	event_count
    Boom: boom	shop	2
    PayError: no funds	shop	1
    --- exit 0
    ");
    assert_eq!(home.run(&["list", "-q", "--project", "shop", "--db", &db]).data(), "");
    let shown = home.run(&["show", "waiting-1", "--db", &db, "--json"]).json();
    assert_eq!(
        (shown["checkpoints"][0]["project"].clone(), &shown["checkpoints"][0]["data"]["n"]),
        (Json::Null, &Json::from(1))
    );
    assert_eq!(home.run(&["status", "--db", &db, "--json"]).json()["database"]["damaged_rows"], 0);
    assert_eq!(fs::read(&db).expect("readable"), before, "not a byte changed");
}

/// In this one the log records are of no trace, and all came with a key of the project `shop`.
#[test]
fn what_was_written_when_checkpoints_had_projects_is_read_as_it_is() {
    let home = Home::new();
    let db = database(&home, 4).display().to_string();
    let before = fs::read(&db).expect("readable");
    let fields = "trace_id,kinds,services,status,span_count,checkpoint_count,log_count";
    insta::assert_snapshot!(home.run(&["list", "--db", &db, "--fields", fields, "-o", "tsv"]), @"
    trace_id	kinds	services	status	span_count	checkpoint_count	log_count
    sealed-1	checkpoints	MA	ok	0	2	0
    waiting-1	checkpoints	MA	ok	0	2	0
    4bf92f3577b34da6a3ce929d0e0e4736	spans	shop	error	1	0	0
    --- exit 0
    ");
    assert_eq!(home.run(&["list", "-q", "--project", "shop", "--db", &db]).data().lines().count(), 3);
    let shown = home.run(&["show", "waiting-1", "--db", &db, "--json"]).json();
    assert_eq!(shown["checkpoints"][0]["project"], "shop");
    assert_eq!(home.run(&["status", "--db", &db, "--json"]).json()["database"]["damaged_rows"], 0);
    assert_eq!(fs::read(&db).expect("readable"), before, "not a byte changed");
}

#[tokio::test]
async fn checkpoints_of_before_projects_and_of_after_lie_side_by_side() {
    let home = Home::new();
    let path = database(&home, 3);
    let store = open(&path, Mode::Write).await;
    let (sealed, waiting) = (checkpoints(&*store, "sealed-1").await, checkpoints(&*store, "waiting-1").await);
    assert_eq!((sealed.len(), waiting.len()), (2, 2));
    let again = Batch { checkpoints: [sealed.clone(), waiting.clone()].concat(), ..Batch::default() };
    let mut new = again.clone();
    new.assign_project(&Text::from_static("shop"));
    for checkpoint in &mut new.checkpoints {
        checkpoint.suffix = Text::from(format!("{} new", checkpoint.suffix));
    }
    assert_eq!(store.write(again).await.expect("written").duplicates, 4);
    assert_eq!(store.write(new).await.expect("written").accepted, 4);
    store.close().await.expect("closed");
    let store = open(&path, Mode::Read).await;
    for (id, old) in [("sealed-1", sealed), ("waiting-1", waiting)] {
        let found = checkpoints(&*store, id).await;
        let (of_shop, of_none): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.project == "shop");
        assert_eq!((of_shop.len(), of_none), (2, old), "{id}");
    }
    let query = TraceQuery { project: Some("shop".to_owned()), limit: 0, ..TraceQuery::default() };
    assert_eq!(store.traces(&query).await.expect("listed").total, Some(2));
}

#[tokio::test]
async fn errors_an_earlier_version_counted_are_not_counted_again() {
    for schema in [3, 4] {
        let home = Home::new();
        let path = database(&home, schema);
        let mut counts = Vec::new();
        for mode in [Mode::Read, Mode::Write, Mode::Write, Mode::Read] {
            let store = open(&path, mode).await;
            let issues = store.list_issues(&IssueQuery::default()).await.expect("listed").items;
            counts.push(issues.iter().map(|issue| issue.event_count).sum::<u64>());
            store.close().await.expect("closed");
        }
        assert_eq!(counts, [3; 4]);
    }
}

#[tokio::test]
async fn a_file_that_cannot_name_damage_learns_to_and_keeps_what_it_holds() {
    for schema in [3, 4] {
        let home = Home::new();
        let path = database(&home, schema);
        let tampered = rusqlite::Connection::open(&path).expect("opened");
        let sql = "UPDATE inbox SET payload = x'00' WHERE kind = 2";
        assert_eq!(tampered.execute(sql, []).expect("damaged"), 1);
        drop(tampered);
        let reader = open(&path, Mode::Read).await;
        assert_eq!(reader.stats(&StatsQuery::totals()).await.expect("counted").database.damaged_rows, Some(1));
        assert_eq!(checkpoints(&*reader, "waiting-1").await.len(), 2);
        reader.close().await.expect("closed");
        let store = open(&path, Mode::Write).await;
        assert_eq!(store.damaged_rows().await, Some(1));
        for id in ["sealed-1", "waiting-1"] {
            assert_eq!(checkpoints(&*store, id).await.len(), 2, "schema {schema}, {id}");
        }
        store.close().await.expect("closed");
    }
}

/// All traces of a store, by their ids.
async fn traces(store: &dyn Backend) -> BTreeMap<String, Trace> {
    let mut found = BTreeMap::new();
    let query = TraceQuery { limit: 1_000, ..TraceQuery::default() };
    for summary in store.traces(&query).await.expect("listed").items {
        let trace = store.trace(&summary.trace_id).await.expect("read").expect("there");
        found.insert(summary.trace_id.to_string(), trace);
    }
    found
}

/// Spans with events and links are among them, sealed and waiting, in the form they had before strings were templates, and
/// the rows of traces are found through an index over all ids.
#[tokio::test]
async fn a_file_of_the_fifth_schema_is_read_as_it_is_and_keeps_all_it_holds_when_it_is_brought_up_to_date() {
    let home = Home::new();
    let path = database(&home, 5);
    let before = fs::read(&path).expect("readable");
    let reader = open(&path, Mode::Read).await;
    let as_it_was = traces(&*reader).await;
    assert_eq!(as_it_was.len(), 13);
    let spans = || as_it_was.values().flat_map(|trace| &trace.spans);
    assert_eq!((spans().count(), spans().map(|span| span.events.len()).sum::<usize>()), (33, 2));
    assert_eq!(spans().map(|span| span.links.len()).sum::<usize>(), 11);
    let by_prefix =
        TraceQuery { id_prefix: Some("4bf92f3577b34da6a3ce929d0e0e470".into()), limit: 0, ..TraceQuery::default() };
    assert_eq!(reader.traces(&by_prefix).await.expect("listed").total, Some(8));
    reader.close().await.expect("closed");
    assert_eq!(fs::read(&path).expect("readable"), before, "not a byte changed");

    let store = open(&path, Mode::Write).await;
    assert_eq!(traces(&*store).await, as_it_was);
    for trace in as_it_was.values() {
        let (spans, checkpoints, logs) = (trace.spans.clone(), trace.checkpoints.clone(), trace.logs.clone());
        let count = (spans.len() + checkpoints.len() + logs.len()) as u64;
        let again = store.write(Batch { spans, checkpoints, logs }).await.expect("written");
        assert_eq!((again.accepted, again.duplicates), (0, count), "{}", trace.summary.trace_id);
    }
    // What waits is sealed before something is removed.
    let filter = RecordFilter { trace: Some(TraceId::parse("waiting-1").expect("an id")), ..RecordFilter::default() };
    assert_eq!(store.delete(&filter, false).await.expect("removed").checkpoints, 2);
    store.close().await.expect("closed");
    let reader = open(&path, Mode::Read).await;
    let mut left = as_it_was;
    left.remove("waiting-1");
    assert_eq!(traces(&*reader).await, left);
    assert_eq!(reader.traces(&by_prefix).await.expect("listed").total, Some(8));
    assert_eq!(reader.stats(&StatsQuery::totals()).await.expect("counted").database.damaged_rows, Some(0));
}
