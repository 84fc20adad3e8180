//! Spans as bytes: rows of the inbox, slices of those rows on their way into columns, columns, and the few of them that
//! statistics need.

pub mod event_columns;
pub mod span_columns;
pub mod span_rows;
pub mod span_slices;
pub mod stats_columns;
