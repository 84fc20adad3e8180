//! Made-up traces of the last hour: a failed checkout with an N+1 query and a dead payment provider, an AI agent that
//! spends tokens, a deployment told in checkpoints of which one step hangs, sign-ins of which spans, checkpoints and what
//! the published logger really sent tell together, and forty ordinary requests around them.
//!
//! The requests lie in `story/` as clients send them, but each time is counted from the moment the demo runs: nanoseconds
//! for spans and log entries, milliseconds for checkpoints, all of them negative.

use serde_json::{Number, Value as Json};

use crate::api::path;
use crate::cli::http::Recorded;
use crate::model::Nanos;

/// Id of the checkout that fails.
pub const CHECKOUT: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Correlation id of the deployment that hangs.
pub const DEPLOYMENT: &str = "deploy-1187-blue";
/// Id of the newest sign-in that fails.
pub const SIGN_IN: &str = "a3ce929d0e0e47364bf92f3577b34da6";

/// The traces as requests of an OpenTelemetry SDK, the checkpoint client and the logger, as if they had just happened.
pub fn requests(now: Nanos) -> Vec<Recorded> {
    let told = [
        ("/v1/traces", include_str!("story/spans.json")),
        ("/ingest", include_str!("story/checkpoints.json")),
        (path::INGEST, include_str!("story/logs.json")),
    ];
    told.map(|(path, text)| {
        let mut body: Json = serde_json::from_str(text).unwrap_or_default();
        set_times(&mut body, now);
        Recorded { path, content_type: "application/json", encoding: None, body: body.to_string().into_bytes() }
    })
    .into()
}

/// Turns times counted from `now` into those a client would have sent then.
fn set_times(body: &mut Json, now: Nanos) {
    match body {
        Json::Array(items) => items.iter_mut().for_each(|item| set_times(item, now)),
        Json::Object(fields) => fields.iter_mut().for_each(|(key, value)| match value {
            Json::String(text) if key.ends_with("UnixNano") => *text = moment(now, text).0.to_string(),
            Json::String(text) if key == "timestamp" => *text = moment(now, text).to_rfc3339(),
            Json::Number(number) if key == "timestamp" => {
                let now_ms = (now.0 / 1_000_000) as f64;
                let at_ms = now_ms + number.as_f64().unwrap_or_default();
                *value = Number::from_f64(at_ms).map_or(Json::Null, Json::Number);
            }
            value => set_times(value, now),
        }),
        _ => {}
    }
}

/// The moment that many nanoseconds after `now`.
fn moment(now: Nanos, offset_ns: &str) -> Nanos {
    Nanos(now.0.saturating_add_signed(offset_ns.parse().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_lies_in_the_last_hour() {
        let now = Nanos(1_795_252_442_117_000_000);
        let bodies: Vec<Json> =
            requests(now).iter().map(|request| serde_json::from_slice(&request.body).expect("json")).collect();
        let spans: Vec<&Json> = bodies[0]["resourceSpans"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|resource| resource["scopeSpans"][0]["spans"].as_array().into_iter().flatten())
            .collect();
        let starts = spans.iter().map(|span| span["startTimeUnixNano"].as_str().and_then(|time| time.parse().ok()));
        let starts: Option<Vec<u64>> = starts.collect();
        assert!(starts.expect("numbers").iter().all(|start| now.since(Nanos(*start)) < 3_601_000_000_000));
        assert_eq!(spans.iter().filter(|span| span["traceId"] == CHECKOUT).count(), 47);
        assert_eq!(bodies[1]["traces"][1]["timestamp"], 1_795_252_347_135.5);
        let sign_in = bodies[2].as_array().into_iter().flatten().find(|entry| entry["trace_id"] == SIGN_IN);
        assert_eq!(sign_in.expect("an entry")["timestamp"], "2026-11-21T09:13:36.131000000Z");
    }
}
