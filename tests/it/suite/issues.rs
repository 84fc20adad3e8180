//! The contract of [`tracehub::store::Backend`] where it speaks of issues.
//!
//! Events of the past are of 2020 and those of the future of 2100, because only the store's own clock says what is now.

mod counting;
mod life;
mod lists;

use std::collections::BTreeSet;
use std::sync::Arc;

use tracehub::model::{
    Attributes, Batch, Cursor, Event, HourCount, Issue, IssueChange, IssueDetail, IssueId, IssueQuery, IssueSort,
    IssueStatus, Kind, LogQuery, LogRecord, Nanos, Page, RecordFilter, RecordKind, Removed, Resource, Retention, Scope,
    Severity, Span, SpanId, StatsQuery, Status, Text, TraceId, Value, Written, grouping,
};
use tracehub::store::Error;

use super::Fixture;
use crate::support::whole::Whole as _;

pub use self::counting::*;
pub use self::life::*;
pub use self::lists::*;

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
        request: 0,
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
