//! Findings: what in a trace is worth a thought. Calls repeated one by one, time nobody accounts for, work that waited,
//! one error that many spans tell of.
//!
//! Everything is found and counted here, in time that grows with the number of spans, so that pictures, JSON and the
//! HTTP API say one thing; how it is worded is up to them.

use std::cmp::Reverse;

use super::echoes::{Echo, echoes};
use super::report::TraceReport;
use super::runs::{Run, equal_siblings};
use crate::model::{Kind, Nanos, Span};

/// From how many calls on a run is worth asking why it is one, when they take a noticeable part of the trace.
const MANY_CALLS: usize = 5;
/// From how many calls on it is worth asking anyway.
const VERY_MANY_CALLS: usize = 20;
/// One in so many parts of the trace is noticeable.
const NOTICEABLE: u64 = 20;
/// One in so many parts of the trace is noteworthy.
const NOTEWORTHY: u64 = 10;
/// The shortest time that is ever noteworthy.
const NOTEWORTHY_NS: u64 = 1_000_000;
/// One in so many parts of a root's own duration, spent by itself in one go, is a gap.
const OWN_GAP: u64 = 5;

/// Something in a trace that is worth a thought. Spans are named by their index in the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Equal calls to a database or another service, one after another: a question asked once per item.
    ManyCalls(Run),
    /// The longest stretch in which the root waits for nothing that can be seen.
    OwnGap(OwnGap),
    /// A span that starts long after the one it lies in has ended: a message that waited.
    LateStart(LateStart),
    /// One error that several spans tell of.
    Echo(Echo),
}

/// A stretch of time a span spends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnGap {
    /// The span.
    pub span: usize,
    /// How long the stretch is.
    pub gap_ns: u64,
    /// The child with whose end the stretch begins; `None` when it begins with the span.
    pub after: Option<usize>,
    /// The child with whose start the stretch ends; `None` when it ends with the span.
    pub before: Option<usize>,
}

/// A span that starts after its parent has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateStart {
    /// The span.
    pub span: usize,
    /// The span it lies in.
    pub parent: usize,
    /// How long after the end of the parent the span starts.
    pub gap_ns: u64,
}

/// The part of a trace that findings are looked for in.
#[derive(Debug, Clone)]
pub struct Part {
    /// The spans, in tree order.
    spans: Vec<usize>,
    /// Whether those are all spans of the trace.
    is_whole: bool,
    /// How long the part takes, at least a nanosecond; what is noticeable is measured by it.
    pub length_ns: u64,
}

impl Part {
    /// All of a trace.
    pub fn whole(report: &TraceReport) -> Part {
        Part { is_whole: true, ..Part::below(report, report.tree.order.clone()) }
    }

    /// Some spans, each with all that lies below it.
    pub fn below(report: &TraceReport, mut spans: Vec<usize>) -> Part {
        let (start, end) = report.stretch(&spans);
        spans.sort_by_key(|index| report.tree.place[*index]);
        Part { spans, is_whole: false, length_ns: end.since(start).max(1) }
    }

    /// Whether so much time is a part of the whole worth a sentence.
    pub fn is_noteworthy(&self, nanos: u64) -> bool {
        nanos >= self.length_ns / NOTEWORTHY && nanos >= NOTEWORTHY_NS
    }
}

impl TraceReport {
    /// The findings in a part of the trace: repeated calls, those that take longest first; the gap; late starts, those
    /// that waited longest first; echoes.
    pub fn findings(&self, part: &Part) -> Vec<Finding> {
        let many_calls = many_calls(self, part).into_iter().map(Finding::ManyCalls);
        let own_gap = own_gap(self, part).map(Finding::OwnGap);
        let late_starts = late_starts(self, part).into_iter().map(Finding::LateStart);
        let echoes = echoes(self, &part.spans).into_iter().map(Finding::Echo);
        many_calls.chain(own_gap).chain(late_starts).chain(echoes).collect()
    }
}

/// Whether a span is a call to a database.
pub fn is_database_call(span: &Span) -> bool {
    span.attributes.iter().any(|(key, _)| key.starts_with("db."))
}

fn many_calls(report: &TraceReport, part: &Part) -> Vec<Run> {
    let mut found = Vec::new();
    let mut look_at = |siblings: &[usize]| {
        let runs = equal_siblings(report, siblings).filter(|run| run.len() >= MANY_CALLS);
        let runs = runs.map(|run| Run::new(report, run.to_vec()));
        found.extend(runs.filter(|run| is_many_calls(report, part, run)));
    };
    if part.is_whole {
        report.tree.root_groups().for_each(|(_, group)| look_at(group));
    }
    for index in part.spans.iter().filter(|index| report.tree.size[**index] > MANY_CALLS) {
        look_at(&report.tree.children(*index).collect::<Vec<_>>());
    }
    let position = |run: &Run| run.members.first().map(|first| report.tree.place[*first]);
    found.sort_by_key(|run| (Reverse(run.busy_ns), position(run)));
    found
}

fn is_many_calls(report: &TraceReport, part: &Part, run: &Run) -> bool {
    let calls_out = |span: &Span| span.kind == Kind::Client || is_database_call(span);
    let first = run.members.first().map(|index| &report.trace.spans[*index]);
    let is_noticeable = run.busy_ns >= part.length_ns / NOTICEABLE || run.members.len() >= VERY_MANY_CALLS;
    is_noticeable && run.is_serial && first.is_some_and(calls_out)
}

fn own_gap(report: &TraceReport, part: &Part) -> Option<OwnGap> {
    let tree = &report.tree;
    let root = *tree.roots.first().filter(|_| part.is_whole)?;
    let span = &report.trace.spans[root];
    let has_times = span.start.0 > 0 && span.end.0 > 0;
    if !has_times || tree.size[root] < 3 || tree.missing_parent[root].is_some() {
        return None;
    }
    let mut longest = OwnGap { span: root, gap_ns: 0, after: None, before: None };
    let mut take_longer = |gap: OwnGap| {
        if gap.gap_ns > longest.gap_ns {
            longest = gap;
        }
    };
    let (mut until, mut after) = (span.start, None);
    for child in tree.children(root) {
        let Span { start, end, .. } = report.trace.spans[child];
        take_longer(OwnGap { span: root, gap_ns: start.since(until), after, before: Some(child) });
        if end > until {
            (until, after) = (end, Some(child));
        }
    }
    take_longer(OwnGap { span: root, gap_ns: span.end.since(until), after, before: None });
    let is_between = longest.after.is_some() || longest.before.is_some();
    let is_long = longest.gap_ns >= span.duration_ns() / OWN_GAP && part.is_noteworthy(longest.gap_ns);
    (is_between && is_long).then_some(longest)
}

fn late_starts(report: &TraceReport, part: &Part) -> Vec<LateStart> {
    let late_start = |index: &usize| {
        let parent = report.tree.parent[*index]?;
        let ended = Some(report.trace.spans[parent].end).filter(|end| *end > Nanos(0))?;
        let gap_ns = report.trace.spans[*index].start.since(ended);
        part.is_noteworthy(gap_ns).then_some(LateStart { span: *index, parent, gap_ns })
    };
    let mut found: Vec<LateStart> = part.spans.iter().filter_map(late_start).collect();
    found.sort_by_key(|late| Reverse(late.gap_ns));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        model::{Event, Status, StatusCode, Text},
        query::samples::{span, trace},
    };

    const MS: u64 = 1_000_000;

    /// A span of numbers; times in milliseconds after the first.
    fn timed(name: &str, number: u64, parent: u64, start_ms: u64, end_ms: u64) -> Span {
        span(name, number, parent, (1 + start_ms) * MS, (1 + end_ms) * MS)
    }

    fn client(name: &str, number: u64, parent: u64, start_ms: u64, end_ms: u64) -> Span {
        Span { kind: Kind::Client, ..timed(name, number, parent, start_ms, end_ms) }
    }

    fn failed(message: &str, span: Span) -> Span {
        Span { status: Status { code: StatusCode::Error, message: Text::from(message) }, ..span }
    }

    fn raised(kind: &str, message: &str, mut span: Span) -> Span {
        let attributes = [("exception.type", kind), ("exception.message", message)].into_iter().collect();
        let name = Text::from_static("exception");
        span.events.push(Event { time: span.end, name, attributes, dropped_attributes: 0 });
        failed("", span)
    }

    /// Calls one after another, each as long as it takes until the next.
    fn calls(count: u64, each_ms: u64, parent: u64) -> Vec<Span> {
        let call = |n: u64| client("call", 100 + n, parent, n * each_ms, (n + 1) * each_ms);
        (0..count).map(call).collect()
    }

    fn with(mut spans: Vec<Span>, others: Vec<Span>) -> Vec<Span> {
        spans.extend(others);
        spans
    }

    /// The findings of a whole trace, each in a few words: spans by number, times in milliseconds.
    fn found(spans: Vec<Span>) -> Vec<String> {
        let report = TraceReport::new(trace(spans));
        found_in(&report, &Part::whole(&report))
    }

    fn found_in(report: &TraceReport, part: &Part) -> Vec<String> {
        let number = |index: usize| u64::from_be_bytes(report.trace.spans[index].span_id.0);
        let numbers = |spans: &[usize]| spans.iter().map(|index| number(*index)).collect::<Vec<_>>();
        let words = |finding: &Finding| match finding {
            Finding::ManyCalls(run) => {
                let ends = [run.members.first(), run.members.last()].map(|end| number(*end.expect("a member")));
                format!("{} calls {ends:?} {}ms", run.members.len(), run.busy_ns / MS)
            }
            Finding::OwnGap(OwnGap { span, gap_ns, after, before }) => {
                format!("gap of {} {}ms {:?}", number(*span), gap_ns / MS, [*after, *before].map(|end| end.map(number)))
            }
            Finding::LateStart(LateStart { span, parent, gap_ns }) => {
                format!("{} late by {}ms after {}", number(*span), gap_ns / MS, number(*parent))
            }
            Finding::Echo(echo) => format!("echo {:?}", numbers(&echo.spans())),
        };
        report.findings(part).iter().map(words).collect()
    }

    fn nothing() -> Vec<String> {
        Vec::new()
    }

    #[test]
    fn a_trace_without_spans_or_without_anything_odd_has_no_findings() {
        let id = crate::model::TraceId::Otel([7; 16]);
        let log = crate::model::LogRecord::default();
        let report = TraceReport::new(crate::model::Trace::new(id, Vec::new(), Vec::new(), vec![log]).expect("a log"));
        assert_eq!(found_in(&report, &Part::whole(&report)), nothing());
        assert_eq!(found(vec![timed("root", 1, 0, 0, 100), timed("child", 2, 1, 0, 95)]), nothing());
    }

    #[test]
    fn equal_calls_one_after_another_are_many_calls() {
        let root = || vec![timed("root", 1, 0, 0, 100)];
        let overlapping = (0..5).map(|n| client("call", 100 + n, 1, n, 90)).collect();
        let inside = (0..5).map(|n| timed("step", 100 + n, 1, n * 20, (n + 1) * 20)).collect();
        let unequal = (0..6).map(|n| client(["a", "b"][n as usize % 2], 100 + n, 1, n * 16, n * 16 + 16)).collect();
        let query = |mut span: Span| {
            span.attributes = [("db.system.name", "postgresql")].into_iter().collect();
            Span { kind: Kind::Internal, ..span }
        };
        let failing = with(calls(5, 18, 1), vec![failed("x", client("call", 200, 1, 90, 100))]);
        let table = [
            ("five calls", calls(5, 20, 1), vec!["5 calls [100, 104] 100ms"]),
            (
                "a database is called out to as well",
                calls(5, 20, 1).into_iter().map(query).collect(),
                vec!["5 calls [100, 104] 100ms"],
            ),
            ("four are not many", calls(4, 25, 1), vec![]),
            ("five that take no time worth noticing", with(calls(5, 0, 1), vec![timed("x", 2, 1, 0, 99)]), vec![]),
            (
                "twenty of them are very many",
                with(calls(20, 0, 1), vec![timed("x", 2, 1, 1, 99)]),
                vec!["20 calls [100, 119] 0ms"],
            ),
            ("calls made at once", overlapping, vec![]),
            ("what calls nobody", inside, vec![]),
            ("different calls", unequal, vec![]),
            ("one that failed is none of them", failing, vec!["5 calls [100, 104] 90ms"]),
        ];
        for (what, children, expected) in table {
            assert_eq!(found(with(root(), children)), expected, "{what}");
        }
        assert_eq!(found(calls(5, 20, 0)), ["5 calls [100, 104] 100ms"], "roots are siblings too");
        assert_eq!(found(calls(5, 20, 77)), ["5 calls [100, 104] 100ms"], "so are orphans of one parent");
    }

    #[test]
    fn the_longest_repeated_calls_come_first_wherever_they_lie() {
        let inner = |n: u64| client("inner", 300 + n, 2, 50 + n * 10, 60 + n * 10);
        let spans = [vec![timed("root", 1, 0, 0, 100), timed("child", 2, 1, 50, 100)], calls(5, 8, 1)].concat();
        let spans = with(spans, (0..5).map(inner).collect());
        assert_eq!(found(spans), ["5 calls [300, 304] 50ms", "5 calls [100, 104] 40ms"]);
    }

    #[test]
    fn the_longest_time_the_root_spends_by_itself_is_a_gap() {
        let table = [
            ("between", [(0, 40), (75, 100)], vec!["gap of 1 35ms [Some(2), Some(3)]"]),
            ("before", [(30, 60), (60, 100)], vec!["gap of 1 30ms [None, Some(2)]"]),
            ("after", [(0, 30), (10, 60)], vec!["gap of 1 40ms [Some(3), None]"]),
            ("after the child that ends last", [(0, 60), (10, 30)], vec!["gap of 1 40ms [Some(2), None]"]),
            ("less than a fifth", [(0, 40), (59, 100)], vec![]),
            ("clocks that run ahead", [(0, 140), (120, 150)], vec!["3 late by 20ms after 1"]),
        ];
        for (what, [first, second], expected) in table {
            let children = [(2, first), (3, second)].map(|(id, (from, to))| timed("child", id, 1, from, to));
            assert_eq!(found(with(vec![timed("root", 1, 0, 0, 100)], children.into())), expected, "{what}");
        }
        let one_child = vec![timed("root", 1, 0, 0, 100), timed("child", 2, 1, 0, 20)];
        assert_eq!(found(one_child), nothing(), "one child does not say what the rest is");
        let children = || vec![timed("a", 2, 1, 0, 10), timed("b", 3, 1, 50, 60)];
        assert_eq!(found(with(children(), vec![span("running", 1, 0, MS, 0)])), nothing());
        assert_eq!(found(with(children(), vec![timed("orphan", 1, 9, 0, 100)])), nothing());
        let microseconds = [span("root", 1, 0, 1, 900), span("a", 2, 1, 1, 100), span("b", 3, 1, 800, 900)];
        assert_eq!(found(microseconds.into()), nothing(), "what is so short is nothing to think about");
    }

    #[test]
    fn spans_that_start_long_after_their_parent_ended_are_late() {
        let table = [
            ("a tenth", vec![(0, 40), (50, 100)], vec!["3 late by 10ms after 2"]),
            ("less", vec![(0, 40), (49, 100)], vec![]),
            ("at once", vec![(0, 40), (40, 100)], vec![]),
            ("before it ended", vec![(0, 40), (20, 100)], vec![]),
            ("before it started", vec![(40, 60), (0, 100)], vec![]),
            (
                "longest first",
                vec![(0, 40), (50, 60), (80, 100)],
                vec!["4 late by 20ms after 3", "3 late by 10ms after 2"],
            ),
        ];
        for (what, times, expected) in table {
            let chain = times.iter().zip(2..).map(|((from, to), id)| timed("link", id, id - 1, *from, *to));
            let spans = with(vec![timed("root", 1, 0, 0, 100), timed("all along", 9, 1, 0, 100)], chain.collect());
            assert_eq!(found(spans), expected, "{what}");
        }
        let running = vec![span("running", 1, 0, MS, 0), timed("child", 2, 1, 50, 100)];
        assert_eq!(found(running), nothing(), "what has not ended cannot be waited for");
    }

    #[test]
    fn an_error_that_passes_through_spans_is_one_echo() {
        let [server, outer, inner] = [("server", 1, 0), ("outer", 2, 1), ("inner", 3, 2)]
            .map(|(name, id, parent)| timed(name, id, parent, 0, 100));
        let error = |span: &Span| raised("app.errors.KeyError", "'id'", span.clone());
        let table = [
            ("everywhere", vec![error(&server), error(&outer), error(&inner)], vec!["echo [3, 2, 1]"]),
            (
                "by its last name",
                vec![failed("KeyError: 'id'", server.clone()), error(&outer), inner.clone()],
                vec!["echo [2, 1]"],
            ),
            (
                "by messages",
                vec![server.clone(), failed("no", outer.clone()), failed("no", inner.clone())],
                vec!["echo [3, 2]"],
            ),
            ("not across a span that is silent", vec![error(&server), outer.clone(), error(&inner)], vec![]),
            ("another error", vec![server.clone(), raised("E", "x", outer.clone()), error(&inner)], vec![]),
            ("told twice by one span", vec![server, failed("'id'", error(&outer)), inner], vec![]),
        ];
        for (what, spans, expected) in table {
            assert_eq!(found(spans), expected, "{what}");
        }
        let siblings = [2, 3].map(|id| failed("no", timed("try", id, 1, 0, 100)));
        let spans = with(vec![failed("no", timed("root", 1, 0, 0, 100))], siblings.into());
        assert_eq!(found(spans), ["echo [3, 1]"], "the last of two that failed alike is the one that passed through");
    }

    #[test]
    fn a_part_of_a_trace_is_measured_by_itself() {
        let spans = with(vec![timed("root", 1, 0, 0, 10_000), timed("child", 2, 1, 0, 100)], calls(5, 20, 2));
        let report = TraceReport::new(trace(spans));
        assert_eq!(found_in(&report, &Part::whole(&report)), ["gap of 1 9900ms [Some(2), None]"]);
        let child = Part::below(&report, report.tree.below(1).to_vec());
        assert_eq!(found_in(&report, &child), ["5 calls [100, 104] 100ms"]);
        assert_eq!(child.length_ns, 100 * MS);
    }

    #[test]
    fn cycles_and_times_of_zero_are_no_findings() {
        let cycle = [timed("a", 1, 2, 0, 100), timed("b", 2, 1, 0, 100), timed("self", 3, 3, 0, 100)];
        assert_eq!(found(cycle.into()), nothing());
        assert_eq!(found(vec![span("a", 1, 0, 0, 0), span("b", 2, 1, 0, 0), span("c", 3, 1, 0, 0)]), nothing());
        let timeless = [timed("root", 1, 0, 0, 100), span("a", 2, 1, 0, 40 * MS), timed("b", 3, 1, 0, 100)];
        assert_eq!(found(timeless.into()), nothing());
        assert_eq!(
            found(vec![failed("x", timed("a", 1, 1, 5, 5)), failed("x", timed("b", 2, 1, 5, 5))]),
            ["echo [2, 1]"]
        );
    }

    #[test]
    fn a_hundred_thousand_spans_are_looked_at_once_each() {
        let error = |span: Span| raised("E", "everything is down", span);
        let chain = (1..=50_000).map(|n| error(span("deep", n, n - 1, n, 200_000)));
        let fan = (50_001..=100_000).map(|n| Span { kind: Kind::Client, ..span("wide", n, 1, n, n + 1) });
        let found = found(chain.chain(fan).collect());
        assert_eq!(found[0], "50000 calls [50001, 100000] 0ms");
        assert!(found[1].starts_with("echo [50000, 49999, ") && found[1].ends_with(", 2, 1]"));
        assert_eq!(found.len(), 2);
    }

    proptest! {
        #[test]
        fn whatever_shape_a_trace_has_findings_name_its_spans_and_shares_stay_in_bounds(
            edges in prop::collection::vec((1u64..12, 0u64..14, 0u64..40, 0u64..60, any::<bool>()), 0..40),
        ) {
            let spans = edges.iter().map(|(id, parent, start, end, fails)| {
                let span = client(["a", "b"][*id as usize % 2], *id, *parent, *start, *end);
                if *fails { failed("no", span) } else { span }
            });
            let spans = with(vec![timed("root", 20, 0, 0, 60)], spans.collect());
            let report = TraceReport::new(trace(spans));
            let part = Part::whole(&report);
            for finding in report.findings(&part) {
                let nanos = match finding {
                    Finding::ManyCalls(run) => {
                        prop_assert!(run.members.len() >= MANY_CALLS);
                        run.busy_ns
                    }
                    Finding::OwnGap(gap) => gap.gap_ns,
                    Finding::LateStart(late) => {
                        prop_assert_eq!(report.tree.parent[late.span], Some(late.parent));
                        late.gap_ns
                    }
                    Finding::Echo(echo) => {
                        prop_assert!(echo.spans().len() >= 2);
                        0
                    }
                };
                prop_assert!(nanos <= part.length_ns);
            }
        }
    }
}
