//! Log records: what an application said, when, how bad it is, and in which trace.

use std::sync::Arc;

use crate::model::words::words;
use crate::model::{Attributes, Nanos, Resource, Scope, SpanId, Text, TraceId};

/// What an application said at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogRecord {
    /// When the record was logged; the time it was observed when the sender gave no other.
    pub time: Nanos,
    /// How bad the record is.
    pub severity: Severity,
    /// What was said.
    pub message: Text,
    /// The trace the record belongs to, if any.
    pub trace_id: Option<TraceId>,
    /// The span the record belongs to, if any.
    pub span_id: Option<SpanId>,
    /// Everything else the sender attached.
    pub attributes: Attributes,
    /// The process that sent the record.
    pub resource: Arc<Resource>,
    /// The instrumentation library that made the record.
    pub scope: Arc<Scope>,
    /// What tells the record from an equal one: of one that was received, a hash of the request it came with
    /// ([`assign_requests`](crate::model::assign_requests)); of one just decoded, when it was observed; 0
    /// when there is nothing.
    pub request: u64,
}

impl LogRecord {
    /// Whether the record counts as an error: level error or above.
    pub fn is_error(&self) -> bool {
        self.severity >= Severity::Error
    }
}

words! {
    /// How bad a log record is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
    #[repr(u8)]
    pub enum Severity {
        /// Finest detail.
        Trace = "trace",
        /// For developers.
        Debug = "debug",
        /// Normal operation.
        /// Also what an unnamed level counts as.
        #[default]
        Info = "info",
        /// Something to look at.
        Warn = "warn",
        /// Something failed.
        Error = "error",
        /// The program cannot go on.
        Fatal = "fatal",
    }
}
