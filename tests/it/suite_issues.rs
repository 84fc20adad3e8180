//! The contract of [`tracehub::store::Backend`] where it speaks of issues.
//!
//! `contract_of_issues!` makes the tests for a backend that stores all kinds, as `contract!` does for spans. Events of
//! the past are of 2020 and those of the future of 2100, because only the store's own clock says what is now.

use std::{collections::BTreeSet, sync::Arc};

use tracehub::{
    model::{
        Attributes, Batch, Cursor, Event, HourCount, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, IssueSort,
        IssueStatus, Kind, LogQuery, LogRecord, Nanos, Page, RecordFilter, RecordKind, Removed, Resource, Retention,
        Scope, Severity, Span, SpanId, StatsQuery, Status, Text, TraceId, Value, Written, grouping,
    },
    store::Error,
};

use crate::suite::Fixture;

/// The tests of one backend.
#[macro_export]
macro_rules! contract_of_issues {
    ($module:ident, $fixture:path) => {
        $crate::checks!(suite_issues, $module, $fixture,
            errors_become_issues_and_other_records_do_not
            an_error_counts_once_however_often_it_is_sent
            the_same_error_in_a_log_record_and_in_a_span_is_one_issue
            an_exception_that_leaves_several_spans_is_one_error_of_one_issue
            what_comes_of_an_error_in_another_write_leads_to_its_issue
            services_and_projects_have_issues_of_their_own
            first_and_last_seen_do_not_depend_on_the_order_of_arrival
            a_title_holds_the_message_until_another_one_comes
            a_later_event_reopens_a_resolved_issue_and_an_old_one_does_not
            an_ignored_issue_stays_ignored_and_counts
            a_change_is_told_and_kept_and_what_is_so_already_is_none
            issues_are_ordered_totally_and_pages_visit_each_once
            every_filter_of_issues_keeps_what_it_names_and_nothing_else
            events_are_counted_by_the_hour_of_their_own_clocks
            the_newest_traces_are_named_and_all_are_counted
            the_stack_trace_is_of_the_latest_hour
            issues_outlive_their_records_and_go_with_everything
            errors_written_at_the_same_time_are_all_counted
            stats_count_open_issues);
    };
}

crate::contract_of_issues!(sqlite, crate::suite::sqlite_file);
crate::contract_of_issues!(sqlite_sealing_all_the_time, crate::suite::restless_sqlite_file);

/// 2020-01-01T00:30:00Z, nanoseconds.
const PAST: u64 = 1_577_838_600_000_000_000;
/// 2100-01-01T00:00:00Z, nanoseconds.
const FUTURE: u64 = 4_102_444_800_000_000_000;
const HOUR: u64 = 3_600_000_000_000;

fn resource(service: &str, more: &[(&str, &str)]) -> Arc<Resource> {
    let attributes = [("service.name", service)].into_iter().chain(more.iter().copied());
    Arc::new(Resource::new(attributes.collect()))
}

fn stack(error_type: &str, line: u64) -> String {
    format!(
        "Traceback (most recent call last):\n  File \"/app/payments/stripe.py\", line {line}, in charge_card\n    \
         charge(card)\n{error_type}: card declined"
    )
}

/// An error of `shop` at a nanosecond.
fn error(error_type: &str, time_ns: u64) -> LogRecord {
    let attributes: Attributes = [
        ("exception.type", Value::from(error_type)),
        ("exception.message", Value::from("card declined")),
        ("exception.stacktrace", Value::from(stack(error_type, 7).as_str())),
    ]
    .into_iter()
    .collect();
    LogRecord {
        time: Nanos(time_ns),
        severity: Severity::Error,
        message: Text::from("charge failed"),
        trace_id: None,
        span_id: None,
        attributes,
        resource: resource("shop", &[]),
        scope: Arc::new(Scope::default()),
    }
}

fn with_attribute(mut log: LogRecord, key: &str, value: &str) -> LogRecord {
    log.attributes.0.retain(|(known, _)| known.as_str() != key);
    log.attributes.0.push((Text::from(key), Value::from(value)));
    log
}

fn in_trace(log: LogRecord, trace: &str) -> LogRecord {
    LogRecord { trace_id: TraceId::parse(trace).ok(), ..log }
}

fn failed_span(number: u64, exceptions: usize) -> Span {
    let LogRecord { time, attributes, resource, scope, .. } = error("HTTPError", PAST + number);
    let event = Event { time, name: Text::from("exception"), attributes, dropped_attributes: 0 };
    Span {
        trace_id: TraceId::Otel([9; 16]),
        span_id: SpanId((number + 1).to_be_bytes()),
        parent_span_id: None,
        trace_state: Text::EMPTY,
        flags: 0,
        name: Text::from("POST /charge"),
        kind: Kind::Server,
        start: Nanos(PAST),
        end: Nanos(PAST + HOUR),
        attributes: Attributes::EMPTY,
        dropped_attributes: 0,
        events: vec![event; exceptions],
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: Status::default(),
        resource,
        scope,
    }
}

async fn write(fixture: &Fixture, logs: Vec<LogRecord>) -> Written {
    fixture.backend.write(Batch { logs, ..Batch::default() }).await.expect("written")
}

async fn list(fixture: &Fixture, query: IssueQuery) -> Page<Issue> {
    fixture.backend.issues(&query).await.expect("listed")
}

async fn all(fixture: &Fixture) -> Vec<Issue> {
    list(fixture, IssueQuery::default()).await.items
}

async fn only(fixture: &Fixture) -> Issue {
    let mut issues = all(fixture).await;
    assert_eq!(issues.len(), 1, "{issues:#?}");
    issues.remove(0)
}

async fn detail(fixture: &Fixture, id: IssueId) -> IssueDetail {
    fixture.backend.issue(&id).await.expect("read").expect("there")
}

async fn set(fixture: &Fixture, id: IssueId, status: IssueStatus) -> Issue {
    fixture.backend.set_issue(&id, IssueChange::Status(status)).await.expect("set").expect("there")
}

async fn error_types(fixture: &Fixture, query: IssueQuery) -> Vec<String> {
    let page = list(fixture, query).await;
    page.items.iter().map(|issue| issue.error_type.as_deref().unwrap_or("-").to_owned()).collect()
}

pub async fn errors_become_issues_and_other_records_do_not(fixture: Fixture) {
    assert_eq!(list(&fixture, IssueQuery::default()).await.total, 0);
    let quiet = LogRecord { severity: Severity::Warn, attributes: Attributes::EMPTY, ..error("-", PAST) };
    write(&fixture, vec![quiet]).await;
    assert_eq!(all(&fixture).await, []);
    let raised = error("HTTPError", PAST);
    let grouping = grouping::of_log(&raised).expect("an error");
    write(&fixture, vec![in_trace(raised, "req-1")]).await;
    let issue = only(&fixture).await;
    assert_eq!(
        issue,
        Issue {
            id: grouping.issue,
            project: Text::EMPTY,
            service: Text::from("shop"),
            status: IssueStatus::Open,
            is_regressed: false,
            title: Text::from("HTTPError: card declined"),
            error_type: Some(Text::from("HTTPError")),
            message: Text::from("card declined"),
            culprit: grouping.culprit,
            environments: Vec::new(),
            first_seen: Nanos(PAST),
            last_seen: Nanos(PAST),
            event_count: 1,
            trace_count: 1,
            fingerprint: grouping.fingerprint,
            sample_trace_ids: vec![TraceId::parse("req-1").expect("valid")],
            counts: Vec::new(),
        }
    );
    let found = detail(&fixture, issue.id).await;
    assert_eq!(found.stack_trace.as_deref(), Some(stack("HTTPError", 7).as_str()));
    assert_eq!((found.why, found.fingerprints, found.history), (grouping.why, vec![grouping.fingerprint], Vec::new()));
    assert_eq!(fixture.backend.issue(&IssueId([0; 8])).await.expect("looked up"), None);
    // A level is enough, and so is an error's type at any level.
    let plain = LogRecord { attributes: Attributes::EMPTY, ..error("-", PAST) };
    let caught = LogRecord { severity: Severity::Info, ..error("KeyError", PAST) };
    write(&fixture, vec![plain, caught]).await;
    let titles: BTreeSet<String> = all(&fixture).await.iter().map(|issue| issue.title.to_string()).collect();
    assert_eq!(
        titles.iter().map(String::as_str).collect::<Vec<_>>(),
        ["HTTPError: card declined", "KeyError: card declined", "charge failed"]
    );
}

pub async fn an_error_counts_once_however_often_it_is_sent(fixture: Fixture) {
    for (trace, before) in [(Some("req-1"), 0), (None, 4)] {
        let placed = |log| if let Some(trace) = trace { in_trace(log, trace) } else { log };
        let errors =
            |times: &[u64]| times.iter().map(|time| placed(error("HTTPError", PAST + time))).collect::<Vec<_>>();
        assert_eq!(write(&fixture, errors(&[1, 2, 2])).await.accepted, 3);
        assert_eq!(only(&fixture).await.event_count, before + 3, "equal records of one write are as many errors");
        assert_eq!(write(&fixture, errors(&[1, 2, 2])).await, Written { accepted: 0, duplicates: 3 });
        assert_eq!(only(&fixture).await.event_count, before + 3);
        assert_eq!(write(&fixture, errors(&[2, 3, 1])).await, Written { accepted: 1, duplicates: 2 });
        assert_eq!(only(&fixture).await.event_count, before + 4);
    }
}

pub async fn the_same_error_in_a_log_record_and_in_a_span_is_one_issue(fixture: Fixture) {
    let logs = vec![LogRecord { trace_id: Some(TraceId::Otel([9; 16])), ..error("HTTPError", PAST + 5) }];
    let spans = vec![failed_span(0, 1), failed_span(1, 3), failed_span(2, 0)];
    let batch = Batch { spans, logs, ..Batch::default() };
    for _ in 0..2 {
        fixture.backend.write(batch.clone()).await.expect("written");
        let issue = only(&fixture).await;
        assert_eq!((issue.event_count, issue.trace_count), (3, 1), "what a span tells twice is one error");
        assert_eq!((issue.first_seen, issue.last_seen), (Nanos(PAST), Nanos(PAST + 5)));
    }
}

/// A span whose exception has come out of this many functions, and which lies in the one that is one wider.
fn span_left(number: u64, depth: usize) -> Span {
    let mut span = failed_span(number, 1);
    span.parent_span_id = Some(SpanId((number + 2).to_be_bytes()));
    span.events[0].attributes = error_left(depth).attributes;
    span
}

/// An error of trace 9 that has come out of this many functions.
fn error_left(depth: usize) -> LogRecord {
    let frames = (0..depth).rev().map(|number| format!("  File \"/app/shop/pay.py\", line 7, in step{number}\n"));
    let stack = format!("Traceback (most recent call last):\n{}E: card declined", frames.collect::<String>());
    let log = with_attribute(error("E", PAST + 9), "exception.stacktrace", &stack);
    LogRecord { trace_id: Some(TraceId::Otel([9; 16])), ..log }
}

pub async fn an_exception_that_leaves_several_spans_is_one_error_of_one_issue(fixture: Fixture) {
    let spans = vec![span_left(2, 3), span_left(0, 1), span_left(1, 2)];
    let longest = grouping::of_log(&error_left(3)).expect("an error").issue;
    fixture.backend.write(Batch { spans, ..Batch::default() }).await.expect("written");
    let issue = only(&fixture).await;
    assert_eq!((issue.id, issue.event_count, issue.trace_count), (longest, 1, 1));
    assert_eq!(issue.first_seen, Nanos(PAST), "when it began");
    for depth in 1..=3 {
        let own = grouping::of_log(&error_left(depth)).expect("an error").issue;
        assert_eq!(detail(&fixture, own).await.issue.id, longest, "each of its records leads there");
    }
}

pub async fn what_comes_of_an_error_in_another_write_leads_to_its_issue(fixture: Fixture) {
    for (number, depth) in [(0, 2), (1, 3)] {
        let spans = vec![span_left(number, depth)];
        fixture.backend.write(Batch { spans, ..Batch::default() }).await.expect("written");
    }
    write(&fixture, vec![error_left(1)]).await;
    let first = grouping::of_log(&error_left(2)).expect("an error").issue;
    let issue = only(&fixture).await;
    assert_eq!((issue.id, issue.event_count, issue.trace_count), (first, 3, 1), "what was told apart counts apart");
    let detail = detail(&fixture, first).await;
    let ids: BTreeSet<IssueId> = detail.ids().into_iter().collect();
    let of_errors = [1, 2, 3].map(|depth| grouping::of_log(&error_left(depth)).expect("an error").issue);
    assert_eq!((ids, detail.ids()[0]), (BTreeSet::from(of_errors), first));
    let logs = async |issues| fixture.backend.logs(&LogQuery { issues, ..LogQuery::default() }).await.expect("listed");
    assert_eq!(logs(detail.ids()).await.records, [error_left(1)], "found through another fingerprint");
    assert!(!LogQuery { issues: vec![first], ..LogQuery::default() }.matches(&error_left(1)));
    write(&fixture, vec![in_trace(error_left(4), "another")]).await;
    assert_eq!(all(&fixture).await.len(), 2, "another trace may have another error");
}

pub async fn services_and_projects_have_issues_of_their_own(fixture: Fixture) {
    let of = |service, more: &[(&str, &str)]| LogRecord { resource: resource(service, more), ..error("E", PAST) };
    let project = grouping::PROJECT_ATTRIBUTE;
    let logs =
        vec![of("shop", &[]), of("billing", &[]), of("shop", &[(project, "p1")]), of("shop", &[(project, "p2")])];
    write(&fixture, logs).await;
    let issues = all(&fixture).await;
    let of: BTreeSet<(&str, &str)> =
        issues.iter().map(|issue| (issue.project.as_str(), issue.service.as_str())).collect();
    assert_eq!(of, BTreeSet::from([("", "shop"), ("", "billing"), ("p1", "shop"), ("p2", "shop")]));
    let ids: BTreeSet<IssueId> = issues.iter().map(|issue| issue.id).collect();
    assert_eq!(ids.len(), 4);
    assert!(issues.iter().all(|issue| issue.event_count == 1 && issue.fingerprint == issues[0].fingerprint));
}

pub async fn first_and_last_seen_do_not_depend_on_the_order_of_arrival(fixture: Fixture) {
    for times in [[5, 9], [7, 1], [2, 3]] {
        write(&fixture, times.map(|time| error("HTTPError", PAST + time)).to_vec()).await;
    }
    let issue = only(&fixture).await;
    assert_eq!((issue.first_seen, issue.last_seen, issue.event_count), (Nanos(PAST + 1), Nanos(PAST + 9), 6));
}

pub async fn a_title_holds_the_message_until_another_one_comes(fixture: Fixture) {
    let with = |message: &str, time| with_attribute(error("HTTPError", PAST + time), "exception.message", message);
    write(&fixture, vec![with("order 17 declined", 1), with("order 17 declined", 2)]).await;
    assert_eq!(only(&fixture).await.title, "HTTPError: order 17 declined");
    write(&fixture, vec![with("order 17 declined", 3)]).await;
    assert_eq!(only(&fixture).await.title, "HTTPError: order 17 declined");
    write(&fixture, vec![with("order 18 declined", 4)]).await;
    let issue = only(&fixture).await;
    assert_eq!(
        (issue.title.as_str(), issue.message.as_str()),
        ("HTTPError: order <int> declined", "order 17 declined")
    );
    // Also when they come together.
    let both = [with("cart 1 lost", 1), with("cart 2 lost", 2)];
    write(&fixture, both.map(|log| LogRecord { resource: resource("cart", &[]), ..log }).to_vec()).await;
    let of_cart = list(&fixture, IssueQuery { service: Some("cart".into()), ..IssueQuery::default() }).await;
    assert_eq!(of_cart.items[0].title, "HTTPError: cart <int> lost");
}

pub async fn a_later_event_reopens_a_resolved_issue_and_an_old_one_does_not(fixture: Fixture) {
    write(&fixture, vec![error("HTTPError", PAST)]).await;
    let id = only(&fixture).await.id;
    assert_eq!(set(&fixture, id, IssueStatus::Resolved).await.status, IssueStatus::Resolved);
    write(&fixture, vec![error("HTTPError", PAST + 1), error("HTTPError", PAST - 1)]).await;
    let issue = only(&fixture).await;
    assert_eq!((issue.status, issue.is_regressed, issue.event_count), (IssueStatus::Resolved, false, 3));
    write(&fixture, vec![error("HTTPError", PAST + 2), error("HTTPError", FUTURE)]).await;
    let issue = only(&fixture).await;
    assert_eq!((issue.status, issue.is_regressed, issue.event_count), (IssueStatus::Open, true, 5));
    write(&fixture, vec![error("HTTPError", FUTURE + 1)]).await;
    let history = detail(&fixture, id).await.history;
    let told: Vec<_> = history.iter().map(|change| (change.status, change.by_event)).collect();
    assert_eq!(told, [(IssueStatus::Resolved, false), (IssueStatus::Open, true)], "open is not opened again");
    assert!(history[0].time < history[1].time && history[1].time <= Nanos::now(), "by the store's clock");
    // What was seen in the future already does not keep it from being resolved, nor from coming back.
    assert!(!set(&fixture, id, IssueStatus::Resolved).await.is_regressed);
    assert_eq!(only(&fixture).await.status, IssueStatus::Resolved);
    write(&fixture, vec![error("HTTPError", FUTURE)]).await;
    assert_eq!(only(&fixture).await.status, IssueStatus::Resolved, "it was there before");
    write(&fixture, vec![error("HTTPError", FUTURE - 1)]).await;
    assert!(only(&fixture).await.is_regressed);
}

pub async fn an_ignored_issue_stays_ignored_and_counts(fixture: Fixture) {
    write(&fixture, vec![error("HTTPError", PAST)]).await;
    let id = only(&fixture).await.id;
    set(&fixture, id, IssueStatus::Ignored).await;
    write(&fixture, vec![error("HTTPError", FUTURE)]).await;
    let issue = only(&fixture).await;
    assert_eq!((issue.status, issue.event_count, issue.last_seen), (IssueStatus::Ignored, 2, Nanos(FUTURE)));
}

pub async fn a_change_is_told_and_kept_and_what_is_so_already_is_none(fixture: Fixture) {
    write(&fixture, vec![in_trace(error("HTTPError", PAST), "req-1")]).await;
    let before = only(&fixture).await;
    let resolve = IssueChange::Status(IssueStatus::Resolved);
    assert_eq!(fixture.backend.set_issue(&IssueId([0; 8]), resolve).await.expect("looked up"), None);
    assert_eq!(set(&fixture, before.id, IssueStatus::Open).await, before);
    let resolved = Issue { status: IssueStatus::Resolved, ..before.clone() };
    for _ in 0..2 {
        assert_eq!(set(&fixture, before.id, IssueStatus::Resolved).await, resolved);
        assert_eq!(only(&fixture).await, resolved);
    }
    assert_eq!(set(&fixture, before.id, IssueStatus::Ignored).await.status, IssueStatus::Ignored);
    assert_eq!(
        set(&fixture, before.id, IssueStatus::Open).await,
        before,
        "a person opened it, so it did not come back"
    );
    let history = detail(&fixture, before.id).await.history;
    let statuses: Vec<IssueStatus> = history.iter().map(|change| change.status).collect();
    assert_eq!(statuses, [IssueStatus::Resolved, IssueStatus::Ignored, IssueStatus::Open]);
    assert!(history.iter().all(|change| !change.by_event));
}

/// Nine issues `E0` to `E8`; the later ones were seen earlier, three at a time in the same instant, and 1 to 3 times.
async fn write_nine(fixture: &Fixture) {
    for number in 0..9 {
        let time = PAST - number / 3 * 10;
        let error = |more: u64| {
            let resource = resource(if number % 2 == 0 { "shop" } else { "billing" }, &[]);
            LogRecord { resource, ..error(&format!("E{number}"), time + more) }
        };
        write(fixture, (0..=number % 3).map(error).collect()).await;
    }
}

pub async fn issues_are_ordered_totally_and_pages_visit_each_once(fixture: Fixture) {
    write_nine(&fixture).await;
    let key = |sort, issue: &Issue| match sort {
        IssueSort::LastSeen => issue.last_seen.0,
        IssueSort::FirstSeen => issue.first_seen.0,
        IssueSort::Count => issue.event_count,
    };
    for sort in [IssueSort::LastSeen, IssueSort::FirstSeen, IssueSort::Count] {
        for reverse in [false, true] {
            let query = |limit| IssueQuery { limit, sort, reverse, ..IssueQuery::default() };
            let mut expected = all(&fixture).await;
            expected.sort_by(|a, b| key(sort, b).cmp(&key(sort, a)).then(a.id.cmp(&b.id)));
            if reverse {
                expected.reverse();
            }
            assert_eq!(list(&fixture, query(0)).await.items, expected, "{sort:?} {reverse}");
            for limit in [1, 2, 4, 9, 10] {
                let mut found = Vec::new();
                let mut cursor = None;
                loop {
                    let page = list(&fixture, IssueQuery { cursor, ..query(limit) }).await;
                    assert!(page.items.len() <= limit && page.total == 9 && page.failed == 9);
                    found.extend(page.items);
                    cursor = page.next;
                    if cursor.is_none() {
                        break;
                    }
                }
                assert_eq!(found, expected, "{sort:?} {reverse} {limit}");
            }
        }
    }
    let first = list(&fixture, IssueQuery { limit: 3, ..IssueQuery::default() }).await;
    let of_other = IssueQuery { cursor: first.next, sort: IssueSort::Count, ..IssueQuery::default() };
    for query in [of_other, IssueQuery { cursor: Some(Cursor("?".into())), ..IssueQuery::default() }] {
        assert!(matches!(fixture.backend.issues(&query).await, Err(Error::BadCursor)));
    }
}

pub async fn every_filter_of_issues_keeps_what_it_names_and_nothing_else(fixture: Fixture) {
    write_nine(&fixture).await;
    let issues = all(&fixture).await;
    let named = |number: usize| issues.iter().find(|issue| issue.title.starts_with(&format!("E{number}"))).expect("it");
    set(&fixture, named(1).id, IssueStatus::Resolved).await;
    set(&fixture, named(2).id, IssueStatus::Ignored).await;
    let of = |query: IssueQuery| {
        let fixture = &fixture;
        async move {
            let mut types = error_types(fixture, query).await;
            types.sort();
            types.concat()
        }
    };
    let any = IssueQuery::default;
    assert_eq!(of(IssueQuery { status: Some(IssueStatus::Resolved), ..any() }).await, "E1");
    assert_eq!(of(IssueQuery { status: Some(IssueStatus::Ignored), ..any() }).await, "E2");
    assert_eq!(of(IssueQuery { status: Some(IssueStatus::Open), ..any() }).await, "E0E3E4E5E6E7E8");
    assert_eq!(list(&fixture, any()).await.failed, 7, "those that are open");
    assert_eq!(of(IssueQuery { service: Some("billing".into()), ..any() }).await, "E1E3E5E7");
    assert_eq!(of(IssueQuery { service: Some("bill".into()), ..any() }).await, "");
    // E0 to E2 were seen up to 2 ns after 0, E3 to E5 after -10, E6 to E8 after -20.
    assert_eq!(of(IssueQuery { since: Some(Nanos(PAST - 9)), ..any() }).await, "E0E1E2E4E5");
    assert_eq!(of(IssueQuery { since: Some(Nanos(PAST - 10)), ..any() }).await, "E0E1E2E3E4E5");
    assert_eq!(of(IssueQuery { until: Some(Nanos(PAST)), ..any() }).await, "E3E4E5E6E7E8");
    assert_eq!(of(IssueQuery { until: Some(Nanos(PAST + 1)), ..any() }).await, "E0E1E2E3E4E5E6E7E8");
    let id = named(4).id.to_string();
    assert_eq!(of(IssueQuery { id_prefix: Some(id[..9].to_uppercase()), ..any() }).await, "E4");
    assert_eq!(of(IssueQuery { id_prefix: Some(id.clone()), ..any() }).await, "E4");
    assert_eq!(list(&fixture, IssueQuery { id_prefix: Some(String::new()), ..any() }).await.total, 9);
    for nothing in [format!("{id}0"), "x".to_owned(), "é".to_owned()] {
        assert_eq!(of(IssueQuery { id_prefix: Some(nothing), ..any() }).await, "");
    }
    assert_eq!(of(IssueQuery { ids: vec![named(7).id, IssueId([0; 8]), named(2).id], ..any() }).await, "E2E7");
    let environment = |name: &str, time| with_attribute(error("E0", PAST + time), "deployment.environment.name", name);
    let project = resource("shop", &[(grouping::PROJECT_ATTRIBUTE, "p1"), ("deployment.environment", "eu")]);
    let elsewhere = LogRecord { resource: project, ..error("P", PAST) };
    write(&fixture, vec![environment("prod", 5), environment("a\"b", 6), environment("prod", 7), elsewhere]).await;
    assert_eq!(named(0).id, list(&fixture, IssueQuery { environment: Some("prod".into()), ..any() }).await.items[0].id);
    assert_eq!(of(IssueQuery { environment: Some("a\"b".into()), ..any() }).await, "E0");
    assert_eq!(of(IssueQuery { environment: Some("pro".into()), ..any() }).await, "");
    assert_eq!(of(IssueQuery { environment: Some("eu".into()), ..any() }).await, "P");
    assert_eq!(of(IssueQuery { project: Some("p1".into()), ..any() }).await, "P");
    assert_eq!(list(&fixture, IssueQuery { project: Some(String::new()), ..any() }).await.total, 9);
    let environments =
        list(&fixture, IssueQuery { ids: vec![named(0).id], ..any() }).await.items.remove(0).environments;
    assert_eq!(environments, ["a\"b", "prod"]);
}

pub async fn events_are_counted_by_the_hour_of_their_own_clocks(fixture: Fixture) {
    // Half past the hour.
    let hours = [0, 0, 1, 5, 1, 0];
    for (number, hour) in hours.into_iter().enumerate() {
        write(&fixture, vec![error("HTTPError", PAST + hour * HOUR + number as u64)]).await;
    }
    let count = |hour: u64, count| HourCount { hour: Nanos(PAST - HOUR / 2 + hour * HOUR), count };
    let expected = [count(0, 3), count(1, 2), count(5, 1)];
    let issue = only(&fixture).await;
    assert_eq!(issue.counts, [], "nobody asked");
    assert_eq!(detail(&fixture, issue.id).await.issue.counts, expected);
    for (since, left) in [(0, 0), (PAST, 0), (PAST + HOUR / 2, 1), (PAST + 2 * HOUR, 2), (FUTURE, 3)] {
        let query = IssueQuery { counts_since: Some(Nanos(since)), ..IssueQuery::default() };
        assert_eq!(list(&fixture, query).await.items[0].counts, expected[left..], "{since}");
    }
}

pub async fn the_newest_traces_are_named_and_all_are_counted(fixture: Fixture) {
    for trace in 0..12 {
        let name = format!("req-{trace:02}");
        write(&fixture, vec![in_trace(error("HTTPError", PAST + 100 - trace), &name)]).await;
    }
    write(&fixture, vec![error("HTTPError", PAST + 500), in_trace(error("HTTPError", PAST + 200), "req-03")]).await;
    let issue = only(&fixture).await;
    assert_eq!((issue.event_count, issue.trace_count), (14, 12));
    let named: Vec<String> = issue.sample_trace_ids.iter().map(TraceId::to_string).collect();
    assert_eq!(
        named,
        ["req-03", "req-00", "req-01", "req-02", "req-04", "req-05", "req-06", "req-07", "req-08", "req-09"]
    );
}

pub async fn the_stack_trace_is_of_the_latest_hour(fixture: Fixture) {
    let at = |hour: u64, line: u64| {
        let error = error("HTTPError", PAST + hour * HOUR + line);
        with_attribute(error, "exception.stacktrace", &stack("HTTPError", line))
    };
    for (sent, kept) in [
        (vec![at(1, 10)], 10),
        (vec![at(1, 11)], 10),
        (vec![at(0, 12)], 10),
        (vec![at(2, 13), at(3, 15), at(3, 14)], 15),
        (vec![at(2, 16)], 15),
    ] {
        write(&fixture, sent).await;
        let id = only(&fixture).await.id;
        assert_eq!(detail(&fixture, id).await.stack_trace.as_deref(), Some(stack("HTTPError", kept).as_str()));
    }
}

pub async fn issues_outlive_their_records_and_go_with_everything(fixture: Fixture) {
    let logs = ["req-1", "req-2", "req-3"].map(|trace| in_trace(error("HTTPError", PAST), trace));
    write(&fixture, logs.to_vec()).await;
    let named = async || {
        let issue = only(&fixture).await;
        assert_eq!((issue.event_count, issue.trace_count), (3, 3), "what was is not undone");
        issue.sample_trace_ids.iter().map(TraceId::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(named().await, "req-3 req-2 req-1");
    let one = RecordFilter { trace: TraceId::parse("req-2").ok(), ..RecordFilter::default() };
    let removed = Removed { traces: 1, logs: 1, ..Removed::default() };
    assert_eq!(fixture.backend.delete(&one, true).await.expect("counted"), removed);
    assert_eq!(named().await, "req-3 req-2 req-1");
    assert_eq!(fixture.backend.delete(&one, false).await.expect("deleted"), removed);
    assert_eq!(named().await, "req-3 req-1");
    let logs = RecordFilter { kind: Some(RecordKind::Logs), ..RecordFilter::default() };
    fixture.backend.delete(&logs, false).await.expect("deleted");
    assert_eq!(named().await, "");
    // What was deleted is new again.
    write(&fixture, vec![in_trace(error("HTTPError", PAST), "req-1")]).await;
    assert_eq!(only(&fixture).await.event_count, 4);
    let keep = Retention { received_before: Nanos(Nanos::now().0 + 2 * HOUR) };
    while !fixture.backend.prune(&keep, 100).await.expect("pruned").is_empty() {}
    let issue = only(&fixture).await;
    assert_eq!((issue.event_count, issue.sample_trace_ids), (4, Vec::new()));
    write(&fixture, vec![error("KeyError", PAST)]).await;
    let everything = RecordFilter::default();
    let removed = Removed { logs: 1, issues: 2, ..Removed::default() };
    assert_eq!(fixture.backend.delete(&everything, true).await.expect("counted"), removed);
    assert_eq!(all(&fixture).await.len(), 2);
    assert_eq!(fixture.backend.delete(&everything, false).await.expect("deleted"), removed);
    assert_eq!(all(&fixture).await, []);
    assert_eq!(fixture.backend.issue(&issue.id).await.expect("looked up"), None);
}

pub async fn errors_written_at_the_same_time_are_all_counted(fixture: Fixture) {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16_u64 {
        let backend = Arc::clone(&fixture.backend);
        tasks.spawn(async move {
            for round in 0..5 {
                let kind = if round % 2 == 0 { "Even" } else { "Odd" };
                let logs = (0..4).map(|number| error(kind, PAST + task * 1_000 + round * 100 + number));
                let traced = logs.map(|log| in_trace(log, &format!("req-{task}")));
                let batch = Batch { logs: traced.collect(), ..Batch::default() };
                // A retry that overtakes its first attempt.
                let (one, two) = tokio::join!(backend.write(batch.clone()), backend.write(batch));
                assert_eq!(one.expect("written").accepted + two.expect("written").accepted, 4);
            }
        });
    }
    tasks.join_all().await;
    let mut counts: Vec<_> = all(&fixture).await.iter().map(|issue| (issue.event_count, issue.trace_count)).collect();
    counts.sort_unstable();
    assert_eq!(counts, [(16 * 2 * 4, 16), (16 * 3 * 4, 16)]);
}

pub async fn stats_count_open_issues(fixture: Fixture) {
    write_nine(&fixture).await;
    let open = async |query: StatsQuery| fixture.backend.stats(&query).await.expect("stats").issues;
    assert_eq!(open(StatsQuery::default()).await, 9);
    let id = all(&fixture).await[0].id;
    set(&fixture, id, IssueStatus::Resolved).await;
    assert_eq!(open(StatsQuery::default()).await, 8);
    let billing =
        StatsQuery { service: Some("billing".into()), since: Some(Nanos(PAST - 15)), ..StatsQuery::default() };
    set(&fixture, id, IssueStatus::Open).await;
    assert_eq!(open(billing).await, 3, "E1, E3 and E5");
}
