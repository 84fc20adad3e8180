//! How much memory a request may take while its body becomes records: room is reserved before it is used, large bodies
//! are inflated and decoded off the async threads, and only so many of them at once.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::SemaphorePermit;

use crate::decode::body::{BodyError, inflate};
use crate::server::app::App;
use crate::server::http::refusal::{NO_ROOM, PANIC};
use crate::server::http::{Refusal, Reservation};

/// Messages larger than this are decoded off the async threads. One of this size keeps such a thread busy for about a
/// millisecond, which others can wait; to hand every small one over would cost each of them a second turn of scheduling.
const BLOCKING_BYTES: usize = 256 << 10;
/// Compressed bodies larger than this are inflated off the async threads: they may become a thousand times larger.
const BLOCKING_COMPRESSED_BYTES: usize = 16 << 10;
/// What a compressed body usually becomes at most, in multiples of itself.
const USUAL_RATIO: usize = 20;
/// How many times as much room the next attempt gets when that was not enough.
const MORE_ROOM: usize = 4;
/// How long a request that has arrived waits for room for its records.
const PATIENCE: Duration = Duration::from_secs(2);

/// Inflates within the budget: first into the room such bodies usually need, and only if that does not do into more.
/// Reserving the room of the largest for everyone would turn away ordinary requests; what was not needed is given back.
pub(crate) async fn inflate_within(
    encoding: Option<&str>,
    bytes: Bytes,
    cap: usize,
    reservation: &mut Reservation,
) -> Result<Bytes, Refusal> {
    if encoding.is_none() {
        return Ok(bytes);
    }
    let (mut reserved, mut limit) =
        (0, bytes.len().saturating_mul(USUAL_RATIO).max(BLOCKING_COMPRESSED_BYTES).min(cap));
    loop {
        if !reservation.grow_within(limit - reserved, PATIENCE).await {
            return Err(NO_ROOM);
        }
        reserved = limit;
        let (bytes, encoding) = (bytes.clone(), encoding.map(str::to_owned));
        let work = move || Ok::<_, Refusal>(inflate(bytes, encoding.as_deref(), limit));
        match run_work(limit <= 2 * BLOCKING_BYTES, work).await? {
            Ok(inflated) => {
                reservation.give_back(reserved.saturating_sub(inflated.len()));
                return Ok(inflated);
            }
            Err(BodyError::TooLarge { .. }) if limit < cap => limit = limit.saturating_mul(MORE_ROOM).min(cap),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Asks for the room that decoded records take; one request alone never asks for more than there is.
pub(crate) async fn reserve_records(
    app: &App,
    room_bytes: usize,
    reservation: &mut Reservation,
) -> Result<(), Refusal> {
    let room_bytes = room_bytes.min(app.limits.in_flight_bytes / 2);
    reservation.grow_within(room_bytes, PATIENCE).await.then_some(()).ok_or(NO_ROOM)
}

/// Whether a message of so many bytes is so small that it is decoded where it was read.
pub(crate) fn is_small(message_bytes: usize) -> bool {
    message_bytes <= BLOCKING_BYTES
}

/// The turn to decode a message of so many bytes; `None` for one that needs none, because it is small. What a large one
/// becomes is known only afterwards, so as many are decoded at once as there are processors, until each has the room it
/// turned out to need.
pub(crate) async fn decoding_turn(app: &App, message_bytes: usize) -> Option<SemaphorePermit<'_>> {
    match is_small(message_bytes) {
        true => None,
        // The semaphore is never closed.
        false => app.decoding.acquire().await.ok(),
    }
}

/// Does some work here when it is quick, and else where it keeps nobody waiting.
pub(crate) async fn run_work<T: Send + 'static>(
    is_quick: bool,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match is_quick {
        true => work(),
        false => tokio::task::spawn_blocking(work).await.map_err(|_| PANIC)?,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::server::http::Budget;

    #[tokio::test]
    async fn a_body_that_becomes_very_large_takes_no_more_room_than_that() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&[b' '; 400_000]).expect("memory");
        let (compressed, budget) = (Bytes::from(encoder.finish().expect("memory")), Budget::new(1 << 20));
        assert!(compressed.len() * USUAL_RATIO < 20_000, "{}", compressed.len());
        let mut reservation = Reservation::new(&budget);
        let inflated = inflate_within(Some("gzip"), compressed.clone(), 64 << 20, &mut reservation).await;
        assert_eq!((inflated.map(|bytes| bytes.len()), budget.used()), (Ok(400_000), 400_000));
        let refused = inflate_within(Some("gzip"), compressed, 300_000, &mut Reservation::new(&budget)).await;
        assert_eq!(refused, Err(Refusal::TooLarge));
    }
}
