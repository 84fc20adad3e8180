//! The table of routes. The router, the OpenAPI document and the tests are all made from it, so none can be forgotten.
//! It names what answers a route ([`Endpoint`]) and knows no handler.

use crate::{
    api::path,
    server::{access::Scope, limits::Cap, parameters::*, signal::Signal},
};

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

/// What answers a route; the summaries of the routes say what each does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Takes OTLP over HTTP.
    Export(Signal),
    /// Takes OTLP over gRPC.
    Call(Signal),
    IngestLogs,
    IngestCheckpoints,
    IngestCheckpoint,
    CheckpointTrace,
    CheckpointStream,
    Correlations,
    RecentCheckpoints,
    ServerFigures,
    SourceRates,
    Cleanup,
    ListTraces,
    ShowTrace,
    ShowTraceByParameter,
    TraceTree,
    ListLogs,
    Stats,
    ListIssues,
    ShowIssue,
    ChangeIssue,
    DeleteTraces,
    DeleteTrace,
    ListKeys,
    IssueKey,
    RevokeKey,
    Health,
    Server,
    Metrics,
    OpenApi,
    Docs,
    Scan,
    ScanStream,
    ScanCursor,
    Place,
    WriteRecords,
    NoteKeyUses,
    Prune,
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
    /// Which part of the documentation it belongs to.
    pub(crate) tag: Tag,
    /// What it does, one sentence.
    pub(crate) summary: &'static str,
    /// Query parameters.
    pub(crate) parameters: &'static [Parameter],
    /// Media types of the request's body; none when it has none.
    pub(crate) takes: &'static [&'static str],
    /// Media type of a success, and the schema of the OpenAPI document it follows.
    pub(crate) gives: (&'static str, Option<&'static str>),
    /// What answers it.
    pub(crate) endpoint: Endpoint,
}

impl Route {
    /// Whether it is a route of the published Python server, which takes no method but its own, not even HEAD.
    pub(crate) fn is_of_original(&self) -> bool {
        self.tag == Tag::Checkpoints || matches!(self.endpoint, Endpoint::Health)
    }

    /// Whether requests bring records, and are counted when nothing of them is taken.
    pub(crate) fn takes_records(&self) -> bool {
        matches!(self.scope, Scope::Ingest | Scope::Checkpoints)
    }
}

const OTLP: &[&str] = &["application/x-protobuf", "application/json"];
const JSON: &str = "application/json";
const GRPC: &str = "application/grpc";

const fn route(endpoint: Endpoint, method: Method, path: &'static str, scope: Scope, tag: Tag) -> Route {
    let (summary, parameters, takes, cap, gives) = ("", &[], &[], Cap::None, (JSON, None));
    Route { method, path, scope, cap, tag, summary, parameters, takes, gives, endpoint }
}

const fn export(signal: Signal, path: &'static str, summary: &'static str) -> Route {
    let route = route(Endpoint::Export(signal), Method::Post, path, Scope::Ingest, Tag::Ingest);
    route.doing(summary).taking(OTLP, Cap::Body).giving("application/x-protobuf")
}

const fn call(signal: Signal, path: &'static str, summary: &'static str) -> Route {
    let route = route(Endpoint::Call(signal), Method::Post, path, Scope::Ingest, Tag::Ingest);
    route.doing(summary).taking(&[GRPC], Cap::Message).giving(GRPC)
}

impl Route {
    const fn doing(self, summary: &'static str) -> Route {
        Route { summary, ..self }
    }

    const fn asked(self, parameters: &'static [Parameter]) -> Route {
        Route { parameters, ..self }
    }

    const fn taking(self, takes: &'static [&'static str], cap: Cap) -> Route {
        Route { takes, cap, ..self }
    }

    const fn giving(self, media: &'static str) -> Route {
        Route { gives: (media, None), ..self }
    }

    const fn answering(self, schema: &'static str) -> Route {
        Route { gives: (JSON, Some(schema)), ..self }
    }
}

/// Every route over plain HTTP, in the order they are documented.
pub(crate) const TABLE: &[Route] = &[
    export(Signal::Traces, "/v1/traces", "Takes spans over OTLP/HTTP."),
    export(Signal::Traces, "/api/v1/traces/export", "Takes spans over OTLP/HTTP."),
    export(Signal::Traces, "/", "Takes spans over OTLP/HTTP."),
    export(Signal::Metrics, "/v1/metrics", "Checks metrics over OTLP/HTTP and drops them."),
    export(Signal::Logs, "/v1/logs", "Takes log records over OTLP/HTTP."),
    route(Endpoint::IngestLogs, Method::Post, path::INGEST, Scope::Ingest, Tag::Logs)
        .doing("Takes log entries: a JSON array of objects, one object, or one a line.")
        .taking(&[JSON, "application/x-ndjson"], Cap::Entries)
        .answering("Taken"),
    route(Endpoint::IngestCheckpoints, Method::Post, "/ingest", Scope::Checkpoints, Tag::Checkpoints)
        .doing("Takes checkpoints: `{\"traces\":[…]}`.")
        .taking(&[JSON], Cap::Body)
        .answering("Ingested"),
    route(Endpoint::IngestCheckpoint, Method::Post, "/ingest/single", Scope::Checkpoints, Tag::Checkpoints)
        .doing("Takes one checkpoint.")
        .taking(&[JSON], Cap::Body)
        .answering("IngestedSingle"),
    route(Endpoint::CheckpointTrace, Method::Get, "/traces/{id}", Scope::Read, Tag::Checkpoints)
        .doing("The checkpoints of a correlation id.")
        .asked(SOURCE)
        .answering("CheckpointTrace"),
    route(Endpoint::CheckpointStream, Method::Get, "/traces/{id}/stream", Scope::Read, Tag::Checkpoints)
        .doing("The same, and then those that arrive, as events.")
        .asked(STREAM)
        .giving("text/event-stream"),
    route(Endpoint::Correlations, Method::Get, "/correlations", Scope::Read, Tag::Checkpoints)
        .doing("The correlation ids that were heard of last.")
        .asked(CORRELATIONS)
        .answering("Correlations"),
    route(Endpoint::RecentCheckpoints, Method::Get, "/recent", Scope::Read, Tag::Checkpoints)
        .doing("The newest checkpoints, oldest first.")
        .asked(RECENT)
        .answering("Recent"),
    route(Endpoint::ServerFigures, Method::Get, "/stats", Scope::Read, Tag::Checkpoints)
        .doing("What the server does now.")
        .answering("ServerStats"),
    route(Endpoint::SourceRates, Method::Get, "/stats/sources", Scope::Read, Tag::Checkpoints)
        .doing("Which source sends how much.")
        .answering("SourceRates"),
    route(Endpoint::Cleanup, Method::Delete, "/cleanup", Scope::Admin, Tag::Checkpoints)
        .doing("Removes what is past its retention at once.")
        .answering("Cleaned"),
    route(Endpoint::ListTraces, Method::Get, path::TRACES, Scope::Read, Tag::Query)
        .doing("Lists traces, newest first.")
        .asked(LIST)
        .answering("TraceList"),
    route(Endpoint::ShowTrace, Method::Get, path::TRACE_BY_ID, Scope::Read, Tag::Query)
        .doing("One trace with all its records.")
        .answering("Trace"),
    route(Endpoint::ShowTraceByParameter, Method::Get, path::TRACE, Scope::Read, Tag::Query)
        .doing("One trace, for ids a path cannot hold.")
        .asked(ID)
        .answering("Trace"),
    route(Endpoint::TraceTree, Method::Get, path::TREE, Scope::Read, Tag::Query)
        .doing("One trace as a tree.")
        .answering("Tree"),
    route(Endpoint::ListLogs, Method::Get, path::LOGS, Scope::Read, Tag::Query)
        .doing("Lists log records, newest first.")
        .asked(LOGS)
        .answering("LogList"),
    route(Endpoint::Stats, Method::Get, path::STATS, Scope::Read, Tag::Query)
        .doing("Totals, and latency by service and operation.")
        .asked(STATS)
        .answering("Stats"),
    route(Endpoint::ListIssues, Method::Get, path::ISSUES, Scope::Read, Tag::Query)
        .doing("Lists issues, the one seen last first.")
        .asked(ISSUES)
        .answering("IssueList"),
    route(Endpoint::ShowIssue, Method::Get, path::ISSUE, Scope::Read, Tag::Query)
        .doing("One issue with all that is known of it.")
        .answering("IssueDetail"),
    route(Endpoint::ChangeIssue, Method::Patch, path::ISSUE, Scope::Admin, Tag::Admin)
        .doing("Resolves, reopens or ignores an issue: `{\"status\":\"resolved\"}`.")
        .taking(&[JSON], Cap::Document)
        .answering("Issue"),
    route(Endpoint::DeleteTraces, Method::Delete, path::TRACES, Scope::Admin, Tag::Admin)
        .doing("Deletes what the filter names, everything without one.")
        .asked(DELETION)
        .answering("Removed"),
    route(Endpoint::DeleteTrace, Method::Delete, path::TRACE_BY_ID, Scope::Admin, Tag::Admin)
        .doing("Deletes one trace.")
        .answering("Removed"),
    route(Endpoint::ListKeys, Method::Get, path::KEYS, Scope::Admin, Tag::Admin)
        .doing("Lists the keys ever issued, oldest first.")
        .answering("KeyList"),
    route(Endpoint::IssueKey, Method::Post, path::KEYS, Scope::Admin, Tag::Admin)
        .doing("Issues a key, of which only the SHA-256 is sent.")
        .taking(&[JSON], Cap::Document)
        .answering("Key"),
    route(Endpoint::RevokeKey, Method::Delete, path::KEY_BY_ID, Scope::Admin, Tag::Admin)
        .doing("Revokes a key for good.")
        .answering("Key"),
    route(Endpoint::Health, Method::Get, "/health", Scope::None, Tag::Server)
        .doing("Whether the server can do its work.")
        .answering("Health"),
    route(Endpoint::Server, Method::Get, path::SERVER, Scope::Read, Tag::Server)
        .doing("What runs here.")
        .answering("Server"),
    route(Endpoint::Metrics, Method::Get, "/metrics", Scope::Read, Tag::Server)
        .doing("Counters for Prometheus.")
        .giving("text/plain"),
    route(Endpoint::OpenApi, Method::Get, "/openapi.json", Scope::None, Tag::Server).doing("This document."),
    route(Endpoint::Docs, Method::Get, "/docs", Scope::None, Tag::Server)
        .doing("This document, for people.")
        .giving("text/html"),
    route(Endpoint::Scan, Method::Get, path::SCAN, Scope::Read, Tag::Store)
        .doing("Records in the order they were committed.")
        .asked(SCAN)
        .answering("Chunk"),
    route(Endpoint::ScanStream, Method::Get, path::SCAN_STREAM, Scope::Read, Tag::Store)
        .doing("The same, and then those that arrive, as events: `data` as of a scan, `id` the cursor behind it.")
        .asked(SCAN_STREAM)
        .giving("text/event-stream"),
    route(Endpoint::ScanCursor, Method::Get, path::CURSOR, Scope::Read, Tag::Store)
        .doing("A place from which a scan can go on.")
        .asked(CURSOR)
        .answering("Place"),
    route(Endpoint::Place, Method::Get, path::PLACE, Scope::Read, Tag::Store)
        .doing("A place near the end of the records, to scan from.")
        .asked(PLACE)
        .answering("Place"),
    route(Endpoint::WriteRecords, Method::Post, path::RECORDS, Scope::Ingest, Tag::Store)
        .doing("Takes records as a scan gives them.")
        .taking(&[JSON], Cap::Body)
        .answering("Written"),
    route(Endpoint::NoteKeyUses, Method::Post, path::KEY_USES, Scope::Admin, Tag::Store)
        .doing("Notes when keys were used: an object of ids and times.")
        .taking(&[JSON], Cap::Document)
        .answering("Done"),
    route(Endpoint::Prune, Method::Post, path::PRUNE, Scope::Admin, Tag::Store)
        .doing("Removes what is past its retention.")
        .asked(PRUNE)
        .answering("Removed"),
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

/// Whether a path takes OTLP over HTTP.
pub(crate) fn is_otlp(path: &str) -> bool {
    TABLE.iter().any(|route| route.tag == Tag::Ingest && route.path == path)
}
