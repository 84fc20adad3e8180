//! Which record names a trace: the best candidate wins, in whatever order they come.

use serde::{Deserialize, Serialize};

use crate::model::SpanId;

/// What candidates are compared by, smallest first: has a parent, is not a span, start in unix nanoseconds (`u64::MAX` for
/// one that is not believed), span id.
pub type Rank = (bool, bool, u64, [u8; 8]);

/// A span (or other record) that may name the trace; the smallest `rank` wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// What the candidate is compared by.
    pub rank: Rank,
    /// The name the candidate gives the trace.
    pub name: String,
    /// The service the candidate gives the trace.
    pub service: String,
}

impl Candidate {
    /// The id of the candidate when it is a span without a parent.
    pub(super) fn span_without_parent(&self) -> Option<SpanId> {
        let (has_parent, is_no_span, _, id) = self.rank;
        (!has_parent && !is_no_span).then_some(SpanId(id))
    }
}

/// Keeps the better of a candidate and one of this rank, whose names are asked for only when they matter.
pub(super) fn offer(best: &mut Option<Candidate>, rank: Rank, names: impl FnOnce() -> (String, String)) {
    if best.as_ref().is_some_and(|best| best.rank < rank) {
        return;
    }
    let (name, service) = names();
    let candidate = Candidate { rank, name, service };
    // Checkpoints and logs of one instant differ in their names alone, and the order they come in must not matter.
    let is_better = |best: &Candidate| {
        (candidate.rank, &candidate.name, &candidate.service) < (best.rank, &best.name, &best.service)
    };
    if best.as_ref().is_none_or(is_better) {
        *best = Some(candidate);
    }
}

/// Keeps the better of two candidates.
pub(super) fn offer_candidate(best: &mut Option<Candidate>, other: Candidate) {
    offer(best, other.rank, || (other.name, other.service));
}
