//! What happens when the disk is full, and when readers keep the log: what is refused, what still works, what stays.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::store::sqlite::file::disk::Space;

const MEBIBYTE: u64 = 1 << 20;

/// Spans of which one takes about a kibibyte, whatever compresses it.
fn heavy(trace: u8, count: u64) -> Vec<Span> {
    let name = |number| {
        Text::from(format!("{}{}{}", noise(trace, number), noise(trace, number + 1_000), noise(trace, number + 2_000)))
    };
    (0..count).map(|number| Span { name: name(number), ..span(trace, number) }).collect()
}

#[tokio::test]
async fn records_are_refused_while_little_room_is_left_and_everything_else_goes_on() {
    static FREE: AtomicU64 = AtomicU64::new(100 * MEBIBYTE);
    let find_space = |_: &Path| {
        Some(Space { free_bytes: FREE.load(Ordering::Relaxed), total_bytes: 4_000 * MEBIBYTE, is_limited: false })
    };
    let place = place();
    let tuning = Tuning { find_space, ..SMALL };
    let store = Sqlite::open_tuned(place.path.clone(), Options::default(), tuning).await.expect("opened");
    write(&store, spans(1, 30)).await;
    FREE.store(10 * MEBIBYTE, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for _ in 0..3 {
        assert!(matches!(store.write(Batch::of_spans(spans(2, 3))).await, Err(Error::DiskFull)));
    }
    assert_eq!(all(&*store).await.total, Some(1));
    store.seal_now().await.expect("sealed");
    let one = RecordFilter { trace: Some(span(1, 0).trace_id), ..RecordFilter::default() };
    assert_eq!(store.delete(&one, false).await.expect("deleted").spans, 30);
    FREE.store(100 * MEBIBYTE, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(write(&store, spans(2, 3)).await.accepted, 3);
}

#[tokio::test]
async fn a_file_that_may_not_grow_can_be_emptied_pruned_and_opened_again() {
    for everything in [true, false] {
        let place = place();
        let tuning = Tuning { most_pages: Some(80), ..SMALL };
        let store = Sqlite::open_tuned(place.path.clone(), Options::default(), tuning).await.expect("opened");
        let mut stored = 0;
        while store.write(Batch::of_spans(heavy(stored, 50))).await.is_ok() {
            stored += 1;
        }
        store.close().await.expect("closed");
        let store = Sqlite::open_tuned(place.path.clone(), Options::default(), tuning).await.expect("opened again");
        assert_eq!(all(&*store).await.total, Some(u64::from(stored)));
        let removed = match everything {
            true => store.delete(&RecordFilter::default(), false).await.expect("deleted"),
            false => store.prune(&Retention { received_before: Nanos(u64::MAX) }, usize::MAX).await.expect("pruned"),
        };
        assert_eq!((removed.traces, removed.spans), (u64::from(stored), u64::from(stored) * 50));
        assert_eq!(store.write(Batch::of_spans(heavy(200, 50))).await.expect("written").accepted, 50);
    }
}

#[tokio::test]
async fn what_somebody_removes_is_nowhere_in_the_file_nor_in_its_log() {
    let place = place();
    let store = open_small(&place.path).await;
    for trace in 0..6 {
        write(&store, heavy(trace, 60)).await;
        store.seal_now().await.expect("sealed");
    }
    // Of so many characters that none of those it waits in is a repetition.
    let text = |trace: u8| -> Vec<u8> {
        noise(trace, 7).as_bytes().chunks(2).take(24).map(|pair| 33 + (pair[0] ^ (pair[1] << 1)) % 90).collect()
    };
    let named = |trace: u8| {
        let name = Text::from(String::from_utf8(text(trace)).expect("text"));
        vec![Span { name, ..span(trace, 0) }]
    };
    for trace in 10..14 {
        write(&store, named(trace)).await;
    }
    let is_in_file = |sought: &[u8]| {
        ["", "-wal", "-shm"].iter().any(|suffix| {
            let bytes = fs::read(file::files::beside(&place.path, suffix)).unwrap_or_default();
            memchr::memmem::find(&bytes, sought).is_some()
        })
    };
    // What is sealed is compressed, so its bytes are looked for instead of its words.
    let sealed = |traces: std::ops::Range<u8>| -> Vec<Vec<u8>> {
        let connection = file::open::open_for_reading(&place.path).expect("opened");
        let sql = "SELECT data FROM segment_columns JOIN segments ON segment = segments.id
                   WHERE first_seq BETWEEN ?1 AND ?2 AND length(data) > 10000";
        let bounds = [i64::from(traces.start) + 1, i64::from(traces.end)];
        let columns = sql::all(&connection, sql, bounds, |row| Ok(row.get::<_, Vec<u8>>(0)?)).expect("read");
        columns.iter().map(|data| data[5_000..5_040].to_vec()).collect()
    };
    let (third, others) = (sealed(3..4), sealed(4..6));
    assert!(!third.is_empty() && third.iter().chain(&others).all(|bytes| is_in_file(bytes)));
    assert!(is_in_file(&text(11)) && is_in_file(&text(12)));
    for (trace, spans) in [(3, 60), (11, 1)] {
        let one = RecordFilter { trace: Some(span(trace, 0).trace_id), ..RecordFilter::default() };
        assert_eq!(store.delete(&one, false).await.expect("deleted").spans, spans);
    }
    assert!(!third.iter().any(|bytes| is_in_file(bytes)) && !is_in_file(&text(11)));
    assert!(others.iter().all(|bytes| is_in_file(bytes)));
    write(&store, named(20)).await;
    assert!(is_in_file(&text(20)));
    store.delete(&RecordFilter::default(), false).await.expect("deleted");
    assert!(!others.iter().any(|bytes| is_in_file(bytes)) && !is_in_file(&text(12)) && !is_in_file(&text(20)));
    is_sound(&place.path);
}

#[tokio::test]
async fn a_reader_that_stays_is_named_and_no_log_grows_without_end() {
    let place = place();
    let tuning = Tuning { most_log_bytes: 2 * MEBIBYTE, ..SMALL };
    let store = Sqlite::open_tuned(place.path.clone(), Options::default(), tuning).await.expect("opened");
    write(&store, spans(1, 30)).await;
    let reader = file::open::open_for_reading(&place.path).expect("opened");
    let snapshot = reader.unchecked_transaction().expect("begun");
    tables::inbox::backlog(&snapshot).expect("read");
    let mut stored = 2;
    let refused = loop {
        match store.write(Batch::of_spans(heavy(stored, 100))).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(stored < 250, "the log grows without end");
    };
    let holder = format!("{refused}");
    assert!(matches!(refused, Error::LogHeld(_)), "{refused:?}");
    if cfg!(target_os = "linux") {
        assert!(holder.contains("this process reads an old state"), "{holder}");
    }
    assert!(refused.is_retryable());
    assert_eq!(all(&*store).await.total, Some(u64::from(stored) - 1));
    drop(snapshot);
    let again = async {
        while store.write(Batch::of_spans(heavy(stored, 100))).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again).await.expect("the log is emptied once nobody reads it");
    assert!(store.disk_use().expect("a file").log_bytes < 2 * MEBIBYTE);
}

#[tokio::test]
async fn a_question_ends_at_its_deadline_and_writing_goes_on() {
    let place = place();
    let tuning = Tuning { question_timeout: Duration::ZERO, ..SMALL };
    let store = Sqlite::open_tuned(place.path.clone(), Options::default(), tuning).await.expect("opened");
    for trace in 0..100 {
        write(&store, spans(trace, 2)).await;
    }
    store.seal_now().await.expect("sealed");
    for _ in 0..2 * 4 {
        assert!(matches!(store.traces(&TraceQuery::default()).await, Err(Error::TooSlow)));
        assert!(matches!(store.stats(&StatsQuery::default()).await, Err(Error::TooSlow)));
    }
    assert_eq!(write(&store, spans(200, 3)).await.accepted, 3);
    store.close().await.expect("closed");
    let reader = Sqlite::open_for_reading(place.path.clone()).await.expect("opened");
    assert_eq!(all(&*reader).await.total, Some(101));
}
