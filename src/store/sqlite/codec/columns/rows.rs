//! What the rows of every kind of record have in common: they come sorted by trace, are cut into blocks, and name
//! their trace once for all its rows. A kind adds what its own fields need.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::bytes::{put_trace_id, put_varint};
use super::super::error::{CodecError, Result};
use super::{
    AttributeWriter, Block, BlockIndex, BlockSummary, ColumnReader, ColumnSource, ColumnWriter, Segment, filter, index,
};
use crate::model::{Nanos, TraceId};

/// Rows of a block, the last one of a segment aside: reading one trace decompresses at least this much.
const ROWS_PER_BLOCK: usize = 1024;
/// Attribute and event bytes after which a block ends whatever its rows.
pub const BYTES_PER_BLOCK: usize = 4 << 20;

/// A record that can be a row of columns.
pub trait Columnar {
    /// The trace of the record.
    fn trace_id(&self) -> &TraceId;
    /// When the record began.
    fn start(&self) -> Nanos;
    /// The service the record came from.
    fn service(&self) -> &str;
    /// About how many bytes the record has whose number has no bound.
    fn bytes(&self) -> usize;
}

/// Seals rows that come sorted by trace, and their attributes, if rows of this kind have any; `write` adds the other
/// columns of a block, given its rows and its earliest start.
///
/// # Errors
/// The attributes are damaged.
pub fn seal_rows<'a, R: Columnar>(
    rows: &[&'a R],
    attributes: Option<&AttributeWriter<'a>>,
    mut write: impl FnMut(&mut ColumnWriter<'a>, Range<usize>, u64),
) -> Result<Segment> {
    let mut columns = ColumnWriter::default();
    let mut summaries = Vec::new();
    for block in cut_blocks(rows) {
        let summary = summarize(&rows[block.clone()]);
        columns.raw("trace", &trace_runs(&rows[block.clone()]));
        write(&mut columns, block.clone(), summary.min_start_ns);
        if let Some(attributes) = attributes {
            attributes.write_block(&mut columns, block)?;
        }
        columns.end_block();
        summaries.push(summary);
    }
    if let Some(attributes) = attributes {
        attributes.finish(&mut columns);
    }
    let mut traces: Vec<&TraceId> = rows.iter().map(|row| row.trace_id()).collect();
    traces.dedup();
    let services: BTreeSet<&str> = rows.iter().map(|row| row.service()).collect();
    Ok(Segment {
        rows: u32::try_from(rows.len()).expect("a segment holds far fewer records than 2^32"),
        blocks: index::encode(&summaries),
        columns: columns.finish(),
        trace_filter: filter::build(traces.into_iter()),
        services: services.into_iter().map(str::to_owned).collect(),
        min_start_ns: rows.iter().map(|row| row.start().0).min().unwrap_or(u64::MAX),
        max_start_ns: rows.iter().map(|row| row.start().0).max().unwrap_or(0),
    })
}

fn summarize<R: Columnar>(block: &[&R]) -> BlockSummary {
    let trace = |row: Option<&&R>| row.map(|row| row.trace_id().clone()).expect("no block is empty");
    BlockSummary {
        rows: block.len(),
        first_trace: trace(block.first()),
        last_trace: trace(block.last()),
        min_start_ns: block.iter().map(|row| row.start().0).min().unwrap_or(u64::MAX),
        max_start_ns: block.iter().map(|row| row.start().0).max().unwrap_or(0),
    }
}

/// Cuts rows that are sorted by trace id into blocks of about [`ROWS_PER_BLOCK`], between two traces where that is near, so
/// that most traces lie in one block; sooner where rows are very large.
fn cut_blocks<R: Columnar>(rows: &[&R]) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let (mut start, mut block_bytes) = (0, 0usize);
    for (row, record) in rows.iter().enumerate() {
        let length = row - start;
        let is_new_trace = row > 0 && rows[row - 1].trace_id() != record.trace_id();
        let is_full = length >= ROWS_PER_BLOCK && is_new_trace || length >= 2 * ROWS_PER_BLOCK;
        if is_full || length > 0 && block_bytes >= BYTES_PER_BLOCK {
            blocks.push(start..row);
            (start, block_bytes) = (row, 0);
        }
        block_bytes = block_bytes.saturating_add(record.bytes());
    }
    if start < rows.len() {
        blocks.push(start..rows.len());
    }
    blocks
}

/// The traces of rows, which come sorted by trace: how many rows, then the id, trace after trace.
fn trace_runs<R: Columnar>(rows: &[&R]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in rows.chunk_by(|a, b| a.trace_id() == b.trace_id()) {
        put_varint(&mut out, run.len() as u64);
        put_trace_id(&mut out, run[0].trace_id());
    }
    out
}

/// Which rows of a segment to read.
#[derive(Debug, Clone)]
pub struct WantedRows<'t, B> {
    /// The blocks to look at.
    pub blocks: B,
    /// Only the rows of this trace; `None` for all.
    pub trace: Option<&'t TraceId>,
}

/// The trace of each row of a block.
pub struct TraceRuns {
    /// Where each trace ends, and its id.
    runs: Vec<(usize, TraceId)>,
}

impl TraceRuns {
    /// Reads the traces of a block.
    ///
    /// # Errors
    /// The source fails, or the column is damaged or has another number of rows.
    pub fn read(block: &mut Block<'_, '_>) -> Result<TraceRuns> {
        let mut content = block.raw("trace")?;
        let mut runs = Vec::new();
        let mut end = 0;
        while content.remaining() > 0 {
            end += usize::try_from(content.varint_u32()?).unwrap_or(usize::MAX);
            runs.push((end, content.trace_id()?));
        }
        if end == block.summary.rows { Ok(TraceRuns { runs }) } else { Err(CodecError::MissingColumn) }
    }

    /// The trace of a row.
    ///
    /// # Errors
    /// There are fewer rows.
    pub fn id(&self, row: usize) -> Result<&TraceId> {
        let run = self.runs.partition_point(|(end, _)| *end <= row);
        self.runs.get(run).map(|(_, id)| id).ok_or(CodecError::Malformed("rows of a block"))
    }

    /// The rows of one trace, or all of them.
    pub fn rows_of(&self, only: Option<&TraceId>) -> Range<usize> {
        let Some(id) = only else { return 0..self.runs.last().map_or(0, |(end, _)| *end) };
        let run = self.runs.partition_point(|(_, known)| known < id);
        let start = run.checked_sub(1).and_then(|before| self.runs.get(before)).map_or(0, |(end, _)| *end);
        match self.runs.get(run) {
            Some((end, known)) if known == id => start..*end,
            _ => 0..0,
        }
    }
}

/// Which rows of a segment are of this trace.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn rows_of_trace(source: &mut dyn ColumnSource, index: &BlockIndex, id: &TraceId) -> Result<Range<usize>> {
    let mut columns = ColumnReader::new(source);
    let blocks = index.blocks_of(id);
    let mut before: usize = index.iter().take(blocks.start).map(|block| block.rows).sum();
    let mut rows: Option<Range<usize>> = None;
    for block in blocks {
        let mut block = columns.block(index, block)?;
        let found = TraceRuns::read(&mut block)?.rows_of(Some(id));
        if !found.is_empty() {
            let start = rows.map_or(before + found.start, |rows| rows.start);
            rows = Some(start..before + found.end);
        }
        before += block.summary.rows;
    }
    Ok(rows.unwrap_or_default())
}
