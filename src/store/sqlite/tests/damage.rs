//! Damaged rows of every table: each costs itself and nothing else, whoever meets it, and it is said.

use super::*;
use crate::model::{Key, RateLimit};
use crate::store::sqlite::tables::damaged;

/// Changes the file behind the back of whoever has it open.
fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).expect("opened");
    connection.busy_timeout(Duration::from_secs(5)).expect("set");
    connection.execute_batch(sql).expect(sql);
}

fn id(trace: u8) -> TraceId {
    span(trace, 0).trace_id
}

async fn ids(store: &dyn Backend) -> Vec<TraceId> {
    let mut ids: Vec<TraceId> = all(store).await.items.into_iter().map(|trace| trace.trace_id).collect();
    ids.sort();
    ids
}

/// Every question about a file in which only trace 2 is damaged is answered from the other traces.
async fn answers_without_second(store: &Sqlite, spans_each: u64, damage: &str) {
    assert_eq!(ids(store).await, [id(1), id(3)], "{damage}");
    let totals = store.stats(&StatsQuery::totals()).await.expect("totals");
    assert_eq!((totals.traces, totals.spans, totals.database.damaged_rows), (2, 2 * spans_each, Some(1)));
    let stats = store.stats(&StatsQuery::default()).await.expect("stats");
    assert_eq!((stats.traces, stats.spans), (2, 2 * spans_each));
    for trace in [1, 3] {
        let found = store.trace(&id(trace)).await.expect("read").expect("there");
        assert_eq!(found.spans.len() as u64, spans_each);
    }
    assert_eq!(scan_all(store, 7).await.len() as u64, 2 * spans_each);
    let ended = RecordFilter { ended_before: Some(Nanos(u64::MAX)), ..RecordFilter::default() };
    for filter in [ended, RecordFilter::default()] {
        let removed = store.delete(&filter, true).await.expect("counted");
        assert_eq!((removed.traces, removed.spans), (2, 2 * spans_each));
    }
    let named = TraceQuery { attributes: vec![("order".to_owned(), "1".to_owned())], ..TraceQuery::default() };
    assert_eq!(store.traces(&named).await.expect("listed").total, Some(2));
}

const DAMAGED_ROWS: [&str; 13] = [
    "payload = substr(payload, 1, 20) || x'ff' || substr(payload, 22)",
    "payload = zeroblob(length(payload))",
    "payload = x''",
    "payload = 'text'",
    "folds = substr(folds, 1, 20) || x'ff' || substr(folds, 22)",
    "folds = x''",
    "folds = 7",
    "kind = 9",
    "kind = 1",
    "count = -1",
    "count = 9223372036854775807",
    "count = 2",
    "received_ns = 'yesterday'",
];

#[tokio::test]
async fn a_row_that_does_not_say_when_its_records_are_is_damaged_to_who_reads_them() {
    for damage in ["min_start_ns = 1", "max_end_ns = max_end_ns + 1"] {
        let place = place();
        let store = open_small(&place.path).await;
        for trace in 1..=3 {
            write(&store, spans(trace, 3)).await;
        }
        store.close().await.expect("closed");
        tamper(&place.path, &format!("UPDATE inbox SET {damage} WHERE seq = 2"));
        let reader = Sqlite::open_for_reading(place.path.clone()).await.expect(damage);
        assert_eq!(scan_all(&reader, 7).await.len(), 6);
        assert_eq!(reader.warnings().len(), 1, "{damage}");
        answers_without_second(&*open_small(&place.path).await, 3, damage).await;
    }
}

#[tokio::test]
async fn a_damaged_row_of_the_inbox_costs_only_itself_and_is_put_aside_by_who_writes() {
    for damage in DAMAGED_ROWS {
        let place = place();
        let store = open_small(&place.path).await;
        for trace in 1..=3 {
            write(&store, spans(trace, 3)).await;
        }
        store.close().await.expect("closed");
        tamper(&place.path, &format!("UPDATE inbox SET {damage} WHERE seq = 2"));
        let before = fs::read(&place.path).expect("read");
        let reader = Sqlite::open_for_reading(place.path.clone()).await.expect(damage);
        answers_without_second(&reader, 3, damage).await;
        let warnings = reader.warnings();
        assert!(warnings.len() == 1 && warnings[0].text.contains("write 2"), "{damage}: {warnings:?}");
        assert!(reader.trace(&id(2)).await.expect("looked up").is_none());
        assert_eq!((reader.warnings(), reader.damaged_rows().await), (warnings, Some(0)), "one call sees none");
        reader.close().await.expect("closed");
        assert_eq!(fs::read(&place.path).expect("read"), before, "who reads changes nothing");

        let store = open_small(&place.path).await;
        answers_without_second(&store, 3, damage).await;
        assert_eq!((store.warnings(), store.damaged_rows().await), (vec![], Some(1)), "{damage}");
        assert_eq!(write(&store, spans(2, 3)).await, Written { accepted: 3, duplicates: 0 }, "{damage}");
        store.seal_now().await.expect("sealed");
        assert_eq!(ids(&*store).await, [id(1), id(2), id(3)], "{damage}");
        is_sound(&place.path);
        let one = RecordFilter { trace: Some(id(1)), ..RecordFilter::default() };
        assert_eq!(store.delete(&one, false).await.expect("deleted").spans, 3);
        assert_eq!(store.damaged_rows().await, Some(1));
        let everything = Retention { received_before: Nanos(u64::MAX) };
        assert_eq!(store.prune(&everything, usize::MAX).await.expect("pruned").spans, 6);
        assert_eq!(store.damaged_rows().await, Some(0), "it goes with its retention");
    }
}

#[tokio::test]
async fn what_was_put_aside_keeps_its_payload_and_its_reason_and_goes_with_everything() {
    let place = place();
    let store = open_small(&place.path).await;
    write(&store, spans(1, 3)).await;
    store.close().await.expect("closed");
    tamper(&place.path, "UPDATE inbox SET payload = x'0102', received_ns = 77");
    let store = open_small(&place.path).await;
    let connection = file::open::open_for_reading(&place.path).expect("opened");
    let sql = "SELECT seq, kind, received_ns, payload, why FROM damaged";
    let row = connection
        .query_row(sql, [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, Vec<u8>>(3)?))
        })
        .expect("there");
    assert_eq!(row, (1, 0, 77, vec![1, 2]));
    store.delete(&RecordFilter::default(), false).await.expect("deleted");
    assert_eq!((store.damaged_rows().await, damaged::stored(&connection).expect("counted")), (Some(0), 0));
}

#[tokio::test]
async fn a_row_damaged_in_use_stops_neither_sealing_nor_writing() {
    for damage in DAMAGED_ROWS {
        let place = place();
        let store = open_small(&place.path).await;
        for trace in 1..=3 {
            write(&store, spans(trace, 3)).await;
        }
        tamper(&place.path, &format!("UPDATE inbox SET {damage} WHERE seq = 2"));
        store.seal_now().await.expect(damage);
        let connection = file::open::open_for_reading(&place.path).expect("opened");
        assert_eq!(tables::inbox::backlog(&connection).expect("read").0, 0, "{damage}");
        if damage != "count = 2" {
            answers_without_second(&store, 3, damage).await;
            assert_eq!(write(&store, spans(2, 3)).await.accepted, 3, "{damage}");
        }
        is_sound(&place.path);
    }
}

#[tokio::test]
async fn a_row_that_only_a_reader_met_is_put_aside_too() {
    let place = place();
    let store = open_small(&place.path).await;
    for trace in 1..=3 {
        write(&store, spans(trace, 3)).await;
    }
    tamper(&place.path, "UPDATE inbox SET payload = x'00' WHERE seq = 2");
    assert_eq!(ids(&*store).await, [id(1), id(3)]);
    // Tasks are done in turn, so what the reader asked for is done before this.
    store.prune(&Retention { received_before: Nanos(0) }, 1).await.expect("pruned");
    answers_without_second(&store, 3, "").await;
}

/// Three traces in a segment each.
async fn three_segments(path: &Path) -> Arc<Sqlite> {
    let store = open_small(path).await;
    for trace in 1..=3 {
        write(&store, spans(trace, 3)).await;
        store.seal_now().await.expect("sealed");
    }
    store
}

const DAMAGED_SEGMENTS: [&str; 6] = [
    "UPDATE segment_columns SET data = zeroblob(length(data)) WHERE segment = 2 AND name LIKE '%'",
    "DELETE FROM segment_columns WHERE segment = 2",
    "UPDATE segments SET blocks = x'01' WHERE id = 2",
    "UPDATE segments SET arrivals = x'ff' WHERE id = 2",
    "UPDATE segments SET arrivals = 'text', blocks = 3, trace_filter = 4, services = x'00' WHERE id = 2",
    "UPDATE segments SET rows = 'many' WHERE id = 2",
];

#[tokio::test]
async fn a_damaged_segment_costs_only_the_traces_in_it_and_goes_with_its_retention() {
    for damage in DAMAGED_SEGMENTS {
        let place = place();
        three_segments(&place.path).await.close().await.expect("closed");
        tamper(&place.path, damage);
        let reader = Sqlite::open_for_reading(place.path.clone()).await.expect(damage);
        assert_eq!(ids(&*reader).await, [id(1), id(2), id(3)], "{damage}");
        assert_eq!(scan_all(&reader, 7).await.len(), 6, "{damage}");
        let stats = reader.stats(&StatsQuery::default()).await.expect(damage);
        assert_eq!(stats.traces, 3, "{damage}");
        for trace in [1, 3] {
            assert_eq!(reader.trace(&id(trace)).await.expect("read").expect("there").spans.len(), 3);
        }
        let warnings = reader.warnings();
        assert!(warnings.len() == 1 && warnings[0].text.contains("segment 2"), "{damage}: {warnings:?}");
        reader.close().await.expect("closed");

        let store = open_small(&place.path).await;
        for trace in 10..60 {
            write(&store, spans(trace, 3)).await;
            store.seal_now().await.expect(damage);
        }
        assert_eq!(write(&store, spans(3, 3)).await.duplicates, 3, "{damage}");
        let one = RecordFilter { trace: Some(id(1)), ..RecordFilter::default() };
        assert_eq!(store.delete(&one, false).await.expect(damage).spans, 3);
        let of_damaged = RecordFilter { trace: Some(id(2)), ..RecordFilter::default() };
        store.delete(&of_damaged, false).await.expect(damage);
        assert_eq!(scan_all(&store, 7).await.len(), 3 + 150, "{damage}");
        assert_eq!(store.damaged_rows().await, Some(1), "{damage}");
        store.prune(&Retention { received_before: Nanos(u64::MAX) }, usize::MAX).await.expect(damage);
        assert_eq!((ids(&*store).await, store.damaged_rows().await), (vec![], Some(0)), "{damage}");
        is_sound(&place.path);
    }
}

#[tokio::test]
async fn a_trace_whose_records_are_damaged_is_not_said_to_be_missing() {
    let place = place();
    three_segments(&place.path).await.close().await.expect("closed");
    tamper(&place.path, DAMAGED_SEGMENTS[0]);
    let reader = Sqlite::open_for_reading(place.path.clone()).await.expect("opened");
    let error = reader.trace(&id(2)).await.expect_err("damaged").to_string();
    assert!(error.contains("segment 2"), "{error}");
    assert!(reader.trace(&id(7)).await.expect("looked up").is_none());
    let store = open_small(&place.path).await;
    write(&store, vec![span(2, 100)]).await;
    assert_eq!(store.trace(&id(2)).await.expect("read").expect("what is left").spans.len(), 1);
}

/// What one flipped bit, or a change of one, can make of a row of the table of traces.
fn flips() -> Vec<String> {
    let numbers = ["start_ns", "end_ns", "spans", "checkpoints", "logs", "errors", "received_s"];
    let mut flips: Vec<String> = numbers
        .into_iter()
        .flat_map(|column| [1_u64, 1 << 20, 1 << 40].map(|bit| format!("{column} = {column} + {bit}")))
        .collect();
    for byte in 0..16 {
        let TraceId::Otel(mut raw) = id(2) else { continue };
        raw[byte] ^= 0x80 >> (byte % 8);
        let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        flips.push(format!("trace_id = x'{hex}'"));
    }
    flips.extend(["trace_id = 'text'", "trace_id = 5", "trace_id = x''", "fold = x''"].map(str::to_owned));
    flips.extend(
        (1..40).step_by(3).map(|at| format!("fold = substr(fold, 1, {at}) || x'a5' || substr(fold, {})", at + 2)),
    );
    flips
}

#[tokio::test]
async fn no_flip_in_the_table_of_traces_is_silent_and_who_writes_mends_it() {
    let place = place();
    let store = three_segments(&place.path).await;
    let whole = all(&*store).await;
    for flip in flips() {
        let sql = format!("UPDATE traces SET {flip} WHERE trace_id = x'{}'", "02".to_owned() + &"07".repeat(15));
        tamper(&place.path, &sql);
        let reader = Sqlite::open_for_reading(place.path.clone()).await.expect("opened");
        let found = all(&*reader).await;
        assert_eq!(found.items.len(), 2, "{flip}");
        assert!(found.items.iter().all(|trace| whole.items.contains(trace)), "{flip}");
        assert_eq!(reader.warnings().len(), 1, "{flip}");
        let shown = reader.trace(&id(2)).await.expect("read").expect("its records are whole");
        assert_eq!(shown.spans.len(), 3, "{flip}");
        let stats = reader.stats(&StatsQuery::default()).await.expect("stats");
        assert_eq!(stats.operations.iter().map(|row| row.calls).sum::<u64>(), 6, "{flip}");
        reader.close().await.expect("closed");

        assert_eq!(all(&*store).await.items.len(), 2, "{flip}");
        store.prune(&Retention { received_before: Nanos(0) }, 1).await.expect("pruned");
        assert_eq!(all(&*store).await, whole, "{flip} is mended");
        is_sound(&place.path);
    }
}

#[tokio::test]
async fn sealing_more_of_a_trace_whose_row_is_damaged_mends_the_row() {
    let place = place();
    let store = three_segments(&place.path).await;
    tamper(&place.path, "UPDATE traces SET spans = 99 WHERE spans = 3");
    write(&store, vec![span(2, 100)]).await;
    store.seal_now().await.expect("sealed");
    assert_eq!(store.trace(&id(2)).await.expect("read").expect("there").spans.len(), 4);
    assert_eq!(all(&*store).await.items.iter().map(|trace| trace.span_count).sum::<u64>(), 10);
    is_sound(&place.path);
}

#[tokio::test]
async fn damaged_values_about_the_file_are_made_anew() {
    for damage in [
        "UPDATE meta SET value = 'x' WHERE key IN ('traces', 'failed', 'spans', 'errors')",
        "DELETE FROM meta WHERE key IN ('traces', 'spans')",
        "UPDATE meta SET value = -3 WHERE key = 'spans'",
        "INSERT OR REPLACE INTO meta VALUES ('uncounted_from', 'x'), ('retention_seconds', 'long'), ('database_id', 5)",
    ] {
        let place = place();
        three_segments(&place.path).await.close().await.expect("closed");
        tamper(&place.path, damage);
        let reader = Sqlite::open_for_reading(place.path.clone()).await.expect(damage);
        for query in [StatsQuery::totals(), StatsQuery::default()] {
            let stats = reader.stats(&query).await.expect(damage);
            assert_eq!((stats.traces, stats.spans), (3, 9), "{damage}");
        }
        assert_eq!(all(&*reader).await.total, Some(3), "{damage}");
        assert_eq!(reader.warnings().len(), 1, "{damage}");
        let store = open_small(&place.path).await;
        write(&store, spans(4, 3)).await;
        store.seal_now().await.expect(damage);
        assert_eq!(store.stats(&StatsQuery::totals()).await.expect(damage).spans, 12);
        is_sound(&place.path);
        assert_eq!(store.warnings(), [], "{damage}");
    }
}

#[tokio::test]
async fn a_damaged_key_opens_nothing_and_costs_no_other() {
    let place = place();
    let store = open_small(&place.path).await;
    let key = |id: &str, digest: u8| Key {
        id: Text::from(id),
        project: Text::from("shop"),
        prefix: Text::from("th_abc"),
        digest: [digest; 32],
        scopes: vec![],
        limit: RateLimit::default(),
        created: Nanos(7),
        last_used: None,
        revoked: None,
    };
    for (id, digest) in [("a", 1), ("b", 2), ("c", 3)] {
        store.add_key(key(id, digest)).await.expect("added");
    }
    tamper(&place.path, "UPDATE keys SET digest = x'00' WHERE id = 'b'");
    let keys = store.list_keys().await.expect("listed");
    assert_eq!(keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert!(store.warnings()[0].text.contains("keys"), "{:?}", store.warnings());
}
