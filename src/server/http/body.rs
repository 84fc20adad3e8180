//! Reads request bodies: never more than the cap, never without room in the budget, never for ever.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};

use crate::decode::body::{BodyError, Encoding, MediaType};
use crate::server::http::refusal::NO_ROOM;
use crate::server::http::{Budget, Limits, Refusal, Reservation};

/// How long and how much of a body that is too large is still read and thrown away, so that a client that only
/// listens after it has sent everything gets to see the answer instead of a reset connection.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 128 << 20;

/// A body, and the room it takes.
#[derive(Debug)]
pub(crate) struct Received {
    /// The bytes of the body as sent.
    pub(crate) bytes: Bytes,
    /// The part of the budget that the body takes; grows when it is inflated.
    pub(crate) reservation: Reservation,
}

/// Reads a whole body of at most `cap_bytes`.
///
/// # Errors
/// The body is larger, there is no room for it, or it does not arrive in time or to its end.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    cap_bytes: usize,
    budget: &Arc<Budget>,
    limits: &Limits,
) -> Result<Received, Refusal> {
    let deadline = Instant::now() + limits.body_timeout;
    let mut reservation = Reservation::new(budget);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    if announced_bytes(headers).is_some_and(|bytes| bytes > cap_bytes as u64) {
        discard_unless_expected(headers, body).await;
        return Err(Refusal::TooLarge);
    }
    loop {
        let pause = deadline.min(Instant::now() + limits.body_idle_timeout);
        let frame = match timeout_at(pause, body.frame()).await {
            Err(_) => return Err(Refusal::Slow),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Refusal::Malformed("the body ended before it was complete".to_owned())),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > cap_bytes {
            drop((first, rest, reservation));
            discard(body).await;
            return Err(Refusal::TooLarge);
        }
        if !reservation.grow(data.len()) {
            return Err(NO_ROOM);
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            rest.reserve(first.len() + data.len());
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    let bytes = if first.is_empty() { rest.freeze() } else { first };
    Ok(Received { bytes, reservation })
}

fn announced_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a body on without keeping anything, for a bounded time and amount, unless the client waits to hear whether it
/// should send at all.
pub(crate) async fn discard_unless_expected(headers: &HeaderMap, body: Body) {
    if !headers.contains_key(header::EXPECT) {
        discard(body).await;
    }
}

/// Reads a body on without keeping anything, for a bounded time and amount.
async fn discard(mut body: Body) {
    let drain = async {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, Bytes::len);
            if seen > LINGER_BYTES {
                return;
            }
        }
    };
    // Running out of time here is what the limit is for.
    let _ = timeout(LINGER, drain).await;
}

/// What the `Content-Type` says the body is; `None` for anything but the two OTLP knows.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<MediaType> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok().and_then(MediaType::parse)
}

/// The compression of the body, `None` for none. Looked at before the body is read: there is no use in receiving what
/// cannot be inflated.
pub(crate) fn encoding(headers: &HeaderMap) -> Result<Option<String>, BodyError> {
    let named: Vec<&str> =
        headers.get_all(header::CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?")).collect();
    let named = named.join(", ");
    match Encoding::parse(Some(&named)) {
        Ok(Encoding::Identity) => Ok(None),
        Ok(_) => Ok(Some(named)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn in_parts(parts: &[&'static [u8]]) -> Body {
        let parts: Vec<Result<Bytes, std::io::Error>> = parts.iter().map(|part| Ok(Bytes::from_static(part))).collect();
        Body::from_stream(stream::iter(parts))
    }

    async fn read_parts(parts: &[&'static [u8]], cap: usize, budget: usize) -> Result<Bytes, Refusal> {
        let (budget, limits) = (Budget::new(budget), Limits::default());
        let received = read(&HeaderMap::new(), in_parts(parts), cap, &budget, &limits).await;
        received.map(|received| received.bytes)
    }

    #[tokio::test]
    async fn parts_come_together_in_order() {
        assert_eq!(read_parts(&[b"ab", b"", b"cd", b"e"], 5, 5).await, Ok(Bytes::from_static(b"abcde")));
        assert_eq!(read_parts(&[], 5, 5).await, Ok(Bytes::new()));
    }

    #[tokio::test]
    async fn one_byte_over_the_cap_is_too_large_and_over_the_budget_no_room() {
        assert_eq!(read_parts(&[b"abc", b"def"], 5, 99).await, Err(Refusal::TooLarge));
        assert_eq!(read_parts(&[b"abc", b"def"], 99, 5).await, Err(NO_ROOM));
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_slow_however_busily_it_comes() {
        let endless = Body::from_stream(stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        }));
        let limits = Limits { body_timeout: Duration::from_millis(20), ..Limits::default() };
        let problem = read(&HeaderMap::new(), endless, 99_999, &Budget::new(99_999), &limits).await;
        assert_eq!(problem.map(|received| received.bytes), Err(Refusal::Slow));
    }

    #[tokio::test]
    async fn a_body_that_pauses_for_too_long_is_slow() {
        let stalled = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let limits = Limits { body_idle_timeout: Duration::from_millis(5), ..Limits::default() };
        let problem = read(&HeaderMap::new(), stalled, 9, &Budget::new(9), &limits).await;
        assert_eq!(problem.map(|received| received.bytes), Err(Refusal::Slow));
    }
}
