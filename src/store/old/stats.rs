//! Statistics of an old file: one pass, trace by trace.
//!
//! Traces are counted by their start, records by theirs; a service narrows both to what is its own.

use rustc_hash::FxHashSet;

use super::rows::{Condition, Rows};
use crate::{
    model::{
        Batch, Checkpoint, DatabaseInfo, Nanos, Operation, Span, Stats, StatsBy, StatsQuery, Text, TraceFold, genai,
        self_time::Interval,
        stats::{StatsFold, StatsSpan},
    },
    store::Result,
};

/// Works out statistics.
pub(super) fn stats(rows: &Rows<'_>, query: &StatsQuery, location: String) -> Result<Stats> {
    let mut sums = Sums {
        query,
        starts: Vec::new(),
        services: FxHashSet::default(),
        rows: StatsFold::default(),
        stats: Stats::default(),
    };
    let mut current = None;
    let mut records = Batch::default();
    rows.by_trace(&Condition::default(), |record| {
        if current.as_ref() != record.trace_id() {
            current = record.trace_id().cloned();
            sums.add_trace(&std::mem::take(&mut records));
        }
        record.push_to(&mut records);
    })?;
    sums.add_trace(&records);
    let mut stats = sums.finish();
    stats.database = database(rows, location)?;
    Ok(stats)
}

fn database(rows: &Rows<'_>, location: String) -> Result<DatabaseInfo> {
    let number = |sql: &str| rows.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let size_bytes = number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?);
    Ok(DatabaseInfo { location, size_bytes: u64::try_from(size_bytes).unwrap_or(0), retention_seconds: None })
}

struct Sums<'q> {
    query: &'q StatsQuery,
    /// Start and failure of each trace that is counted.
    starts: Vec<(Nanos, bool)>,
    services: FxHashSet<Text>,
    rows: StatsFold,
    stats: Stats,
}

impl Sums<'_> {
    fn add_trace(&mut self, records: &Batch) {
        let StatsQuery { since, until, service, .. } = self.query;
        let mut fold = TraceFold::default();
        records.spans.iter().for_each(|span| fold.add_span(span));
        records.checkpoints.iter().for_each(|checkpoint| fold.add_checkpoint(checkpoint));
        let is_elsewhere = service.as_ref().is_some_and(|service| fold.services.binary_search(service).is_err());
        if fold.is_empty() || is_elsewhere {
            return;
        }
        let starts_in_time = |start: Nanos| self.is_in_time(start);
        if starts_in_time(Nanos(fold.start_ns)) {
            self.starts.push((Nanos(fold.start_ns), fold.errors > 0));
        }
        let ends_too_early = since.is_some_and(|since| fold.end_ns < since.0);
        if ends_too_early || until.is_some_and(|until| fold.start_ns >= until.0) {
            return;
        }
        let spans: Vec<StatsSpan> = records.spans.iter().map(|span| self.counted(span)).collect();
        self.rows.add_trace(&spans);
        records.checkpoints.iter().for_each(|checkpoint| self.count(checkpoint));
        let (since, until, service) = (*since, *until, service.as_deref());
        let counts = |one: &Checkpoint| {
            since.is_none_or(|since| one.time() >= since)
                && until.is_none_or(|until| one.time() < until)
                && service.is_none_or(|wanted| one.source_id == wanted)
        };
        self.rows.add_checkpoints(&records.checkpoints, self.query.by, counts);
    }

    fn is_in_time(&self, start: Nanos) -> bool {
        self.query.since.is_none_or(|since| start >= since) && self.query.until.is_none_or(|until| start < until)
    }

    fn is_named(&self, start: Nanos, service: &Text) -> bool {
        self.is_in_time(start) && self.query.service.as_ref().is_none_or(|wanted| service == wanted.as_str())
    }

    /// Counts a span if the query names it, and says in which row.
    fn counted(&mut self, span: &Span) -> StatsSpan {
        let mut operation = None;
        if self.is_named(span.start, span.service()) {
            self.stats.spans += 1;
            self.stats.errors += u64::from(span.is_error());
            self.services.insert(span.service().clone());
            let service = || Some(span.service().clone());
            operation = match self.query.by {
                StatsBy::Operation => Some(Operation { service: service(), name: Some(span.name.clone()) }),
                StatsBy::Service => Some(Operation { service: service(), name: None }),
                StatsBy::Model => genai::model(&span.attributes)
                    .map(|model| Operation { service: None, name: Some(Text::from(model)) }),
                // Only checkpoints have sources.
                StatsBy::Source | StatsBy::Nothing => None,
            };
        }
        let interval =
            Interval { span_id: span.span_id, parent: span.parent_span_id, start: span.start, end: span.end };
        StatsSpan { operation, interval, is_error: span.is_error() }
    }

    /// Counts a checkpoint if the query names it.
    fn count(&mut self, checkpoint: &Checkpoint) {
        if self.is_named(checkpoint.time(), &checkpoint.source_id) {
            self.stats.checkpoints += 1;
            self.services.insert(checkpoint.source_id.clone());
        }
    }

    fn finish(self) -> Stats {
        let (services, operations) = (self.services.len() as u64, self.rows.finish_by(self.query.by));
        Stats { services, operations, ..self.stats }.with_traces(&self.starts, self.query.by)
    }
}
