//! Steps: rows made of checkpoints, which stand among the spans of a trace as if they were spans.

/// A row made of checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An operation that was entered and left.
    Closed,
    /// An operation that was entered and not left.
    Open,
    /// An exit from an operation nobody entered.
    Exit,
    /// A checkpoint that is neither entry nor exit.
    Note,
}

/// Which spans of a report are steps: none, or all from one place on.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    /// How many real spans stand before the steps.
    pub(super) spans: usize,
    pub(super) all: Vec<Step>,
}

impl Steps {
    /// The step at the index of a span; `None` for real spans.
    pub fn get(&self, span: usize) -> Option<Step> {
        self.all.get(span.checked_sub(self.spans)?).copied()
    }
}
