//! How much of a request is taken, and why nothing of it may be.

/// Most entries of one request.
pub const MAX_ENTRIES: usize = 500_000;
/// Rejections that are listed one by one; the rest is a count.
pub const MAX_ERRORS: usize = 100;

/// Why nothing of a request was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The request is empty.
    #[error("the body is empty; send a JSON array of log entries, one entry, or one entry a line")]
    Empty,
    /// The request is neither an array, nor an object, nor objects on lines of their own.
    #[error("send a JSON array of log entries, one entry, or one entry a line; {0}")]
    NotEntries(String),
    /// The request holds more than [`MAX_ENTRIES`] entries.
    #[error("there are more than {MAX_ENTRIES} log entries in the request; send fewer at once")]
    TooMany,
}
