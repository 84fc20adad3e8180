//! Log records as bytes: rows of the inbox, columns of segments, and searching those.

pub mod log_columns;
pub mod log_rows;
pub mod log_search;
