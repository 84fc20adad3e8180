//! What is drawn, line by line: spans, runs of equal siblings folded into one, and headings of missing parents.

use super::{scene::Scene, steps::Step};
use crate::model::{Kind, Nanos, Span, SpanId, stats::percentile};

/// From how many equal siblings in a row on they are folded.
const FOLD_FROM: usize = 3;
/// From how many calls on a run is worth asking why it is one, when they take a noticeable part of the trace.
const MANY_CALLS: usize = 5;
/// From how many calls on it is worth asking anyway.
const VERY_MANY_CALLS: usize = 20;
/// One in so many parts of the trace is noticeable.
const NOTICEABLE: u64 = 20;

/// One line of the picture, before it is laid out.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) what: What,
    pub(super) depth: usize,
    /// Whether no sibling follows.
    pub(super) is_last: bool,
    /// Whether something is drawn below it, one deeper.
    pub(super) has_below: bool,
}

#[derive(Debug)]
pub(super) enum What {
    /// One span.
    Span(usize),
    /// Equal siblings.
    Run(Run),
    /// A parent that is not there, and the spans that name it.
    Missing(SpanId, Vec<usize>),
}

/// Equal siblings in a row, by start.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) members: Vec<usize>,
    pub(super) start: Nanos,
    pub(super) end: Nanos,
    /// Nanoseconds in which at least one ran.
    pub(super) busy_ns: u64,
    /// Nanoseconds they spent themselves, at most `busy_ns`.
    pub(super) self_ns: u64,
    pub(super) p50_ns: u64,
    pub(super) max_ns: u64,
    /// Whether each waited for the one before.
    pub(super) is_serial: bool,
    /// Spans below them, which are not drawn.
    pub(super) below: usize,
}

impl Run {
    fn new(scene: &Scene<'_>, members: Vec<usize>) -> Run {
        let spans = || members.iter().map(|index| scene.span(*index));
        let mut durations: Vec<u64> = spans().map(Span::duration_ns).collect();
        durations.sort_unstable();
        let (mut busy_ns, mut until) = (0, Nanos(0));
        for span in spans() {
            busy_ns += span.end.since(span.start.max(until));
            until = until.max(span.end);
        }
        let total: u64 = durations.iter().fold(0, |sum, duration| sum.saturating_add(*duration));
        let own = members.iter().fold(0_u64, |sum, index| sum.saturating_add(scene.report.self_ns[*index]));
        let start = spans().map(|span| span.start).min().unwrap_or_default();
        Run {
            start,
            end: until.max(start),
            busy_ns,
            self_ns: own.min(busy_ns),
            p50_ns: percentile(&durations, 50),
            max_ns: durations.last().copied().unwrap_or(0),
            // Calls that overlap by more than a tenth were not made one after another.
            is_serial: busy_ns >= total - total / 10,
            below: members.iter().map(|index| scene.report.tree.size[*index] - 1).sum(),
            members,
        }
    }

    /// Whether it looks like a question asked once per item.
    pub(super) fn is_many_calls(&self, scene: &Scene<'_>) -> bool {
        let calls_out = |span: &Span| span.kind == Kind::Client || is_database(span);
        let first = self.members.first().map(|index| scene.span(*index));
        let is_noticeable = self.busy_ns >= scene.length_ns() / NOTICEABLE || self.members.len() >= VERY_MANY_CALLS;
        self.members.len() >= MANY_CALLS && is_noticeable && self.is_serial && first.is_some_and(calls_out)
    }
}

/// Whether a span is a call to a database.
pub(super) fn is_database(span: &Span) -> bool {
    span.attributes.iter().any(|(key, _)| key.starts_with("db."))
}

/// All lines, from top to bottom; empty when there is no span to draw.
pub(super) fn rows(scene: &Scene<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut open: Vec<(What, usize, bool)> = Vec::new();
    push(&mut open, tops(scene), 0);
    while let Some((what, depth, is_last)) = open.pop() {
        let below = match &what {
            What::Span(index) => fold(scene, scene.report.tree.children(*index).collect()),
            What::Missing(_, orphans) => fold(scene, orphans.clone()),
            What::Run(_) => Vec::new(),
        };
        rows.push(Row { what, depth, is_last, has_below: !below.is_empty() });
        push(&mut open, below, depth + 1);
    }
    rows
}

fn push(open: &mut Vec<(What, usize, bool)>, siblings: Vec<What>, depth: usize) {
    let last = siblings.len();
    let numbered = siblings.into_iter().enumerate().rev();
    open.extend(numbered.map(|(place, what)| (what, depth, place + 1 == last)));
}

fn tops(scene: &Scene<'_>) -> Vec<What> {
    if scene.options.span.is_some() {
        // A span chosen twice over, because it lies in another of the same id, is drawn there.
        let tree = &scene.report.tree;
        let is_inside = |index: usize| {
            let mut others = scene.chosen.iter().filter(|other| **other != index);
            others.any(|other| tree.below(*other).contains(&index))
        };
        return scene.chosen.iter().filter(|index| !is_inside(**index)).map(|index| What::Span(*index)).collect();
    }
    let missing = &scene.report.tree.missing_parent;
    let mut tops = Vec::new();
    for group in scene.report.tree.roots.chunk_by(|a, b| missing[*a] == missing[*b]) {
        match group.first().and_then(|first| missing[*first]) {
            Some(parent) => tops.push(What::Missing(parent, group.to_vec())),
            None => tops.extend(fold(scene, group.to_vec())),
        }
    }
    tops
}

/// Siblings by start, with runs of equal ones folded.
fn fold(scene: &Scene<'_>, siblings: Vec<usize>) -> Vec<What> {
    if scene.options.expand {
        return siblings.into_iter().map(What::Span).collect();
    }
    let mut lines = Vec::new();
    for run in siblings.chunk_by(|a, b| is_equal(scene, *a, *b)) {
        if run.len() >= FOLD_FROM {
            lines.push(What::Run(Run::new(scene, run.to_vec())));
        } else {
            lines.extend(run.iter().map(|index| What::Span(*index)));
        }
    }
    lines
}

fn is_equal(scene: &Scene<'_>, a: usize, b: usize) -> bool {
    let (one, other) = (scene.span(a), scene.span(b));
    let ends_alike = match (scene.step(a), scene.step(b)) {
        // What ran inside an open operation may be why it is open.
        (Some(Step::Open), Some(Step::Open)) => [a, b].iter().all(|index| scene.report.tree.size[*index] == 1),
        (step, next) => step == next && one.end.0 > 0 && other.end.0 > 0,
    };
    let same_outcome = (one.is_error(), scene.failed[a]) == (other.is_error(), scene.failed[b]);
    ends_alike && same_outcome && one.name == other.name && one.service() == other.service()
}
