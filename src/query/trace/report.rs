//! One trace, worked out: its spans in tree order with self times and warnings, its checkpoints as operations.

use super::issues::TraceIssues;
use super::steps::Steps;
use super::tree::{Tree, intervals};
use super::warnings::{Warning, warnings};
use crate::model::checkpoint_pairs::{Paired, pair};
use crate::model::self_time::self_times;
use crate::model::{Nanos, Span, Trace};

/// A trace and what was found out about it. Vectors go by the index of a span in the trace.
#[derive(Debug, Clone)]
pub struct TraceReport {
    /// The trace.
    pub trace: Trace,
    /// The shape of the trace.
    pub tree: Tree,
    /// Nanoseconds each span did not spend waiting in its children.
    pub self_ns: Vec<u64>,
    /// Whether each span, or anything below it, failed.
    pub failed: Vec<bool>,
    /// What is odd about each span; mostly empty.
    pub warnings: Vec<Vec<Warning>>,
    /// What the checkpoints say; indices of checkpoints are those in the trace.
    pub operations: Paired,
    /// Which spans are made of checkpoints; none unless [`TraceReport::with_steps`] put them there.
    pub steps: Steps,
    /// Issues the errors belong to; none unless somebody looked them up.
    pub issues: TraceIssues,
}

impl TraceReport {
    /// Works out tree order, self times and warnings; O(n log n) for any shape of trace.
    pub fn new(trace: Trace) -> TraceReport {
        let tree = Tree::new(&trace.spans);
        let self_ns = self_times(&intervals(&trace.spans));
        let failed = failed(&trace.spans, &tree);
        let warnings = warnings(&trace.spans, &tree);
        let operations = pair(&trace.checkpoints);
        let (steps, issues) = (Steps::default(), TraceIssues::default());
        TraceReport { trace, tree, self_ns, failed, warnings, operations, steps, issues }
    }

    /// From the first start to the last end of spans. Spans without a start or an end would make that decades, so
    /// those times do not count; both are zero when there are no others.
    pub fn stretch(&self, spans: &[usize]) -> (Nanos, Nanos) {
        let times = || {
            let times = spans.iter().flat_map(|index| [self.trace.spans[*index].start, self.trace.spans[*index].end]);
            times.filter(|time| time.0 > 0)
        };
        (times().min().unwrap_or_default(), times().max().unwrap_or_default())
    }
}

fn failed(spans: &[Span], tree: &Tree) -> Vec<bool> {
    let mut failed: Vec<bool> = spans.iter().map(Span::is_error).collect();
    for index in tree.order.iter().rev() {
        if let (true, Some(parent)) = (failed[*index], tree.parent[*index]) {
            failed[parent] = true;
        }
    }
    failed
}
