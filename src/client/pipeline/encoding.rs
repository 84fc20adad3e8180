//! The two things a pipeline must be told of what it carries: how items look in a request, and where those are kept that
//! cannot be delivered.

use std::fmt;

use bytes::Bytes;

use super::dead_letter::DeadLetters;

/// What a server refused of a request that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusals {
    /// How many items were refused; never zero.
    pub count: u64,
    /// Why the first of them was.
    pub reason: String,
}

/// The form of items of one kind on their way to one server.
pub(crate) trait Encoding<T>: fmt::Debug + Send + Sync + 'static {
    /// The body of a request that holds `batch`. So many items as `unreported` says were dropped before it, and the
    /// server was not told: where the form has room for such a remark, the remark is in the body.
    fn encode_batch(&self, batch: &[T], unreported: u64) -> Bytes;

    /// Reads from the answer to a request that was taken which items of it were refused all the same; `None` when all
    /// were kept.
    fn read_refusals(&self, _answer: &[u8]) -> Option<Refusals> {
        None
    }

    /// The place on disk for items that cannot be delivered; without such a place they are lost.
    fn dead_letters(&self) -> Option<&DeadLetters> {
        None
    }

    /// Appends an item to `text` as a line for the dead letters, without the line's end.
    fn append_line(&self, _item: &T, _text: &mut Vec<u8>) {}

    /// The body of a request that holds lines of dead letters.
    fn encode_lines(&self, _lines: &[Vec<u8>]) -> Bytes {
        Bytes::new()
    }
}
