//! The API's documentation: an OpenAPI document made from the table of routes, and a page that draws it without asking
//! any other host for anything.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use axum::body::Body;

use crate::api::path;

use super::{
    otlp_grpc, reply,
    routes::{Parameter, Route, TABLE},
};

const PAGE: &str = include_str!("docs.html");
const SCHEMAS: &str = include_str!("schemas.json");

/// `GET /openapi.json`
pub(super) async fn document() -> Response<Body> {
    reply::json(StatusCode::OK, &openapi())
}

/// `GET /docs`
pub(super) async fn page() -> Response<Body> {
    let mut response = reply::document(StatusCode::OK, "text/html; charset=utf-8", PAGE);
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
pub(super) fn openapi() -> Json {
    let mut paths = Map::new();
    for route in TABLE {
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method] = operation(route);
    }
    for (path, signal) in otlp_grpc::METHODS {
        paths.insert(path.to_owned(), json!({ "post": grpc_operation(&format!("{signal:?}").to_lowercase()) }));
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
        "tags": [route.tag],
        "summary": route.summary,
        "operationId": operation_id(route),
        "parameters": parameters,
        "responses": responses(route),
    });
    if !route.takes.is_empty() {
        let content: Map<String, Json> = route.takes.iter().map(|media| ((*media).to_owned(), json!({}))).collect();
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

fn id_description(route: &Route) -> &'static str {
    match route.tag {
        "checkpoints" => "The correlation id; it may hold slashes, escaped or not.",
        _ if route.path == path::ISSUE => "The full id of the issue.",
        _ => "The full trace id, percent-encoded; it may hold slashes.",
    }
}

fn operation_id(route: &Route) -> String {
    let name = route.path.replace(['{', '}'], "").replace("/api/v1", "");
    let words: Vec<&str> = name.split(['/', '.']).filter(|word| !word.is_empty()).collect();
    // Some paths of the original are the tails of ours.
    let area = if route.tag == "checkpoints" { "checkpoints_" } else { "" };
    format!("{area}{}_{}", route.method, if words.is_empty() { "root".to_owned() } else { words.join("_") })
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
    let statuses: &[(&str, &str)] = match route.tag {
        "ingest" => {
            media_types.insert("application/json".to_owned(), json!({}));
            INGEST_STATUSES
        }
        "logs" => LOG_STATUSES,
        "checkpoints" if route.method == "post" => SENT_STATUSES,
        "checkpoints" => ASKED_STATUSES,
        "server" if NEEDS_NO_KEY.contains(&route.path) => &[],
        "server" => SERVER_STATUSES,
        _ if route.path == path::ISSUE => ISSUE_STATUSES,
        _ if route.path.contains("{id}") || route.path == path::TRACE => TRACE_STATUSES,
        _ => QUERY_STATUSES,
    };
    let success = if route.tag == "logs" { "202" } else { "200" };
    responses[success] = json!({ "description": "Done.", "content": media_types });
    let problem = match route.tag {
        "ingest" => "RpcStatus",
        _ => "Problem",
    };
    for (status, description) in statuses.iter().chain(LACKING_STATUSES.iter().filter(|_| may_lack(route))) {
        let content =
            json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{problem}") } } });
        responses[*status] = json!({ "description": description, "content": content });
    }
    responses
}

/// Whether a route needs a facet, which some kinds of stores do not have.
fn may_lack(route: &Route) -> bool {
    matches!(route.tag, "admin" | "store") || [path::LOGS, path::ISSUES, path::ISSUE].contains(&route.path)
}

/// Paths that answer everyone.
const NEEDS_NO_KEY: [&str; 3] = ["/health", "/docs", "/openapi.json"];

const LACKING_STATUSES: &[(&str, &str)] = &[(
    "501",
    "The kind of store this server serves has no such thing; `lacks` says what: feed, sink, logs, issues, keys.",
)];
const SERVER_STATUSES: &[(&str, &str)] = &[
    ("401", "No key or an unknown one, where one is needed."),
    ("403", "A key that is revoked or does not permit this; another web site, or a name this server does not go by."),
];
const INGEST_STATUSES: &[(&str, &str)] = &[
    ("400", "Malformed; do not send it again."),
    ("401", "No key or an unknown one, where one is needed."),
    ("403", "A key that is revoked or does not permit this; another web site, or a name this server does not go by."),
    ("408", "The body did not arrive in time."),
    ("413", "More than 64 MiB, as sent or inflated."),
    ("415", "Another content type or encoding."),
    ("503", "Try again after the seconds in `Retry-After`."),
];
const LOG_STATUSES: &[(&str, &str)] = &[
    ("400", "No log entries, or broken compression; do not send it again."),
    ("401", "No key, or an unknown one, where one is wanted."),
    ("403", "A key that may not send, another web site, or a name this server does not go by."),
    ("408", "The body did not arrive in time."),
    ("413", "More than 20 MiB compressed, 100 MiB inflated, or 500000 entries."),
    ("415", "Another encoding."),
    ("503", "Try again after the seconds in `Retry-After`."),
];
const SENT_STATUSES: &[(&str, &str)] = &[
    ("400", "Unreadable; do not send it again."),
    ("401", "Neither secret nor key, where one is needed."),
    ("403", "The wrong secret or key, another web site, or a name this server does not go by."),
    ("408", "The body did not arrive in time."),
    ("413", "More than 64 MiB, as sent or inflated."),
    ("415", "Another encoding."),
    ("422", "Not valid; nothing of it was taken. `detail` is a list of what is wrong where."),
    ("503", "Try again after the seconds in `Retry-After`."),
];
const ASKED_STATUSES: &[(&str, &str)] = &[
    ("401", "No key or an unknown one, where one is needed."),
    ("403", "A key that is revoked or does not permit this; another web site, or a name this server does not go by."),
    ("422", "A parameter cannot be used. `detail` is a list of what is wrong where."),
    ("500", "The database failed."),
    ("503", "Try again after the seconds in `Retry-After`."),
];
const QUERY_STATUSES: &[(&str, &str)] = &[
    ("400", "A parameter or the body cannot be used."),
    ("401", "No key or an unknown one, where one is needed."),
    ("403", "A key that is revoked or does not permit this; another web site, or a name this server does not go by."),
    ("500", "The database failed."),
    ("503", "Try again after the seconds in `Retry-After`."),
];
const ISSUE_STATUSES: &[(&str, &str)] = &[
    ("400", "There is no such status, or the body is no JSON."),
    ("401", "No key or an unknown one, where one is needed."),
    ("403", "A key that is revoked or does not permit this; another web site, or a name this server does not go by."),
    ("404", "There is no issue with this id."),
    ("415", "Another content type."),
    ("500", "The database failed."),
    ("503", "Try again after the seconds in `Retry-After`."),
];
const TRACE_STATUSES: &[(&str, &str)] = &[
    ("401", "No key or an unknown one, where one is needed."),
    ("403", "A key that is revoked or does not permit this; another web site, or a name this server does not go by."),
    ("404", "There is no trace with this id."),
    ("500", "The database failed."),
    ("503", "Try again after the seconds in `Retry-After`."),
];

fn grpc_operation(signal: &str) -> Json {
    json!({
        "tags": ["ingest"],
        "summary": format!("Takes {signal} over OTLP/gRPC (HTTP/2), as the route of the same name takes them over HTTP."),
        "operationId": format!("grpc_export_{signal}"),
        "requestBody": { "required": true, "content": { "application/grpc": {} } },
        "responses": { "200": { "description": "See the `grpc-status` trailer.", "content": { "application/grpc": {} } } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_documented_once_and_every_reference_leads_somewhere() {
        let document = openapi();
        let documented: usize = document["paths"]
            .as_object()
            .expect("paths")
            .values()
            .map(|path| path.as_object().map_or(0, Map::len))
            .sum();
        assert_eq!(documented, TABLE.len() + otlp_grpc::METHODS.len());
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().expect("a name");
            assert!(document["components"]["schemas"][name].is_object(), "{name} is not there");
        }
    }

    #[test]
    fn operation_ids_are_unique() {
        let mut ids: Vec<String> = TABLE.iter().map(operation_id).collect();
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
