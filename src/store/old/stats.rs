//! Statistics of an old file: one pass, trace by trace.

use crate::model::stats::{Call, StatsFold};
use crate::model::{Batch, DatabaseInfo, Stats, StatsQuery, TimeBounds, TraceFold};
use crate::store::Result;
use crate::store::old::rows::{Condition, Rows};

/// Works out statistics, as [`StatsFold`] has them.
pub(super) fn stats(rows: &Rows<'_>, query: &StatsQuery, location: String) -> Result<Stats> {
    let mut fold = StatsFold::new(query);
    let mut current = None;
    let mut records = Batch::default();
    rows.by_trace(&Condition::default(), |record| {
        if current.as_ref() != record.trace_id() {
            current = record.trace_id().cloned();
            add_trace(&mut fold, &std::mem::take(&mut records));
        }
        record.push_to(&mut records);
    })?;
    add_trace(&mut fold, &records);
    Ok(Stats { database: database(rows, location)?, ..fold.finish() })
}

fn add_trace(fold: &mut StatsFold<'_>, records: &Batch) {
    let mut trace = TraceFold::default();
    // Nobody noted when a record was received, so only the records of its trace say whether its time can be.
    let bounds = TimeBounds::ALL;
    records.spans.iter().for_each(|span| trace.add_span(span, &bounds));
    records.checkpoints.iter().for_each(|checkpoint| trace.add_checkpoint(checkpoint, &bounds));
    if trace.is_empty() || !fold.add_trace(&trace) {
        return;
    }
    let ruling = trace.ruling_bounds();
    let calls: Vec<Call> = records.spans.iter().map(|span| fold.add_span(span.into(), &ruling)).collect();
    fold.add_calls(&calls);
    fold.add_checkpoints(&records.checkpoints, &ruling);
}

fn database(rows: &Rows<'_>, location: String) -> Result<DatabaseInfo> {
    let number = |sql: &str| rows.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let size_bytes = number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?);
    let size_bytes = u64::try_from(size_bytes).unwrap_or(0);
    Ok(DatabaseInfo { location, size_bytes, ..DatabaseInfo::default() })
}
