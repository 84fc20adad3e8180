//! Which records a filter is true of, and which traces have one: records as they are stored, decided about by the
//! filter itself.
//!
//! Only segments are read that can hold such a record, going by their kind, their times and their services, of those only
//! rows whose columns can meet the terms that all records must, and of rows only the parts that decide. What a term asks
//! of a trace is looked up when a record comes by that the rest of the filter could be true of.

use std::borrow::Cow;

use rusqlite::Connection;
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::codec::{CodecError, RowTest};
use super::super::damage::{Part, tolerate};
use super::super::segments;
use super::super::tables::inbox;
use super::super::tables::traces::Finder;
use super::readers;
use crate::model::filter::{Field, Filter, Found, Intrinsic, Needs, RecordRef, Scope, Subject, Term, TraceFacts};
use crate::model::{Keys, LogQuery, Parts, Record, RecordKind, TraceFold, TraceId, TraceQuery};
use crate::store::{Error, Result};

/// The traces with a record that the filter of a query is true of, perhaps with some that started before the query's
/// time; `None` when it has no filter.
pub fn traces(connection: &Connection, query: &TraceQuery) -> Result<Option<FxHashSet<TraceId>>> {
    let Some(filter) = &query.filter else { return Ok(None) };
    let mut found = FxHashSet::default();
    let mut records = FilteredRecords::new(connection, filter, query.project.as_deref())?;
    // All records of a trace that started since did.
    let since_ns = query.since.map_or(0, |since| since.0);
    let parts = filter.expression.parts();
    each(connection, filter, since_ns, &parts, |record| {
        if let Some(id) = record.trace_id()
            && !found.contains(id)
            && records.is_true_of(RecordRef::from(record))?
        {
            found.insert(id.clone());
        }
        Ok(())
    })?;
    Ok(Some(found))
}

/// Calls `visit` with these parts of all records that start since and that the filter may be true of, and of some others.
pub fn each(
    connection: &Connection,
    filter: &Filter,
    since_ns: u64,
    parts: &Parts,
    mut visit: impl FnMut(&Record) -> Result<()>,
) -> Result<()> {
    let required = filter.expression.required();
    let services = required.iter().find_map(|term| {
        let services = term.equal_texts(Intrinsic::Service);
        // A glob names none.
        (!services.is_empty() && services.iter().all(|service| !service.contains('*'))).then_some(services)
    });
    let tests: Vec<RowTest<'_>> = required.iter().filter_map(|term| row_test(term)).collect();
    for kind in RecordKind::ALL.into_iter().filter(|kind| required.iter().all(|term| may_be_of(term, *kind))) {
        // Segments of several services are read once.
        let of_service = |service| segments::timed(connection, kind, (since_ns, u64::MAX), service);
        let mut extents = FxHashMap::default();
        for service in services.iter().flatten() {
            extents.extend(of_service(Some(service))?.into_iter().map(|(extent, _)| (extent.id, extent)));
        }
        if services.is_none() {
            extents.extend(of_service(None)?.into_iter().map(|(extent, _)| (extent.id, extent)));
        }
        let mut extents: Vec<_> = extents.into_values().collect();
        extents.sort_unstable_by_key(|extent| extent.id);
        for extent in extents {
            let mut failure = None;
            let read = segments::each_block_of_parts(connection, &extent, parts, &tests, |records| {
                for record in &records {
                    if let Err(error) = visit(record) {
                        failure = Some(error);
                        return Err(CodecError::Malformed("reading ended early"));
                    }
                }
                Ok(())
            });
            if let Some(error) = failure {
                return Err(error);
            }
            tolerate(Part::Segment(extent.id), read)?;
        }
    }
    let mut outcome = Ok(());
    inbox::each_row(connection, 0, |row| {
        if outcome.is_ok() {
            outcome = row.records.iter().try_for_each(&mut visit);
        }
    })?;
    outcome
}

/// What a term asks of an attribute, for columns to answer; `None` when that is not all it asks.
fn row_test(term: &Term) -> Option<RowTest<'_>> {
    let field = term.field().filter(|_| !term.negates())?;
    let Field::Attribute { scope, keys } = field else { return None };
    let Keys::These(beginnings) = field.parts().keys else { return None };
    // Names of events and of the instrumentation are no attributes.
    if matches!(scope, Some(Scope::Event | Scope::Scope | Scope::Data)) {
        return None;
    }
    let may_be_in = |wanted| scope.is_none() || *scope == Some(wanted);
    Some(RowTest {
        keys: beginnings,
        in_own: may_be_in(Scope::Span) || may_be_in(Scope::Log),
        in_resource: may_be_in(Scope::Resource),
        in_scope: may_be_in(Scope::Scope),
        in_events: may_be_in(Scope::Event),
        in_links: may_be_in(Scope::Link),
        // What lies in a map is looked at when the record is read.
        is_met: Box::new(|key, value| {
            !keys.iter().any(|known| known == key) || term.accepts(&Found::Value(key, value))
        }),
    })
}

/// Whether a term can be true of a record of a kind; false is certain.
fn may_be_of(term: &Term, kind: RecordKind) -> bool {
    if matches!(term, Term::Selected(_)) {
        return kind == RecordKind::Spans;
    }
    let Some(field) = term.field().filter(|_| !term.negates()) else { return true };
    match field {
        Field::Intrinsic(Intrinsic::Level | Intrinsic::Message) => kind == RecordKind::Logs,
        Field::Intrinsic(Intrinsic::Status | Intrinsic::StatusMessage | Intrinsic::Duration | Intrinsic::SelfTime) => {
            kind == RecordKind::Spans
        }
        Field::Intrinsic(Intrinsic::Operation | Intrinsic::Endpoint | Intrinsic::Direction | Intrinsic::Source) => {
            kind == RecordKind::Checkpoints
        }
        Field::Attribute { scope: Some(Scope::Span | Scope::Event | Scope::Link), .. } => kind == RecordKind::Spans,
        Field::Attribute { scope: Some(Scope::Log), .. } => kind == RecordKind::Logs,
        Field::Attribute { scope: Some(Scope::Data), .. } => kind == RecordKind::Checkpoints,
        Field::Attribute { scope: Some(Scope::Resource | Scope::Scope), .. } => kind != RecordKind::Checkpoints,
        Field::Intrinsic(_) | Field::Attribute { scope: None, .. } => true,
    }
}

/// Decides about records, with what has to be known of their traces.
pub struct FilteredRecords<'c> {
    connection: &'c Connection,
    filter: &'c Filter,
    needs: Needs,
    /// Only records of this project count, and of traces only what it has of them.
    project: Option<&'c str>,
    /// What waits of each trace in the inbox, where summaries are needed.
    waiting: FxHashMap<TraceId, TraceFold>,
    /// Finds the rest of a summary.
    finder: Option<Finder<'c>>,
    /// The trace that was looked up last: records of one lie together.
    last: Option<(TraceId, Option<TraceFacts>)>,
}

impl<'c> FilteredRecords<'c> {
    /// Gets ready to ask the filter.
    pub fn new(
        connection: &'c Connection,
        filter: &'c Filter,
        project: Option<&'c str>,
    ) -> Result<FilteredRecords<'c>> {
        let needs = match filter.needs() {
            // The summary that is stored is of all projects together.
            Needs::Summary if project.is_some() => Needs::Trace,
            needs => needs,
        };
        let waiting = if needs == Needs::Summary { inbox::folds(connection)? } else { FxHashMap::default() };
        let finder = (needs == Needs::Summary).then(|| Finder::new(connection)).transpose()?;
        Ok(FilteredRecords { connection, filter, needs, project, waiting, finder, last: None })
    }

    /// Whether the filter is true of a record.
    pub fn is_true_of(&mut self, record: RecordRef<'_>) -> Result<bool> {
        if self.project.is_some_and(|project| project_of(record) != project) {
            return Ok(false);
        }
        let trace = match record {
            RecordRef::Span(span) => Some(&span.trace_id),
            RecordRef::Checkpoint(checkpoint) => Some(&checkpoint.trace_id),
            RecordRef::Log(log) => log.trace_id.as_ref(),
        };
        let (Some(id), true) = (trace, self.needs > Needs::Record) else {
            return Ok(self.filter.matches(&Subject::of(record)));
        };
        if !self.filter.expression.may_match(&Subject::of(record)) {
            return Ok(false);
        }
        if self.last.as_ref().is_none_or(|(last, _)| last != id) {
            self.last = Some((id.clone(), self.look_up(id)?));
        }
        let facts = self.last.as_ref().and_then(|(_, facts)| facts.as_ref());
        Ok(self.filter.matches(&Subject { record, trace: facts }))
    }

    fn look_up(&mut self, id: &TraceId) -> Result<Option<TraceFacts>> {
        if self.needs == Needs::Trace {
            let trace = match readers::part_of_trace(self.connection, id, self.project) {
                Err(Error::Corrupt(_)) => None,
                read => read?,
            };
            return Ok(trace.map(|trace| self.filter.facts_of(&trace)));
        }
        let mut fold = self.waiting.get(id).cloned().unwrap_or_default();
        let stored = self.finder.as_mut().map(|finder| finder.find(id)).transpose()?.flatten();
        stored.iter().for_each(|stored| fold.merge(&stored.fold));
        Ok(fold.finish(id.clone()).map(TraceFacts::of_summary))
    }
}

fn project_of(record: RecordRef<'_>) -> &str {
    match record {
        RecordRef::Span(span) => span.resource.project(),
        RecordRef::Checkpoint(checkpoint) => &checkpoint.project,
        RecordRef::Log(log) => log.resource.project(),
    }
}

/// A question for log records with what its filter demands of service and level said where columns answer it.
pub fn narrowed(query: &LogQuery) -> Cow<'_, LogQuery> {
    let mut narrowed = Cow::Borrowed(query);
    for term in query.filter.iter().flat_map(|filter| filter.expression.required()) {
        if let [service] = term.equal_texts(Intrinsic::Service).as_slice()
            && query.service.is_none()
            && !service.contains('*')
        {
            narrowed.to_mut().service = Some((*service).to_owned());
        }
        if let Some(level) = term.least_level() {
            let least = query.level.map_or(level, |known| known.max(level));
            narrowed.to_mut().level = Some(least);
        }
    }
    narrowed
}
