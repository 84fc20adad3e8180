//! `GET /traces/{id}/stream`: the stored checkpoints of a correlation id, then the live ones, as server-sent events.
//!
//! Nothing is lost or doubled in between: a stream subscribes to the feed before it reads what is stored, and skips what
//! it has sent already. A stream is read from, never pushed to, so a slow reader costs no more memory than one chunk;
//! what it misses of the feed it reads from the store when it gets there.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use rustc_hash::FxHashSet;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, timeout_at},
};

use crate::{
    decode::checkpoint::{trace_id, write_json},
    model::{Checkpoint, Cursor, RecordFilter, RecordKind},
    query::facets,
    store,
};

use super::{
    app::{App, stopped},
    checkpoints::lookup,
    limits::Reservation,
    live::{self, News, Subscription},
    reply,
    traces::{Answer, Failure},
    watchers::Watcher,
};

/// Silence after which a sign of life is sent.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// Streams at once.
const MOST_STREAMS: usize = 1_024;
/// Bytes sent in one piece, about.
const PIECE_BYTES: usize = 64 << 10;
/// Checkpoints read at once from the store.
const STEP: usize = 256;
/// Request header of a browser that comes back after its connection broke.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Answers with the stream of a correlation id that ends `seconds` after the stored ones.
pub(super) async fn follow(app: &Arc<App>, headers: &HeaderMap, id: String, seconds: i64) -> Answer {
    let Some(watcher) = app.watchers.enter(&id, MOST_STREAMS) else {
        return Ok(reply::problem(StatusCode::SERVICE_UNAVAILABLE, "too many streams are open, try again"));
    };
    let subscription = app.live.subscribe(&*app.backend).await?;
    let resume_after = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    let mut follower = Follower::new(Arc::clone(app), watcher, id, subscription);
    follower.seconds = u64::try_from(seconds).unwrap_or(0);
    follower.names_places = wants_ids(headers) || resume_after.is_some();
    match resume_after {
        Some(place) => follower.resume(Cursor(place.to_owned())).await?,
        None => follower.begin().await?,
    }
    let mut response = Response::new(Body::from_stream(pieces(follower)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that collect answers would hold events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// Browsers ask for events by their media type and can go on from an id; other clients get the bytes of the original.
fn wants_ids(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

fn pieces(follower: Follower) -> impl Stream<Item = Result<Bytes, store::Error>> {
    stream::unfold(follower, |mut follower| async {
        let stopping = follower.app.stopping.clone();
        let piece = tokio::select! {
            () = stopped(stopping) => None,
            piece = follower.next_piece() => piece,
        };
        piece.map(|piece| (piece, follower))
    })
}

/// Where a stream is.
#[derive(Debug)]
enum Phase {
    /// Sending what was stored when it began.
    Stored(std::vec::IntoIter<Checkpoint>),
    /// Reading from the store what came after a place; `None` is the beginning.
    Behind(Option<Cursor>),
    /// Waiting for the feed.
    Live,
    /// All is said.
    Over,
}

#[derive(Debug)]
struct Follower {
    app: Arc<App>,
    _watcher: Watcher,
    id: String,
    subscription: Subscription,
    phase: Phase,
    /// Sent from the store, and perhaps still to come through the feed.
    sent: FxHashSet<u128>,
    seconds: u64,
    /// When to end; `None` is not yet known, or so late that it never comes.
    deadline: Option<Instant>,
    silent_since: Instant,
    /// Whether the time may be up; it is only looked at after something was sent.
    may_end: bool,
    names_places: bool,
    reservation: Option<Reservation>,
}

impl Follower {
    fn new(app: Arc<App>, watcher: Watcher, id: String, subscription: Subscription) -> Follower {
        Follower {
            app,
            _watcher: watcher,
            id,
            subscription,
            phase: Phase::Over,
            sent: FxHashSet::default(),
            seconds: 0,
            deadline: None,
            silent_since: Instant::now(),
            may_end: true,
            names_places: false,
            reservation: None,
        }
    }

    /// Reads what is stored. Too much of that for the memory streams may take together is read bit by bit instead, in
    /// order of arrival.
    async fn begin(&mut self) -> Result<(), Failure> {
        let stored = lookup::records(&self.app, &self.id).await?;
        let mut reservation = Reservation::of(&self.app.stream_budget);
        if !reservation.grow(stored.iter().map(live::bytes).sum()) {
            self.phase = Phase::Behind(None);
            return Ok(());
        }
        self.reservation = Some(reservation);
        self.sent = stored.iter().map(live::key).collect();
        self.phase = Phase::Stored(stored.into_iter());
        Ok(())
    }

    /// Goes on after an event that was sent before; from the beginning when that is no event of this database.
    async fn resume(&mut self, after: Cursor) -> Result<(), Failure> {
        let feed = facets::feed(self.app.backend.as_ref())?;
        match feed.scan(&self.filter(), Some(&after), 1, Duration::ZERO).await {
            Ok(_) => {
                self.phase = Phase::Behind(Some(after));
                Ok(())
            }
            Err(store::Error::BadCursor) => self.begin().await,
            Err(error) => Err(error.into()),
        }
    }

    fn filter(&self) -> RecordFilter {
        let (kind, trace) = (Some(RecordKind::Checkpoints), Some(trace_id(&self.id)));
        RecordFilter { kind, trace, ..RecordFilter::default() }
    }

    /// What to send next; `None` at the end.
    async fn next_piece(&mut self) -> Option<Result<Bytes, store::Error>> {
        loop {
            let piece = match &mut self.phase {
                Phase::Over => return None,
                Phase::Stored(_) => self.stored_piece(),
                Phase::Behind(after) => {
                    let after = after.take();
                    match self.missed_piece(after).await {
                        Ok(piece) => piece,
                        // The client sees a broken body, and not an end that looks like the usual one.
                        Err(error) => {
                            self.phase = Phase::Over;
                            return Some(Err(error));
                        }
                    }
                }
                Phase::Live => self.live_piece().await,
            };
            if let Some(piece) = piece {
                return Some(Ok(Bytes::from(piece)));
            }
        }
    }

    fn stored_piece(&mut self) -> Option<String> {
        let Phase::Stored(rest) = &mut self.phase else { return None };
        let mut piece = String::new();
        while piece.len() < PIECE_BYTES {
            let Some(checkpoint) = rest.next() else { break };
            let is_last = rest.len() == 0;
            let place = self.subscription.position.as_ref().filter(|_| is_last && self.names_places);
            write_event(&checkpoint, place, &mut piece);
        }
        if rest.len() == 0 {
            self.go_live();
        }
        Some(piece).filter(|piece| !piece.is_empty())
    }

    async fn missed_piece(&mut self, after: Option<Cursor>) -> store::Result<Option<String>> {
        let chunk =
            facets::feed(self.app.backend.as_ref())?.scan(&self.filter(), after.as_ref(), STEP, Duration::ZERO).await?;
        let (id, sent) = (&self.id, &mut self.sent);
        let is_new = |checkpoint: &&Checkpoint| lookup::is_of(checkpoint, id) && sent.insert(live::key(checkpoint));
        let fresh: Vec<&Checkpoint> = chunk.batch.checkpoints.iter().filter(is_new).collect();
        let piece = self.events(&fresh, &chunk.next);
        if chunk.at_end {
            self.go_live();
        } else {
            self.phase = Phase::Behind(Some(chunk.next));
        }
        Ok(piece)
    }

    fn go_live(&mut self) {
        self.phase = Phase::Live;
        self.reservation = None;
        if self.deadline.is_none() {
            self.silent_since = Instant::now();
            self.deadline = self.silent_since.checked_add(Duration::from_secs(self.seconds));
        }
        self.may_end = true;
    }

    async fn live_piece(&mut self) -> Option<String> {
        let is_late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if std::mem::take(&mut self.may_end) && is_late {
            self.phase = Phase::Over;
            return Some("data: {\"type\": \"timeout\"}\n\n".to_owned());
        }
        match timeout_at(self.silent_since + KEEPALIVE, self.subscription.receiver.recv()).await {
            Err(_) => {
                self.silent_since = Instant::now();
                self.may_end = true;
                Some(": keepalive\n\n".to_owned())
            }
            Ok(Ok(news)) => self.news_piece(&news),
            Ok(Err(RecvError::Lagged(_))) => {
                self.subscription.receiver = self.subscription.receiver.resubscribe();
                self.phase = Phase::Behind(self.subscription.position.clone());
                None
            }
            Ok(Err(RecvError::Closed)) => {
                self.phase = Phase::Over;
                None
            }
        }
    }

    fn news_piece(&mut self, news: &News) -> Option<String> {
        let Some(checkpoints) = &news.checkpoints else {
            self.phase = Phase::Behind(self.subscription.position.clone());
            return None;
        };
        let (id, sent) = (&self.id, &mut self.sent);
        let is_new = |checkpoint: &&Checkpoint| lookup::is_of(checkpoint, id) && !sent.remove(&live::key(checkpoint));
        let fresh: Vec<&Checkpoint> = checkpoints.iter().filter(is_new).collect();
        self.events(&fresh, &news.next)
    }

    /// Records that end at a place; the stream is there now.
    fn events(&mut self, checkpoints: &[&Checkpoint], next: &Cursor) -> Option<String> {
        self.subscription.position = Some(next.clone());
        let mut piece = String::new();
        for (index, checkpoint) in checkpoints.iter().enumerate() {
            let is_last = index + 1 == checkpoints.len();
            write_event(checkpoint, (is_last && self.names_places).then_some(next), &mut piece);
        }
        if piece.is_empty() {
            return None;
        }
        self.silent_since = Instant::now();
        self.may_end = true;
        Some(piece)
    }
}

fn write_event(checkpoint: &Checkpoint, place: Option<&Cursor>, piece: &mut String) {
    if let Some(place) = place {
        piece.push_str("id: ");
        piece.push_str(&place.0);
        piece.push('\n');
    }
    piece.push_str("data: ");
    write_json(checkpoint, piece);
    piece.push_str("\n\n");
}
