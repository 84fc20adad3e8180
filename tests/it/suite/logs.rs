//! The contract of [`tracehub::store::Backend`] where it speaks of finding log records: every store answers as a filter
//! over all of its records would.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tracehub::model::json::log_id;
use tracehub::model::{
    Attributes, Batch, Cursor, FieldFilter, LogPage, LogQuery, LogRecord, Nanos, RecordFilter, RecordKind, Resource,
    Scope, Severity, SpanId, Text, TraceId, Value, grouping,
};
use tracehub::query;
use tracehub::store::sqlite::{Options, Sqlite};
use tracehub::store::{Backend, Error};

use super::Fixture;
use crate::support::whole::Whole as _;

const WORDS: [&str; 7] = [
    "charge failed",
    "retrying Charge (2/2)",
    "session ok",
    "",
    "GRÖSSE ✓",
    "a longer line\nwith two",
    "Kelvin \u{212a}",
];
const TRACES: [&str; 3] = ["4bf92f3577b34da6a3ce929d0e0e4736", "cli-1", "req/with slash"];

fn attribute() -> impl Strategy<Value = (Text, Value)> {
    let value = prop_oneof![
        (0..3_i64).prop_map(Value::Int),
        prop_oneof![Just("1"), Just("HTTPError"), Just("Declined"), Just("a1"), Just("pay"), Just("prod")]
            .prop_map(Value::from),
        Just(Value::Bool(true)),
        Just(Value::Double(f64::NAN)),
        Just(Value::Bytes(vec![0, 255].into())),
        Just(Value::Empty),
        (0..3_i64).prop_map(|id| Value::Map(vec![(Text::from("id"), Value::Int(id))])),
    ];
    let keys = [
        "user",
        "user.id",
        "k",
        "host.name",
        "code.namespace",
        "exception.type",
        "exception.message",
        "process.pid",
        "deployment.environment",
        "thread.id",
    ];
    // Some keys are so rare that they get no column.
    let key = prop_oneof![9 => (0..keys.len()).prop_map(move |at| keys[at].to_owned()), 1 => "r[a-z]"];
    (key, value).prop_map(|(key, value)| match value {
        // Bytes are no text, but JSON has no other form for them; an error's type and message are text.
        Value::Bytes(_) if key.starts_with("exception.") => (Text::from(key), Value::Empty),
        value => (Text::from(key), value),
    })
}

fn resource() -> impl Strategy<Value = Resource> {
    let pairs = [
        ("host.name", "a1"),
        ("deployment.environment.name", "prod"),
        ("code.namespace", "pay"),
        ("tracehub.project", "p1"),
        ("k", "1"),
        ("exception.type", "HTTPError"),
    ];
    let service = prop_oneof![Just("shop"), Just("billing"), Just("worker")];
    (service, proptest::sample::subsequence(pairs.to_vec(), 0..=4))
        .prop_map(|(service, pairs)| Resource::new([("service.name", service)].into_iter().chain(pairs).collect()))
}

/// Records without the attribute keys JSON cannot hold twice.
fn log() -> impl Strategy<Value = LogRecord> {
    let attributes = proptest::collection::vec(attribute(), 0..4).prop_map(|mut pairs| {
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|a, b| a.0 == b.0);
        Attributes(pairs)
    });
    let trace = proptest::option::of(0..TRACES.len());
    (0..40_u64, 0..6_usize, 0..WORDS.len(), trace, attributes, resource(), any::<bool>()).prop_map(
        |(time, severity, message, trace, attributes, resource, has_span)| LogRecord {
            time: Nanos(1_795_246_123_000_000_000 + time * 1_000_000),
            severity: Severity::ALL[severity],
            message: Text::from(WORDS[message]),
            trace_id: trace.map(|at| TraceId::parse(TRACES[at]).expect("valid")),
            span_id: has_span.then_some(SpanId([1; 8])),
            attributes,
            resource: Arc::new(resource),
            scope: Arc::new(Scope { name: Text::from("logging"), ..Scope::default() }),
            request: 0,
        },
    )
}

/// Each part of a question is asked about one time in five, so that most have an answer.
fn query() -> impl Strategy<Value = LogQuery> {
    let seldom = |words: &'static [&'static str]| {
        proptest::option::weighted(0.2, (0..words.len()).prop_map(move |at| words[at].to_owned()))
    };
    let texts = (
        seldom(&["charge", "HTTPERR", "größe", "✓", "k", "two", "declined", "1"]),
        seldom(&["shop", "billing", "nobody"]),
        seldom(&["pay", "1"]),
        seldom(&["prod", "1", "null"]),
        seldom(&["p1", "p2"]),
        seldom(&["a1", "0"]),
        seldom(&["1", "true"]),
    );
    let field = seldom(&[
        "user.id=1",
        "user.id!=1",
        "user~=ID",
        "k=1",
        "k!=NaN",
        "k=AP8=",
        "host=a1",
        "error_type~=http",
        "nothing!=1",
        "ra=true",
        "rb~=1",
        "deployment.environment.name=prod",
    ]);
    let time = || {
        proptest::option::weighted(0.2, (0..44_u64).prop_map(|ms| Nanos(1_795_246_122_998_000_000 + ms * 1_000_000)))
    };
    let rest = (
        proptest::option::weighted(0.3, (0..6_usize).prop_map(|at| Severity::ALL[at])),
        proptest::option::weighted(0.2, (0..=TRACES.len()).prop_map(|at| *TRACES.get(at).unwrap_or(&"nobody's"))),
        proptest::collection::vec(field, 0..2),
        (time(), time()),
        prop_oneof![Just(0_usize), 1..30_usize],
        any::<bool>(),
    );
    (texts, rest).prop_map(|(texts, (level, trace, fields, (since, until), limit, oldest_first))| LogQuery {
        limit,
        text: texts.0,
        level,
        service: texts.1,
        module: texts.2,
        environment: texts.3,
        project: texts.4,
        host: texts.5,
        pid: texts.6,
        trace: trace.map(|trace| TraceId::parse(trace).expect("valid")),
        issues: Vec::new(),
        fields: fields.into_iter().flatten().filter_map(|field| FieldFilter::parse(&field)).collect(),
        since,
        until,
        oldest_first,
        cursor: None,
        filter: None,
    })
}

/// The same values in every run.
struct Random(TestRunner);

impl Random {
    fn new() -> Random {
        Random(TestRunner::deterministic())
    }

    fn some<T: std::fmt::Debug>(&mut self, strategy: impl Strategy<Value = T>) -> T {
        strategy.new_tree(&mut self.0).expect("a value").current()
    }

    /// Log records that differ, in writes of different sizes.
    fn writes(&mut self, count: usize) -> Vec<Vec<LogRecord>> {
        (0..count)
            .map(|write| {
                let mut logs = self.some(proptest::collection::vec(log(), 1..30));
                // A write that repeats another would not be stored.
                for (place, log) in logs.iter_mut().enumerate() {
                    log.attributes.0.push((Text::from("number"), Value::Int((write * 100 + place) as i64)));
                }
                logs
            })
            .collect()
    }
}

async fn write(backend: &dyn Backend, logs: Vec<LogRecord>) {
    let count = logs.len() as u64;
    let written = backend.write(Batch { logs, ..Batch::default() }).await.expect("written");
    assert_eq!(written.accepted, count);
}

async fn list(backend: &dyn Backend, query: &LogQuery) -> LogPage {
    backend.list_logs(query).await.expect("listed")
}

/// All log records in commit order.
async fn all(backend: &dyn Backend) -> Vec<LogRecord> {
    let filter = RecordFilter { kind: Some(RecordKind::Logs), ..RecordFilter::default() };
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let chunk = backend.scan(&filter, cursor.as_ref(), 1_000, Duration::ZERO).await.expect("scanned");
        found.extend(chunk.batch.logs);
        if chunk.at_end {
            return found;
        }
        cursor = Some(chunk.next);
    }
}

/// The ids, digests of all content, of what a question has for an answer, on all pages together.
fn expected(all: &[LogRecord], query: &LogQuery) -> Vec<String> {
    let mut found: Vec<&LogRecord> = all.iter().filter(|log| query.matches(log)).collect();
    found.sort_by_key(|log| log.time);
    if !query.oldest_first {
        found.reverse();
    }
    found.into_iter().map(log_id).collect()
}

fn ids(logs: &[LogRecord]) -> Vec<String> {
    logs.iter().map(log_id).collect()
}

async fn answers_as_a_filter_would(backend: &dyn Backend, random: &mut Random, questions: usize) {
    let all = all(backend).await;
    let issues: Vec<_> = all.iter().filter_map(|log| Some(grouping::of_log(log)?.issue)).take(20).collect();
    let mut with_answer = 0;
    for number in 0..questions {
        let mut query = random.some(query());
        if number % 5 == 0 {
            query.issues = issues.iter().skip(number % issues.len().max(1)).take(1 + number % 2).copied().collect();
        }
        let expected = expected(&all, &query);
        let page = list(backend, &query).await;
        let on_page = if query.limit == 0 { expected.len() } else { query.limit.min(expected.len()) };
        assert_eq!(ids(&page.records), expected[..on_page], "{query:?}");
        assert_eq!(page.next.is_some(), on_page < expected.len(), "{query:?}");
        with_answer += usize::from(!expected.is_empty());
    }
    assert!(with_answer * 3 > questions, "only {with_answer} of {questions} questions have an answer");
}

pub async fn log_records_are_listed_as_a_filter_over_all_of_them_finds_them(fixture: Fixture) {
    let mut random = Random::new();
    for logs in random.writes(25) {
        write(&*fixture.backend, logs).await;
    }
    answers_as_a_filter_would(&*fixture.backend, &mut random, 100).await;
}

pub async fn log_records_go_by_time_then_by_receipt_in_both_directions(fixture: Fixture) {
    let log = |number: u64, time: u64| LogRecord {
        time: Nanos(time),
        message: Text::from(format!("line {number}")),
        ..LogRecord::default()
    };
    write(&*fixture.backend, vec![log(0, 7), log(1, 5), log(2, 7)]).await;
    write(&*fixture.backend, vec![log(3, 5), log(4, 9), log(5, u64::MAX)]).await;
    write(&*fixture.backend, vec![log(6, 0), log(7, 7)]).await;
    let messages = async |oldest_first| {
        let page = list(&*fixture.backend, &LogQuery { oldest_first, ..LogQuery::default() }).await;
        page.records.iter().map(|log| log.message.to_string()).collect::<Vec<_>>()
    };
    let mut order = messages(true).await;
    assert_eq!(order, [6, 1, 3, 0, 2, 7, 4, 5].map(|number| format!("line {number}")));
    order.reverse();
    assert_eq!(messages(false).await, order);
}

pub async fn pages_of_log_records_visit_every_match_once_whatever_arrives_meanwhile(fixture: Fixture) {
    let mut random = Random::new();
    let mut writes = random.writes(24);
    let later = writes.split_off(16);
    for logs in writes {
        write(&*fixture.backend, logs).await;
    }
    for oldest_first in [true, false] {
        let query = LogQuery { level: Some(Severity::Info), oldest_first, limit: 7, ..LogQuery::default() };
        let expected = expected(&all(&*fixture.backend).await, &query);
        let (mut found, mut cursor, mut arriving) = (Vec::new(), None, later.iter());
        loop {
            let page = list(&*fixture.backend, &LogQuery { cursor, ..query.clone() }).await;
            assert!(page.records.len() == 7 || page.next.is_none());
            found.extend(ids(&page.records));
            if page.next.is_none() {
                break;
            }
            cursor = page.next;
            if oldest_first && let Some(logs) = arriving.next() {
                write(&*fixture.backend, logs.clone()).await;
            }
        }
        // What arrived meanwhile may be among them or not, but once.
        let of_before: Vec<String> = found.iter().filter(|log| expected.contains(log)).cloned().collect();
        assert_eq!(of_before, expected);
        let mut distinct = found.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), found.len());
    }
}

pub async fn a_cursor_of_another_list_is_refused(fixture: Fixture) {
    for logs in Random::new().writes(3) {
        write(&*fixture.backend, logs).await;
    }
    let query = LogQuery { limit: 2, ..LogQuery::default() };
    let next = list(&*fixture.backend, &query).await.next.expect("more than two");
    let turned = LogQuery { cursor: Some(next.clone()), oldest_first: true, ..query.clone() };
    let future = Cursor(next.0.rsplitn(3, '.').last().map(|begin| format!("{begin}.ffffff.0")).expect("parts"));
    let of = |cursor: &str| LogQuery { cursor: Some(Cursor(cursor.to_owned())), ..query.clone() };
    for foreign in [turned, of("nonsense"), of("s1.1"), of(&future.0)] {
        let answer = fixture.backend.list_logs(&foreign).await;
        assert!(matches!(answer, Err(Error::BadCursor)), "{foreign:?}: {answer:?}");
    }
}

pub async fn a_long_list_of_log_records_is_whole(fixture: Fixture) {
    let log = |number: u64| LogRecord { time: Nanos(number), message: Text::from("m"), ..LogRecord::default() };
    for begin in [0, 700, 1_400] {
        write(&*fixture.backend, (begin..begin + 700).map(log).collect()).await;
    }
    for (limit, expected) in [(0, 2_100), (1_000, 1_000), (1_500, 1_500), (2_100, 2_100), (5_000, 2_100)] {
        let page = list(&*fixture.backend, &LogQuery { limit, ..LogQuery::default() }).await;
        assert_eq!((page.records.len(), page.next.is_some()), (expected, expected < 2_100), "{limit}");
        assert!(page.records.iter().map(|log| log.time.0).eq((0..2_100).rev().take(expected)));
    }
}

pub async fn a_page_of_large_log_records_ends_early_and_the_next_goes_on(fixture: Fixture) {
    const HALF: usize = 500_000;
    let log = |number: u64| {
        // Every third one is small; of the others half is message and half an attribute.
        let length = if number.is_multiple_of(3) { 1 } else { HALF };
        LogRecord {
            time: Nanos(number * 7 % 32),
            message: Text::from(format!("{number}{}", "m".repeat(length))),
            attributes: [("body", "b".repeat(length).as_str())].into_iter().collect(),
            ..LogRecord::default()
        }
    };
    for begin in [0, 8, 16, 24] {
        write(&*fixture.backend, (begin..begin + 8).map(log).collect()).await;
    }
    let all = all(&*fixture.backend).await;
    for oldest_first in [true, false] {
        let query = LogQuery { limit: 100, oldest_first, ..LogQuery::default() };
        let (mut found, mut pages, mut cursor) = (Vec::new(), 0, None);
        loop {
            let page = list(&*fixture.backend, &LogQuery { cursor, ..query.clone() }).await;
            let large = page.records.iter().filter(|log| log.message.len() > HALF).count();
            assert!((1..=9).contains(&large), "{large} large records on a page");
            assert!(large >= 8 || page.next.is_none(), "only {large} large records on a page with another behind it");
            found.extend(ids(&page.records));
            pages += 1;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, expected(&all, &query));
        assert_eq!(pages, 3);
        let some = LogQuery { limit: 25, ..query.clone() };
        let page = query::logs::first(&*fixture.backend, &some).await.expect("listed");
        assert_eq!((ids(&page.records).as_slice(), page.next.is_some()), (&found[..25], true));
    }
}

pub async fn of_a_store_without_log_records_the_list_is_empty(fixture: Fixture) {
    assert_eq!(list(&*fixture.backend, &LogQuery::default()).await, LogPage { records: Vec::new(), next: None });
    let of_trace = LogQuery { trace: TraceId::parse("nobody's").ok(), ..LogQuery::default() };
    assert_eq!(list(&*fixture.backend, &of_trace).await.records, []);
}

#[tokio::test]
async fn sealed_records_of_many_blocks_and_waiting_ones_are_one_list() {
    let folder = tempfile::tempdir().expect("temp dir");
    let store = Sqlite::open_for_writing(folder.path().join("a.db"), Options::default()).await.expect("opened");
    let mut random = Random::new();
    for (number, logs) in random.writes(260).into_iter().enumerate() {
        write(&*store, logs).await;
        if number == 120 || number == 220 {
            store.seal_now().await.expect("sealed");
        }
    }
    answers_as_a_filter_would(&*store, &mut random, 50).await;
}
