//! The kinds of telemetry OTLP has.

/// What an OTLP request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Spans, which are stored.
    Traces,
    /// Metrics, which are checked and dropped.
    Metrics,
    /// Log records, which are stored.
    Logs,
}
