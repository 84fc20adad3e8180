//! What a pipeline must be told of the things it carries: how they look in a request, and where those go that cannot
//! be delivered.

use std::fmt;

use bytes::Bytes;

use super::dead_letter::DeadLetters;

/// The form of items of one kind on their way to one server.
pub(crate) trait Wire<T>: fmt::Debug + Send + Sync + 'static {
    /// The body of a request. `lost` items before it were dropped and nobody was told yet: where the form has room for
    /// such a remark, it is in the body.
    fn body(&self, batch: &[T], lost: u64) -> Bytes;

    /// How many items the server refused although it took the request, and why, by its answer.
    fn refused(&self, _answer: &[u8]) -> Option<(u64, String)> {
        None
    }

    /// Where items are kept that cannot be delivered; without such a place they are lost.
    fn dead_letters(&self) -> Option<&DeadLetters> {
        None
    }

    /// Appends an item as a line for the dead letters, without the line's end.
    fn line(&self, _item: &T, _text: &mut Vec<u8>) {}

    /// The body of a request for such lines.
    fn body_of_lines(&self, _lines: &[Vec<u8>]) -> Bytes {
        Bytes::new()
    }
}
