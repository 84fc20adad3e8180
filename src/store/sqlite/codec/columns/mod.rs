//! Columns of segments: blocks, dictionaries and one column per attribute. Nothing here knows a field of a record.

pub mod attribute_reader;
pub mod attribute_writer;
pub mod filter;
pub mod index;
pub mod known;
pub mod layout;
pub mod planes;
pub mod reader;
pub mod rows;
pub mod shape;
pub mod writer;
