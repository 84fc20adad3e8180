//! What queries measure of traces over time.

use super::super::{MetricsFold, MetricsRange, SeriesTable, TraceQl};
use super::meaning::{MS, span, trace};
use crate::model::{Nanos, StatusCode, Trace, Value};

/// One span a 10 ms for each number, which is its duration in seconds and its attribute `n`; every fourth failed.
fn numbers(numbers: std::ops::RangeInclusive<u8>) -> Trace {
    trace(
        numbers
            .map(|number| {
                let name = if number % 2 == 0 { "even" } else { "odd" };
                let mut span = span(number, 0, name, &[("n", Value::Int(i64::from(number)))]);
                span.start = Nanos(60_000 * MS + u64::from(number) * 10 * MS);
                span.end = Nanos(span.start.0 + u64::from(number) * 1_000 * MS);
                if number % 4 == 0 {
                    span.status.code = StatusCode::Error;
                }
                span
            })
            .collect(),
    )
}

fn measured(text: &str, range: MetricsRange) -> SeriesTable {
    let Ok(TraceQl::Metrics(query)) = TraceQl::parse(text) else { panic!("{text}: {:?}", TraceQl::parse(text)) };
    let mut fold = MetricsFold::new(&query, range);
    let trace = numbers(1..=8);
    assert!(trace.spans.iter().any(|span| query.may_measure(span)) || text.contains("gone"), "{text}");
    fold.add_trace(&trace);
    fold.finish().expect("few steps")
}

/// `labels: numbers` of each series, where all time is one step.
fn whole(text: &str) -> Vec<String> {
    written(&measured(text, MetricsRange::default()))
}

fn written(table: &SeriesTable) -> Vec<String> {
    let label = |(name, value): &(String, Option<String>)| format!("{name}={} ", value.as_deref().unwrap_or("nil"));
    let number = |value: &Option<f64>| value.map_or("-".to_owned(), |number| number.to_string());
    let series = table.series.iter().map(|series| {
        let labels: String = series.labels.iter().map(label).collect();
        labels + &series.values.iter().map(number).collect::<Vec<_>>().join(" ")
    });
    series.collect()
}

#[test]
fn each_measure_is_what_its_name_says() {
    for (query, wanted) in [
        ("{ } | count_over_time()", vec!["8"]),
        ("{ } | rate()", vec!["8"]),
        ("{ name = \"gone\" } | rate()", vec![]),
        ("{ } | min_over_time(duration)", vec!["1"]),
        ("{ } | max_over_time(.n)", vec!["8"]),
        ("{ } | avg_over_time(.n)", vec!["4.5"]),
        ("{ } | sum_over_time(span.n * 2)", vec!["72"]),
        ("{ } | sum_over_time(.gone)", vec![]),
        ("{ } | quantile_over_time(duration, 0, .5, 1)", vec!["p=0 1", "p=0.5 4", "p=1 8"]),
        (
            "{ } | count_over_time() by (name, status)",
            vec!["name=even status=error 2", "name=even status=unset 2", "name=odd status=unset 4"],
        ),
        ("{ } | histogram_over_time(.n)", vec!["__bucket=1 1", "__bucket=2 1", "__bucket=4 2", "__bucket=8 4"]),
        ("{ } | by(name) | count() > 4 | rate()", vec![]),
    ] {
        assert_eq!(whole(query), wanted, "{query}");
    }
}

#[test]
fn numbers_are_worked_out_and_picked() {
    for (query, wanted) in [
        ("({ } | count_over_time()) * 10 - 1", vec!["79"]),
        ("100 * ({ status = error } | count_over_time()) / ({ } | count_over_time())", vec!["25"]),
        ("({ } | count_over_time()) / 0", vec!["-"]),
        (
            "({ } | sum_over_time(.n) by (name)) / ({ } | count_over_time() by (name))",
            vec!["name=even 5", "name=odd 4"],
        ),
        ("{ } | sum_over_time(.n) by (name) | topk(1)", vec!["name=even 20"]),
        ("{ } | sum_over_time(.n) by (name) | bottomk(1)", vec!["name=odd 16"]),
        ("{ } | sum_over_time(.n) by (name) > 2 * 9", vec!["name=even 20"]),
        ("({ } | max_over_time(duration) by (name)) > 7s", vec!["name=even 8"]),
    ] {
        assert_eq!(whole(query), wanted, "{query}");
    }
}

#[test]
fn steps_begin_at_multiples_of_their_length_and_have_numbers_where_there_are_spans() {
    let range = MetricsRange { step_ns: Some(20 * MS), ..MetricsRange::default() };
    let counts = measured("{ .n != 4 && .n != 5 } | count_over_time()", range);
    assert_eq!(counts.first_step, Some(Nanos(60_000 * MS)));
    assert_eq!(written(&counts), ["1 2 0 2 1"]);
    assert_eq!(written(&measured("{ .n != 4 && .n != 5 } | max_over_time(.n)", range)), ["1 3 - 7 8"]);
    assert_eq!(written(&measured("{ } | rate()", range)), ["50 100 100 100 50"]);
    assert_eq!(
        written(&measured("{ } | max_over_time(.n) by (name) | topk(1)", range)),
        ["name=even - - - - 8", "name=odd 1 3 5 7 -",]
    );
    let some = MetricsRange { since: Some(Nanos(60_030 * MS)), until: Some(Nanos(60_060 * MS)), step_ns: None };
    assert_eq!(written(&measured("{ } | count_over_time()", some)), ["3"]);
    let Ok(TraceQl::Metrics(query)) = TraceQl::parse("{ } | rate()") else { panic!("a query") };
    let mut fold = MetricsFold::new(&query, MetricsRange { step_ns: Some(1), ..MetricsRange::default() });
    fold.add_trace(&numbers(1..=8));
    assert_eq!(fold.finish(), Err(70 * MS + 1));
}

#[test]
fn a_comparison_counts_the_values_of_both_sides() {
    let found = whole("{ } | compare({ status = error }, 3)");
    for wanted in [
        "__meta_type=selection name=even 2",
        "__meta_type=baseline name=even 2",
        "__meta_type=baseline name=odd 4",
        "__meta_type=selection status=error 2",
        "__meta_type=selection resource.zone=eu 2",
        "__meta_error=__too_many_values__ span.n=nil 0",
    ] {
        assert!(found.contains(&wanted.to_owned()), "{wanted} in {found:#?}");
    }
    assert_eq!(found.iter().filter(|line| line.contains("baseline span.n=")).count(), 3);
    let window = "{ } | compare({ }, 10, 60015000000, 60045000000)";
    assert!(whole(window).contains(&"__meta_type=selection name=even 2".to_owned()), "{:#?}", whole(window));
}
