//! What every view draws with: numbers as words, lines and tables, made harmless and fitted to the place they go to,
//! and the way out.

pub mod canvas;
pub mod format;
pub mod progress;
mod stdout;
pub mod style;
pub mod table;
pub mod text;

pub use stdout::{Out, OutError, Pager, escape, escape_lines, is_paging};
