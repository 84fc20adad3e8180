//! The traces of one project, as nothing but its own records make them.
//!
//! The table of traces holds a fold of all records of a trace. That is right for a project that has the trace to itself,
//! which the columns of projects alone can tell; of a trace that several projects share, the records are read again. So
//! who may see one project only learns neither times nor counts nor names of the others.

use rusqlite::Connection;
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::segments;
use super::super::tables::inbox;
use super::super::tables::traces::Finder;
use super::readers;
use crate::model::{Record, TimeBounds, TraceFold, TraceId};
use crate::store::Result;
use crate::store::trace_filter::has_attributes;

/// Most shared traces that are looked up one by one; with more of them everything is read once.
const FEW: usize = 64;

/// The traces with a record of a project.
pub struct ProjectTraces<'p> {
    project: &'p str,
    /// Traces without a record of anybody else.
    alone: FxHashSet<TraceId>,
    /// What the project's own records make of the other traces.
    shared: FxHashMap<TraceId, OwnPart>,
}

/// The part that one project has in a trace.
#[derive(Default)]
struct OwnPart {
    fold: TraceFold,
    /// The times that all records of the trace make believable.
    bounds: Option<TimeBounds>,
    has_attributes: bool,
}

impl<'p> ProjectTraces<'p> {
    /// Finds the traces of a project, and which of those it shares have a span of the project with all `attributes`.
    pub fn read(
        connection: &Connection,
        project: &'p str,
        attributes: &[(String, String)],
    ) -> Result<ProjectTraces<'p>> {
        let mut found = ProjectTraces { project, alone: FxHashSet::default(), shared: FxHashMap::default() };
        if project.is_empty() {
            return Ok(found);
        }
        segments::each_of_project(connection, (project, true), |id| _ = found.alone.insert(id))?;
        let mut waiting: Vec<(TraceId, bool)> = Vec::new();
        inbox::each_row(connection, 0, |row| {
            let of_row = row.records.iter();
            waiting.extend(of_row.filter_map(|one| Some((one.trace_id()?.clone(), one.project() == project))));
            waiting.dedup();
        })?;
        found.alone.extend(waiting.iter().filter(|(_, is_own)| *is_own).map(|(id, _)| id.clone()));
        let strangers = waiting.iter().filter(|(_, is_own)| !is_own).map(|(id, _)| id.clone());
        strangers.for_each(|id| found.note_stranger(id));
        segments::each_of_project(connection, (project, false), |id| found.note_stranger(id))?;
        found.read_own_parts(connection, attributes)?;
        Ok(found)
    }

    /// Notes that a trace has a record of somebody else.
    fn note_stranger(&mut self, id: TraceId) {
        if self.alone.remove(&id) {
            self.shared.insert(id, OwnPart::default());
        }
    }

    fn find_bounds(&mut self, connection: &Connection) -> Result<()> {
        let mut waiting = inbox::folds(connection)?;
        let mut finder = Finder::for_many_once(connection)?;
        for (id, part) in &mut self.shared {
            let mut whole = waiting.remove(id).unwrap_or_default();
            if let Some(stored) = finder.find(id)? {
                whole.merge(&stored.fold);
            }
            part.bounds = Some(whole.bounds());
        }
        Ok(())
    }

    fn read_own_parts(&mut self, connection: &Connection, attributes: &[(String, String)]) -> Result<()> {
        if self.shared.is_empty() {
            return Ok(());
        }
        self.find_bounds(connection)?;
        if self.shared.len() > FEW {
            segments::each_record(connection, |record| self.add(&record, attributes))?;
            return inbox::each_row(connection, 0, |row| row.records.iter().for_each(|one| self.add(one, attributes)));
        }
        let ids: Vec<TraceId> = self.shared.keys().cloned().collect();
        for id in ids {
            for record in readers::records(connection, &id)?.0 {
                self.add(&record, attributes);
            }
        }
        Ok(())
    }

    fn add(&mut self, record: &Record, attributes: &[(String, String)]) {
        if record.project() != self.project {
            return;
        }
        let Some(part) = record.trace_id().and_then(|id| self.shared.get_mut(id)) else { return };
        record.add_to(&mut part.fold, &part.bounds.unwrap_or(TimeBounds::ALL));
        if let Record::Span(span) = record {
            part.has_attributes |= has_attributes(span, attributes);
        }
    }

    /// Whether any trace of the project also has records of somebody else.
    pub fn has_shared(&self) -> bool {
        !self.shared.is_empty()
    }

    /// What the project's own records make of a trace that has this fold in all; `None` when it has none of them.
    pub fn own_part(&self, id: &TraceId, whole: TraceFold) -> Option<TraceFold> {
        if self.alone.contains(id) {
            return Some(whole);
        }
        let mut fold = self.shared.get(id)?.fold.clone();
        // When checkpoints were received is kept of the trace alone.
        fold.received_s = if fold.checkpoints > 0 { whole.received_s } else { 0 };
        Some(fold)
    }

    /// Drops the shared traces whose attributes are those of somebody else.
    pub fn keep_own_attributes(&self, with_attributes: &mut FxHashSet<TraceId>) {
        with_attributes.retain(|id| self.shared.get(id).is_none_or(|part| part.has_attributes));
    }
}
