//! Log entries as the published `tracehub-logger` sends them: a JSON array of objects, in Python's dialect.
//!
//! Its clients throw away, or park for ever, what is answered with an error, so almost nothing is one: every field is
//! coerced, a bad entry costs itself alone, and what an array cut short still held is kept. One object, and one a line,
//! are taken as well. Knows nothing of HTTP; compression is undone before.

mod entry;
mod error;
mod level;
mod reader;
mod size;
mod time;

use bytes::Bytes;

use super::Mended;
use crate::model::{Batch, Nanos, Rejection};

pub use crate::model::limits::{TIME_SOURCE_ATTRIBUTE, TRUNCATED_ATTRIBUTE};
pub use error::{DecodeError, MAX_ENTRIES, MAX_ERRORS};
pub use reader::{MAX_PART_BYTES, Part, Reader, record_bytes};

/// What a request held.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// The entries as log records, in the order sent.
    pub batch: Batch,
    /// How many entries were not taken.
    pub rejected: usize,
    /// Why entries were not taken, of the first [`MAX_ERRORS`] of them, in the order sent.
    pub errors: Vec<Rejection>,
    /// What had to be changed in the entries that were taken.
    pub mended: Mended,
}

/// Reads a whole request at once, as [`Reader`] does part by part.
///
/// # Errors
/// See [`DecodeError`]; an entry that cannot be taken is none of them.
pub fn entries(body: &Bytes, received: Nanos) -> Result<Decoded, DecodeError> {
    let mut reader = Reader::new(body)?;
    let mut batch = Batch::default();
    while let Some(part) = reader.next_part(received) {
        batch.logs.extend(part.batch.logs);
    }
    let mended = reader.mended();
    let (rejected, errors) = reader.finish()?;
    Ok(Decoded { batch, rejected, errors, mended })
}

#[cfg(test)]
mod tests;
