//! Which traces of a segment have a span with certain attributes, reading only the columns that can say so.

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::{
    attributes::{AttributeReader, BlockShapes},
    bytes::Reader,
    columns::{ColumnReader, Strings},
    error::{CodecError, Result},
    inbox::get_resource,
    index::BlockIndex,
    rows::TraceRuns,
    segment::ColumnSource,
};
use crate::model::{TraceId, json};

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
    let mut resources = vec![KnownResources::default(); pairs.len()];
    let mut found: Vec<TraceId> = Vec::new();
    for (block, summary) in index.iter().enumerate() {
        let mut search =
            BlockSearch { columns: &mut columns, attributes: &attributes, block, rows: summary.rows, shapes: None };
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

/// Which resources have a pair, so that each is decoded once: by place in the dictionary, which costs next to nothing to
/// look up, or by its bytes in blocks without one.
#[derive(Debug, Clone, Default)]
struct KnownResources {
    by_code: FxHashMap<usize, bool>,
    by_bytes: FxHashMap<Bytes, bool>,
}

impl KnownResources {
    fn have(&mut self, of_row: &Strings, row: usize, (key, text): &(String, String)) -> Result<bool> {
        let code = of_row.code(row)?;
        if let Some(known) = code.and_then(|code| self.by_code.get(&code)) {
            return Ok(*known);
        }
        let resource = of_row.bytes(row)?;
        if let Some(known) = self.by_bytes.get(&resource) {
            return Ok(*known);
        }
        let attributes = get_resource(&mut Reader::new(resource.clone()))?.attributes;
        let matches = attributes.get(key).is_some_and(|value| json::value_to_text(value) == *text);
        match code {
            Some(code) => self.by_code.insert(code, matches),
            None => self.by_bytes.insert(resource, matches),
        };
        Ok(matches)
    }
}

struct BlockSearch<'c, 's> {
    columns: &'c mut ColumnReader<'s>,
    attributes: &'c AttributeReader,
    block: usize,
    rows: usize,
    shapes: Option<BlockShapes>,
}

impl BlockSearch<'_, '_> {
    /// Which rows have the pair; `resources` remembers which resources do.
    fn rows_with(&mut self, pair: &(String, String), resources: &mut KnownResources) -> Result<Vec<bool>> {
        let of_row = self.columns.strings("resource", self.block, self.rows)?;
        let mut has = (0..self.rows).map(|row| resources.have(&of_row, row, pair)).collect::<Result<Vec<bool>>>()?;
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
