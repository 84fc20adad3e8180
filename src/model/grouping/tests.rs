//! From logs and spans to issues.

use std::sync::Arc;

use super::*;
use crate::model::{
    Attributes, Event, Kind, LogRecord, Nanos, Resource, Scope, Severity, Span, SpanId, Status, Text, TraceId, Value,
};

mod spans;

fn log(attributes: &[(&str, &str)]) -> LogRecord {
    LogRecord {
        severity: Severity::Error,
        message: Text::from("charge failed"),
        attributes: attributes.iter().copied().collect(),
        resource: Arc::new(Resource::new([("service.name", "shop")].into_iter().collect())),
        ..LogRecord::default()
    }
}

/// The errors of one span, each once.
fn of_span(span: &Span) -> Vec<Grouping> {
    of_spans(&[span]).into_iter().map(|error| error.grouping).collect()
}

const PYTHON: &str = r#"Traceback (most recent call last):
  File "/srv/shop/orders/api.py", line 12, in create
    charge_card(card)
    ~~~~~~~~~~~^^^^^^
  File "/srv/shop/payments/stripe.py", line 88, in charge_card
    response.raise_for_status()
  File "/srv/venv/lib/python3.11/site-packages/requests/models.py", line 1021, in raise_for_status
    raise HTTPError(http_error_msg, response=self)
requests.exceptions.HTTPError: 402 card_declined
"#;

#[test]
fn an_error_is_its_type_its_text_and_the_frames_of_the_application() {
    let found = of_log(&log(&[
        ("exception.type", "HTTPError"),
        ("exception.message", "402 card_declined"),
        ("exception.stacktrace", PYTHON),
    ]))
    .expect("an error");
    insta::assert_debug_snapshot!(found.why, @r#"
    Why {
        algorithm: 1,
        error_type: "HTTPError",
        text: "<int> card_declined",
        frames: [
            "payments/stripe.py charge_card",
            "orders/api.py create",
        ],
        causes: [],
        custom: [],
    }
    "#);
    assert_eq!(found.culprit.as_deref(), Some("payments/stripe.py:88 charge_card"));
    assert_eq!(found.message, "402 card_declined");
    assert_eq!(found.message_pattern, "<int> card_declined");
}

fn span(events: &[&[(&str, &str)]]) -> Span {
    let event = |attributes: &&[(&str, &str)]| Event {
        name: Text::from("exception"),
        attributes: attributes.iter().copied().collect(),
        ..Event::default()
    };
    Span {
        trace_id: TraceId::parse("0102").expect("an id"),
        span_id: SpanId([1; 8]),
        parent_span_id: None,
        trace_state: Text::EMPTY,
        flags: 0,
        name: Text::from("POST /charge"),
        kind: Kind::Server,
        start: Nanos(0),
        end: Nanos(1),
        attributes: Attributes::EMPTY,
        dropped_attributes: 0,
        events: events.iter().map(event).collect(),
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: Status::default(),
        resource: log(&[]).resource,
        scope: Arc::new(Scope::default()),
    }
}

#[test]
fn a_log_is_an_error_by_its_level_or_by_what_it_says_of_one() {
    let info = |attributes: &[(&str, &str)]| LogRecord { severity: Severity::Info, ..log(attributes) };
    assert_eq!(of_log(&info(&[])), None);
    assert_eq!(of_log(&info(&[("exception.type", ""), ("fingerprint", "mine")])), None);
    for key in ["exception.type", "exception.message", "exception.stacktrace"] {
        assert!(of_log(&info(&[(key, "x")])).is_some(), "{key}");
    }
    let plain = of_log(&log(&[])).expect("an error");
    assert_eq!((plain.error_type, plain.message.as_str(), plain.culprit), (None, "charge failed", None));
    let fatal = LogRecord { severity: Severity::Fatal, ..log(&[]) };
    assert_eq!(of_log(&fatal).map(|found| found.issue), Some(plain.issue));
}

#[test]
fn the_message_of_the_error_goes_before_that_of_the_log_and_its_type_may_come_from_the_stack() {
    let found = of_log(&log(&[("exception.stacktrace", PYTHON)])).expect("an error");
    assert_eq!(found.error_type.as_deref(), Some("requests.exceptions.HTTPError"));
    assert_eq!(found.message, "charge failed");
    assert_eq!(found.stack_trace.as_deref(), Some(PYTHON));
    let found = of_log(&log(&[("exception.message", "\n 402 of 17\nmore")])).expect("an error");
    assert_eq!((found.message.as_str(), found.message_pattern.as_str()), ("402 of 17", "<int> of <int>"));
    assert_eq!(found.why.text, "<int> of <int>\nmore");
}

#[test]
fn an_exception_of_a_span_and_its_log_are_one_issue() {
    // The SDK for logs names the type without its module, the one for traces with it.
    let logged = of_log(&log(&[
        ("exception.type", "HTTPError"),
        ("exception.message", "402 card_declined"),
        ("exception.stacktrace", PYTHON),
    ]));
    let recorded = of_span(&span(&[&[
        ("exception.type", "requests.exceptions.HTTPError"),
        ("exception.message", "402 card_declined"),
        ("exception.stacktrace", PYTHON),
        ("exception.escaped", "False"),
    ]]));
    assert_eq!(recorded.iter().map(|found| found.issue).collect::<Vec<_>>(), [logged.expect("an error").issue]);
}

#[test]
fn what_a_span_records_twice_counts_once() {
    let outer = PYTHON.replacen("  File", "  File \"/srv/shop/web.py\", line 3, in handle\n    create()\n  File", 1);
    let inner = [("exception.type", "HTTPError"), ("exception.message", "no"), ("exception.stacktrace", PYTHON)];
    let again = [("exception.type", "a.HTTPError"), ("exception.message", "no"), ("exception.stacktrace", &outer)];
    let other = [("exception.type", "KeyError"), ("exception.message", "no")];
    let found = of_span(&span(&[&inner, &other, &again, &inner, &other]));
    let shown: Vec<_> = found.iter().map(|found| (found.error_type.as_deref(), found.why.frames.len())).collect();
    assert_eq!(shown, [(Some("a.HTTPError"), 3), (Some("KeyError"), 0)]);
    let mut quiet = span(&[&inner]);
    quiet.events.iter_mut().for_each(|event| event.name = Text::from("message"));
    assert_eq!(of_span(&quiet), []);
}

#[test]
fn project_and_service_keep_issues_apart_and_a_fingerprint_may_be_given() {
    let issue_of = |resource: &[(&str, &str)], attributes: &[(&str, &str)]| {
        let resource = Arc::new(Resource::new(resource.iter().copied().collect()));
        of_log(&LogRecord { resource, ..log(attributes) }).expect("an error")
    };
    let one = issue_of(&[("service.name", "shop")], &[]);
    let service = issue_of(&[("service.name", "pay")], &[]);
    let project = issue_of(&[("service.name", "shop"), (PROJECT_ATTRIBUTE, "acme")], &[]);
    assert_eq!([service.fingerprint, project.fingerprint], [one.fingerprint; 2]);
    assert!(one.issue != service.issue && one.issue != project.issue && service.issue != project.issue);
    let custom = issue_of(&[("service.name", "shop")], &[("fingerprint", "card-declined")]);
    assert_eq!(custom.why.custom, ["card-declined"]);
    let mut list = log(&[]);
    list.attributes.0.push((Text::from("fingerprint"), Value::Array(vec![Value::from("card"), Value::Int(4)])));
    let list = of_log(&list).expect("an error");
    assert_eq!(list.why.custom, ["card", "4"]);
    assert!(custom.fingerprint != one.fingerprint && list.fingerprint != custom.fingerprint);
}

#[test]
fn without_a_stack_the_attributes_say_where_it_was() {
    let place = |attributes: &[(&str, &str)]| of_log(&log(attributes)).expect("an error").culprit;
    let function = ("code.function.name", "charge_card");
    let full = [("code.file.path", "/srv/shop/payments/stripe.py"), ("code.line.number", "88"), function];
    assert_eq!(place(&full).as_deref(), Some("payments/stripe.py:88 charge_card"));
    assert_eq!(place(&[("code.namespace", "shop.payments")]).as_deref(), Some("shop.payments"));
}
