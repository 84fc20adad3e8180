//! Reading: connections that cannot change the file, and one module for each kind of question.

pub mod fast_totals;
mod filtered;
pub mod list;
pub mod logs;
mod project_traces;
pub mod readers;
pub mod scan;
pub mod stats;
