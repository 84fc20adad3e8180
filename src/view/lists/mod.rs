//! Lists, one line an item: traces, log records, attributes, keys, and records as they arrive.

pub mod attributes;
pub mod keys;
pub mod logs;
pub mod record_line;
pub mod saved_filters;
pub mod tail_line;
pub mod traces;
