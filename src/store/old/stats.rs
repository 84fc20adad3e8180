//! Statistics of an old file: one pass, trace by trace.

use crate::model::stats::{Call, StatsFold};
use crate::model::{Batch, DatabaseInfo, Stats, StatsQuery, TimeBounds, Trace, TraceFold};
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
            add_trace(&mut fold, query, &std::mem::take(&mut records));
        }
        record.push_to(&mut records);
    })?;
    add_trace(&mut fold, query, &records);
    Ok(Stats { database: database(rows, location)?, ..fold.finish() })
}

fn add_trace(fold: &mut StatsFold<'_>, query: &StatsQuery, records: &Batch) {
    let mut trace = TraceFold::default();
    // Nobody noted when a record was received, so only the records of its trace say whether its time can be.
    let bounds = TimeBounds::ALL;
    records.spans.iter().for_each(|span| trace.add_span(span, &bounds));
    records.checkpoints.iter().for_each(|checkpoint| trace.add_checkpoint(checkpoint, &bounds));
    if trace.is_empty() {
        return;
    }
    if let Some(filter) = &query.filter {
        let of_span = records.spans.first().map(|span| &span.trace_id);
        let id = of_span.or_else(|| records.checkpoints.first().map(|checkpoint| &checkpoint.trace_id));
        let whole = id.and_then(|id| Trace::within(&bounds, id.clone(), records.clone()));
        if let Some(whole) = whole.filter(|whole| filter.matches_trace(whole)) {
            fold.add_filtered_trace(filter, &trace, &whole);
        }
        return;
    }
    if !fold.add_trace(&trace) {
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
