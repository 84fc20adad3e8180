//! What the server says of itself: whether it works, what it is, what it counted.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};

use crate::model::Nanos;
use crate::server::access::{self, CallersStore, Peer, Scope};
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
    let mut document = json!({
        "status": if app.counters.last_write_failed() { "degraded" } else { "healthy" },
        "service": "tracehub",
        "db": caller.is_ok_and(|caller| access::is_trusted(&caller, peer)).then(location),
        "retention_hours": hours(app.retention),
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": app.counters.uptime_seconds(),
    });
    // The published clients know these documents without it.
    if let Some(damaged_rows) = app.backend.damaged_rows().await.filter(|rows| *rows > 0) {
        document["damaged_rows"] = json!(damaged_rows);
    }
    Ok(answer::json(StatusCode::OK, &document))
}

/// `GET /api/v1/server`: where the database lies is only for callers on this machine and those who own the server, and
/// counts are of what the caller may see.
pub(crate) async fn server(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(Admitted { caller, .. }): Extension<Admitted>,
    Extension(store): Extension<CallersStore>,
) -> Answer {
    let counters = &app.counters;
    let trusted = access::is_trusted(&caller, peer);
    let counts = match store.project() {
        Some(project) => app.project_counts.of(project),
        None => counters.all(),
    };
    let database = match trusted {
        true => json!({
            "location": app.backend.info().location,
            "size_bytes": store.size_bytes().await,
            "retention_seconds": app.retention.map(|retention| retention.as_secs()),
            "damaged_rows": app.backend.damaged_rows().await,
        }),
        false => Json::Null,
    };
    let newest = app.backend.newest_received().await.ok().flatten();
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
        "exposed": app.access.is_exposed(),
        "open": app.access.is_open(),
        "keys": trusted.then(|| app.access.keyring().working()),
        "allowed_hosts": trusted.then(|| app.site.names()),
        "accepted": counts.accepted,
        "duplicates": counts.duplicates,
        "rejected": counts.rejected,
        "failed_requests": counts.failed,
        "last_received_time": counts.last_received.map(Nanos::to_rfc3339),
        "newest_received_time": newest.filter(|_| trusted).map(|time| time.to_rfc3339()),
    });
    Ok(answer::json(StatusCode::OK, &document))
}

/// `GET /metrics`: everything, or what is of the only project the caller may see.
pub(crate) async fn metrics(State(app): State<Arc<App>>, Extension(store): Extension<CallersStore>) -> Answer {
    const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";
    if let Some(project) = store.project() {
        let page = app.counters.to_prometheus_of(&app.project_counts.of(project));
        return Ok(answer::document(StatusCode::OK, MEDIA, page));
    }
    let gauges = Gauges {
        connections: app.connections.count(),
        in_flight_bytes: app.budget.used(),
        database_bytes: app.backend.size_bytes().await,
        disk: app.backend.disk_use(),
        damaged_rows: app.backend.damaged_rows().await,
    };
    let redacted = app.redaction.as_ref().map(|redaction| redaction.counts());
    let page = app.counters.to_prometheus(gauges, redacted.as_deref());
    Ok(answer::document(StatusCode::OK, MEDIA, page))
}
