//! Columns being written, block by block, for any kind of record: numbers, strings, and bytes that mean something only to
//! their owner.
//!
//! Numbers are stored as byte planes ([`planes`](super::planes)). Strings are numbers into a dictionary the column's blocks share while
//! they repeat, and plain from the first block on where they do not. A block of nothing but zeros or empty strings is
//! an empty frame, a column of such blocks is not stored.

use rustc_hash::FxHashMap;

use super::super::bytes::{envelope, put_varint};
use super::{CODED, PLAIN, SHARED_FRAME, put_planes};

/// A dictionary grows to no more entries than this: reading one trace should not cost a long one.
const MAX_DICTIONARY_ENTRIES: usize = 8192;
/// A dictionary grows to no more bytes than this.
const MAX_DICTIONARY_BYTES: usize = 128 << 10;
/// Columns being written, block by block.
#[derive(Default)]
pub struct ColumnWriter<'a> {
    columns: Vec<Column<'a>>,
    places: FxHashMap<String, usize>,
    blocks: usize,
}

struct Column<'a> {
    name: String,
    dictionary: Dictionary<'a>,
    shared: Vec<u8>,
    frames: Vec<Vec<u8>>,
}

impl<'a> ColumnWriter<'a> {
    /// The numbers of this block's rows.
    pub fn numbers(&mut self, name: &str, numbers: &[u64]) {
        if numbers.iter().any(|number| *number != 0) {
            let mut content = Vec::with_capacity(1 + 8 * numbers.len());
            put_planes(&mut content, numbers);
            self.raw(name, &content);
        }
    }

    /// The strings of this block's rows, which may repeat from block to block.
    pub fn strings(&mut self, name: &str, strings: &[&'a [u8]]) {
        if strings.iter().all(|string| string.is_empty()) {
            return;
        }
        let codes = self.column(name).dictionary.codes(strings, strings.len());
        self.string_block(name, codes, || strings.to_vec());
    }

    /// The strings of this block's rows where rows share them: `entries`, and which of them each row has. Each is looked at
    /// once a block.
    pub fn shared_strings(&mut self, name: &str, entries: &[&'a [u8]], of_row: &[usize]) {
        let string = |entry: &usize| entries.get(*entry).copied().unwrap_or_default();
        if of_row.iter().all(|entry| string(entry).is_empty()) {
            return;
        }
        let (mut places, mut used) = (vec![None; entries.len()], Vec::new());
        let mut place = |entry: &usize| {
            let place = places.get_mut(*entry)?.get_or_insert_with(|| {
                used.push(string(entry));
                used.len() - 1
            });
            Some(*place)
        };
        let place_of_row: Vec<Option<usize>> = of_row.iter().map(&mut place).collect();
        let codes = self.column(name).dictionary.codes(&used, of_row.len());
        let code = |codes: &[u64], place: &Option<usize>| place.and_then(|place| codes.get(place)).copied();
        let codes = codes.map(|codes| place_of_row.iter().map(|place| code(&codes, place).unwrap_or(0)).collect());
        self.string_block(name, codes, || of_row.iter().map(string).collect());
    }

    /// A block of strings: their places in the dictionary, or where they have none the strings.
    fn string_block(&mut self, name: &str, codes: Option<Vec<u64>>, strings: impl FnOnce() -> Vec<&'a [u8]>) {
        let mut content = Vec::new();
        match codes {
            Some(codes) => {
                content.push(CODED);
                put_planes(&mut content, &codes);
            }
            None => {
                content.push(PLAIN);
                put_strings(&mut content, &strings());
            }
        }
        self.raw(name, &content);
    }

    /// Byte strings that hardly repeat: lengths, and all bytes one after the other.
    pub fn bytes(&mut self, name: &str, cells: &Cells) {
        if !cells.bytes.is_empty() {
            let mut content = Vec::with_capacity(16 + 2 * cells.lengths.len() + cells.bytes.len());
            content.push(PLAIN);
            put_planes(&mut content, &cells.lengths);
            content.extend_from_slice(&cells.bytes);
            self.raw(name, &content);
        }
    }

    /// Content this block's reader understands by itself.
    pub fn raw(&mut self, name: &str, content: &[u8]) {
        let blocks = self.blocks;
        let column = self.column(name);
        column.frames.resize(blocks, Vec::new());
        column.frames.push(envelope::frame(content));
    }

    /// What all blocks of a column share, in place of a dictionary.
    pub fn shared(&mut self, name: &str, content: Vec<u8>) {
        self.column(name).shared = content;
    }

    /// Ends the block; columns not written in it are zero or empty there.
    pub fn end_block(&mut self) {
        self.blocks += 1;
    }

    /// Name and stored bytes of each column that holds anything.
    pub fn finish(self) -> Vec<(String, Vec<u8>)> {
        let blocks = self.blocks;
        let store = |mut column: Column<'a>| {
            let shared = if column.shared.is_empty() { column.dictionary.encode() } else { column.shared };
            column.frames.resize(blocks, Vec::new());
            column.frames.insert(SHARED_FRAME, envelope::frame(&shared));
            (column.name, join(&column.frames))
        };
        self.columns.into_iter().map(store).collect()
    }

    fn column(&mut self, name: &str) -> &mut Column<'a> {
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => {
                let (dictionary, shared, frames) = (Dictionary::default(), Vec::new(), Vec::new());
                self.columns.push(Column { name: name.to_owned(), dictionary, shared, frames });
                self.places.insert(name.to_owned(), self.columns.len() - 1);
                self.columns.len() - 1
            }
        };
        &mut self.columns[place]
    }
}

/// Byte strings collected for [`ColumnWriter::bytes`].
#[derive(Debug, Default)]
pub struct Cells {
    lengths: Vec<u64>,
    bytes: Vec<u8>,
}

impl Cells {
    /// Cells that are there already.
    pub fn new(cells: &[&[u8]]) -> Cells {
        Cells { lengths: cells.iter().map(|cell| cell.len() as u64).collect(), bytes: cells.concat() }
    }

    /// Adds what `put` appends as one cell.
    pub fn push(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        let before = self.bytes.len();
        put(&mut self.bytes);
        self.lengths.push((self.bytes.len() - before) as u64);
    }
}

/// The distinct strings of a column so far.
#[derive(Default)]
struct Dictionary<'a> {
    codes: FxHashMap<&'a [u8], u32>,
    entries: Vec<&'a [u8]>,
    bytes: usize,
    closed: bool,
}

impl<'a> Dictionary<'a> {
    /// Places of the strings of a block of so many rows; `None` when too many of them are new, which ends the dictionary
    /// for later blocks too.
    fn codes(&mut self, strings: &[&'a [u8]], rows: usize) -> Option<Vec<u64>> {
        if self.closed {
            return None;
        }
        let before = self.entries.len();
        let most = (before + rows / 2 + 4).min(MAX_DICTIONARY_ENTRIES);
        let mut codes = Vec::with_capacity(strings.len());
        for string in strings {
            let code = *self.codes.entry(string).or_insert_with(|| {
                self.entries.push(string);
                self.bytes += string.len();
                (self.entries.len() - 1) as u32
            });
            codes.push(u64::from(code));
            if self.entries.len() > most || self.bytes > MAX_DICTIONARY_BYTES {
                self.entries.truncate(before);
                self.closed = true;
                return None;
            }
        }
        Some(codes)
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.entries.is_empty() {
            put_varint(&mut out, self.entries.len() as u64);
            put_strings(&mut out, &self.entries);
        }
        out
    }
}

fn put_strings(out: &mut Vec<u8>, strings: &[&[u8]]) {
    let lengths: Vec<u64> = strings.iter().map(|string| string.len() as u64).collect();
    put_planes(out, &lengths);
    strings.iter().for_each(|string| out.extend_from_slice(string));
}

fn join(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut offset = 4 * (frames.len() + 1);
    let mut out = Vec::with_capacity(offset + frames.iter().map(Vec::len).sum::<usize>());
    let mut put = |offset: usize| {
        let offset = u32::try_from(offset).expect("a column is far below 4 GiB");
        out.extend_from_slice(&offset.to_le_bytes());
    };
    put(offset);
    for frame in frames {
        offset += frame.len();
        put(offset);
    }
    frames.iter().for_each(|frame| out.extend_from_slice(frame));
    out
}
