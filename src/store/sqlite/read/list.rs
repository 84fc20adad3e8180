//! Lists of traces: rows of the table merged with what waits in the inbox, filtered, ordered, one page at a time.
//!
//! A plain list, and one of checkpoints by their receipt, walks an index and stops with its page; any filter or other
//! order looks at every row it cannot rule out in SQL, keeping only a page's worth.

use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::file::schema;
use super::super::segments;
use super::super::tables::traces::{self, Finder};
use super::super::tables::words::Words;
use super::super::tables::{inbox, to_column};
use super::project_traces::ProjectTraces;
use super::{filtered, readers};
use crate::model::id::from_hex;
use crate::model::{Page, Record, RecordKind, Sort, TraceFold, TraceId, TraceQuery, TraceSummary};
use crate::store::Result;
use crate::store::trace_filter::{TraceFilter, has_attributes, matches};

/// So many traces with spans without an end are read for a page at most; of others such spans are counted as sent.
const MOST_READ: usize = 100;
/// A trace with more spans is not read for a page.
const MOST_READ_SPANS: u64 = 10_000;

/// One page of the traces `query` names.
pub fn list(connection: &Connection, query: &TraceQuery) -> Result<Page<TraceSummary>> {
    let mut found = TraceFilter::new(query)?;
    let waiting = merged(connection)?;
    if let Some(index) = Index::choose(connection, query)? {
        index.walk(connection, &waiting, &mut found)?;
    } else {
        let mut searched = with_attributes(connection, query)?;
        let project = query.project.as_deref();
        let project = project.map(|name| ProjectTraces::read(connection, name, &query.attributes)).transpose()?;
        if let (Some(project), Some(ids)) = (&project, &mut searched) {
            project.keep_own_attributes(ids);
        }
        let filtered = filtered::traces(connection, query)?;
        // Rows say what all projects together make of a trace, so where that is not what counts they rule nothing out.
        let everything = TraceQuery::default();
        let is_row_right = project.as_ref().is_none_or(|project| !project.has_shared());
        look_at_all(connection, if is_row_right { query } else { &everything }, &waiting, |id, fold| {
            let own = match &project {
                Some(project) => project.own_part(&id, fold),
                None => Some(fold),
            };
            let is_named = |fold: &TraceFold| {
                [&searched, &filtered].into_iter().flatten().all(|ids| ids.contains(&id)) && matches(query, &id, fold)
            };
            if let Some(fold) = own.filter(is_named) {
                found.count(&fold);
                found.offer(id, fold);
            }
        })?;
    }
    let mut read = 0;
    found.page_with(|id, fold| {
        // A span that has no end may have been sent again with one, which only the records show.
        if fold.odd.ends == 0 || fold.spans > MOST_READ_SPANS || read >= MOST_READ {
            return Ok(fold.finish(id));
        }
        read += 1;
        Ok(readers::part_of_trace(connection, &id, query.project.as_deref())?.map(|trace| trace.summary))
    })
}

/// The traces that wait in the inbox, each with all its records, sealed ones too.
struct Waiting {
    folds: FxHashMap<TraceId, TraceFold>,
    all: NotInRows,
    with_checkpoints: NotInRows,
}

/// How many of the waiting traces have no row, or none that says they are of a sort, and how many more of them have
/// errors than their rows say.
#[derive(Default)]
struct NotInRows {
    traces: u64,
    failed: u64,
}

impl NotInRows {
    fn count(&mut self, fold: &TraceFold, stored: Option<&TraceFold>) {
        self.traces += u64::from(stored.is_none());
        self.failed += u64::from(fold.errors > 0 && stored.is_none_or(|stored| stored.errors == 0));
    }
}

fn merged(connection: &Connection) -> Result<Waiting> {
    let mut waiting =
        Waiting { folds: inbox::folds(connection)?, all: NotInRows::default(), with_checkpoints: NotInRows::default() };
    let mut finder = Finder::for_many_once(connection)?;
    for (id, fold) in &mut waiting.folds {
        let stored = finder.find(id)?.map(|stored| stored.fold);
        if let Some(stored) = &stored {
            fold.merge(stored);
        }
        waiting.all.count(fold, stored.as_ref());
        if fold.checkpoints > 0 {
            waiting.with_checkpoints.count(fold, stored.as_ref().filter(|stored| stored.checkpoints > 0));
        }
    }
    Ok(waiting)
}

/// An index of the table that has the order asked for, so that only a page of it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Index {
    Start,
    Received,
}

impl Index {
    /// The index for a query without other conditions; `None` when all rows must be looked at.
    fn choose(connection: &Connection, query: &TraceQuery) -> Result<Option<Index>> {
        let TraceQuery { limit, cursor, reverse, .. } = query;
        let plain = TraceQuery { limit: *limit, cursor: cursor.clone(), reverse: *reverse, ..TraceQuery::default() };
        let by_receipt = TraceQuery { sort: Sort::Received, kind: Some(RecordKind::Checkpoints), ..plain.clone() };
        if *limit > 0 && *query == plain {
            return Ok(Some(Index::Start));
        }
        Ok((*limit > 0 && *query == by_receipt && schema::knows_receipt(connection)?).then_some(Index::Received))
    }

    fn walk(self, connection: &Connection, waiting: &Waiting, found: &mut TraceFilter<'_>) -> Result<()> {
        let column = match self {
            Index::Start => {
                let totals = traces::totals(connection)?;
                found.total = totals.traces + waiting.all.traces;
                found.failed = totals.failed + waiting.all.failed;
                "start_ns"
            }
            Index::Received => {
                let (traces, failed) = traces::received_totals(connection)?;
                found.total = traces + waiting.with_checkpoints.traces;
                found.failed = failed + waiting.with_checkpoints.failed;
                "received_s"
            }
        };
        let is_named = |fold: &TraceFold| self == Index::Start || fold.checkpoints > 0;
        for (id, fold) in waiting.folds.iter().filter(|(_, fold)| is_named(fold)) {
            found.offer(id.clone(), fold.clone());
        }
        let (comparison, order, edge) = if found.query.reverse { (">=", "", 0) } else { ("<=", "DESC", i64::MAX) };
        let columns = traces::columns(connection)?;
        let least = if self == Index::Received { "received_s > 0 AND " } else { "" };
        let sql = format!(
            "SELECT {columns}, {column} AS key FROM traces WHERE {least}{column} {comparison} ?1 ORDER BY {column} {order}"
        );
        let begin = found.after().map(|after| if self == Index::Start { after.start_ns } else { after.key });
        let mut select = connection.prepare_cached(&sql)?;
        let mut rows = select.query([begin.map_or(edge, to_column)])?;
        let mut words = Words::new(connection);
        let mut offered = 0;
        let mut last = None;
        while let Some(row) = rows.next()? {
            let key: i64 = row.get("key")?;
            // Traces of the same instant are ordered by id, which the index does not do.
            if offered > found.query.limit && last != Some(key) {
                break;
            }
            let Some((_, id, fold)) = traces::read(row, &mut words)? else { continue };
            if !waiting.folds.contains_key(&id) && found.offer(id, fold) {
                offered += 1;
                last = Some(key);
            }
        }
        Ok(())
    }
}

fn look_at_all(
    connection: &Connection,
    query: &TraceQuery,
    waiting: &Waiting,
    mut visit: impl FnMut(TraceId, TraceFold),
) -> Result<()> {
    waiting.folds.iter().for_each(|(id, fold)| visit(id.clone(), fold.clone()));
    let (conditions, mut values) = conditions(query);
    let mut sql = format!("1{conditions}");
    let mut visit = |id, fold| {
        if !waiting.folds.contains_key(&id) {
            visit(id, fold);
        }
        Ok(())
    };
    let Some(prefix) = &query.id_prefix else {
        return traces::each_where(connection, &sql, rusqlite::params_from_iter(values), visit);
    };
    if let Some((low, high)) = otel_range(prefix) {
        traces::each_of_range(connection, (&low, &high), &sql, &values, &mut visit)?;
    }
    sql.push_str(" AND typeof(trace_id) = 'text' AND trace_id >= ? AND trace_id <= ?");
    values.extend([Sql::Text(prefix.clone()), Sql::Text(format!("{prefix}{}", char::MAX))]);
    traces::each_where(connection, &sql, rusqlite::params_from_iter(values), visit)
}

/// What SQL can rule out. Columns are clamped, so a bound only ever lets too much through.
fn conditions(query: &TraceQuery) -> (String, Vec<Sql>) {
    let mut sql = String::new();
    let mut values = Vec::new();
    let bounds = [
        (" AND start_ns >= ?", query.since.map(|since| since.0)),
        (" AND start_ns <= ?", query.until.map(|until| until.0)),
        (" AND (end_ns - start_ns >= ? OR end_ns = 9223372036854775807)", query.min_duration_ns),
        (" AND end_ns - start_ns <= ?", query.max_duration_ns),
    ];
    for (condition, value) in bounds {
        if let Some(value) = value {
            sql.push_str(condition);
            values.push(Sql::Integer(to_column(value)));
        }
    }
    sql.push_str(match query.has_errors {
        Some(true) => " AND errors > 0",
        Some(false) => " AND errors = 0",
        None => "",
    });
    sql.push_str(match query.kind {
        Some(RecordKind::Spans) => " AND spans > 0",
        Some(RecordKind::Checkpoints) => " AND checkpoints > 0",
        Some(RecordKind::Logs) => " AND logs > 0",
        None => "",
    });
    (sql, values)
}

/// The first and the last OpenTelemetry id that can begin so; `None` when none can.
fn otel_range(prefix: &str) -> Option<([u8; 16], [u8; 16])> {
    let missing = 32_usize.saturating_sub(prefix.len());
    let padded = |digit: &str| from_hex::<16>(format!("{prefix}{}", digit.repeat(missing)).as_bytes());
    Some((padded("0")?, padded("f")?))
}

/// The traces with a span that has the attributes asked for; `None` when none are asked for.
fn with_attributes(connection: &Connection, query: &TraceQuery) -> Result<Option<FxHashSet<TraceId>>> {
    if query.attributes.is_empty() {
        return Ok(None);
    }
    // A trace that started since has only spans that did.
    let since_ns = query.since.map_or(0, |since| since.0);
    let mut ids: FxHashSet<TraceId> =
        segments::with_attributes(connection, &query.attributes, since_ns)?.into_iter().collect();
    inbox::each_row(connection, 0, |row| {
        let spans = Record::spans(&row.records).into_iter();
        ids.extend(spans.filter(|span| has_attributes(span, &query.attributes)).map(|span| span.trace_id.clone()));
    })?;
    Ok(Some(ids))
}
