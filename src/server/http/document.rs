//! The JSON documents of those who change something: short, and read at once.

use axum::body::Body;
use http::Request;
use serde_json::Value as Json;

use crate::server::app::App;
use crate::server::http::{Admitted, Failure, body};

/// The JSON in the body of a request; `explain` says what is wrong with one that holds none.
///
/// # Errors
/// The body does not arrive, is larger than the table of routes allows, or is no JSON.
pub(crate) async fn read_json(
    app: &App,
    admitted: &Admitted,
    request: Request<Body>,
    explain: fn(serde_json::Error) -> String,
) -> Result<Json, Failure> {
    let (head, body) = request.into_parts();
    let cap = app.limits.caps(admitted.route.cap).plain;
    let received = body::read(&head.headers, body, cap, &app.budget, &app.limits).await;
    let received = received.map_err(|refusal| Failure::Problem(refusal.status(), refusal.message(cap)))?;
    serde_json::from_slice(&received.bytes).map_err(|error| Failure::bad(explain(error)))
}
