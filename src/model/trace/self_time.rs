//! Self time: what a span spent itself, not waiting in its children.
//!
//! Self time is the span's duration minus the union of its children's intervals, each clipped to the span. The views, the
//! statistics and every backend need the same answer, so it is worked out here, for any shape of trace: orphans,
//! cycles, repeated ids, children that outlast their parent.

use rustc_hash::FxHashMap;

use crate::model::{Nanos, SpanId};

/// What the self time of a span depends on.
#[derive(Debug, Clone, Copy)]
pub struct Interval {
    /// The id of the span.
    pub span_id: SpanId,
    /// The id of the span's parent.
    pub parent: Option<SpanId>,
    /// When the span started.
    pub start: Nanos,
    /// When the span ended; before `start` counts as no duration.
    pub end: Nanos,
}

/// Index of each span's parent; `None` for roots, orphans and a span that names itself. Of spans that share an id the
/// first is the parent of all their children.
pub fn parents(spans: &[Interval]) -> Vec<Option<usize>> {
    let mut first_with: FxHashMap<SpanId, usize> = FxHashMap::default();
    for (index, span) in spans.iter().enumerate() {
        first_with.entry(span.span_id).or_insert(index);
    }
    let parent_of = |(index, span): (usize, &Interval)| {
        let parent = *first_with.get(&span.parent?)?;
        (parent != index && spans[parent].span_id != span.span_id).then_some(parent)
    };
    spans.iter().enumerate().map(parent_of).collect()
}

/// Nanoseconds of self time for each span, in the order given; O(n log n) for any shape.
pub fn self_times(spans: &[Interval]) -> Vec<u64> {
    let parents = parents(spans);
    let mut by_start: Vec<usize> = (0..spans.len()).filter(|index| parents[*index].is_some()).collect();
    by_start.sort_unstable_by_key(|index| spans[*index].start);
    let mut own: Vec<u64> = spans.iter().map(|span| span.end.since(span.start)).collect();
    let mut covered_until: Vec<Nanos> = spans.iter().map(|span| span.start).collect();
    for child in by_start {
        let Some(parent) = parents[child] else { continue };
        let from = spans[child].start.max(covered_until[parent]);
        let to = spans[child].end.min(spans[parent].end);
        if to > from {
            own[parent] = own[parent].saturating_sub(to.since(from));
            covered_until[parent] = to;
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(id: u64, parent: u64, start: u64, end: u64) -> Interval {
        let span_id = |id: u64| SpanId(id.to_be_bytes());
        Interval {
            span_id: span_id(id),
            parent: (parent > 0).then(|| span_id(parent)),
            start: Nanos(start),
            end: Nanos(end),
        }
    }

    #[test]
    fn overlapping_children_are_counted_once_and_clipped_to_their_parent() {
        let spans = [
            span(1, 0, 100, 200),
            span(2, 1, 110, 150),
            span(3, 1, 140, 160),
            span(4, 1, 190, 999),
            span(5, 1, 0, 105),
        ];
        assert_eq!(self_times(&spans)[0], 100 - 50 - 10 - 5);
    }

    #[test]
    fn a_span_that_ends_before_it_starts_has_no_self_time() {
        assert_eq!(self_times(&[span(1, 0, 200, 100), span(2, 1, 120, 130)]), [0, 10]);
    }

    #[test]
    fn cycles_and_spans_that_are_their_own_parent_end() {
        assert_eq!(self_times(&[span(1, 2, 0, 10), span(2, 1, 0, 4), span(3, 3, 0, 7)]), [6, 0, 7]);
    }

    proptest! {
        #[test]
        fn self_time_is_never_more_than_the_duration(edges in prop::collection::vec((1u64..20, 0u64..20, 0u64..50, 0u64..50), 0..40)) {
            let spans: Vec<_> = edges.iter().map(|(id, parent, start, end)| span(*id, *parent, *start, *end)).collect();
            for (own, span) in self_times(&spans).iter().zip(&spans) {
                prop_assert!(*own <= span.end.since(span.start));
            }
        }

        #[test]
        fn self_time_equals_counting_uncovered_instants(children in prop::collection::vec((0u64..60, 0u64..60), 0..12)) {
            let mut spans = vec![span(1, 0, 10, 50)];
            spans.extend(children.iter().enumerate().map(|(index, (start, end))| span(index as u64 + 2, 1, *start, *end)));
            let uncovered = (10..50).filter(|instant| !spans[1..].iter().any(|child| (child.start.0..child.end.0).contains(instant)));
            prop_assert_eq!(self_times(&spans)[0], uncovered.count() as u64);
        }
    }
}
