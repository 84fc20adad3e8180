//! The database file itself: its tables and migrations, how it is recognised and opened, and which file a path names.

pub mod disk;
pub mod file_id;
pub(in crate::store) mod files;
pub mod log_holders;
pub mod meta;
pub(in crate::store) mod open;
pub mod room;
pub(in crate::store) mod schema;
