//! Paths of the API.

/// List and delete traces.
pub const TRACES: &str = "/api/v1/traces";
/// One trace; the id stands in the query, where it may hold anything (`..`, slashes) and no proxy rewrites it.
pub const TRACE: &str = "/api/v1/trace";
/// One trace; the id stands percent-encoded in the path.
pub const TRACE_BY_ID: &str = "/api/v1/traces/{id}";
/// One trace as a tree.
pub const TREE: &str = "/api/v1/traces/{id}/tree";
/// Statistics.
pub const STATS: &str = "/api/v1/stats";
/// What sets traces apart.
pub const WHY: &str = "/api/v1/why";
/// Which attributes there are, and which values.
pub const ATTRIBUTES: &str = "/api/v1/attributes";
/// List and save filters.
pub const QUERIES: &str = "/api/v1/queries";
/// One saved filter.
pub const QUERY: &str = "/api/v1/queries/{name}";
/// List issues.
pub const ISSUES: &str = "/api/v1/issues";
/// Look at one issue, and change it.
pub const ISSUE: &str = "/api/v1/issues/{id}";
/// List log records.
pub const LOGS: &str = "/api/v1/logs";
/// What runs here.
pub const SERVER: &str = "/api/v1/server";
/// Whether the server can do its work; the Python tracehub has this, too.
pub const HEALTH: &str = "/health";
/// Who sends, and what becomes of it.
pub const SENDERS: &str = "/api/v1/senders";
/// Records in commit order.
pub const SCAN: &str = "/api/v1/scan";
/// Records in commit order, and those that arrive, as events.
pub const SCAN_STREAM: &str = "/api/v1/scan/stream";
/// Where in commit order a time lies.
pub const CURSOR: &str = "/api/v1/scan/cursor";
/// A place near the end of the records, to scan from.
pub const PLACE: &str = "/api/v1/place";
/// Takes log entries of the published logger.
pub const INGEST: &str = "/api/v1/ingest";
/// Takes records.
pub const RECORDS: &str = "/api/v1/records";
/// List and issue keys.
pub const KEYS: &str = "/api/v1/keys";
/// One key.
pub const KEY_BY_ID: &str = "/api/v1/keys/{id}";
/// When keys were used.
pub const KEY_USES: &str = "/api/v1/keys/used";
/// Removes what is past its retention.
pub const PRUNE: &str = "/api/v1/prune";
