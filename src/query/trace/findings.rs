//! Findings: what in a trace is worth a thought. Calls repeated one by one, time nobody accounts for, work that waited,
//! one error told many times.
//!
//! Everything is found and counted here, in time that grows with the number of spans, so that pictures, JSON and the
//! HTTP API say one thing; how it is worded is up to them.

use std::cmp::Reverse;

use super::{
    echoes::{Echo, echoes},
    report::TraceReport,
    runs::{Run, equal_siblings},
};
use crate::model::{Kind, Nanos, Span};

/// From how many calls on a run is worth asking why it is one, when they take a noticeable part of the trace.
const MANY_CALLS: usize = 5;
/// From how many calls on it is worth asking anyway.
const VERY_MANY_CALLS: usize = 20;
/// One in so many parts of the trace is noticeable.
const NOTICEABLE: u64 = 20;
/// One in so many parts of the trace is noteworthy.
const NOTEWORTHY: u64 = 10;
/// What is shorter is never noteworthy.
const NOTEWORTHY_NS: u64 = 1_000_000;
/// The part of its time, one in so many, a root spends by itself in one go before that is a gap.
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
        spans.sort_by_key(|index| report.tree.position(*index));
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
    let position = |run: &Run| run.members.first().map(|first| report.tree.position(*first));
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
