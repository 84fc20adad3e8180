//! The JSON documents of those who change something: short, and read at once.

use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::Value as Json;

use crate::decode::body::MediaType;
use crate::server::app::App;
use crate::server::http::{Admitted, Failure, Reservation, body};

/// The JSON in the body of a request; `explain` says what is wrong with one that holds none.
///
/// # Errors
/// The body is said to be something else than JSON, does not arrive, is larger than the table of routes allows, or is no JSON.
pub(crate) async fn read_json(
    app: &App,
    admitted: &Admitted,
    request: Request<Body>,
    explain: fn(serde_json::Error) -> String,
) -> Result<Json, Failure> {
    let (head, body) = request.into_parts();
    // Whoever names no type is no page of another site that sends a form.
    let is_named = head.headers.contains_key(header::CONTENT_TYPE);
    if is_named && body::media_type(&head.headers) != Some(MediaType::Json) {
        return Err(Failure::Problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json".to_owned()));
    }
    let cap = app.limits.caps(admitted.route.cap).plain;
    let reservation = Reservation::for_body(&app.budget, admitted.id.clone());
    let received = body::read(&head.headers, body, cap, reservation, &app.limits).await;
    let received = received.map_err(|refusal| Failure::Problem(refusal.status(), refusal.message(cap)))?;
    serde_json::from_slice(&received.bytes).map_err(|error| Failure::bad(explain(error)))
}
