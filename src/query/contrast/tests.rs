//! The whole way, from records in a file to causes with names.

use jiff::tz::TimeZone;

use super::*;
use crate::model::filter::Clock;
use crate::model::{Batch, Nanos, Span, SpanId, Status, StatusCode};
use crate::query::samples::{service, span};
use crate::store::{Mode, Target, open};

const MS: u64 = 1_000_000;

fn query(selected: &str) -> ContrastQuery {
    let clock = Clock { now: Nanos(0), zone: TimeZone::UTC };
    let selected = Filter::parse(selected, &clock).expect("a filter");
    ContrastQuery { selected, against: None, since: None, until: None, project: None, limit: 10 }
}

/// A hundred checkouts, of which those of `u-7` are slow and fail in `charge`, and as many carts that are all slow.
fn spans() -> Vec<Span> {
    let mut spans = Vec::new();
    for number in 1..=200_u8 {
        let is_slow = number % 10 == 0 && number <= 100;
        let name = if number <= 100 { "POST /checkout" } else { "GET /cart" };
        let user = if is_slow { "u-7".to_owned() } else { format!("u-{}", number % 6) };
        let of_trace = |mut span: Span, attributes: &[(&str, &str)]| {
            span.trace_id = TraceId::Otel([number; 16]);
            span.span_id = SpanId([number, span.span_id.0[7], 1, 1, 1, 1, 1, 1]);
            span.parent_span_id = span.parent_span_id.map(|id| SpanId([number, id.0[7], 1, 1, 1, 1, 1, 1]));
            span.attributes = attributes.iter().copied().collect();
            span
        };
        let start = 1_795_252_442_000_000_000 + u64::from(number) * 10_000 * MS;
        let length = if is_slow || number > 100 { 900 * MS } else { 20 * MS };
        let request = format!("r-{number}");
        let root = span(name, 1, 0, start, start + length);
        spans.push(of_trace(root, &[("user.id", &user), ("request.id", &request), ("service", "odd")]));
        let mut charge = of_trace(span("charge", 2, 1, start, start + MS), &[("zone", "eu")]);
        charge.resource = service("payments");
        if is_slow {
            charge.status = Status { code: StatusCode::Error, ..Status::default() };
        }
        spans.push(charge);
    }
    spans
}

#[tokio::test]
async fn a_cause_is_found_among_traces_of_the_same_root_and_named_as_a_filter_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&Target::File(folder.path().join("a.db")), Mode::Write).await.expect("a store");
    store.sink().expect("a sink").write(Batch::of_spans(spans())).await.expect("stored");
    let found = contrast(&*store, &query("duration>500ms checkout")).await.expect("an answer");
    assert_eq!((found.selected_traces, found.other_traces), (10, 90));
    let first = found.causes.first().expect("a cause");
    assert_eq!((first.selected, first.others), (10, 0));
    let mut terms: Vec<String> = first.terms.iter().chain(&first.same).map(CauseTerm::filter).collect();
    terms.sort();
    assert_eq!(terms, [r#"name="charge" status="error""#, r#"status="error""#, r#"user.id="u-7""#]);
    assert!(first.p_value < 1e-8, "{}", first.p_value);

    // What traces were chosen by explains nothing.
    let found = contrast(&*store, &query("user.id=u-7")).await.expect("an answer");
    let terms = found.causes.iter().flat_map(|cause| cause.terms.iter().chain(&cause.same)).map(CauseTerm::filter);
    assert!(terms.clone().all(|term| !term.contains("user.id")) && terms.count() > 0);

    // Compared with carts, checkouts differ by their root; and what nobody has is of no trace.
    let against = query("cart").selected;
    let found = contrast(&*store, &ContrastQuery { against: Some(against), ..query("checkout") }).await.expect("one");
    assert_eq!((found.selected_traces, found.other_traces), (100, 100));
    let found = contrast(&*store, &query("nowhere.key=1")).await.expect("an answer");
    assert_eq!((found.selected_traces, found.other_traces, found.causes.len()), (0, 0, 0));
    store.close().await.expect("a clean end");
}

#[tokio::test]
async fn nothing_sets_traces_apart_that_are_like_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&Target::File(folder.path().join("a.db")), Mode::Write).await.expect("a store");
    store.sink().expect("a sink").write(Batch::of_spans(spans())).await.expect("stored");
    let found = contrast(&*store, &query("cart user.id=u-2")).await.expect("an answer");
    assert!(found.selected_traces > 10 && found.candidates > 0, "{found:?}");
    assert_eq!(found.causes, []);
    store.close().await.expect("a clean end");
}
