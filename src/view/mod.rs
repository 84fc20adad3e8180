//! Floor 4: text out. Reports become tables, waterfalls, JSON and CSV; nothing here asks a store anything.

pub mod format;
pub mod issues;
pub mod keys;
pub mod line;
pub mod list;
pub mod logs;
pub mod out;
pub mod progress;
pub mod record;
pub mod rows;
pub mod show;
pub mod stack;
pub mod stats;
pub mod status;
pub mod style;
pub mod table;
pub mod text;
