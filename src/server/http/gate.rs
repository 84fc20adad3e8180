//! The gate before every handler. The row of the table of routes says what a caller needs, the front has said who they
//! are, and here they are let in or refused; a handler finds who asks, and the store as they may see it, beside its
//! request.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{MatchedPath, Query, State};
use axum::middleware::Next;
use http::{Request, Response, StatusCode};

use crate::api::Pairs;
use crate::server::access::{Caller, CallersStore};
use crate::server::api::parameters;
use crate::server::api::table::Route;
use crate::server::app::App;
use crate::server::http::{ErrorStyle, body};

/// Someone who was let in, and the row of the table they were let in for; every handler finds it among the extensions
/// of its request.
#[derive(Clone)]
pub(crate) struct Admitted {
    /// The caller.
    pub(crate) caller: Caller,
    /// The row of the table that the request asks for.
    pub(crate) route: &'static Route,
}

/// The gate of one row.
#[derive(Clone)]
pub(crate) struct Gate {
    /// The server whose gate it is.
    pub(crate) app: Arc<App>,
    /// The row of the table behind the gate.
    pub(crate) route: &'static Route,
}

/// Middleware that lets a request pass if its caller, whom the front has put among its extensions, may do what the row
/// says.
pub(crate) async fn admit(
    State(Gate { app, route }): State<Gate>,
    Extension(caller): Extension<Caller>,
    mut request: Request<Body>,
    next: Next,
) -> Response<Body> {
    match app.access.authorize(&caller, request.headers(), route.scope) {
        Ok(caller) => {
            if let Err(sentence) = check_parameters(route, &request) {
                if route.takes_records() {
                    app.counters.ingest_failed("malformed");
                }
                return refuse(request, StatusCode::BAD_REQUEST, &sentence).await;
            }
            request.extensions_mut().insert(CallersStore::new(&caller, &app.backend));
            request.extensions_mut().insert(Admitted { caller, route });
            next.run(request).await
        }
        Err(refusal) => {
            if route.takes_records() {
                app.counters.ingest_failed("denied");
            }
            refuse(request, refusal.status, refusal.detail).await
        }
    }
}

/// Looks for a query parameter that the row does not have.
fn check_parameters(route: &Route, request: &Request<Body>) -> Result<(), String> {
    let uri = request.uri();
    if uri.query().is_none_or(str::is_empty) {
        return Ok(());
    }
    let Query(pairs) = Query::<Pairs>::try_from_uri(uri).map_err(|error| error.body_text())?;
    parameters::check(route, &pairs)
}

/// The answer to a request of which nothing is taken.
async fn refuse(request: Request<Body>, status: StatusCode, sentence: &str) -> Response<Body> {
    let style = ErrorStyle::of_request(&request);
    let (head, body) = request.into_parts();
    body::discard_unless_expected(&head.headers, body).await;
    style.problem(status, sentence)
}

/// What a request is counted under, as an extension of its response: the path of the row that answered. Requests to other
/// paths have none.
#[derive(Debug, Clone)]
pub(crate) struct CountedAs(pub(crate) String);

/// Middleware that notes which path of the table answers.
pub(crate) async fn note_path(path: MatchedPath, request: Request<Body>, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(CountedAs(path.as_str().to_owned()));
    response
}

/// Middleware that notes that a gRPC call was answered, whatever its path.
pub(crate) async fn note_grpc(mut response: Response<Body>) -> Response<Body> {
    response.extensions_mut().insert(CountedAs("grpc".to_owned()));
    response
}
