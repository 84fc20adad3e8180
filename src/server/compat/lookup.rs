//! Reading checkpoints: those of one correlation id, the newest correlation ids, the newest records.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use http::{Request, StatusCode};
use rustc_hash::FxHashMap;
use serde_json::{Value as Json, json};

use crate::api::Pairs;
use crate::decode::checkpoint::Problems;
use crate::model::json::write_checkpoint;
use crate::model::{Checkpoint, Direction, RecordKind, Sort, TraceId, TraceQuery, TraceSummary};
use crate::server::access::CallersStore;
use crate::server::app::App;
use crate::server::compat::checkpoint_feed::Recent;
use crate::server::compat::large_traces::{self, Correlations};
use crate::server::compat::paths::CheckpointPath;
use crate::server::compat::{checkpoint_stream, stored};
use crate::server::http::{Answer, answer};
use crate::store;

/// Correlation ids listed when nobody says how many.
const CORRELATIONS: i64 = 50;
/// Newest records listed when nobody says how many, and at most.
const RECENT: i64 = 200;
const MOST_RECENT: i64 = 1_000;
/// Seconds a stream goes on when nobody says how many.
const STREAM_SECONDS: i64 = 60;
/// Records of one correlation id above which what was read of them is remembered.
const LARGE: u64 = 20_000;
/// Newest records looked at for a list of correlation ids, at least.
const LEAST_HEARD: usize = 10_000;
/// Traces read at once.
const PAGE: usize = 1_000;

/// `GET /traces/{id}` and `GET /traces/{id}/stream`
pub(crate) async fn trace(
    State(app): State<Arc<App>>,
    Extension(store): Extension<CallersStore>,
    Query(pairs): Query<Pairs>,
    request: Request<Body>,
) -> Answer {
    let Some(path) = CheckpointPath::parse(request.uri().path()) else {
        return Ok(answer::problem(StatusCode::NOT_FOUND, "Not Found"));
    };
    if path.is_stream {
        let mut problems = Problems::default();
        let seconds =
            last_value(&pairs, "timeout").map_or(Some(STREAM_SECONDS), |text| problems.integer("timeout", text));
        problems.check()?;
        let seconds = seconds.unwrap_or_default();
        return checkpoint_stream::follow(&app, store, request.headers(), path.id, seconds).await;
    }
    let mut found = stored::checkpoints(&*store, &path.id).await?;
    if let Some(source) = last_value(&pairs, "source").filter(|source| !source.is_empty()) {
        found.retain(|record| record.source_id.as_str() == source);
    }
    Ok(answer::write(false, move || answer::json_text(StatusCode::OK, trace_json(&path.id, &found))).await?)
}

/// The value of a parameter; of several, the last one counts.
fn last_value<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn trace_json(id: &str, records: &[Checkpoint]) -> String {
    let mut text = format!(r#"{{"correlation_id":{},"traces":["#, json!(id));
    for (index, record) in records.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "," });
        write_checkpoint(record, &mut text);
    }
    let count = |direction| records.iter().filter(|record| record.direction == direction).count();
    let entered = count(Direction::Enter);
    let is_complete = entered > 0 && entered == count(Direction::Exit);
    text.push_str(&format!(r#"],"count":{},"complete":{is_complete}}}"#, records.len()));
    text
}

/// `GET /correlations`
pub(crate) async fn correlations(
    State(app): State<Arc<App>>,
    Extension(store): Extension<CallersStore>,
    Query(pairs): Query<Pairs>,
) -> Answer {
    let mut problems = Problems::default();
    let limit = last_value(&pairs, "limit").map_or(Some(CORRELATIONS), |text| problems.integer("limit", text));
    problems.check()?;
    // A negative limit is none.
    let limit = usize::try_from(limit.unwrap_or_default()).unwrap_or(usize::MAX);
    let summaries = newest_traces(&store, limit).await?;
    let mut found = recently_heard(&store, &summaries).await?;
    let mut listed: Vec<Json> = Vec::new();
    for summary in &summaries {
        let heard = found.remove(&summary.trace_id).unwrap_or_default();
        listed.extend(correlations_of(&app, &store, summary, heard).await?);
    }
    listed.truncate(limit);
    let count = listed.len();
    Ok(answer::json(StatusCode::OK, &json!({ "correlations": listed, "count": count })))
}

/// The traces checkpoints were received for last, the newest first.
async fn newest_traces(store: &CallersStore, limit: usize) -> store::Result<Vec<TraceSummary>> {
    let (kind, sort) = (Some(RecordKind::Checkpoints), Sort::Received);
    let mut query = TraceQuery { kind, sort, limit: limit.min(PAGE), ..TraceQuery::default() };
    let mut summaries = Vec::new();
    while summaries.len() < limit {
        let page = store.traces(&query).await?;
        summaries.extend(page.items);
        let Some(next) = page.next else { break };
        query.cursor = Some(next);
    }
    Ok(summaries)
}

/// What the newest records say of these traces. Those heard of last lie close together at the end of the store, so one
/// look there mostly tells everything about all of them.
async fn recently_heard(
    store: &CallersStore,
    summaries: &[TraceSummary],
) -> store::Result<FxHashMap<TraceId, Correlations>> {
    let small = || summaries.iter().filter(|summary| summary.checkpoint_count <= LARGE);
    let mut found: FxHashMap<TraceId, Correlations> =
        small().map(|summary| (summary.trace_id.clone(), Correlations::new())).collect();
    if found.is_empty() {
        return Ok(found);
    }
    let filter = stored::filter(None);
    let wanted = small().map(|summary| summary.checkpoint_count).sum::<u64>();
    let least = usize::try_from(wanted).unwrap_or(usize::MAX).max(LEAST_HEARD);
    let start = store.feed_of_caller()?.place(&filter, least).await?;
    large_traces::read_on(&**store, &filter, start, |record| {
        if let Some(correlations) = found.get_mut(&record.trace_id) {
            correlations.entry(record.correlation_id.to_string()).or_default().add(record);
        }
    })
    .await?;
    Ok(found)
}

/// The rows of one trace, of which `heard` is what the newest records say.
async fn correlations_of(
    app: &App,
    store: &CallersStore,
    summary: &TraceSummary,
    heard: Correlations,
) -> store::Result<Vec<Json>> {
    if heard.values().map(|correlation| correlation.records).sum::<u64>() >= summary.checkpoint_count {
        return Ok(large_traces::rows(&heard));
    }
    if summary.checkpoint_count > LARGE {
        return app.large_traces.rows(store, app.checkpoints.removals(), &summary.trace_id).await;
    }
    let mut found = Correlations::new();
    large_traces::read_trace(&**store, &summary.trace_id, None, &mut found).await?;
    Ok(large_traces::rows(&found))
}

/// `GET /recent`
pub(crate) async fn recent(
    State(app): State<Arc<App>>,
    Extension(store): Extension<CallersStore>,
    Query(pairs): Query<Pairs>,
) -> Answer {
    let mut problems = Problems::default();
    let limit =
        last_value(&pairs, "limit").map_or(Some(RECENT), |text| problems.integer_up_to("limit", text, MOST_RECENT));
    let since = last_value(&pairs, "since_id").map(|text| problems.integer("since_id", text));
    problems.check()?;
    app.counters.recent_asked();
    let second = app.counters.uptime_seconds();
    app.project_counts.change(store.project(), |counts| counts.recent_requests.add(second, 1));
    let limit = usize::try_from(limit.unwrap_or_default()).unwrap_or(usize::MAX);
    let since = since.flatten().map_or(0, |since| u64::try_from(since).unwrap_or(0));
    let source = last_value(&pairs, "source").unwrap_or_default();
    let wanted = |recent: &Recent| {
        recent.number > since && store.shows(&recent.project) && begins_with(&recent.source_id, source)
    };
    let found = app.checkpoints.recent(&*app.backend, limit, wanted).await?;
    let records: Vec<String> =
        found.iter().map(|recent| format!(r#"{{"id":{},{}}}"#, recent.number, recent.json)).collect();
    let text = format!(r#"{{"traces":[{}],"count":{}}}"#, records.join(","), records.len());
    Ok(answer::json_text(StatusCode::OK, text))
}

fn begins_with(source: &str, prefix: &str) -> bool {
    source.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_prefix_in_any_case_and_nothing_more() {
        assert!(begins_with("MAX", "ma") && begins_with("x", "") && begins_with("ünï", "ü"));
        assert!(!begins_with("M", "ma") && !begins_with("MA", "M_") && !begins_with("MA", "%"));
    }
}
