//! Floor 1: our own HTTP API in writing: paths, header names, and how questions look as query parameters.
//!
//! The server reads what the remote store writes, so both take it from here and a round trip is exact to the
//! nanosecond. Parameters are pairs of text; percent-encoding is the business of whoever holds the URL.

mod issues;
mod logs;
pub mod path;
mod questions;
mod records;
#[cfg(test)]
mod samples;
mod stats;
mod traces;
mod value;

pub use self::issues::{issue_change_from_json, issue_change_to_json, issue_query_from_pairs, issue_query_to_pairs};
pub use self::logs::{log_query_from_pairs, log_query_to_pairs};
pub use self::questions::{
    DEFAULT_ATTRIBUTES, DEFAULT_CAUSES, attribute_query_from_pairs, attribute_query_to_pairs,
    contrast_query_from_pairs, contrast_query_to_pairs,
};
pub use self::records::{deletion_from_pairs, filter_from_pairs, filter_to_pairs};
pub use self::stats::{stats_query_from_pairs, stats_query_to_pairs};
pub use self::traces::{trace_query_from_pairs, trace_query_to_pairs};
pub use self::value::{BadParameter, Pairs, clock, read_filter, read_number, read_time, read_trace_id};

/// What a port that speaks TLS says to someone who does not.
pub const SPEAKS_TLS: &str = "this port speaks TLS; call it by https://";
/// Response header that says which version of this API answered; every answer of the query API has it.
pub const API_HEADER: &str = "x-tracehub-api";
/// The version of this API.
pub const API_VERSION: &str = "1";
/// Response header of a list: the cursor of the next page; absent on the last.
pub const NEXT_CURSOR_HEADER: &str = "x-tracehub-next-cursor";
/// Response header of a list: how many traces or issues match on all pages.
pub const TOTAL_HEADER: &str = "x-tracehub-total";
/// Response header of a list: how many of those traces have errors, or of those issues are open.
pub const FAILED_HEADER: &str = "x-tracehub-failed";
/// Request header that holds an API key.
pub const KEY_HEADER: &str = "x-api-key";

/// Traces or issues a list holds when nobody says how many.
pub const DEFAULT_LIMIT: usize = 20;
/// Most issues a question may name one by one.
pub const MAX_ISSUE_IDS: usize = 1_000;
/// Log records a list holds when nobody says how many.
pub const DEFAULT_LOG_LIMIT: usize = 100;
/// Most log records one answer holds, unless all are asked for; a cursor leads to the others.
pub const MAX_LOGS: usize = 1_000;
/// Most records one answer of a scan holds.
pub const MAX_SCAN: usize = 10_000;
/// Longest a scan waits for something new, milliseconds.
pub const MAX_WAIT_MS: u64 = 30_000;
