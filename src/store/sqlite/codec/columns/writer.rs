//! Named columns in blocks, for any kind of record: numbers, strings, and bytes that mean something only to their
//! owner.
//!
//! Numbers are stored as byte planes (all lowest bytes, then all second bytes, ...): as wide as the largest number
//! needs, readable at any row, and kind to zstd. Strings are numbers into a dictionary the column's blocks share while
//! they repeat, and plain from the first block on where they do not. A block of nothing but zeros or empty strings is
//! an empty frame, a column of such blocks is not stored.

use std::{cell::RefCell, ops::Range, rc::Rc};

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::layout::{ColumnSource, SHARED_FRAME};
use crate::{
    model::Text,
    store::sqlite::codec::{
        bytes::{
            envelope,
            numbers::{Reader, put_varint},
        },
        error::{CodecError, Result},
    },
};

/// A dictionary grows no further than this: reading one trace should not cost a long one.
const MAX_DICTIONARY_ENTRIES: usize = 8192;
/// The same in bytes.
const MAX_DICTIONARY_BYTES: usize = 128 << 10;
/// A string block that starts with this byte holds its strings, one with [`CODED`] places in the dictionary.
const PLAIN: u8 = 0;
const CODED: u8 = 1;

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

    /// The same of strings that rows share: `entries`, and which of them each row has. Each is looked at once a block.
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
    /// These cells.
    pub fn of(cells: &[&[u8]]) -> Cells {
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

/// Appends numbers as byte planes: one byte for how many planes, then the planes, lowest bytes first.
pub fn put_planes(out: &mut Vec<u8>, numbers: &[u64]) {
    let width = 8 - numbers.iter().fold(0, |all, number| all | number).leading_zeros() / 8;
    out.push(width as u8);
    for plane in 0..width {
        out.extend(numbers.iter().map(|number| (number >> (8 * plane)) as u8));
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

/// Columns of one segment being read.
pub struct ColumnReader<'s> {
    source: &'s mut dyn ColumnSource,
    dictionaries: FxHashMap<String, Rc<SharedStrings>>,
}

impl<'s> ColumnReader<'s> {
    /// A reader of the columns in `source`.
    pub fn new(source: &'s mut dyn ColumnSource) -> ColumnReader<'s> {
        ColumnReader { source, dictionaries: FxHashMap::default() }
    }

    /// The numbers of a block of `count` rows.
    ///
    /// # Errors
    /// The source fails, or the block is damaged or has another number of rows; so for all readers below.
    pub fn numbers(&mut self, name: &str, block: usize, count: usize) -> Result<Numbers> {
        let mut reader = self.raw(name, block)?;
        if reader.remaining() == 0 {
            return Ok(Numbers { planes: Bytes::new(), width: 0, count });
        }
        let numbers = Numbers::read(&mut reader, count)?;
        reader.finish()?;
        Ok(numbers)
    }

    /// The strings or bytes of a block of `count` rows.
    ///
    /// # Errors
    /// As above.
    pub fn strings(&mut self, name: &str, block: usize, count: usize) -> Result<Strings> {
        let mut reader = self.raw(name, block)?;
        if reader.remaining() == 0 {
            return Ok(Strings::Empty { count });
        }
        match reader.byte()? {
            PLAIN => PlainStrings::read(&mut reader, count).map(Strings::Plain),
            CODED => {
                let codes = Numbers::read(&mut reader, count)?;
                reader.finish()?;
                Ok(Strings::Coded { codes, dictionary: self.dictionary(name)? })
            }
            _ => Err(CodecError::Malformed("unknown string encoding")),
        }
    }

    fn dictionary(&mut self, name: &str) -> Result<Rc<SharedStrings>> {
        if let Some(known) = self.dictionaries.get(name) {
            return Ok(known.clone());
        }
        let dictionary = Rc::new(SharedStrings::read(self.shared(name)?)?);
        self.dictionaries.insert(name.to_owned(), dictionary.clone());
        Ok(dictionary)
    }

    /// Content of a block, nothing when it or the whole column is not stored.
    ///
    /// # Errors
    /// As above.
    pub fn raw(&mut self, name: &str, block: usize) -> Result<Reader> {
        self.frame(name, block + 1)
    }

    /// What all blocks of a column share.
    ///
    /// # Errors
    /// As above.
    pub fn shared(&mut self, name: &str) -> Result<Reader> {
        self.frame(name, SHARED_FRAME)
    }

    fn frame(&mut self, name: &str, frame: usize) -> Result<Reader> {
        let frame = self.source.block(name, frame)?.unwrap_or_default();
        Ok(Reader::new(envelope::unframe(frame)?))
    }
}

/// Numbers of a block.
#[derive(Debug, Clone)]
pub struct Numbers {
    planes: Bytes,
    width: usize,
    count: usize,
}

impl Numbers {
    /// Reads what [`put_planes`] wrote.
    ///
    /// # Errors
    /// There are fewer than `count` numbers.
    pub fn read(reader: &mut Reader, count: usize) -> Result<Numbers> {
        let width = usize::from(reader.byte()?);
        if width > 8 {
            return Err(CodecError::Malformed("number over 64 bits"));
        }
        let planes = reader.slice(width.checked_mul(count).ok_or(CodecError::Truncated)?)?;
        Ok(Numbers { planes, width, count })
    }

    /// The number of a row.
    ///
    /// # Errors
    /// There are fewer rows.
    pub fn get(&self, row: usize) -> Result<u64> {
        if row >= self.count {
            return Err(CodecError::Malformed("rows of a block"));
        }
        let mut number = 0;
        for plane in (0..self.width).rev() {
            let byte = self.planes.get(plane * self.count + row).ok_or(CodecError::Truncated)?;
            number = number << 8 | u64::from(*byte);
        }
        Ok(number)
    }

    /// The same as a place in something.
    ///
    /// # Errors
    /// As [`Numbers::get`].
    pub fn place(&self, row: usize) -> Result<usize> {
        usize::try_from(self.get(row)?).map_err(|_| CodecError::Malformed("number over 64 bits"))
    }
}

/// Strings or bytes of a block.
pub enum Strings {
    /// All empty.
    Empty {
        /// How many.
        count: usize,
    },
    /// One after the other.
    Plain(PlainStrings),
    /// Places in the dictionary of the column.
    Coded {
        /// The places.
        codes: Numbers,
        /// The dictionary.
        dictionary: Rc<SharedStrings>,
    },
}

impl Strings {
    /// The bytes of a row.
    ///
    /// # Errors
    /// There are fewer rows, or it stands for no entry of the dictionary.
    pub fn bytes(&self, row: usize) -> Result<Bytes> {
        match self {
            Strings::Empty { count } if row < *count => Ok(Bytes::new()),
            Strings::Empty { .. } => Err(CodecError::Malformed("rows of a block")),
            Strings::Plain(strings) => strings.get(row),
            Strings::Coded { codes, dictionary } => dictionary.strings.get(codes.place(row)?),
        }
    }

    /// The bytes of a row, where they lie.
    ///
    /// # Errors
    /// As [`Strings::bytes`].
    pub fn slice(&self, row: usize) -> Result<&[u8]> {
        match self {
            Strings::Empty { count } if row < *count => Ok(&[]),
            Strings::Empty { .. } => Err(CodecError::Malformed("rows of a block")),
            Strings::Plain(strings) => strings.slice(row),
            Strings::Coded { codes, dictionary } => dictionary.strings.slice(codes.place(row)?),
        }
    }

    /// The place of a row in the dictionary, equal for equal strings in all blocks of the column; `None` when the block
    /// has no dictionary.
    ///
    /// # Errors
    /// There are fewer rows.
    pub fn code(&self, row: usize) -> Result<Option<usize>> {
        match self {
            Strings::Coded { codes, .. } => codes.place(row).map(Some),
            _ => Ok(None),
        }
    }

    /// The text of a row.
    ///
    /// # Errors
    /// As [`Strings::bytes`], or it is not UTF-8.
    pub fn text(&self, row: usize) -> Result<Text> {
        match self {
            Strings::Coded { codes, dictionary } => dictionary.text(codes.place(row)?),
            other => to_text(other.bytes(row)?),
        }
    }

    /// A reader of the bytes of a row.
    ///
    /// # Errors
    /// As [`Strings::bytes`].
    pub fn reader(&self, row: usize) -> Result<Reader> {
        self.bytes(row).map(Reader::new)
    }
}

/// Strings one after the other.
#[derive(Debug)]
pub struct PlainStrings {
    bytes: Bytes,
    ends: Vec<usize>,
}

impl PlainStrings {
    fn read(reader: &mut Reader, count: usize) -> Result<PlainStrings> {
        let lengths = Numbers::read(reader, count)?;
        let bytes = reader.slice(reader.remaining())?;
        let mut end = 0usize;
        let mut ends = Vec::with_capacity(count);
        for row in 0..count {
            end = end.saturating_add(lengths.place(row)?);
            ends.push(end);
        }
        if end != bytes.len() {
            return Err(CodecError::Truncated);
        }
        Ok(PlainStrings { bytes, ends })
    }

    fn get(&self, row: usize) -> Result<Bytes> {
        self.range(row).map(|range| self.bytes.slice(range))
    }

    fn slice(&self, row: usize) -> Result<&[u8]> {
        let range = self.range(row)?;
        self.bytes.get(range).ok_or(CodecError::Truncated)
    }

    fn range(&self, row: usize) -> Result<Range<usize>> {
        let end = *self.ends.get(row).ok_or(CodecError::Malformed("rows of a block"))?;
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        Ok(start..end)
    }
}

/// A dictionary as it is read: entries become texts when first asked for.
#[derive(Debug)]
pub struct SharedStrings {
    strings: PlainStrings,
    texts: RefCell<Vec<Option<Text>>>,
}

impl SharedStrings {
    fn read(mut reader: Reader) -> Result<SharedStrings> {
        if reader.remaining() == 0 {
            let strings = PlainStrings { bytes: Bytes::new(), ends: Vec::new() };
            return Ok(SharedStrings { strings, texts: RefCell::default() });
        }
        // At most one entry is empty, so there is at least a byte for each of the others.
        let count = reader.count()?;
        let strings = PlainStrings::read(&mut reader, count)?;
        Ok(SharedStrings { strings, texts: RefCell::new(vec![None; count]) })
    }

    fn text(&self, place: usize) -> Result<Text> {
        let mut texts = self.texts.borrow_mut();
        let known = texts.get_mut(place).ok_or(CodecError::Malformed("no such dictionary entry"))?;
        if let Some(text) = known {
            return Ok(text.clone());
        }
        let text = to_text(self.strings.get(place)?)?;
        *known = Some(text.clone());
        Ok(text)
    }
}

fn to_text(bytes: Bytes) -> Result<Text> {
    Text::from_utf8(bytes).ok_or(CodecError::Malformed("text is not UTF-8"))
}
