//! The commands of the program, one file each: its flags, and what is done with them.
//!
//! A command asks, lets [`crate::query`] answer, and hands the answer to [`crate::view`]. What several commands need lies
//! beside this folder; a command knows another only where it is another word for it, as `trace show` is for `show`.

pub(super) mod attrs;
pub(super) mod clear;
pub(super) mod completions;
pub(super) mod demo;
pub(super) mod doctor;
pub(super) mod export;
pub(super) mod filters;
pub(super) mod import;
pub(super) mod issues;
pub(super) mod keys;
pub(super) mod list;
pub(super) mod log;
pub(super) mod logs;
pub(super) mod man;
pub(super) mod query;
pub(super) mod search;
pub(super) mod show;
pub(super) mod soak;
pub(super) mod spans;
pub(super) mod sql;
pub(super) mod start;
pub(super) mod stats;
pub(super) mod status;
pub(super) mod tail;
pub(super) mod trace;
pub(super) mod why;
