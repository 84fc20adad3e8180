//! Lists of traces: every row is read and folded, trace by trace, because the file keeps no summaries to trust.
//!
//! Only a search by the beginning of an id reads a part of the rows, through the file's index.

use rusqlite::types::Value as Sql;
use rustc_hash::FxHashSet;

use super::rows::{Condition, Rows};
use crate::model::filter::Filter;
use crate::model::{Batch, Page, Record, RecordKind, TimeBounds, Trace, TraceFold, TraceId, TraceQuery, TraceSummary};
use crate::store::Result;
use crate::store::trace_filter::{TraceFilter, has_attributes, matches};

/// One page of the traces `query` names.
pub(super) fn list(rows: &Rows<'_>, query: &TraceQuery) -> Result<Page<TraceSummary>> {
    let nothing = TraceFilter::new(query)?;
    let kind = if rows.layout.format.holds_spans { RecordKind::Spans } else { RecordKind::Checkpoints };
    // There were no projects when these files were written.
    if query.project.is_some() || query.kind.is_some_and(|wanted| wanted != kind) {
        return Ok(nothing.page());
    }
    if let Some(prefix) = &query.id_prefix {
        let found = select(rows, query, &beginning(rows, prefix))?;
        // An id written in an unusual way lies elsewhere in the index.
        if found.total > 0 {
            return Ok(found.page());
        }
    }
    Ok(select(rows, query, &Condition::default())?.page())
}

fn select<'q>(rows: &Rows<'_>, query: &'q TraceQuery, condition: &Condition) -> Result<TraceFilter<'q>> {
    let mut selection = TraceFilter::new(query)?;
    let filtered = query.filter.as_ref().map(|filter| filtered(rows, condition, filter)).transpose()?;
    each_trace(rows, condition, &query.attributes, |id, fold, has_attributes| {
        let is_filtered_in = filtered.as_ref().is_none_or(|ids| ids.contains(&id));
        if has_attributes && is_filtered_in && matches(query, &id, &fold) {
            selection.count(&fold);
            selection.offer(id, fold);
        }
    })?;
    Ok(selection)
}

/// The traces with a record that a filter is true of.
fn filtered(rows: &Rows<'_>, condition: &Condition, filter: &Filter) -> Result<FxHashSet<TraceId>> {
    let mut found = FxHashSet::default();
    let mut current: Option<(TraceId, Batch)> = None;
    let mut decide = |current: Option<(TraceId, Batch)>| {
        let Some((id, records)) = current else { return };
        if Trace::within(&TimeBounds::ALL, id.clone(), records).is_some_and(|trace| filter.matches_trace(&trace)) {
            found.insert(id);
        }
    };
    rows.by_trace(condition, |record| {
        let Some(trace) = record.trace_id().cloned() else { return };
        if current.as_ref().is_none_or(|(id, _)| *id != trace) {
            decide(current.replace((trace, Batch::default())));
        }
        if let Some((_, batch)) = &mut current {
            record.push_to(batch);
        }
    })?;
    decide(current);
    Ok(found)
}

/// Rows whose key begins like this, in any of the ways hexadecimal digits are usually written.
fn beginning(rows: &Rows<'_>, prefix: &str) -> Condition {
    let mut spellings = vec![prefix.to_owned()];
    if prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        spellings.extend([prefix.to_ascii_lowercase(), prefix.to_ascii_uppercase()]);
    }
    spellings.sort();
    spellings.dedup();
    let range = format!("(\"{0}\" >= ? AND \"{0}\" <= ?)", rows.layout.key());
    let ends = |spelling: String| [Sql::Text(spelling.clone()), Sql::Text(format!("{spelling}{}", char::MAX))];
    Condition { sql: vec![range; spellings.len()].join(" OR "), values: spellings.into_iter().flat_map(ends).collect() }
}

/// Visits each trace with its summary, and whether one of its spans has all these attributes.
pub(super) fn each_trace(
    rows: &Rows<'_>,
    condition: &Condition,
    attributes: &[(String, String)],
    mut visit: impl FnMut(TraceId, TraceFold, bool),
) -> Result<()> {
    // Nobody noted when a record was received, so only the records of its trace say whether its time can be.
    let bounds = TimeBounds::ALL;
    let mut current: Option<(TraceId, TraceFold, bool)> = None;
    rows.by_trace(condition, |record| {
        let Some(trace) = record.trace_id() else { return };
        if current.as_ref().is_none_or(|(id, ..)| id != trace) {
            let next = (trace.clone(), TraceFold::default(), attributes.is_empty());
            if let Some((id, fold, has_attributes)) = current.replace(next) {
                visit(id, fold, has_attributes);
            }
        }
        if let Some((_, fold, has_them)) = &mut current {
            record.add_to(fold, &bounds);
            *has_them |= matches!(&record, Record::Span(span) if has_attributes(span, attributes));
        }
    })?;
    if let Some((id, fold, has_attributes)) = current {
        visit(id, fold, has_attributes);
    }
    Ok(())
}
