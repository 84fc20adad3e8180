//! The contract of [`tracehub::store::Backend`] where it speaks of checkpoints and log records, alone and beside spans.

use std::sync::Arc;
use std::time::Duration;

use tracehub::model::{
    Attributes, Batch, Checkpoint, Direction, LogRecord, Nanos, RecordFilter, RecordKind, Removed, Resource, Retention,
    Scope, Severity, Sort, Span, SpanId, StatsBy, StatsQuery, Text, Trace, TraceId, TraceQuery, Written,
};

use super::Fixture;
use crate::support::whole::Whole as _;

const OTEL: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn id(text: &str) -> TraceId {
    TraceId::parse(text).expect("valid")
}

/// Entry and exit by turns, 2.5 ms apart, of `S0`, `S1` and `S2`.
pub fn checkpoint(correlation_id: &str, number: u64) -> Checkpoint {
    Checkpoint {
        source_id: Text::from(format!("S{}", number / 2 % 3)),
        correlation_id: Text::from(correlation_id),
        trace_id: id(correlation_id),
        timestamp_ms: 1_795_246_123_000.125 + number as f64 * 2.5,
        suffix: Text::from(format!("x{number:02}")),
        direction: if number.is_multiple_of(2) { Direction::Enter } else { Direction::Exit },
        operation: Text::from("REST"),
        endpoint: Text::from("/api/agents"),
        data: number.is_multiple_of(5).then(|| Text::from(r#"{"binding_id":"123","u":"✓"}"#)),
        hostname: Text::from("vm"),
        raw_line: number.is_multiple_of(7).then(|| Text::from("10:00 -> /api/agents")),
        project: Text::EMPTY,
    }
}

fn checkpoints(correlation_id: &str, count: u64) -> Vec<Checkpoint> {
    (0..count).map(|number| checkpoint(correlation_id, number)).collect()
}

fn log(trace: Option<&str>, number: u64) -> LogRecord {
    let attributes: Attributes = [("order", number as i64)].into_iter().collect();
    LogRecord {
        time: Nanos(1_795_246_123_000_000_000 + number / 3 * 1_000_000),
        severity: if number.is_multiple_of(4) { Severity::Error } else { Severity::Info },
        message: Text::from(format!("line {number}")),
        trace_id: trace.map(id),
        span_id: number.is_multiple_of(2).then_some(SpanId([1; 8])),
        attributes,
        resource: Arc::new(Resource::new([("service.name", "billing"), ("zone", "eu")].into_iter().collect())),
        scope: Arc::new(Scope { name: Text::from("logging"), ..Scope::default() }),
        request: 0,
    }
}

fn logs(trace: Option<&str>, count: u64) -> Vec<LogRecord> {
    (0..count).map(|number| log(trace, number)).collect()
}

fn span(trace: &str) -> Span {
    Span {
        trace_id: id(trace),
        span_id: SpanId([1; 8]),
        parent_span_id: None,
        trace_state: Text::EMPTY,
        flags: 0,
        name: Text::from("GET /"),
        kind: tracehub::model::Kind::Server,
        start: Nanos(1_795_246_122_999_000_000),
        end: Nanos(1_795_246_123_020_000_000),
        attributes: Attributes::default(),
        dropped_attributes: 0,
        events: Vec::new(),
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: tracehub::model::Status::default(),
        resource: Arc::new(Resource::new([("service.name", "shop")].into_iter().collect())),
        scope: Arc::new(Scope::default()),
    }
}

async fn write(fixture: &Fixture, batch: Batch) -> Written {
    fixture.backend.write(batch).await.expect("written")
}

async fn write_checkpoints(fixture: &Fixture, checkpoints: Vec<Checkpoint>) -> Written {
    write(fixture, Batch { checkpoints, ..Batch::default() }).await
}

async fn write_logs(fixture: &Fixture, logs: Vec<LogRecord>) -> Written {
    write(fixture, Batch { logs, ..Batch::default() }).await
}

async fn names(fixture: &Fixture, query: TraceQuery) -> Vec<String> {
    let page = fixture.backend.traces(&query).await.expect("listed");
    page.items.iter().map(|trace| trace.trace_id.to_string()).collect()
}

async fn scan_all(fixture: &Fixture, filter: &RecordFilter, most: usize) -> Batch {
    let (mut found, mut cursor) = (Batch::default(), None);
    loop {
        let chunk = fixture.backend.scan(filter, cursor.as_ref(), most, Duration::ZERO).await.expect("scanned");
        found.spans.extend(chunk.batch.spans);
        found.checkpoints.extend(chunk.batch.checkpoints);
        found.logs.extend(chunk.batch.logs);
        if chunk.at_end {
            return found;
        }
        cursor = Some(chunk.next);
    }
}

fn of_kind(kind: RecordKind) -> RecordFilter {
    RecordFilter { kind: Some(kind), ..RecordFilter::default() }
}

pub async fn records_of_all_kinds_join_in_their_trace(fixture: Fixture) {
    let batch = Batch { spans: vec![span(OTEL)], checkpoints: checkpoints(OTEL, 9), logs: logs(Some(OTEL), 7) };
    assert_eq!(write(&fixture, batch.clone()).await, Written { accepted: 17, duplicates: 0 });
    assert_eq!(write(&fixture, batch).await, Written { accepted: 0, duplicates: 17 });
    write_checkpoints(&fixture, checkpoints("req/with slash", 3)).await;
    let expected = Trace::new(id(OTEL), vec![span(OTEL)], checkpoints(OTEL, 9), logs(Some(OTEL), 7)).expect("records");
    assert_eq!(expected.summary.kinds, RecordKind::ALL);
    let found = fixture.backend.trace(&id(OTEL)).await.expect("read").expect("there");
    assert_eq!(found, expected);
    let page = fixture.backend.traces(&TraceQuery::default()).await.expect("listed");
    assert_eq!((page.total, page.failed), (Some(2), Some(1)));
    assert!(page.items.contains(&expected.summary));
    let open = page.items.iter().find(|trace| trace.trace_id == id("req/with slash")).expect("listed");
    assert!(!open.complete && open.checkpoint_count == 3);
}

pub async fn a_checkpoint_is_known_by_correlation_id_time_and_suffix(fixture: Fixture) {
    let twice = [checkpoints("req-1", 6), checkpoints("req-1", 6)].concat();
    assert_eq!(write_checkpoints(&fixture, twice).await, Written { accepted: 6, duplicates: 6 });
    let same = Checkpoint { source_id: Text::from("other"), endpoint: Text::from("/"), ..checkpoint("req-1", 2) };
    assert_eq!(write_checkpoints(&fixture, vec![same]).await, Written { accepted: 0, duplicates: 1 });
    let others = vec![
        Checkpoint { suffix: Text::from("other"), ..checkpoint("req-1", 2) },
        Checkpoint { timestamp_ms: checkpoint("req-1", 2).timestamp_ms.next_up(), ..checkpoint("req-1", 2) },
        checkpoint("req-2", 2),
    ];
    assert_eq!(write_checkpoints(&fixture, others).await, Written { accepted: 3, duplicates: 0 });
    let trace = fixture.backend.trace(&id("req-1")).await.expect("read").expect("there");
    assert_eq!((trace.checkpoints.len(), trace.summary.checkpoint_count), (8, 8));
    assert_eq!(trace.checkpoints[3], checkpoint("req-1", 2), "by time, then suffix; the first one stays");
}

pub async fn equal_log_records_of_one_write_are_kept_and_the_write_sent_again_is_not(fixture: Fixture) {
    for trace in [None, Some("req-1")] {
        let batch = vec![log(trace, 1), log(trace, 1), log(trace, 2)];
        assert_eq!(write_logs(&fixture, batch.clone()).await, Written { accepted: 3, duplicates: 0 });
        assert_eq!(write_logs(&fixture, batch).await, Written { accepted: 0, duplicates: 3 });
        let other = LogRecord { message: Text::from("other"), ..log(trace, 1) };
        assert_eq!(write_logs(&fixture, vec![other, log(trace, 1)]).await, Written { accepted: 1, duplicates: 1 });
    }
    assert_eq!(scan_all(&fixture, &RecordFilter::default(), 2).await.logs.len(), 8);
}

pub async fn log_records_without_a_trace_are_kept_but_in_no_list(fixture: Fixture) {
    write_logs(&fixture, logs(None, 20)).await;
    write_logs(&fixture, logs(Some("req-1"), 4)).await;
    assert_eq!(names(&fixture, TraceQuery::default()).await, ["req-1"]);
    let stats = fixture.backend.stats(&StatsQuery::default()).await.expect("stats");
    assert_eq!((stats.traces, stats.logs, stats.errors, stats.services), (1, 24, 6, 1));
    assert_eq!(
        scan_all(&fixture, &of_kind(RecordKind::Logs), 3).await.logs,
        [logs(None, 20), logs(Some("req-1"), 4)].concat()
    );
    let early = RecordFilter { ended_before: Some(log(None, 9).time), ..RecordFilter::default() };
    let counted = fixture.backend.delete(&early, true).await.expect("counted");
    assert_eq!(counted, Removed { logs: 9 + 4, traces: 1, ..Removed::default() });
    assert_eq!(fixture.backend.delete(&early, false).await.expect("deleted"), counted);
    assert_eq!(scan_all(&fixture, &RecordFilter::default(), 3).await.logs, logs(None, 20)[9..]);
}

pub async fn traces_are_listed_by_kind_and_by_receipt(fixture: Fixture) {
    write(&fixture, Batch::of_spans(vec![span(OTEL)])).await;
    for name in ["b", "c", "a"] {
        write_checkpoints(&fixture, checkpoints(name, 4)).await;
    }
    write_logs(&fixture, logs(Some("logs"), 2)).await;
    let kind = |kind| TraceQuery { kind: Some(kind), ..TraceQuery::default() };
    assert_eq!(names(&fixture, kind(RecordKind::Spans)).await, [OTEL]);
    assert_eq!(names(&fixture, kind(RecordKind::Logs)).await, ["logs"]);
    // Waits for the next second, as receipt counts in seconds.
    let second = || Nanos::now().0 / 1_000_000_000;
    let begin = second();
    while second() == begin {}
    write_checkpoints(&fixture, checkpoints("c", 5)).await;
    write_checkpoints(&fixture, checkpoints("b", 4)).await;
    let by_receipt = |limit| TraceQuery { sort: Sort::Received, limit, ..kind(RecordKind::Checkpoints) };
    for limit in [0, 10] {
        assert_eq!(names(&fixture, by_receipt(limit)).await, ["c", "a", "b"], "a duplicate is no receipt");
    }
    let first = fixture.backend.traces(&by_receipt(2)).await.expect("listed");
    assert_eq!((first.items.len(), first.total), (2, Some(3)));
    assert_eq!(names(&fixture, TraceQuery { cursor: first.next, ..by_receipt(2) }).await, ["b"]);
}

pub async fn a_scan_of_one_kind_yields_it_in_the_order_it_was_sent(fixture: Fixture) {
    let mut sent: Vec<Checkpoint> = Vec::new();
    for round in 0..12 {
        let mut mixed =
            [checkpoints(&format!("req-{round}"), 3), checkpoints(&format!("req-{}", 30 - round), 2)].concat();
        mixed.reverse();
        sent.extend(mixed.clone());
        let number = format!("{:032x}", round + 1);
        write(&fixture, Batch { spans: vec![span(&number)], checkpoints: mixed, logs: logs(Some(&number), 2) }).await;
    }
    let found = scan_all(&fixture, &of_kind(RecordKind::Checkpoints), 4).await;
    assert_eq!(found.checkpoints, sent);
    assert!(found.spans.is_empty() && found.logs.is_empty());
    let one = RecordFilter { trace: Some(id("req-4")), ..of_kind(RecordKind::Checkpoints) };
    let of_one: Vec<Checkpoint> = sent.iter().filter(|one| one.trace_id == id("req-4")).cloned().collect();
    assert_eq!(scan_all(&fixture, &one, 1).await.checkpoints, of_one);
    let all = scan_all(&fixture, &RecordFilter::default(), 5).await;
    assert_eq!((all.spans.len(), all.checkpoints, all.logs.len()), (12, sent, 24));
}

pub async fn a_place_lies_before_the_newest_records(fixture: Fixture) {
    let filter = of_kind(RecordKind::Checkpoints);
    let scan_from = async |records| {
        let place = fixture.backend.place(&filter, records).await.expect("found");
        let chunk = fixture.backend.scan(&filter, place.as_ref(), 1_000, Duration::ZERO).await.expect("scanned");
        chunk.batch.checkpoints
    };
    assert_eq!(scan_from(5).await, []);
    for round in 0..9 {
        write_checkpoints(&fixture, checkpoints(&format!("req-{round}"), 4)).await;
        write_logs(&fixture, logs(None, 3)).await;
    }
    assert_eq!(scan_from(0).await, []);
    let newest = [checkpoints("req-7", 4), checkpoints("req-8", 4)].concat();
    assert!(scan_from(5).await.ends_with(&newest));
    assert_eq!(scan_from(1_000).await.len(), 36);
    let end = fixture.backend.place(&filter, 0).await.expect("found");
    let waiting = fixture.backend.scan(&filter, end.as_ref(), 10, Duration::from_secs(30));
    let later = async {
        write_logs(&fixture, logs(Some("other"), 3)).await;
        write_checkpoints(&fixture, checkpoints("late", 2)).await
    };
    let (chunk, _) = tokio::join!(waiting, later);
    assert_eq!(chunk.expect("scanned").batch.checkpoints, checkpoints("late", 2));
}

pub async fn stats_count_all_kinds_and_pair_checkpoints(fixture: Fixture) {
    for number in 0..13 {
        write_checkpoints(&fixture, vec![checkpoint("req-1", 12 - number)]).await;
    }
    write_checkpoints(&fixture, checkpoints("req-2", 6)).await;
    write(&fixture, Batch { spans: vec![span(OTEL)], logs: logs(Some(OTEL), 5), ..Batch::default() }).await;
    let stats = fixture.backend.stats(&StatsQuery::default()).await.expect("stats");
    assert_eq!((stats.traces, stats.spans, stats.checkpoints, stats.logs, stats.errors), (3, 1, 19, 5, 2));
    assert_eq!(stats.services, 5);
    let rows = async |by| {
        let rows = fixture.backend.stats(&StatsQuery { by, ..StatsQuery::default() }).await.expect("stats").operations;
        let name = |text: &Option<Text>| text.as_deref().unwrap_or("-").to_owned();
        let mut rows: Vec<String> = rows
            .iter()
            .map(|row| {
                let operation = &row.operation;
                let count = if by == StatsBy::Source { row.records } else { row.calls };
                format!("{} {} {count} {}", name(&operation.service), name(&operation.name), row.max_ns)
            })
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(
        rows(StatsBy::Operation).await,
        [
            "S0 REST /api/agents 3 2500000",
            "S1 REST /api/agents 3 2500000",
            "S2 REST /api/agents 3 2500000",
            "shop GET / 1 21000000"
        ]
    );
    assert_eq!(rows(StatsBy::Source).await, ["S0 - 7 2500000", "S1 - 6 2500000", "S2 - 6 2500000"]);
    let of_source = StatsQuery { service: Some("S0".into()), ..StatsQuery::default() };
    let stats = fixture.backend.stats(&of_source).await.expect("stats");
    assert_eq!((stats.checkpoints, stats.spans, stats.logs, stats.operations.len()), (7, 0, 0, 1));
}

pub async fn totals_alone_are_those_of_the_whole_statistics(fixture: Fixture) {
    let check = async |what: &str| {
        let stats = async |query| fixture.backend.stats(&query).await.expect("stats");
        let mut whole = stats(StatsQuery::default()).await;
        (whole.operations, whole.timeline) = (Vec::new(), None);
        let mut totals = stats(StatsQuery::totals()).await;
        // The file may grow in between.
        totals.database.size_bytes = whole.database.size_bytes;
        assert_eq!(totals, whole, "{what}");
        let since = StatsQuery { since: Some(span(OTEL).start), ..StatsQuery::totals() };
        let (some, query) = (stats(since.clone()).await, StatsQuery { by: StatsBy::Service, ..since });
        assert_eq!((some.operations.len(), some.timeline), (0, None), "{what}");
        assert_eq!(some.errors, stats(query).await.errors, "{what}");
    };
    check("nothing").await;
    for number in 0..9 {
        write_checkpoints(&fixture, checkpoints(&format!("order-{}", number % 4), number + 1)).await;
        write_logs(&fixture, logs(None, number + 1)).await;
        write_logs(&fixture, logs(Some(&format!("order-{}", number % 3)), number + 1)).await;
        write(&fixture, Batch::of_spans(vec![span(&format!("order-{}", number + 2)), span(OTEL)])).await;
        check("more of everything").await;
    }
    let early = Span { start: Nanos(5), span_id: SpanId([9; 8]), ..span("order-7") };
    let late = Span { start: Nanos(u64::MAX - 9), end: Nanos(u64::MAX - 3), ..span("late") };
    write(&fixture, Batch::of_spans(vec![early, late])).await;
    check("the ends of time").await;
    for trace in ["late", "order-2", OTEL] {
        let filter = RecordFilter { trace: Some(id(trace)), ..RecordFilter::default() };
        fixture.backend.delete(&filter, false).await.expect("deleted");
        check(trace).await;
    }
}

pub async fn a_deletion_keeps_to_its_kind(fixture: Fixture) {
    let batch = Batch { spans: vec![span(OTEL)], checkpoints: checkpoints(OTEL, 9), logs: logs(Some(OTEL), 7) };
    write(&fixture, batch).await;
    write_checkpoints(&fixture, checkpoints("req-1", 8)).await;
    let one = RecordFilter { trace: Some(id(OTEL)), ..of_kind(RecordKind::Logs) };
    for (filter, expected) in [
        (one, Removed { logs: 7, ..Removed::default() }),
        (of_kind(RecordKind::Checkpoints), Removed { traces: 1, checkpoints: 17, ..Removed::default() }),
    ] {
        assert_eq!(fixture.backend.delete(&filter, true).await.expect("counted"), expected);
        assert_eq!(fixture.backend.delete(&filter, false).await.expect("deleted"), expected);
        assert!(fixture.backend.delete(&filter, false).await.expect("deleted").is_empty());
    }
    let left = fixture.backend.trace(&id(OTEL)).await.expect("read").expect("its span");
    assert_eq!(left, Trace::new(id(OTEL), vec![span(OTEL)], Vec::new(), Vec::new()).expect("span"));
    assert_eq!(write_checkpoints(&fixture, checkpoints("req-1", 8)).await.accepted, 8, "what is gone is new again");
}

pub async fn pruning_takes_all_kinds(fixture: Fixture) {
    let batch = |trace: &str| Batch {
        spans: vec![span(trace)],
        checkpoints: checkpoints(trace, 6),
        logs: [logs(Some(trace), 5), logs(None, 2)].concat(),
    };
    write(&fixture, batch(OTEL)).await;
    let between = Nanos(Nanos::now().0 + 1);
    while Nanos::now() <= between {}
    write_checkpoints(&fixture, vec![checkpoint(OTEL, 20)]).await;
    let mut removed = Removed::default();
    loop {
        let more = fixture.backend.prune(&Retention { received_before: between }, 3).await.expect("pruned");
        if more.is_empty() {
            break;
        }
        removed.traces += more.traces;
        removed.spans += more.spans;
        removed.checkpoints += more.checkpoints;
        removed.logs += more.logs;
    }
    assert_eq!(removed, Removed { spans: 1, checkpoints: 6, logs: 7, ..Removed::default() });
    let left = fixture.backend.trace(&id(OTEL)).await.expect("read").expect("its last checkpoint");
    assert_eq!(left.checkpoints, [checkpoint(OTEL, 20)]);
    assert_eq!(left.summary.kinds, [RecordKind::Checkpoints]);
    assert_eq!(write_checkpoints(&fixture, checkpoints(OTEL, 6)).await.accepted, 6, "what is gone is new again");
}
