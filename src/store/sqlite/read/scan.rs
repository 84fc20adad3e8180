//! Reading records in commit order.
//!
//! A cursor is the number of the last write that was read, and the file that gave the number out. Sealing and merging
//! move records but keep the number of their write, and numbers are given out by one thread as it commits, so a cursor
//! stays right whatever moves, and numbers nothing stands for any more are writes that were removed. Each
//! kind of record has segments of its own, so a scan of several kinds walks them side by side and always goes on with
//! the write of the smallest number. Its checkpoints and log records come in the order they were sent.
//!
//! A chunk holds so many bytes at most, and so does what is decoded on the way: a write is split between two chunks
//! only if it alone is more than that, and then a cursor also says which of its records was the last ([`scan_cursor`]).

mod scan_cursor;
mod sealed;

use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::Connection;

use self::scan_cursor::{ScanCursor, Within};
use self::sealed::Sealed;
use super::super::codec::{self, Arrived};
use super::super::damage::{Part, tolerate};
use super::super::file::meta;
use super::super::segments::{self, Extent};
use super::super::tables::inbox;
use super::super::tables::traces::{self, Named};
use crate::model::{Batch, Cursor, Nanos, Record, RecordFilter, RecordKind};
use crate::store::{Chunk, Result};

pub use self::sealed::LastSegments;

/// Segments looked at per call, so that a filter that matches little does not hold a snapshot for long.
const SEGMENTS_PER_CALL: usize = 16;

/// Records after `from`, about `most` of them or fewer if they are large.
pub fn scan(
    connection: &Connection,
    filter: &RecordFilter,
    from: Option<&Cursor>,
    most: usize,
    last_segments: &LastSegments,
) -> Result<Chunk> {
    let last_seq = inbox::last_seq(connection)?;
    let file = meta::database_id(connection)?;
    let after = from.map_or(Ok(ScanCursor::behind(0)), |cursor| ScanCursor::read(cursor, file.as_deref(), last_seq))?;
    let chunk = |batch, next: ScanCursor, at_end| {
        // Who reads from the beginning wants what there is.
        let missed = if from.is_some() { count_missed(connection, after.whole, next.whole)? } else { 0 };
        Ok(Chunk { batch, next: next.write(file.as_deref()), at_end, missed })
    };
    let wanted = Wanted::new(connection, filter)?;
    if after.whole == last_seq || wanted.named.as_ref().is_some_and(Named::is_nothing) {
        return chunk(Batch::default(), ScanCursor::behind(last_seq), true);
    }
    let scan = Scan { connection, wanted: &wanted, last_segments, after };
    let mut feeds: Vec<Feed> = wanted.kinds().map(|kind| scan.feed(kind)).collect::<Result<_>>()?;
    let mut filling = Filling::new(last_segments.tuning.chunk_bytes);
    let mut segments_left = SEGMENTS_PER_CALL;
    let mut end = None;
    while end.is_none()
        && let Some((seq, feed)) = next_feed(&mut feeds)
    {
        let must_stop = filling.records >= most.max(1) || feed.needs_segment() && segments_left == 0;
        if must_stop {
            end = Some(after.before(seq));
        } else if feed.needs_segment() {
            segments_left -= usize::from(scan.load_segment(feed)?);
        } else {
            end = scan.take_write(feed, seq, &mut filling)?;
        }
    }
    feeds.iter_mut().try_for_each(|feed| scan.fetch_chosen(feed, &mut filling))?;
    if end.is_none() {
        last_segments.forget();
    }
    chunk(filling.batch, end.unwrap_or(ScanCursor::behind(last_seq)), end.is_none())
}

/// How many writes after `after`, up to `last`, left nothing behind.
fn count_missed(connection: &Connection, after: i64, last: i64) -> Result<u64> {
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
pub fn cursor_at(connection: &Connection, received: Nanos) -> Result<Cursor> {
    let waiting = inbox::first_received_since(connection, received.0)?;
    let sealed = segments::first_received_since(connection, received.0)?;
    let first = waiting.into_iter().chain(sealed).min();
    let seq = first.map_or(inbox::last_seq(connection), |seq| Ok(seq - 1))?;
    Ok(ScanCursor::behind(seq).write(meta::database_id(connection)?.as_deref()))
}

/// What a chunk holds so far.
struct Filling {
    /// Bytes the chunk may hold, unless it is a single record.
    most_bytes: usize,
    batch: Batch,
    /// How many records the chunk holds, or is to hold once they are fetched.
    records: usize,
    /// [`Record::bytes`] of all records the chunk holds or is to hold.
    bytes: usize,
}

/// How much of a write a chunk takes.
enum Taken {
    All,
    /// Nothing, because the write does not fit any more.
    Nothing,
    /// The write as far as this record, because the whole fits into no chunk.
    Part(Within),
}

impl Filling {
    fn new(most_bytes: usize) -> Filling {
        Filling { most_bytes, batch: Batch::default(), records: 0, bytes: 0 }
    }

    /// Chooses among the records of a write, from `from` on, those that fit.
    fn choose<T>(
        &mut self,
        mut rows: Vec<T>,
        from: Option<Within>,
        bytes: impl Fn(&T) -> usize,
        within: impl Fn(&T) -> Within,
    ) -> (Vec<T>, Taken) {
        rows.retain(|row| from.is_none_or(|from| within(row) > from));
        let mut all_bytes: usize = rows.iter().map(&bytes).sum();
        let mut taken = Taken::All;
        if self.bytes.saturating_add(all_bytes) > self.most_bytes && rows.len() > usize::from(self.bytes == 0) {
            if self.bytes > 0 {
                return (Vec::new(), Taken::Nothing);
            }
            rows.sort_by_cached_key(&within);
            all_bytes = rows.first().map_or(0, &bytes);
            let fits = |row: &&T| {
                all_bytes += bytes(row);
                all_bytes <= self.most_bytes
            };
            let others = rows.iter().skip(1).take_while(fits).count();
            rows.truncate(1 + others);
            taken = rows.last().map_or(Taken::All, |last| Taken::Part(within(last)));
        }
        self.records += rows.len();
        self.bytes = self.bytes.saturating_add(all_bytes);
        (rows, taken)
    }
}

/// The records of one kind still to come, in commit order.
struct Feed {
    segments: VecDeque<Extent>,
    /// What is left of the segment being read.
    current: Option<Current>,
    /// Rows of the inbox; all behind the segments.
    rows: VecDeque<i64>,
    after: i64,
}

/// A segment being read.
struct Current {
    extent: Extent,
    records: Arc<Sealed>,
    /// The place of the next record.
    place: usize,
    /// Rows of the segment that were taken and are to be fetched.
    chosen: Vec<usize>,
}

impl Feed {
    /// The next write with records of this kind, or, before a segment is read, the first that can be in it.
    fn next_seq(&self) -> Option<i64> {
        let current = self.current.as_ref().and_then(|current| current.records.seq(current.place));
        let segment = || self.segments.front().map(|extent| extent.first_seq.max(self.after + 1));
        current.or_else(segment).or_else(|| self.rows.front().copied())
    }

    fn needs_segment(&self) -> bool {
        self.current.is_none() && !self.segments.is_empty()
    }
}

/// The feed to go on with, and its next write. Of feeds that may have the same write one whose segment is not read yet
/// comes first: else a chunk that ends there would end before a write it holds.
fn next_feed(feeds: &mut [Feed]) -> Option<(i64, &mut Feed)> {
    let feeds = feeds.iter_mut().filter_map(|feed| Some((feed.next_seq()?, feed)));
    feeds.min_by_key(|(seq, feed)| (*seq, !feed.needs_segment()))
}

struct Scan<'a> {
    connection: &'a Connection,
    wanted: &'a Wanted<'a>,
    last_segments: &'a LastSegments,
    after: ScanCursor,
}

impl Scan<'_> {
    fn feed(&self, kind: RecordKind) -> Result<Feed> {
        let after = self.after.whole;
        let segments = match self.wanted.time() {
            None => segments::extents_after(self.connection, kind, after)?,
            Some(time) => {
                let mut extents = segments::extents_overlapping(self.connection, kind, time)?;
                extents.retain(|extent| extent.last_seq > after);
                extents
            }
        };
        let rows = inbox::rows_after(self.connection, kind, after)?.into();
        Ok(Feed { segments: segments.into(), current: None, rows, after })
    }

    /// Reads the next segment of a feed; whether it had to be, because it may hold what is wanted.
    fn load_segment(&self, feed: &mut Feed) -> Result<bool> {
        let Some(extent) = feed.segments.pop_front() else { return Ok(false) };
        if !self.wanted.may_be_in(self.connection, extent.id)? {
            return Ok(false);
        }
        let records = self.last_segments.read(self.connection, &extent, self.wanted.filter.trace.as_ref());
        let Some(records) = tolerate(Part::Segment(extent.id), records)? else { return Ok(true) };
        let place = records.first_after(self.after.whole);
        feed.current = records.seq(place).map(|_| Current { extent, records, place, chosen: Vec::new() });
        Ok(true)
    }

    /// Takes the records of a write, as far as they fit; where the chunk ends if they do not.
    fn take_write(&self, feed: &mut Feed, seq: i64, filling: &mut Filling) -> Result<Option<ScanCursor>> {
        let from = self.after.part_of(seq);
        let taken = match &mut feed.current {
            None => {
                feed.rows.pop_front();
                self.take_row(seq, from, filling)?
            }
            Some(current) => {
                let end = current.records.first_after(seq);
                let taken = self.take_sealed(current, end, from, filling);
                current.place = end;
                taken
            }
        };
        match taken {
            Taken::Nothing => return Ok(Some(self.after.before(seq))),
            Taken::Part(within) => return Ok(Some(ScanCursor::inside(seq, within))),
            Taken::All => {}
        }
        if feed.current.as_ref().is_some_and(|current| current.records.seq(current.place).is_none()) {
            self.fetch_chosen(feed, filling)?;
        }
        Ok(None)
    }

    fn take_row(&self, seq: i64, from: Option<Within>, filling: &mut Filling) -> Result<Taken> {
        let Some(row) = inbox::row(self.connection, seq)? else { return Ok(Taken::All) };
        let kind = row.kind;
        let rows = row.arrived().filter(|arrived| self.wanted.has_arrived(arrived)).collect();
        let (rows, taken) = filling.choose(rows, from, |arrived| arrived.record.bytes(), Within::new);
        let mut records: Vec<Record> = rows.into_iter().map(|arrived| arrived.record).collect();
        if from.is_some() || matches!(taken, Taken::Part(_)) {
            // The rest of the write is not to be kept for the sake of these.
            records = codec::repack(kind, &records)?;
        }
        records.into_iter().for_each(|record| record.push_to(&mut filling.batch));
        Ok(taken)
    }

    /// Takes records of a segment up to `end`, which are those of one write.
    fn take_sealed(&self, current: &mut Current, end: usize, from: Option<Within>, filling: &mut Filling) -> Taken {
        let place = current.place..end;
        match &*current.records {
            Sealed::Decoded(records) => {
                let rows = records.get(place).unwrap_or_default().iter();
                let rows = rows.filter(|arrived| self.wanted.has_arrived(arrived)).collect();
                let (rows, taken) =
                    filling.choose(rows, from, |arrived| arrived.record.bytes(), |arrived| Within::new(arrived));
                rows.into_iter().for_each(|arrived| arrived.record.clone().push_to(&mut filling.batch));
                taken
            }
            Sealed::Listed(rows) => {
                let rows = rows.get(place).unwrap_or_default().iter().collect();
                let (rows, taken) = filling.choose(rows, from, |row| row.bytes, |row| row.within);
                current.chosen.extend(rows.into_iter().map(|row| row.row));
                taken
            }
        }
    }

    /// Ends the segment a feed is reading: fetches what was chosen of it and not read yet.
    fn fetch_chosen(&self, feed: &mut Feed, filling: &mut Filling) -> Result<()> {
        let Some(Current { extent, chosen, .. }) = feed.current.take() else { return Ok(()) };
        if !chosen.is_empty() {
            let only = self.wanted.filter.trace.as_ref();
            let records = sealed::read_rows(self.connection, &extent, only, &chosen);
            let records = tolerate(Part::Segment(extent.id), records)?.into_iter().flatten();
            let records = records.filter(|record| self.wanted.has(record));
            records.for_each(|record| record.push_to(&mut filling.batch));
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
        Some(fold.reach_ns())
    }

    fn has(&self, record: &Record) -> bool {
        self.named.as_ref().is_none_or(|named| named.has(record, None))
    }

    fn has_arrived(&self, Arrived { arrival, record }: &Arrived) -> bool {
        self.named.as_ref().is_none_or(|named| named.has(record, Some(arrival.received_ns)))
    }

    fn may_be_in(&self, connection: &Connection, segment: i64) -> Result<bool> {
        self.named.as_ref().map_or(Ok(true), |named| named.may_be_in(connection, segment))
    }
}

/// The place before the newest `records` records of a kind or of all kinds, or a few more; the end for none.
pub fn place(connection: &Connection, kind: Option<RecordKind>, records: usize) -> Result<Cursor> {
    let file = meta::database_id(connection)?;
    if records == 0 {
        return Ok(ScanCursor::behind(inbox::last_seq(connection)?).write(file.as_deref()));
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
            let arrivals = segments::known_arrivals(connection, extent.id)?;
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
    Ok(ScanCursor::behind(first.map_or(0, |(seq, _)| seq - 1)).write(file.as_deref()))
}
