//! What a program is doing right now: the trace, which is the correlation id, and the span of each thread and task.
//!
//! Loggers and checkpoints read it; how records are made or sent, this must not know.

pub(super) mod correlation;
#[cfg(feature = "tower")]
pub(super) mod tower_layer;
pub(super) mod trace_id;
