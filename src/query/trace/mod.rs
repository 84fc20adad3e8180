//! One trace, worked out: its shape, what is odd about its spans, what is worth a thought, and the issues its errors
//! belong to.

mod document;
pub mod echoes;
pub mod findings;
pub mod issues;
mod joined;
mod report;
pub mod runs;
pub mod steps;
mod tree;
pub mod usage;
mod warnings;

pub use document::MAX_TREE_JSON_DEPTH;
pub use report::TraceReport;
pub use tree::{Tree, intervals};
pub use warnings::Warning;
