//! The plain tables of the file, a module each, and how ids and times lie in their columns.
//!
//! Segments have a folder of their own, issues another.

pub(crate) mod api_keys;
pub(crate) mod column_types;
pub(crate) mod inbox;
pub(crate) mod traces;
