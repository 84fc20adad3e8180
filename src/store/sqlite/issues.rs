//! Issues in the file: their rows, and how they are read, changed and removed. What they mean is said by
//! [`crate::store::issues`].
//!
//! The errors of a write are counted once, in the transaction that puts its records into the inbox or soon after
//! ([`Uncounted`]): sealing, merging and copying records never come here, and a record that was stored already is not
//! counted again. An issue knows nothing of the records it was made of and outlives them.

mod change;
mod list;
mod news;
mod removal;
mod rows;
#[cfg(test)]
mod tests;
mod traces;
mod uncounted;

pub(super) use change::set;
pub(super) use list::{detail, list, open_count};
pub(super) use news::{begin as begin_news, note as note_news, read as read_news};
pub(super) use removal::{TABLES, count, prune};
pub(super) use rows::Rows;
pub(super) use traces::forget_traces;
pub(super) use uncounted::{Uncounted, require_counted};
