//! What is wrong with a database file, a server and those who send to it, each with the line that mends it.
//!
//! Facts come from elsewhere: a file from the store floor, a server and its senders from whoever asked it. Here they are
//! judged ([`file`], [`server`], [`senders`], [`secrets`]), and records are looked through for what only they tell
//! ([`records`]).

pub mod file;
pub mod finding;
pub mod mend;
pub mod records;
pub mod report;
pub mod secrets;
pub mod senders;
pub mod server;
pub mod wording;

pub use finding::{Area, Finding, Verdict};
pub use mend::Endpoints;
pub use records::{OfRecords, ServiceShape};
pub use report::Report;
pub use server::{PortFacts, ServerFacts};
