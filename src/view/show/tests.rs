//! What the pictures of a trace look like, whatever shape the trace has.

mod logs;
mod steps;

use proptest::prelude::*;

use super::*;
use crate::model::{Event, Link, Nanos, Resource, Span, SpanId, Status, StatusCode, Text, Trace, TraceId};
use crate::query::samples::{self, START, span, trace};
use crate::view::out::style::sample_style as style;
use crate::view::out::text::width;

const MS: u64 = 1_000_000;

fn shown(spans: Vec<Span>) -> String {
    render(&TraceReport::new(trace(spans)), &ShowOptions::default(), &style(80))
}

#[test]
fn a_checkout_at_eighty_columns() {
    insta::assert_snapshot!(render(&samples::checkout(), &ShowOptions::default(), &style(80)));
}

#[test]
fn a_checkout_at_a_hundred_and_twenty_columns() {
    insta::assert_snapshot!(render(&samples::checkout(), &ShowOptions::default(), &style(120)));
}

#[test]
fn calls_named_by_a_verb_alone_are_told_apart_and_fold_by_what_they_work_on() {
    let call = |name: &str, id: u64, from_ms: u64, pairs: &[(&str, &str)]| Span {
        attributes: pairs.iter().copied().collect(),
        ..span(name, id, u64::from(id > 1), START + from_ms * MS, START + (from_ms + 9) * MS)
    };
    let query = [("db.system", "sqlite"), ("db.statement", "select id, price from items where id=?")];
    let mut root = call("POST", 1, 0, &[("http.method", "POST"), ("http.route", "/checkout")]);
    root.end = Nanos(START + 90 * MS);
    let mut spans = vec![root];
    spans.extend((2..5).map(|id| call("select", id, id * 10, &query)));
    for (id, url) in [(5, "http://127.0.0.1:5003/charge"), (6, "http://pricing/prices/81?for=u-7")] {
        spans.push(call("POST", id, id * 10, &[("http.method", "POST"), ("http.url", url)]));
    }
    for columns in [80, 120] {
        let text = render(&TraceReport::new(trace(spans.clone())), &ShowOptions::default(), &style(columns));
        for name in
            ["POST /checkout", "├ SELECT items ×3", "├ POST 127.0.0.1:5003/charge", "└ POST pricing/prices/{id}"]
        {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name} is not in\n{text}");
        }
    }
}

#[test]
fn a_checkout_in_ascii() {
    let text = render(&samples::checkout(), &ShowOptions::default(), &Style { ascii: true, ..style(80) });
    assert!(text.is_ascii());
    insta::assert_snapshot!(text);
}

#[test]
fn a_checkout_in_colour() {
    let text = render(&samples::checkout(), &ShowOptions::default(), &Style { color: true, ..style(80) });
    insta::assert_snapshot!(text.replace('\x1b', "␛"));
}

#[test]
fn a_checkout_without_a_terminal() {
    let text = render(&samples::checkout(), &ShowOptions::default(), &Style { is_terminal: false, ..style(80) });
    insta::assert_snapshot!(text);
}

#[test]
fn a_checkout_as_tree_and_list() {
    let picture = |picture, style: &Style| {
        render(&samples::checkout(), &ShowOptions { picture, ..ShowOptions::default() }, style)
    };
    let piped = Style { is_terminal: false, ..style(80) };
    let texts = [
        picture(Picture::Tree, &style(80)),
        picture(Picture::List, &style(80)),
        picture(Picture::List, &piped).lines().skip(4).take(4).collect::<Vec<_>>().join("\n"),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn one_span_with_all_its_details() {
    let report = samples::checkout();
    let chosen = report.trace.spans.iter().find(|span| span.name == "charge").map(|span| span.span_id);
    let post = report.trace.spans.iter().rev().find(|span| span.name == "POST api.stripe.com").map(|span| span.span_id);
    let text = |span| render(&report, &ShowOptions { span, ..ShowOptions::default() }, &style(80));
    insta::assert_snapshot!(format!("{}\n{}", text(chosen), text(post)));
}

#[test]
fn an_agent_run_with_tokens_and_cost() {
    let text = |columns| render(&samples::agent(), &ShowOptions::default(), &style(columns));
    insta::assert_snapshot!(format!("{}\n{}", text(80), text(120)));
}

#[test]
fn attributes_and_every_log_line_on_request() {
    let options = ShowOptions { attributes: true, logs: Some(LogLines::All), ..ShowOptions::default() };
    insta::assert_snapshot!(render(&samples::agent(), &options, &style(80)));
}

#[test]
fn odd_traces_are_drawn_and_say_what_is_odd() {
    let at = |ms: u64| START + ms * MS;
    let mut running = span("still running", 9, 1, at(150), 0);
    running.status.message = Text::from("unused");
    insta::assert_snapshot!(shown(vec![
        span("root", 1, 0, at(100), at(300)),
        span("early", 2, 1, at(88), at(150)),
        span("backwards", 3, 1, at(160), at(110)),
        span("no time at all", 4, 1, at(300), at(300)),
        span("twice", 5, 1, at(200), at(220)),
        span("twice as server", 5, 1, at(205), at(215)),
        span("own parent", 6, 6, at(240), at(260)),
        span("cycle a", 7, 8, at(250), at(290)),
        span("cycle b", 8, 7, at(255), at(280)),
        running,
        span("timeless", 10, 1, 0, at(130)),
        span("orphan", 11, 0xf0, at(270), at(280)),
        span("orphan's sister", 12, 0xf0, at(285), at(290)),
    ]));
}

/// Every picture of a trace, on a terminal and elsewhere.
fn all_pictures(report: &TraceReport) -> Vec<String> {
    let options = |picture| ShowOptions { picture, attributes: true, ..ShowOptions::default() };
    let pictures = [Picture::Waterfall, Picture::Tree, Picture::List];
    let styles = [style(80), Style { is_terminal: false, ..style(80) }];
    let both = |picture| styles.each_ref().map(|style| render(report, &options(picture), style));
    pictures.into_iter().flat_map(both).collect()
}

#[test]
fn no_picture_grows_with_a_name() {
    let name = "n".repeat(4 << 20);
    let spans = (1..=40)
        .map(|number| span(if number % 9 == 0 { &name } else { "short" }, number, number / 2, START, START + 9));
    for text in all_pictures(&TraceReport::new(trace(spans.collect()))) {
        assert!(text.len() < 4 << 20, "{} bytes", text.len());
    }
}

#[test]
fn a_hundred_thousand_spans_side_by_side_in_a_chain_and_in_a_circle_are_drawn() {
    const MANY: u64 = 100_000;
    let shapes: [fn(u64) -> u64; 3] = [|number| u64::from(number > 1), |number| number - 1, |number| number % MANY + 1];
    for parent in shapes {
        let spans = (1..=MANY).map(|number| span("s", number, parent(number), START + number, START + MANY));
        let report = TraceReport::new(trace(spans.collect()));
        for width in [80, 200] {
            let text = render(&report, &ShowOptions::default(), &style(width));
            assert!(text.contains("100,000 spans") && text.len() < 64 << 20, "{} bytes", text.len());
        }
    }
}

#[test]
fn a_time_that_cannot_be_is_marked_and_leaves_the_picture_as_it_is() {
    let bounds = crate::model::TimeBounds::received_at(Nanos(START));
    let odd = |name: &str, id: u64, start: u64, end: u64| span(name, id, 1, start, end);
    let spans = vec![
        span("root", 1, 0, START, START + 100 * MS),
        odd("monotonic", 2, 44_511_913_730_532, 44_511_913_740_532),
        odd("microseconds", 3, START / 1_000, START / 1_000 + 5),
        odd("endless", 4, START + 10 * MS, u64::MAX),
        odd("not ended", 5, START + 20 * MS, 0),
    ];
    let records = crate::model::Batch::of_spans(spans);
    let trace = Trace::within(&bounds, TraceId::Otel([7; 16]), records).expect("spans");
    let text = render(&TraceReport::new(trace), &ShowOptions::default(), &style(80));
    insta::assert_snapshot!(text, @r"
    ✓ root  100ms                                   07070707070707070707070707070707
      Sat 2026-11-21 09:14:02.117 (12s ago) · 5 spans · depth 2 · app
      slowest self: root 100ms (100%)

    SPAN                                TIME    SELF   0      25ms   50ms      100ms
    root                               100ms   100ms   █████████████████████████████
    ├ monotonic                            ?       ? ⚠
    │   ⚠ cannot have started at 1970-01-01T12:21:51.913730532Z
    ├ microseconds                         ?       ? ⚠
    │   ⚠ cannot have started at 1970-01-21T18:40:52.442117000Z
    ├ endless                              ?       ? ⚠   ▏
    │   ⚠ cannot have ended at 2554-07-21T23:34:33.709551615Z
    └ not ended                            …       … ⚠      ▸▸▸▸▸▸▸▸▸▸▸▸▸▸▸▸▸▸▸▸▸▸▸▸
        ⚠ no end time
    HINTS
      tracehub show 07070707 --span 0000000000000001 │ --attrs
    ");
}

#[test]
fn traces_of_one_span_of_no_duration_and_of_no_span_are_drawn() {
    let log = crate::model::LogRecord {
        time: Nanos(START),
        severity: crate::model::Severity::Error,
        message: Text::from("it broke\nbadly"),
        ..Default::default()
    };
    let loose = Trace::new(TraceId::Text(Text::from("cli-1")), Vec::new(), Vec::new(), vec![log]).expect("a record");
    let loose = render(&TraceReport::new(loose), &ShowOptions::default(), &style(80));
    insta::assert_snapshot!(format!("{}\n{loose}", shown(vec![span("instant", 1, 0, START, START)])));
}

#[test]
fn deep_traces_stop_indenting_and_keep_their_shape() {
    let mut spans: Vec<Span> =
        (1..=14).map(|n| span(&format!("level {n}"), n, n - 1, START + n * MS, START + 90 * MS)).collect();
    spans.push(span("sister of level 3", 20, 2, START + 50 * MS, START + 60 * MS));
    insta::assert_snapshot!(shown(spans));
}

#[test]
fn a_hundred_thousand_spans_are_drawn_once_each_and_quickly_folded() {
    let chain = (1..=50_000).map(|n| span("deep", n, n - 1, START + n, START + 200_000));
    let fan = (50_001..=100_000).map(|n| span("wide", n, 1, START + n, START + n + 1));
    let report = TraceReport::new(trace(chain.chain(fan).collect()));
    let options = ShowOptions { expand: true, ..ShowOptions::default() };
    let all = render(&report, &options, &style(80));
    let count = |text: &str, what: &str| text.lines().skip(5).filter(|line| line.contains(what)).count();
    assert_eq!(count(&all, "deep  "), 50_000);
    assert_eq!(count(&all, "wide "), 50_000);
    let folded = render(&report, &ShowOptions::default(), &style(80));
    assert_eq!(count(&folded, "wide ×50,000"), 1);
}

#[test]
fn an_exception_that_passed_through_is_told_where_it_was_raised() {
    let raised = |mut span: Span| {
        let attributes = [("exception.type", "KeyError"), ("exception.message", "'id'")].into_iter().collect();
        let (time, name) = (span.end, Text::from("exception"));
        span.events.push(Event { time, name, attributes, dropped_attributes: 0 });
        span.status.code = StatusCode::Error;
        span
    };
    let at = |ms: u64| START + ms * MS;
    let mut server = span("server", 4, 0, at(0), at(110));
    server.status = Status { code: StatusCode::Error, message: Text::from("KeyError: 'id'") };
    let text = shown(vec![
        server,
        raised(span("outer", 1, 4, at(0), at(100))),
        raised(span("middle", 2, 1, at(10), at(90))),
        raised(span("inner", 3, 2, at(20), at(80))),
    ]);
    let told: Vec<&str> = text.lines().filter(|line| line.contains("KeyError")).collect();
    assert_eq!(told.len(), 2, "{text}");
    assert!(told[0].starts_with("        ◆ exception"), "{text}");
    assert!(told[1].contains("inner  app +20ms"), "{text}");
}

#[test]
fn links_events_and_resources_are_shown_in_full_on_request() {
    let mut one = span("publish", 1, 0, START, START + 9 * MS);
    one.links.push(Link { trace_id: Some(TraceId::Otel([5; 16])), span_id: Some(SpanId([6; 8])), ..Link::default() });
    one.events.push(Event {
        time: Nanos(START + 2 * MS),
        name: Text::from("sent"),
        attributes: [("bytes", 512)].into_iter().collect(),
        dropped_attributes: 0,
    });
    one.dropped_events = 3;
    one.status.message = Text::from("two\nlines");
    let resource = [("service.name", "mail"), ("deployment.environment", "prod"), ("host.name", "a1")];
    one.resource = std::sync::Arc::new(Resource::new(resource.into_iter().collect()));
    let report = TraceReport::new(trace(vec![one]));
    let texts = [
        ShowOptions::default(),
        ShowOptions { attributes: true, ..ShowOptions::default() },
        ShowOptions { span: Some(report.trace.spans[0].span_id), ..ShowOptions::default() },
    ];
    insta::assert_snapshot!(texts.map(|options| render(&report, &options, &style(80))).join("\n"));
}

#[test]
fn a_span_that_is_not_there_is_said_so() {
    let options = ShowOptions { span: Some(SpanId([9; 8])), ..ShowOptions::default() };
    let text = render(&samples::agent(), &options, &style(80));
    assert!(text.contains("no span 0909090909090909 in this trace"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_stored_lines_fit_and_hold_no_control_characters(
        text in any::<String>(), columns in 1usize..130, ascii: bool, color: bool, is_terminal: bool, picture in 0usize..3,
    ) {
        let mut report = samples::checkout();
        for span in &mut report.trace.spans {
            span.name = Text::from(text.as_str());
            span.status.message = Text::from(text.as_str());
            span.events.iter_mut().for_each(|event| event.name = Text::from(text.as_str()));
            span.attributes.0.push((Text::from(text.as_str()), text.as_str().into()));
        }
        report.trace.summary.name = Text::from(text.as_str());
        let picture = [Picture::Waterfall, Picture::Tree, Picture::List][picture];
        let options = ShowOptions { attributes: true, picture, ..ShowOptions::default() };
        let drawn = render(&report, &options, &Style { ascii, color, is_terminal, ..style(columns) });
        let bare: String = drawn.split('\x1b').enumerate().map(|(place, part)| match place {
            0 => part,
            _ => part.split_once('m').map_or("!", |(code, rest)| if code.starts_with('[') { rest } else { "!" }),
        }).collect();
        prop_assert!(color || bare == drawn);
        prop_assert!(!bare.chars().any(|c| c.is_control() && c != '\n'));
        prop_assert!(!ascii || bare.is_ascii());
        for line in bare.lines() {
            prop_assert!(!is_terminal || width(line) <= columns, "{} > {columns}: {line}", width(line));
            prop_assert!(!line.ends_with(' '), "{line:?}");
        }
    }

    #[test]
    fn any_shape_draws_every_span_once_when_expanded(edges in prop::collection::vec((1u64..12, 0u64..14, 0u64..9, 0u64..12), 1..30)) {
        let spans: Vec<Span> = edges.iter().map(|(id, parent, start, end)| span("S", *id, *parent, *start, *end)).collect();
        // A span that was sent twice is drawn once.
        let report = TraceReport::new(trace(spans));
        let options = ShowOptions { expand: true, ..ShowOptions::default() };
        let text = render(&report, &options, &Style { is_terminal: false, ..style(200) });
        let drawn = text.lines().filter(|line| line.trim_start_matches(['│', '├', '└', ' ']).starts_with("S  ")).count();
        prop_assert_eq!(drawn, report.trace.spans.len(), "{}", text);
    }
}
