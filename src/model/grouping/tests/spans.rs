//! One error and several spans that recorded it.

use super::*;

/// A span of a trace, by number, with errors of this type whose frames are these, innermost first.
fn span_of(number: u64, parent: Option<u64>, errors: &[(&str, &[&str])]) -> Span {
    let stacks: Vec<String> = errors
        .iter()
        .map(|(error_type, frames)| {
            let lines = frames.iter().rev().map(|name| match name.strip_prefix("lib.") {
                Some(name) => {
                    format!("  File \"/srv/venv/lib/python3.12/site-packages/http/io.py\", line 8, in {name}\n")
                }
                None => format!("  File \"/srv/shop/pay.py\", line 7, in {name}\n"),
            });
            format!("Traceback (most recent call last):\n{}{error_type}: no\n", lines.collect::<String>())
        })
        .collect();
    let attributes: Vec<_> = errors
        .iter()
        .zip(&stacks)
        .map(|((error_type, _), stack)| {
            [("exception.type", *error_type), ("exception.message", "no"), ("exception.stacktrace", stack.as_str())]
        })
        .collect();
    Span {
        span_id: SpanId(number.to_be_bytes()),
        parent_span_id: parent.map(|parent| SpanId(parent.to_be_bytes())),
        ..span(&attributes.iter().map(|attributes| &attributes[..]).collect::<Vec<_>>())
    }
}

/// For each error found: its span, how many frames its issue has, and whether it counts.
fn found(spans: &[Span]) -> Vec<(usize, usize, bool)> {
    let errors = of_spans(&spans.iter().collect::<Vec<_>>());
    let frames = |error: &SpanError| errors[error.outermost].grouping.why.frames.len();
    errors.iter().map(|error| (error.span, frames(error), error.is_first)).collect()
}

#[test]
fn an_exception_that_leaves_three_spans_counts_once_and_has_the_issue_of_the_longest_stack() {
    let root = span_of(1, None, &[("E", &["charge", "order", "handle"])]);
    let middle = span_of(2, Some(1), &[("E", &["charge", "order"])]);
    let quiet = span_of(3, Some(2), &[]);
    let inner = span_of(4, Some(3), &[("E", &["charge"])]);
    let spans = [root.clone(), inner.clone(), quiet, middle];
    assert_eq!(found(&spans), [(0, 3, false), (1, 3, true), (3, 3, false)]);
    assert_eq!(found(&[inner.clone(), root]), [(0, 1, true), (1, 3, true)], "what lies between is not known");
    assert_eq!(found(&[inner]), [(0, 1, true)]);
}

#[test]
fn what_only_libraries_have_on_the_stack_goes_on_in_the_application() {
    let root = span_of(1, None, &[("E", &["lib.read", "lib.send", "charge"])]);
    let inner = span_of(2, Some(1), &[("E", &["lib.read", "lib.send"])]);
    assert_eq!(found(&[root, inner]), [(0, 1, false), (1, 1, true)]);
}

#[test]
fn each_attempt_counts_and_what_is_another_error_stays_one() {
    let root = || span_of(1, None, &[("E", &["charge", "handle"])]);
    let child = |number, error: (&str, &[&str])| span_of(number, Some(1), &[error]);
    let tries = [root(), child(2, ("E", &["charge"])), child(3, ("E", &["charge"]))];
    assert_eq!(found(&tries), [(0, 2, false), (1, 2, true), (2, 2, true)]);
    let alone = [(0, 2, true), (1, 1, true)];
    assert_eq!(found(&[root(), child(2, ("E", &["refund"]))]), alone, "other frames");
    assert_eq!(found(&[root(), child(2, ("F", &["charge"]))]), alone, "another type");
    let mut other = child(2, ("E", &["charge"]));
    other.resource = Arc::new(Resource::new([("service.name", "bank")].into_iter().collect()));
    assert_eq!(found(&[root(), other]), alone, "another service");
    let mut other = child(2, ("E", &["charge"]));
    other.trace_id = TraceId::parse("0103").expect("an id");
    assert_eq!(found(&[root(), other]), alone, "another trace");
}

#[test]
fn depth_and_circles_of_spans_do_no_harm() {
    let error: (&str, &[&str]) = ("E", &["charge"]);
    let deep: Vec<Span> = (1..=3_000).map(|number| span_of(number, Some(number - 1), &[error])).collect();
    let counted = |spans: &[Span]| found(spans).iter().filter(|(_, _, is_first)| *is_first).count();
    assert_eq!(counted(&deep), 1);
    let errors = of_spans(&deep.iter().collect::<Vec<_>>());
    assert!(errors.iter().all(|error| error.outermost == 0));
    assert_eq!(counted(&[span_of(1, Some(1), &[error])]), 1, "its own parent");
    let circle = [span_of(1, Some(3), &[error]), span_of(2, Some(1), &[error]), span_of(3, Some(2), &[error])];
    assert_eq!(counted(&circle), 1);
    let quiet = [span_of(1, Some(3), &[error]), span_of(3, Some(2), &[]), span_of(2, Some(3), &[])];
    assert_eq!(counted(&quiet), 1, "a circle around it");
}
