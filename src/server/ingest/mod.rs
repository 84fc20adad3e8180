//! Records in. [`intake`] is the one way for all formats, within the memory there is ([`memory`]); a format is a file that
//! says how its bytes become records and what its two answers are, a row of the table of routes, and a line of the router.

pub(crate) mod first_seen;
pub(crate) mod intake;
pub(crate) mod log_entries;
pub(crate) mod memory;
pub(crate) mod mend_log;
pub(crate) mod otlp;
pub(crate) mod otlp_grpc;
pub(crate) mod otlp_http;
pub(crate) mod signal;
pub(crate) mod stored_records;

pub(crate) use first_seen::FirstSeen;
pub(crate) use intake::{Accepted, Decoded, Format, Part};
pub(crate) use mend_log::MendLog;
pub(crate) use signal::Signal;
