//! Stack traces: from a text in some language to exceptions and frames, for whoever groups errors and whoever shows
//! them.
//!
//! There is one parser per language ([`language`]) and one idea of what is a library ([`library`]). Nothing here knows
//! what makes two errors the same, nor how a frame is drawn. What errors are the same hangs on what is read here, so
//! that a change of it shows in the pinned fingerprints of [`grouping`](super::grouping).

mod exception;
mod frame;
mod language;
mod library;
mod line;
mod lines;

pub use exception::Exception;
pub use frame::{Frame, Owner, last_two_parts};
pub use language::parse;
pub use line::{Place, cut, head};
pub use lines::{Part, innermost_first, lines};
