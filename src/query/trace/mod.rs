//! One trace, worked out: its shape, what is odd about its spans, and the issues its errors belong to.

pub mod issues;
mod report;
#[cfg(test)]
pub(crate) mod sample;
mod tree;

pub use report::{MAX_TREE_JSON_DEPTH, TraceReport, Warning};
pub use tree::{Tree, intervals};
