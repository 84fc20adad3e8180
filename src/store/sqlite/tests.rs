//! What only this backend promises: what survives, what is refused, and that nothing depends on when it was sealed.

mod damage;
mod files;
mod filters;
mod full_disk;
mod model;
mod scans;
mod schemas;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::model::{
    Attributes, Batch, Checkpoint, Cursor, Direction, IssueId, IssueQuery, Kind, Nanos, Page, Record, RecordFilter,
    RecordKind, Removed, Resource, Retention, Scope, Sort, Span, SpanId, StatsQuery, Status, StatusCode, Text,
    TimeBounds, Trace, TraceFold, TraceId, TraceQuery, TraceSummary, Written,
};
use crate::store::sqlite::*;
use crate::store::{Feed, Issues, Keys, MOST_CHUNK_BYTES, Sink};

fn span(trace: u8, number: u64) -> Span {
    let mut raw = [7; 16];
    raw[0] = trace;
    let service = if number.is_multiple_of(3) { "shop" } else { "billing" };
    let code = if number.is_multiple_of(5) { StatusCode::Error } else { StatusCode::Unset };
    Span {
        trace_id: TraceId::Otel(raw),
        span_id: SpanId((number + 1).to_be_bytes()),
        parent_span_id: (!number.is_multiple_of(4)).then(|| SpanId((number / 4 * 4 + 1).to_be_bytes())),
        trace_state: Text::EMPTY,
        flags: 1,
        name: Text::from(format!("step {}", number % 7)),
        kind: Kind::Internal,
        start: Nanos(1_700_000_000_000_000_000 + 1_000_000 * (1 + u64::from(trace)) + number * 10),
        end: Nanos(1_700_000_000_000_000_000 + 1_000_000 * (1 + u64::from(trace)) + number * 10 + 500),
        attributes: [("order", number as i64)].into_iter().collect(),
        dropped_attributes: 0,
        events: Vec::new(),
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: Status { code, message: Text::EMPTY },
        resource: Arc::new(Resource::new([("service.name", service)].into_iter().collect::<Attributes>())),
        scope: Arc::new(Scope::default()),
    }
}

fn spans(trace: u8, count: u64) -> Vec<Span> {
    (0..count).map(|number| span(trace, number)).collect()
}

struct Place {
    _folder: TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().expect("temp dir");
    let path = folder.path().join("t.db");
    Place { _folder: folder, path }
}

/// Seals only when told to, a few records at a time.
const SMALL: Tuning = Tuning {
    seal_records: 10,
    seal_age: Duration::from_secs(3_600),
    most_unsealed: 1_000_000,
    queue_bytes: 64 << 20,
    most_pages: None,
    question_timeout: Duration::from_secs(30),
    find_space: file::disk::space,
    most_log_bytes: 512 << 20,
    chunk_bytes: MOST_CHUNK_BYTES,
    decoded_bytes: 32 << 20,
};

async fn open_small(path: &Path) -> Arc<Sqlite> {
    // Waiting for the disk is not what these tests are about.
    let options = Options { durability: Durability::Os, ..Options::default() };
    Sqlite::open_tuned(path.to_owned(), options, SMALL).await.expect("opened")
}

async fn write(store: &Sqlite, spans: Vec<Span>) -> Written {
    store.write(Batch::of_spans(spans)).await.expect("written")
}

async fn all(store: &dyn Backend) -> Page<TraceSummary> {
    store.traces(&TraceQuery::default()).await.expect("listed")
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_drop_without_close() {
    let place = place();
    let store = open_small(&place.path).await;
    write(&store, spans(1, 25)).await;
    write(&store, spans(2, 5)).await;
    drop(store);
    let store = open_small(&place.path).await;
    assert_eq!(all(&*store).await.total, Some(2));
    let trace = store.trace(&span(1, 0).trace_id).await.expect("read").expect("there");
    assert_eq!(trace.spans, Trace::new(span(1, 0).trace_id, spans(1, 25), vec![], vec![]).expect("spans").spans);
}

#[tokio::test]
async fn what_a_killed_process_acknowledged_is_in_its_log() {
    let place = place();
    let store = open_small(&place.path).await;
    // A reader that stays keeps the log from being emptied, so what lies on disk is what a kill would leave.
    let reader = file::open::open_for_reading(&place.path).expect("opened");
    let snapshot = reader.unchecked_transaction().expect("begun");
    tables::inbox::backlog(&snapshot).expect("read");
    write(&store, spans(1, 25)).await;
    write(&store, spans(2, 5)).await;
    for (name, mode) in [("read.db", Mode::Read), ("write.db", Mode::Write)] {
        let copy = place.path.with_file_name(name);
        fs::copy(&place.path, &copy).expect("copied");
        fs::copy(file::files::beside(&place.path, "-wal"), file::files::beside(&copy, "-wal")).expect("copied");
        let found = open(copy, mode).await.expect("opened");
        assert_eq!(all(&*found).await, all(&*store).await, "{mode:?}");
        assert_eq!(found.trace(&span(1, 0).trace_id).await.expect("read").map(|trace| trace.spans.len()), Some(25));
    }
}

#[tokio::test]
async fn closing_leaves_one_file_and_an_unheld_lock() {
    let place = place();
    let store = open_small(&place.path).await;
    write(&store, spans(1, 3)).await;
    all(&*store).await;
    store.close().await.expect("closed");
    assert!(!file::files::beside(&place.path, "-wal").exists() && !file::files::beside(&place.path, "-shm").exists());
    assert_eq!(lock::owner(&place.path), None);
    assert!(matches!(store.write(Batch::of_spans(spans(1, 1))).await, Err(Error::Closed)));
    assert!(matches!(store.traces(&TraceQuery::default()).await, Err(Error::Closed)));
    store.close().await.expect("closing twice is fine");
}

#[tokio::test]
async fn a_second_writer_is_refused_while_readers_come_and_go() {
    let place = place();
    let store = open_small(&place.path).await;
    let refused = Sqlite::open_for_writing(place.path.clone(), Options::default()).await.expect_err("held");
    assert!(matches!(&refused, Error::Locked(why) if why.contains(&std::process::id().to_string())), "{refused}");
    write(&store, spans(1, 3)).await;
    let reader = open(place.path.clone(), Mode::Read).await.expect("opened");
    assert!(reader.info().read_only);
    write(&store, spans(2, 3)).await;
    store.seal_now().await.expect("sealed");
    assert_eq!(all(&*reader).await, all(&*store).await);
    let sink = reader.sink().expect("one that is not to be used");
    for refused in [
        sink.write(Batch::of_spans(spans(3, 1))).await.map(|_| ()),
        sink.delete(&RecordFilter::default(), false).await.map(|_| ()),
        sink.prune(&Retention { received_before: Nanos(0) }, 1).await.map(|_| ()),
    ] {
        assert!(matches!(refused, Err(Error::ReadOnly)));
    }
}

#[tokio::test]
async fn a_full_queue_is_busy_and_a_write_larger_than_it_still_passes_alone() {
    let place = place();
    let tuning = Tuning { queue_bytes: 600, ..SMALL };
    let store = Sqlite::open_tuned(place.path.clone(), Options::default(), tuning).await.expect("opened");
    assert_eq!(write(&store, spans(1, 100)).await.accepted, 100);
    let many = (2..40).map(|trace| store.write(Batch::of_spans(spans(trace, 20))));
    let results = futures::future::join_all(many).await;
    let refused = results.iter().filter(|result| matches!(result, Err(Error::Busy))).count();
    assert!(refused > 0 && refused < 38, "{refused}");
    assert_eq!(all(&*store).await.total, Some(1 + 38 - refused as u64));
}

#[tokio::test]
async fn a_full_disk_is_said_so_costs_nothing_acknowledged_and_passes() {
    let place = place();
    let tuning = Tuning { most_pages: Some(40), ..SMALL };
    let store = Sqlite::open_tuned(place.path.clone(), Options::default(), tuning).await.expect("opened");
    let mut stored = 0;
    let error = loop {
        let batch =
            (0..200).map(|number| Span { name: Text::from(noise(stored, number)), ..span(stored, number) }).collect();
        match store.write(Batch::of_spans(batch)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::DiskFull), "{error:?}");
    assert!(stored > 0);
    assert_eq!(all(&*store).await.total, Some(u64::from(stored)));
    store.delete(&RecordFilter::default(), false).await.expect("deleted");
    assert_eq!(write(&store, spans(200, 3)).await.accepted, 3);
}

/// Text that does not compress.
fn noise(seed: u8, number: u64) -> String {
    (0..20_u64)
        .map(|part| {
            format!(
                "{:016x}",
                xxhash_rust::xxh3::xxh3_64(&[u64::from(seed), number, part].map(u64::to_le_bytes).concat())
            )
        })
        .collect()
}

#[tokio::test]
async fn a_record_sent_again_is_recognised_after_sealing_and_reopening() {
    let place = place();
    let store = open_small(&place.path).await;
    write(&store, spans(1, 15)).await;
    store.seal_now().await.expect("sealed");
    write(&store, spans(2, 5)).await;
    store.close().await.expect("closed");
    let store = open_small(&place.path).await;
    assert_eq!(write(&store, spans(1, 20)).await, Written { accepted: 5, duplicates: 15 });
    assert_eq!(write(&store, spans(2, 5)).await, Written { accepted: 0, duplicates: 5 });
    assert_eq!(all(&*store).await.items.iter().map(|trace| trace.span_count).sum::<u64>(), 25);
}

#[tokio::test]
async fn what_was_removed_can_be_written_again() {
    let place = place();
    let store = open_small(&place.path).await;
    write(&store, spans(1, 15)).await;
    store.seal_now().await.expect("sealed");
    write(&store, spans(2, 5)).await;
    let one = RecordFilter { trace: Some(span(1, 0).trace_id), ..RecordFilter::default() };
    assert_eq!(
        store.delete(&one, false).await.expect("deleted"),
        Removed { traces: 1, spans: 15, ..Removed::default() }
    );
    assert_eq!(write(&store, spans(1, 15)).await.accepted, 15);
    let everything = Retention { received_before: Nanos(u64::MAX) };
    assert_eq!(store.prune(&everything, usize::MAX).await.expect("pruned").spans, 20);
    assert_eq!(write(&store, spans(2, 5)).await.accepted, 5);
}

#[tokio::test]
async fn retention_is_written_into_the_file_and_stays() {
    let place = place();
    let options = Options { retention: Some(Duration::from_secs(7_200)), ..Options::default() };
    let store = Sqlite::open_for_writing(place.path.clone(), options).await.expect("opened");
    store.close().await.expect("closed");
    let store = open_small(&place.path).await;
    let stats = store.stats(&StatsQuery::default()).await.expect("stats");
    assert_eq!(stats.database.retention_seconds, Some(7_200));
    assert_eq!(stats.database.location, place.path.canonicalize().expect("there").display().to_string());
}

#[tokio::test]
async fn times_that_cannot_be_are_kept_exactly_and_the_trace_is_of_when_it_was_received() {
    let place = place();
    let store = open_small(&place.path).await;
    let at = |trace: u8, start: u64| Span { start: Nanos(start), end: Nanos(u64::MAX), ..span(trace, 0) };
    let starts = [u64::MAX - 5, u64::MAX, i64::MAX as u64, 0];
    let before = Nanos::now();
    for (trace, start) in (1..).zip(starts) {
        write(&store, vec![at(trace, start)]).await;
    }
    let received = before..=Nanos::now();
    for _ in 0..2 {
        let page = all(&*store).await;
        let ids = page.items.iter().map(|trace| trace.trace_id.clone()).collect::<Vec<_>>();
        assert_eq!(ids, [4, 3, 2, 1].map(|trace| span(trace, 0).trace_id), "the last one received first");
        assert!(page.items.iter().all(|trace| received.contains(&trace.start) && trace.duration_ns() == 0));
        let first = TraceQuery { limit: 1, ..TraceQuery::default() };
        let next = store.traces(&first).await.expect("listed").next;
        let second = TraceQuery { cursor: next, ..first };
        assert_eq!(store.traces(&second).await.expect("listed").items[0].trace_id, ids[1]);
        for ((trace, start), listed) in (1..).zip(starts).zip(page.items.iter().rev()) {
            let whole = store.trace(&span(trace, 0).trace_id).await.expect("read").expect("stored");
            assert_eq!((whole.spans[0].start.0, whole.spans[0].end.0), (start, u64::MAX));
            assert_eq!(whole.summary, *listed, "show says what the list says");
        }
        store.seal_now().await.expect("sealed");
    }
}

/// One step of a random history.
#[derive(Debug, Clone)]
enum Step {
    Write(Vec<(u8, u64)>),
    Seal,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec((0..5_u8, 0..30_u64), 1..25).prop_map(Step::Write),
        2 => Just(Step::Seal),
        1 => Just(Step::Reopen),
    ]
}

async fn live(path: &Path, steps: &[Step]) -> (Arc<Sqlite>, std::collections::BTreeSet<(u8, u64)>) {
    let mut store = open_small(path).await;
    let mut distinct = std::collections::BTreeSet::new();
    for step in steps {
        match step {
            Step::Write(records) => {
                let before = distinct.len();
                distinct.extend(records.iter().copied());
                let new = (distinct.len() - before) as u64;
                let written =
                    write(&store, records.iter().map(|(trace, number)| span(*trace, *number)).collect()).await;
                assert_eq!(written, Written { accepted: new, duplicates: records.len() as u64 - new });
            }
            Step::Seal => store.seal_now().await.expect("sealed"),
            Step::Reopen => {
                drop(store);
                store = open_small(path).await;
            }
        }
    }
    (store, distinct)
}

fn wait_for<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime").block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_the_distinct_records_however_they_came(steps in prop::collection::vec(step(), 1..25)) {
        let place = place();
        wait_for(async {
            let (store, distinct) = live(&place.path, &steps).await;
            let mut traces: Vec<Trace> = Vec::new();
            for number in 0..5 {
                let spans: Vec<Span> = distinct.iter().filter(|(trace, _)| *trace == number).map(|(trace, number)| span(*trace, *number)).collect();
                let id = span(number, 0).trace_id;
                let expected = Trace::new(id.clone(), spans, vec![], vec![]);
                let found = store.trace(&id).await.expect("read");
                assert_eq!(found, expected);
                traces.extend(expected);
            }
            for sort in [Sort::Start, Sort::Duration, Sort::Spans, Sort::Errors] {
                let mut summaries: Vec<TraceSummary> = traces.iter().map(|trace| trace.summary.clone()).collect();
                let key = |trace: &TraceSummary| match sort {
                    Sort::Start => trace.start.0,
                    Sort::Duration => trace.duration_ns(),
                    Sort::Spans => trace.span_count,
                    Sort::Errors => trace.error_count,
                    Sort::Received => 0,
                };
                summaries.sort_by(|a, b| (key(b), b.start, &a.trace_id).cmp(&(key(a), a.start, &b.trace_id)));
                let page = store.traces(&TraceQuery { sort, ..TraceQuery::default() }).await.expect("listed");
                assert_eq!(page.items, summaries);
            }
            let stats = store.stats(&StatsQuery::default()).await.expect("stats");
            assert_eq!((stats.traces, stats.spans), (traces.len() as u64, distinct.len() as u64));
            assert_eq!(stats.operations.iter().map(|row| row.calls).sum::<u64>(), distinct.len() as u64);
            let scanned = scan_all(&store, 7).await;
            assert_eq!(scanned.len(), distinct.len());
            is_sound(&place.path);
            let removed = store.delete(&RecordFilter::default(), true).await.expect("counted");
            assert_eq!((removed.traces, removed.spans), (traces.len() as u64, distinct.len() as u64));
            let mut left = store.trace(&span(0, 0).trace_id).await.expect("read").map_or(0, |trace| trace.spans.len());
            let one = RecordFilter { trace: Some(span(0, 0).trace_id), ..RecordFilter::default() };
            assert_eq!(store.delete(&one, false).await.expect("deleted").spans, left as u64);
            left = distinct.len() - left;
            assert_eq!(store.stats(&StatsQuery::default()).await.expect("stats").spans, left as u64);
            assert_eq!(store.prune(&Retention { received_before: Nanos(u64::MAX) }, usize::MAX).await.expect("pruned").spans, left as u64);
            assert_eq!(all(&*store).await.total, Some(0));
            is_sound(&place.path);
        });
    }
}

/// SQLite finds nothing wrong, and the running totals are those of the table.
fn is_sound(path: &Path) {
    let connection = file::open::open_for_reading(path).expect("opened");
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(found, "ok");
    let sql =
        "SELECT count(*), COALESCE(sum(errors > 0), 0), COALESCE(sum(spans), 0), COALESCE(sum(errors), 0) FROM traces";
    let snapshot = connection.unchecked_transaction().expect("begun");
    let counted: [i64; 4] =
        snapshot.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])).expect("counted");
    let totals = tables::traces::totals(&snapshot).expect("read");
    assert_eq!([totals.traces, totals.failed, totals.spans, totals.errors].map(|total| total as i64), counted);
}

async fn scan_all(store: &Sqlite, most: usize) -> Vec<Span> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let chunk = store.scan(&RecordFilter::default(), cursor.as_ref(), most, Duration::ZERO).await.expect("scanned");
        found.extend(chunk.batch.spans);
        if chunk.at_end {
            return found;
        }
        cursor = Some(chunk.next);
    }
}

#[tokio::test]
async fn a_scan_survives_sealing_and_merging_under_its_feet() {
    let place = place();
    let store = open_small(&place.path).await;
    let mut cursor = None;
    let mut found = Vec::new();
    for round in 0..30_u8 {
        write(&store, spans(round, 4)).await;
        write(&store, spans(round + 100, 3)).await;
        if round % 3 == 0 {
            store.seal_now().await.expect("sealed");
        }
        let chunk = store.scan(&RecordFilter::default(), cursor.as_ref(), 5, Duration::ZERO).await.expect("scanned");
        found.extend(chunk.batch.spans.iter().map(|span| (span.trace_id.clone(), span.span_id)));
        cursor = Some(chunk.next);
    }
    loop {
        let chunk = store.scan(&RecordFilter::default(), cursor.as_ref(), 5, Duration::ZERO).await.expect("scanned");
        found.extend(chunk.batch.spans.iter().map(|span| (span.trace_id.clone(), span.span_id)));
        cursor = Some(chunk.next);
        if chunk.at_end {
            break;
        }
    }
    assert_eq!(found.len(), 30 * 7);
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 30 * 7);
}

#[tokio::test]
async fn folds_in_the_table_equal_the_sealed_records() {
    let place = place();
    let store = open_small(&place.path).await;
    for part in 0..6 {
        write(&store, (part * 5..part * 5 + 5).map(|number| span(1, number)).collect()).await;
        store.seal_now().await.expect("sealed");
    }
    store.close().await.expect("closed");
    let connection = file::open::open_for_reading(&place.path).expect("opened");
    let stored = tables::traces::find(&connection, &span(1, 0).trace_id).expect("read").expect("there");
    let mut fold = TraceFold::default();
    spans(1, 30).iter().for_each(|span| fold.add_span(span, &TimeBounds::ALL));
    assert_eq!(stored.fold, fold);
    assert_eq!(tables::inbox::backlog(&connection).expect("read").0, 0);
}

fn checkpoint(correlation_id: &str, number: u64) -> Checkpoint {
    Checkpoint {
        source_id: Text::from(format!("S{}", number % 3)),
        correlation_id: Text::from(correlation_id),
        trace_id: TraceId::parse(correlation_id).expect("valid"),
        timestamp_ms: 1_795_246_123_000.0 + number as f64 / 8.0,
        suffix: Text::from(format!("x{}", number % 4)),
        direction: if number.is_multiple_of(2) { Direction::Enter } else { Direction::Exit },
        operation: Text::from("REST"),
        endpoint: Text::from("/api/agents"),
        data: number.is_multiple_of(5).then(|| Text::from(format!("{{\"n\":{number}}}"))),
        hostname: Text::from("vm"),
        raw_line: None,
        project: Text::EMPTY,
    }
}

async fn write_checkpoints(store: &Sqlite, checkpoints: Vec<Checkpoint>) -> Written {
    store.write(Batch { checkpoints, ..Batch::default() }).await.expect("written")
}

#[tokio::test]
async fn a_checkpoint_is_a_duplicate_as_long_as_it_is_stored_whatever_happened_since() {
    let place = place();
    let all =
        || (0..40).map(|number| checkpoint(if number < 20 { "req-1" } else { "req-2" }, number)).collect::<Vec<_>>();
    let store = open_small(&place.path).await;
    assert_eq!(write_checkpoints(&store, all()).await, Written { accepted: 40, duplicates: 0 });
    store.seal_now().await.expect("sealed");
    assert_eq!(write_checkpoints(&store, all()).await, Written { accepted: 0, duplicates: 40 });
    store.close().await.expect("closed");
    let store = open_small(&place.path).await;
    assert_eq!(write_checkpoints(&store, all()).await, Written { accepted: 0, duplicates: 40 });
    let other_source = Checkpoint { source_id: Text::from("other"), ..checkpoint("req-1", 7) };
    assert_eq!(write_checkpoints(&store, vec![other_source]).await, Written { accepted: 0, duplicates: 1 });
    let gone = RecordFilter { trace: Some(checkpoint("req-1", 0).trace_id), ..RecordFilter::default() };
    assert_eq!(store.delete(&gone, false).await.expect("deleted").checkpoints, 20);
    assert_eq!(write_checkpoints(&store, all()).await, Written { accepted: 20, duplicates: 20 });
}

#[tokio::test]
async fn repetitions_in_a_trace_too_long_to_read_back_are_recognised_by_their_times() {
    let place = place();
    let store = Sqlite::open_for_writing(place.path.clone(), Options::default()).await.expect("opened");
    let all: Vec<Checkpoint> = (0..12_000).map(|number| checkpoint("-", number)).collect();
    assert_eq!(write_checkpoints(&store, all.clone()).await.accepted, 12_000);
    store.seal_now().await.expect("sealed");
    store.close().await.expect("closed");
    let store = Sqlite::open_for_writing(place.path.clone(), Options::default()).await.expect("opened");
    let mut again = all[5_000..5_100].to_vec();
    again.push(checkpoint("-", 20_000));
    assert_eq!(write_checkpoints(&store, again).await, Written { accepted: 1, duplicates: 100 });
}

#[tokio::test]
async fn a_dry_run_needs_no_right_to_write() {
    let place = place();
    let store = open_small(&place.path).await;
    write(&store, spans(1, 20)).await;
    let reader = Sqlite::open_for_reading(place.path.clone()).await.expect("opened");
    assert_eq!(reader.delete(&RecordFilter::default(), true).await.expect("counted").spans, 20);
    assert!(matches!(reader.delete(&RecordFilter::default(), false).await, Err(Error::ReadOnly)));
}
