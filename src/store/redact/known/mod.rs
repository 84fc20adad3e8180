//! The kinds of secret that are known: what they look like, what checks their digits, and what a text must have for one.

mod checks;
mod kinds;
mod marks;

pub use kinds::{KINDS, Kind};
pub(super) use kinds::{Look, Mark, kinds_named};
pub(super) use marks::{Marks, Seen};
