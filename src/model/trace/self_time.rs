//! Self time: what a span spent itself, not waiting in its children.
//!
//! Self time is the span's duration minus the union of its children's intervals, each clipped to the span. The views, the
//! statistics and every backend need the same answer, so it is worked out here, for any shape of trace: orphans,
//! cycles, repeated ids, children that outlast their parent.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{Kind, Nanos, Span, SpanId};

/// What the self time of a span depends on.
#[derive(Debug, Clone, Copy)]
pub struct Interval {
    /// The id of the span.
    pub span_id: SpanId,
    /// The id of the span's parent.
    pub parent: Option<SpanId>,
    /// The role of the span in a call.
    pub kind: Kind,
    /// When the span started.
    pub start: Nanos,
    /// When the span ended; before `start` counts as no duration.
    pub end: Nanos,
}

impl From<&Span> for Interval {
    fn from(span: &Span) -> Interval {
        let Span { span_id, parent_span_id: parent, kind, start, end, .. } = *span;
        Interval { span_id, parent, kind, start, end }
    }
}

/// Index of each span's parent; `None` for roots, orphans and a span that names itself. Of spans that share an id the
/// first is the parent of all their children, but where the two sides of a call share one, as Zipkin's do: the side that
/// answers lies below the one that calls, and the children below the one that answers.
pub fn parents(spans: &[Interval]) -> Vec<Option<usize>> {
    let mut with_id: FxHashMap<SpanId, Sharing> = FxHashMap::default();
    for (index, span) in spans.iter().enumerate() {
        with_id.entry(span.span_id).or_insert_with(|| Sharing::new(index)).note(index, span.kind);
    }
    let parent_of = |(index, span): (usize, &Interval)| {
        let caller = with_id.get(&span.span_id).and_then(Sharing::call).filter(|call| call.answers == index);
        if let Some(call) = caller {
            return Some(call.calls);
        }
        let parent = with_id.get(&span.parent?)?.parent();
        (parent != index && spans[parent].span_id != span.span_id).then_some(parent)
    };
    spans.iter().enumerate().map(parent_of).collect()
}

/// Whether each span is one side of a call whose sides share an id: the first that calls and the first that answers.
pub fn sides_of_call(spans: &[Interval]) -> Vec<bool> {
    let mut with_id: FxHashMap<SpanId, Sharing> = FxHashMap::default();
    for (index, span) in spans.iter().enumerate() {
        with_id.entry(span.span_id).or_insert_with(|| Sharing::new(index)).note(index, span.kind);
    }
    let is_side = |(index, span): (usize, &Interval)| {
        let call = with_id.get(&span.span_id).and_then(Sharing::call);
        call.is_some_and(|call| call.calls == index || call.answers == index)
    };
    spans.iter().enumerate().map(is_side).collect()
}

/// Whether each span was sent again later on: programs send a span when it starts, without an end or with its start for
/// one, and again when it ends. Of spans that share id, start and role those that have ended stand for one that has not;
/// of those without any end the last stands for all.
pub fn revised(spans: &[Interval]) -> Vec<bool> {
    let key = |span: &Interval| (span.span_id, span.start, span.kind);
    let mut ended: FxHashSet<(SpanId, Nanos, Kind)> = FxHashSet::default();
    let mut last_endless: FxHashMap<(SpanId, Nanos, Kind), usize> = FxHashMap::default();
    for (index, span) in spans.iter().enumerate() {
        if span.end > span.start {
            ended.insert(key(span));
        } else if span.end == Nanos(0) {
            last_endless.insert(key(span), index);
        }
    }
    let is_revised = |(index, span): (usize, &Interval)| {
        let goes_on = || span.end == Nanos(0) && last_endless.get(&key(span)).is_some_and(|last| *last != index);
        span.end <= span.start && (ended.contains(&key(span)) || goes_on())
    };
    spans.iter().enumerate().map(is_revised).collect()
}

/// The spans that have one id.
struct Sharing {
    first: usize,
    calls: Option<usize>,
    answers: Option<usize>,
}

/// The two sides of a call that share one id.
struct SharedCall {
    calls: usize,
    answers: usize,
}

impl Sharing {
    fn new(first: usize) -> Sharing {
        Sharing { first, calls: None, answers: None }
    }

    fn note(&mut self, index: usize, kind: Kind) {
        let side = match kind {
            Kind::Client | Kind::Producer => &mut self.calls,
            Kind::Server | Kind::Consumer => &mut self.answers,
            Kind::Internal | Kind::Unspecified => return,
        };
        side.get_or_insert(index);
    }

    fn call(&self) -> Option<SharedCall> {
        Some(SharedCall { calls: self.calls?, answers: self.answers? })
    }

    /// The span that those lie in which name the id as their parent.
    fn parent(&self) -> usize {
        self.call().map_or(self.first, |call| call.answers)
    }
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
            kind: Kind::Internal,
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
    fn the_side_that_answers_lies_below_the_one_that_calls_when_both_share_an_id() {
        let of_kind = |kind, span: Interval| Interval { kind, ..span };
        for (client, server) in [(Kind::Client, Kind::Server), (Kind::Producer, Kind::Consumer)] {
            let spans = [
                of_kind(server, span(2, 1, 12, 18)),
                of_kind(client, span(2, 1, 10, 20)),
                span(1, 0, 0, 30),
                span(3, 2, 13, 14),
            ];
            assert_eq!(parents(&spans), [Some(1), Some(2), None, Some(0)]);
            assert_eq!(self_times(&spans), [5, 4, 20, 1]);
            assert_eq!(sides_of_call(&spans), [true, true, false, false]);
        }
        let roots = [of_kind(Kind::Client, span(2, 0, 0, 9)), of_kind(Kind::Server, span(2, 0, 1, 8))];
        assert_eq!(parents(&roots), [None, Some(0)], "one root");
    }

    #[test]
    fn a_span_sent_when_it_starts_and_when_it_ends_is_one() {
        let spans = [span(1, 0, 5, 0), span(2, 1, 6, 7), span(1, 0, 5, 9), span(1, 0, 5, 5), span(1, 0, 8, 9)];
        assert_eq!(revised(&spans), [true, false, false, true, false]);
        assert_eq!(revised(&[span(1, 0, 5, 0), span(1, 0, 5, 0)]), [true, false], "neither has ended");
        assert_eq!(revised(&[span(1, 0, 5, 9), span(1, 0, 5, 9), span(1, 0, 5, 8)]), [false; 3], "all have ended");
        let server = Interval { kind: Kind::Server, ..span(1, 0, 5, 9) };
        assert_eq!(revised(&[span(1, 0, 5, 0), server]), [false, false], "two sides of a call are two spans");
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
