//! The streams of a server a follower reads from, so that what is new arrives without asking.
//!
//! A stream belongs to nobody: it is kept under what it looks for and the place it has come to, and whoever goes on
//! from there takes it. One that ends, breaks or falls silent is forgotten, which loses nothing, since the place is
//! only moved by events that arrived whole.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::Response;
use tokio::time::{Instant, timeout, timeout_at};

use super::events::Events;
use crate::model::{Cursor, RecordFilter};

/// Streams kept open; the one nobody has asked for longest is closed first.
const MOST_OPEN: usize = 4;
/// Silence after which a stream is given up; servers give a sign of life every second.
const SILENCE: Duration = Duration::from_secs(10);

/// An event that is not complete takes no more: a chunk of a scan is far smaller.
const MOST_HELD_BYTES: usize = 256 << 20;

/// The streams that are open.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: Mutex<VecDeque<Stream>>,
    are_unknown: AtomicBool,
}

impl Streams {
    /// Whether the server has none.
    pub(super) fn are_unknown(&self) -> bool {
        self.are_unknown.load(Ordering::Relaxed)
    }

    /// Notes that the server has none.
    pub(super) fn note_unknown(&self) {
        self.are_unknown.store(true, Ordering::Relaxed);
    }

    /// The stream that goes on here, if there is one.
    pub(super) fn take(&self, filter: &RecordFilter, place: &Cursor, max: usize) -> Option<Stream> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |stream: &Stream| stream.filter == *filter && stream.place == *place && stream.max == max;
        let index = open.iter().position(is_it)?;
        open.remove(index)
    }

    /// Keeps a stream for the next time.
    pub(super) fn put_back(&self, stream: Stream) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.push_back(stream);
        if open.len() > MOST_OPEN {
            open.pop_front();
        }
    }

    /// Closes them all.
    pub(super) fn close(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// An open stream.
#[derive(Debug)]
pub(super) struct Stream {
    /// What it looks for.
    pub(super) filter: RecordFilter,
    /// About how many records an event may hold.
    pub(super) max: usize,
    /// Everything before it was told.
    pub(super) place: Cursor,
    events: Events,
    response: Response,
}

/// What a stream has to say.
pub(super) enum Said {
    /// The data of an event.
    Event(Vec<u8>),
    /// Nothing yet.
    Nothing,
    /// Nothing any more.
    End,
}

impl Stream {
    /// The stream in an answer.
    pub(super) fn new(filter: RecordFilter, place: Cursor, max: usize, response: Response) -> Stream {
        Stream { filter, max, place, events: Events::default(), response }
    }

    /// The next event; waits for it until the deadline.
    pub(super) async fn next(&mut self, deadline: Instant) -> Said {
        timeout_at(deadline, self.read_on()).await.unwrap_or(Said::Nothing)
    }

    async fn read_on(&mut self) -> Said {
        loop {
            if let Some(data) = self.events.pop() {
                return Said::Event(data);
            }
            match timeout(SILENCE, self.response.chunk()).await {
                Ok(Ok(Some(bytes))) if self.events.held_bytes() < MOST_HELD_BYTES => self.events.push(&bytes),
                _ => return Said::End,
            }
        }
    }
}
