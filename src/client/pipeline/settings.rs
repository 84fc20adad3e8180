//! What a pipeline is told when it is made, whatever it carries.

use std::time::Duration;

use super::{encoding::Wire, queue::Limits, transport::TransportSettings};

/// What a pipeline does.
#[derive(Debug)]
pub(crate) struct PipelineSettings<T> {
    /// Name of the thread.
    pub name: &'static str,
    /// Bounds of what waits.
    pub limits: Limits,
    /// Items in one request, at most; so many waiting are shipped at once.
    pub batch_size: usize,
    /// Longest time an item waits for others to fill its batch.
    pub flush_interval: Duration,
    /// The form of the items.
    pub wire: Box<dyn Wire<T>>,
    /// Where the bodies go.
    pub transport: TransportSettings,
    /// The id of the running process.
    pub process_id: fn() -> u32,
}
