//! Sealed segments: records sorted by trace, cut into blocks, each block of each column compressed on its own.
//!
//! A stored column is a header of little-endian 32-bit offsets, one more than there are frames, and the frames. The
//! first frame holds what all blocks of the column share and may be empty; frame `i + 1` belongs to block `i`.

use std::ops::Range;

use super::super::error::Result;

/// Place of the frame all blocks of a column share.
pub const SHARED_FRAME: usize = 0;

/// First byte of a block of strings that holds the strings.
pub const PLAIN: u8 = 0;
/// First byte of a block of strings that holds their places in the dictionary.
pub const CODED: u8 = 1;
/// First byte of a block of strings that holds them as templates and what varies in them.
pub const TEMPLATES: u8 = 2;

/// Records sealed into columns, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// How many rows the segment has.
    pub rows: u32,
    /// The block index; [`BlockIndex::decode`](super::index::BlockIndex::decode) reads it.
    pub blocks: Vec<u8>,
    /// Name and bytes of each column; [`block_range`] finds the frames in the bytes.
    pub columns: Vec<(String, Vec<u8>)>,
    /// Which traces the segment may hold; [`may_contain`](super::filter::may_contain) asks it.
    pub trace_filter: Vec<u8>,
    /// The services of the rows, sorted.
    pub services: Vec<String>,
    /// The earliest start of a row, unix nanoseconds; `u64::MAX` without rows.
    pub min_start_ns: u64,
    /// The latest start of a row, unix nanoseconds; 0 without rows.
    pub max_start_ns: u64,
}

/// Where the columns of one segment come from.
pub trait ColumnSource {
    /// Frame number `block` of a column, as [`block_range`] cuts it; `None` when the segment has no such column. The
    /// frame that all blocks share is asked for by its number, like the others.
    ///
    /// # Errors
    /// The column cannot be read.
    fn block(&mut self, column: &str, block: usize) -> Result<Option<Vec<u8>>>;
}

/// How many bytes at the front of a stored column [`block_range`] needs in a segment of so many blocks.
pub fn column_header_bytes(blocks: usize) -> usize {
    4 * (blocks + 2)
}

/// Where frame number `block` lies in a stored column; `None` when it has no such frame or the header is damaged.
/// `column_header` is at least the first [`column_header_bytes`] of the column.
pub fn block_range(column_header: &[u8], block: usize) -> Option<Range<usize>> {
    let offset = |place: usize| {
        let bytes = column_header.get(place.checked_mul(4)?..)?.first_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    };
    let header = offset(0)?;
    let range = offset(block)?..offset(block.checked_add(1)?)?;
    let inside_header = block.checked_add(2)?.checked_mul(4)? <= header;
    (inside_header && header <= range.start && range.start <= range.end).then_some(range)
}
