//! The query parameters of the routes, as the table of routes and the documentation name them.

/// One query parameter.
pub(crate) struct Parameter {
    /// The name of the parameter.
    pub(crate) name: &'static str,
    /// The type of the value: `string`, `integer`, `number` or `boolean`; `string[]` when it may repeat.
    pub(crate) kind: &'static str,
    /// What the parameter does.
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

pub(crate) const LIST: &[Parameter] = &[
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
pub(crate) const ISSUES: &[Parameter] = &[
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
pub(crate) const LOGS: &[Parameter] = &[
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
pub(crate) const STATS: &[Parameter] = &[
    SINCE,
    UNTIL,
    SERVICE,
    parameter(
        "by",
        "string",
        "What a row stands for: `operation`, `service`, `source` or `model`; `nothing`: totals alone.",
    ),
];
pub(crate) const DELETION: &[Parameter] =
    &[KIND, TRACE, ENDED_BEFORE, parameter("dry_run", "boolean", "Count, but remove nothing.")];
pub(crate) const SCAN: &[Parameter] = &[
    KIND,
    TRACE,
    ENDED_BEFORE,
    parameter("after", "string", "Cursor of the last answer; the beginning when absent."),
    parameter("max", "integer", "At most about this many records, up to 10000, and of large ones fewer."),
    parameter("wait_ms", "integer", "How long to wait for something new, up to 30000."),
];
pub(crate) const SCAN_STREAM: &[Parameter] = &[
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
pub(crate) const CURSOR: &[Parameter] = &[parameter(
    "received_since",
    "string",
    "Before what the server received at or after this; the end of the store when absent.",
)];
pub(crate) const PLACE: &[Parameter] = &[
    KIND,
    TRACE,
    ENDED_BEFORE,
    parameter("records", "integer", "How many records, or a few more, lie behind the place; 0 when absent: the end."),
];
pub(crate) const PRUNE: &[Parameter] = &[
    parameter("received_before", "string", "Remove what the server received before this."),
    parameter("budget", "integer", "At most about this many records."),
];
pub(crate) const ID: &[Parameter] = &[parameter("id", "string", "The full id, whatever characters it holds.")];

pub(crate) const SOURCE: &[Parameter] = &[parameter("source", "string", "Only this source.")];
pub(crate) const STREAM: &[Parameter] =
    &[parameter("timeout", "integer", "Seconds after the stored ones until the stream ends; 60 when absent.")];
pub(crate) const CORRELATIONS: &[Parameter] =
    &[parameter("limit", "integer", "At most this many; 50 when absent, 0 for none, a negative number for all.")];
pub(crate) const RECENT: &[Parameter] = &[
    parameter("limit", "integer", "At most this many, up to 1000; 200 when absent, a negative number for all."),
    parameter("since_id", "integer", "Only records with a larger id."),
    parameter("source", "string", "Only sources that begin with this, in any case."),
];
