//! The gate before every handler. The row of the table of routes says what a caller needs, the front has said who they
//! are, and here they are let in or refused; a handler finds who asks, and the store as they may see it, beside its
//! request.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{MatchedPath, Query, State};
use axum::middleware::Next;
use http::{HeaderMap, Request, Response};

use crate::api::Pairs;
use crate::server::access::{Access, Caller, CallerId, CallersStore, Forbidden, Scope};
use crate::server::api::parameters;
use crate::server::api::table::Route;
use crate::server::app::App;
use crate::server::http::{ErrorStyle, Refusal};
use crate::server::senders::Refused;

/// Someone who was let in, and the row of the table they were let in for; every handler finds it among the extensions
/// of its request.
#[derive(Clone)]
pub(crate) struct Admitted {
    /// The caller.
    pub(crate) caller: Caller,
    /// Whose share and quota the request counts against.
    pub(crate) id: CallerId,
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
    let id = CallerId::new(&caller, request.extensions().get().copied());
    let admitted = check(&app, route, &caller, &id, request.headers())
        .and_then(|caller| check_parameters(route, &request).map(|()| caller));
    let caller = match admitted {
        Ok(caller) => caller,
        Err(refusal) => {
            if route.takes_records() {
                app.counters.ingest_failed(refusal.reason());
            }
            let style = ErrorStyle::of_request(&request);
            drop(request);
            let mut response = style.refusal(&refusal);
            if !refusal.is_denial() {
                response.extensions_mut().insert(Refused { reason: refusal.reason(), detail: refusal.message(0) });
            }
            return response;
        }
    };
    request.extensions_mut().insert(CallersStore::new(&caller, &app.backend));
    request.extensions_mut().insert(Admitted { caller, id, route });
    next.run(request).await
}

/// Who is let in.
fn check(app: &App, route: &Route, caller: &Caller, id: &CallerId, headers: &HeaderMap) -> Result<Caller, Refusal> {
    // A shared secret may be short, so who has guessed too often is not heard; a reverse proxy on this machine guesses for
    // everyone.
    let may_guess = id.network.is_loopback() || route.scope != Scope::Checkpoints || !Access::has_secret(headers);
    if !may_guess {
        app.quota.check_wrong_keys(id.network).map_err(Refusal::too_many_keys)?;
    }
    let caller = app.access.authorize(caller, headers, route.scope).map_err(|refusal| refuse(app, id, refusal))?;
    if route.takes_records() {
        app.quota.check(&caller, id).map_err(Refusal::quota)?;
    }
    Ok(caller)
}

/// What someone hears who may not do this: a wrong key is one of so many that may be tried.
fn refuse(app: &App, id: &CallerId, refusal: Forbidden) -> Refusal {
    match refusal.is_wrong_key() {
        true => app.quota.note_wrong_key(id.network).map_or_else(Refusal::too_many_keys, |()| refusal.into()),
        false => refusal.into(),
    }
}

/// Looks for a query parameter that the row does not have.
fn check_parameters(route: &Route, request: &Request<Body>) -> Result<(), Refusal> {
    let uri = request.uri();
    if uri.query().is_none_or(str::is_empty) {
        return Ok(());
    }
    let Query(pairs) = Query::<Pairs>::try_from_uri(uri).map_err(|error| Refusal::Malformed(error.body_text()))?;
    parameters::check(route, &pairs).map_err(Refusal::Malformed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::api::table::http_routes;
    use crate::server::{Config, SidePort, start};

    #[tokio::test]
    async fn after_many_wrong_secrets_from_another_machine_no_secret_is_heard_from_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let (side, secret) = (SidePort::Off, Some("open sesame".to_owned()));
        let config = Config {
            port: 0,
            otlp_grpc: side,
            otlp_http: side,
            secret,
            ..Config::new(folder.path().join("traces.db"))
        };
        let running = start(config).await.expect("a server");
        let route = http_routes().find(|route| route.path == "/ingest").expect("a route");
        let status = |network: [u8; 4], secret: &'static str| {
            let (id, value) = (CallerId { network: network.into(), key: None }, http::HeaderValue::from_static(secret));
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-tracehub-secret"), value)]);
            let checked = check(&running.app, route, &Caller::Anonymous, &id, &headers);
            checked.map_or_else(|refusal| refusal.status().as_u16(), |_| 200)
        };
        let (there, elsewhere, here) = ([192, 0, 2, 1], [192, 0, 2, 2], [127, 0, 0, 1]);
        assert_eq!((status(there, "open sesame"), status(there, "open barley")), (200, 403));
        let guesses = |network| (0..1_000).find(|_| status(network, "open barley") == 429);
        // A guess comes back every half second, which a slow machine may take for one of these.
        assert!((0..5).any(|_| guesses(there).is_some() && status(there, "open sesame") == 429));
        assert!(guesses(here).is_some());
        assert_eq!((status(elsewhere, "open sesame"), status(here, "open sesame")), (200, 200));
        running.stop().await.expect("a clean stop");
    }
}
