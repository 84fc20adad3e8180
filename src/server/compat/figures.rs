//! What the successor of the published server says of itself: `/stats` and `/stats/sources`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::server::access::{self, CallersStore, Peer};
use crate::server::app::App;
use crate::server::compat::replies::hours;
use crate::server::http::{Admitted, Answer, answer};
use crate::server::rate::WINDOW_SECONDS;

/// Sources `/stats` names.
const TOP: usize = 5;
const MEBIBYTE: f64 = 1_048_576.0;

/// `GET /stats`: the path of the database is only for callers on this machine and those who own the server, and a caller
/// who may see one project only hears of no other.
pub(crate) async fn stats(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(Admitted { caller, .. }): Extension<Admitted>,
    Extension(store): Extension<CallersStore>,
) -> Answer {
    let counters = &app.counters;
    let second = counters.uptime_seconds();
    let path = access::is_trusted(&caller, peer).then(|| app.backend.info().location.clone());
    let mut sources = app.sources.all(store.project(), second);
    // Stable, so that the first seen comes first among equals.
    sources.sort_by_key(|source| std::cmp::Reverse(source.total));
    let top: Vec<Json> = sources
        .iter()
        .take(TOP)
        .map(|source| json!({ "source_id": source.source_id, "rpm": source.last_minute }))
        .collect();
    let (active_correlations, total_queues) = app.checkpoint_streams.count(store.project());
    let counts = match store.project() {
        Some(project) => app.project_counts.of(project),
        None => counters.all(),
    };
    let document = json!({
        "uptime_seconds": second,
        "subscribers": { "active_correlations": active_correlations, "total_queues": total_queues },
        "requests": {
            "ingest_total": counts.checkpoints_accepted,
            "ingest_duplicates": counts.checkpoints_duplicate,
            "recent_requests_total": counts.recent_requests.total(),
            "recent_rpm": counts.recent_requests.last_minute(second),
        },
        "database": {
            "path": path,
            "size_mb": store.size_bytes().await.map(|bytes| rounded(bytes as f64 / MEBIBYTE, 100.0)),
            "retention_hours": hours(app.retention),
        },
        "memory": { "rss_mb": resident_bytes().filter(|_| store.project().is_none()).map(|bytes| rounded(bytes as f64 / MEBIBYTE, 10.0)) },
        "top_sources": top,
    });
    Ok(answer::json(StatusCode::OK, &document))
}

fn rounded(number: f64, places: f64) -> f64 {
    (number * places).round() / places
}

/// Bytes of this process in memory; `None` where the system does not say.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

/// `GET /stats/sources`: who sends how much, the busiest of the last minute first.
pub(crate) async fn source_rates(State(app): State<Arc<App>>, Extension(store): Extension<CallersStore>) -> Answer {
    let mut sources = app.sources.all(store.project(), app.counters.uptime_seconds());
    sources.sort_by(|a, b| b.last_minute.cmp(&a.last_minute).then_with(|| a.source_id.cmp(&b.source_id)));
    Ok(answer::json(StatusCode::OK, &json!({ "sources": sources, "window_seconds": WINDOW_SECONDS })))
}
