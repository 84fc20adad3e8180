//! What OTLP over HTTP and over gRPC have in common: how a message becomes records, and what is said of those that were
//! rejected.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

use crate::decode::body::MediaType;
use crate::decode::logs::TIME_SOURCE_ATTRIBUTE;
use crate::decode::otlp::{self, Decoded};
use crate::model::{Nanos, Rejection, Text, Value};
use crate::server::app::App;
use crate::server::http::Refusal;
use crate::server::ingest::{Accepted, FirstSeen, Part, Signal, intake};

/// Rejections told one by one; the rest is a count.
const LISTED_REJECTIONS: usize = 5;

/// Reads an export request.
pub(crate) fn decode(
    app: &Arc<App>,
    signal: Signal,
    media: MediaType,
    message: &Bytes,
) -> Result<intake::Decoded, Refusal> {
    let decoded = match signal {
        Signal::Traces => otlp::traces(message, media)?,
        Signal::Logs => with_times(&app.first_seen, message, otlp::logs(message, media)?),
        Signal::Metrics => {
            otlp::metrics(message, media)?;
            mention_metrics(app);
            return Ok(intake::Decoded::nothing());
        }
    };
    let Decoded { batch, rejected: errors, mended } = decoded;
    Ok(intake::Decoded::whole(Part { batch, rejected: errors.len(), errors, mended }))
}

/// Gives log records that were sent without any time the one at which this same body came first.
fn with_times(first_seen: &FirstSeen, bytes: &[u8], mut decoded: Decoded) -> Decoded {
    let mut untimed = decoded.batch.logs.iter_mut().filter(|log| log.time == Nanos(0)).peekable();
    if untimed.peek().is_some() {
        let received = first_seen.note(xxh3_128(bytes), Nanos::now());
        for log in untimed {
            log.time = received;
            log.attributes.0.push((Text::from_static(TIME_SOURCE_ATTRIBUTE), Value::from("received")));
        }
    }
    decoded
}

fn mention_metrics(app: &App) {
    app.counters.metrics_dropped.fetch_add(1, Ordering::Relaxed);
    if !app.metrics_mentioned.swap(true, Ordering::Relaxed) {
        tracing::info!("a client sends metrics; they are accepted and dropped");
    }
}

/// What the sender should know of a request that was taken: its first few rejections and how many more there are, and
/// what was mended, each in a sentence; empty when there is neither. Bounded, because ten thousand reasons help nobody.
pub(crate) fn remarks(accepted: &Accepted) -> String {
    let sentences = [rejection_summary(accepted), accepted.mended.to_string()];
    sentences.into_iter().filter(|sentence| !sentence.is_empty()).collect::<Vec<_>>().join(". ")
}

fn rejection_summary(accepted: &Accepted) -> String {
    let rejected = &accepted.errors;
    let total = accepted.written.accepted + accepted.written.duplicates + accepted.rejected as u64;
    if rejected.is_empty() {
        return String::new();
    }
    let one = |rejection: &Rejection| format!("record {}: {}", rejection.index, intake::short_reason(rejection));
    let examples: Vec<String> = rejected.iter().take(LISTED_REJECTIONS).map(one).collect();
    let more = match rejected.len().saturating_sub(LISTED_REJECTIONS) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{} of {total} records rejected: {}{more}", rejected.len(), examples.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Mended;
    use crate::model::Written;

    #[test]
    fn ten_thousand_rejections_are_told_in_a_few_hundred_characters() {
        let rejected: Vec<Rejection> =
            (0..10_000).map(|index| Rejection { index, reason: "x".repeat(10_000) }).collect();
        let written = Written { accepted: 10_000, duplicates: 0 };
        let text =
            rejection_summary(&Accepted { written, rejected: rejected.len(), errors: rejected, ..Accepted::default() });
        assert!(text.len() < 2_000 && text.starts_with("10000 of 20000 records rejected: record 0: "), "{text}");
        assert!(text.ends_with("; and 9995 more"), "{text}");
        assert_eq!(remarks(&Accepted { written, ..Accepted::default() }), "");
    }

    #[test]
    fn what_was_mended_is_told_beside_the_rejections_and_without_any() {
        let mended = Mended { not_utf8: 1, ..Mended::default() };
        let rejected = vec![Rejection { index: 0, reason: "x".to_owned() }];
        let both = Accepted { rejected: 1, errors: rejected, mended, ..Accepted::default() };
        assert!(remarks(&both).starts_with("1 of 1 records rejected: record 0: x. mended: 1 text not UTF-8"));
        assert!(remarks(&Accepted { mended, ..Accepted::default() }).starts_with("mended: 1 text not UTF-8"));
    }
}
