//! The table of routes. The router, the OpenAPI document and the tests are all made from it, so none can be forgotten.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::State,
    middleware,
    routing::{MethodRouter, delete, get, patch, post},
};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};

use crate::{api::path, decode::body::MediaType, secret::KEY_PREFIX};

use super::{
    app::App, checkpoints, follow, front, ingest::Signal, issues, keys, log_query, logs, openapi, otlp_http, records,
    reply, status, traces,
};

/// One method on one path.
pub(super) struct Route {
    /// The method, in lower case.
    pub(super) method: &'static str,
    /// The path, with `{id}` for one segment; below `/traces/` for everything that follows.
    pub(super) path: &'static str,
    /// Which part of the documentation it belongs to.
    pub(super) tag: &'static str,
    /// What it does, one sentence.
    pub(super) summary: &'static str,
    /// Query parameters.
    pub(super) parameters: &'static [Parameter],
    /// Media types of the request's body; none when it has none.
    pub(super) takes: &'static [&'static str],
    /// Media type of a success, and the schema of the OpenAPI document it follows.
    pub(super) gives: (&'static str, Option<&'static str>),
    handler: fn() -> MethodRouter<Arc<App>>,
}

/// One query parameter.
pub(super) struct Parameter {
    /// Its name.
    pub(super) name: &'static str,
    /// `string`, `integer`, `number` or `boolean`; `string[]` when it may repeat.
    pub(super) kind: &'static str,
    /// What it does.
    pub(super) description: &'static str,
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
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    schema: &'static str,
    handler: fn() -> MethodRouter<Arc<App>>,
) -> Route {
    let gives = (JSON, Some(schema));
    Route { method: "get", path, tag: "query", summary, parameters, takes: &[], gives, handler }
}

const fn export(path: &'static str, summary: &'static str, handler: fn() -> MethodRouter<Arc<App>>) -> Route {
    let gives = ("application/x-protobuf", None);
    Route { method: "post", path, tag: "ingest", summary, parameters: &[], takes: OTLP, gives, handler }
}

/// Documented, but answered by `/traces/{id}`, which takes everything that follows.
const CHECKPOINT_STREAM: &str = "/traces/{id}/stream";

const fn checkpoints(
    path: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    schema: &'static str,
    handler: fn() -> MethodRouter<Arc<App>>,
) -> Route {
    Route { tag: "checkpoints", ..ask(path, summary, parameters, schema, handler) }
}

/// A route that, like the original's, does not answer HEAD.
fn get_only<H, T>(handler: H) -> MethodRouter<Arc<App>>
where
    H: axum::handler::Handler<T, Arc<App>>,
    T: 'static,
{
    get(handler).head(wrong_method)
}

/// Every route but the gRPC methods, in the order they are documented.
pub(super) const TABLE: &[Route] = &[
    export("/v1/traces", "Takes spans over OTLP/HTTP.", || post(traces_export)),
    export("/api/v1/traces/export", "Takes spans over OTLP/HTTP.", || post(traces_export)),
    export("/", "Takes spans over OTLP/HTTP.", || post(traces_export)),
    export("/v1/metrics", "Checks metrics over OTLP/HTTP and drops them.", || post(metrics_export)),
    export("/v1/logs", "Takes log records over OTLP/HTTP.", || post(logs_export)),
    Route {
        method: "post",
        tag: "logs",
        takes: &[JSON, "application/x-ndjson"],
        ..ask(
            path::INGEST,
            "Takes log entries: a JSON array of objects, one object, or one a line.",
            &[],
            "Taken",
            || post(logs::ingest),
        )
    },
    Route {
        method: "post",
        takes: &[JSON],
        ..checkpoints("/ingest", "Takes checkpoints: `{\"traces\":[…]}`.", &[], "Ingested", || {
            post(checkpoints::ingest)
        })
    },
    Route {
        method: "post",
        takes: &[JSON],
        ..checkpoints("/ingest/single", "Takes one checkpoint.", &[], "IngestedSingle", || {
            post(checkpoints::ingest_single)
        })
    },
    checkpoints("/traces/{id}", "The checkpoints of a correlation id.", SOURCE, "CheckpointTrace", || {
        get_only(checkpoints::trace)
    }),
    Route {
        gives: ("text/event-stream", None),
        ..checkpoints(CHECKPOINT_STREAM, "The same, and then those that arrive, as events.", STREAM, "", || {
            get_only(checkpoints::trace)
        })
    },
    checkpoints("/correlations", "The correlation ids that were heard of last.", CORRELATIONS, "Correlations", || {
        get_only(checkpoints::correlations)
    }),
    checkpoints("/recent", "The newest checkpoints, oldest first.", RECENT, "Recent", || get_only(checkpoints::recent)),
    checkpoints("/stats", "What the server does now.", &[], "ServerStats", || get_only(checkpoints::stats)),
    checkpoints("/stats/sources", "Which source sends how much.", &[], "SourceRates", || {
        get_only(checkpoints::source_rates)
    }),
    Route {
        method: "delete",
        ..checkpoints("/cleanup", "Removes what is past its retention at once.", &[], "Cleaned", || {
            delete(checkpoints::cleanup)
        })
    },
    ask(path::TRACES, "Lists traces, newest first.", LIST, "TraceList", || get(traces::list)),
    ask(path::TRACE_BY_ID, "One trace with all its records.", &[], "Trace", || get(traces::show)),
    ask(path::TRACE, "One trace, for ids a path cannot hold.", ID, "Trace", || get(traces::show_by_parameter)),
    ask(path::TREE, "One trace as a tree.", &[], "Tree", || get(traces::tree)),
    ask(path::LOGS, "Lists log records, newest first.", LOGS, "LogList", || get(log_query::list)),
    ask(path::STATS, "Totals, and latency by service and operation.", STATS, "Stats", || get(traces::stats)),
    ask(path::ISSUES, "Lists issues, the one seen last first.", ISSUES, "IssueList", || get(issues::list)),
    ask(path::ISSUE, "One issue with all that is known of it.", &[], "IssueDetail", || get(issues::show)),
    Route {
        method: "patch",
        tag: "admin",
        takes: &[JSON],
        ..ask(path::ISSUE, "Resolves, reopens or ignores an issue: `{\"status\":\"resolved\"}`.", &[], "Issue", || {
            patch(issues::change)
        })
    },
    Route {
        method: "delete",
        tag: "admin",
        ..ask(path::TRACES, "Deletes what the filter names, everything without one.", DELETION, "Removed", || {
            delete(traces::clear)
        })
    },
    Route {
        method: "delete",
        tag: "admin",
        ..ask(path::TRACE_BY_ID, "Deletes one trace.", &[], "Removed", || delete(traces::remove))
    },
    Route {
        tag: "admin",
        ..ask(path::KEYS, "Lists the keys ever issued, oldest first.", &[], "KeyList", || get(keys::list))
    },
    Route {
        method: "post",
        tag: "admin",
        takes: &[JSON],
        ..ask(path::KEYS, "Issues a key, of which only the SHA-256 is sent.", &[], "Key", || post(keys::issue))
    },
    Route {
        method: "delete",
        tag: "admin",
        ..ask(path::KEY_BY_ID, "Revokes a key for good.", &[], "Key", || delete(keys::revoke))
    },
    Route {
        tag: "server",
        ..ask("/health", "Whether the server can do its work.", &[], "Health", || get_only(status::health))
    },
    Route { tag: "server", ..ask(path::SERVER, "What runs here.", &[], "Server", || get(status::server)) },
    Route {
        tag: "server",
        gives: ("text/plain", None),
        ..ask("/metrics", "Counters for Prometheus.", &[], "", || get(status::metrics))
    },
    Route {
        tag: "server",
        gives: (JSON, None),
        ..ask("/openapi.json", "This document.", &[], "", || get(openapi::document))
    },
    Route {
        tag: "server",
        gives: ("text/html", None),
        ..ask("/docs", "This document, for people.", &[], "", || get(openapi::page))
    },
    Route {
        tag: "store",
        ..ask(path::SCAN, "Records in the order they were committed.", SCAN, "Chunk", || get(records::scan))
    },
    Route {
        tag: "store",
        gives: ("text/event-stream", None),
        ..ask(
            path::SCAN_STREAM,
            "The same, and then those that arrive, as events: `data` as of a scan, `id` the cursor behind it.",
            SCAN_STREAM,
            "",
            || get(follow::stream),
        )
    },
    Route {
        tag: "store",
        ..ask(path::CURSOR, "A place from which a scan can go on.", CURSOR, "ScanCursor", || get(records::cursor))
    },
    Route {
        tag: "store",
        ..ask(path::PLACE, "A place near the end of the records, to scan from.", PLACE, "Place", || get(records::place))
    },
    Route {
        method: "post",
        tag: "store",
        takes: &[JSON],
        ..ask(path::RECORDS, "Takes records as a scan gives them.", &[], "Written", || post(records::write))
    },
    Route {
        method: "post",
        tag: "store",
        takes: &[JSON],
        ..ask(path::KEY_USES, "Notes when keys were used: an object of ids and times.", &[], "Done", || {
            post(keys::touch)
        })
    },
    Route {
        method: "post",
        tag: "store",
        ..ask(path::PRUNE, "Removes what is past its retention.", PRUNE, "Removed", || post(records::prune))
    },
];

/// Whether a path takes OTLP over HTTP.
pub(super) fn is_otlp(path: &str) -> bool {
    TABLE.iter().any(|route| route.tag == "ingest" && route.path == path)
}

/// The router of the table.
pub(super) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in TABLE {
        match route.path {
            CHECKPOINT_STREAM => {}
            // Clients do not escape correlation ids, so there may be slashes.
            "/traces/{id}" => router = router.route("/traces/{*id}", (route.handler)()),
            path => router = router.route(path, (route.handler)()),
        }
    }
    router
        .method_not_allowed_fallback(wrong_method)
        .route_layer(middleware::from_fn(front::note_route))
        .fallback(nothing_there)
        .with_state(app)
}

async fn traces_export(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    otlp_http::export(app, Signal::Traces, request).await
}

async fn metrics_export(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    otlp_http::export(app, Signal::Metrics, request).await
}

async fn logs_export(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    otlp_http::export(app, Signal::Logs, request).await
}

async fn nothing_there(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if let Some(answer) = checkpoints::misdirected(&method, &uri, headers.get(header::HOST)) {
        return answer;
    }
    reply::problem(StatusCode::NOT_FOUND, &format!("there is nothing at {}; see /docs", told(&uri)))
}

/// The router adds which methods there are.
async fn wrong_method(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if let Some(answer) = checkpoints::misdirected(&method, &uri, headers.get(header::HOST)) {
        return answer;
    }
    let path = told(&uri);
    let method: String = method.as_str().chars().take(20).collect();
    let sentence = format!("{path} does not take {method}; see /docs");
    match is_otlp(uri.path()) {
        true => otlp_http::status(MediaType::Json, StatusCode::METHOD_NOT_ALLOWED, &sentence),
        false => reply::problem(StatusCode::METHOD_NOT_ALLOWED, &sentence),
    }
}

/// The path as an answer may repeat it: its beginning, and nothing from where a key may begin.
fn told(uri: &Uri) -> String {
    let path = uri.path();
    let end = path.find(KEY_PREFIX).unwrap_or(path.len());
    let mut told: String = path.chars().take(200).collect();
    if end < told.len() {
        told.truncate(end);
        told.push('…');
    }
    told
}
