//! The summary of a trace: what lists show of it, however many records it has.

use crate::model::words::words;
use crate::model::{Nanos, RecordKind, SpanId, Text, TraceId};

/// What a list shows of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSummary {
    /// The id of the trace.
    pub trace_id: TraceId,
    /// Name of the trace: that of its root span, or of its earliest span while no root has arrived.
    pub name: Text,
    /// The span without a parent the trace is named after; `None` while none has arrived.
    pub root_span_id: Option<SpanId>,
    /// Service of the span the trace is named after.
    pub service: Text,
    /// All services in the trace, sorted.
    pub services: Vec<Text>,
    /// The workflow of the trace: what the earliest span that names one says.
    pub workflow: Option<Text>,
    /// Which kinds of record the trace holds, in the order spans, checkpoints, logs.
    pub kinds: Vec<RecordKind>,
    /// The outcome of the trace: error, open or ok.
    pub status: TraceStatus,
    /// Earliest start of any record of the trace.
    pub start: Nanos,
    /// Latest end of any record of the trace.
    pub end: Nanos,
    /// How many spans the trace holds.
    pub span_count: u64,
    /// How many checkpoints the trace holds.
    pub checkpoint_count: u64,
    /// How many log records the trace holds.
    pub log_count: u64,
    /// How many failed spans and log records of level error or above the trace holds.
    pub error_count: u64,
    /// Whether every checkpoint that was entered was left: no source entered an operation more often than it left it.
    pub complete: bool,
    /// Tokens the AI calls of the trace used; `None` when none reported any.
    pub tokens: Option<Tokens>,
    /// What the AI calls of the trace cost; `None` when none reported it.
    pub cost: Option<Cost>,
}

impl TraceSummary {
    /// Nanoseconds from the start of the trace to its end.
    pub fn duration_ns(&self) -> u64 {
        self.end.since(self.start)
    }
}

words! {
    /// Outcome of a trace.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TraceStatus {
        /// Nothing failed, nothing is open.
        Ok = "ok",
        /// The trace has at least one error.
        Error = "error",
        /// No error, but a checkpoint was entered and not left.
        Open = "open",
    }
}

/// Tokens that were used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Tokens sent to models.
    pub input: u64,
    /// Tokens got from models.
    pub output: u64,
}

/// Money that was spent.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// How much was spent, in units of the currency.
    pub amount: f64,
    /// Currency code, `USD` when the sender named none.
    pub currency: String,
}
