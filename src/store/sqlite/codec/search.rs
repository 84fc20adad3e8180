//! Which traces of a segment have a span with certain attributes, or a record of a project, reading only the columns
//! that can say so.

use bytes::Bytes;

use super::bytes::Reader;
use super::checkpoints::checkpoint_columns::PROJECT_COLUMN;
use super::columns::{AttributeReader, BlockIndex, BlockShapes, ColumnReader, ColumnSource, Known, TraceRuns};
use super::error::{CodecError, Result};
use super::shared_tables::get_resource;
use crate::model::{RecordKind, TraceId, json};

/// The traces with a span that has all `pairs`, each as an attribute of its own or of its resource, its value compared
/// as [`json::value_to_text`] prints it. Sorted, each once.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn traces_with_attribute(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    pairs: &[(String, String)],
) -> Result<Vec<TraceId>> {
    let mut columns = ColumnReader::new(source);
    let attributes = AttributeReader::open(&mut columns)?;
    let mut resources = vec![Known::<bool>::default(); pairs.len()];
    let mut found: Vec<TraceId> = Vec::new();
    for (block, summary) in index.iter().enumerate() {
        let mut search =
            AttributeSearch { columns: &mut columns, attributes: &attributes, block, rows: summary.rows, shapes: None };
        let mut matches = vec![true; summary.rows];
        for (pair, resources) in pairs.iter().zip(&mut resources) {
            let has = search.rows_with(pair, resources)?;
            matches.iter_mut().zip(has).for_each(|(all, has)| *all &= has);
            if !matches.contains(&true) {
                break;
            }
        }
        if matches.contains(&true) {
            let traces = TraceRuns::read(&mut columns, block, summary.rows)?;
            for row in (0..summary.rows).filter(|row| matches[*row]) {
                let id = traces.id(row)?;
                if found.last() != Some(id) {
                    found.push(id.clone());
                }
            }
        }
    }
    Ok(found)
}

/// The traces with a record of this kind that is of a project, whatever a span or log record itself says. Sorted, each
/// once; the empty name is nobody's.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn traces_of_project(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    kind: RecordKind,
    project: &str,
) -> Result<Vec<TraceId>> {
    let name = if kind == RecordKind::Checkpoints { PROJECT_COLUMN } else { "resource" };
    let is_wanted = |cell: Bytes| match kind {
        RecordKind::Checkpoints => Ok(cell == project.as_bytes()),
        RecordKind::Spans | RecordKind::Logs => Ok(get_resource(&mut Reader::new(cell))?.project() == project),
    };
    let mut found: Vec<TraceId> = Vec::new();
    if project.is_empty() {
        return Ok(found);
    }
    let mut columns = ColumnReader::new(source);
    let mut cells = Known::<bool>::default();
    for (block, summary) in index.iter().enumerate() {
        let of_row = columns.strings(name, block, summary.rows)?;
        let has = |row| cells.look_up(&of_row, row, is_wanted);
        let has = (0..summary.rows).map(has).collect::<Result<Vec<bool>>>()?;
        if !has.contains(&true) {
            continue;
        }
        let traces = TraceRuns::read(&mut columns, block, summary.rows)?;
        for (row, _) in has.iter().enumerate().filter(|(_, has)| **has) {
            let id = traces.id(row)?;
            if found.last() != Some(id) {
                found.push(id.clone());
            }
        }
    }
    Ok(found)
}

/// Whether a resource has a pair.
fn has_pair(resource: Bytes, (key, text): &(String, String)) -> Result<bool> {
    let attributes = get_resource(&mut Reader::new(resource))?.attributes;
    Ok(attributes.get(key).is_some_and(|value| json::value_to_text(value) == *text))
}

struct AttributeSearch<'c, 's> {
    columns: &'c mut ColumnReader<'s>,
    attributes: &'c AttributeReader,
    block: usize,
    rows: usize,
    shapes: Option<BlockShapes>,
}

impl AttributeSearch<'_, '_> {
    /// Which rows have the pair; `resources` remembers which resources do.
    fn rows_with(&mut self, pair: &(String, String), resources: &mut Known<bool>) -> Result<Vec<bool>> {
        let of_row = self.columns.strings("resource", self.block, self.rows)?;
        let has = |row| resources.look_up(&of_row, row, |resource| has_pair(resource, pair));
        let mut has = (0..self.rows).map(has).collect::<Result<Vec<bool>>>()?;
        let (key, text) = pair;
        if self.attributes.may_have(key) {
            if self.shapes.is_none() {
                self.shapes = Some(self.attributes.block(self.columns, self.block, self.rows)?);
            }
            let shapes = self.shapes.as_ref().ok_or(CodecError::MissingColumn)?;
            self.attributes.find(self.columns, shapes, key, &mut |row, cells, cell| {
                has[row] = has[row] || json::value_to_text(&cells.pair(cell)?.1) == *text;
                Ok(())
            })?;
        }
        Ok(has)
    }
}
