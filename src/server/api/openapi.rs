//! The API's documentation: an OpenAPI document made from the table of routes, and a page that draws it without asking
//! any other host for anything.

use std::collections::BTreeMap;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::api::path;
use crate::model::KeyScope;
use crate::server::access::Scope;
use crate::server::api::parameters;
use crate::server::api::table::{Endpoint, GRPC_TABLE, Route, Tag, http_routes};
use crate::server::http::answer;

const PAGE: &str = include_str!("docs.html");
/// The document without its paths and schemas.
const FRAME: &str = include_str!("openapi.json");
const SCHEMAS: &str = include_str!("schemas.json");
const STATUSES: &str = include_str!("statuses.json");

/// Groups of statuses of failures by name, with what each status means.
type Statuses = BTreeMap<String, BTreeMap<String, String>>;

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
    let statuses: Statuses = data(STATUSES);
    let mut paths = Map::new();
    for route in http_routes() {
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.as_str().to_lowercase()] = operation(route, &statuses);
    }
    for route in GRPC_TABLE {
        paths.insert(route.path.to_owned(), json!({ "post": grpc_operation(route) }));
    }
    let mut document: Json = data(FRAME);
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document["paths"] = Json::Object(paths);
    document["components"]["schemas"] = data(SCHEMAS);
    document
}

fn data<T: DeserializeOwned>(file: &str) -> T {
    serde_json::from_str(file).expect("the file is part of the program, and a test reads it")
}

fn operation(route: &Route, statuses: &Statuses) -> Json {
    let lists = route.parameters.iter().flat_map(|list| &parameters::lists()[*list]);
    let mut parameters: Vec<Json> = lists.map(query_parameter).collect();
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
        "responses": responses(route, statuses),
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
    let mut ways =
        vec![json!({}), json!({ "key": [needed] }), json!({ "bearer": [needed] }), json!({ "basic": [needed] })];
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

/// A query parameter of this name and type; a type that ends in `[]` may repeat.
fn query_parameter([name, kind, description]: &[String; 3]) -> Json {
    let schema = match kind.strip_suffix("[]") {
        Some(kind) => json!({ "type": "array", "items": { "type": kind } }),
        None => json!({ "type": kind }),
    };
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

fn responses(route: &Route, statuses: &Statuses) -> Json {
    let (media, schema) = route.gives;
    let schema = schema.map_or_else(|| json!({}), reference);
    let mut media_types = Map::from_iter([(media.to_owned(), schema)]);
    if route.tag == Tag::Ingest {
        media_types.insert("application/json".to_owned(), json!({}));
    }
    let groups: &[&str] = match route.tag {
        Tag::Ingest => &["key", "ingest"],
        Tag::Logs => &["log_key", "logs"],
        Tag::Checkpoints if route.method == Method::POST => &["secret", "sent"],
        Tag::Checkpoints => &["key", "asked"],
        Tag::Server if route.scope == Scope::None => &[],
        Tag::Server => &["key"],
        _ if route.path == path::ISSUE => &["key", "issue"],
        _ if route.path.contains("{id}") || route.path == path::TRACE => &["key", "trace"],
        _ => &["key", "query"],
    };
    let lacking = may_lack(route).then_some(&"lacking");
    let typed = (!route.takes.is_empty()).then_some(&"typed");
    // What a later group says of a status counts.
    let failures: BTreeMap<&String, &String> =
        typed.into_iter().chain(groups).chain(lacking).flat_map(|group| &statuses[*group]).collect();
    let success = if route.tag == Tag::Logs { "202" } else { "200" };
    let problem = if route.tag == Tag::Ingest { "RpcStatus" } else { "Problem" };
    let mut responses = json!({ success: { "description": "Done.", "content": media_types } });
    for (status, description) in failures {
        let content = json!({ "application/json": reference(problem) });
        responses[status] = json!({ "description": description, "content": content });
    }
    responses
}

fn reference(schema: &str) -> Json {
    json!({ "schema": { "$ref": format!("#/components/schemas/{schema}") } })
}

/// Whether a route needs a facet, which some kinds of stores do not have.
fn may_lack(route: &Route) -> bool {
    matches!(route.tag, Tag::Admin | Tag::Store) || [path::LOGS, path::ISSUES, path::ISSUE].contains(&route.path)
}

fn grpc_operation(route: &Route) -> Json {
    let Endpoint::Call(signal) = route.endpoint else { return Json::Null };
    json!({
        "tags": [route.tag],
        "summary": route.summary,
        "operationId": format!("grpc_export_{signal:?}").to_lowercase(),
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
