//! Log records with those around them, page by page, and followed from the last few on.
//!
//! Works on every backend: what surrounds a record is found by asking for the records of its process, and following
//! builds on the scan that [`super::tail`] follows.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::model::json::{log_id, named_value, value_to_text};
use crate::model::{
    LogMatcher, LogPage, LogQuery, LogRecord, Nanos, Record, RecordFilter, RecordKind, Severity, SpanId, Text, TraceId,
};
use crate::query::facets;
use crate::query::tail::{Start, Tail, TailQuery, TailStep};
use crate::store::{Backend, Result};

/// How many records a page has when all are asked for.
const PAGE: usize = 1_000;
/// Pages of one process that are looked through for the neighbours of one record: enough unless many share a service,
/// or a nanosecond.
const MOST_PAGES: usize = 20;
/// How many records are asked for besides the neighbours wanted, since some may be of the same nanosecond.
const SPARE: usize = 16;

/// How many neighbours of a record are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Around {
    /// How many before the record.
    pub before: usize,
    /// How many after the record.
    pub after: usize,
}

/// A record in an answer about log records.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// The record.
    pub log: LogRecord,
    /// Whether the record was asked for; else it only stands near one that was.
    pub is_match: bool,
}

/// Most traces whose spans are named for one page of records.
const MOST_NAMED_TRACES: usize = 100;
/// How long naming spans may take altogether; spans without a name by then stay without one.
const NAMING: Duration = Duration::from_millis(200);

/// The names of the spans in which records were logged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpanNames {
    names: HashMap<(TraceId, SpanId), Text>,
}

impl SpanNames {
    /// Looks up the names of the spans of records, the newest records first. Names are a courtesy: what cannot be
    /// found, or not soon, is left out.
    pub async fn look_up(backend: &dyn Backend, logs: impl DoubleEndedIterator<Item = &LogRecord>) -> SpanNames {
        let mut wanted: HashMap<&TraceId, HashSet<SpanId>> = HashMap::new();
        let mut traces = Vec::new();
        for (trace, span) in logs.rev().filter_map(|log| Some((log.trace_id.as_ref()?, log.span_id?))) {
            if !wanted.contains_key(trace) && traces.len() < MOST_NAMED_TRACES {
                traces.push(trace);
            }
            wanted.entry(trace).or_default().insert(span);
        }
        let end = tokio::time::Instant::now() + NAMING;
        let mut names = HashMap::new();
        for id in traces {
            let Ok(Ok(found)) = tokio::time::timeout_at(end, backend.trace(id)).await else { break };
            let spans = found.into_iter().flat_map(|trace| trace.spans);
            for span in spans.filter(|span| wanted.get(id).is_some_and(|wanted| wanted.contains(&span.span_id))) {
                names.insert((id.clone(), span.span_id), span.name);
            }
        }
        SpanNames { names }
    }

    /// The name of the span in which a record was logged, if it is known.
    pub fn name_of(&self, log: &LogRecord) -> Option<&str> {
        self.names.get(&(log.trace_id.clone()?, log.span_id?)).map(Text::as_str)
    }
}

#[cfg(test)]
impl FromIterator<(TraceId, SpanId, &'static str)> for SpanNames {
    fn from_iter<I: IntoIterator<Item = (TraceId, SpanId, &'static str)>>(names: I) -> SpanNames {
        let names = names.into_iter().map(|(trace, span, name)| ((trace, span), Text::from(name)));
        SpanNames { names: names.collect() }
    }
}

/// The records a question names, in the order it asks for, a page at a time when it asks for all.
#[derive(Debug)]
pub struct Pages<'a> {
    backend: &'a dyn Backend,
    query: LogQuery,
    is_everything: bool,
    is_done: bool,
    /// Whether more records match than were asked for; known at the end.
    pub has_more: bool,
}

impl<'a> Pages<'a> {
    /// Begins before the first page.
    pub fn new(backend: &'a dyn Backend, query: LogQuery) -> Pages<'a> {
        let is_everything = query.limit == 0;
        let limit = if is_everything { PAGE } else { query.limit };
        let query = LogQuery { limit, ..query };
        Pages { backend, query, is_everything, is_done: false, has_more: false }
    }

    /// The next records; `None` at the end.
    ///
    /// # Errors
    /// The store fails.
    pub async fn next(&mut self) -> Result<Option<Vec<LogRecord>>> {
        if self.is_done {
            return Ok(None);
        }
        let LogPage { records, next } = match self.is_everything {
            true => facets::logs(self.backend)?.list_logs(&self.query).await?,
            false => first(self.backend, &self.query).await?,
        };
        self.is_done = next.is_none() || !self.is_everything;
        self.has_more = next.is_some() && !self.is_everything;
        self.query.cursor = next;
        Ok(Some(records))
    }
}

/// The first records a question names, as many as it asks for, over as many pages as they take.
///
/// # Errors
/// The store fails.
pub async fn first(backend: &dyn Backend, query: &LogQuery) -> Result<LogPage> {
    let logs = facets::logs(backend)?;
    let mut rest = query.clone();
    let mut records = Vec::new();
    loop {
        let page = logs.list_logs(&rest).await?;
        records.extend(page.records);
        if page.next.is_none() || query.limit > 0 && records.len() >= query.limit {
            return Ok(LogPage { records, next: page.next });
        }
        rest.limit = query.limit.saturating_sub(records.len());
        rest.cursor = page.next;
    }
}

/// Records with their neighbours: those of the same service, host and process just before and after. Each record comes
/// once; neighbours of several stand in one group. `matches` go from the oldest to the newest, and so do the groups and
/// what is in them.
///
/// # Errors
/// The store fails.
pub async fn with_neighbours(
    backend: &dyn Backend,
    query: &LogQuery,
    matches: Vec<LogRecord>,
    around: Around,
) -> Result<Vec<Vec<LogLine>>> {
    let matcher = LogMatcher::new(query);
    let mut groups: Vec<Group> = Vec::new();
    // The last group of each process: only it can still grow.
    let mut last: HashMap<Process, usize> = HashMap::new();
    for log in matches {
        let process = Process::new(&log);
        // One more than wanted tells whether the group before ends right there.
        let mut before = neighbours(backend, &log, around.before + 1, false).await?;
        let adjoins = |group: &Group| before.iter().chain([&log]).any(|log| group.ids.contains(&log_id(log)));
        let place = match last.get(&process).copied().filter(|place| groups.get(*place).is_some_and(adjoins)) {
            Some(place) => place,
            None => {
                groups.push(Group::default());
                groups.len() - 1
            }
        };
        last.insert(process, place);
        let after = neighbours(backend, &log, around.after, true).await?;
        if let Some(group) = groups.get_mut(place) {
            before.truncate(around.before);
            before.reverse();
            let lines = before.into_iter().chain([log]).chain(after);
            lines.for_each(|log| group.add(LogLine { is_match: matcher.matches(&log), log }));
        }
    }
    Ok(groups.into_iter().map(|group| group.lines).collect())
}

/// Records that stand next to one another.
#[derive(Default)]
struct Group {
    lines: Vec<LogLine>,
    ids: HashSet<String>,
}

impl Group {
    fn add(&mut self, line: LogLine) {
        if self.ids.insert(log_id(&line.log)) {
            self.lines.push(line);
        }
    }
}

/// Who logged a record; records of one process are neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Process {
    service: String,
    host: Option<String>,
    pid: Option<String>,
}

impl Process {
    fn new(log: &LogRecord) -> Process {
        let named = |field| named_value(log, field).map(value_to_text);
        Process { service: log.resource.service.to_string(), host: named("host"), pid: named("pid") }
    }
}

/// Reads so many records of a process next to one of its records, the nearest first.
async fn neighbours(backend: &dyn Backend, log: &LogRecord, count: usize, is_after: bool) -> Result<Vec<LogRecord>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let process = Process::new(log);
    let (since, until) = match is_after {
        true => (Some(log.time), None),
        false => (None, log.time.0.checked_add(1).map(Nanos)),
    };
    let mut query = LogQuery {
        limit: count.saturating_add(SPARE),
        service: Some(process.service.clone()),
        host: process.host.clone(),
        pid: process.pid.clone(),
        since,
        until,
        oldest_first: is_after,
        ..LogQuery::default()
    };
    let own_id = log_id(log);
    let (mut found, mut is_past) = (Vec::new(), false);
    for _ in 0..MOST_PAGES {
        let page = facets::logs(backend)?.list_logs(&query).await?;
        for other in page.records {
            if !is_past {
                is_past = other.time == log.time && log_id(&other) == own_id;
            } else if Process::new(&other) == process {
                found.push(other);
            }
        }
        query.cursor = page.next;
        if found.len() >= count || query.cursor.is_none() {
            break;
        }
    }
    found.truncate(count);
    Ok(found)
}

/// What happens while log records are followed.
#[derive(Debug)]
pub enum LogStep {
    /// Records, at least one: first the last few that were there, the oldest first, then others as they arrive.
    Records(Vec<LogRecord>),
    /// Any other step of [`Tail`]; never records.
    Other(TailStep),
}

/// Log records being followed.
#[derive(Debug)]
pub struct Follow<'a> {
    tail: Tail<'a>,
    query: &'a LogQuery,
    /// The last few records, until they are handed out.
    first: Vec<LogRecord>,
    /// How often each of the last few records may come again, because it arrived after following began and before the
    /// last few were read.
    handed_out: HashMap<String, usize>,
}

impl<'a> Follow<'a> {
    /// Finds the last records that a question names, as many as it asks for, and goes on from there; `now` is the
    /// present of whoever stored the records.
    ///
    /// # Errors
    /// The store fails.
    pub async fn start(backend: &'a dyn Backend, query: &'a LogQuery, now: Nanos) -> Result<Follow<'a>> {
        let filter = RecordFilter { kind: Some(RecordKind::Logs), trace: query.trace.clone(), ended_before: None };
        let tail_query = TailQuery {
            filter,
            matching: None,
            service: query.service.clone(),
            level: query.level.unwrap_or(Severity::Trace),
            start: Start::End,
            last: None,
        };
        // The end first: what arrives while the last few are read is read twice rather than never, and left out below.
        let tail = Tail::start(backend, tail_query, now).await?;
        let newest = LogQuery { oldest_first: false, cursor: None, ..query.clone() };
        let mut first = first(backend, &newest).await?.records;
        first.reverse();
        let mut handed_out = HashMap::new();
        first.iter().for_each(|log| *handed_out.entry(log_id(log)).or_default() += 1);
        Ok(Follow { tail, query, first, handed_out })
    }

    /// Waits for what happens next.
    ///
    /// # Errors
    /// [`Tail::next`] fails.
    pub async fn next(&mut self) -> Result<LogStep> {
        if !self.first.is_empty() {
            return Ok(LogStep::Records(std::mem::take(&mut self.first)));
        }
        loop {
            let arrivals = match self.tail.next().await? {
                TailStep::Records(arrivals) => arrivals,
                step => {
                    if matches!(step, TailStep::CaughtUp | TailStep::Replaced) {
                        self.handed_out.clear();
                    }
                    return Ok(LogStep::Other(step));
                }
            };
            let logs = arrivals.into_iter().filter_map(|arrival| match arrival.record {
                Record::Log(log) => Some(log),
                _ => None,
            });
            let matcher = LogMatcher::new(self.query);
            let mut new: Vec<LogRecord> = logs.filter(|log| matcher.matches(log)).collect();
            new.retain(|log| !self.was_handed_out(log));
            if !new.is_empty() {
                return Ok(LogStep::Records(new));
            }
        }
    }

    fn was_handed_out(&mut self, log: &LogRecord) -> bool {
        if self.handed_out.is_empty() {
            return false;
        }
        match self.handed_out.get_mut(&log_id(log)) {
            Some(times) if *times > 0 => {
                *times -= 1;
                true
            }
            _ => false,
        }
    }
}
