//! Batches: what decoders yield and stores take, and what became of one.

use super::{Checkpoint, LogRecord, Span};

/// Records that arrived together and are committed together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Spans, in the order sent.
    pub spans: Vec<Span>,
    /// Log records, in the order sent.
    pub logs: Vec<LogRecord>,
    /// Checkpoints, in the order sent.
    pub checkpoints: Vec<Checkpoint>,
}

impl Batch {
    /// A batch of spans only.
    pub fn of_spans(spans: Vec<Span>) -> Batch {
        Batch { spans, ..Batch::default() }
    }

    /// How many records of all kinds it holds.
    pub fn len(&self) -> usize {
        self.spans.len() + self.logs.len() + self.checkpoints.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why one record of a request was not taken; the others were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Its place among the records of its kind in the request, from 0.
    pub index: usize,
    /// What is wrong with it, one plain clause.
    pub reason: String,
}

/// What a store did with a batch; `accepted + duplicates` is the batch's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Records that are new and now on disk.
    pub accepted: u64,
    /// Records that were there already.
    pub duplicates: u64,
}

/// How much a deletion removed, or would remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Removed {
    /// Traces of which nothing is left.
    pub traces: u64,
    /// Spans.
    pub spans: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Log records.
    pub logs: u64,
}

impl Removed {
    /// Whether nothing was removed.
    pub fn is_empty(&self) -> bool {
        *self == Removed::default()
    }
}
