//! The table of routes. The router, the OpenAPI document and the tests are all made from it, so none can be forgotten.
//! The table names what answers a route ([`Endpoint`]) and knows no handler.

use crate::api::path;
use crate::server::access::Scope;
use crate::server::api::parameters::*;
use crate::server::http::Cap;
use crate::server::ingest::Signal;

/// The method of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Ask.
    Get,
    /// Send.
    Post,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// The method as requests name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// The part of the documentation a route belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Tag {
    /// The tag as the documentation writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Tag::Ingest => "ingest",
            Tag::Logs => "logs",
            Tag::Checkpoints => "checkpoints",
            Tag::Query => "query",
            Tag::Admin => "admin",
            Tag::Server => "server",
            Tag::Store => "store",
        }
    }
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
    /// Query parameters.
    pub(crate) parameters: &'static [Parameter],
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
const GRPC: &str = "application/grpc";

const fn media(media: &'static str) -> (&'static str, Option<&'static str>) {
    (media, None)
}

const fn schema(name: &'static str) -> (&'static str, Option<&'static str>) {
    (JSON, Some(name))
}

/// Makes the endpoints and the table of rows: what answers, method, path, scope, body cap, tag, summary, query parameters,
/// media types of the body, and the answer.
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
        const TABLE: &[Route] = &[$(Route {
            endpoint: Endpoint::$endpoint,
            method: Method::$method,
            path: $path,
            scope: Scope::$scope,
            cap: Cap::$cap,
            tag: Tag::$tag,
            summary: $summary,
            parameters: $parameters,
            takes: $takes,
            gives: $gives,
        },)*];
    };
}

routes! {
    IngestLogs: Post path::INGEST, Ingest Entries Logs,
        "Takes log entries: a JSON array of objects, one object, or one a line.", &[], &[JSON, "application/x-ndjson"] => schema("Taken");

    IngestCheckpoints: Post "/ingest", Checkpoints Body Checkpoints,
        "Takes checkpoints: `{\"traces\":[…]}`.", &[], &[JSON] => schema("Ingested");
    IngestCheckpoint: Post "/ingest/single", Checkpoints Body Checkpoints,
        "Takes one checkpoint.", &[], &[JSON] => schema("IngestedSingle");
    CheckpointTrace: Get "/traces/{id}", Read None Checkpoints,
        "The checkpoints of a correlation id.", SOURCE, &[] => schema("CheckpointTrace");
    CheckpointStream: Get "/traces/{id}/stream", Read None Checkpoints,
        "The same, and then those that arrive, as events.", STREAM, &[] => media("text/event-stream");
    Correlations: Get "/correlations", Read None Checkpoints,
        "The correlation ids that were heard of last.", CORRELATIONS, &[] => schema("Correlations");
    RecentCheckpoints: Get "/recent", Read None Checkpoints,
        "The newest checkpoints, oldest first.", RECENT, &[] => schema("Recent");
    ServerFigures: Get "/stats", Read None Checkpoints, "What the server does now.", &[], &[] => schema("ServerStats");
    SourceRates: Get "/stats/sources", Read None Checkpoints,
        "Which source sends how much.", &[], &[] => schema("SourceRates");
    Cleanup: Delete "/cleanup", Admin None Checkpoints,
        "Removes what is past its retention at once.", &[], &[] => schema("Cleaned");

    ListTraces: Get path::TRACES, Read None Query, "Lists traces, newest first.", LIST, &[] => schema("TraceList");
    ShowTrace: Get path::TRACE_BY_ID, Read None Query, "One trace with all its records.", &[], &[] => schema("Trace");
    ShowTraceByParameter: Get path::TRACE, Read None Query,
        "One trace, for ids a path cannot hold.", ID, &[] => schema("Trace");
    TraceTree: Get path::TREE, Read None Query, "One trace as a tree.", &[], &[] => schema("Tree");
    ListLogs: Get path::LOGS, Read None Query, "Lists log records, newest first.", LOGS, &[] => schema("LogList");
    Stats: Get path::STATS, Read None Query,
        "Totals, and latency by service and operation.", STATS, &[] => schema("Stats");
    ListIssues: Get path::ISSUES, Read None Query,
        "Lists issues, the one seen last first.", ISSUES, &[] => schema("IssueList");
    ShowIssue: Get path::ISSUE, Read None Query,
        "One issue with all that is known of it.", &[], &[] => schema("IssueDetail");

    ChangeIssue: Patch path::ISSUE, Admin Document Admin,
        "Resolves, reopens or ignores an issue: `{\"status\":\"resolved\"}`.", &[], &[JSON] => schema("Issue");
    DeleteTraces: Delete path::TRACES, Admin None Admin,
        "Deletes what the filter names, everything without one.", DELETION, &[] => schema("Removed");
    DeleteTrace: Delete path::TRACE_BY_ID, Admin None Admin, "Deletes one trace.", &[], &[] => schema("Removed");
    ListKeys: Get path::KEYS, Admin None Admin,
        "Lists the keys ever issued, oldest first.", &[], &[] => schema("KeyList");
    IssueKey: Post path::KEYS, Admin Document Admin,
        "Issues a key, of which only the SHA-256 is sent.", &[], &[JSON] => schema("Key");
    RevokeKey: Delete path::KEY_BY_ID, Admin None Admin, "Revokes a key for good.", &[], &[] => schema("Key");

    Health: Get "/health", None None Server, "Whether the server can do its work.", &[], &[] => schema("Health");
    Server: Get path::SERVER, Read None Server, "What runs here.", &[], &[] => schema("Server");
    Metrics: Get "/metrics", Read None Server, "Counters for Prometheus.", &[], &[] => media("text/plain");
    OpenApi: Get "/openapi.json", None None Server, "This document.", &[], &[] => media(JSON);
    Docs: Get "/docs", None None Server, "This document, for people.", &[], &[] => media("text/html");

    Scan: Get path::SCAN, Read None Store, "Records in the order they were committed.", SCAN, &[] => schema("Chunk");
    ScanStream: Get path::SCAN_STREAM, Read None Store,
        "The same, and then those that arrive, as events: `data` as of a scan, `id` the cursor behind it.", SCAN_STREAM, &[] => media("text/event-stream");
    ScanCursor: Get path::CURSOR, Read None Store,
        "A place from which a scan can go on.", CURSOR, &[] => schema("ScanCursor");
    Place: Get path::PLACE, Read None Store,
        "A place near the end of the records, to scan from.", PLACE, &[] => schema("Place");
    WriteRecords: Post path::RECORDS, Ingest Body Store,
        "Takes records as a scan gives them.", &[], &[JSON] => schema("Written");
    NoteKeyUses: Post path::KEY_USES, Admin Document Store,
        "Notes when keys were used: an object of ids and times.", &[], &[JSON] => schema("Done");
    Prune: Post path::PRUNE, Admin None Store, "Removes what is past its retention.", PRUNE, &[] => schema("Removed");
}

const fn export(signal: Signal, path: &'static str, summary: &'static str) -> Route {
    Route {
        endpoint: Endpoint::Export(signal),
        method: Method::Post,
        path,
        scope: Scope::Ingest,
        cap: Cap::Body,
        tag: Tag::Ingest,
        summary,
        parameters: &[],
        takes: &["application/x-protobuf", JSON],
        gives: media("application/x-protobuf"),
    }
}

const fn call(signal: Signal, path: &'static str, summary: &'static str) -> Route {
    let (endpoint, takes, gives): (_, &[&str], _) = (Endpoint::Call(signal), &[GRPC], media(GRPC));
    Route { endpoint, cap: Cap::Message, takes, gives, ..export(signal, path, summary) }
}

/// The routes of OTLP over plain HTTP.
const OTLP_TABLE: &[Route] = &[
    export(Signal::Traces, "/v1/traces", "Takes spans over OTLP/HTTP."),
    export(Signal::Traces, "/api/v1/traces/export", "Takes spans over OTLP/HTTP."),
    export(Signal::Traces, "/", "Takes spans over OTLP/HTTP."),
    export(Signal::Metrics, "/v1/metrics", "Checks metrics over OTLP/HTTP and drops them."),
    export(Signal::Logs, "/v1/logs", "Takes log records over OTLP/HTTP."),
];

/// Every method of gRPC.
pub(crate) const GRPC_TABLE: &[Route] = &[
    call(
        Signal::Traces,
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        "Takes traces over OTLP/gRPC (HTTP/2), as the route of the same name takes them over HTTP.",
    ),
    call(
        Signal::Metrics,
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        "Takes metrics over OTLP/gRPC (HTTP/2), as the route of the same name takes them over HTTP.",
    ),
    call(
        Signal::Logs,
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        "Takes logs over OTLP/gRPC (HTTP/2), as the route of the same name takes them over HTTP.",
    ),
];

/// Every route over plain HTTP, in the order they are documented.
pub(crate) fn http_routes() -> impl Iterator<Item = &'static Route> {
    OTLP_TABLE.iter().chain(TABLE)
}

/// Whether a path takes OTLP over HTTP.
pub(crate) fn is_otlp(path: &str) -> bool {
    OTLP_TABLE.iter().any(|route| route.path == path)
}
