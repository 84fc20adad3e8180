//! The kinds of record a trace holds, and what becomes of many that arrive together.

pub mod batch;
pub mod checkpoint;
pub mod limits;
pub mod log;
pub mod severity;
pub mod span;

mod any;
mod identity;
mod kind;
mod parts;
mod requests;

pub use any::{Record, checkpoint_bytes, log_bytes};
pub use identity::{content_identities, identities};
pub use kind::RecordKind;
pub use parts::{Keys, Parts};
pub use requests::assign_requests;
