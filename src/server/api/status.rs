//! What the server says of itself: whether it works, what it is, what it counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};

use crate::server::access::{self, Peer, Scope};
use crate::server::app::App;
use crate::server::compat::replies::hours;
use crate::server::counters::Gauges;
use crate::server::http::{Admitted, Answer, answer};

/// `GET /health`: `degraded` while the last attempt to store something failed. Needs no key. Begins with the keys of the
/// published Python server; where the database lies is only for callers who may read and are on this machine or own the
/// server.
pub(crate) async fn health(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(Admitted { caller, .. }): Extension<Admitted>,
    headers: HeaderMap,
) -> Answer {
    let caller = app.access.authorize(&caller, &headers, Scope::Read);
    let location = || app.backend.info().location.clone();
    let document = json!({
        "status": if app.counters.last_write_failed() { "degraded" } else { "healthy" },
        "service": "tracehub",
        "db": caller.is_ok_and(|caller| access::is_trusted(&caller, peer)).then(location),
        "retention_hours": hours(app.retention),
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": app.counters.uptime_seconds(),
    });
    Ok(answer::json(StatusCode::OK, &document))
}

/// `GET /api/v1/server`: where the database lies is only for callers on this machine and those who own the server.
pub(crate) async fn server(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(Admitted { caller, .. }): Extension<Admitted>,
) -> Answer {
    let counters = &app.counters;
    let trusted = access::is_trusted(&caller, peer);
    let database = match trusted {
        true => json!({
            "location": app.backend.info().location,
            "size_bytes": app.backend.size_bytes().await,
            "retention_seconds": app.retention.map(|retention| retention.as_secs()),
        }),
        false => Json::Null,
    };
    let document = json!({
        "status": if counters.last_write_failed() { "degraded" } else { "ok" },
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "started_time": counters.started.to_rfc3339(),
        "uptime_seconds": counters.uptime_seconds(),
        "url": app.url,
        "otlp_grpc": app.side_ports.0.map(|address| address.to_string()),
        "otlp_http": app.side_ports.1.map(|address| address.to_string()),
        "database": database,
        "accepted": counters.accepted.load(Ordering::Relaxed),
        "duplicates": counters.duplicates.load(Ordering::Relaxed),
        "rejected": counters.rejected.load(Ordering::Relaxed),
        "failed_requests": counters.failed(),
        "last_received_time": counters.last_received().map(|time| time.to_rfc3339()),
    });
    Ok(answer::json(StatusCode::OK, &document))
}

/// `GET /metrics`
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Answer {
    let gauges = Gauges {
        connections: app.connections.count(),
        in_flight_bytes: app.budget.used(),
        database_bytes: app.backend.size_bytes().await,
    };
    let page = app.counters.to_prometheus(gauges);
    Ok(answer::document(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", page))
}
