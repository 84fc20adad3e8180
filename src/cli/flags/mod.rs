//! Flags that several commands have, and how their values are read.

pub mod filter;
pub mod records;
pub mod redaction;
pub mod values;
