//! The contract of [`tracehub::store::Backend`] where it speaks of scans: every record once and in order, whatever its
//! size and whatever happens meanwhile.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tracehub::model::{
    Attributes, Batch, Checkpoint, Cursor, Direction, LogRecord, Nanos, Record, RecordFilter, RecordKind, Span, SpanId,
    Text, TraceId, Value,
};
use tracehub::store::Chunk;
use tracehub::store::sqlite::{Options, Sqlite};

use super::Fixture;
use super::traces::{scan_all, span, spans, trace_id, whole, write};
use crate::support::whole::Whole as _;

pub async fn a_scan_yields_every_record_once_in_commit_order(fixture: Fixture) {
    let mut cursor = None;
    let mut seen = Vec::new();
    for trace in 0..30 {
        write(&fixture, spans(trace, 3)).await;
        if trace % 4 == 3 {
            let chunk = fixture.backend.scan(&RecordFilter::default(), cursor.as_ref(), 5, Duration::ZERO).await;
            let chunk = chunk.expect("scanned");
            seen.extend(chunk.batch.spans);
            cursor = Some(chunk.next);
        }
    }
    loop {
        let chunk = fixture.backend.scan(&RecordFilter::default(), cursor.as_ref(), 5, Duration::ZERO).await;
        let chunk = chunk.expect("scanned");
        seen.extend(chunk.batch.spans);
        cursor = Some(chunk.next);
        if chunk.at_end {
            break;
        }
    }
    let traces: Vec<TraceId> = seen.chunks(3).map(|write| write[0].trace_id.clone()).collect();
    assert_eq!(traces, (0..30).map(trace_id).collect::<Vec<_>>());
    let distinct: BTreeSet<(TraceId, SpanId)> = seen.iter().map(|span| (span.trace_id.clone(), span.span_id)).collect();
    assert_eq!((seen.len(), distinct.len()), (90, 90));
}

pub async fn a_scan_keeps_to_its_filter(fixture: Fixture) {
    for trace in 0..12 {
        write(&fixture, spans(trace, 4)).await;
    }
    let one = RecordFilter { trace: Some(trace_id(7)), ..RecordFilter::default() };
    let mut found = scan_all(&fixture, &one, 1).await;
    found.sort_by_key(|span| span.start);
    assert_eq!(found, spans(7, 4));
    let none = RecordFilter { kind: Some(RecordKind::Logs), ..RecordFilter::default() };
    assert_eq!(scan_all(&fixture, &none, 100).await, []);
    let early = RecordFilter { ended_before: Some(whole(6, 4).summary.end), ..RecordFilter::default() };
    let ended = |trace: &u8| whole(*trace, 4).summary.end < whole(6, 4).summary.end;
    assert_eq!(scan_all(&fixture, &early, 100).await.len(), 4 * (0..12).filter(ended).count());
}

pub async fn a_scan_with_nothing_new_waits_then_returns_a_valid_cursor(fixture: Fixture) {
    let wait = Duration::from_millis(80);
    let begin = std::time::Instant::now();
    let chunk = fixture.backend.scan(&RecordFilter::default(), None, 10, wait).await.expect("scanned");
    assert!(begin.elapsed() >= wait);
    assert!(chunk.batch.is_empty() && chunk.at_end);
    write(&fixture, spans(1, 2)).await;
    let chunk = fixture.backend.scan(&RecordFilter::default(), Some(&chunk.next), 10, wait).await.expect("scanned");
    assert_eq!(chunk.batch.spans.len(), 2);
}

pub async fn a_waiting_scan_sees_what_arrives(fixture: Fixture) {
    let backend = Arc::clone(&fixture.backend);
    let waiting = tokio::spawn(async move {
        backend.scan(&RecordFilter::default(), None, 10, Duration::from_secs(30)).await.expect("scanned")
    });
    tokio::task::yield_now().await;
    write(&fixture, spans(1, 2)).await;
    assert_eq!(waiting.await.expect("ran").batch.spans.len(), 2);
}

pub async fn a_scan_says_how_many_writes_were_removed_before_it_came_there(fixture: Fixture) {
    let all = RecordFilter::default();
    for trace in 0..3 {
        write(&fixture, spans(trace, 4)).await;
    }
    let behind = fixture.backend.place(&all, 0).await.expect("the end").expect("not the beginning");
    for trace in 3..9 {
        write(&fixture, spans(trace, 4)).await;
    }
    let end = fixture.backend.place(&all, 0).await.expect("the end").expect("not the beginning");
    let scan = async |from: Option<&Cursor>| {
        let (mut from, mut missed, mut spans) = (from.cloned(), 0, 0);
        loop {
            let chunk = fixture.backend.scan(&all, from.as_ref(), 3, Duration::ZERO).await.expect("a chunk");
            (missed, spans) = (missed + chunk.missed, spans + chunk.batch.spans.len());
            if chunk.at_end {
                return (missed, spans);
            }
            from = Some(chunk.next);
        }
    };
    assert_eq!(scan(Some(&behind)).await, (0, 24));
    fixture.backend.delete(&all, false).await.expect("deleted");
    assert_eq!(scan(Some(&behind)).await, (6, 0));
    write(&fixture, spans(9, 4)).await;
    assert_eq!(scan(Some(&behind)).await, (6, 4));
    assert_eq!(scan(Some(&end)).await, (0, 4));
    // Whoever begins at the beginning wants what there is.
    assert_eq!(scan(None).await, (0, 4));
}

pub async fn a_time_leads_to_what_was_received_since(fixture: Fixture) {
    let after = async |received: Nanos| {
        let cursor = fixture.backend.cursor_at(received).await.expect("a place");
        let chunk = fixture.backend.scan(&RecordFilter::default(), Some(&cursor), 1_000, Duration::ZERO).await;
        chunk.expect("scanned").batch.spans.len()
    };
    assert_eq!(after(Nanos(u64::MAX)).await, 0);
    let mut times = vec![Nanos::now()];
    for trace in 0..4 {
        write(&fixture, spans(trace, 12)).await;
        times.push(Nanos::now());
    }
    for (written, time) in times.iter().enumerate() {
        assert_eq!(after(*time).await, 48 - written * 12);
    }
    assert_eq!((after(Nanos(0)).await, after(Nanos(u64::MAX)).await), (48, 0));
}

/// Some time in November 2023.
const THEN: u64 = 1_700_000_000_000_000_000;
const MEGABYTE: usize = 1 << 20;
/// A chunk holds no more than this, unless it is a single record.
const MOST_BYTES: usize = 8 * MEGABYTE;

fn text(number: u64, length: usize) -> Text {
    Text::from(format!("{number} {}", "✓ words ".repeat(length / 10)))
}

/// Of every seven one is small; traces come by turns.
fn length(number: u64) -> usize {
    if number.is_multiple_of(7) { 10 } else { MEGABYTE }
}

fn large_span(number: u64) -> Span {
    let attributes = Attributes(vec![(Text::from("body"), Value::String(text(number, length(number))))]);
    // The later it was sent, the earlier it began.
    Span { start: Nanos(THEN + 1_000_000_000 - number), attributes, ..span((number % 3) as u8, number) }
}

fn large_log(number: u64) -> LogRecord {
    LogRecord {
        time: Nanos(THEN + 1_000 - number),
        message: text(number, length(number)),
        trace_id: (!number.is_multiple_of(4)).then(|| trace_id((number % 4) as u8)),
        ..LogRecord::default()
    }
}

fn large_checkpoint(number: u64) -> Checkpoint {
    Checkpoint {
        source_id: Text::from("MA"),
        correlation_id: Text::from(trace_id((number % 2) as u8).to_string()),
        trace_id: trace_id((number % 2) as u8),
        timestamp_ms: 1_795_246_123_000.0 - number as f64,
        suffix: Text::from(format!("x{number}")),
        direction: Direction::Enter,
        operation: Text::from("REST"),
        endpoint: Text::from("/"),
        data: Some(Text::from(format!(r#"{{"text":"{}"}}"#, text(number, length(number))))),
        hostname: Text::from("vm"),
        raw_line: None,
        project: Text::EMPTY,
    }
}

fn large_batch() -> Batch {
    large_batch_of(0..16)
}

fn large_batch_of(numbers: Range<u64>) -> Batch {
    Batch {
        spans: numbers.clone().map(large_span).collect(),
        logs: numbers.clone().map(large_log).collect(),
        checkpoints: numbers.map(large_checkpoint).collect(),
    }
}

fn bytes(batch: &Batch) -> usize {
    let spans = batch.spans.iter().cloned().map(Record::Span);
    let logs = batch.logs.iter().cloned().map(Record::Log);
    let checkpoints = batch.checkpoints.iter().cloned().map(Record::Checkpoint);
    spans.chain(logs).chain(checkpoints).map(|record| record.bytes()).sum()
}

/// The next chunk, which holds what it may.
async fn chunk(fixture: &Fixture, filter: &RecordFilter, after: Option<&Cursor>) -> Chunk {
    let chunk = fixture.backend.scan(filter, after, 10_000, Duration::ZERO).await.expect("scanned");
    assert!(chunk.at_end || !chunk.batch.is_empty(), "empty before the end");
    let (bytes, records) = (bytes(&chunk.batch), chunk.batch.len());
    assert!(bytes <= MOST_BYTES || records == 1, "{records} records of {bytes} bytes");
    assert_eq!(chunk.missed, 0);
    chunk
}

/// All chunks joined, and how many they were.
async fn chunks(fixture: &Fixture, filter: &RecordFilter, mut after: Option<Cursor>) -> (Batch, usize) {
    let (mut all, mut count) = (Batch::default(), 0);
    loop {
        let chunk = chunk(fixture, filter, after.as_ref()).await;
        all.spans.extend(chunk.batch.spans);
        all.logs.extend(chunk.batch.logs);
        all.checkpoints.extend(chunk.batch.checkpoints);
        count += 1;
        if chunk.at_end {
            return (all, count);
        }
        after = Some(chunk.next);
    }
}

fn sorted(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.trace_id.clone(), span.span_id));
    spans
}

pub async fn a_write_of_large_records_comes_in_chunks_of_some_megabytes(fixture: Fixture) {
    let value = |number: usize| (Text::from(format!("k{number}")), Value::String(text(99, MEGABYTE)));
    let huge = LogRecord { attributes: Attributes((0..12).map(value).collect()), ..LogRecord::default() };
    let (first, large, last) = (spans(9, 4), large_batch(), spans(11, 4));
    write(&fixture, first.clone()).await;
    fixture.backend.write(large.clone()).await.expect("written");
    fixture.backend.write(Batch { logs: vec![huge.clone()], ..Batch::default() }).await.expect("written");
    write(&fixture, last.clone()).await;
    let (all, count) = chunks(&fixture, &RecordFilter::default(), None).await;
    assert_eq!(sorted(all.spans), sorted([first, large.spans.clone(), last].concat()));
    assert!(all.logs == [large.logs.clone(), vec![huge.clone()]].concat(), "the order they were sent in");
    assert!(all.checkpoints == large.checkpoints, "the order they were sent in");
    assert!((7..=9).contains(&count), "{count} chunks of 53 megabytes");
    let of_kind = RecordFilter { kind: Some(RecordKind::Logs), ..RecordFilter::default() };
    let (logs, _) = chunks(&fixture, &of_kind, None).await;
    assert!(logs.logs == all.logs && logs.spans.is_empty());
    let of_trace = RecordFilter { trace: Some(trace_id(1)), ..RecordFilter::default() };
    let (of_trace, _) = chunks(&fixture, &of_trace, None).await;
    let is_of_trace = |log: &&LogRecord| log.trace_id == Some(trace_id(1));
    assert!(of_trace.logs.iter().eq(all.logs.iter().filter(is_of_trace)));
    assert_eq!((of_trace.spans.len(), of_trace.checkpoints.len()), (5, 8));
}

pub async fn chunks_within_a_write_are_exact_though_records_of_it_are_removed(fixture: Fixture) {
    let large = large_batch();
    fixture.backend.write(large.clone()).await.expect("written");
    let first = chunk(&fixture, &RecordFilter::default(), None).await;
    assert!(!first.batch.spans.is_empty() && first.batch.spans.len() < large.spans.len(), "not within the write");
    for removed in [2, 1] {
        let filter = RecordFilter { trace: Some(trace_id(removed)), ..RecordFilter::default() };
        fixture.backend.delete(&filter, false).await.expect("deleted");
    }
    let stays = |id: Option<&TraceId>| id.is_none_or(|id| ![trace_id(2), trace_id(1)].contains(id));
    let (rest, _) = chunks(&fixture, &RecordFilter::default(), Some(first.next)).await;
    let told: BTreeSet<SpanId> = first.batch.spans.iter().map(|span| span.span_id).collect();
    let expected = large.spans.iter().filter(|span| stays(Some(&span.trace_id)) && !told.contains(&span.span_id));
    assert_eq!(sorted(rest.spans), sorted(expected.cloned().collect()));
    assert!(rest.checkpoints.iter().eq(large.checkpoints.iter().filter(|one| stays(Some(&one.trace_id)))));
    let logs: Vec<&LogRecord> = large.logs.iter().filter(|log| stays(log.trace_id.as_ref())).collect();
    assert!(rest.logs.iter().eq(logs.iter().copied()));
    // The same within the log records.
    let of_logs = RecordFilter { kind: Some(RecordKind::Logs), ..RecordFilter::default() };
    fixture.backend.delete(&RecordFilter::default(), false).await.expect("deleted");
    fixture.backend.write(large.clone()).await.expect("written");
    let first = chunk(&fixture, &of_logs, None).await;
    let told = first.batch.logs.len();
    assert!((7..10).contains(&told), "{told} log records in the first chunk");
    let filter = RecordFilter { trace: Some(trace_id(1)), ..RecordFilter::default() };
    fixture.backend.delete(&filter, false).await.expect("deleted");
    let (rest, _) = chunks(&fixture, &of_logs, Some(first.next)).await;
    let expected = large.logs[told..].iter().filter(|log| log.trace_id != Some(trace_id(1)));
    assert!(rest.logs.iter().eq(expected));
}

#[tokio::test]
async fn a_segment_too_large_to_be_decoded_at_once_is_scanned_like_the_writes_it_came_of() {
    let folder = tempfile::tempdir().expect("temp dir");
    let store = Sqlite::open_for_writing(folder.path().join("a.db"), Options::default()).await.expect("opened");
    let fixture = Fixture { backend: Arc::clone(&store) as _, _guard: Box::new(folder) };
    for begin in [0, 16, 32] {
        let batch = Batch { checkpoints: Vec::new(), ..large_batch_of(begin..begin + 16) };
        fixture.backend.write(batch).await.expect("written");
    }
    let filters = [
        RecordFilter::default(),
        RecordFilter { trace: Some(trace_id(1)), ..RecordFilter::default() },
        // Log records without a trace, and nothing else.
        RecordFilter { ended_before: Some(Nanos(THEN + 980)), ..RecordFilter::default() },
    ];
    let mut waiting = Vec::new();
    for filter in &filters {
        waiting.push(chunks(&fixture, filter, None).await);
    }
    store.seal_now().await.expect("sealed");
    for (filter, (waiting, most)) in filters.iter().zip(waiting) {
        let (mut cursor, mut logs, mut spans, mut count) = (None, Vec::new(), Vec::new(), 0);
        loop {
            let chunk = fixture.backend.scan(filter, cursor.as_ref(), 10_000, Duration::ZERO).await.expect("scanned");
            assert!(bytes(&chunk.batch) <= MOST_BYTES);
            logs.extend(chunk.batch.logs);
            spans.extend(chunk.batch.spans);
            count += 1;
            if chunk.at_end {
                break;
            }
            cursor = Some(chunk.next);
        }
        assert!(logs == waiting.logs && !logs.is_empty(), "{filter:?}");
        assert_eq!(sorted(spans), sorted(waiting.spans));
        // What a filter leaves out of a chunk is not made up for.
        assert!(count <= most + 8, "{count} chunks instead of {most}");
    }
}
