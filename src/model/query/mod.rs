//! Questions: what one can ask a store, how people type it, and which records an answer takes in.

#[cfg(feature = "app")]
pub mod attributes;
#[cfg(feature = "app")]
pub mod contrast;
pub mod log_match;
pub mod saved_filter;
pub mod text_search;
pub mod time_input;

mod cursor;
mod queries;

pub use cursor::Cursor;
pub use queries::{
    FieldFilter, FieldOperator, LogPage, LogQuery, Operation, Page, RecordFilter, Retention, Sort, StatsBy, StatsQuery,
    TraceQuery,
};
