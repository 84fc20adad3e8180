//! Reading records in commit order.
//!
//! A cursor is the number of the last write that was read, and the file that gave the number out. Sealing and merging
//! move records but keep the number of their write, and numbers are given out by one thread as it commits, so a cursor
//! stays right whatever moves, and numbers nothing stands for any more are writes that were removed. Each
//! kind of record has segments of its own, so a scan of several kinds walks them side by side and always goes on with
//! the write of the smallest number. A write is never split between two chunks; its checkpoints and log records come
//! in the order they were sent.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;

use super::{
    inbox, schema,
    segments::{self, Arrived, Extent},
    traces::{self, Named},
};
use crate::{
    model::{Batch, Cursor, Nanos, Record, RecordFilter, RecordKind},
    store::{Chunk, Error, Result},
};

/// Segments looked at per call, so that a filter that matches little does not hold a snapshot for long.
const SEGMENTS_PER_CALL: usize = 16;

/// The segment of each kind read last, in commit order: the next chunk usually lies in it too.
#[derive(Debug, Default)]
pub(super) struct LastSegments(Mutex<[Option<Kept>; 3]>);

/// A segment's id and its records.
type Kept = (i64, Arc<Vec<Arrived>>);

impl LastSegments {
    fn read(&self, connection: &Connection, extent: &Extent) -> Result<Arc<Vec<Arrived>>> {
        let place = extent.kind as usize;
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned().flatten();
        if let Some((_, records)) = kept.filter(|(kept_id, _)| *kept_id == extent.id) {
            return Ok(records);
        }
        let mut records = segments::records(connection, extent)?;
        sort(&mut records);
        let records = Arc::new(records);
        if let Some(last) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
            *last = Some((extent.id, Arc::clone(&records)));
        }
        Ok(records)
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Default::default();
    }
}

fn sort(records: &mut [Arrived]) {
    records.sort_by_key(|record| (record.arrival.seq, record.arrival.position));
}

/// Records after `from`, about `most` of them.
pub(super) fn scan(
    connection: &Connection,
    filter: &RecordFilter,
    from: Option<&Cursor>,
    most: usize,
    last_segments: &LastSegments,
) -> Result<Chunk> {
    let last_seq = inbox::last_seq(connection)?;
    let file = schema::database_id(connection)?;
    let after = from.map_or(Ok(0), |cursor| read_cursor(cursor, file.as_deref(), last_seq))?;
    let chunk = |batch, next_seq, at_end| {
        // Who reads from the beginning wants what there is.
        let missed = if from.is_some() { missed(connection, after, next_seq)? } else { 0 };
        Ok(Chunk { batch, next: write_cursor(file.as_deref(), next_seq), at_end, missed })
    };
    let wanted = Wanted::new(connection, filter)?;
    if after == last_seq || wanted.named.as_ref().is_some_and(Named::is_nothing) {
        return chunk(Batch::default(), last_seq, true);
    }
    let scan = Scan { connection, wanted: &wanted, last_segments, after };
    let mut feeds: Vec<Feed> = wanted.kinds().map(|kind| scan.feed(kind)).collect::<Result<_>>()?;
    let mut batch = Batch::default();
    let mut segments_left = SEGMENTS_PER_CALL;
    while let Some((seq, feed)) = next_feed(&mut feeds) {
        let must_stop = batch.len() >= most.max(1) || feed.needs_segment() && segments_left == 0;
        if must_stop {
            return chunk(batch, seq - 1, false);
        }
        if feed.needs_segment() {
            segments_left -= usize::from(scan.load(feed)?);
        } else {
            scan.take(feed, seq, &mut batch)?;
        }
    }
    last_segments.forget();
    chunk(batch, last_seq, true)
}

/// How many of the writes after `after`, up to `last`, left nothing behind.
fn missed(connection: &Connection, after: i64, last: i64) -> Result<u64> {
    if after == last {
        return Ok(0);
    }
    let mut missed = 0;
    let mut covered = after;
    for (first, until) in segments::spans_of_seqs(connection, after, last)? {
        missed += inbox::missing_between(connection, covered, (first - 1).min(last))?;
        covered = covered.max(until);
    }
    Ok(missed + inbox::missing_between(connection, covered, last)?)
}

/// The place before the first write received at or after `received`; the end when there is none.
pub(super) fn cursor_at(connection: &Connection, received: Nanos) -> Result<Cursor> {
    let waiting = inbox::first_received_since(connection, received.0)?;
    let sealed = segments::first_received_since(connection, received.0)?;
    let first = waiting.into_iter().chain(sealed).min();
    let seq = first.map_or(inbox::last_seq(connection), |seq| Ok(seq - 1))?;
    Ok(write_cursor(schema::database_id(connection)?.as_deref(), seq))
}

/// The records of one kind still to come, in commit order.
struct Feed {
    segments: VecDeque<Extent>,
    /// What is left of the segment being read.
    current: Option<(Arc<Vec<Arrived>>, usize)>,
    /// Rows of the inbox; all behind the segments.
    rows: VecDeque<i64>,
    after: i64,
}

impl Feed {
    /// The next write with records of this kind, or, before a segment is read, the first that can be in it.
    fn next_seq(&self) -> Option<i64> {
        let current = self.current.as_ref().and_then(|(records, place)| records.get(*place));
        let current = current.map(|record| record.arrival.seq);
        let segment = || self.segments.front().map(|extent| extent.first_seq.max(self.after + 1));
        current.or_else(segment).or_else(|| self.rows.front().copied())
    }

    fn needs_segment(&self) -> bool {
        self.current.is_none() && !self.segments.is_empty()
    }
}

fn next_feed(feeds: &mut [Feed]) -> Option<(i64, &mut Feed)> {
    feeds.iter_mut().filter_map(|feed| Some((feed.next_seq()?, feed))).min_by_key(|(seq, _)| *seq)
}

struct Scan<'a> {
    connection: &'a Connection,
    wanted: &'a Wanted<'a>,
    last_segments: &'a LastSegments,
    after: i64,
}

impl Scan<'_> {
    fn feed(&self, kind: RecordKind) -> Result<Feed> {
        let segments = match self.wanted.time() {
            None => segments::extents_after(self.connection, kind, self.after)?,
            Some(time) => {
                let mut extents = segments::extents_overlapping(self.connection, kind, time)?;
                extents.retain(|extent| extent.last_seq > self.after);
                extents
            }
        };
        Ok(Feed {
            segments: segments.into(),
            current: None,
            rows: inbox::rows_after(self.connection, kind, self.after)?.into(),
            after: self.after,
        })
    }

    /// Reads the next segment of a feed; whether it had to be, because it may hold what is wanted.
    fn load(&self, feed: &mut Feed) -> Result<bool> {
        let Some(extent) = feed.segments.pop_front() else { return Ok(false) };
        if !self.wanted.may_be_in(self.connection, extent.id)? {
            return Ok(false);
        }
        let records = match &self.wanted.filter.trace {
            Some(trace) => {
                let mut records = segments::arrived_of(self.connection, &extent, trace)?;
                sort(&mut records);
                Arc::new(records)
            }
            None => self.last_segments.read(self.connection, &extent)?,
        };
        let first = records.partition_point(|record| record.arrival.seq <= self.after);
        feed.current = (first < records.len()).then_some((records, first));
        Ok(true)
    }

    /// Takes the records of a write.
    fn take(&self, feed: &mut Feed, seq: i64, batch: &mut Batch) -> Result<()> {
        let Some((records, place)) = &mut feed.current else {
            feed.rows.pop_front();
            let row = inbox::row(self.connection, seq)?;
            let records = row.into_iter().flat_map(|row| row.records).filter(|record| self.wanted.has(record));
            records.for_each(|record| record.push_to(batch));
            return Ok(());
        };
        while let Some(record) = records.get(*place).filter(|record| record.arrival.seq == seq) {
            if self.wanted.has(&record.record) {
                record.record.clone().push_to(batch);
            }
            *place += 1;
        }
        if *place >= records.len() {
            feed.current = None;
        }
        Ok(())
    }
}

/// What a filter names.
struct Wanted<'f> {
    filter: &'f RecordFilter,
    /// `None` is all traces.
    named: Option<Named>,
}

impl<'f> Wanted<'f> {
    fn new(connection: &Connection, filter: &'f RecordFilter) -> Result<Wanted<'f>> {
        let is_partial = filter.trace.is_some() || filter.ended_before.is_some();
        let named = is_partial.then(|| traces::named(connection, filter)).transpose()?;
        Ok(Wanted { filter, named })
    }

    fn kinds(&self) -> impl Iterator<Item = RecordKind> {
        let wanted = self.filter.kind;
        RecordKind::ALL.into_iter().filter(move |kind| wanted.is_none_or(|wanted| wanted == *kind))
    }

    /// From when to when the records of the trace asked for begin, unix nanoseconds.
    fn time(&self) -> Option<(u64, u64)> {
        let fold = self.named.as_ref()?.traces.get(self.filter.trace.as_ref()?)?;
        Some((fold.start_ns, fold.end_ns))
    }

    fn has(&self, record: &Record) -> bool {
        self.named.as_ref().is_none_or(|named| named.has(record))
    }

    fn may_be_in(&self, connection: &Connection, segment: i64) -> Result<bool> {
        self.named.as_ref().map_or(Ok(true), |named| named.may_be_in(connection, segment))
    }
}

/// The place before the newest `records` records of a kind or of all kinds, or a few more; the end for none.
pub(super) fn place(connection: &Connection, kind: Option<RecordKind>, records: usize) -> Result<Cursor> {
    let file = schema::database_id(connection)?;
    if records == 0 {
        return Ok(write_cursor(file.as_deref(), inbox::last_seq(connection)?));
    }
    let mut newest: Vec<(i64, usize)> = Vec::new();
    for kind in RecordKind::ALL.into_iter().filter(|known| kind.is_none_or(|kind| kind == *known)) {
        let waiting = inbox::newest(connection, kind, records)?;
        let mut found: usize = waiting.iter().map(|(_, count)| count).sum();
        newest.extend(waiting);
        for extent in segments::extents(connection, kind)?.iter().rev() {
            if found >= records {
                break;
            }
            let arrivals = segments::arrivals(connection, extent.id)?;
            found += arrivals.len();
            newest.extend(arrivals.into_iter().map(|arrival| (arrival.seq, 1)));
        }
    }
    newest.sort_unstable_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    let mut found = 0;
    let first = newest.iter().find(|(_, count)| {
        found += count;
        found >= records
    });
    Ok(write_cursor(file.as_deref(), first.map_or(0, |(seq, _)| seq - 1)))
}

fn write_cursor(file: Option<&str>, seq: i64) -> Cursor {
    Cursor(match file {
        Some(file) => format!("s2.{file}.{seq:x}"),
        None => format!("s1.{seq:x}"),
    })
}

/// The number in a cursor; `s1.` is how those begin that do not say which file they are of.
fn read_cursor(cursor: &Cursor, file: Option<&str>, last_seq: i64) -> Result<i64> {
    let digits = match cursor.0.strip_prefix("s2.").and_then(|rest| rest.split_once('.')) {
        Some((given, digits)) if file == Some(given) => digits,
        Some(_) => return Err(Error::BadCursor),
        None => cursor.0.strip_prefix("s1.").ok_or(Error::BadCursor)?,
    };
    let seq = i64::from_str_radix(digits, 16).map_err(|_| Error::BadCursor)?;
    // The file was replaced by an older state of itself, or by another one, when it never got that far.
    if (0..=last_seq).contains(&seq) { Ok(seq) } else { Err(Error::BadCursor) }
}
