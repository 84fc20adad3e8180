//! The table of routes. The router, the OpenAPI document and the tests are all made from it, so none can be forgotten.
//! The table names what answers a route ([`Endpoint`]) and knows no handler.

use http::uri::PathAndQuery;
use http::{Method, Uri};
use serde::Serialize;

use crate::api::path;
use crate::server::access::Scope;
use crate::server::http::Cap;
use crate::server::ingest::Signal;

/// The part of the documentation a route belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tag {
    /// OTLP.
    Ingest,
    /// Log entries of the published logger.
    Logs,
    /// The API of the published Python server.
    Checkpoints,
    /// Questions.
    Query,
    /// Deletion, decisions, keys.
    Admin,
    /// The server itself.
    Server,
    /// The store, for programs that use a server as their backend.
    Store,
}

/// One method on one path.
pub(crate) struct Route {
    /// The method.
    pub(crate) method: Method,
    /// The path, with `{id}` for one segment; below `/traces/` for everything that follows.
    pub(crate) path: &'static str,
    /// What a caller needs to be permitted.
    pub(crate) scope: Scope,
    /// How large a body may be.
    pub(crate) cap: Cap,
    /// The part of the documentation that the route belongs to.
    pub(crate) tag: Tag,
    /// What the route does, one sentence.
    pub(crate) summary: &'static str,
    /// The lists of `parameters.json` with the query parameters.
    pub(crate) parameters: &'static [&'static str],
    /// Media types of the request's body; none when it has none.
    pub(crate) takes: &'static [&'static str],
    /// Media type of a success, and the schema of the OpenAPI document it follows.
    pub(crate) gives: (&'static str, Option<&'static str>),
    /// What answers the route.
    pub(crate) endpoint: Endpoint,
}

impl Route {
    /// Whether the route is one of the published Python server, which takes no method but its own, not even HEAD.
    pub(crate) fn is_of_original(&self) -> bool {
        self.tag == Tag::Checkpoints || matches!(self.endpoint, Endpoint::Health)
    }

    /// Whether requests bring records, and are counted when nothing of them is taken.
    pub(crate) fn takes_records(&self) -> bool {
        matches!(self.scope, Scope::Ingest | Scope::Checkpoints)
    }
}

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
const GRPC: &str = "application/grpc";
const OTLP: &[&str] = &[PROTOBUF, JSON];

const fn media(media: &'static str) -> (&'static str, Option<&'static str>) {
    (media, None)
}

const fn schema(name: &'static str) -> (&'static str, Option<&'static str>) {
    (JSON, Some(name))
}

/// Makes a table of rows: what answers, method, path, scope, body cap, tag, summary, lists of query parameters, media types
/// of the body, and the answer.
macro_rules! rows {
    ($($endpoint:ident $(($signal:ident))?: $method:ident $path:expr, $scope:ident $cap:ident $tag:ident,
        $summary:expr, $parameters:expr, $takes:expr => $gives:expr;)*) => {
        &[$(Route {
            endpoint: Endpoint::$endpoint $((Signal::$signal))?,
            method: Method::$method,
            path: $path,
            scope: Scope::$scope,
            cap: Cap::$cap,
            tag: Tag::$tag,
            summary: $summary,
            parameters: $parameters,
            takes: $takes,
            gives: $gives,
        },)*]
    };
}

/// Makes the endpoints beside those of OTLP, and their table.
macro_rules! routes {
    ($($endpoint:ident: $method:ident $path:expr, $scope:ident $cap:ident $tag:ident,
        $summary:expr, $parameters:expr, $takes:expr => $gives:expr;)*) => {
        /// What answers a route; the summary of the route says what it does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Endpoint {
            /// Takes OTLP over HTTP.
            Export(Signal),
            /// Takes OTLP over gRPC.
            Call(Signal),
            $(#[doc = $summary] $endpoint,)*
        }

        /// Every route over plain HTTP but those of OTLP, in the order they are documented.
        const TABLE: &[Route] = rows! {
            $($endpoint: $method $path, $scope $cap $tag, $summary, $parameters, $takes => $gives;)*
        };
    };
}

routes! {
    IngestLogs: POST path::INGEST, Ingest Entries Logs,
        "Takes log entries: a JSON array of objects, one object, or one a line.", &[], &[JSON, "application/x-ndjson"] => schema("Taken");

    IngestCheckpoints: POST "/ingest", Checkpoints Body Checkpoints,
        "Takes checkpoints: `{\"traces\":[…]}`.", &[], &[JSON] => schema("Ingested");
    IngestCheckpoint: POST "/ingest/single", Checkpoints Body Checkpoints,
        "Takes one checkpoint.", &[], &[JSON] => schema("IngestedSingle");
    CheckpointTrace: GET "/traces/{id}", Read None Checkpoints,
        "The checkpoints of a correlation id.", &["checkpoints"], &[] => schema("CheckpointTrace");
    CheckpointStream: GET "/traces/{id}/stream", Read None Checkpoints,
        "The same, and then those that arrive, as events.", &["checkpoint_stream"], &[] => media("text/event-stream");
    Correlations: GET "/correlations", Read None Checkpoints,
        "The correlation ids that were heard of last.", &["correlations"], &[] => schema("Correlations");
    RecentCheckpoints: GET "/recent", Read None Checkpoints,
        "The newest checkpoints, oldest first.", &["recent"], &[] => schema("Recent");
    ServerFigures: GET "/stats", Read None Checkpoints, "What the server does now.", &[], &[] => schema("ServerStats");
    SourceRates: GET "/stats/sources", Read None Checkpoints,
        "Which source sends how much.", &[], &[] => schema("SourceRates");
    Cleanup: DELETE "/cleanup", Admin None Checkpoints,
        "Removes what is past its retention at once.", &[], &[] => schema("Cleaned");

    ListTraces: GET path::TRACES, Read None Query, "Lists traces, newest first.", &["traces"], &[] => schema("TraceList");
    ShowTrace: GET path::TRACE_BY_ID, Read None Query, "One trace with all its records.", &[], &[] => schema("Trace");
    ShowTraceByParameter: GET path::TRACE, Read None Query,
        "One trace, for ids a path cannot hold.", &["trace"], &[] => schema("Trace");
    TraceTree: GET path::TREE, Read None Query, "One trace as a tree.", &[], &[] => schema("Tree");
    ListLogs: GET path::LOGS, Read None Query, "Lists log records, newest first.", &["logs"], &[] => schema("LogList");
    Stats: GET path::STATS, Read None Query,
        "Totals, and latency by service and operation.", &["stats"], &[] => schema("Stats");
    Why: GET path::WHY, Read None Query,
        "What the selected traces have more often than others, as far as that is no chance.", &["why"], &[] => schema("Contrast");
    Attributes: GET path::ATTRIBUTES, Read None Query,
        "Counts the records with each attribute key, or with each value of one.", &["attributes"], &[] => schema("AttributeList");
    ListQueries: GET path::QUERIES, Read None Query,
        "Lists saved filters, which `q` may name as `@NAME`.", &[], &[] => schema("SavedFilterList");
    ListIssues: GET path::ISSUES, Read None Query,
        "Lists issues, the one seen last first.", &["issues"], &[] => schema("IssueList");
    ShowIssue: GET path::ISSUE, Read None Query,
        "One issue with all that is known of it.", &[], &[] => schema("IssueDetail");

    ChangeIssue: PATCH path::ISSUE, Admin Document Admin,
        "Resolves, reopens or ignores an issue: `{\"status\":\"resolved\"}`.", &[], &[JSON] => schema("Issue");
    DeleteTraces: DELETE path::TRACES, Admin None Admin,
        "Deletes what the filter names, everything without one.", &["filter", "deletion"], &[] => schema("Removed");
    DeleteTrace: DELETE path::TRACE_BY_ID, Admin None Admin, "Deletes one trace.", &[], &[] => schema("Removed");
    SaveQuery: POST path::QUERIES, Admin Document Admin,
        "Saves a filter in place of what had its name: `{\"name\":\"slow\",\"filter\":\"duration>1s\"}`.", &[], &[JSON] => schema("SavedFilter");
    DeleteQuery: DELETE path::QUERY, Admin None Admin, "Deletes a saved filter.", &[], &[] => schema("Done");
    ListKeys: GET path::KEYS, Admin None Admin,
        "Lists the keys ever issued, oldest first.", &[], &[] => schema("KeyList");
    IssueKey: POST path::KEYS, Admin Document Admin,
        "Issues a key, of which only the SHA-256 is sent.", &[], &[JSON] => schema("Key");
    RevokeKey: DELETE path::KEY_BY_ID, Admin None Admin, "Revokes a key for good.", &[], &[] => schema("Key");

    Health: GET "/health", None None Server, "Whether the server can do its work.", &[], &[] => schema("Health");
    Server: GET path::SERVER, Read None Server, "What runs here.", &[], &[] => schema("Server");
    ListSenders: GET path::SENDERS, Read None Server,
        "Lists who sends records and what became of them, the one heard of last first; a key sees its own project.", &[], &[] => schema("SenderList");
    Metrics: GET "/metrics", Read None Server, "Counters for Prometheus.", &[], &[] => media("text/plain");
    OpenApi: GET "/openapi.json", None None Server, "This document.", &[], &[] => media(JSON);
    Docs: GET "/docs", None None Server, "This document, for people.", &[], &[] => media("text/html");

    Scan: GET path::SCAN, Read None Store, "Records in the order they were committed.", &["filter", "scan"], &[] => schema("Chunk");
    ScanStream: GET path::SCAN_STREAM, Read None Store,
        "The same, and then those that arrive, as events: `data` as of a scan, `id` the cursor behind it.", &["filter", "scan_stream"], &[] => media("text/event-stream");
    ScanCursor: GET path::CURSOR, Read None Store,
        "A place from which a scan can go on.", &["cursor"], &[] => schema("ScanCursor");
    Place: GET path::PLACE, Read None Store,
        "A place near the end of the records, to scan from.", &["filter", "place"], &[] => schema("Place");
    WriteRecords: POST path::RECORDS, Ingest Body Store,
        "Takes records as a scan gives them.", &[], &[JSON] => schema("Written");
    NoteKeyUses: POST path::KEY_USES, Admin Document Store,
        "Notes when keys were used: an object of ids and times.", &[], &[JSON] => schema("Done");
    Prune: POST path::PRUNE, Admin None Store, "Removes what is past its retention.", &["prune"], &[] => schema("Removed");
}

/// The routes of OTLP over plain HTTP.
const OTLP_TABLE: &[Route] = rows! {
    Export(Traces): POST "/v1/traces", Ingest Body Ingest,
        "Takes spans over OTLP/HTTP.", &[], OTLP => media(PROTOBUF);
    Export(Traces): POST "/api/v1/traces/export", Ingest Body Ingest,
        "Takes spans over OTLP/HTTP.", &[], OTLP => media(PROTOBUF);
    Export(Traces): POST "/", Ingest Body Ingest,
        "Takes spans over OTLP/HTTP.", &[], OTLP => media(PROTOBUF);
    Export(Metrics): POST "/v1/metrics", Ingest Body Ingest,
        "Checks metrics over OTLP/HTTP and drops them.", &[], OTLP => media(PROTOBUF);
    Export(Logs): POST "/v1/logs", Ingest Body Ingest,
        "Takes log records over OTLP/HTTP.", &[], OTLP => media(PROTOBUF);
};

/// Every method of gRPC.
pub(crate) const GRPC_TABLE: &[Route] = rows! {
    Call(Traces): POST "/opentelemetry.proto.collector.trace.v1.TraceService/Export", Ingest Message Ingest,
        "Takes traces over OTLP/gRPC (HTTP/2), as the route of the same name takes them over HTTP.",
        &[], &[GRPC] => media(GRPC);
    Call(Metrics): POST "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", Ingest Message Ingest,
        "Takes metrics over OTLP/gRPC (HTTP/2), as the route of the same name takes them over HTTP.",
        &[], &[GRPC] => media(GRPC);
    Call(Logs): POST "/opentelemetry.proto.collector.logs.v1.LogsService/Export", Ingest Message Ingest,
        "Takes logs over OTLP/gRPC (HTTP/2), as the route of the same name takes them over HTTP.",
        &[], &[GRPC] => media(GRPC);
};

/// Every route over plain HTTP, in the order they are documented.
pub(crate) fn http_routes() -> impl Iterator<Item = &'static Route> {
    OTLP_TABLE.iter().chain(TABLE)
}

/// Whether somebody who sends to a path may mean to send records: it is none of ours, or takes them.
pub(crate) fn may_take_records(path: &str) -> bool {
    let mut rows = http_routes().filter(|route| route.path == path && route.method == Method::POST).peekable();
    rows.peek().is_none() && !is_administration(path) || rows.any(Route::takes_records)
}

/// Whether a path leads to what maintains the store, where nobody sends records by mistake.
fn is_administration(path: &str) -> bool {
    [path::KEYS, path::TRACES, path::ISSUES, path::QUERIES, path::PRUNE].iter().any(|ours| path.starts_with(ours))
        && path != "/api/v1/traces/export"
}

/// Whether a path takes OTLP over HTTP.
pub(crate) fn is_otlp(path: &str) -> bool {
    OTLP_TABLE.iter().any(|route| route.path == path)
}

/// The address a client means that writes the path of a route for records with doubled slashes or one at its end, as those
/// do that join a base URL and a path carelessly; `None` when there is nothing to mend.
pub(crate) fn straightened(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if path == "/" || !(path.contains("//") || path.ends_with('/')) {
        return None;
    }
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    let meant = format!("/{}", names.join("/"));
    let route = http_routes().chain(GRPC_TABLE).find(|route| route.takes_records() && route.path == meant)?;
    if route.is_of_original() && path.strip_suffix('/') == Some(route.path) {
        // The original redirects.
        return None;
    }
    let mut parts = uri.clone().into_parts();
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{}?{query}", route.path)).ok()?,
        None => PathAndQuery::from_static(route.path),
    };
    parts.path_and_query = Some(path_and_query);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn careless_slashes_are_mended_where_records_are_taken_and_nowhere_else() {
        for (uri, meant) in [
            ("//v1/traces", Some("/v1/traces")),
            ("/v1/traces/", Some("/v1/traces")),
            ("///v1//logs//?a=b", Some("/v1/logs?a=b")),
            ("http://localhost:4318//v1/metrics", Some("http://localhost:4318/v1/metrics")),
            ("//", Some("/")),
            ("/ingest/", None),
            ("//ingest/", Some("/ingest")),
            ("/ingest//single", Some("/ingest/single")),
            ("/api/v1/ingest/", Some("/api/v1/ingest")),
            ("/api/v1/traces/export/", Some("/api/v1/traces/export")),
            ("/api//v1/records/", Some("/api/v1/records")),
            (
                "//opentelemetry.proto.collector.logs.v1.LogsService/Export",
                Some("/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
            ),
            ("/", None),
            ("/v1/traces", None),
            ("/v1/traces?x=//", None),
            ("//health", None),
            ("/api/v1/keys/", None),
            ("/traces//x/", None),
            ("/v1/traces/v1/traces/", None),
        ] {
            let straight = straightened(&uri.parse().expect("a URI"));
            assert_eq!(straight.map(|uri| uri.to_string()).as_deref(), meant, "{uri}");
        }
    }
}
