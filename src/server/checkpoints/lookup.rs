//! Reading checkpoints: those of one correlation id, the newest correlation ids, the newest records.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Query, State},
};
use http::{HeaderMap, Request, StatusCode};
use rustc_hash::FxHashMap;
use serde_json::{Value as Json, json};

use crate::{
    api::Pairs,
    decode::checkpoint::{Problems, trace_id, write_json},
    model::{Checkpoint, Direction, RecordFilter, RecordKind, Sort, TraceId, TraceQuery, TraceSummary},
    query::facets,
    store,
};

use super::{
    giants::{self, Correlations},
    refused,
};
use crate::server::{
    access::Scope,
    app::App,
    live::Recent,
    reply, sse,
    traces::{Answer, Failure},
};

/// Correlation ids listed when nobody says how many.
const CORRELATIONS: i64 = 50;
/// Newest records listed when nobody says how many, and at most.
const RECENT: i64 = 200;
const MOST_RECENT: i64 = 1_000;
/// Seconds a stream goes on when nobody says how many.
const STREAM_SECONDS: i64 = 60;
/// Records of one correlation id above which what was read of them is remembered.
const GIANT: u64 = 20_000;
/// Newest records looked at for a list of correlation ids, at least.
const LEAST_HEARD: usize = 10_000;
/// Traces read at once.
const PAGE: usize = 1_000;

/// What a path below `/traces/` asks for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) struct Asked {
    /// The correlation id, unescaped. Clients do not escape it, so it may hold slashes.
    id: String,
    /// Whether the path ends in `/stream`.
    is_stream: bool,
}

impl Asked {
    /// Reads a path; `None` when it names no correlation id.
    pub(in crate::server) fn of(path: &str) -> Option<Asked> {
        let rest = path.strip_prefix("/traces/")?;
        let (id, is_stream) = match rest.strip_suffix("/stream") {
            Some(id) => (id, true),
            None => (rest, false),
        };
        let id = unescaped(id);
        (!id.is_empty()).then_some(Asked { id, is_stream })
    }
}

/// Undoes percent escapes; a bad one stays as it is, and what is not UTF-8 becomes U+FFFD.
fn unescaped(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |place: usize| after.get(place).and_then(|digit| char::from(*digit).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `GET /traces/{id}` and `GET /traces/{id}/stream`
pub(in crate::server) async fn trace(
    State(app): State<Arc<App>>,
    Query(pairs): Query<Pairs>,
    request: Request<Body>,
) -> Answer {
    app.access.authorize(request.headers(), Scope::Read)?;
    let Some(asked) = Asked::of(request.uri().path()) else {
        return Ok(reply::problem(StatusCode::NOT_FOUND, "Not Found"));
    };
    if asked.is_stream {
        let mut problems = Problems::default();
        let seconds = last(&pairs, "timeout").map_or(Some(STREAM_SECONDS), |text| problems.integer("timeout", text));
        return match (problems.check(), seconds) {
            (Ok(()), seconds) => sse::follow(&app, request.headers(), asked.id, seconds.unwrap_or_default()).await,
            (Err(refusal), _) => Ok(refused(&refusal)),
        };
    }
    let mut found = records(&app, &asked.id).await?;
    if let Some(source) = last(&pairs, "source").filter(|source| !source.is_empty()) {
        found.retain(|record| record.source_id.as_str() == source);
    }
    let write = move || reply::json_text(StatusCode::OK, trace_json(&asked.id, &found));
    let failed = |error: tokio::task::JoinError| Failure::Store(store::Error::Io(error.into()));
    tokio::task::spawn_blocking(write).await.map_err(failed)
}

/// The value of a parameter; of several, the last one counts.
fn last<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The stored checkpoints of a correlation id, by time, then suffix.
///
/// # Errors
/// The store fails.
pub(in crate::server) async fn records(app: &App, id: &str) -> store::Result<Vec<Checkpoint>> {
    let trace = app.backend.trace(&trace_id(id)).await?;
    let mut records = trace.map(|trace| trace.checkpoints).unwrap_or_default();
    records.retain(|record| is_of(record, id));
    Ok(records)
}

/// Whether a checkpoint has this correlation id. Ids that are OpenTelemetry ids are equal in either case.
pub(in crate::server) fn is_of(record: &Checkpoint, id: &str) -> bool {
    record.correlation_id.as_str() == id
        || (matches!(record.trace_id, TraceId::Otel(_)) && record.correlation_id.eq_ignore_ascii_case(id))
}

fn trace_json(id: &str, records: &[Checkpoint]) -> String {
    let mut text = format!(r#"{{"correlation_id":{},"traces":["#, json!(id));
    for (index, record) in records.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "," });
        write_json(record, &mut text);
    }
    let count = |direction| records.iter().filter(|record| record.direction == direction).count();
    let entered = count(Direction::Enter);
    let is_complete = entered > 0 && entered == count(Direction::Exit);
    text.push_str(&format!(r#"],"count":{},"complete":{is_complete}}}"#, records.len()));
    text
}

/// `GET /correlations`
pub(in crate::server) async fn correlations(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(pairs): Query<Pairs>,
) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    let mut problems = Problems::default();
    let limit = last(&pairs, "limit").map_or(Some(CORRELATIONS), |text| problems.integer("limit", text));
    if let Err(refusal) = problems.check() {
        return Ok(refused(&refusal));
    }
    // A negative limit is none.
    let limit = usize::try_from(limit.unwrap_or_default()).unwrap_or(usize::MAX);
    let summaries = newest(&app, limit).await?;
    let mut found = recently_heard(&app, &summaries).await?;
    let mut listed: Vec<Json> = Vec::new();
    for summary in &summaries {
        let heard = found.remove(&summary.trace_id).unwrap_or_default();
        listed.extend(correlations_of(&app, summary, heard).await?);
    }
    listed.truncate(limit);
    let count = listed.len();
    Ok(reply::json(StatusCode::OK, &json!({ "correlations": listed, "count": count })))
}

/// The traces checkpoints were received for last, the newest first.
async fn newest(app: &App, limit: usize) -> store::Result<Vec<TraceSummary>> {
    let (kind, sort) = (Some(RecordKind::Checkpoints), Sort::Received);
    let mut query = TraceQuery { kind, sort, limit: limit.min(PAGE), ..TraceQuery::default() };
    let mut summaries = Vec::new();
    while summaries.len() < limit {
        let page = app.backend.traces(&query).await?;
        summaries.extend(page.items);
        let Some(next) = page.next else { break };
        query.cursor = Some(next);
    }
    Ok(summaries)
}

/// What the newest records say of these traces. Those heard of last lie close together at the end of the store, so one
/// look there mostly tells everything about all of them.
async fn recently_heard(app: &App, summaries: &[TraceSummary]) -> store::Result<FxHashMap<TraceId, Correlations>> {
    let small = || summaries.iter().filter(|summary| summary.checkpoint_count <= GIANT);
    let mut found: FxHashMap<TraceId, Correlations> =
        small().map(|summary| (summary.trace_id.clone(), Correlations::new())).collect();
    if found.is_empty() {
        return Ok(found);
    }
    let filter = RecordFilter { kind: Some(RecordKind::Checkpoints), ..RecordFilter::default() };
    let wanted = small().map(|summary| summary.checkpoint_count).sum::<u64>();
    let start = facets::feed(app.backend.as_ref())?
        .place(&filter, usize::try_from(wanted).unwrap_or(usize::MAX).max(LEAST_HEARD))
        .await?;
    giants::read_on(app, &filter, start, |record| {
        if let Some(correlations) = found.get_mut(&record.trace_id) {
            correlations.entry(record.correlation_id.to_string()).or_default().add(record);
        }
    })
    .await?;
    Ok(found)
}

/// The rows of one trace, of which `heard` is what the newest records say.
async fn correlations_of(app: &App, summary: &TraceSummary, heard: Correlations) -> store::Result<Vec<Json>> {
    if heard.values().map(|correlation| correlation.records).sum::<u64>() >= summary.checkpoint_count {
        return Ok(giants::rows(&heard));
    }
    if summary.checkpoint_count > GIANT {
        return app.giants.rows(app, &summary.trace_id).await;
    }
    let mut found = Correlations::new();
    giants::read_trace(app, &summary.trace_id, None, &mut found).await?;
    Ok(giants::rows(&found))
}

/// `GET /recent`
pub(in crate::server) async fn recent(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(pairs): Query<Pairs>,
) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    let mut problems = Problems::default();
    let limit = last(&pairs, "limit").map_or(Some(RECENT), |text| problems.integer_up_to("limit", text, MOST_RECENT));
    let since = last(&pairs, "since_id").map(|text| problems.integer("since_id", text));
    if let Err(refusal) = problems.check() {
        return Ok(refused(&refusal));
    }
    app.counters.recent_asked();
    let limit = usize::try_from(limit.unwrap_or_default()).unwrap_or(usize::MAX);
    let since = since.flatten().map_or(0, |since| u64::try_from(since).unwrap_or(0));
    let source = last(&pairs, "source").unwrap_or_default();
    let wanted = |recent: &Recent| recent.number > since && begins_with(&recent.source_id, source);
    let found = app.live.recent(&*app.backend, limit, wanted).await?;
    let records: Vec<String> =
        found.iter().map(|recent| format!(r#"{{"id":{},{}}}"#, recent.number, recent.json)).collect();
    let text = format!(r#"{{"traces":[{}],"count":{}}}"#, records.join(","), records.len());
    Ok(reply::json_text(StatusCode::OK, text))
}

fn begins_with(source: &str, prefix: &str) -> bool {
    source.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_everything_behind_traces_but_a_last_stream() {
        for (path, id, is_stream) in [
            ("/traces/cli-1", "cli-1", false),
            ("/traces/cli-1/stream", "cli-1", true),
            ("/traces/req/with%20slash", "req/with slash", false),
            ("/traces/req%2Fwith/stream", "req/with", true),
            ("/traces/a%2Fstream", "a/stream", false),
            ("/traces/stream", "stream", false),
            ("/traces/a/", "a/", false),
            ("/traces/%2E%2E/..", "../..", false),
            ("/traces/%zz%4", "%zz%4", false),
            ("/traces/a+b%ff", "a+b\u{fffd}", false),
        ] {
            assert_eq!(Asked::of(path), Some(Asked { id: id.to_owned(), is_stream }), "{path}");
        }
        for path in ["/traces/", "/traces", "/traces//stream"] {
            assert_eq!(Asked::of(path), None, "{path}");
        }
    }

    #[test]
    fn a_source_is_a_prefix_in_any_case_and_nothing_more() {
        assert!(begins_with("MAX", "ma") && begins_with("x", "") && begins_with("ünï", "ü"));
        assert!(!begins_with("M", "ma") && !begins_with("MA", "M_") && !begins_with("MA", "%"));
    }
}
