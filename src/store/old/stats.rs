//! Statistics of an old file: one pass, trace by trace.

use crate::model::stats::StatsFold;
use crate::model::{Batch, DatabaseInfo, Stats, StatsQuery};
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
            fold.add_whole(&std::mem::take(&mut records));
        }
        record.push_to(&mut records);
    })?;
    fold.add_whole(&records);
    Ok(Stats { database: database(rows, location)?, ..fold.finish() })
}

fn database(rows: &Rows<'_>, location: String) -> Result<DatabaseInfo> {
    let number = |sql: &str| rows.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let size_bytes = number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?);
    let size_bytes = u64::try_from(size_bytes).unwrap_or(0);
    Ok(DatabaseInfo { location, size_bytes, ..DatabaseInfo::default() })
}
