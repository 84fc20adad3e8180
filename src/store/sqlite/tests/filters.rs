//! What a filter finds is what it is true of: random filters over random records, in the inbox, in small segments and in
//! merged ones, beside the filter asked about each record of each trace.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::*;
use crate::model::filter::{Clock, Filter, Needs, RecordRef, Subject, TraceFacts};
use crate::model::{LogQuery, LogRecord, Severity, Value};
use crate::store::Logs as _;

const TERMS: [&str; 48] = [
    "step",
    "\"step 3\"",
    "billing",
    "zone-e",
    "name=\"step 2\"",
    "name=step*",
    "name~=[35]$",
    "service=shop",
    "service=shop,billing",
    "service!=shop",
    "kind=internal",
    "kind=log",
    "kind=checkpoint",
    "status=error",
    "status!=error",
    "duration>400ns",
    "self>400ns",
    "self<200ns",
    "level>=warn",
    "level=info",
    "message~=^said",
    "order=4",
    "order>20",
    "span.order<=9",
    "log.order>3",
    "zone=eu",
    "zone!=eu",
    "resource.service.name=billing",
    "has:order",
    "has:zone",
    "http.status_code=5xx",
    "http.response.status_code<500",
    "host=h1",
    "source=MA",
    "direction=->",
    "data.n>2",
    "trace.spans>2",
    "trace.errors>=1",
    "trace.status=error",
    "trace.duration>1us",
    "root.service=shop",
    "root.status=error",
    "session=s1",
    "trace.name~=step",
    "traceql:\"{ .order > 3 || status = error }\"",
    "traceql:\"{ .order != nil } >> { }\"",
    "traceql:\"{ } !< { resource.service.name = `shop` } | count() > 1\"",
    "traceql:\"{ rootName != `x` && childCount = 0 && .zone = `eu` }\"",
];

fn filters() -> impl Strategy<Value = String> {
    let term = proptest::sample::select(TERMS.to_vec()).prop_map(str::to_owned);
    term.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| parts.join(" ")),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            1 => inner.prop_map(|part| format!("!({part})")),
        ]
    })
}

/// One record; which one is told by its number alone.
fn record(number: u64) -> Record {
    let trace = (number % 5) as u8;
    let zone = if number.is_multiple_of(2) { "eu" } else { "zone-east" };
    let status = if number.is_multiple_of(6) { 503 } else { 200 };
    let attributes: Attributes = match number % 7 {
        0 => Attributes::EMPTY,
        1 => [("zone", Value::from(zone)), ("session.id", Value::from("s1"))].into_iter().collect(),
        2 => [("http.status_code", Value::Int(status))].into_iter().collect(),
        3 => [("http.response.status_code", Value::Int(status))].into_iter().collect(),
        _ => [("order", Value::Int((number % 30) as i64)), ("zone", Value::from(zone))].into_iter().collect(),
    };
    let plain = span(trace, number);
    match number % 4 {
        0 => Record::Log(LogRecord {
            time: plain.start,
            severity: Severity::ALL[(number % 5) as usize],
            message: Text::from(format!("said {number}")),
            trace_id: (!number.is_multiple_of(12)).then_some(plain.trace_id),
            attributes,
            resource: plain.resource,
            ..LogRecord::default()
        }),
        1 => Record::Checkpoint(Checkpoint {
            source_id: Text::from(if number.is_multiple_of(3) { "MA" } else { "shop" }),
            correlation_id: Text::from(plain.trace_id.to_string()),
            trace_id: plain.trace_id,
            timestamp_ms: 1_700_000_000_000.0 + number as f64,
            suffix: Text::from(format!("{number}")),
            direction: if number.is_multiple_of(2) { Direction::Exit } else { Direction::Enter },
            operation: Text::from("REST"),
            endpoint: Text::from(format!("step {}", number % 3)),
            data: Some(Text::from(format!("{{\"n\":{}}}", number % 5))),
            hostname: Text::from("h1"),
            raw_line: None,
            project: Text::EMPTY,
        }),
        _ => Record::Span(Span { attributes, ..plain }),
    }
}

fn batch_of(numbers: &[u64]) -> Batch {
    let mut batch = Batch::default();
    numbers.iter().for_each(|number| record(*number).push_to(&mut batch));
    batch
}

fn read(text: &str) -> Filter {
    Filter::parse(text, &Clock { now: Nanos(0), zone: TimeZone::UTC }).expect(text)
}

/// The whole traces of some records.
fn traces(numbers: &BTreeSet<u64>) -> Vec<Trace> {
    let mut batches: std::collections::BTreeMap<TraceId, Batch> = std::collections::BTreeMap::new();
    for record in numbers.iter().map(|number| record(*number)) {
        if let Some(id) = record.trace_id().cloned() {
            record.push_to(batches.entry(id).or_default());
        }
    }
    batches.into_iter().filter_map(|(id, batch)| Trace::within(&TimeBounds::ALL, id, batch)).collect()
}

/// The ids of the traces and the messages of the log records that a filter should find.
fn expected(filter: &Filter, numbers: &BTreeSet<u64>) -> (BTreeSet<String>, BTreeSet<String>) {
    let traces = traces(numbers);
    let ids = traces.iter().filter(|trace| filter.matches_trace(trace)).map(|trace| trace.summary.trace_id.to_string());
    let facts: Vec<TraceFacts> = traces.iter().map(|trace| filter.facts_of(trace)).collect();
    let mut messages = BTreeSet::new();
    for record in numbers.iter().map(|number| record(*number)) {
        let Record::Log(log) = &record else { continue };
        let trace = facts.iter().find(|facts| Some(&facts.summary.trace_id) == log.trace_id.as_ref());
        if filter.matches(&Subject { record: RecordRef::Log(log), trace }) {
            messages.insert(log.message.to_string());
        }
    }
    (ids.collect(), messages)
}

/// How many spans, checkpoints and log records a filter is true of.
fn expected_counts(filter: &Filter, numbers: &BTreeSet<u64>) -> [u64; 3] {
    let facts: Vec<TraceFacts> = traces(numbers).iter().map(|trace| filter.facts_of(trace)).collect();
    let mut counts = [0; 3];
    for record in numbers.iter().map(|number| record(*number)) {
        let trace = facts.iter().find(|facts| Some(&facts.summary.trace_id) == record.trace_id());
        if filter.matches(&Subject { record: RecordRef::from(&record), trace }) {
            counts[match record.kind() {
                RecordKind::Spans => 0,
                RecordKind::Checkpoints => 1,
                RecordKind::Logs => 2,
            }] += 1;
        }
    }
    counts
}

async fn found(store: &Sqlite, filter: &Filter) -> (BTreeSet<String>, BTreeSet<String>) {
    let query = TraceQuery { filter: Some(filter.clone()), ..TraceQuery::default() };
    let ids = store.traces(&query).await.expect("listed").items.into_iter().map(|trace| trace.trace_id.to_string());
    // A small page, so that several sources and pages take part.
    let mut query = LogQuery { filter: Some(filter.clone()), limit: 2, ..LogQuery::default() };
    let mut messages = BTreeSet::new();
    loop {
        let page = store.list_logs(&query).await.expect("listed");
        messages.extend(page.records.iter().map(|log| log.message.to_string()));
        query.cursor = page.next;
        if query.cursor.is_none() {
            return (ids.collect(), messages);
        }
    }
}

async fn live(writes: &[Vec<u64>], filters: &[Filter]) -> std::result::Result<(), TestCaseError> {
    let place = place();
    let store = open_small(&place.path).await;
    let mut numbers = BTreeSet::new();
    for (place, write) in writes.iter().enumerate() {
        // Each once: of equal log records in one write all are kept.
        let new: BTreeSet<u64> = write.iter().copied().filter(|number| !numbers.contains(number)).collect();
        store.write(batch_of(&new.iter().copied().collect::<Vec<_>>())).await.expect("written");
        numbers.extend(new);
        // Later writes wait beside what was sealed, and are merged with it.
        for is_sealed in [false, true] {
            if is_sealed && place.is_multiple_of(2) {
                store.seal_now().await.expect("sealed");
            }
            for filter in filters {
                let (wanted, got) = (expected(filter, &numbers), found(&store, filter).await);
                prop_assert_eq!(got, wanted, "{} of {:?} (needs {:?})", filter, numbers, filter.needs());
                let query = StatsQuery { filter: Some(filter.clone()), ..StatsQuery::default() };
                let stats = store.stats(&query).await.expect("stats");
                let counts = [stats.spans, stats.checkpoints, stats.logs];
                prop_assert_eq!(counts, expected_counts(filter, &numbers), "{} of {:?}", filter, numbers);
            }
        }
    }
    store.close().await.expect("closed");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_filter_finds_what_it_is_true_of_wherever_the_records_lie(
        writes in prop::collection::vec(prop::collection::vec(0..80_u64, 1..16), 1..6),
        texts in prop::collection::vec(filters(), 3..7),
    ) {
        let filters: Vec<Filter> = texts.iter().map(|text| read(text)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(live(&writes, &filters))?;
    }
}

#[test]
fn the_terms_ask_for_all_there_is_to_know() {
    for needs in [Needs::Record, Needs::Summary, Needs::Trace] {
        assert!(TERMS.iter().any(|term| read(term).needs() == needs));
    }
}
