//! From the table of routes to what answers them: which handler belongs to which endpoint, and what is said where there
//! is none.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router, middleware};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};

use crate::decode::body::MediaType;
use crate::secret::KEY_PREFIX;
use crate::server::api::table::{Endpoint, GRPC_TABLE, Route, http_routes, is_otlp};
use crate::server::api::{issues, keys, logs, openapi, questions, scan, senders, status, traces};
use crate::server::app::App;
use crate::server::compat::checkpoints::Checkpoints;
use crate::server::compat::{cleanup, figures, lookup, paths};
use crate::server::http::gate::{self, Gate};
use crate::server::http::proto::Code;
use crate::server::http::{Admitted, ErrorStyle, answer, rpc_answer};
use crate::server::ingest::log_entries::LogEntries;
use crate::server::ingest::otlp_grpc::OtlpGrpc;
use crate::server::ingest::otlp_http::OtlpHttp;
use crate::server::ingest::stored_records::StoredRecords;
use crate::server::ingest::{Format, intake};

/// What answers requests over plain HTTP, and what answers gRPC calls.
#[derive(Debug)]
pub(crate) struct Routers {
    /// The router of [`http_routes`].
    pub(crate) http: Router,
    /// The router of [`GRPC_TABLE`].
    pub(crate) grpc: Router,
}

impl Routers {
    /// The routers of a server.
    pub(crate) fn new(app: &Arc<App>) -> Routers {
        let (mut http, mut grpc) = (Router::new(), Router::new());
        for route in http_routes() {
            match route.endpoint {
                // `/traces/{id}` takes everything that follows.
                Endpoint::CheckpointStream => {}
                // Clients do not escape correlation ids, so there may be slashes.
                Endpoint::CheckpointTrace => http = http.route("/traces/{*id}", gated(app, route)),
                _ => http = http.route(route.path, gated(app, route)),
            }
        }
        for route in GRPC_TABLE {
            grpc = grpc.route(route.path, gated(app, route));
        }
        let http = http
            .method_not_allowed_fallback(wrong_method)
            .route_layer(middleware::from_fn(gate::note_path))
            .fallback(nothing_there);
        let grpc = grpc
            .method_not_allowed_fallback(no_such_call)
            .fallback(no_such_call)
            .layer(middleware::map_response(gate::note_grpc));
        Routers { http: http.with_state(Arc::clone(app)), grpc: grpc.with_state(Arc::clone(app)) }
    }

    /// The router for requests that hear of failures in this style.
    pub(crate) fn router(&self, style: ErrorStyle) -> Router {
        match style {
            ErrorStyle::Grpc => self.grpc.clone(),
            _ => self.http.clone(),
        }
    }
}

/// The handler of a route behind its gate and, lest it answers HEAD where the original does not, the refusal of that.
fn gated(app: &Arc<App>, route: &'static Route) -> MethodRouter<Arc<App>> {
    let gate = Gate { app: Arc::clone(app), route };
    let gated = handler(route).route_layer(middleware::from_fn_with_state(gate, gate::admit));
    match route.is_of_original() && route.method == Method::GET {
        true => gated.head(wrong_method),
        false => gated,
    }
}

/// The handler of a route.
fn handler(route: &Route) -> MethodRouter<Arc<App>> {
    let method =
        MethodFilter::try_from(route.method.clone()).expect("the table has no other methods than the usual ones");
    match route.endpoint {
        Endpoint::Export(signal) => intake(method, move |headers| OtlpHttp::new(signal, headers)),
        Endpoint::Call(signal) => intake(method, move |headers| OtlpGrpc::new(signal, headers)),
        Endpoint::IngestLogs => intake(method, |_| LogEntries),
        Endpoint::IngestCheckpoints => intake(method, Checkpoints::batch),
        Endpoint::IngestCheckpoint => intake(method, Checkpoints::single),
        Endpoint::CheckpointTrace | Endpoint::CheckpointStream => on(method, lookup::trace),
        Endpoint::Correlations => on(method, lookup::correlations),
        Endpoint::RecentCheckpoints => on(method, lookup::recent),
        Endpoint::ServerFigures => on(method, figures::stats),
        Endpoint::SourceRates => on(method, figures::source_rates),
        Endpoint::Cleanup => on(method, cleanup::cleanup),
        Endpoint::ListTraces => on(method, traces::list),
        Endpoint::ShowTrace => on(method, traces::show),
        Endpoint::ShowTraceByParameter => on(method, traces::show_by_parameter),
        Endpoint::TraceTree => on(method, traces::tree),
        Endpoint::DeleteTraces => on(method, traces::clear),
        Endpoint::DeleteTrace => on(method, traces::remove),
        Endpoint::Stats => on(method, traces::stats),
        Endpoint::Why => on(method, questions::why),
        Endpoint::Attributes => on(method, questions::attributes),
        Endpoint::ListQueries => on(method, questions::list_saved),
        Endpoint::SaveQuery => on(method, questions::save),
        Endpoint::DeleteQuery => on(method, questions::delete_saved),
        Endpoint::ListLogs => on(method, logs::list),
        Endpoint::ListIssues => on(method, issues::list),
        Endpoint::ShowIssue => on(method, issues::show),
        Endpoint::ChangeIssue => on(method, issues::change),
        Endpoint::ListKeys => on(method, keys::list),
        Endpoint::IssueKey => on(method, keys::issue),
        Endpoint::RevokeKey => on(method, keys::revoke),
        Endpoint::NoteKeyUses => on(method, keys::note_uses),
        Endpoint::Health => on(method, status::health),
        Endpoint::Server => on(method, status::server),
        Endpoint::ListSenders => on(method, senders::list),
        Endpoint::Metrics => on(method, status::metrics),
        Endpoint::OpenApi => on(method, openapi::document),
        Endpoint::Docs => on(method, openapi::page),
        Endpoint::Scan => on(method, scan::scan),
        Endpoint::ScanStream => on(method, scan::stream::stream),
        Endpoint::ScanCursor => on(method, scan::cursor),
        Endpoint::Place => on(method, scan::place),
        Endpoint::WriteRecords => intake(method, |_| StoredRecords),
        Endpoint::Prune => on(method, scan::prune),
    }
}

/// The handler that takes records in the format that `choose` finds for the head of a request.
fn intake<F: Format>(
    method: MethodFilter,
    choose: impl Fn(&HeaderMap) -> F + Clone + Send + Sync + 'static,
) -> MethodRouter<Arc<App>> {
    let take = move |State(app): State<Arc<App>>, Extension(admitted): Extension<Admitted>, request: Request<Body>| {
        let format = choose(request.headers());
        async move { intake::take_records(&app, &admitted, format, request).await }
    };
    on(method, take)
}

async fn no_such_call() -> Response<Body> {
    rpc_answer::grpc_failure(Code::Unimplemented, "there is no such method")
}

async fn nothing_there(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if let Some(answer) = paths::misdirected(&method, &uri, headers.get(header::HOST)) {
        return answer;
    }
    answer::problem(StatusCode::NOT_FOUND, &format!("there is nothing at {}; see /docs", shown_path(&uri)))
}

/// The router adds which methods there are.
async fn wrong_method(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if let Some(answer) = paths::misdirected(&method, &uri, headers.get(header::HOST)) {
        return answer;
    }
    let path = shown_path(&uri);
    let method: String = method.as_str().chars().take(20).collect();
    let sentence = format!("{path} does not take {method}; see /docs");
    match is_otlp(uri.path()) {
        true => rpc_answer::http_failure(MediaType::Json, StatusCode::METHOD_NOT_ALLOWED, &sentence),
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
