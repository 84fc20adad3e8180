//! The table of routes. The router, the OpenAPI document and the tests are all made from it, so none can be forgotten.
//! It names what answers a route ([`Endpoint`]) and knows no handler.

use crate::api::path;

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
    ExportTraces,
    ExportMetrics,
    ExportLogs,
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
        self.tag == Tag::Checkpoints || self.endpoint == Endpoint::Health
    }
}

/// One query parameter.
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: &'static str,
    /// `string`, `integer`, `number` or `boolean`; `string[]` when it may repeat.
    pub(crate) kind: &'static str,
    /// What it does.
    pub(crate) description: &'static str,
}

const fn parameter(name: &'static str, kind: &'static str, description: &'static str) -> Parameter {
    Parameter { name, kind, description }
}

const SINCE: Parameter =
    parameter("since", "string", "Only what started at or after this: `15m`, `yesterday`, RFC 3339, unix time.");
const UNTIL: Parameter = parameter("until", "string", "Only what started before this.");
const SERVICE: Parameter = parameter("service", "string", "Only this service.");
const KIND: Parameter = parameter("kind", "string", "Only `spans`, `checkpoints` or `logs`.");
const TRACE: Parameter = parameter("trace", "string", "Only the trace of this full id.");
const ENDED_BEFORE: Parameter = parameter("ended_before", "string", "Only traces whose last record ended before this.");

const LIST: &[Parameter] = &[
    parameter("limit", "integer", "At most this many; 20 when absent, 0 for all."),
    SERVICE,
    parameter("name", "string", "Only traces whose name contains this, whatever the case."),
    parameter("workflow_name", "string", "Only traces of this workflow; `workflow` means the same."),
    parameter("has_errors", "boolean", "Only traces with, or without, errors."),
    parameter("min_duration_ms", "number", "Only traces at least this long; fractions down to a nanosecond."),
    parameter("max_duration_ms", "number", "Only traces at most this long."),
    parameter("attr", "string[]", "`key=value`: only traces with a span that has it, on itself or its resource."),
    parameter("project", "string", "Only traces with a record of this project."),
    KIND,
    SINCE,
    UNTIL,
    parameter("id_prefix", "string", "Only traces whose id begins with this."),
    parameter("sort", "string", "`start`, `duration`, `spans` or `errors`, the largest first."),
    parameter("reverse", "boolean", "The smallest first."),
    parameter("cursor", "string", "Where the last page ended: its `x-tracehub-next-cursor`."),
];
const ISSUES: &[Parameter] = &[
    parameter("limit", "integer", "At most this many; 20 when absent, 0 for all."),
    parameter("status", "string", "Only `open`, `resolved` or `ignored`; `all` when absent."),
    SERVICE,
    parameter("env", "string", "Only issues seen in this environment."),
    parameter("project", "string", "Only issues of this project."),
    parameter("since", "string", "Only issues seen at or after this: `15m`, `yesterday`, RFC 3339, unix time."),
    parameter("until", "string", "Only issues first seen before this."),
    parameter("id_prefix", "string", "Only issues whose id begins with this."),
    parameter("ids", "string", "Only these ids, with commas between them, up to 1000."),
    parameter("sort", "string", "`last-seen`, `first-seen` or `count`, the largest first."),
    parameter("reverse", "boolean", "The smallest first."),
    parameter("cursor", "string", "Where the last page ended: its `x-tracehub-next-cursor`."),
    parameter("counts_since", "string", "Count events by the hour back to this; not at all when absent."),
];
const LOGS: &[Parameter] = &[
    parameter(
        "text",
        "string",
        "Only those whose message, error type or error message contains this, whatever the case.",
    ),
    parameter("level", "string", "Only of at least this level: `trace`, `debug`, `info`, `warn`, `error`, `fatal`."),
    SERVICE,
    parameter("module", "string", "Only this module."),
    parameter("env", "string", "Only this environment."),
    parameter("project", "string", "Only this project."),
    parameter("host", "string", "Only this machine."),
    parameter("pid", "string", "Only this process."),
    TRACE,
    parameter(
        "issue",
        "string[]",
        "Only issues of these full ids; may be repeated, or have commas between them, up to 1000.",
    ),
    parameter("extra", "string[]", "`key=value`, `key!=value` or `key~=part`: a field; dots reach into objects."),
    parameter("since", "string", "Only at or after this: `15m`, `yesterday`, RFC 3339, unix time."),
    parameter("until", "string", "Only before this."),
    parameter("order", "string", "`newest` or `oldest` first; newest when absent."),
    parameter(
        "limit",
        "integer",
        "At most this many; 100 when absent, 0 for all. An answer holds up to 1000 otherwise, or fewer of about 8 MiB.",
    ),
    parameter("cursor", "string", "Where the last page ended: its `x-tracehub-next-cursor`."),
];
const STATS: &[Parameter] = &[
    SINCE,
    UNTIL,
    SERVICE,
    parameter(
        "by",
        "string",
        "What a row stands for: `operation`, `service`, `source` or `model`; `nothing`: totals alone.",
    ),
];
const DELETION: &[Parameter] =
    &[KIND, TRACE, ENDED_BEFORE, parameter("dry_run", "boolean", "Count, but remove nothing.")];
const SCAN: &[Parameter] = &[
    KIND,
    TRACE,
    ENDED_BEFORE,
    parameter("after", "string", "Cursor of the last answer; the beginning when absent."),
    parameter("max", "integer", "At most about this many records, up to 10000, and of large ones fewer."),
    parameter("wait_ms", "integer", "How long to wait for something new, up to 30000."),
];
const SCAN_STREAM: &[Parameter] = &[
    KIND,
    TRACE,
    ENDED_BEFORE,
    parameter(
        "after",
        "string",
        "Cursor to go on from, unless the header `Last-Event-ID` holds one; empty is the beginning, absent the end.",
    ),
    parameter("max", "integer", "About how many records an event may hold, up to 10000; 256 when absent."),
    parameter("timeout", "integer", "Seconds until the stream ends; it goes on for ever when absent."),
];
const CURSOR: &[Parameter] = &[parameter(
    "received_since",
    "string",
    "Before what the server received at or after this; the end of the store when absent.",
)];
const PLACE: &[Parameter] = &[
    KIND,
    TRACE,
    ENDED_BEFORE,
    parameter("records", "integer", "How many records, or a few more, lie behind the place; 0 when absent: the end."),
];
const PRUNE: &[Parameter] = &[
    parameter("received_before", "string", "Remove what the server received before this."),
    parameter("budget", "integer", "At most about this many records."),
];
const ID: &[Parameter] = &[parameter("id", "string", "The full id, whatever characters it holds.")];

const SOURCE: &[Parameter] = &[parameter("source", "string", "Only this source.")];
const STREAM: &[Parameter] =
    &[parameter("timeout", "integer", "Seconds after the stored ones until the stream ends; 60 when absent.")];
const CORRELATIONS: &[Parameter] =
    &[parameter("limit", "integer", "At most this many; 50 when absent, 0 for none, a negative number for all.")];
const RECENT: &[Parameter] = &[
    parameter("limit", "integer", "At most this many, up to 1000; 200 when absent, a negative number for all."),
    parameter("since_id", "integer", "Only records with a larger id."),
    parameter("source", "string", "Only sources that begin with this, in any case."),
];

const OTLP: &[&str] = &["application/x-protobuf", "application/json"];
const JSON: &str = "application/json";

const fn ask(
    endpoint: Endpoint,
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    schema: &'static str,
) -> Route {
    let gives = (JSON, Some(schema));
    Route { method: Method::Get, path, tag: Tag::Query, summary, parameters, takes: &[], gives, endpoint }
}

const fn export(endpoint: Endpoint, path: &'static str, summary: &'static str) -> Route {
    let gives = ("application/x-protobuf", None);
    Route { method: Method::Post, path, tag: Tag::Ingest, summary, parameters: &[], takes: OTLP, gives, endpoint }
}

const fn checkpoints(
    endpoint: Endpoint,
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    schema: &'static str,
) -> Route {
    Route { tag: Tag::Checkpoints, ..ask(endpoint, path, summary, parameters, schema) }
}

/// Every route but the gRPC methods, in the order they are documented.
pub(crate) const TABLE: &[Route] = &[
    export(Endpoint::ExportTraces, "/v1/traces", "Takes spans over OTLP/HTTP."),
    export(Endpoint::ExportTraces, "/api/v1/traces/export", "Takes spans over OTLP/HTTP."),
    export(Endpoint::ExportTraces, "/", "Takes spans over OTLP/HTTP."),
    export(Endpoint::ExportMetrics, "/v1/metrics", "Checks metrics over OTLP/HTTP and drops them."),
    export(Endpoint::ExportLogs, "/v1/logs", "Takes log records over OTLP/HTTP."),
    Route {
        method: Method::Post,
        tag: Tag::Logs,
        takes: &[JSON, "application/x-ndjson"],
        ..ask(
            Endpoint::IngestLogs,
            path::INGEST,
            "Takes log entries: a JSON array of objects, one object, or one a line.",
            &[],
            "Taken",
        )
    },
    Route {
        method: Method::Post,
        takes: &[JSON],
        ..checkpoints(Endpoint::IngestCheckpoints, "/ingest", "Takes checkpoints: `{\"traces\":[…]}`.", &[], "Ingested")
    },
    Route {
        method: Method::Post,
        takes: &[JSON],
        ..checkpoints(Endpoint::IngestCheckpoint, "/ingest/single", "Takes one checkpoint.", &[], "IngestedSingle")
    },
    checkpoints(
        Endpoint::CheckpointTrace,
        "/traces/{id}",
        "The checkpoints of a correlation id.",
        SOURCE,
        "CheckpointTrace",
    ),
    Route {
        gives: ("text/event-stream", None),
        ..checkpoints(
            Endpoint::CheckpointStream,
            "/traces/{id}/stream",
            "The same, and then those that arrive, as events.",
            STREAM,
            "",
        )
    },
    checkpoints(
        Endpoint::Correlations,
        "/correlations",
        "The correlation ids that were heard of last.",
        CORRELATIONS,
        "Correlations",
    ),
    checkpoints(Endpoint::RecentCheckpoints, "/recent", "The newest checkpoints, oldest first.", RECENT, "Recent"),
    checkpoints(Endpoint::ServerFigures, "/stats", "What the server does now.", &[], "ServerStats"),
    checkpoints(Endpoint::SourceRates, "/stats/sources", "Which source sends how much.", &[], "SourceRates"),
    Route {
        method: Method::Delete,
        ..checkpoints(Endpoint::Cleanup, "/cleanup", "Removes what is past its retention at once.", &[], "Cleaned")
    },
    ask(Endpoint::ListTraces, path::TRACES, "Lists traces, newest first.", LIST, "TraceList"),
    ask(Endpoint::ShowTrace, path::TRACE_BY_ID, "One trace with all its records.", &[], "Trace"),
    ask(Endpoint::ShowTraceByParameter, path::TRACE, "One trace, for ids a path cannot hold.", ID, "Trace"),
    ask(Endpoint::TraceTree, path::TREE, "One trace as a tree.", &[], "Tree"),
    ask(Endpoint::ListLogs, path::LOGS, "Lists log records, newest first.", LOGS, "LogList"),
    ask(Endpoint::Stats, path::STATS, "Totals, and latency by service and operation.", STATS, "Stats"),
    ask(Endpoint::ListIssues, path::ISSUES, "Lists issues, the one seen last first.", ISSUES, "IssueList"),
    ask(Endpoint::ShowIssue, path::ISSUE, "One issue with all that is known of it.", &[], "IssueDetail"),
    Route {
        method: Method::Patch,
        tag: Tag::Admin,
        takes: &[JSON],
        ..ask(
            Endpoint::ChangeIssue,
            path::ISSUE,
            "Resolves, reopens or ignores an issue: `{\"status\":\"resolved\"}`.",
            &[],
            "Issue",
        )
    },
    Route {
        method: Method::Delete,
        tag: Tag::Admin,
        ..ask(
            Endpoint::DeleteTraces,
            path::TRACES,
            "Deletes what the filter names, everything without one.",
            DELETION,
            "Removed",
        )
    },
    Route {
        method: Method::Delete,
        tag: Tag::Admin,
        ..ask(Endpoint::DeleteTrace, path::TRACE_BY_ID, "Deletes one trace.", &[], "Removed")
    },
    Route {
        tag: Tag::Admin,
        ..ask(Endpoint::ListKeys, path::KEYS, "Lists the keys ever issued, oldest first.", &[], "KeyList")
    },
    Route {
        method: Method::Post,
        tag: Tag::Admin,
        takes: &[JSON],
        ..ask(Endpoint::IssueKey, path::KEYS, "Issues a key, of which only the SHA-256 is sent.", &[], "Key")
    },
    Route {
        method: Method::Delete,
        tag: Tag::Admin,
        ..ask(Endpoint::RevokeKey, path::KEY_BY_ID, "Revokes a key for good.", &[], "Key")
    },
    Route {
        tag: Tag::Server,
        ..ask(Endpoint::Health, "/health", "Whether the server can do its work.", &[], "Health")
    },
    Route { tag: Tag::Server, ..ask(Endpoint::Server, path::SERVER, "What runs here.", &[], "Server") },
    Route {
        tag: Tag::Server,
        gives: ("text/plain", None),
        ..ask(Endpoint::Metrics, "/metrics", "Counters for Prometheus.", &[], "")
    },
    Route {
        tag: Tag::Server,
        gives: (JSON, None),
        ..ask(Endpoint::OpenApi, "/openapi.json", "This document.", &[], "")
    },
    Route {
        tag: Tag::Server,
        gives: ("text/html", None),
        ..ask(Endpoint::Docs, "/docs", "This document, for people.", &[], "")
    },
    Route {
        tag: Tag::Store,
        ..ask(Endpoint::Scan, path::SCAN, "Records in the order they were committed.", SCAN, "Chunk")
    },
    Route {
        tag: Tag::Store,
        gives: ("text/event-stream", None),
        ..ask(
            Endpoint::ScanStream,
            path::SCAN_STREAM,
            "The same, and then those that arrive, as events: `data` as of a scan, `id` the cursor behind it.",
            SCAN_STREAM,
            "",
        )
    },
    Route {
        tag: Tag::Store,
        ..ask(Endpoint::ScanCursor, path::CURSOR, "A place from which a scan can go on.", CURSOR, "Place")
    },
    Route {
        tag: Tag::Store,
        ..ask(Endpoint::Place, path::PLACE, "A place near the end of the records, to scan from.", PLACE, "Place")
    },
    Route {
        method: Method::Post,
        tag: Tag::Store,
        takes: &[JSON],
        ..ask(Endpoint::WriteRecords, path::RECORDS, "Takes records as a scan gives them.", &[], "Written")
    },
    Route {
        method: Method::Post,
        tag: Tag::Store,
        takes: &[JSON],
        ..ask(
            Endpoint::NoteKeyUses,
            path::KEY_USES,
            "Notes when keys were used: an object of ids and times.",
            &[],
            "Done",
        )
    },
    Route {
        method: Method::Post,
        tag: Tag::Store,
        ..ask(Endpoint::Prune, path::PRUNE, "Removes what is past its retention.", PRUNE, "Removed")
    },
];

/// Whether a path takes OTLP over HTTP.
pub(crate) fn is_otlp(path: &str) -> bool {
    TABLE.iter().any(|route| route.tag == Tag::Ingest && route.path == path)
}
