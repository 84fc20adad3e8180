//! Redaction: secrets are taken out of records before a store sees them.
//!
//! Rules ([`Rules`]) say what a secret is: by the key it stands under, by a kind this program knows ([`KINDS`]), or by a
//! pattern of one's own; and what becomes of it: dropped, masked, or replaced by a hash under a salt. [`Redaction`] holds
//! the rules that are in force and counts what they did. [`redacting`] puts them before a store, whatever kind it is of,
//! so that every way in passes them. This knows nothing of how records arrive, nor of how a store keeps them.

mod action;
mod finder;
mod json_text;
mod keys;
mod known;
mod look;
mod record_texts;
mod redaction;
mod redactor;
mod rewritten;
mod rules;
mod sink;

pub use action::{Action, Salt};
pub use known::{KINDS, Kind};
pub use look::{Found, FoundAt, look_through};
pub use redaction::{Redaction, SaltMissing};
pub use redactor::{Redactor, Tally};
pub(in crate::store) use rewritten::RecordRedaction;
pub use rewritten::Rewritten;
pub use rules::{Rules, RulesError};
pub use sink::{redact_sender, redacting};
