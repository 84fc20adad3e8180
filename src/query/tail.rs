//! Following a store: what lies in it from a place on, then what arrives, each record once and in commit order.
//!
//! Works on every backend, since all it needs is a scan that can go on after a cursor. Nothing is read before the last
//! chunk was taken, so a slow reader costs neither memory nor an open transaction. A store that cannot be reached for
//! a while is asked again, ever more seldom, and the cursor makes sure that nothing is missed or read twice.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use crate::model::filter::{Filter, RecordRef, Subject};
use crate::model::time::NANOS_PER_SECOND;
use crate::model::{Batch, Checkpoint, Cursor, Direction, Nanos, Record, RecordFilter, Severity, TimeBounds};
use crate::query::facets;
use crate::store::{Backend, Error, Feed, Result};

/// About how many records one step holds; a write of more is not split.
const MAX_RECORDS: usize = 1_000;
/// How long one call waits for something new.
const WAIT: Duration = Duration::from_secs(20);
/// Pause before a lost store is asked again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How far the search for the last records looks back at first; each further look goes eight times as far.
const FIRST_LOOK_NS: u64 = 2 * NANOS_PER_SECOND;
/// Entries without an exit that are remembered; the oldest are forgotten first.
const MAX_OPEN: usize = 16_384;

/// What of a store to follow, and from where on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TailQuery {
    /// What the store should look for.
    pub filter: RecordFilter,
    /// Only records this is true of; it asks nothing of their traces.
    pub matching: Option<Filter>,
    /// Only records of this service or checkpoint source.
    pub service: Option<String>,
    /// Only records at least this bad; see [`Record::severity`].
    pub level: Severity,
    /// Where in the store to begin.
    pub start: Start,
    /// How many records at most of what lies there already, the last of them; `None` is all.
    pub last: Option<usize>,
}

/// Where in a store following begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With the oldest record.
    Beginning,
    /// With what was received at or after a time, by the clock of whoever stored it.
    Since(Nanos),
    /// With what arrives from now on.
    #[default]
    End,
}

/// A record, and what only its place in the stream tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// The record.
    pub record: Record,
    /// How long a span took, or the operation an exit closes whose entry went by, in nanoseconds. `None` for any other
    /// record, and when the entry was not seen.
    pub duration_ns: Option<u64>,
    /// When the record ended, or started where the end cannot be; 0 when neither can.
    pub time: Nanos,
}

/// What happens while a store is followed.
#[derive(Debug)]
pub enum TailStep {
    /// Records, at least one, in commit order; those of different kinds that were read together go by time.
    Records(Vec<Arrival>),
    /// Everything that was there has been handed out. Comes once, before the first record that is new.
    CaughtUp,
    /// The store cannot be read at the moment; the next step waits until it can. Comes once per outage.
    Lost(Error),
    /// The store can be read again, and goes on where it stopped.
    Back,
    /// So many writes were removed whole after they arrived and before they could be handed out.
    Missed(u64),
    /// The store holds less than it did, so it is another one. All of it follows.
    Replaced,
}

/// A place in a store that moves forward.
#[derive(Debug)]
pub struct Tail<'a> {
    feed: &'a dyn Feed,
    query: TailQuery,
    cursor: Option<Cursor>,
    open: OpenEntries,
    /// Records read while looking for the last few; handed out before anything else.
    found: VecDeque<Arrival>,
    /// How many writes were removed before they could be handed out and have not been reported.
    missed: u64,
    /// Whether all that was there at the start has been read.
    is_new: bool,
    has_said_caught_up: bool,
    has_answered: bool,
    /// Pause before the next attempt, while the store is lost.
    pause: Option<Duration>,
}

impl<'a> Tail<'a> {
    /// Finds where to begin; `now` is the present of whoever stored the records.
    ///
    /// # Errors
    /// The store fails.
    pub async fn start(backend: &'a dyn Backend, query: TailQuery, now: Nanos) -> Result<Tail<'a>> {
        let mut tail = Tail {
            feed: facets::feed(backend)?,
            query,
            cursor: None,
            open: OpenEntries::default(),
            found: VecDeque::new(),
            missed: 0,
            is_new: false,
            has_said_caught_up: false,
            has_answered: false,
            pause: None,
        };
        let since = match (tail.query.start, tail.query.last) {
            (_, Some(0)) | (Start::End, None) => Nanos(u64::MAX),
            (Start::Since(since), _) => since,
            (Start::Beginning | Start::End, _) => Nanos(0),
        };
        match tail.query.last {
            Some(last) if last > 0 => tail.find_last(last, since, now).await?,
            _ if since > Nanos(0) => {
                tail.cursor = Some(tail.feed.cursor_at(since).await?);
                tail.has_answered = true;
            }
            _ => {}
        }
        Ok(tail)
    }

    /// Waits for what happens next. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The store cannot be read and will not be by waiting: it is denied, corrupt, or of another version. The first
    /// answer of a store must not fail at all.
    pub async fn next(&mut self) -> Result<TailStep> {
        if self.missed > 0 {
            return Ok(TailStep::Missed(std::mem::take(&mut self.missed)));
        }
        if !self.found.is_empty() {
            let most = self.found.len().min(MAX_RECORDS);
            return Ok(TailStep::Records(self.found.drain(..most).collect()));
        }
        loop {
            if self.is_new && !self.has_said_caught_up {
                self.has_said_caught_up = true;
                return Ok(TailStep::CaughtUp);
            }
            if let Some(pause) = self.pause {
                tokio::time::sleep(pause).await;
            }
            let records = match self.read_chunk().await {
                Ok(records) => records,
                Err(error) => match self.fail(error)? {
                    Some(step) => return Ok(step),
                    None => continue,
                },
            };
            self.has_answered = true;
            let was_lost = self.pause.take().is_some();
            if was_lost || self.missed > 0 {
                self.found = records.into();
                return Ok(if was_lost { TailStep::Back } else { TailStep::Missed(std::mem::take(&mut self.missed)) });
            }
            if !records.is_empty() {
                return Ok(TailStep::Records(records));
            }
        }
    }

    /// Reads one chunk and moves behind it. Empty when nothing new arrived, or nothing that is wanted.
    async fn read_chunk(&mut self) -> Result<Vec<Arrival>> {
        // What is there is read without waiting, and a store that was lost is asked for a sign of life.
        let wait = if self.is_new && self.pause.is_none() { WAIT } else { Duration::ZERO };
        let chunk = self.feed.scan(&self.query.filter, self.cursor.as_ref(), MAX_RECORDS, wait).await?;
        self.cursor = Some(chunk.next);
        // What was removed before following began was never asked for.
        self.missed += if self.is_new { chunk.missed } else { 0 };
        self.is_new |= chunk.at_end;
        Ok(self.arrivals(chunk.batch))
    }

    /// What an error means: the end, a step to hand out, or another attempt in silence.
    fn fail(&mut self, error: Error) -> Result<Option<TailStep>> {
        if !self.has_answered {
            return Err(error);
        }
        if matches!(error, Error::BadCursor) && self.cursor.is_some() {
            (self.cursor, self.pause) = (None, None);
            return Ok(Some(TailStep::Replaced));
        }
        // While a server starts again, what stands before it may answer in its place.
        let may_pass = error.is_retryable() || matches!(error, Error::Protocol { .. });
        if !may_pass || matches!(error, Error::Closed) {
            return Err(error);
        }
        let is_first = self.pause.is_none();
        self.pause = Some(self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE)));
        Ok(is_first.then_some(TailStep::Lost(error)))
    }

    /// Finds the last few records that are wanted: looks a short time back, and further as long as that holds too few,
    /// because a store only reads forward.
    async fn find_last(&mut self, last: usize, since: Nanos, now: Nanos) -> Result<()> {
        let oldest = self.feed.cursor_at(since).await?;
        let mut look_ns = FIRST_LOOK_NS;
        let mut looked_from = None;
        loop {
            let from = Nanos(now.0.saturating_sub(look_ns)).max(since);
            let place = self.feed.cursor_at(from).await?;
            if looked_from.as_ref() != Some(&place) {
                self.read_last(last, place.clone()).await?;
            }
            if self.found.len() == last || place == oldest || from == since {
                return Ok(());
            }
            looked_from = Some(place);
            look_ns = look_ns.saturating_mul(8);
        }
    }

    /// Reads from a cursor to the end and keeps the last few records that are wanted.
    async fn read_last(&mut self, last: usize, place: Cursor) -> Result<()> {
        self.cursor = Some(place);
        (self.has_answered, self.is_new) = (true, false);
        self.open = OpenEntries::default();
        self.found.clear();
        while !self.is_new {
            let arrivals = self.read_chunk().await?;
            self.found.extend(arrivals);
            let surplus = self.found.len().saturating_sub(last);
            self.found.drain(..surplus);
        }
        Ok(())
    }

    /// The records of a batch that are wanted, those of different kinds by time.
    fn arrivals(&mut self, batch: Batch) -> Vec<Arrival> {
        let Batch { spans, logs, checkpoints } = batch;
        let mut kinds = [
            spans.into_iter().map(Record::Span).collect::<VecDeque<_>>(),
            checkpoints.into_iter().map(Record::Checkpoint).collect(),
            logs.into_iter().map(Record::Log).collect(),
        ];
        let mut arrivals = Vec::new();
        let bounds = TimeBounds::received_at(Nanos::now());
        loop {
            let heads = kinds.iter_mut().filter(|kind| !kind.is_empty());
            let first = heads.min_by_key(|kind| kind.front().map(Record::end));
            let Some(record) = first.and_then(VecDeque::pop_front) else { return arrivals };
            let duration_ns = match &record {
                Record::Span(span) => bounds.duration_ns(span.start, span.end),
                Record::Checkpoint(checkpoint) => self.open.duration_ns(checkpoint),
                Record::Log(_) => None,
            };
            if self.wants(&record) {
                let times = [record.end(), record.start()];
                let time = times.into_iter().find(|time| bounds.has(*time)).unwrap_or_default();
                arrivals.push(Arrival { record, duration_ns, time });
            }
        }
    }

    fn wants(&self, record: &Record) -> bool {
        let is_of_service = self.query.service.as_ref().is_none_or(|service| record.service() == service.as_str());
        let matches = |filter: &Filter| filter.matches(&Subject::of(RecordRef::from(record)));
        is_of_service && record.severity() >= self.query.level && self.query.matching.as_ref().is_none_or(matches)
    }
}

/// Entries of operations whose exits have not gone by.
///
/// Keys are digests, so that long names from outside cost no memory.
#[derive(Debug, Default)]
struct OpenEntries {
    /// The open entries of one operation, the oldest first: number and time.
    by_operation: HashMap<u128, Vec<(u64, f64)>>,
    /// The last entries that went by, open or not.
    order: VecDeque<(u128, u64)>,
    next_number: u64,
}

impl OpenEntries {
    /// Remembers an entry; of an exit, how long ago its operation was entered.
    fn duration_ns(&mut self, checkpoint: &Checkpoint) -> Option<u64> {
        let key = operation_key(checkpoint);
        match checkpoint.direction {
            Direction::Enter => {
                self.enter(key, checkpoint.timestamp_ms);
                None
            }
            Direction::Exit => {
                let entries = self.by_operation.get_mut(&key)?;
                let (_, entered_ms) = entries.pop()?;
                if entries.is_empty() {
                    self.by_operation.remove(&key);
                }
                // The cast clamps what is negative or no number to zero.
                Some(((checkpoint.timestamp_ms - entered_ms) * 1e6).round() as u64)
            }
            Direction::Other(_) => None,
        }
    }

    fn enter(&mut self, key: u128, time_ms: f64) {
        self.by_operation.entry(key).or_default().push((self.next_number, time_ms));
        self.order.push_back((key, self.next_number));
        self.next_number += 1;
        if self.order.len() > MAX_OPEN
            && let Some((key, number)) = self.order.pop_front()
            && let Some(entries) = self.by_operation.get_mut(&key)
        {
            entries.retain(|(other, _)| *other != number);
            if entries.is_empty() {
                self.by_operation.remove(&key);
            }
        }
    }
}

fn operation_key(checkpoint: &Checkpoint) -> u128 {
    let parts = [&checkpoint.correlation_id, &checkpoint.source_id, &checkpoint.operation, &checkpoint.endpoint];
    let digests: Vec<u8> = parts.iter().flat_map(|part| xxh3_128(part.as_bytes()).to_le_bytes()).collect();
    xxh3_128(&digests)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Text, TraceId};

    fn checkpoint(time_ms: f64, direction: &str, endpoint: &str) -> Checkpoint {
        Checkpoint {
            source_id: Text::from("MA"),
            correlation_id: Text::from("c"),
            trace_id: TraceId::parse("c").expect("valid"),
            timestamp_ms: time_ms,
            suffix: Text::EMPTY,
            direction: Direction::parse(direction),
            operation: Text::from("REST"),
            endpoint: Text::from(endpoint),
            data: None,
            hostname: Text::from("h"),
            raw_line: None,
            project: Text::EMPTY,
        }
    }

    #[test]
    fn an_exit_tells_how_long_the_innermost_open_entry_of_its_operation_took() {
        let mut open = OpenEntries::default();
        let mut went_by = |time, direction, endpoint| open.duration_ns(&checkpoint(time, direction, endpoint));
        assert_eq!(went_by(1.0, "->", "a"), None);
        assert_eq!(went_by(2.0, "->", "a"), None);
        assert_eq!(went_by(3.0, "<-", "b"), None);
        assert_eq!(went_by(4.5, "<-", "a"), Some(2_500_000));
        assert_eq!(went_by(0.5, "<-", "a"), Some(0));
        assert_eq!(went_by(5.0, "<-", "a"), None);
        assert_eq!(went_by(f64::NAN, "->", "a"), None);
        assert_eq!(went_by(9.0, "<-", "a"), Some(0));
        assert!(open.by_operation.is_empty());
    }

    #[test]
    fn only_so_many_open_entries_are_remembered_and_the_oldest_go_first() {
        let mut open = OpenEntries::default();
        for number in 0..MAX_OPEN + 5 {
            open.duration_ns(&checkpoint(number as f64, "->", &number.to_string()));
        }
        assert_eq!((open.by_operation.len(), open.order.len()), (MAX_OPEN, MAX_OPEN));
        assert_eq!(open.duration_ns(&checkpoint(1e6, "<-", "4")), None);
        assert!(open.duration_ns(&checkpoint(1e6, "<-", "5")).is_some());
    }
}
