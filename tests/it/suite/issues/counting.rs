//! What becomes an issue, and what an issue learns from its events.

use super::*;
use crate::support::whole::Whole as _;

pub async fn errors_become_issues_and_other_records_do_not(fixture: Fixture) {
    assert_eq!(list(&fixture, IssueQuery::default()).await.total, Some(0));
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
    let logs =
        async |issues| fixture.backend.list_logs(&LogQuery { issues, ..LogQuery::default() }).await.expect("listed");
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
