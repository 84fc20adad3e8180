//! Log entries as the published `tracehub-logger` sends them: a JSON array of objects, in Python's dialect.
//!
//! Its clients throw away, or park for ever, what is answered with an error, so almost nothing is one: every field is
//! coerced, a bad entry costs itself alone, and what an array cut short still held is kept. One object, and one a line,
//! are taken as well. Knows nothing of HTTP; compression is undone before.

mod entry;
mod level;
mod reader;
mod size;
mod time;

use bytes::Bytes;

use crate::model::{Batch, Nanos, Rejection};

pub use entry::{TIME_SOURCE_ATTRIBUTE, TRUNCATED_ATTRIBUTE};
pub use reader::{MAX_PART_BYTES, Part, Reader, record_bytes};

/// Most entries of one request.
pub const MAX_ENTRIES: usize = 500_000;
/// Rejections that are told one by one; the rest is a count.
pub const MAX_ERRORS: usize = 100;

/// What a request held.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// The entries as log records, in the order sent.
    pub batch: Batch,
    /// How many entries were not taken.
    pub rejected: usize,
    /// Why, of the first [`MAX_ERRORS`] of them, in the order sent.
    pub errors: Vec<Rejection>,
}

/// Why nothing of a request was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There is nothing in it.
    #[error("the body is empty; send a JSON array of log entries, one entry, or one entry a line")]
    Empty,
    /// Neither an array, nor an object, nor objects on lines of their own.
    #[error("send a JSON array of log entries, one entry, or one entry a line; {0}")]
    NotEntries(String),
    /// More than [`MAX_ENTRIES`].
    #[error("there are more than {MAX_ENTRIES} log entries in the request; send fewer at once")]
    TooMany,
}

/// Reads a request at once, as [`Reader`] does part by part.
///
/// # Errors
/// See [`DecodeError`]; an entry that cannot be taken is none of them.
pub fn entries(body: &Bytes, received: Nanos) -> Result<Decoded, DecodeError> {
    let mut reader = Reader::new(body)?;
    let mut batch = Batch::default();
    while let Some(part) = reader.next_part(received) {
        batch.logs.extend(part.batch.logs);
    }
    let (rejected, errors) = reader.finish()?;
    Ok(Decoded { batch, rejected, errors })
}

#[cfg(test)]
mod tests;
