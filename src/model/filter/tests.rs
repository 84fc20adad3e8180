//! Filters read, printed, refused, and asked about records of each kind.

use std::sync::Arc;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::error::{MOST_BYTES, MOST_NESTED, MOST_TERMS};
use super::operand::Operand;
use super::pattern::Pattern;
use super::tree::SoughtText;
use super::{Clock, Expression, Field, Filter, FilterError, Needs, Operator, RecordRef, Subject, Term, TraceFacts};
use crate::model::{
    Attributes, Checkpoint, Direction, Event, Kind, LogRecord, Nanos, PROJECT_ATTRIBUTE, Resource, Severity, Span,
    SpanId, Status, StatusCode, Text, Trace, TraceId, Value, checkpoint, grouping,
};

fn clock() -> Clock {
    Clock { now: Nanos(1_795_252_442_000_000_000), zone: TimeZone::UTC }
}

fn read(text: &str) -> Filter {
    Filter::parse(text, &clock()).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

fn refused(text: &str) -> FilterError {
    Filter::parse(text, &clock()).expect_err(text)
}

fn resource() -> Arc<Resource> {
    let pairs = [
        ("service.name", "shop"),
        ("service.version", "v2"),
        ("deployment.environment", "prod"),
        ("host.name", "a1"),
        (PROJECT_ATTRIBUTE, "p1"),
    ];
    Arc::new(Resource::new(pairs.into_iter().collect()))
}

fn span() -> Span {
    let user = Value::Map(vec![(Text::from("id"), Value::Int(7)), (Text::from("a.b"), Value::from("x"))]);
    let tags = Value::Array(vec![Value::from("red"), Value::from("Blue"), Value::Int(404)]);
    let attributes = [
        ("http.status_code", Value::Int(503)),
        ("http.url", Value::from("http://shop/cart?id=9")),
        ("user", user),
        ("tags", tags),
        ("retries", Value::from("12")),
        ("ratio", Value::Double(0.5)),
        ("big", Value::Int(i64::MAX)),
        ("wait_ms", Value::Int(250)),
        ("cached", Value::Bool(false)),
        ("size", Value::Int(20_480)),
        ("a b", Value::from("blank")),
        ("gen_ai.request.model", Value::from("gpt-4o")),
        ("gen_ai.usage.input_tokens", Value::Int(900)),
        ("gen_ai.usage.output_tokens", Value::Int(34)),
    ];
    let exception = [("exception.type", "CardDeclined"), ("exception.message", "Card declined for u-7")];
    let event =
        Event { name: Text::from("exception"), attributes: exception.into_iter().collect(), ..Event::default() };
    Span {
        trace_id: TraceId::Otel([1; 16]),
        span_id: SpanId([2; 8]),
        parent_span_id: None,
        trace_state: Text::EMPTY,
        flags: 0,
        name: Text::from("GET /checkout"),
        kind: Kind::Server,
        start: Nanos(1_795_252_440_000_000_000),
        end: Nanos(1_795_252_440_750_000_000),
        attributes: attributes.into_iter().collect(),
        dropped_attributes: 0,
        events: vec![event],
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: Status { code: StatusCode::Error, message: Text::from("it broke") },
        resource: resource(),
        scope: Arc::default(),
    }
}

fn log() -> LogRecord {
    LogRecord {
        time: Nanos(1_795_252_440_000_000_000),
        severity: Severity::Warn,
        message: Text::from("Retrying payment for Ünal"),
        trace_id: Some(TraceId::Otel([1; 16])),
        span_id: Some(SpanId([2; 8])),
        attributes: [("code.namespace", "pay"), ("db.statement", "select 1")].into_iter().collect(),
        resource: resource(),
        ..LogRecord::default()
    }
}

fn entry() -> Checkpoint {
    Checkpoint {
        source_id: Text::from("MA"),
        correlation_id: Text::from("cli-1"),
        trace_id: checkpoint::trace_id("cli-1"),
        timestamp_ms: 1_795_252_440_000.0,
        suffix: Text::EMPTY,
        direction: Direction::Enter,
        operation: Text::from("REST"),
        endpoint: Text::from("GET /users"),
        data: Some(Text::from(r#"{"user":{"id":"u-1"},"n":3}"#)),
        hostname: Text::from("h1"),
        raw_line: None,
        project: Text::from("p1"),
    }
}

fn of_span(text: &str) -> bool {
    let trace = Trace::new(TraceId::Otel([1; 16]), vec![span()], Vec::new(), vec![log()]).expect("records");
    let facts = TraceFacts::of_trace(&trace);
    read(text).matches(&Subject { record: RecordRef::Span(&span()), trace: Some(&facts) })
}

fn of_log(text: &str) -> bool {
    read(text).matches(&Subject::of(RecordRef::Log(&log())))
}

fn of_checkpoint(text: &str) -> bool {
    read(text).matches(&Subject::of(RecordRef::Checkpoint(&entry())))
}

#[test]
fn a_span_is_asked_for_by_its_fields_and_attributes() {
    for text in [
        "",
        "checkout",
        "CHECKOUT declined",
        "\"card declined\"",
        "text:broke",
        "name=\"GET /checkout\"",
        "name=GET*",
        "name~=^GET",
        "name!~=^POST",
        "service=shop",
        "service=api,shop",
        "service!=api",
        "kind=server",
        "kind=span",
        "status=error",
        "status=ERROR",
        "status.message~=broke",
        "duration>500ms",
        "duration>=750ms duration<=0.75s",
        "duration=750ms",
        "self>500ms",
        "env=prod host=a1 project=p1",
        "id=0202020202020202",
        "span.id=0202020202020202",
        "trace.id=01010101010101010101010101010101",
        "trace.id=01010101*",
        "error.type=CardDeclined",
        "error.message~=u-7",
        "time>=2026-11-21T00:00:00Z",
        "http.status_code=503",
        "http.status_code=5xx",
        "http.response.status_code>=500",
        "http.response.status_code",
        "url.full~=cart",
        "span.http.status_code=503",
        "resource.service.version=v2",
        "service.version=v2",
        "event.exception.type=CardDeclined",
        "event.name=exception",
        "exception.type=CardDeclined",
        "user.id=7",
        "user.a.b=x",
        "tags=Blue",
        "tags=404",
        "tags~=^r",
        "tags>400",
        "retries=12",
        "retries>9",
        "ratio<1",
        "ratio=.5",
        "big=9223372036854775807",
        "big>9223372036854775806",
        "big<18446744073709551615",
        "wait_ms>200ms",
        "wait_ms=250ms",
        "cached=false",
        "size>10kib",
        "size>20kb",
        "\"a b\"=blank",
        "span.\"a b\"=blank",
        "has:\"a b\"",
        "has:tags",
        "!has:nothing",
        "nothing!=x",
        "!nothing=x",
        "NOT nothing=x",
        "-nothing=x",
        "nothing=x OR status=error",
        "(nothing=x OR status=error) AND checkout",
        "nothing=x OR status=error service=shop",
        "!(nothing=x OR status=ok)",
        "model=gpt-4o tokens=934 tokens.in>800 tokens.out<40",
        "trace.duration>700ms trace.name~=checkout root.service=shop root.name=GET*",
        "root.status=error trace.status=error trace.spans=1 trace.errors=1",
    ] {
        assert!(of_span(text), "{text}");
    }
    for text in [
        "stripe",
        "checkout stripe",
        "name=get*",
        "name=checkout",
        "service=Shop",
        "service!=api,shop",
        "kind=client",
        "kind=log",
        "status!=error",
        "level>=warn",
        "has:level",
        "duration>750ms",
        "http.status_code=404",
        "http.status_code=4xx",
        "http.status_code!=5xx",
        "http.response.status_code<500",
        "resource.http.status_code=503",
        "log.http.status_code=503",
        "tags!=red",
        "tags!~=Blue",
        "tags=blue",
        "big>9223372036854775807",
        "big=9223372036854775806",
        "nothing",
        "has:nothing",
        "nothing>1",
        "nothing~=.",
        "cached=true",
        "service=shop status=ok",
        "-checkout",
        "time>2026-11-22T00:00:00Z",
        "trace.spans>1",
        "session=s1",
    ] {
        assert!(!of_span(text), "{text}");
    }
}

#[test]
fn log_records_and_checkpoints_are_asked_for_alike() {
    for text in [
        "level>=warn",
        "level=warning",
        "level<error",
        "ÜNAL retrying",
        "message~=^Retrying",
        "body=Retrying*",
        "kind=log",
        "module=pay env=prod host=a1",
        "db.query.text~=select",
        "log.db.statement=\"select 1\"",
        "span.id=0202020202020202",
        "status!=error",
        "service=shop",
    ] {
        assert!(of_log(text), "{text}");
    }
    for text in ["level>=error", "name~=.", "has:status", "span.db.statement=*", "issue=*"] {
        assert!(!of_log(text), "{text}");
    }
    let failed = LogRecord { severity: Severity::Error, ..log() };
    let issue = grouping::of_log(&failed).expect("an error").issue;
    assert!(read(&format!("issue={issue}")).matches(&Subject::of(RecordRef::Log(&failed))));
    for text in [
        "kind=checkpoint source=MA service=MA",
        "operation=REST endpoint=\"GET /users\" direction=->",
        "name=\"REST GET /users\"",
        "rest users",
        "data.user.id=u-1",
        "user.id=u-*",
        "n>2",
        "trace.id=cli-1",
        "host=h1 project=p1",
        "u-1",
    ] {
        assert!(of_checkpoint(text), "{text}");
    }
    for text in ["direction=<-", "span.user.id=u-1", "has:level", "has:duration", "n>3"] {
        assert!(!of_checkpoint(text), "{text}");
    }
}

#[test]
fn what_is_no_filter_says_where_and_what_was_expected() {
    for (text, at, reason) in [
        ("{ resource.cluster = }", 21, "expected a value or a field here, not `}`"),
        (" @slow!", 1, "expected the name of a saved filter after `@`"),
        ("(a", 0, "this `(` is not closed"),
        ("a)", 1, "this `)` closes nothing"),
        ("a \"b", 2, "this quote is not closed"),
        ("a OR", 4, "expected a term here"),
        ("OR a", 0, "expected a term before `OR`"),
        ("a AND OR b", 6, "expected a term before `OR`"),
        ("()", 1, "expected a term here"),
        ("!", 1, "expected a term here"),
        ("name=", 5, "expected a value after `=`"),
        ("ü name=", 7, "expected a value after `=`"),
        ("name = foo", 5, "expected a field before `=`"),
        ("a =b", 2, "expected a field before `=`"),
        ("a==b", 1, "`==` is written `=` here"),
        ("a=~b", 1, "`=~` is written `~=` here"),
        ("a && b", 2, "`&&` is written `AND` here"),
        ("status=broken", 7, "`status` is ok, error or unset, not `broken`"),
        ("status>ok", 7, "`status` has no order; write `status=ok`"),
        ("level>=loud", 7, "`level` is trace, debug, info, warn, error or fatal, not `loud`"),
        ("duration>500", 9, "`500` has no unit; write `500ms`, `500s`, `500m`, `500h` or `500d`"),
        ("duration~=5", 8, "`duration` is a length of time, and regular expressions look in text"),
        ("trace.spans>many", 12, "`trace.spans` is a number, not `many`"),
        ("n=99999999999999999999", 2, "`99999999999999999999` is a number beyond 64 bits"),
        (
            "n>170141183460469231731687303715884105728",
            2,
            "`170141183460469231731687303715884105728` is a number beyond 64 bits",
        ),
        ("n>5xx", 2, "`5xx` is a range; compare with a number, or write `=5xx`"),
        ("n>1,2", 3, "`>` takes one value"),
        ("n=1,,2", 4, "expected a value before and after each comma"),
        ("n=\"1\"x", 5, "expected a blank after the value"),
        ("status:error", 6, "a field and its value have an operator between them"),
        ("has:", 4, "expected a field after `has:`"),
        ("name~=\\w{1000}{1000}", 6, "the regular expression is too large"),
    ] {
        let error = refused(text);
        assert_eq!((error.at, error.reason.as_str()), (at, reason), "{text}");
    }
    assert!(refused("a~=[").reason.starts_with("the regular expression is broken: "));
}

#[test]
fn nothing_too_large_is_read() {
    assert!(refused(&"a ".repeat(MOST_TERMS + 1)).reason.contains("more than 1000 terms"));
    assert!(refused(&"a ".repeat(10_000)).reason.contains("more than 1000 terms"));
    assert!(refused(&format!("k=1{}", ",1".repeat(MOST_TERMS))).reason.contains("more than 1000 terms"));
    assert!(refused(&"a".repeat(1 << 20)).reason.contains("65536 is the most"));
    assert!(refused(&"a".repeat(MOST_BYTES + 1)).reason.contains("65536 is the most"));
    for opening in ["(", "!", "NOT ", "-("] {
        assert!(refused(&format!("{}a", opening.repeat(10_000))).reason.contains("nested deeper"), "{opening}");
    }
    assert!(refused(&"a~=b ".repeat(100)).reason.contains("more than 50 regular expressions"));
    let deep = format!("{}a{}", "(".repeat(MOST_NESTED), ")".repeat(MOST_NESTED));
    assert_eq!(read(&deep), read("a"));
    // Linear, however it is written.
    let catastrophic = read("name~=^(a+)+$");
    let span = Span { name: Text::from(format!("{}!", "a".repeat(100_000))), ..span() };
    assert!(!catastrophic.matches(&Subject::of(RecordRef::Span(&span))));
}

#[test]
fn a_filter_says_what_it_needs_to_know() {
    for (text, needs) in [
        ("a status=error", Needs::Record),
        ("a OR trace.spans>3", Needs::Summary),
        ("!root.status=error", Needs::Trace),
        ("trace.spans>3 self>1ms", Needs::Trace),
    ] {
        assert_eq!(read(text).needs(), needs, "{text}");
    }
    assert!(read("  ").is_everything() && read("").to_string().is_empty());
}

#[test]
fn a_filter_prints_in_its_plainest_form() {
    for (text, printed) in [
        ("  a   AND b ", "a b"),
        ("NOT (a OR b) -c", "!(a OR b) !c"),
        ("((a b)) c", "a b c"),
        ("service=shop,\"a b\"", "service=shop,\"a b\""),
        ("name~=a.*b", "name~=\"a.*b\""),
        ("http.status_code", "has:http.status_code"),
        ("\"http.status_code\"", "\"http.status_code\""),
        ("status=OK level=Warning", "status=ok level=warn"),
        ("body=x root.name=y", "message=x trace.name=y"),
        ("\"name\"=x", "\"name\"=x"),
        ("time>15m", "time>2026-11-21T08:59:02.000000000Z"),
    ] {
        assert_eq!(read(text).to_string(), printed, "{text}");
    }
}

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        proptest::sample::select(vec![
            "name",
            "service",
            "message",
            "http.status_code",
            "url.full",
            "span.k",
            "resource.a.b",
            "event.x",
            "data.id",
            "k",
            "x-y"
        ])
        .prop_map(Field::named),
        ".{1,12}".prop_map(|key| Field::attribute(&key)),
        ".{1,8}".prop_map(|key| Field::named(&format!("span.{key}"))),
    ]
}

fn operand() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec!["5xx", "250ms", "1.5", "-3", "10kb", "a*b", "x(y)", "true", "->"])
            .prop_map(str::to_owned),
        ".{0,12}".prop_map(|text| Operand::quoted(&text).to_string()),
    ]
}

fn term() -> impl Strategy<Value = Term> {
    let operator = proptest::sample::select(Operator::ALL.to_vec());
    prop_oneof![
        ".{1,12}".prop_map(|text| Term::Text(SoughtText::new(&text))),
        field().prop_map(Term::Has),
        (field(), ".{0,6}", any::<bool>()).prop_map(|(field, text, is_wanted)| {
            let pattern = Pattern::parse(&regex::escape(&text)).expect("escaped");
            Term::Matches { field, text: regex::escape(&text), pattern, is_wanted }
        }),
        (field(), operator, operand()).prop_filter_map("values that compare", |(field, operator, operand)| {
            let text = format!("{field}{}{operand}", operator.as_str());
            match Filter::parse(&text, &clock()).ok()?.expression {
                Expression::Term(term) => Some(term),
                _ => None,
            }
        }),
    ]
}

fn expression() -> impl Strategy<Value = Expression> {
    term().prop_map(Expression::Term).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Expression::all),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Expression::any),
            inner.prop_map(Expression::negated),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same_tree(expression in expression()) {
        let filter = Filter { expression };
        let printed = filter.to_string();
        prop_assert_eq!(Filter::parse(&printed, &clock()), Ok(filter), "{}", printed);
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC*", typed in "[a-z.()\"!=~<>, *0-9-]{0,40}") {
        for text in [text, typed] {
            if let Err(error) = Filter::parse(&text, &clock()) {
                prop_assert!(error.at <= text.chars().count());
            }
        }
    }

    #[test]
    fn a_negation_is_true_where_the_term_is_not(term in term()) {
        let (plain, negated) = (Expression::Term(term.clone()), Expression::negated(Expression::Term(term)));
        let (span, log, entry) = (span(), log(), entry());
        for record in [RecordRef::Span(&span), RecordRef::Log(&log), RecordRef::Checkpoint(&entry)] {
            let subject = Subject::of(record);
            prop_assert_ne!(plain.matches(&subject), negated.matches(&subject));
        }
    }
}

#[test]
fn attributes_are_empty_in_a_payload_that_is_no_object() {
    let odd = Checkpoint { data: Some(Text::from("[1,2")), ..entry() };
    assert!(!read("has:user.id").matches(&Subject::of(RecordRef::Checkpoint(&odd))));
    assert_eq!(Attributes::EMPTY.len(), 0);
}
