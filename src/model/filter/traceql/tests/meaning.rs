//! What queries select of a trace, in the words of the documentation.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::TraceQl;
use crate::model::{
    Attributes, Event, Kind, Link, Nanos, Resource, Scope, Span, SpanId, Status, StatusCode, Text, Trace, TraceId,
    Value,
};

pub(super) const MS: u64 = 1_000_000;

/// A span of 1 ms a number, without anything else.
pub(super) fn span(id: u8, parent: u8, name: &str, attributes: &[(&str, Value)]) -> Span {
    let owned = |(key, value): &(&str, Value)| (Text::from(*key), value.clone());
    let resource = [("service.name", "shop"), ("zone", "eu")].into_iter().collect();
    Span {
        trace_id: TraceId::parse("0af7651916cd43dd8448eb211c80319c").expect("an id"),
        span_id: SpanId([0, 0, 0, 0, 0, 0, 0, id]),
        parent_span_id: (parent > 0).then_some(SpanId([0, 0, 0, 0, 0, 0, 0, parent])),
        trace_state: Text::EMPTY,
        flags: 0,
        name: Text::from(name.to_owned()),
        kind: Kind::Internal,
        start: Nanos(1_000 * MS + u64::from(id) * MS),
        end: Nanos(1_000 * MS + 2 * u64::from(id) * MS),
        attributes: Attributes(attributes.iter().map(owned).collect()),
        dropped_attributes: 0,
        events: Vec::new(),
        dropped_events: 0,
        links: Vec::new(),
        dropped_links: 0,
        status: Status::default(),
        resource: Arc::new(Resource::new(resource)),
        scope: Arc::new(Scope { name: Text::from_static("grpc"), ..Scope::default() }),
    }
}

pub(super) fn trace(spans: Vec<Span>) -> Trace {
    let id = spans[0].trace_id.clone();
    Trace::new(id, spans, Vec::new(), Vec::new()).expect("records")
}

/// ```text
/// 1 root
/// ├ 2 a ─ 4 c ─ 6 e
/// ├ 3 b ─ 5 d
/// └ 7 f
/// 8 orphan
/// ```
fn family() -> Trace {
    let text = |text: &str| Value::String(Text::from(text.to_owned()));
    let names = Value::Array(vec![text("bar"), text("baz")]);
    let mut spans = vec![
        span(1, 0, "root", &[("retry", Value::Bool(true)), ("code", Value::Int(200))]),
        span(2, 1, "a", &[("foo", names), ("code", Value::Int(200))]),
        span(3, 1, "b", &[("foo", text("bar")), ("code", text("404"))]),
        span(4, 2, "c", &[("foo", text("xbarx")), ("code", Value::Double(200.5))]),
        span(5, 3, "d", &[("retry", Value::Bool(false)), ("zone", text("us"))]),
        span(6, 4, "e", &[("numbers", Value::Array(vec![Value::Int(1), Value::Int(5)]))]),
        span(7, 1, "f", &[("foo", Value::Empty)]),
        span(8, 99, "orphan", &[]),
    ];
    spans[0].kind = Kind::Server;
    spans[3].status = Status { code: StatusCode::Error, message: Text::from_static("card\ndeclined") };
    spans[5].status.code = StatusCode::Error;
    let event = |name: &'static str, at: u64, reason: &str| Event {
        time: Nanos(at),
        name: Text::from_static(name),
        attributes: [("reason", reason)].into_iter().collect(),
        dropped_attributes: 0,
    };
    spans[3].events = vec![event("retry", 1_005 * MS, "slow"), event("exception", 1_009 * MS, "declined")];
    spans[4].links = vec![Link { span_id: Some(SpanId([0xf1; 8])), ..Link::default() }];
    trace(spans)
}

/// The numbers of the spans a query selects.
fn selected(text: &str, trace: &Trace) -> Vec<u8> {
    let Ok(TraceQl::Spans(query)) = TraceQl::parse(text) else { panic!("{text}: {:?}", TraceQl::parse(text)) };
    let of_trace = query.select(trace);
    let mut found: Vec<u8> = of_trace.iter().map(|(id, _)| id.0[7]).collect();
    found.sort_unstable();
    for span in &trace.spans {
        let is_selected = found.contains(&span.span_id.0[7]);
        assert!(!is_selected || query.may_select(span), "{text} may select {}", span.name);
        assert!(query.needs_trace() || query.selects_alone(span) == is_selected, "{text} of {} alone", span.name);
    }
    found
}

fn check(cases: &[(&str, &[u8])]) {
    let trace = family();
    for (query, wanted) in cases {
        assert_eq!(selected(query, &trace), *wanted, "{query}");
    }
}

#[test]
fn conditions_hold_on_one_span_and_types_agree() {
    check(&[
        ("{ }", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("{ false }", &[]),
        ("{ 1 = 2 || 3 >= 2.5 && 1s = 1000ms }", &[1, 2, 3, 4, 5, 6, 7, 8]),
        // Bound from left to right, and with equal strength.
        ("{ true || true && false }", &[]),
        ("{ name = \"a\" || name = \"b\" }", &[2, 3]),
        ("{ .code = 200 }", &[1, 2]),
        ("{ .code > 200 }", &[4]),
        ("{ .code = 200.0 }", &[1, 2]),
        ("{ .code = \"200\" }", &[]),
        ("{ .code >= \"400\" }", &[3]),
        ("{ .code + 4 = 204 && -.code < 0 }", &[1, 2]),
        ("{ .code * 2 > 400 }", &[4]),
        ("{ kind = server }", &[1]),
        ("{ status = error }", &[4, 6]),
        ("{ status != error && kind != server }", &[2, 3, 5, 7, 8]),
        ("{ duration > 5ms }", &[6, 7, 8]),
        ("{ span:duration = 5ms * 1 }", &[5]),
        ("{ .zone = \"eu\" && resource.zone = \"eu\" }", &[1, 2, 3, 4, 6, 7, 8]),
        ("{ span.zone = \"us\" && .zone = \"us\" && resource.zone = \"eu\" }", &[5]),
        ("{ resource.service.name = \"shop\" && instrumentation:name = \"grpc\" && name = \"f\" }", &[7]),
        ("{ span:id = \"0000000000000003\" || span:parentID = \"0000000000000003\" }", &[3, 5]),
        ("{ trace:id = \"0af7651916cd43dd8448eb211c80319c\" && name = \"a\" }", &[2]),
    ]);
}

#[test]
fn what_is_not_there_is_nil_and_compares_with_nothing_else() {
    check(&[
        ("{ .foo != nil }", &[2, 3, 4]),
        ("{ .foo = nil }", &[1, 5, 6, 7, 8]),
        ("{ nil = .foo && name != nil }", &[1, 5, 6, 7, 8]),
        ("{ nil = nil && name = \"a\" }", &[2]),
        ("{ nil != nil }", &[]),
        ("{ .foo != \"bar\" }", &[4]),
        ("{ .foo = .gone }", &[]),
        ("{ .gone != 1 || .gone < 1 }", &[]),
        ("{ event.reason = nil && link:spanID = nil && name = \"c\" }", &[]),
        ("{ .retry }", &[1]),
        ("{ !.retry }", &[5]),
        ("{ .retry || .code = 200 }", &[1, 2]),
        ("{ !(.code = 200) && name = \"d\" }", &[5]),
    ]);
}

#[test]
fn of_an_array_any_element_matches_and_for_a_negation_none_may() {
    check(&[
        ("{ .foo = \"bar\" }", &[2, 3]),
        ("{ .foo = \"baz\" }", &[2]),
        ("{ .foo =~ \"ba.\" }", &[2, 3]),
        ("{ .foo !~ \"ba.\" }", &[4]),
        ("{ .foo != \"baz\" }", &[3, 4]),
        ("{ .numbers > 4 }", &[6]),
        ("{ .numbers = 1 && .numbers = 5 }", &[6]),
        ("{ .numbers != 5 || .numbers = \"5\" || .numbers != \"x\" }", &[]),
        ("{ event:name = \"exception\" && event.reason = \"slow\" }", &[4]),
        ("{ event:timeSinceStart > 4ms }", &[4]),
        ("{ event.reason != \"slow\" }", &[]),
        ("{ link:spanID = \"f1f1f1f1f1f1f1f1\" }", &[5]),
    ]);
}

#[test]
fn regular_expressions_hold_the_whole_text() {
    check(&[
        ("{ .foo =~ \"bar\" }", &[2, 3]),
        ("{ .foo =~ \".*bar.*\" }", &[2, 3, 4]),
        ("{ name =~ \"a|b|x\" }", &[2, 3]),
        ("{ statusMessage =~ \"card.*\" }", &[4]),
        ("{ .code =~ \".*\" }", &[3]),
        ("{ name !~ \".\" }", &[1, 8]),
    ]);
}

#[test]
fn structural_operators_return_the_right_side() {
    check(&[
        ("{ name = \"a\" } >> { }", &[4, 6]),
        ("{ name = \"a\" } > { }", &[4]),
        ("{ name = \"e\" } << { }", &[1, 2, 4]),
        ("{ name = \"e\" } < { }", &[4]),
        ("{ name = \"a\" } ~ { }", &[3, 7]),
        ("{ name = \"root\" } ~ { }", &[]),
        ("{ name =~ \"a|b\" } ~ { }", &[2, 3, 7]),
        ("{ name = \"a\" } !>> { }", &[1, 2, 3, 5, 7, 8]),
        ("{ name = \"a\" } !> { }", &[1, 2, 3, 5, 6, 7, 8]),
        ("{ name = \"e\" } !<< { }", &[3, 5, 6, 7, 8]),
        // Spans without any below them; the last error of several below each other.
        ("{ } !< { }", &[5, 6, 7, 8]),
        ("{ status = error } !< { status = error }", &[6]),
        ("{ name = \"a\" } !~ { }", &[1, 2, 4, 5, 6, 8]),
        ("{ false } !> { name = \"b\" }", &[3]),
        ("{ false } > { }", &[]),
        ("{ name = \"a\" } &>> { status = error }", &[2, 4, 6]),
        ("{ } &> { name = \"d\" }", &[3, 5]),
        ("{ name = \"e\" } &<< { name =~ \"a|b\" }", &[2, 6]),
        ("{ name = \"e\" } &< { }", &[4, 6]),
        ("{ name =~ \"a|c\" } &~ { name = \"b\" }", &[2, 3]),
        // Bind before && and from left to right.
        ("{ name = \"root\" } > { name = \"a\" } > { }", &[4]),
        ("{ name = \"b\" } && { name = \"a\" } > { }", &[3, 4]),
    ]);
}

#[test]
fn both_spansets_must_be_there_or_one_of_them() {
    check(&[
        ("{ name = \"a\" } && { name = \"b\" }", &[2, 3]),
        ("{ name = \"a\" } && { name = \"gone\" }", &[]),
        ("{ name = \"a\" } || { name = \"gone\" }", &[2]),
        ("({ name = \"a\" } | count() > 1) || { name = \"b\" }", &[3]),
    ]);
}

#[test]
fn pipelines_keep_and_drop_spansets() {
    check(&[
        ("{ status = error } | count() > 1", &[4, 6]),
        ("{ status = error } | count() > 2", &[]),
        ("count() = 8 | { name = \"a\" }", &[2]),
        ("{ duration >= 7ms } | avg(duration) = 7.5ms", &[7, 8]),
        ("{ .code != nil } | max(.code) > 200", &[1, 2, 3, 4]),
        ("{ .code = 200 } | sum(.code) = 400", &[1, 2]),
        ("{ } | min(duration) = 1ms | { kind = server }", &[1]),
        ("{ } | sum(.gone) >= 0", &[]),
        ("{ } | by(status) | count() > 2", &[1, 2, 3, 5, 7, 8]),
        ("{ } | by(status) | coalesce() | count() = 8", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("{ } | by(.code) | count() = 2", &[1, 2]),
        ("{ status = error } | select(.code, name)", &[4, 6]),
        ("{ status = error } | { name = \"e\" }", &[6]),
    ]);
}

#[test]
fn the_trace_and_the_place_in_it_are_fields() {
    check(&[
        ("{ rootName = \"root\" && name = \"e\" }", &[6]),
        ("{ trace:rootService = \"shop\" && trace:duration = 15ms && name = \"e\" }", &[6]),
        ("{ traceDuration > 1s }", &[]),
        ("{ childCount > 1 }", &[1]),
        ("{ span:childCount = 0 }", &[5, 6, 7, 8]),
        ("{ nestedSetParent < 0 }", &[1]),
        ("{ nestedSetLeft = 1 && nestedSetRight = 14 }", &[1]),
        ("{ nestedSetLeft = 0 }", &[8]),
        ("{ nestedSetParent = nestedSetLeft - 1 }", &[2, 4, 5, 6]),
        ("{ parent.code = 200 }", &[2, 3, 4, 7]),
        ("{ parent.resource.zone = \"eu\" && name = \"orphan\" }", &[]),
    ]);
}

#[test]
fn spans_in_a_circle_and_spans_that_share_an_id_have_an_answer() {
    let circle = trace(vec![span(1, 2, "x", &[]), span(2, 1, "y", &[]), span(3, 3, "z", &[])]);
    assert_eq!(selected("{ name = \"x\" } >> { }", &circle), [1, 2]);
    assert_eq!(selected("{ name = \"x\" } << { }", &circle), [1, 2]);
    assert_eq!(selected("{ nestedSetLeft = 0 }", &circle), [1, 2, 3]);
    let (mut client, mut server) = (span(1, 0, "call", &[]), span(1, 0, "call", &[]));
    (client.kind, server.kind) = (Kind::Client, Kind::Server);
    let shared = trace(vec![client, server]);
    let Ok(TraceQl::Spans(query)) = TraceQl::parse("{ kind = client } > { }") else { panic!("a query") };
    let kinds: Vec<Kind> = query.select(&shared).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [Kind::Server]);
}

/// Spans by their numbers from 1 on: the number of each one's parent, and on which sides of an operator it is.
type Drawn = Vec<(u8, bool, bool)>;

/// What an operator returns, from its definition: the numbers of spans, and for a union those of the left side too.
fn by_definition(drawn: &Drawn, relation: &str) -> (Vec<u8>, Vec<u8>) {
    let count = u8::try_from(drawn.len()).expect("few");
    let parent = |span: u8| {
        let parent = drawn[usize::from(span) - 1].0;
        (parent != span && (1..=count).contains(&parent)).then_some(parent)
    };
    let is_above = |above: u8, below: u8| {
        let mut steps = std::iter::successors(parent(below), |span| parent(*span)).take(drawn.len());
        steps.any(|span| span == above)
    };
    let relates = |left: u8, right: u8| match relation {
        ">>" => is_above(left, right),
        "<<" => is_above(right, left),
        ">" => parent(right) == Some(left),
        "<" => parent(left) == Some(right),
        _ => left != right && parent(left).is_some() && parent(left) == parent(right),
    };
    let lefts = || (1..=count).filter(|span| drawn[usize::from(*span) - 1].1);
    let rights = || (1..=count).filter(|span| drawn[usize::from(*span) - 1].2);
    let found = rights().filter(|right| lefts().any(|left| relates(left, *right))).collect();
    let reasons = lefts().filter(|left| rights().any(|right| relates(*left, right))).collect();
    (found, reasons)
}

proptest! {
    #[test]
    fn structural_operators_return_what_their_definitions_say_of_any_trace(
        drawn in prop::collection::vec((0..14_u8, any::<bool>(), any::<bool>()), 1..12),
    ) {
        let spans = drawn.iter().zip(1_u8..).map(|((parent, left, right), number)| {
            span(number, *parent, "any", &[("left", Value::Bool(*left)), ("right", Value::Bool(*right))])
        });
        let trace = trace(spans.collect());
        for relation in [">>", "<<", ">", "<", "~"] {
            let (found, reasons) = by_definition(&drawn, relation);
            let query = |mark: &str| selected(&format!("{{ .left }} {mark}{relation} {{ .right }}"), &trace);
            prop_assert_eq!(&query(""), &found, "{}", relation);
            let mut both = [found.clone(), reasons].concat();
            both.sort_unstable();
            both.dedup();
            prop_assert_eq!(query("&"), both, "&{}", relation);
            let others = (1_u8..).zip(&drawn).filter(|(number, (.., right))| *right && !found.contains(number));
            prop_assert_eq!(query("!"), others.map(|(number, _)| number).collect::<Vec<_>>(), "!{}", relation);
        }
    }
}
