//! Records by what they say, whatever trace they are in: found one by one, grouped, and which keys they have.

pub mod attribute_counts;
pub mod attributes;
pub mod groups;
pub mod known_keys;
pub mod metrics;

mod find;

pub use find::{FoundRecords, Hit, RecordQuery, RecordSort, each, find, hits};
