//! The block index of a segment: how many rows each block has, which traces and which times.

use std::ops::Range;

use super::super::bytes::{Reader, envelope, put_signed, put_trace_id, put_varint};
use super::super::error::{CodecError, Result};
use crate::model::TraceId;

/// No block has more rows, so that a damaged count cannot make a reader reserve much.
pub const MAX_ROWS_PER_BLOCK: usize = 4096;

/// What the index says of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockSummary {
    /// How many rows the block has.
    pub rows: usize,
    /// The trace of the first row.
    pub first_trace: TraceId,
    /// The trace of the last row.
    pub last_trace: TraceId,
    /// The earliest start of a row, unix nanoseconds.
    pub min_start_ns: u64,
    /// The latest start of a row, unix nanoseconds.
    pub max_start_ns: u64,
}

/// The blocks of a segment, in the order of their rows, which are sorted by trace id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockIndex {
    blocks: Vec<BlockSummary>,
}

impl BlockIndex {
    /// Reads `Segment::blocks`.
    ///
    /// # Errors
    /// The bytes are no block index.
    pub fn decode(bytes: &[u8]) -> Result<BlockIndex> {
        let mut reader = Reader::new(envelope::unwrap(bytes)?);
        let blocks = reader.list(get_block)?;
        reader.finish()?;
        Ok(BlockIndex { blocks })
    }

    /// The blocks that may hold rows of a trace; empty when none can.
    pub fn blocks_of(&self, id: &TraceId) -> Range<usize> {
        let first = self.blocks.partition_point(|block| block.last_trace < *id);
        let last = self.blocks.partition_point(|block| block.first_trace <= *id);
        first..last.max(first)
    }

    /// How many blocks there are.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether the segment is empty.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// One block; `None` past the last.
    pub fn get(&self, block: usize) -> Option<&BlockSummary> {
        self.blocks.get(block)
    }

    /// All blocks.
    pub fn iter(&self) -> std::slice::Iter<'_, BlockSummary> {
        self.blocks.iter()
    }
}

/// Encodes an index.
pub fn encode(blocks: &[BlockSummary]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + blocks.len() * 64);
    put_varint(&mut out, blocks.len() as u64);
    for block in blocks {
        put_varint(&mut out, block.rows as u64);
        put_trace_id(&mut out, &block.first_trace);
        put_trace_id(&mut out, &block.last_trace);
        put_varint(&mut out, block.min_start_ns);
        put_signed(&mut out, block.max_start_ns.wrapping_sub(block.min_start_ns) as i64);
    }
    envelope::wrap(&out)
}

fn get_block(reader: &mut Reader) -> Result<BlockSummary> {
    let rows = reader.varint_u32()?;
    let (first_trace, last_trace, min_start_ns) = (reader.trace_id()?, reader.trace_id()?, reader.varint()?);
    let max_start_ns = min_start_ns.wrapping_add(reader.signed()? as u64);
    let rows = usize::try_from(rows).ok().filter(|rows| *rows <= MAX_ROWS_PER_BLOCK);
    let rows = rows.ok_or(CodecError::Malformed("rows of a block"))?;
    Ok(BlockSummary { rows, first_trace, last_trace, min_start_ns, max_start_ns })
}
