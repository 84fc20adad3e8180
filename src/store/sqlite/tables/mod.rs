//! The plain tables of the file, a module each, and how ids and times lie in their columns.
//!
//! Segments have a folder of their own, issues another.

pub mod api_keys;
pub mod column_types;
pub mod damaged;
pub mod inbox;
pub mod saved_filters;
pub mod senders;
pub mod trace_index;
pub mod traces;
pub mod words;

pub use self::column_types::{
    Key, from_column, kind_column, part_hash, read_count, read_kind, read_trace_id, to_column,
};
