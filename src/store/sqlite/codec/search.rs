//! Which traces of a segment have a span with certain attributes, or a record of a project, reading only the columns
//! that can say so.

use bytes::Bytes;

use super::bytes::Reader;
use super::checkpoints::checkpoint_columns::PROJECT_COLUMN;
use super::columns::{AttributeReader, Block, BlockIndex, ColumnReader, ColumnSource, Known, TraceRuns};
use super::error::Result;
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
    let mut attributes = AttributeReader::open(&mut columns)?;
    let mut resources = vec![Known::<bool>::default(); pairs.len()];
    let mut found = Vec::new();
    for number in 0..index.len() {
        let mut block = columns.block(index, number)?;
        let mut matches = vec![true; block.summary.rows];
        for (pair, resources) in pairs.iter().zip(&mut resources) {
            let has = rows_with(&mut block, &mut attributes, pair, resources)?;
            matches.iter_mut().zip(has).for_each(|(all, has)| *all &= has);
            if !matches.contains(&true) {
                break;
            }
        }
        add_traces(&mut block, &matches, &mut found)?;
    }
    Ok(found)
}

/// Adds the traces of the rows that match.
fn add_traces(block: &mut Block<'_, '_>, matches: &[bool], found: &mut Vec<TraceId>) -> Result<()> {
    if !matches.contains(&true) {
        return Ok(());
    }
    let traces = TraceRuns::read(block)?;
    for (row, _) in matches.iter().enumerate().filter(|(_, matches)| **matches) {
        let id = traces.id(row)?;
        if found.last() != Some(id) {
            found.push(id.clone());
        }
    }
    Ok(())
}

/// The traces with a record of this kind that is of a project, or with one that is not, whatever a span or log record
/// itself says. Sorted, each once; the empty name is nobody's.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn traces_of_project(
    source: &mut dyn ColumnSource,
    index: &BlockIndex,
    kind: RecordKind,
    (project, is_of): (&str, bool),
) -> Result<Vec<TraceId>> {
    let name = if kind == RecordKind::Checkpoints { PROJECT_COLUMN } else { "resource" };
    let is_wanted = |cell: Bytes| match kind {
        RecordKind::Checkpoints => Ok((cell == project.as_bytes()) == is_of),
        RecordKind::Spans | RecordKind::Logs => {
            Ok((get_resource(&mut Reader::new(cell))?.project() == project) == is_of)
        }
    };
    let mut found = Vec::new();
    if project.is_empty() {
        return Ok(found);
    }
    let mut columns = ColumnReader::new(source);
    let mut cells = Known::<bool>::default();
    for number in 0..index.len() {
        let mut block = columns.block(index, number)?;
        let of_row = block.strings(name)?;
        let has = |row| cells.look_up(&of_row, row, is_wanted);
        let has = (0..block.summary.rows).map(has).collect::<Result<Vec<bool>>>()?;
        add_traces(&mut block, &has, &mut found)?;
    }
    Ok(found)
}

/// Whether a resource has a pair.
fn has_pair(resource: Bytes, (key, text): &(String, String)) -> Result<bool> {
    let attributes = get_resource(&mut Reader::new(resource))?.attributes;
    Ok(attributes.get(key).is_some_and(|value| json::value_to_text(value) == *text))
}

/// Which rows have the pair; `resources` remembers which resources do.
fn rows_with(
    block: &mut Block<'_, '_>,
    attributes: &mut AttributeReader,
    pair: &(String, String),
    resources: &mut Known<bool>,
) -> Result<Vec<bool>> {
    let of_row = block.strings("resource")?;
    let has = |row| resources.look_up(&of_row, row, |resource| has_pair(resource, pair));
    let mut has = (0..block.summary.rows).map(has).collect::<Result<Vec<bool>>>()?;
    let (key, text) = pair;
    attributes.find(block, key, &mut |row, cells, cell| {
        has[row] = has[row] || json::value_to_text(&cells.pair(cell)?.1) == *text;
        Ok(())
    })?;
    Ok(has)
}
