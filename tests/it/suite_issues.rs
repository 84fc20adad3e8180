//! The contract of [`tracehub::store::Backend`] where it speaks of issues.
//!
//! `contract_of_issues!` makes the tests for a backend that stores all kinds, as `contract!` does for spans. Events of
//! the past are of 2020 and those of the future of 2100, because only the store's own clock says what is now.

mod counting;
mod life;
mod lists;

use std::{collections::BTreeSet, sync::Arc};

use tracehub::{
    model::{
        Attributes, Batch, Cursor, Event, HourCount, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, IssueSort,
        IssueStatus, Kind, LogQuery, LogRecord, Nanos, Page, RecordFilter, RecordKind, Removed, Resource, Retention,
        Scope, Severity, Span, SpanId, StatsQuery, Status, Text, TraceId, Value, Written, grouping,
    },
    store::Error,
};

pub use self::{counting::*, life::*, lists::*};
use crate::suite::Fixture;
use crate::support::whole::Whole as _;

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
    fixture.backend.list_issues(&query).await.expect("listed")
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
