//! Checkpoints as bytes: rows of the inbox and columns of segments.

pub mod checkpoint_columns;
pub mod checkpoint_rows;
