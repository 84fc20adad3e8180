//! Reading: connections that cannot change the file, and one module for each kind of question.

pub(crate) mod fast_totals;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod readers;
pub(crate) mod scan;
pub(crate) mod stats;
