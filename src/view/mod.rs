//! Floor 4: text out. Reports become tables, waterfalls, JSON and CSV; nothing here asks a store anything.

pub mod contrast;
pub mod doctor;
pub mod groups;
pub mod issues;
pub mod lists;
pub mod machine;
pub mod out;
pub mod series;
pub mod show;
pub mod stack_view;
pub mod stats;
pub mod status;
