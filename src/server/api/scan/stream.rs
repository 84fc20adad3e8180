//! `GET /api/v1/scan/stream`: everything a filter names from a place on, as server-sent events without an end.
//!
//! Each event is a part of a scan; its id is the place behind it, from which a client whose connection broke goes on. A
//! stream reads from the store when its client has taken what it was sent, so a slow one holds a single part in memory,
//! is no concern of those who write, and misses nothing but what was removed meanwhile, of which it is told how much.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use http::HeaderMap;
use tokio::time::{Instant, sleep_until};

use crate::api::{self, Pairs};
use crate::model::{Cursor, Nanos, RecordFilter};
use crate::server::access::CallersStore;
use crate::server::app::App;
use crate::server::http::answer::LAST_EVENT_ID;
use crate::server::http::{Answer, Reservation, answer};
use crate::server::open_streams::{EventSource, OpenStream};
use crate::store::{self, Chunk, wire};

/// Silence after which a sign of life is sent.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// The most streams at once.
const MOST_STREAMS: usize = 256;
/// Records of an event when nobody says how many, about; a write of more is not split.
const STEP: usize = 256;
/// Time between two looks at the store: what is committed in between arrives together.
const PACE: Duration = Duration::from_millis(20);

/// The stream a client asks for.
#[derive(Debug)]
struct StreamRequest {
    filter: RecordFilter,
    max: usize,
    /// Where to begin: the outer `None` is the end of the store, the inner one its beginning.
    after: Option<Option<Cursor>>,
    /// When to end; `None` is never.
    deadline: Option<Instant>,
}

impl StreamRequest {
    fn from_request(headers: &HeaderMap, pairs: &Pairs) -> Result<StreamRequest, api::BadParameter> {
        let (filter, others) = api::filter_from_pairs(pairs, Nanos::now())?;
        let mut asked = StreamRequest { filter, max: STEP, after: None, deadline: None };
        for (name, value) in others {
            match name.as_str() {
                "after" => asked.after = Some(Some(value).filter(|place| !place.is_empty()).map(Cursor)),
                "max" => asked.max = api::read_number::<usize>(&name, &value)?.clamp(1, api::MAX_SCAN),
                "timeout" => {
                    let seconds = Duration::from_secs(api::read_number(&name, &value)?);
                    asked.deadline = Instant::now().checked_add(seconds);
                }
                _ => {}
            }
        }
        let last = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).filter(|id| !id.is_empty());
        if let Some(id) = last {
            asked.after = Some(Some(Cursor(id.to_owned())));
        }
        Ok(asked)
    }
}

/// `GET /api/v1/scan/stream`
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    Extension(store): Extension<CallersStore>,
    headers: HeaderMap,
    Query(pairs): Query<Pairs>,
) -> Answer {
    let asked = StreamRequest::from_request(&headers, &pairs)?;
    let open_stream = app.scan_streams.enter("", None, MOST_STREAMS)?;
    let follower = Follower::begin(Arc::clone(&app), store, open_stream, asked).await?;
    let mut response = follower.into_answer(&app.stopping);
    answer::mark_version(response.headers_mut());
    Ok(response)
}

/// Where a stream is.
#[derive(Debug)]
struct Follower {
    app: Arc<App>,
    store: CallersStore,
    _open: OpenStream,
    filter: RecordFilter,
    max: usize,
    deadline: Option<Instant>,
    /// The place up to which everything was read; `None` is the beginning.
    position: Option<Cursor>,
    /// The part that was read and not sent yet.
    read: Option<Chunk>,
    /// The place the client was told last.
    known_place: Option<Cursor>,
    silent_since: Instant,
    next_look: Instant,
    /// The room for the piece that was sent last.
    reservation: Reservation,
}

impl Follower {
    /// Finds the place to begin, and reads the first part, so that a foreign place is refused at once.
    async fn begin(
        app: Arc<App>,
        store: CallersStore,
        open_stream: OpenStream,
        asked: StreamRequest,
    ) -> store::Result<Follower> {
        let position = match asked.after {
            Some(place) => place,
            None => store.feed_of_caller()?.place(&asked.filter, 0).await?,
        };
        let first = store.feed_of_caller()?.scan(&asked.filter, position.as_ref(), asked.max, Duration::ZERO).await?;
        let now = Instant::now();
        Ok(Follower {
            _open: open_stream,
            filter: asked.filter,
            max: asked.max,
            deadline: asked.deadline,
            position,
            read: Some(first),
            known_place: None,
            // A sign of life at once, so that the client knows its place from the start.
            silent_since: now.checked_sub(KEEPALIVE).unwrap_or(now),
            next_look: now,
            reservation: Reservation::new(&app.stream_budget),
            app,
            store,
        })
    }

    /// Reads on; waits for something new, but not longer than until there is something else to do.
    async fn read_on(&mut self) -> store::Result<Chunk> {
        sleep_until(self.next_look).await;
        let until = self.silent_since + KEEPALIVE;
        let until = self.deadline.map_or(until, |deadline| until.min(deadline));
        let wait = until.saturating_duration_since(Instant::now());
        let chunk = self.store.feed_of_caller()?.scan(&self.filter, self.position.as_ref(), self.max, wait).await?;
        if chunk.at_end {
            self.next_look = Instant::now() + PACE;
        }
        Ok(chunk)
    }

    fn moved_to(&mut self, place: Cursor) {
        self.known_place = Some(place.clone());
        self.position = Some(place);
        self.silent_since = Instant::now();
    }

    /// A comment, with the place when that has changed; it is an event without data, which tells nobody anything.
    fn sign_of_life(&mut self) -> String {
        self.silent_since = Instant::now();
        match self.position.as_ref().filter(|position| self.known_place.as_ref() != Some(*position)) {
            None => ": keepalive\n\n".to_owned(),
            Some(place) => {
                let piece = format!(": keepalive\nid: {}\n\n", place.0);
                self.known_place = self.position.clone();
                piece
            }
        }
    }
}

impl EventSource for Follower {
    /// The next part, or a sign of life. Dropping the future loses nothing.
    async fn next_piece(&mut self) -> store::Result<Option<String>> {
        self.reservation = Reservation::new(&self.app.stream_budget);
        loop {
            let chunk = match self.read.take() {
                Some(chunk) => chunk,
                None => self.read_on().await?,
            };
            let is_late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if !chunk.batch.is_empty() || chunk.missed > 0 {
                let piece = write_event(&chunk);
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
}

fn write_event(chunk: &Chunk) -> String {
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
