//! Which texts are queries, and where the others stop being one.

use proptest::prelude::*;

use super::super::TraceQl;
use crate::model::Nanos;
use crate::model::filter::{Clock, Filter};

fn refused(text: &str) -> (usize, String) {
    let error = TraceQl::parse(text).expect_err(text);
    (error.at, error.reason)
}

#[test]
fn queries_of_every_kind_are_read() {
    for text in [
        "{ }",
        "{true}",
        "{ duration > 1s && (kind = server || kind=client) }",
        "{ span:duration > 1h30m * 2 || traceDuration < 1.5s }",
        "{ .a-b.c:d/e = `raw \\ text` }",
        "{ span.\"with \\\"quotes\\\" and blanks\" =~ \"a.*|b\" }",
        "{ resource.part.\"of a key\".rest != nil }",
        "{ parent.span.a = 1 && parent.b = 2 }",
        "{ -(3 + .a) ^ 2 ^ 1 >= maxInt - minInt % 5 }",
        "{ event:timeSinceStart > -5s && link:traceID = \"ab\" && instrumentation:version != \"1\" }",
        "{ !(.a || !.b) }",
        "{ nestedSetParent < 0 && nestedSetLeft + 1 = nestedSetRight && childCount = 0 }",
        "({ .a } | count() > 1) && { .b } || ({ .c } >> { .d } &< { .e } !~ { .f })",
        "{ } | by(.a + 1) | avg(duration) > 20ms | { .b } | select(.a, name) | coalesce() with(most_recent=true)",
        "count() > -2 * (3 + 1)",
        "{ } | rate() by (resource.service.name, name) | topk(3) > 0.5 with (sample=0.1, exemplars=true)",
        "{ } | quantile_over_time(duration, .99, .5, 1) by (span.http.route)",
        "{ } | compare({ status = error }, 5, 1700000000000000000, 1700000001000000000)",
        "1 - ({ } | rate()) * 60 / (({ .a } | count_over_time()) + 2) > 10s | bottomk(2)",
        "{ } | histogram_over_time(span.bytes) | { } | rate()",
    ] {
        // The last is not: nothing follows a measure but what picks from it.
        let is_query = !text.ends_with("| { } | rate()");
        assert_eq!(TraceQl::parse(text).is_ok(), is_query, "{text}: {:?}", TraceQl::parse(text).err());
    }
}

#[test]
fn what_is_no_query_is_refused_at_its_place() {
    for (text, at, reason) in [
        ("{ resource.cluster = }", 21, "expected a value or a field here, not `}`"),
        ("{ .a", 0, "this `{` is not closed"),
        ("{ (.a = 1 }", 2, "this `(` is not closed"),
        ("{ .a = 1 } }", 11, "this `}` closes nothing"),
        ("{ .a = \"x }", 7, "this quote is not closed"),
        ("{ . = 1 }", 3, "expected the key of an attribute after the dot"),
        ("{ service = \"shop\" }", 2, "`service` is no field of a span"),
        ("{ service.name = \"shop\" }", 2, "`service` is no field of a span"),
        ("{ trace:status = ok }", 2, "`trace:status` is no field of a span"),
        ("{ parent = 1 }", 2, "`parent` alone has no value"),
        ("{ .a == 1 }", 5, "`==` is written `=` in TraceQL"),
        ("{ .a = 5parsecs }", 8, "`parsecs` is no unit of time"),
        ("{ .a = 99999999999999999999 }", 7, "`99999999999999999999` is a number beyond 64 bits"),
        ("{ .a = 9999999h }", 7, "this length of time is beyond 64 bits of nanoseconds"),
        ("{ .a =~ \"[\" }", 8, "the regular expression is broken: unclosed character class"),
        ("{ .a =~ \"a){1}(b\" }", 8, "the regular expression is broken: unopened group"),
        ("{ .a =~ .b }", 8, "expected a regular expression in quotes here, not the attribute `b`"),
        ("{ duration = \"1s\" }", 11, "`=` compares a number with text, which is never true"),
        ("{ status > ok }", 9, "`>` asks for an order, and a status has none"),
        ("{ name }", 2, "expected a condition here, and this is text"),
        ("{ .a && 1 }", 8, "expected a condition after `&&` here, and this is a number"),
        ("{ !name = \"a\" }", 3, "expected a condition after `!` here, and this is text"),
        ("{ .a + \"x\" = 1 }", 7, "expected a number after `+` here, and this is text"),
        ("{ status = nil }", 9, "every span has this, so it is never nil"),
        ("{ .ü = 'x' }", 7, "`'` means nothing here"),
        ("{ .a } + { .b }", 7, "`+` does not stand between spansets"),
        ("{ .a } = { .b }", 7, "`=` compares measures such as `rate()` here"),
        ("{ .a } > 10", 9, "expected a spanset such as `{ status = error }` after `>` here, not a number"),
        ("{ .a } | count()", 16, "expected a comparison such as `count(…) > 2` here, not the end"),
        ("{ .a } | max(name) > 1", 13, "expected a number here, and this is text"),
        ("{ .a } | max(3) > 1", 13, "expected something of the span here, such as `duration` or `span.key`"),
        ("{ .a } | max(.a) > min(.b)", 19, "`>` between two aggregates is not known here; compare with a number"),
        ("{ .a } | max(.a) + min(.b) > 3", 17, "`+` between aggregates is not known here"),
        (
            "{ .a } | median(.a) > 1",
            9,
            "expected a spanset such as `{ status = error }` or a step of a pipeline here, not `median`",
        ),
        ("{ .a } | topk(3)", 9, "`topk` picks from a measure such as `rate()`, and there is none before it"),
        ("{ .a } | rate() | topk(0)", 23, "expected a number from 1 to 10000 here, not a number"),
        ("{ .a } | rate() + 5", 16, "measures beside `+` stand in parentheses"),
        ("({ } | rate()) * 10s", 17, "expected a number here, not a length of time"),
        ("({ } | rate()) > 10s * 2", 21, "`*` between lengths of time is not known here"),
        ("{ } | compare({ .a }) | topk(3)", 22, "nothing is worked out of `compare()`"),
        ("{ } | quantile_over_time(duration, 95)", 35, "a quantile is a number from 0 to 1"),
        ("coalesce() | { .a }", 0, "`coalesce()` makes one of several spansets, and there are none before it"),
        ("2 * 3", 0, "a number alone is no query"),
    ] {
        assert_eq!(refused(text), (at, reason.to_owned()), "{text}");
    }
}

#[test]
fn what_a_client_sends_costs_little_however_much_it_is() {
    let many = format!("{{ {} }}", vec![".a = 1"; 10_000].join(" && "));
    assert!(refused(&many).1.contains("65536 is the most"), "{:?}", refused(&many));
    let terms = format!("{{ {} }}", vec![".a=1"; 600].join("||"));
    assert!(refused(&terms).1.contains("more than 1000 values"));
    let spansets = vec!["{}"; 300].join(">>");
    assert!(refused(&spansets).1.contains("more than 200 spansets"));
    let sums = format!("{{ .a = {} }}", vec!["1"; 300].join("+"));
    assert!(refused(&sums).1.contains("more than 200 spansets, sums and products"));
    let patterns = format!("{{ {} }}", vec![".a =~ \"x\""; 60].join("||"));
    assert!(refused(&patterns).1.contains("more than 50 regular expressions"));
    for deep in ["(", "{ (", "{ !", "{ -", "{ 1 ^ ", "({} | "] {
        let text = deep.chars().next().map_or(String::new(), |_| {
            let (lead, repeated) = deep.split_at(if deep.starts_with("{ ") { 2 } else { 0 });
            format!("{lead}{}", repeated.repeat(5_000))
        });
        assert!(TraceQl::parse(&text).is_err(), "{deep}");
    }
    assert!(refused(&"{".repeat(1 << 20)).1.contains("65536 is the most"));
    assert!(refused("{ .a =~ \"(a{1000}){1000}\" }").1.contains("too large"));
}

#[test]
fn beside_other_terms_a_query_reads_back_as_it_was_written() {
    let clock = Clock { now: Nanos(0), zone: jiff::tz::TimeZone::UTC };
    let query = Filter::parse("{ name = \"a \\\\ b\" } >> { status = error }", &clock).expect("a query");
    assert_eq!(Filter::parse(&query.to_string(), &clock), Ok(query.clone()));
    let both = query.and(Filter::parse("root.status=error", &clock).expect("a filter"));
    assert_eq!(Filter::parse(&both.to_string(), &clock), Ok(both));
    let error = Filter::parse("{ } | rate()", &clock).expect_err("a measure");
    assert!(error.hint.expect("a hint").contains("stats"));
}

proptest! {
    #[test]
    fn no_text_makes_reading_end_in_a_panic(text in "[{}()|&<>!~=.a-c0-9\"` +*^/%,-]{0,60}|\\PC{0,40}") {
        let _ = TraceQl::parse(&text);
        let _ = TraceQl::parse(&format!("{{ {text} }}"));
        let _ = TraceQl::parse(&format!("{{ }} | {text}"));
    }
}
