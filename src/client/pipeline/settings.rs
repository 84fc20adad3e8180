//! What a pipeline is told when it is made, whatever it carries, and the bounds that hold for every client.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue};

use super::encoding::Encoding;
use super::queue::Limits;

/// Most items of one request that a client may be set to.
pub(crate) const LARGEST_BATCH_SIZE: usize = 10_000;
/// Most attempts after the first that a client may be set to.
pub(crate) const LARGEST_RETRY_COUNT: u32 = 100;
/// Shortest time for one attempt that a client may be set to.
pub(crate) const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);
/// Longest flush interval and longest time for one attempt that a client may be set to.
pub(crate) const LONGEST_TIME: Duration = Duration::from_secs(3_600);
/// Pause before the first retry, where nothing else is said.
pub(crate) const DEFAULT_BACKOFF: Duration = Duration::from_millis(200);
/// How long dropping the last clone of a client may take.
pub(crate) const CLOSE_ON_DROP: Duration = Duration::from_secs(2);

/// How much a client holds and sends at once, how soon, and how often it tries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Bounds of what waits.
    pub limits: Limits,
    /// Items in one request, at most; so many waiting are shipped at once.
    pub batch_size: usize,
    /// Longest time an item waits for others to fill its batch.
    pub flush_interval: Duration,
    /// Longest time for one attempt, from connecting to the end of the answer.
    pub timeout: Duration,
    /// Attempts after the first, where nothing else is said.
    pub retries: u32,
    /// Pause before the first retry; each later one doubles it.
    pub backoff: Duration,
}

/// How one pipeline fills its batches, what it makes of them, and where they go.
#[derive(Debug)]
pub(crate) struct PipelineSettings<T> {
    /// Name of the thread.
    pub name: &'static str,
    /// How much is sent at once, how soon, and how often it is tried.
    pub pace: Pace,
    /// The form of the items.
    pub encoding: Box<dyn Encoding<T>>,
    /// The whole address that is posted to.
    pub url: Url,
    /// Headers of each request: content type and encoding, keys.
    pub headers: HeaderMap,
    /// Asks for the id of the running process; a forked child has another than its parent.
    pub process_id: fn() -> u32,
}

/// The value of a header that holds a secret, which is printed nowhere; `None` when no header can hold it.
pub(crate) fn secret_header(secret: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(secret).ok()?;
    value.set_sensitive(true);
    Some(value)
}
