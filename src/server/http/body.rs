//! Reads request bodies: never more than the cap, never without room in the budget, never more slowly than a least pace
//! ([`pace`]). What a handler leaves of a body is read on elsewhere ([`leftover`]).

pub(crate) mod leftover;
pub(crate) mod pace;

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::decode::body::{BodyError, Encoding, MediaType};
use crate::server::http::body::pace::Pace;
use crate::server::http::budget::SMALL_BODY_BYTES;
use crate::server::http::refusal::NO_ROOM;
use crate::server::http::{Limits, Refusal, Reservation};

/// How long a body waits for room when it has just begun, and when it is nearly there: of those that wait for each other
/// the one that began last gives up first.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A body, and the room it takes.
#[derive(Debug)]
pub(crate) struct Received {
    /// The bytes of the body as sent.
    pub(crate) bytes: Bytes,
    /// The part of the budget that the body takes; grows when it is inflated.
    pub(crate) reservation: Reservation,
}

/// Reads a whole body of at most `cap_bytes`, with room from `reservation`.
///
/// # Errors
/// The body is larger, there is no room for it, or it does not arrive in time or to its end.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    cap_bytes: usize,
    mut reservation: Reservation,
    limits: &Limits,
) -> Result<Received, Refusal> {
    let end = Instant::now() + limits.body_timeout;
    let announced = announced_bytes(headers).unwrap_or_default();
    if announced > cap_bytes as u64 {
        return Err(Refusal::TooLarge);
    }
    let mut is_large = announced > SMALL_BODY_BYTES as u64;
    let mut pace = Pace::new(if is_large { limits.large_body_grace } else { limits.body_idle_timeout });
    if is_large {
        reservation.make_large();
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let frame = match timeout_at(end.min(pace.deadline()), body.frame()).await {
            Err(_) => return Err(Refusal::Slow),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Refusal::Malformed("the body ended before it was complete".to_owned())),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        let before = first.len() + rest.len();
        if before + data.len() > cap_bytes {
            return Err(Refusal::TooLarge);
        }
        if !is_large && before + data.len() > SMALL_BODY_BYTES {
            is_large = true;
            reservation.make_large();
            pace.shorten_grace(limits.large_body_grace);
        }
        pace.note(data.len());
        take_room(&mut reservation, before, data.len(), &mut pace).await?;
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            rest.reserve(first.len() + data.len());
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    reservation.finish_body();
    let bytes = if first.is_empty() { rest.freeze() } else { first };
    Ok(Received { bytes, reservation })
}

/// Takes room for more bytes of a body of which so many are there; waits a little when there is none, without reading on.
async fn take_room(reservation: &mut Reservation, before: usize, bytes: usize, pace: &mut Pace) -> Result<(), Refusal> {
    if reservation.grow(bytes) {
        return Ok(());
    }
    let began = Instant::now();
    let wait = SHORTEST_WAIT + Duration::from_micros((before >> 4) as u64);
    let is_taken = reservation.grow_within(bytes, wait.min(LONGEST_WAIT)).await;
    pace.excuse(began.elapsed());
    is_taken.then_some(()).ok_or(NO_ROOM)
}

fn announced_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
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
    use futures::{StreamExt as _, stream};

    use super::*;
    use crate::server::http::Budget;

    fn in_parts(parts: &[&'static [u8]]) -> Body {
        let parts: Vec<Result<Bytes, std::io::Error>> = parts.iter().map(|part| Ok(Bytes::from_static(part))).collect();
        Body::from_stream(stream::iter(parts))
    }

    async fn read_body(body: Body, cap: usize, limits: &Limits) -> Result<Bytes, Refusal> {
        let reservation = Reservation::new(&Budget::new(limits.in_flight_bytes));
        read(&HeaderMap::new(), body, cap, reservation, limits).await.map(|received| received.bytes)
    }

    async fn read_parts(parts: &[&'static [u8]], cap: usize, budget: usize) -> Result<Bytes, Refusal> {
        let limits = Limits { in_flight_bytes: budget, ..Limits::default() };
        read_body(in_parts(parts), cap, &limits).await
    }

    /// A body that comes in parts of so many bytes, one every `pause`.
    fn trickling(bytes: usize, pause: Duration) -> Body {
        Body::from_stream(stream::unfold((), move |()| async move {
            tokio::time::sleep(pause).await;
            Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; bytes])), ()))
        }))
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

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_slow_however_busily_it_comes() {
        let endless = trickling(70_000, Duration::from_secs(1));
        let began = Instant::now();
        assert_eq!(read_body(endless, usize::MAX, &Limits::default()).await, Err(Refusal::Slow));
        assert_eq!(began.elapsed(), Limits::default().body_timeout);
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_body_may_pause_for_longer_than_a_large_one() {
        let (stalled, second) = (stream::pending::<Result<Bytes, std::io::Error>>, Duration::from_secs(1));
        let after = |bytes: usize| {
            let beginning = stream::iter([Ok(Bytes::from(vec![b'x'; bytes]))]);
            Body::from_stream(beginning.chain(stalled()))
        };
        for (body, seconds) in [
            (after(1), 30),
            (after(SMALL_BODY_BYTES), 30),
            (after(SMALL_BODY_BYTES + 1), 5),
            (after(60 << 20), 5),
            (trickling(1, 9 * second), 30),
        ] {
            let began = Instant::now();
            assert_eq!(read_body(body, 64 << 20, &Limits::default()).await, Err(Refusal::Slow));
            assert_eq!(began.elapsed().as_secs(), seconds);
        }
        let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, (SMALL_BODY_BYTES + 1).into())]);
        let (began, limits) = (Instant::now(), Limits::default());
        let reservation = Reservation::new(&Budget::new(limits.in_flight_bytes));
        let refused = read(&headers, after(1), 64 << 20, reservation, &limits).await;
        assert_eq!((refused.map(|_| ()), began.elapsed().as_secs()), (Err(Refusal::Slow), 5));
    }
}
