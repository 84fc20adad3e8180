//! The kinds of record a trace holds, by name. In a file of its own, because traces, questions and stores all speak of
//! kinds, and kinds know none of them.

use crate::model::words::words;

words! {
    /// One of the three kinds of record a trace holds.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum RecordKind {
        /// OpenTelemetry spans.
        Spans = "spans",
        /// Entry and exit records.
        Checkpoints = "checkpoints",
        /// Log records.
        Logs = "logs",
    }
}
