//! `GET /traces/{id}/stream`: the stored checkpoints of a correlation id, then the live ones, as server-sent events.
//!
//! Nothing is lost or doubled in between: a stream subscribes to the feed before it reads what is stored, and skips what
//! it has sent already. A stream is read from, never pushed to, so a slow reader costs no more memory than one chunk;
//! what it misses of the feed it reads from the store when it gets there.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use rustc_hash::FxHashSet;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

use crate::decode::checkpoint::trace_id;
use crate::model::json::write_checkpoint;
use crate::model::{Checkpoint, Cursor, RecordFilter};
use crate::server::access::CallersStore;
use crate::server::app::App;
use crate::server::compat::checkpoint_feed::{self, Arrived, Subscription};
use crate::server::compat::stored;
use crate::server::http::{Answer, Failure, Reservation, answer};
use crate::server::open_streams::{EventSource, OpenStream};
use crate::store;

/// Silence after which a sign of life is sent.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// The most streams at once.
const MOST_STREAMS: usize = 1_024;
/// About the most bytes sent in one piece.
const PIECE_BYTES: usize = 64 << 10;
/// Checkpoints read at once from the store.
const STEP: usize = 256;

/// Answers with the stream of a correlation id that ends `seconds` after the stored ones.
pub(crate) async fn follow(
    app: &Arc<App>,
    store: CallersStore,
    headers: &HeaderMap,
    id: String,
    seconds: i64,
) -> Answer {
    let open_stream = app.checkpoint_streams.enter(&id, store.project(), MOST_STREAMS)?;
    let resume_after = headers.get(answer::LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    let mut follower = Follower {
        _open: open_stream,
        id,
        subscription: app.checkpoints.subscribe(&*app.backend).await?,
        phase: Phase::Over,
        sent: FxHashSet::default(),
        seconds: u64::try_from(seconds).unwrap_or(0),
        deadline: None,
        silent_since: Instant::now(),
        may_end: true,
        names_places: wants_ids(headers) || resume_after.is_some(),
        reservation: None,
        app: Arc::clone(app),
        store,
    };
    match resume_after {
        Some(place) => follower.resume(Cursor(place.to_owned())).await?,
        None => follower.begin().await?,
    }
    let mut response = follower.into_answer(&app.stopping);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Browsers ask for events by their media type and can go on from an id; other clients get the bytes of the original.
fn wants_ids(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// Where a stream is.
#[derive(Debug)]
enum Phase {
    /// Sending what was stored when it began.
    Stored(std::vec::IntoIter<Checkpoint>),
    /// Reading from the store what came after a place; `None` is the beginning.
    Behind(Option<Cursor>),
    /// Waiting for the feed.
    CheckpointFeed,
    /// Nothing more is sent.
    Over,
}

#[derive(Debug)]
struct Follower {
    app: Arc<App>,
    store: CallersStore,
    _open: OpenStream,
    id: String,
    subscription: Subscription,
    phase: Phase,
    /// The hashes of checkpoints that were sent from the store, and may still come through the feed.
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
    /// Reads what is stored. Too much of that for the memory streams may take together is read bit by bit instead, in
    /// order of arrival.
    async fn begin(&mut self) -> Result<(), Failure> {
        let stored = stored::checkpoints(&*self.store, &self.id).await?;
        let mut reservation = Reservation::new(&self.app.stream_budget);
        if !reservation.grow(stored.iter().map(checkpoint_feed::memory_bytes).sum()) {
            self.phase = Phase::Behind(None);
            return Ok(());
        }
        self.reservation = Some(reservation);
        self.sent = stored.iter().map(checkpoint_feed::checkpoint_key).collect();
        self.phase = Phase::Stored(stored.into_iter());
        Ok(())
    }

    /// Goes on after an event that was sent before; from the beginning when that is no event of this database.
    async fn resume(&mut self, after: Cursor) -> Result<(), Failure> {
        match self.store.feed_of_caller()?.scan(&self.filter(), Some(&after), 1, Duration::ZERO).await {
            Ok(_) => {
                self.phase = Phase::Behind(Some(after));
                Ok(())
            }
            Err(store::Error::BadCursor) => self.begin().await,
            Err(error) => Err(error.into()),
        }
    }

    fn filter(&self) -> RecordFilter {
        stored::filter(Some(trace_id(&self.id)))
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
        let chunk = self.store.feed_of_caller()?.scan(&self.filter(), after.as_ref(), STEP, Duration::ZERO).await?;
        let (id, sent) = (&self.id, &mut self.sent);
        let is_new = |checkpoint: &&Checkpoint| {
            stored::is_of(checkpoint, id) && sent.insert(checkpoint_feed::checkpoint_key(checkpoint))
        };
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
        self.phase = Phase::CheckpointFeed;
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
            Ok(Ok(arrived)) => self.arrived_piece(&arrived),
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

    fn arrived_piece(&mut self, arrived: &Arrived) -> Option<String> {
        let Some(checkpoints) = &arrived.checkpoints else {
            self.phase = Phase::Behind(self.subscription.position.clone());
            return None;
        };
        let (id, store, sent) = (&self.id, &self.store, &mut self.sent);
        let is_new = |checkpoint: &&Checkpoint| {
            store.shows(&checkpoint.project)
                && stored::is_of(checkpoint, id)
                && !sent.remove(&checkpoint_feed::checkpoint_key(checkpoint))
        };
        let fresh: Vec<&Checkpoint> = checkpoints.iter().filter(is_new).collect();
        self.events(&fresh, &arrived.next)
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

impl EventSource for Follower {
    async fn next_piece(&mut self) -> store::Result<Option<String>> {
        loop {
            let piece = match &mut self.phase {
                Phase::Over => return Ok(None),
                Phase::Stored(_) => self.stored_piece(),
                Phase::Behind(after) => {
                    let after = after.take();
                    self.missed_piece(after).await?
                }
                Phase::CheckpointFeed => self.live_piece().await,
            };
            if piece.is_some() {
                return Ok(piece);
            }
        }
    }
}

fn write_event(checkpoint: &Checkpoint, place: Option<&Cursor>, piece: &mut String) {
    if let Some(place) = place {
        piece.push_str("id: ");
        piece.push_str(&place.0);
        piece.push('\n');
    }
    piece.push_str("data: ");
    write_checkpoint(checkpoint, piece);
    piece.push_str("\n\n");
}
