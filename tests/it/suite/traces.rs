//! The contract of [`tracehub::store::Backend`] and of its sink, where they speak of spans.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tracehub::model::{
    Attributes, Batch, Cursor, Kind, Nanos, Page, RecordFilter, RecordKind, Removed, Resource, Retention, Scope, Sort,
    Span, SpanId, StatsBy, StatsQuery, Status, StatusCode, Text, Trace, TraceId, TraceQuery, TraceSummary, Written,
};
use tracehub::store::Error;

use super::{Fixture, sqlite_file};
use crate::support::whole::Whole as _;

pub fn trace_id(number: u8) -> TraceId {
    match number % 4 {
        3 => TraceId::parse(&format!("order-{number}")).expect("valid"),
        _ => TraceId::Otel([number.wrapping_mul(67).wrapping_add(1); 16]),
    }
}

pub fn span(trace: u8, number: u64) -> Span {
    let service = if number.is_multiple_of(3) { "shop" } else { "billing" };
    let code = if trace % 3 == 1 && number.is_multiple_of(5) { StatusCode::Error } else { StatusCode::Unset };
    let start = 1_700_000_000_000_000_000 + u64::from(trace / 2) * 1_000_000 + number * 10;
    let attributes: Attributes = [("order", number as i64)].into_iter().collect();
    Span {
        trace_id: trace_id(trace),
        span_id: SpanId((number + 1).to_be_bytes()),
        parent_span_id: (number > 0).then(|| SpanId((number / 2 + 1).to_be_bytes())),
        trace_state: Text::EMPTY,
        flags: 1,
        name: Text::from(format!("Step {} of {trace}", number % 7)),
        kind: Kind::Server,
        start: Nanos(start),
        end: Nanos(start + 500 * u64::from(trace % 5 + 1)),
        attributes,
        dropped_attributes: 0,
        events: Vec::new(),
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: Status { code, message: Text::EMPTY },
        resource: Arc::new(Resource::new([("service.name", service), ("zone", "eu")].into_iter().collect())),
        scope: Arc::new(Scope::default()),
    }
}

pub fn spans(trace: u8, count: u64) -> Vec<Span> {
    (0..count).map(|number| span(trace, number)).collect()
}

pub fn whole(trace: u8, count: u64) -> Trace {
    Trace::new(trace_id(trace), spans(trace, count), Vec::new(), Vec::new()).expect("spans")
}

pub async fn write(fixture: &Fixture, spans: Vec<Span>) -> Written {
    fixture.backend.write(Batch::of_spans(spans)).await.expect("written")
}

pub async fn list(fixture: &Fixture, query: TraceQuery) -> Page<TraceSummary> {
    fixture.backend.traces(&query).await.expect("listed")
}

async fn names(fixture: &Fixture, query: TraceQuery) -> Vec<String> {
    list(fixture, query).await.items.iter().map(|trace| trace.trace_id.to_string()).collect()
}

pub async fn scan_all(fixture: &Fixture, filter: &RecordFilter, most: usize) -> Vec<Span> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let chunk = fixture.backend.scan(filter, cursor.as_ref(), most, Duration::ZERO).await.expect("scanned");
        found.extend(chunk.batch.spans);
        if chunk.at_end {
            return found;
        }
        cursor = Some(chunk.next);
    }
}

pub async fn an_acknowledged_write_is_readable_at_once_and_whole(fixture: Fixture) {
    for trace in 0..8 {
        assert_eq!(write(&fixture, spans(trace, 12)).await, Written { accepted: 12, duplicates: 0 });
        assert_eq!(fixture.backend.trace(&trace_id(trace)).await.expect("read"), Some(whole(trace, 12)));
    }
    assert_eq!(list(&fixture, TraceQuery::default()).await.total, Some(8));
    assert_eq!(fixture.backend.write(Batch::default()).await.expect("nothing"), Written::default());
}

pub async fn a_record_seen_before_counts_as_a_duplicate_and_changes_nothing(fixture: Fixture) {
    let twice = [spans(1, 6), spans(1, 6)].concat();
    assert_eq!(write(&fixture, twice).await, Written { accepted: 6, duplicates: 6 });
    let before = list(&fixture, TraceQuery::default()).await;
    assert_eq!(write(&fixture, spans(1, 6)).await, Written { accepted: 0, duplicates: 6 });
    assert_eq!(list(&fixture, TraceQuery::default()).await, before);
    assert_eq!(write(&fixture, spans(1, 9)).await, Written { accepted: 3, duplicates: 6 });
    assert_eq!(fixture.backend.trace(&trace_id(1)).await.expect("read"), Some(whole(1, 9)));
    assert_eq!(scan_all(&fixture, &RecordFilter::default(), 100).await.len(), 9);
}

pub async fn spans_that_share_their_ids_but_not_their_content_are_all_kept(fixture: Fixture) {
    let other = Span { name: Text::from("another"), ..span(1, 0) };
    assert_eq!(write(&fixture, vec![span(1, 0)]).await.accepted, 1);
    assert_eq!(write(&fixture, vec![other, span(1, 0)]).await, Written { accepted: 1, duplicates: 1 });
    let trace = fixture.backend.trace(&trace_id(1)).await.expect("read").expect("there");
    assert_eq!((trace.spans.len(), trace.summary.span_count), (2, 2));
}

pub async fn writes_at_the_same_time_all_arrive(fixture: Fixture) {
    let writes = (0..40).map(|trace| fixture.backend.write(Batch::of_spans(spans(trace, 5))));
    for written in futures::future::join_all(writes).await {
        assert_eq!(written.expect("written"), Written { accepted: 5, duplicates: 0 });
    }
    assert_eq!(list(&fixture, TraceQuery::default()).await.total, Some(40));
}

pub async fn pages_visit_every_match_once_whatever_arrives_meanwhile(fixture: Fixture) {
    for (sort, reverse) in [(Sort::Start, false), (Sort::Start, true), (Sort::Duration, false), (Sort::Spans, true)] {
        let mut next_trace = 0;
        for _ in 0..20 {
            write(&fixture, spans(next_trace, u64::from(next_trace % 6 + 1))).await;
            next_trace += 1;
        }
        let query = TraceQuery { limit: 3, sort, reverse, ..TraceQuery::default() };
        let mut expected = names(&fixture, TraceQuery { limit: 0, ..query.clone() }).await;
        let (mut found, mut cursor): (Vec<String>, Option<Cursor>) = (Vec::new(), None);
        loop {
            let page = list(&fixture, TraceQuery { cursor: cursor.take(), ..query.clone() }).await;
            assert!(page.items.len() <= 3 && page.total >= Some(20));
            found.extend(page.items.iter().map(|trace| trace.trace_id.to_string()));
            let Some(next) = page.next else { break };
            cursor = Some(next);
            write(&fixture, spans(100 + next_trace, 2)).await;
            next_trace += 1;
        }
        let old: Vec<String> = found.iter().filter(|id| expected.contains(id)).cloned().collect();
        assert_eq!(old, expected, "{sort:?}");
        expected.sort();
        found.sort();
        assert_eq!(found.len(), found.iter().collect::<BTreeSet<_>>().len(), "visited twice");
        fixture.backend.delete(&RecordFilter::default(), false).await.expect("emptied");
    }
}

pub async fn traces_are_ordered_totally_by_sort_then_start_then_id(fixture: Fixture) {
    for trace in 0..24 {
        write(&fixture, spans(trace, u64::from(trace % 5) + 1)).await;
    }
    for sort in [Sort::Start, Sort::Duration, Sort::Spans, Sort::Errors] {
        let mut page = list(&fixture, TraceQuery { sort, ..TraceQuery::default() }).await;
        let key = |trace: &TraceSummary| match sort {
            Sort::Start => trace.start.0,
            Sort::Duration => trace.duration_ns(),
            Sort::Spans => trace.span_count,
            Sort::Errors => trace.error_count,
            Sort::Received => 0,
        };
        let mut sorted = page.items.clone();
        sorted.sort_by(|a, b| (key(b), b.start, &a.trace_id).cmp(&(key(a), a.start, &b.trace_id)));
        assert_eq!(page.items, sorted, "{sort:?}");
        assert_eq!((page.items.len(), page.total, page.next), (24, Some(24), None));
        page = list(&fixture, TraceQuery { sort, reverse: true, ..TraceQuery::default() }).await;
        sorted.reverse();
        assert_eq!(page.items, sorted, "{sort:?} reversed");
        let first = list(&fixture, TraceQuery { sort, limit: 5, reverse: true, ..TraceQuery::default() }).await;
        assert_eq!(first.items, sorted[..5]);
        assert_eq!((first.total, first.failed), (Some(24), page.failed));
    }
}

pub async fn every_filter_keeps_what_it_names_and_nothing_else(fixture: Fixture) {
    let mut all = Vec::new();
    for trace in 0..16 {
        let count = u64::from(trace % 6) + 1;
        write(&fixture, spans(trace, count)).await;
        all.push(whole(trace, count).summary);
    }
    let middle = Nanos(all[8].start.0);
    type Check = Box<dyn Fn(&TraceSummary) -> bool>;
    let base = TraceQuery::default;
    let cases: Vec<(TraceQuery, Check)> = vec![
        (TraceQuery { service: Some("billing".into()), ..base() }, Box::new(|trace| trace.span_count > 1)),
        (TraceQuery { service: Some("nobody".into()), ..base() }, Box::new(|_| false)),
        (TraceQuery { name: Some("OF 1".into()), ..base() }, Box::new(|trace| trace.name.contains("of 1"))),
        (TraceQuery { workflow: Some("none".into()), ..base() }, Box::new(|_| false)),
        (TraceQuery { has_errors: Some(true), ..base() }, Box::new(|trace| trace.error_count > 0)),
        (TraceQuery { has_errors: Some(false), ..base() }, Box::new(|trace| trace.error_count == 0)),
        (TraceQuery { min_duration_ns: Some(1_510), ..base() }, Box::new(|trace| trace.duration_ns() >= 1_510)),
        (TraceQuery { max_duration_ns: Some(1_510), ..base() }, Box::new(|trace| trace.duration_ns() <= 1_510)),
        (TraceQuery { since: Some(middle), ..base() }, Box::new(move |trace| trace.start >= middle)),
        (TraceQuery { until: Some(middle), ..base() }, Box::new(move |trace| trace.start < middle)),
        (TraceQuery { kind: Some(RecordKind::Spans), ..base() }, Box::new(|_| true)),
        (TraceQuery { kind: Some(RecordKind::Logs), ..base() }, Box::new(|_| false)),
        (
            TraceQuery { attributes: vec![("order".into(), "4".into()), ("zone".into(), "eu".into())], ..base() },
            Box::new(|trace| trace.span_count > 4),
        ),
        (
            TraceQuery { attributes: vec![("order".into(), "4".into()), ("zone".into(), "us".into())], ..base() },
            Box::new(|_| false),
        ),
        (
            TraceQuery { id_prefix: Some("order-1".into()), ..base() },
            Box::new(|trace| trace.trace_id.to_string().starts_with("order-1")),
        ),
        (
            TraceQuery { id_prefix: Some("CA".into()), ..base() },
            Box::new(|trace| trace.trace_id.to_string().starts_with("ca")),
        ),
        (
            TraceQuery { id_prefix: Some("cac".into()), ..base() },
            Box::new(|trace| trace.trace_id.to_string().starts_with("cac")),
        ),
        (
            TraceQuery { id_prefix: Some(trace_id(5).to_string()), ..base() },
            Box::new(|trace| trace.trace_id == trace_id(5)),
        ),
    ];
    for (query, is_right) in cases {
        let expected: BTreeSet<String> =
            all.iter().filter(|trace| is_right(trace)).map(|trace| trace.trace_id.to_string()).collect();
        let found = names(&fixture, query.clone()).await;
        assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), expected, "{query:?}");
        let page = list(&fixture, TraceQuery { limit: 1, ..query }).await;
        let failed = all.iter().filter(|trace| is_right(trace) && trace.error_count > 0).count();
        assert_eq!((page.total, page.failed), (Some(expected.len() as u64), Some(failed as u64)));
    }
}

pub async fn an_id_nobody_wrote_is_none(fixture: Fixture) {
    assert_eq!(fixture.backend.trace(&trace_id(1)).await.expect("read"), None);
    write(&fixture, spans(1, 3)).await;
    for absent in [trace_id(2), trace_id(3), TraceId::parse("a b/c?d#e%2F").expect("valid")] {
        assert_eq!(fixture.backend.trace(&absent).await.expect("read"), None);
    }
}

pub async fn summaries_equal_the_fold_of_the_records_however_they_were_split(fixture: Fixture) {
    let mut runner = TestRunner::deterministic();
    let batches = prop::collection::vec(prop::collection::vec((0..6_u8, 0..40_u64), 1..30), 30);
    let batches = batches.new_tree(&mut runner).expect("sample").current();
    let mut distinct: BTreeSet<(u8, u64)> = BTreeSet::new();
    for batch in batches {
        let before = distinct.len();
        distinct.extend(batch.iter().copied());
        let accepted = (distinct.len() - before) as u64;
        let written = write(&fixture, batch.iter().map(|(trace, number)| span(*trace, *number)).collect()).await;
        assert_eq!(written, Written { accepted, duplicates: batch.len() as u64 - accepted });
        let trace = batch[0].0;
        let spans = distinct.iter().filter(|(of, _)| *of == trace).map(|(of, number)| span(*of, *number)).collect();
        let expected = Trace::new(trace_id(trace), spans, Vec::new(), Vec::new()).expect("spans");
        let listed =
            list(&fixture, TraceQuery { id_prefix: Some(trace_id(trace).to_string()), ..TraceQuery::default() });
        assert_eq!(listed.await.items, std::slice::from_ref(&expected.summary));
        assert_eq!(fixture.backend.trace(&trace_id(trace)).await.expect("read"), Some(expected));
    }
}

pub async fn foreign_cursors_are_refused(fixture: Fixture) {
    write(&fixture, spans(1, 2)).await;
    // Another file that has got just as far.
    let other = sqlite_file().await;
    write(&other, spans(1, 2)).await;
    let theirs = other.backend.cursor_at(Nanos(0)).await.expect("a place");
    let scanned = fixture.backend.scan(&RecordFilter::default(), Some(&theirs), 10, Duration::ZERO).await;
    assert!(matches!(scanned, Err(Error::BadCursor)), "{theirs:?}: {scanned:?}");
    for text in [
        "",
        "x",
        "s1.",
        "s1.zz",
        "s1.ffff",
        "s1.-1",
        "s2.1",
        "s2..1",
        "s2.00.1",
        "l1.start.down.0.0.o.00",
        "../../etc/passwd",
        "✓",
    ] {
        let cursor = Cursor(text.to_owned());
        let scanned = fixture.backend.scan(&RecordFilter::default(), Some(&cursor), 10, Duration::ZERO).await;
        assert!(matches!(scanned, Err(Error::BadCursor)), "{text}: {scanned:?}");
        let query = TraceQuery { cursor: Some(cursor), limit: 2, ..TraceQuery::default() };
        let listed = fixture.backend.traces(&query).await;
        assert!(matches!(listed, Err(Error::BadCursor)), "{text}: {listed:?}");
    }
}

pub async fn a_dry_run_counts_the_same_and_removes_nothing(fixture: Fixture) {
    for trace in 0..10 {
        write(&fixture, spans(trace, 4)).await;
    }
    let filters = [
        RecordFilter { trace: Some(trace_id(4)), ..RecordFilter::default() },
        RecordFilter { ended_before: Some(whole(5, 4).summary.start), ..RecordFilter::default() },
        RecordFilter { kind: Some(RecordKind::Checkpoints), ..RecordFilter::default() },
        RecordFilter::default(),
    ];
    for filter in filters {
        let before = list(&fixture, TraceQuery::default()).await;
        let counted = fixture.backend.delete(&filter, true).await.expect("counted");
        assert_eq!(list(&fixture, TraceQuery::default()).await, before);
        let removed = fixture.backend.delete(&filter, false).await.expect("deleted");
        assert_eq!(removed, counted);
        assert_eq!(list(&fixture, TraceQuery::default()).await.total, before.total.map(|total| total - removed.traces));
    }
    assert_eq!(scan_all(&fixture, &RecordFilter::default(), 100).await, []);
}

pub async fn a_deletion_removes_what_its_filter_names(fixture: Fixture) {
    let mixed: Vec<Span> = (0..6).flat_map(|trace| spans(trace, 4)).collect();
    write(&fixture, mixed).await;
    let one = RecordFilter { trace: Some(trace_id(3)), ..RecordFilter::default() };
    let removed = fixture.backend.delete(&one, false).await.expect("deleted");
    assert_eq!(removed, Removed { traces: 1, spans: 4, ..Removed::default() });
    assert_eq!(fixture.backend.trace(&trace_id(3)).await.expect("read"), None);
    assert_eq!(fixture.backend.trace(&trace_id(2)).await.expect("read"), Some(whole(2, 4)));
    assert!(fixture.backend.delete(&one, false).await.expect("deleted").is_empty());
    assert_eq!(write(&fixture, spans(3, 4)).await.accepted, 4, "a removed record is new again");
    assert_eq!(scan_all(&fixture, &RecordFilter::default(), 100).await.len(), 24);
}

pub async fn pruning_goes_by_when_records_were_received(fixture: Fixture) {
    let ancient = Span { start: Nanos(1), end: Nanos(2), ..span(1, 0) };
    let future = Span { start: Nanos(u64::MAX - 9), end: Nanos(u64::MAX), ..span(2, 0) };
    write(&fixture, vec![future, span(5, 0)]).await;
    let between = Nanos(Nanos::now().0 + 1);
    while Nanos::now() <= between {}
    write(&fixture, vec![ancient, span(5, 1)]).await;
    let keep = Retention { received_before: between };
    assert!(fixture.backend.prune(&Retention { received_before: Nanos(1) }, 100).await.expect("pruned").is_empty());
    let mut removed = Removed::default();
    loop {
        let more = fixture.backend.prune(&keep, 1).await.expect("pruned");
        if more.is_empty() {
            break;
        }
        removed.traces += more.traces;
        removed.spans += more.spans;
    }
    assert_eq!(removed, Removed { traces: 1, spans: 2, ..Removed::default() });
    assert_eq!(fixture.backend.trace(&trace_id(2)).await.expect("read"), None);
    let left = fixture.backend.trace(&trace_id(5)).await.expect("read").expect("half of it is young");
    assert_eq!((left.spans.len(), left.summary.span_count), (1, 1));
    assert_eq!(names(&fixture, TraceQuery::default()).await.len(), 2);
}

pub async fn stats_count_records_by_operation_service_and_time(fixture: Fixture) {
    let stats = fixture.backend.stats(&StatsQuery::default()).await.expect("stats");
    assert_eq!((stats.traces, stats.spans, stats.timeline), (0, 0, None));
    for trace in 0..10 {
        for number in 0..12 {
            write(&fixture, vec![span(trace, number)]).await;
        }
    }
    let stats = fixture.backend.stats(&StatsQuery::default()).await.expect("stats");
    assert_eq!((stats.traces, stats.spans, stats.services, stats.errors), (10, 120, 2, 9));
    assert_eq!(stats.failed, 3);
    assert_eq!((stats.first, stats.last), (Some(span(0, 0).start), Some(span(9, 0).start)));
    assert_eq!(stats.timeline.expect("traces").traces.iter().sum::<u64>(), 10);
    assert_eq!(
        stats
            .operations
            .iter()
            .map(|row| (row.calls, row.errors))
            .fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1)),
        (120, 9)
    );
    let by_service = StatsQuery { by: StatsBy::Service, ..StatsQuery::default() };
    let rows = fixture.backend.stats(&by_service).await.expect("stats").operations;
    let calls: BTreeSet<(Option<String>, u64)> =
        rows.iter().map(|row| (row.operation.service.as_ref().map(|service| service.to_string()), row.calls)).collect();
    assert_eq!(calls, BTreeSet::from([(Some("billing".into()), 80), (Some("shop".into()), 40)]));
    let own: u64 = whole(0, 12).spans.iter().map(Span::duration_ns).sum::<u64>();
    assert!(rows.iter().map(|row| row.self_ns).sum::<u64>() < own * 30, "children shorten their parents");
    let shop = StatsQuery { service: Some("shop".into()), ..StatsQuery::default() };
    assert_eq!(fixture.backend.stats(&shop).await.expect("stats").spans, 40);
    let some = StatsQuery { since: Some(span(4, 0).start), until: Some(span(6, 0).start), ..StatsQuery::default() };
    let stats = fixture.backend.stats(&some).await.expect("stats");
    assert_eq!((stats.traces, stats.spans), (2, 24));
    let by_source = StatsQuery { by: StatsBy::Source, ..StatsQuery::default() };
    assert_eq!(fixture.backend.stats(&by_source).await.expect("stats").operations, []);
}

pub async fn a_closed_store_says_so(fixture: Fixture) {
    write(&fixture, spans(1, 2)).await;
    fixture.backend.close().await.expect("closed");
    assert!(matches!(fixture.backend.write(Batch::of_spans(spans(2, 2))).await, Err(Error::Closed)));
    assert!(matches!(fixture.backend.traces(&TraceQuery::default()).await, Err(Error::Closed)));
    assert!(matches!(fixture.backend.trace(&trace_id(1)).await, Err(Error::Closed)));
}
