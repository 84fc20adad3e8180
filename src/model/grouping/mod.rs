//! Which errors are the same error.
//!
//! A stack trace and a message go in, a fingerprint and what it was made of come out. This decides, and nothing else
//! does: it knows no store, and the same text has the same fingerprint everywhere and for ever.
//!
//! An exception that leaves several spans is recorded on each of them, with more of the stack each time. That is one
//! error, which [`of_spans`] finds out: it belongs to the issue of the longest stack, for that is what a log record and
//! a program with fewer spans tell of it too, and counts once. Hashing less of the stack instead would make one issue
//! of all that goes wrong in a function everybody calls.

mod error;
mod spans;
mod v1;
mod why;

pub use error::{Grouping, of_log};
pub use spans::{SpanError, of_spans};
pub use why::Why;

pub use super::PROJECT_ATTRIBUTE;

#[cfg(test)]
mod tests;
