//! The plain tables of the file, a module each, and how ids and times lie in their columns.
//!
//! Segments have a folder of their own, issues another.

pub(crate) mod api_keys;
pub(crate) mod column_types;
pub(crate) mod inbox;
pub(crate) mod traces;

pub(crate) use self::column_types::{Key, from_column, kind_column, part_hash, read_kind, read_trace_id, to_column};
