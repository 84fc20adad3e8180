//! `POST /api/v1/ingest`, where the published `tracehub-logger` sends log entries.
//!
//! Its clients try again on 5xx only and park everything else, so 202 means stored, whatever may pass is 503, and one
//! plain sentence says what is wrong with the rest: they print the first 200 characters of it.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use serde_json::{Value as Json, json};
use xxhash_rust::xxh3::xxh3_128;

use crate::decode::body::MediaType;
use crate::decode::logs::{self, Reader};
use crate::model::{Nanos, Rejection, Written};
use crate::server::app::App;
use crate::server::http::{Caps, Refusal, answer, body};
use crate::server::ingest::intake::short_reason;
use crate::server::ingest::{Accepted, Decoded, Format, Part};

/// Log entries as the published logger sends them.
pub(crate) struct LogEntries;

impl Format for LogEntries {
    fn read_head(&self, headers: &HeaderMap) -> Result<Option<String>, Refusal> {
        // Some programs name no type; one that is named must be true.
        let media = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
        match media.is_none_or(is_taken) {
            true => Ok(body::encoding(headers)?),
            false => Err(Refusal::MediaType("send application/json or application/x-ndjson")),
        }
    }

    fn decode(&self, app: &Arc<App>, message: &Bytes) -> Result<Decoded, Refusal> {
        let room_bytes = logs::record_bytes(message).min(logs::MAX_PART_BYTES);
        Ok(Decoded::in_parts(room_bytes, EntryReader::new(Arc::clone(app), message)?))
    }

    fn accepted(&self, _: &App, accepted: &Accepted) -> Response<Body> {
        answer::json(StatusCode::ACCEPTED, &to_json(accepted))
    }

    fn refused(&self, refusal: &Refusal, caps: &Caps) -> Response<Body> {
        let sentence = match refusal {
            Refusal::TooLarge => format!(
                "the body is larger than {} bytes compressed or {} bytes inflated; send smaller batches",
                caps.compressed, caps.inflated
            ),
            refusal => refusal.message(caps.inflated),
        };
        answer::problem(refusal.status(), &sentence)
    }
}

/// Whether a body of this media type may hold entries. A page of another site can send most of the others without asking.
fn is_taken(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default().trim();
    MediaType::parse(media) == Some(MediaType::Json)
        || ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines"]
            .iter()
            .any(|taken| essence.eq_ignore_ascii_case(taken))
}

/// What became of the entries of a request, and what had to be changed in them, if anything. An entry that was there
/// already counts as accepted: it is stored, and a client that sends again after a lost answer must hear the answer it
/// lost.
fn to_json(Accepted { written, rejected, errors, mended }: &Accepted) -> Json {
    let Written { accepted, duplicates } = *written;
    let error = |rejection: &Rejection| json!({ "index": rejection.index, "reason": short_reason(rejection) });
    let mut answer = json!({
        "accepted": accepted + duplicates,
        "rejected": rejected,
        "duplicates": duplicates,
        "duplicate": accepted == 0 && duplicates > 0,
        "errors": errors.iter().map(error).collect::<Vec<Json>>(),
    });
    if !mended.is_nothing() {
        answer["warnings"] = json!([mended.to_string()]);
    }
    answer
}

/// Reads entries part by part; the last part holds none, but what was wrong with those of all parts.
struct EntryReader {
    app: Arc<App>,
    /// The reader of the message; `None` at the end.
    reader: Option<Reader>,
    /// The digest of the whole message.
    digest: u128,
    /// When the message came first, as far as anyone knows.
    received: Nanos,
    is_noted: bool,
}

impl EntryReader {
    fn new(app: Arc<App>, message: &Bytes) -> Result<EntryReader, logs::DecodeError> {
        let (digest, now) = (xxh3_128(message), Nanos::now());
        let known = app.first_seen.find(digest, now);
        let (received, is_noted) = (known.unwrap_or(now), known.is_some());
        Ok(EntryReader { app, reader: Some(Reader::new(message)?), digest, received, is_noted })
    }
}

impl Iterator for EntryReader {
    type Item = Result<Part, Refusal>;

    /// The next part. Entries without a time get the one at which this same message came first.
    fn next(&mut self) -> Option<Result<Part, Refusal>> {
        let mut reader = self.reader.take()?;
        let before = (!self.is_noted).then(|| reader.clone());
        let mut part = reader.next_part(self.received);
        if let Some(before) = before.filter(|_| part.as_ref().is_some_and(|part| part.untimed > 0)) {
            let first = self.app.first_seen.note(self.digest, self.received);
            if first != self.received {
                // The same message came at the same moment.
                reader = before;
                part = reader.next_part(first);
            }
            (self.received, self.is_noted) = (first, true);
        }
        let Some(part) = part else { return Some(last_part(reader)) };
        self.reader = Some(reader);
        Some(Ok(Part { batch: part.batch, ..Part::default() }))
    }
}

fn last_part(reader: Reader) -> Result<Part, Refusal> {
    let mended = reader.mended();
    let (rejected, errors) = reader.finish()?;
    Ok(Part { rejected, errors, mended, ..Part::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Mended;
    use crate::server::ingest::intake::MAX_REASON_CHARS;

    #[test]
    fn entries_are_json_and_no_form_of_a_web_page() {
        for media in
            ["application/json", "Application/JSON; charset=utf-8", "application/x-ndjson", "application/jsonl"]
        {
            assert!(is_taken(media), "{media}");
        }
        for media in [
            "text/plain",
            "text/plain;application/json",
            "application/x-www-form-urlencoded",
            "",
            "multipart/form-data",
        ] {
            assert!(!is_taken(media), "{media}");
        }
    }

    #[test]
    fn an_answer_says_what_is_new_what_was_there_and_what_is_wrong_with_the_rest() {
        let errors = vec![Rejection { index: 7, reason: "x".repeat(1_000) }];
        let accepted =
            Accepted { written: Written { accepted: 48, duplicates: 1 }, rejected: 1, errors, ..Accepted::default() };
        let told = to_json(&accepted);
        assert_eq!(told["errors"][0], json!({ "index": 7, "reason": "x".repeat(MAX_REASON_CHARS) }));
        assert_eq!(
            (&told["accepted"], &told["duplicates"], &told["duplicate"]),
            (&json!(49), &json!(1), &json!(false))
        );
        let again = Accepted { written: Written { accepted: 0, duplicates: 49 }, rejected: 1, ..Accepted::default() };
        assert_eq!(to_json(&again)["accepted"], 49);
        assert_eq!(to_json(&again)["duplicate"], true);
        let none = Accepted::default();
        assert_eq!((&to_json(&none)["duplicate"], to_json(&none).get("warnings")), (&json!(false), None));
        let mended = Accepted { mended: Mended { not_utf8: 1, ..Mended::default() }, ..Accepted::default() };
        assert_eq!(to_json(&mended)["warnings"], json!(["mended: 1 text not UTF-8, kept with U+FFFD for what is not"]));
    }
}
