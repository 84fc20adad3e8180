//! How the spans of a trace lie to each other, worked out once for all conditions and structural operators of a query.
//!
//! Any trace has an answer: spans whose parents never arrived, parents in a circle, ids that two spans share.

use std::cell::OnceCell;

use super::tree::Relation;
use crate::model::self_time::{Interval, parents};
use crate::model::{Span, Trace, TraceSummary};

/// Numbers of a walk through the trace, which enters and leaves every span below a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numbers {
    /// When the walk entered the span; 0 when no root leads to it.
    pub left: i64,
    /// When it left the span.
    pub right: i64,
    /// When it entered the parent; -1 of a root.
    pub parent: i64,
}

/// The spans of a trace, and how they lie.
pub struct Structure<'t> {
    /// The spans.
    pub spans: &'t [Span],
    /// The summary of the trace.
    pub summary: &'t TraceSummary,
    /// The place of each span's parent.
    pub parents: Vec<Option<usize>>,
    /// The places of the spans right below each.
    pub children: Vec<Vec<usize>>,
    numbers: OnceCell<Vec<Numbers>>,
}

impl<'t> Structure<'t> {
    /// Works out how the spans of a trace lie.
    pub fn new(trace: &'t Trace) -> Structure<'t> {
        let intervals: Vec<Interval> = trace.spans.iter().map(Interval::from).collect();
        let parents = parents(&intervals);
        let mut children = vec![Vec::new(); parents.len()];
        for (place, parent) in parents.iter().enumerate() {
            if let Some(of_parent) = parent.and_then(|parent| children.get_mut(parent)) {
                of_parent.push(place);
            }
        }
        Structure { spans: &trace.spans, summary: &trace.summary, parents, children, numbers: OnceCell::new() }
    }

    /// The span the trace is named after.
    pub fn root(&self) -> Option<&'t Span> {
        self.spans.iter().find(|span| Some(span.span_id) == self.summary.root_span_id)
    }

    /// The numbers of a span in the walk through the trace.
    pub fn numbers(&self, place: usize) -> Numbers {
        self.numbers.get_or_init(|| self.walk()).get(place).copied().unwrap_or_default()
    }

    fn walk(&self) -> Vec<Numbers> {
        let mut numbers = vec![Numbers::default(); self.spans.len()];
        let mut next = 1;
        let is_root = |place: usize| {
            let has_none = self.spans.get(place).is_some_and(|span| span.parent_span_id.is_none());
            has_none && self.parents.get(place).copied().flatten().is_none()
        };
        for root in (0..self.spans.len()).filter(|place| is_root(*place)) {
            // A place, what its parent got, and how many of its children were walked.
            let mut path: Vec<(usize, i64, usize)> = vec![(root, -1, 0)];
            while let Some((place, parent, walked)) = path.last_mut() {
                let Some(own) = numbers.get_mut(*place) else { break };
                if *walked == 0 && own.left == 0 {
                    *own = Numbers { left: next, right: 0, parent: *parent };
                    next += 1;
                }
                let left = own.left;
                let child = self.children.get(*place).and_then(|children| children.get(*walked)).copied();
                *walked += 1;
                match child {
                    Some(child) => path.push((child, left, 0)),
                    None => {
                        own.right = next;
                        next += 1;
                        path.pop();
                    }
                }
            }
        }
        numbers
    }

    /// For each span whether it lies so to one of the others.
    pub fn related(&self, relation: Relation, to: &[usize]) -> Vec<bool> {
        let count = self.spans.len();
        let mut is_of = vec![false; count];
        let mut mark = |places: &mut dyn Iterator<Item = usize>| {
            for place in places {
                if let Some(mark) = is_of.get_mut(place) {
                    *mark = true;
                }
            }
        };
        let children = |place: usize| self.children.get(place).into_iter().flatten().copied();
        let parent = |place: usize| self.parents.get(place).copied().flatten();
        match relation {
            Relation::Child => to.iter().for_each(|place| mark(&mut children(*place))),
            Relation::Parent => mark(&mut to.iter().filter_map(|place| parent(*place))),
            Relation::Descendant => {
                let mut waiting: Vec<usize> = to.iter().flat_map(|place| children(*place)).collect();
                while let Some(place) = waiting.pop() {
                    if let Some(mark) = is_of.get_mut(place).filter(|mark| !**mark) {
                        *mark = true;
                        waiting.extend(children(place));
                    }
                }
            }
            Relation::Ancestor => {
                for place in to {
                    let mut above = parent(*place);
                    while let Some(place) = above {
                        match is_of.get_mut(place).filter(|mark| !**mark) {
                            Some(mark) => *mark = true,
                            None => break,
                        }
                        above = parent(place);
                    }
                }
            }
            Relation::Sibling => {
                // How many of them are below each span, and which when it is one alone.
                let mut below: Vec<(usize, usize)> = vec![(0, 0); count];
                for place in to {
                    if let Some(below) = parent(*place).and_then(|parent| below.get_mut(parent)) {
                        *below = (below.0 + 1, *place);
                    }
                }
                let has_sibling = |place: &usize| {
                    let below = parent(*place).and_then(|parent| below.get(parent));
                    below.is_some_and(|(count, last)| *count > 1 || (*count == 1 && last != place))
                };
                mark(&mut (0..count).filter(has_sibling));
            }
        }
        is_of
    }
}
