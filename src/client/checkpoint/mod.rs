//! Checkpoints of a program: the client that sends them and the logger that notes them around operations.
//!
//! Checkpoints go out in batches through [`super::pipeline`], which knows nothing of checkpoints, and are never kept on disk.

pub(super) mod client;
pub(super) mod logger;
pub(super) mod record;
