//! Columns being read: what [`writer`](super::writer) wrote, a block at a time and as little of it as is asked for.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::super::bytes::{Reader, envelope};
use super::super::error::{CodecError, Result};
use super::{CODED, ColumnSource, Numbers, PLAIN, SHARED_FRAME};
use crate::model::Text;

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
    /// The source fails, or the block is damaged or has another number of rows.
    pub fn numbers(&mut self, name: &str, block: usize, count: usize) -> Result<Numbers> {
        let mut reader = self.raw(name, block)?;
        if reader.remaining() == 0 {
            return Ok(Numbers::zeros(count));
        }
        let numbers = Numbers::read(&mut reader, count)?;
        reader.finish()?;
        Ok(numbers)
    }

    /// The strings or bytes of a block of `count` rows.
    ///
    /// # Errors
    /// The source fails or the block is damaged.
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
    /// The source fails or the block is damaged.
    pub fn raw(&mut self, name: &str, block: usize) -> Result<Reader> {
        self.frame(name, block + 1)
    }

    /// What all blocks of a column share.
    ///
    /// # Errors
    /// The source fails or the block is damaged.
    pub fn shared(&mut self, name: &str) -> Result<Reader> {
        self.frame(name, SHARED_FRAME)
    }

    fn frame(&mut self, name: &str, frame: usize) -> Result<Reader> {
        let frame = self.source.block(name, frame)?.unwrap_or_default();
        Ok(Reader::new(envelope::unframe(frame)?))
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
