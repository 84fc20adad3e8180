//! From the table of routes to what answers them: which handler belongs to which endpoint, and what is said where there
//! is none.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::State,
    middleware,
    routing::{MethodFilter, MethodRouter, on},
};
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};

use crate::{decode::body::MediaType, secret::KEY_PREFIX};

use crate::server::{
    answer,
    app::App,
    checkpoints::{self, figures, lookup, paths},
    follow, front, issues, keys, log_query, logs, openapi,
    otlp::Signal,
    otlp_http, records, status,
    table::{Endpoint, Method, Route, TABLE, is_otlp},
    traces,
};

/// The router of the table.
pub(crate) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in TABLE {
        match route.endpoint {
            // `/traces/{id}` takes everything that follows.
            Endpoint::CheckpointStream => {}
            // Clients do not escape correlation ids, so there may be slashes.
            Endpoint::CheckpointTrace => router = router.route("/traces/{*id}", method_router(route)),
            _ => router = router.route(route.path, method_router(route)),
        }
    }
    router
        .method_not_allowed_fallback(wrong_method)
        .route_layer(middleware::from_fn(front::note_route))
        .fallback(nothing_there)
        .with_state(app)
}

/// A route and, lest it answers HEAD where the original does not, its refusal.
fn method_router(route: &Route) -> MethodRouter<Arc<App>> {
    match route.is_of_original() && route.method == Method::Get {
        true => handler(route).head(wrong_method),
        false => handler(route),
    }
}

/// The handler of a route.
fn handler(route: &Route) -> MethodRouter<Arc<App>> {
    let method = match route.method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    };
    match route.endpoint {
        Endpoint::ExportTraces => on(method, traces_export),
        Endpoint::ExportMetrics => on(method, metrics_export),
        Endpoint::ExportLogs => on(method, logs_export),
        Endpoint::IngestLogs => on(method, logs::ingest),
        Endpoint::IngestCheckpoints => on(method, checkpoints::ingest),
        Endpoint::IngestCheckpoint => on(method, checkpoints::ingest_single),
        Endpoint::CheckpointTrace | Endpoint::CheckpointStream => on(method, lookup::trace),
        Endpoint::Correlations => on(method, lookup::correlations),
        Endpoint::RecentCheckpoints => on(method, lookup::recent),
        Endpoint::ServerFigures => on(method, figures::stats),
        Endpoint::SourceRates => on(method, figures::source_rates),
        Endpoint::Cleanup => on(method, checkpoints::cleanup),
        Endpoint::ListTraces => on(method, traces::list),
        Endpoint::ShowTrace => on(method, traces::show),
        Endpoint::ShowTraceByParameter => on(method, traces::show_by_parameter),
        Endpoint::TraceTree => on(method, traces::tree),
        Endpoint::DeleteTraces => on(method, traces::clear),
        Endpoint::DeleteTrace => on(method, traces::remove),
        Endpoint::Stats => on(method, traces::stats),
        Endpoint::ListLogs => on(method, log_query::list),
        Endpoint::ListIssues => on(method, issues::list),
        Endpoint::ShowIssue => on(method, issues::show),
        Endpoint::ChangeIssue => on(method, issues::change),
        Endpoint::ListKeys => on(method, keys::list),
        Endpoint::IssueKey => on(method, keys::issue),
        Endpoint::RevokeKey => on(method, keys::revoke),
        Endpoint::NoteKeyUses => on(method, keys::touch),
        Endpoint::Health => on(method, status::health),
        Endpoint::Server => on(method, status::server),
        Endpoint::Metrics => on(method, status::metrics),
        Endpoint::OpenApi => on(method, openapi::document),
        Endpoint::Docs => on(method, openapi::page),
        Endpoint::Scan => on(method, records::scan),
        Endpoint::ScanStream => on(method, follow::stream),
        Endpoint::ScanCursor => on(method, records::cursor),
        Endpoint::Place => on(method, records::place),
        Endpoint::WriteRecords => on(method, records::write),
        Endpoint::Prune => on(method, records::prune),
    }
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

async fn nothing_there(method: http::Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if let Some(answer) = paths::misdirected(&method, &uri, headers.get(header::HOST)) {
        return answer;
    }
    answer::problem(StatusCode::NOT_FOUND, &format!("there is nothing at {}; see /docs", shown_path(&uri)))
}

/// The router adds which methods there are.
async fn wrong_method(method: http::Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if let Some(answer) = paths::misdirected(&method, &uri, headers.get(header::HOST)) {
        return answer;
    }
    let path = shown_path(&uri);
    let method: String = method.as_str().chars().take(20).collect();
    let sentence = format!("{path} does not take {method}; see /docs");
    match is_otlp(uri.path()) {
        true => otlp_http::status(MediaType::Json, StatusCode::METHOD_NOT_ALLOWED, &sentence),
        false => answer::problem(StatusCode::METHOD_NOT_ALLOWED, &sentence),
    }
}

/// The path as an answer may repeat it: its beginning, and nothing from where a key may begin.
fn shown_path(uri: &Uri) -> String {
    let path = uri.path();
    let end = path.find(KEY_PREFIX).unwrap_or(path.len());
    let mut shown: String = path.chars().take(200).collect();
    if end < shown.len() {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}
