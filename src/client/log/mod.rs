//! Log records of a program: the logger, its settings, and what fills it (calls, `tracing` events, panics).
//!
//! A record is made on the program's threads and shipped by [`super::pipeline`], which knows nothing of logs.

pub(super) mod at_exit;
pub(super) mod caller;
pub(super) mod entry;
pub(super) mod error_text;
pub(super) mod extra;
pub(super) mod logger;
pub(super) mod panic_hook;
pub(super) mod settings;
#[cfg(feature = "tracing")]
pub(super) mod tracing_layer;
