//! The shape of a trace: which span lies in which, and in what order they are read.
//!
//! Traces come in any shape: parents that never arrived, cycles, ids used twice, chains of 100,000 spans. Whatever it
//! is, every span stands in the tree exactly once; nothing here recurses, and it takes O(n log n).

use rustc_hash::FxHashMap;

use crate::model::self_time::{Interval, parents, sides_of_call};
use crate::model::{Nanos, Span, SpanId};

/// The spans of a trace as a forest. Spans are named by their index in the trace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    /// Every span once: roots by start, each followed by all that is below it; siblings by start, then in the order
    /// given. Spans whose parent is missing come after the roots, those that miss the same parent together.
    pub order: Vec<usize>,
    /// The spans that lie in no other span, in the order of `order`.
    pub roots: Vec<usize>,
    /// The span each span lies in; `None` for roots, orphans, and where a cycle was cut.
    pub parent: Vec<Option<usize>>,
    /// How deep each span lies; 0 for roots.
    pub depth: Vec<u32>,
    /// How many spans lie below each span, itself included; in `order` they follow it directly.
    pub size: Vec<usize>,
    /// The parent each orphan names and that is not in the trace.
    pub missing_parent: Vec<Option<SpanId>>,
    /// Spans at which a cycle of parents was cut; the earliest of the cycle.
    pub is_cycle: Vec<bool>,
    /// Spans that share their id with another one, which is not the other side of the same call.
    pub is_repeated: Vec<bool>,
    /// Where each span stands in `order`.
    pub place: Vec<usize>,
}

impl Tree {
    /// Works out the shape.
    pub fn new(spans: &[Span]) -> Tree {
        let intervals = intervals(spans);
        let mut tree = Tree { parent: parents(&intervals), ..Tree::default() };
        tree.mark_repeated_and_missing(spans, &sides_of_call(&intervals));
        tree.cut_cycles(spans);
        tree.lay_out(spans);
        tree
    }

    /// The spans directly below `span`, by start.
    pub fn children(&self, span: usize) -> impl Iterator<Item = usize> + '_ {
        let mut next = self.place[span] + 1;
        let end = self.place[span] + self.size[span];
        std::iter::from_fn(move || {
            let child = *self.order[..end].get(next)?;
            next += self.size[child];
            Some(child)
        })
    }

    /// The roots by start, cut so that spans that miss the same parent stand together, each with the parent they miss.
    pub fn root_groups(&self) -> impl Iterator<Item = (Option<SpanId>, &[usize])> {
        let groups = self.roots.chunk_by(|a, b| self.missing_parent[*a] == self.missing_parent[*b]);
        groups.map(|group| (group.first().and_then(|first| self.missing_parent[*first]), group))
    }

    /// `span` and everything below it, in tree order.
    pub fn below(&self, span: usize) -> &[usize] {
        &self.order[self.place[span]..self.place[span] + self.size[span]]
    }

    fn mark_repeated_and_missing(&mut self, spans: &[Span], is_side_of_call: &[bool]) {
        let mut uses: FxHashMap<SpanId, u32> = FxHashMap::default();
        spans.iter().for_each(|span| *uses.entry(span.span_id).or_default() += 1);
        let is_repeated = |(span, is_side): (&Span, &bool)| {
            uses.get(&span.span_id).is_some_and(|uses| *uses > 1 + u32::from(*is_side))
        };
        self.is_repeated = spans.iter().zip(is_side_of_call).map(is_repeated).collect();
        let missing = |(span, parent): (&Span, &Option<usize>)| {
            span.parent_span_id.filter(|id| parent.is_none() && !uses.contains_key(id))
        };
        self.missing_parent = spans.iter().zip(&self.parent).map(missing).collect();
        // A span that names itself has no parent to hang it on, yet its parent is not missing: the smallest cycle.
        self.is_cycle = (0..spans.len())
            .map(|index| {
                let names_parent = spans[index].parent_span_id.is_some();
                names_parent && self.parent[index].is_none() && self.missing_parent[index].is_none()
            })
            .collect();
    }

    fn cut_cycles(&mut self, spans: &[Span]) {
        const UNSEEN: usize = usize::MAX;
        let mut walk_of = vec![UNSEEN; spans.len()];
        for first in 0..spans.len() {
            let mut at = Some(first);
            while let Some(span) = at
                && walk_of[span] == UNSEEN
            {
                walk_of[span] = first;
                at = self.parent[span];
            }
            if let Some(entry) = at
                && walk_of[entry] == first
            {
                let cut = self.earliest_of_cycle(entry, spans);
                self.parent[cut] = None;
                self.is_cycle[cut] = true;
            }
        }
    }

    fn earliest_of_cycle(&self, entry: usize, spans: &[Span]) -> usize {
        let next = |at: &usize| self.parent[*at].filter(|next| *next != entry);
        std::iter::successors(Some(entry), next).min_by_key(|at| (spans[*at].start, *at)).unwrap_or(entry)
    }

    fn lay_out(&mut self, spans: &[Span]) {
        let mut by_start: Vec<usize> = (0..spans.len()).collect();
        by_start.sort_by_key(|index| spans[*index].start);
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
        for index in &by_start {
            match self.parent[*index] {
                Some(parent) => children[parent].push(*index),
                None => self.roots.push(*index),
            }
        }
        self.sort_roots(spans);
        self.depth = vec![0; spans.len()];
        self.size = vec![1; spans.len()];
        self.place = vec![0; spans.len()];
        self.order.reserve(spans.len());
        let mut open: Vec<usize> = self.roots.iter().rev().copied().collect();
        while let Some(span) = open.pop() {
            self.place[span] = self.order.len();
            self.order.push(span);
            self.depth[span] = self.parent[span].map_or(0, |parent| self.depth[parent] + 1);
            open.extend(children[span].iter().rev());
        }
        for span in self.order.iter().rev() {
            if let Some(parent) = self.parent[*span] {
                self.size[parent] += self.size[*span];
            }
        }
    }

    fn sort_roots(&mut self, spans: &[Span]) {
        let mut earliest: FxHashMap<SpanId, Nanos> = FxHashMap::default();
        for root in self.roots.iter().rev() {
            if let Some(missing) = self.missing_parent[*root] {
                earliest.insert(missing, spans[*root].start);
            }
        }
        let missing_parent = &self.missing_parent;
        // A stable sort: within one group they stay by start.
        self.roots.sort_by_key(|root| {
            let missing = missing_parent[*root];
            (missing.is_some(), missing.and_then(|id| earliest.get(&id).copied()), missing)
        });
    }
}

/// What self times and parents depend on, in the order given.
pub fn intervals(spans: &[Span]) -> Vec<Interval> {
    spans.iter().map(Interval::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::samples::{id, span};

    fn names(tree: &Tree, spans: &[Span]) -> String {
        let line = |index: &usize| format!("{}{}", "-".repeat(tree.depth[*index] as usize), spans[*index].name);
        tree.order.iter().map(line).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn children_follow_their_parent_by_start_and_ties_keep_the_order_given() {
        let spans = [
            span("c", 3, 1, 5, 9),
            span("root", 1, 0, 0, 20),
            span("b", 2, 1, 5, 7),
            span("a", 4, 1, 1, 3),
            span("deep", 5, 2, 6, 7),
        ];
        let tree = Tree::new(&spans);
        assert_eq!(names(&tree, &spans), "root -a -c -b --deep");
        assert_eq!(tree.children(1).collect::<Vec<_>>(), [3, 0, 2]);
        assert_eq!(tree.below(2), [2, 4]);
    }

    #[test]
    fn orphans_stand_after_the_roots_grouped_by_the_parent_they_miss() {
        let spans = [span("x", 2, 90, 1, 2), span("y", 3, 80, 2, 3), span("x2", 4, 90, 3, 4), span("root", 1, 0, 5, 9)];
        let tree = Tree::new(&spans);
        assert_eq!(names(&tree, &spans), "root x x2 y");
        assert_eq!(tree.missing_parent[0], Some(id(90)));
        assert_eq!(tree.missing_parent[3], None);
    }

    #[test]
    fn a_cycle_is_cut_at_its_earliest_span_and_what_hangs_on_it_stays() {
        let spans =
            [span("late", 1, 2, 9, 10), span("early", 2, 3, 1, 10), span("mid", 3, 1, 5, 9), span("tail", 4, 3, 6, 7)];
        let tree = Tree::new(&spans);
        assert_eq!(names(&tree, &spans), "early -late --mid ---tail");
        assert_eq!(tree.is_cycle, [false, true, false, false]);
    }

    #[test]
    fn a_span_that_is_its_own_parent_is_a_marked_root() {
        let tree = Tree::new(&[span("self", 1, 1, 0, 1)]);
        assert_eq!((tree.order, tree.is_cycle), (vec![0], vec![true]));
    }

    #[test]
    fn spans_that_share_an_id_are_both_kept_and_flagged() {
        let spans = [
            span("root", 1, 0, 0, 9),
            span("client", 2, 1, 1, 8),
            span("server", 2, 1, 2, 7),
            span("leaf", 3, 2, 3, 4),
        ];
        let tree = Tree::new(&spans);
        assert_eq!(names(&tree, &spans), "root -client --leaf -server");
        assert_eq!(tree.is_repeated, [false, true, true, false]);
    }

    #[test]
    fn a_chain_of_100_000_spans_is_laid_out() {
        let spans: Vec<Span> = (1..=100_000).map(|n| span("s", n, n - 1, n, 200_000)).collect();
        let tree = Tree::new(&spans);
        assert_eq!(tree.depth[99_999], 99_999);
        assert_eq!(tree.size[0], 100_000);
    }

    proptest! {
        #[test]
        fn every_span_stands_in_the_tree_exactly_once_below_its_parent(edges in prop::collection::vec((1u64..12, 0u64..14, 0u64..9), 0..40)) {
            let spans: Vec<Span> = edges.iter().map(|(id, parent, start)| span("s", *id, *parent, *start, 20)).collect();
            let tree = Tree::new(&spans);
            let mut seen = tree.order.clone();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..spans.len()).collect::<Vec<_>>());
            for index in 0..spans.len() {
                prop_assert!(tree.children(index).all(|child| tree.parent[child] == Some(index)));
                prop_assert_eq!(tree.below(index).len(), 1 + tree.children(index).map(|child| tree.size[child]).sum::<usize>());
            }
        }
    }
}
