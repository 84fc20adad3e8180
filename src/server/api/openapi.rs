//! The API's documentation: an OpenAPI document made from the table of routes, and a page that draws it without asking
//! any other host for anything.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::api::path;
use crate::model::KeyScope;
use crate::server::access::Scope;
use crate::server::api::parameters::Parameter;
use crate::server::api::table::{Endpoint, GRPC_TABLE, Method, Route, Tag, http_routes};
use crate::server::http::answer;

const PAGE: &str = include_str!("docs.html");
const SCHEMAS: &str = include_str!("schemas.json");

/// `GET /openapi.json`
pub(crate) async fn document() -> Response<Body> {
    answer::json(StatusCode::OK, &openapi())
}

/// `GET /docs`
pub(crate) async fn page() -> Response<Body> {
    let mut response = answer::document(StatusCode::OK, "text/html; charset=utf-8", PAGE);
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy()) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Allows the page's own script and style by their digests, and nothing else.
fn content_security_policy() -> String {
    let digest = |tag: &str| {
        let text = PAGE.split_once(&format!("<{tag}>")).and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")));
        let text = text.map_or("", |(text, _)| text);
        format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        digest("script"),
        digest("style")
    )
}

/// The OpenAPI 3.1 document of every route.
pub(crate) fn openapi() -> Json {
    let mut paths = Map::new();
    for route in http_routes() {
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.as_str().to_lowercase()] = operation(route);
    }
    for route in GRPC_TABLE {
        paths.insert(route.path.to_owned(), json!({ "post": grpc_operation(route) }));
    }
    let schemas: Json = serde_json::from_str(SCHEMAS).expect("the file is part of the program, and a test reads it");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "tracehub",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Takes OpenTelemetry data and answers questions about it. A success of an ingest route \
                            means that the records are on disk; 503 means that the same request may succeed later. \
                            Once a key was issued, or when other machines can reach the server, callers need a key \
                            that permits to `ingest`, to `read` or to `admin`.",
        },
        "tags": [
            { "name": "ingest", "description": "OTLP over HTTP and gRPC, gzip or deflate, up to 64 MiB inflated." },
            { "name": "logs", "description": "Log entries as `tracehub-logger` sends them, gzip or deflate, up to 20 MiB \
                compressed and 100 MiB inflated. Whatever a field holds is taken; a bad entry costs itself alone. An entry \
                without a time gets the one of its arrival, and a body of such entries that comes again within 50 s is \
                the same body." },
            { "name": "checkpoints", "description": "The API of the published Python `tracehub` server. With \
                `TRACEHUB_SECRET` set, the routes that take checkpoints want it in the header `X-TraceHub-Secret`." },
            { "name": "query", "description": "Read what was collected." },
            { "name": "admin", "description": "Delete, decide about issues, issue and revoke keys." },
            { "name": "server", "description": "The server itself." },
            { "name": "store", "description": "The store over HTTP, for programs that use a server as their backend." },
        ],
        "paths": paths,
        "security": [{}, { "key": [] }, { "bearer": [] }],
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                "bearer": { "type": "http", "scheme": "bearer" },
                "secret": { "type": "apiKey", "in": "header", "name": "X-TraceHub-Secret" },
            },
        },
    })
}

fn operation(route: &Route) -> Json {
    let mut parameters: Vec<Json> = route.parameters.iter().map(query_parameter).collect();
    if route.path.contains("{id}") {
        parameters.insert(
            0,
            json!({
                "name": "id", "in": "path", "required": true, "schema": { "type": "string" },
                "description": id_description(route),
            }),
        );
    }
    let mut operation = json!({
        "tags": [route.tag.as_str()],
        "summary": route.summary,
        "operationId": operation_id(route),
        "parameters": parameters,
        "responses": responses(route),
        "security": security(route.scope),
    });
    if !route.takes.is_empty() {
        let content: Map<String, Json> = route.takes.iter().map(|media| ((*media).to_owned(), json!({}))).collect();
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

/// What a caller may present for a scope, with what a key must permit. Nothing is enough as long as no key was issued.
fn security(scope: Scope) -> Json {
    let Some(needed) = scope.needed_key().map(KeyScope::as_str) else { return json!([]) };
    let mut ways = vec![json!({}), json!({ "key": [needed] }), json!({ "bearer": [needed] })];
    if scope == Scope::Checkpoints {
        ways.push(json!({ "secret": [] }));
    }
    Json::Array(ways)
}

fn id_description(route: &Route) -> &'static str {
    match route.tag {
        Tag::Checkpoints => "The correlation id; it may hold slashes, escaped or not.",
        _ if route.path == path::ISSUE => "The full id of the issue.",
        _ => "The full trace id, percent-encoded; it may hold slashes.",
    }
}

fn operation_id(route: &Route) -> String {
    let name = route.path.replace(['{', '}'], "").replace("/api/v1", "");
    let words: Vec<&str> = name.split(['/', '.']).filter(|word| !word.is_empty()).collect();
    // Some paths of the original are the tails of ours.
    let area = if route.tag == Tag::Checkpoints { "checkpoints_" } else { "" };
    format!(
        "{area}{}_{}",
        route.method.as_str().to_lowercase(),
        if words.is_empty() { "root".to_owned() } else { words.join("_") }
    )
}

fn query_parameter(parameter: &Parameter) -> Json {
    let schema = match parameter.kind.strip_suffix("[]") {
        Some(kind) => json!({ "type": "array", "items": { "type": kind } }),
        None => json!({ "type": parameter.kind }),
    };
    json!({ "name": parameter.name, "in": "query", "description": parameter.description, "schema": schema })
}

fn responses(route: &Route) -> Json {
    let (media, schema) = route.gives;
    let schema = match schema {
        Some(name) => json!({ "schema": { "$ref": format!("#/components/schemas/{name}") } }),
        None => json!({}),
    };
    let mut media_types = Map::from_iter([(media.to_owned(), schema)]);
    let mut responses = json!({});
    let (key_statuses, own_statuses): (Statuses, Statuses) = match route.tag {
        Tag::Ingest => {
            media_types.insert("application/json".to_owned(), json!({}));
            (KEY_STATUSES, INGEST_STATUSES)
        }
        Tag::Logs => (LOG_KEY_STATUSES, LOG_STATUSES),
        Tag::Checkpoints if route.method == Method::Post => (SECRET_STATUSES, SENT_STATUSES),
        Tag::Checkpoints => (KEY_STATUSES, ASKED_STATUSES),
        Tag::Server if route.scope == Scope::None => (&[], &[]),
        Tag::Server => (KEY_STATUSES, &[]),
        _ if route.path == path::ISSUE => (KEY_STATUSES, ISSUE_STATUSES),
        _ if route.path.contains("{id}") || route.path == path::TRACE => (KEY_STATUSES, TRACE_STATUSES),
        _ => (KEY_STATUSES, QUERY_STATUSES),
    };
    let mut statuses = [key_statuses, own_statuses].concat();
    if may_lack(route) {
        statuses.push(LACKING);
    }
    statuses.sort_unstable();
    let success = if route.tag == Tag::Logs { "202" } else { "200" };
    responses[success] = json!({ "description": "Done.", "content": media_types });
    let problem = match route.tag {
        Tag::Ingest => "RpcStatus",
        _ => "Problem",
    };
    for (status, description) in statuses {
        let content =
            json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{problem}") } } });
        responses[status] = json!({ "description": description, "content": content });
    }
    responses
}

/// Whether a route needs a facet, which some kinds of stores do not have.
fn may_lack(route: &Route) -> bool {
    matches!(route.tag, Tag::Admin | Tag::Store) || [path::LOGS, path::ISSUES, path::ISSUE].contains(&route.path)
}

type Statuses = &'static [(&'static str, &'static str)];

const KEY_STATUSES: Statuses = &[
    ("401", "No key or an unknown one, where one is needed."),
    ("403", "A key that is revoked or does not permit this; another web site, or a name this server does not go by."),
];
const LOG_KEY_STATUSES: Statuses = &[
    ("401", "No key, or an unknown one, where one is wanted."),
    ("403", "A key that may not send, another web site, or a name this server does not go by."),
];
const SECRET_STATUSES: Statuses = &[
    ("401", "Neither secret nor key, where one is needed."),
    ("403", "The wrong secret or key, another web site, or a name this server does not go by."),
];
const SLOW: (&str, &str) = ("408", "The body did not arrive in time.");
const TOO_LARGE: (&str, &str) = ("413", "More than 64 MiB, as sent or inflated.");
const OTHER_ENCODING: (&str, &str) = ("415", "Another encoding.");
const STORE_FAILED: (&str, &str) = ("500", "The database failed.");
const LACKING: (&str, &str) = (
    "501",
    "The kind of store this server serves has no such thing; `lacks` says what: feed, sink, logs, issues, keys.",
);
const LATER: (&str, &str) = ("503", "Try again after the seconds in `Retry-After`.");
const INGEST_STATUSES: Statuses = &[
    ("400", "Malformed; do not send it again."),
    SLOW,
    TOO_LARGE,
    ("415", "Another content type or encoding."),
    LATER,
];
const LOG_STATUSES: Statuses = &[
    ("400", "No log entries, or broken compression; do not send it again."),
    SLOW,
    ("413", "More than 20 MiB compressed, 100 MiB inflated, or 500000 entries."),
    OTHER_ENCODING,
    LATER,
];
const SENT_STATUSES: Statuses = &[
    ("400", "Unreadable; do not send it again."),
    SLOW,
    TOO_LARGE,
    OTHER_ENCODING,
    ("422", "Not valid; nothing of it was taken. `detail` is a list of what is wrong where."),
    LATER,
];
const ASKED_STATUSES: Statuses =
    &[("422", "A parameter cannot be used. `detail` is a list of what is wrong where."), STORE_FAILED, LATER];
const QUERY_STATUSES: Statuses = &[("400", "A parameter or the body cannot be used."), STORE_FAILED, LATER];
const ISSUE_STATUSES: Statuses = &[
    ("400", "There is no such status, or the body is no JSON."),
    ("404", "There is no issue with this id."),
    ("415", "Another content type."),
    STORE_FAILED,
    LATER,
];
const TRACE_STATUSES: Statuses = &[("404", "There is no trace with this id."), STORE_FAILED, LATER];

fn grpc_operation(route: &Route) -> Json {
    let signal = match route.endpoint {
        Endpoint::Call(signal) => signal.as_str(),
        _ => "",
    };
    json!({
        "tags": [route.tag.as_str()],
        "summary": route.summary,
        "operationId": format!("grpc_export_{signal}"),
        "requestBody": { "required": true, "content": { "application/grpc": {} } },
        "responses": { "200": { "description": "See the `grpc-status` trailer.", "content": { "application/grpc": {} } } },
        "security": security(route.scope),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            Checkpoint, Cost, DatabaseInfo, Event, HourCount, Issue, IssueDetail, IssueStatus, Key, KeyScope, Kind,
            Link, OperationStats, RecordKind, Removed, Scope, Severity, Span, Stats, StatusChange, StatusCode,
            Timeline, Tokens, TraceStatus, TraceSummary, Written,
            grouping::Why,
            json::{Document, LOG_KEYS},
        },
        query::{TraceReport, samples},
    };

    #[test]
    fn schemas_name_the_keys_of_the_documents_and_no_others() {
        let schemas: Json = serde_json::from_str(SCHEMAS).expect("JSON");
        let report = TraceReport::new(samples::trace(vec![samples::span("a", 1, 0, 1, 2)]));
        let (list, tree) = (report.to_json(), report.to_tree_json());
        let beside_summary = |document: &Map<String, Json>| -> Vec<String> {
            document.keys().filter(|key| !TraceSummary::KEYS.contains(&key.as_str())).cloned().collect()
        };
        let (list, tree) = (beside_summary(&list), beside_summary(&tree));
        let names = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        for (place, mut keys) in [
            ("/TraceSummary", names(TraceSummary::KEYS)),
            ("/TraceSummary/properties/tokens", names(Tokens::KEYS)),
            ("/TraceSummary/properties/cost", names(Cost::KEYS)),
            ("/Trace/allOf/1", list),
            ("/Tree/allOf/1", tree),
            ("/Span", names(Span::KEYS)),
            ("/Span/properties/events/items", names(Event::KEYS)),
            ("/Span/properties/links/items", names(Link::KEYS)),
            ("/Span/properties/scope", names(Scope::KEYS)),
            ("/Checkpoint", names(Checkpoint::KEYS)),
            ("/Log", names(LOG_KEYS)),
            ("/Issue", names(Issue::KEYS)),
            ("/Issue/properties/counts/items", names(HourCount::KEYS)),
            ("/IssueDetail", names(IssueDetail::KEYS)),
            ("/IssueDetail/properties/history/items", names(StatusChange::KEYS)),
            ("/IssueDetail/properties/why", names(Why::KEYS)),
            ("/Key", names(&[Key::KEYS, &["digest"]].concat())),
            ("/Stats", names(Stats::KEYS)),
            ("/Stats/properties/database", names(DatabaseInfo::KEYS)),
            ("/Stats/properties/timeline", names(Timeline::KEYS)),
            ("/Stats/properties/operations/items", names(OperationStats::KEYS)),
            ("/Written", names(Written::KEYS)),
            ("/Removed", names(Removed::KEYS)),
        ] {
            let schema = schemas.pointer(place).expect(place);
            let mut documented: Vec<String> = schema["properties"].as_object().expect(place).keys().cloned().collect();
            documented.sort();
            keys.sort();
            assert_eq!(documented, keys, "{place}");
        }
    }

    #[test]
    fn schemas_name_the_words_of_enums_and_no_others() {
        let schemas: Json = serde_json::from_str(SCHEMAS).expect("JSON");
        for (place, mut words) in [
            ("/TraceSummary/properties/kinds/items", RecordKind::ALL.map(RecordKind::as_str).to_vec()),
            ("/TraceSummary/properties/status", TraceStatus::ALL.map(TraceStatus::as_str).to_vec()),
            ("/Span/properties/kind", Kind::ALL.map(Kind::as_str).to_vec()),
            ("/Span/properties/status", StatusCode::ALL.map(StatusCode::as_str).to_vec()),
            ("/Log/properties/level", Severity::ALL.map(Severity::as_str).to_vec()),
            ("/Issue/properties/status", IssueStatus::ALL.map(IssueStatus::as_str).to_vec()),
            (
                "/IssueDetail/properties/history/items/properties/status",
                IssueStatus::ALL.map(IssueStatus::as_str).to_vec(),
            ),
            ("/Key/properties/scopes/items", KeyScope::ALL.map(KeyScope::as_str).to_vec()),
        ] {
            let documented = schemas.pointer(place).expect(place)["enum"].as_array().expect(place);
            let mut documented: Vec<&str> = documented.iter().filter_map(Json::as_str).collect();
            documented.sort_unstable();
            words.sort_unstable();
            assert_eq!(documented, words, "{place}");
        }
    }

    #[test]
    fn every_route_is_documented_once_and_every_reference_leads_somewhere() {
        let document = openapi();
        let documented: usize = document["paths"]
            .as_object()
            .expect("paths")
            .values()
            .map(|path| path.as_object().map_or(0, Map::len))
            .sum();
        assert_eq!(documented, http_routes().count() + GRPC_TABLE.len());
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().expect("a name");
            assert!(document["components"]["schemas"][name].is_object(), "{name} is not there");
        }
    }

    #[test]
    fn operation_ids_are_unique() {
        let mut ids: Vec<String> = http_routes().map(operation_id).collect();
        ids.sort();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "{ids:?}");
    }

    #[test]
    fn the_page_asks_no_other_host_for_anything() {
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
        assert_eq!((PAGE.matches("<script>").count(), PAGE.matches("<style>").count()), (1, 1));
        assert!(!PAGE.contains("style=\"") && !PAGE.contains("onclick"), "the policy allows no inline attributes");
    }
}
