//! Lists of log records: segments and what waits in the inbox, searched in the order of their times, one page at a
//! time.
//!
//! Records are ordered by time, then by the order they were committed in, which sealing and merging keep. A segment
//! is read only if it can add to the page: first the columns that say which of its records match, then the best of
//! those records.

use std::cmp::Ordering;

use rusqlite::Connection;

use super::super::codec::{Arrival, Arrived, LogRow};
use super::super::damage::{self, Part};
use super::super::segments::{self, Extent};
use super::super::tables::{inbox, traces};
use super::filtered::{FilteredRecords, narrowed};
use crate::model::filter::RecordRef;
use crate::model::record::log_bytes;
use crate::model::{Cursor, LogMatcher, LogPage, LogQuery, LogRecord, Record, RecordFilter, RecordKind};
use crate::store::top_page::TopPage;
use crate::store::{Error, MOST_CHUNK_BYTES, Result};

/// One page of the log records `query` names.
pub fn logs(connection: &Connection, query: &LogQuery) -> Result<LogPage> {
    let query = narrowed(query);
    let query = query.as_ref();
    let after = query.cursor.as_ref().map(|cursor| read_cursor(connection, cursor, query)).transpose()?;
    let page = TopPage::new(query.limit, after).of_bytes(MOST_CHUNK_BYTES);
    let Some(times_ns) = times_ns(connection, query)? else { return Ok(finish(page)) };
    let facts = query.filter.as_ref().map(|filter| FilteredRecords::new(connection, filter, query.project.as_deref()));
    let matcher = LogMatcher::new(query);
    let mut search = Search { connection, query, matcher, facts: facts.transpose()?, times_ns, page };
    for (source, (first_ns, last_ns)) in sources(connection, query, times_ns)? {
        let (from_ns, to_ns) = search.window_ns();
        if first_ns <= to_ns && last_ns >= from_ns {
            match source {
                Source::Row(seq) => search.read_row(seq)?,
                Source::Segment(extent) => search.read_segment(&extent)?,
            }
        }
    }
    Ok(finish(search.page))
}

/// From when to when records can match; `None` when none can.
fn times_ns(connection: &Connection, query: &LogQuery) -> Result<Option<(u64, u64)>> {
    let until_ns = match query.until {
        Some(until) => until.0.checked_sub(1),
        None => Some(u64::MAX),
    };
    let Some(mut last_ns) = until_ns else { return Ok(None) };
    let mut first_ns = query.since.map_or(0, |since| since.0);
    if let Some(trace) = &query.trace {
        let filter = RecordFilter { trace: Some(trace.clone()), ..RecordFilter::default() };
        let named = traces::named(connection, &filter)?;
        let Some(fold) = named.traces.get(trace).filter(|fold| fold.logs > 0) else { return Ok(None) };
        let (earliest_ns, latest_ns) = fold.reach_ns();
        (first_ns, last_ns) = (first_ns.max(earliest_ns), last_ns.min(latest_ns));
    }
    Ok((first_ns <= last_ns).then_some((first_ns, last_ns)))
}

/// Where log records lie.
enum Source {
    /// In a row of the inbox.
    Row(i64),
    /// In a segment.
    Segment(Extent),
}

/// All sources with records of a time, and from when to when those are; what may hold the first of the list comes
/// first.
fn sources(connection: &Connection, query: &LogQuery, times_ns: (u64, u64)) -> Result<Vec<(Source, (u64, u64))>> {
    let segments = segments::timed(connection, RecordKind::Logs, times_ns, query.service.as_deref())?;
    let mut sources: Vec<_> =
        segments.into_iter().map(|(extent, starts_ns)| (Source::Segment(extent), starts_ns)).collect();
    let mut rows = inbox::timed(connection, RecordKind::Logs, times_ns)?;
    if let Some(trace) = &query.trace {
        let with_trace = inbox::rows_with(connection, trace)?;
        rows.retain(|(seq, _)| with_trace.binary_search(seq).is_ok());
    }
    sources.extend(rows.into_iter().map(|(seq, times_ns)| (Source::Row(seq), times_ns)));
    match query.oldest_first {
        true => sources.sort_by_key(|(_, (first_ns, _))| *first_ns),
        false => sources.sort_by_key(|(_, (_, last_ns))| std::cmp::Reverse(*last_ns)),
    }
    Ok(sources)
}

struct Search<'q> {
    connection: &'q Connection,
    query: &'q LogQuery,
    matcher: LogMatcher<'q>,
    /// Looks up the traces of records where the filter needs them.
    facts: Option<FilteredRecords<'q>>,
    times_ns: (u64, u64),
    page: TopPage<LogCursor, LogRecord>,
}

impl Search<'_> {
    /// From when to when a record can still be one of the page.
    fn window_ns(&self) -> (u64, u64) {
        let (from_ns, to_ns) = self.times_ns;
        let after = self.page.after().map(|place| place.time_ns);
        let last = self.page.last().map(|place| place.time_ns);
        let (least, most) = if self.query.oldest_first { (after, last) } else { (last, after) };
        (least.map_or(from_ns, |least| from_ns.max(least)), most.map_or(to_ns, |most| to_ns.min(most)))
    }

    fn read_row(&mut self, seq: i64) -> Result<()> {
        let row = inbox::row(self.connection, seq)?;
        row.into_iter().flat_map(inbox::Row::arrived).try_for_each(|arrived| self.offer(arrived))
    }

    fn read_segment(&mut self, extent: &Extent) -> Result<()> {
        if let Some(trace) = &self.query.trace {
            if segments::may_hold(self.connection, extent.id, std::iter::once(trace))? {
                let records = segments::arrived_of(self.connection, extent, trace)?;
                records.into_iter().try_for_each(|arrived| self.offer(arrived))?;
            }
            return Ok(());
        }
        let found = segments::search_logs(self.connection, extent.id, &self.matcher, self.window_ns())?;
        if found.is_empty() {
            return Ok(());
        }
        let mut candidates = self.candidates(extent, &found)?;
        // A page's worth is usually enough; more only if the columns could not tell that some do not match.
        let mut step = self.page.capacity();
        let mut rest = candidates.as_mut_slice();
        while rest.first().is_some_and(|(place, _)| self.page.may_take(place)) {
            let (some, others) = rest.split_at_mut(step.min(read_at_once(rest)));
            self.read_candidates(extent, some)?;
            (rest, step) = (others, step.saturating_mul(4));
        }
        Ok(())
    }

    /// The rows that can be on the page, the first of the list first.
    fn candidates(&self, extent: &Extent, found: &[LogRow]) -> Result<Vec<(LogCursor, LogRow)>> {
        let arrivals = segments::known_arrivals(self.connection, extent.id)?;
        let mut candidates = Vec::with_capacity(found.len());
        for row in found {
            let Some(arrival) = arrivals.get(row.row_of_segment) else {
                damage::note(Part::Segment(extent.id), "it has fewer arrivals than rows");
                continue;
            };
            let place = LogCursor::new(row.time_ns, arrival, self.query);
            if self.page.may_take(&place) {
                candidates.push((place, *row));
            }
        }
        candidates.sort_unstable_by_key(|(place, _)| *place);
        Ok(candidates)
    }

    fn read_candidates(&mut self, extent: &Extent, candidates: &mut [(LogCursor, LogRow)]) -> Result<()> {
        candidates.sort_unstable_by_key(|(_, row)| row.row_of_segment);
        let rows: Vec<(usize, usize)> = candidates.iter().map(|(_, row)| (row.block, row.row)).collect();
        let logs = segments::log_rows(self.connection, extent.id, &rows)?;
        for ((place, _), log) in candidates.iter().zip(logs) {
            self.offer_log(*place, log)?;
        }
        Ok(())
    }

    fn offer(&mut self, arrived: Arrived) -> Result<()> {
        let Record::Log(log) = arrived.record else { return Ok(()) };
        self.offer_log(LogCursor::new(log.time.0, &arrived.arrival, self.query), log)
    }

    fn offer_log(&mut self, place: LogCursor, log: LogRecord) -> Result<()> {
        let is_named = self.matcher.matches(&log) && self.page.may_take(&place);
        let is_filtered_in = |facts: &mut FilteredRecords<'_>| facts.is_true_of(RecordRef::Log(&log));
        if is_named && self.facts.as_mut().map_or(Ok(true), is_filtered_in)? {
            let bytes = log_bytes(&log);
            self.page.offer(place, log, bytes);
        }
        Ok(())
    }
}

/// How many of the first candidates, at least one if there is one, are about a page of bytes.
fn read_at_once(candidates: &[(LogCursor, LogRow)]) -> usize {
    let mut bytes = 0_usize;
    let is_within = |(_, row): &&(LogCursor, LogRow)| {
        bytes = bytes.saturating_add(row.share_bytes);
        bytes <= MOST_CHUNK_BYTES
    };
    candidates.iter().take_while(is_within).count().max(1).min(candidates.len())
}

/// Where a log record stands in a list; what comes first is smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LogCursor {
    time_ns: u64,
    seq: i64,
    position: u32,
    oldest_first: bool,
}

impl LogCursor {
    fn new(time_ns: u64, arrival: &Arrival, query: &LogQuery) -> LogCursor {
        LogCursor { time_ns, seq: arrival.seq, position: arrival.position, oldest_first: query.oldest_first }
    }
}

impl Ord for LogCursor {
    fn cmp(&self, other: &LogCursor) -> Ordering {
        let order = (self.time_ns, self.seq, self.position).cmp(&(other.time_ns, other.seq, other.position));
        if self.oldest_first { order } else { order.reverse() }
    }
}

impl PartialOrd for LogCursor {
    fn partial_cmp(&self, other: &LogCursor) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn finish(page: TopPage<LogCursor, LogRecord>) -> LogPage {
    let (page, has_more) = page.finish();
    let next = page.last().filter(|_| has_more).map(|(place, _)| write_cursor(place));
    LogPage { records: page.into_iter().map(|(_, log)| log).collect(), next }
}

fn write_cursor(place: &LogCursor) -> Cursor {
    let order = if place.oldest_first { "up" } else { "down" };
    Cursor(format!("g1.{order}.{:x}.{:x}.{:x}", place.time_ns, place.seq, place.position))
}

/// The place a cursor names in a list of this order.
///
/// # Errors
/// [`Error::BadCursor`] for anything else, and when this file never got that far.
fn read_cursor(connection: &Connection, cursor: &Cursor, query: &LogQuery) -> Result<LogCursor> {
    let place = parse_cursor(cursor, query.oldest_first).ok_or(Error::BadCursor)?;
    if (0..=inbox::last_seq(connection)?).contains(&place.seq) { Ok(place) } else { Err(Error::BadCursor) }
}

fn parse_cursor(cursor: &Cursor, oldest_first: bool) -> Option<LogCursor> {
    let parts: Vec<&str> = cursor.0.split('.').collect();
    let ["g1", order, time, seq, position] = parts.as_slice() else { return None };
    if *order != if oldest_first { "up" } else { "down" } {
        return None;
    }
    Some(LogCursor {
        time_ns: u64::from_str_radix(time, 16).ok()?,
        seq: i64::from_str_radix(seq, 16).ok()?,
        position: u32::from_str_radix(position, 16).ok()?,
        oldest_first,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_names_its_place_in_the_same_order_only(time_ns: u64, seq in 0..i64::MAX, position: u32, oldest_first: bool) {
            let place = LogCursor { time_ns, seq, position, oldest_first };
            let cursor = write_cursor(&place);
            prop_assert_eq!(parse_cursor(&cursor, oldest_first), Some(place));
            prop_assert_eq!(parse_cursor(&cursor, !oldest_first), None);
        }

        #[test]
        fn garbage_is_no_cursor(text in ".{0,60}") {
            prop_assert_eq!(parse_cursor(&Cursor(text), false), None);
        }
    }
}
