//! `GET /api/v1/scan/stream`: everything a filter names from a place on, as server-sent events without an end.
//!
//! Each event is a part of a scan; its id is the place behind it, from which a client whose connection broke goes on. A
//! stream reads from the store when its client has taken what it was sent, so a slow one holds a single part in memory,
//! is no concern of those who write, and misses nothing but what was removed meanwhile, of which it is told how much.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Query, State},
};
use bytes::Bytes;
use futures::{Stream, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use tokio::time::{Instant, sleep_until};

use crate::{
    api::{self, Pairs},
    model::{Cursor, Nanos, RecordFilter},
    query::facets,
    store::{self, Chunk, wire},
};

use super::{
    access::Scope,
    app::{App, stopped},
    limits::Reservation,
    reply,
    sse::LAST_EVENT_ID,
    traces::Answer,
    watchers::Watcher,
};

/// Silence after which a sign of life is sent.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// Streams at once.
const MOST_STREAMS: usize = 256;
/// Records of an event when nobody says how many, about; a write of more is not split.
const STEP: usize = 256;
/// Time between two looks at the store: what is committed in between arrives together.
const PACE: Duration = Duration::from_millis(20);

/// What a client asks for.
#[derive(Debug)]
struct Wish {
    filter: RecordFilter,
    max: usize,
    /// Where to begin: the outer `None` is the end of the store, the inner one its beginning.
    after: Option<Option<Cursor>>,
    /// When to end; `None` is never.
    deadline: Option<Instant>,
}

impl Wish {
    fn read(headers: &HeaderMap, pairs: &Pairs) -> Result<Wish, api::BadParameter> {
        let (filter, others) = api::filter_from_pairs(pairs, Nanos::now())?;
        let mut wish = Wish { filter, max: STEP, after: None, deadline: None };
        for (name, value) in others {
            match name.as_str() {
                "after" => wish.after = Some(Some(value).filter(|place| !place.is_empty()).map(Cursor)),
                "max" => wish.max = api::read_number::<usize>(&name, &value)?.clamp(1, api::MAX_SCAN),
                "timeout" => {
                    let seconds = Duration::from_secs(api::read_number(&name, &value)?);
                    wish.deadline = Instant::now().checked_add(seconds);
                }
                _ => {}
            }
        }
        let last = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).filter(|id| !id.is_empty());
        if let Some(id) = last {
            wish.after = Some(Some(Cursor(id.to_owned())));
        }
        Ok(wish)
    }
}

/// `GET /api/v1/scan/stream`
pub(super) async fn stream(State(app): State<Arc<App>>, headers: HeaderMap, Query(pairs): Query<Pairs>) -> Answer {
    app.access.authorize(&headers, Scope::Read)?;
    let wish = Wish::read(&headers, &pairs)?;
    let Some(watcher) = app.followers.enter("", MOST_STREAMS) else {
        return Ok(reply::problem(StatusCode::SERVICE_UNAVAILABLE, "too many streams are open, try again"));
    };
    let follower = Follower::begin(app, watcher, wish).await?;
    let mut response = Response::new(Body::from_stream(pieces(follower)));
    let headers = response.headers_mut();
    reply::mark(headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    // Proxies that collect answers would hold events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

fn pieces(follower: Follower) -> impl Stream<Item = Result<Bytes, store::Error>> {
    stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        let stopping = follower.app.stopping.clone();
        let piece = tokio::select! {
            () = stopped(stopping) => return None,
            piece = follower.next_piece() => piece.transpose()?,
        };
        // After a failure the client sees a broken body, and not an end that looks like the usual one.
        let follower = piece.is_ok().then_some(follower);
        Some((piece.map(Bytes::from), follower))
    })
}

/// Where a stream is.
#[derive(Debug)]
struct Follower {
    app: Arc<App>,
    _watcher: Watcher,
    filter: RecordFilter,
    max: usize,
    deadline: Option<Instant>,
    /// Everything before it was read.
    position: Option<Cursor>,
    /// What was read and not sent yet.
    read: Option<Chunk>,
    /// The place the client knows.
    told: Option<Cursor>,
    silent_since: Instant,
    next_look: Instant,
    /// Room for the piece that was sent last.
    reservation: Reservation,
}

impl Follower {
    /// Finds the place to begin, and reads the first part, so that a foreign place is refused at once.
    async fn begin(app: Arc<App>, watcher: Watcher, wish: Wish) -> store::Result<Follower> {
        let position = match wish.after {
            Some(place) => place,
            None => facets::feed(app.backend.as_ref())?.place(&wish.filter, 0).await?,
        };
        let first =
            facets::feed(app.backend.as_ref())?.scan(&wish.filter, position.as_ref(), wish.max, Duration::ZERO).await?;
        let now = Instant::now();
        Ok(Follower {
            _watcher: watcher,
            filter: wish.filter,
            max: wish.max,
            deadline: wish.deadline,
            position,
            read: Some(first),
            told: None,
            // A sign of life at once, so that the client knows its place from the start.
            silent_since: now.checked_sub(KEEPALIVE).unwrap_or(now),
            next_look: now,
            reservation: Reservation::of(&app.stream_budget),
            app,
        })
    }

    /// What to send next; `None` at the end. Dropping the future loses nothing.
    async fn next_piece(&mut self) -> store::Result<Option<String>> {
        self.reservation = Reservation::of(&self.app.stream_budget);
        loop {
            let chunk = match self.read.take() {
                Some(chunk) => chunk,
                None => self.look().await?,
            };
            let is_late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if !chunk.batch.is_empty() || chunk.missed > 0 {
                let piece = event(&chunk);
                // The largest piece finds room once it is the only one.
                if self.reservation.grow(piece.len().min(self.app.limits.stream_bytes)) {
                    self.moved_to(chunk.next);
                    return Ok(Some(piece));
                }
                sleep_until(self.silent_since + KEEPALIVE).await;
                return Ok(Some(self.sign_of_life()));
            }
            self.position = Some(chunk.next);
            if is_late && chunk.at_end {
                return Ok(None);
            }
            if self.silent_since.elapsed() >= KEEPALIVE {
                return Ok(Some(self.sign_of_life()));
            }
        }
    }

    /// Reads on; waits for something new, but not longer than until there is something else to do.
    async fn look(&mut self) -> store::Result<Chunk> {
        sleep_until(self.next_look).await;
        let until = self.silent_since + KEEPALIVE;
        let until = self.deadline.map_or(until, |deadline| until.min(deadline));
        let wait = until.saturating_duration_since(Instant::now());
        let chunk =
            facets::feed(self.app.backend.as_ref())?.scan(&self.filter, self.position.as_ref(), self.max, wait).await?;
        if chunk.at_end {
            self.next_look = Instant::now() + PACE;
        }
        Ok(chunk)
    }

    fn moved_to(&mut self, place: Cursor) {
        self.told = Some(place.clone());
        self.position = Some(place);
        self.silent_since = Instant::now();
    }

    /// A comment, with the place when that has changed; it is an event without data, which tells nobody anything.
    fn sign_of_life(&mut self) -> String {
        self.silent_since = Instant::now();
        match self.position.as_ref().filter(|position| self.told.as_ref() != Some(*position)) {
            None => ": keepalive\n\n".to_owned(),
            Some(place) => {
                let piece = format!(": keepalive\nid: {}\n\n", place.0);
                self.told = self.position.clone();
                piece
            }
        }
    }
}

fn event(chunk: &Chunk) -> String {
    let mut piece = format!("id: {}\n", chunk.next.0);
    // JSON may hold line ends between its tokens, and then goes on in another line of data.
    for line in wire::chunk_to_json(chunk).split(['\n', '\r']) {
        piece.push_str("data: ");
        piece.push_str(line);
        piece.push('\n');
    }
    piece.push('\n');
    piece
}
