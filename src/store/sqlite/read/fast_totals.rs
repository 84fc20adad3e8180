//! Totals without reading the records: from the running sums, the rows of segments, and what waits in the inbox.

use rusqlite::Connection;
use rustc_hash::FxHashSet;

use super::super::segments;
use super::super::tables::traces::{self, Finder};
use super::super::tables::{inbox, to_column};
use crate::model::{Nanos, RecordKind, Severity, Stats, Text, TraceFold};
use crate::store::Result;

/// Everything statistics say of the whole store but its rows and its timeline.
pub fn totals(connection: &Connection) -> Result<Stats> {
    let count = |kind| -> Result<u64> { Ok(segments::count(connection, kind)? + inbox::count(connection, kind)?) };
    let mut stats = Stats {
        spans: count(RecordKind::Spans)?,
        checkpoints: count(RecordKind::Checkpoints)?,
        logs: count(RecordKind::Logs)?,
        ..Stats::default()
    };
    let sums = traces::totals(connection)?;
    (stats.traces, stats.failed, stats.errors) = (sums.traces, sums.failed, sums.errors);
    let folds = inbox::folds(connection)?;
    let mut finder = Finder::for_many_once(connection)?;
    for (id, fold) in &folds {
        let stored = finder.find(id)?.map(|stored| stored.fold);
        stats.traces += u64::from(stored.is_none());
        stats.failed += u64::from(fold.errors > 0 && stored.as_ref().is_none_or(|stored| stored.errors == 0));
        stats.errors += fold.errors;
        take_in(&mut stats, start_of(fold, stored.as_ref()));
    }
    for newest_first in [false, true] {
        traces::each_by_start(connection, newest_first, |id, fold| {
            let is_beyond = match newest_first {
                false => stats.first.is_some_and(|first| to_column(fold.start_ns) > to_column(first.0)),
                true => stats.last.is_some_and(|last| to_column(fold.start_ns) < to_column(last.0)),
            };
            take_in(&mut stats, start_of(&fold, folds.get(&id)));
            // Columns hold what lies past 2262 clamped, so equal ones may differ.
            !is_beyond
        })?;
    }
    count_the_rest(connection, &mut stats)?;
    Ok(stats)
}

/// When a trace began of which a part is sealed and a part waits.
fn start_of(part: &TraceFold, rest: Option<&TraceFold>) -> Nanos {
    let Some(rest) = rest else { return Nanos(part.start_ns) };
    let mut whole = part.clone();
    whole.merge(rest);
    Nanos(whole.start_ns)
}

fn take_in(stats: &mut Stats, start: Nanos) {
    stats.first = Some(stats.first.map_or(start, |first| first.min(start)));
    stats.last = Some(stats.last.map_or(start, |last| last.max(start)));
}

/// Services, and the errors of log records that are of no trace, which no sum knows.
fn count_the_rest(connection: &Connection, stats: &mut Stats) -> Result<()> {
    let mut services: FxHashSet<Text> = FxHashSet::default();
    let mut note = |service: &str| {
        if !services.contains(service) {
            services.insert(Text::from(service));
        }
    };
    for kind in RecordKind::ALL {
        segments::services(connection, kind)?.iter().flatten().for_each(|service| note(service));
    }
    for extent in segments::extents(connection, RecordKind::Logs)? {
        let logs = segments::logs_for_stats(connection, extent.id)?;
        let traceless = logs.iter().filter(|log| !log.has_trace && log.severity >= Severity::Error);
        stats.errors += traceless.count() as u64;
    }
    inbox::each_row(connection, 0, |row| {
        for record in &row.records {
            note(record.service());
            stats.errors += u64::from(record.trace_id().is_none() && record.severity() >= Severity::Error);
        }
    })?;
    stats.services = services.len() as u64;
    Ok(())
}
