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
    let mislabelled = |error| mislabelled(media, message).unwrap_or_else(|| Refusal::from(error));
    let decoded = match signal {
        Signal::Traces => otlp::traces(message, media).map_err(mislabelled)?,
        Signal::Logs => with_times(&app.first_seen, message, otlp::logs(message, media).map_err(mislabelled)?),
        Signal::Metrics => {
            otlp::metrics(message, media).map_err(mislabelled)?;
            mention_metrics(app);
            return Ok(intake::Decoded::nothing());
        }
    };
    let Decoded { batch, rejected: errors, mended } = decoded;
    let has_old_fields = otlp::has_old_fields(message, media);
    Ok(intake::Decoded::whole(Part { batch, rejected: errors.len(), errors, mended, has_old_fields }))
}

/// What a message that cannot be read is instead of what its content type says, where its first bytes tell.
fn mislabelled(media: MediaType, message: &[u8]) -> Option<Refusal> {
    let start = message.trim_ascii_start();
    let sentence = match (media, message) {
        (MediaType::Protobuf, _) if matches!(start, [b'{' | b'[', ..]) => {
            "the body is JSON, but its content type says protobuf; send application/json"
        }
        (MediaType::Protobuf, [0 | 1, _, _, _, _, 0x0a, ..]) => {
            "the body is a gRPC message, but its content type says protobuf; send it to the gRPC port"
        }
        (MediaType::Protobuf | MediaType::Json, [0x1f, 0x8b, ..]) => {
            "the body is gzip, but there is no Content-Encoding: gzip"
        }
        (MediaType::Json, [0x0a, ..]) if !matches!(start, [b'{' | b'[', ..]) => {
            "the body is protobuf, but its content type says JSON; send application/x-protobuf"
        }
        _ => return None,
    };
    Some(Refusal::Mislabelled(sentence))
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
    fn what_a_body_is_instead_of_what_it_says_is_told_by_its_first_bytes() {
        for (media, bytes, what) in [
            (MediaType::Protobuf, &b" {\"resourceSpans\":[]}"[..], "is JSON"),
            (MediaType::Protobuf, b"\0\0\0\0\x09\x0a\x07", "is a gRPC message"),
            (MediaType::Json, b"\x0a\x90\x02\x0a", "is protobuf"),
            (MediaType::Json, b"\x1f\x8b\x08", "is gzip"),
        ] {
            let Some(Refusal::Mislabelled(sentence)) = mislabelled(media, bytes) else { panic!("{what}") };
            assert!(sentence.contains(what), "{sentence}");
        }
        for (media, bytes) in [
            (MediaType::Protobuf, &b"\x0a\xff"[..]),
            (MediaType::Json, b"\n{\"resourceSpans\":"),
            (MediaType::Json, b"resourceSpans"),
            (MediaType::Json, b""),
        ] {
            assert_eq!(mislabelled(media, bytes), None, "{bytes:?}");
        }
    }

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
