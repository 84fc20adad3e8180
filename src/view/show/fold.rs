//! What is drawn, line by line: spans, runs of equal siblings folded into one, and headings of missing parents.

use super::scene::Scene;
use crate::model::SpanId;
use crate::query::trace::runs::{Run, equal_siblings};

/// From how many equal siblings in a row on they are folded.
const FOLD_FROM: usize = 3;

/// One line of the picture, before it is laid out.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) what: What,
    pub(super) depth: usize,
    /// Whether no sibling follows.
    pub(super) is_last: bool,
    /// Whether something is drawn below the line, one level deeper.
    pub(super) has_below: bool,
}

/// What a line stands for.
#[derive(Debug)]
pub(super) enum What {
    /// One span.
    Span(usize),
    /// Equal siblings.
    Run(Run),
    /// A parent that is not there, and the spans that name it.
    Missing(SpanId, Vec<usize>),
}

impl What {
    /// The span a line is about, the first of several; none where the span is missing.
    pub(super) fn first(&self) -> Option<usize> {
        match self {
            What::Span(index) => Some(*index),
            What::Run(run) => run.members.first().copied(),
            What::Missing(..) => None,
        }
    }
}

/// All lines of the picture, from top to bottom; empty when there is no span to draw.
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
    let mut tops = Vec::new();
    for (missing_parent, group) in scene.report.tree.root_groups() {
        match missing_parent {
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
    for run in equal_siblings(scene.report, &siblings) {
        if run.len() >= FOLD_FROM {
            lines.push(What::Run(Run::new(scene.report, run.to_vec())));
        } else {
            lines.extend(run.iter().map(|index| What::Span(*index)));
        }
    }
    lines
}
