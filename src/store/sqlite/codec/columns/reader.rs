//! Columns being read: what [`writer`](super::writer) wrote, a block at a time and as little of it as is asked for.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::super::bytes::{Buffer, Reader, envelope, unzigzag};
use super::super::error::{CodecError, Result};
use super::{BlockIndex, BlockSummary, CODED, ColumnSource, Numbers, PLAIN, SHARED_FRAME, TEMPLATES, TemplateStrings};
use crate::model::{Nanos, Text};

/// Columns of one segment being read.
pub struct ColumnReader<'s> {
    source: &'s mut dyn ColumnSource,
    dictionaries: FxHashMap<String, Rc<SharedStrings>>,
    /// What the content may still take beyond what is usual for so many stored bytes.
    left_bytes: usize,
}

/// Records hardly ever shrink by more than this; what claims to is held against [`envelope::MAX_CONTENT_BYTES`] for the
/// whole segment, so that a small file cannot fill the memory.
const USUAL_RATIO: usize = 64;

impl<'s> ColumnReader<'s> {
    /// A reader of the columns in `source`.
    pub fn new(source: &'s mut dyn ColumnSource) -> ColumnReader<'s> {
        ColumnReader { source, dictionaries: FxHashMap::default(), left_bytes: envelope::MAX_CONTENT_BYTES }
    }

    /// A block of the segment, which must be in its index.
    ///
    /// # Errors
    /// There is no such block.
    pub fn block<'c>(&'c mut self, index: &'c BlockIndex, number: usize) -> Result<Block<'c, 's>> {
        let summary = index.get(number).ok_or(CodecError::Malformed("no such block"))?;
        Ok(Block { columns: self, number, summary })
    }

    fn dictionary(&mut self, name: &str) -> Result<Rc<SharedStrings>> {
        if let Some(known) = self.dictionaries.get(name) {
            return Ok(known.clone());
        }
        let dictionary = Rc::new(SharedStrings::read(self.shared(name)?)?);
        self.dictionaries.insert(name.to_owned(), dictionary.clone());
        Ok(dictionary)
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
        self.charge(envelope::frame_content_bytes(&frame), frame.len())?;
        Ok(Reader::new(envelope::unframe(frame)?))
    }

    /// Takes what so many stored bytes become, beyond what is usual, off what may still be read.
    fn charge(&mut self, content_bytes: usize, stored_bytes: usize) -> Result<()> {
        let beyond = content_bytes.saturating_sub(stored_bytes.saturating_mul(USUAL_RATIO));
        let left = self.left_bytes.checked_sub(beyond);
        self.left_bytes = left.ok_or(CodecError::Malformed("more content than a segment can have"))?;
        Ok(())
    }
}

/// One block of a segment being read.
pub struct Block<'c, 's> {
    columns: &'c mut ColumnReader<'s>,
    /// The place of the block in the segment.
    pub number: usize,
    /// What the index says of the block.
    pub summary: &'c BlockSummary,
}

impl Block<'_, '_> {
    /// A number for each row.
    ///
    /// # Errors
    /// The source fails, or the column is damaged or has another number of rows.
    pub fn numbers(&mut self, name: &str) -> Result<Numbers> {
        self.some_numbers(name, self.summary.rows)
    }

    /// The numbers of a column that only `count` of the rows have.
    ///
    /// # Errors
    /// The source fails, or the column is damaged or has another number of rows.
    pub fn some_numbers(&mut self, name: &str, count: usize) -> Result<Numbers> {
        let mut reader = self.raw(name)?;
        if reader.remaining() == 0 {
            return Ok(Numbers::zeros(count));
        }
        let numbers = Numbers::read(&mut reader, count)?;
        reader.finish()?;
        Ok(numbers)
    }

    /// The times of the first `rows` rows, as [`ColumnWriter::times`](super::ColumnWriter::times) wrote them.
    ///
    /// # Errors
    /// The source fails, or the column is damaged or has fewer rows.
    pub fn times(&mut self, name: &str, rows: usize) -> Result<Vec<Nanos>> {
        let differences = self.numbers(name)?;
        let mut time = self.summary.min_start_ns;
        let mut next = |row| {
            time = time.wrapping_add(unzigzag(differences.get(row)?) as u64);
            Ok(Nanos(time))
        };
        (0..rows).map(&mut next).collect()
    }

    /// A string or bytes for each row.
    ///
    /// # Errors
    /// The source fails or the column is damaged.
    pub fn strings(&mut self, name: &str) -> Result<Strings> {
        self.some_strings(name, self.summary.rows)
    }

    /// The strings or bytes of a column that only `count` of the rows have.
    ///
    /// # Errors
    /// The source fails or the column is damaged.
    pub fn some_strings(&mut self, name: &str, count: usize) -> Result<Strings> {
        let mut reader = self.raw(name)?;
        if reader.remaining() == 0 {
            return Ok(Strings::Empty { count });
        }
        match reader.byte()? {
            PLAIN => PlainStrings::read(&mut reader, count).map(Strings::Plain),
            CODED => {
                let codes = Numbers::read(&mut reader, count)?;
                reader.finish()?;
                Ok(Strings::Coded { codes, dictionary: self.columns.dictionary(name)? })
            }
            TEMPLATES => {
                let stored_bytes = reader.remaining();
                let strings = TemplateStrings::read(&mut reader, count)?;
                self.columns.charge(strings.most_bytes, stored_bytes)?;
                Ok(Strings::Templates(strings))
            }
            _ => Err(CodecError::Malformed("unknown string encoding")),
        }
    }

    /// The content of a column, nothing when the column is not stored for this block.
    ///
    /// # Errors
    /// The source fails or the column is damaged.
    pub fn raw(&mut self, name: &str) -> Result<Reader> {
        self.columns.frame(name, self.number + 1)
    }
}

/// Where empty strings lie.
static NOTHING: Bytes = Bytes::new();

/// Strings or bytes of a block.
pub enum Strings {
    /// All empty.
    Empty {
        /// How many.
        count: usize,
    },
    /// One after the other.
    Plain(PlainStrings),
    /// Templates and what varies in them.
    Templates(TemplateStrings),
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
        if let Strings::Templates(strings) = self {
            return strings.bytes(row);
        }
        let (bytes, range) = self.find(row)?;
        Ok(bytes.slice(range))
    }

    /// The bytes of a row, where they lie.
    ///
    /// # Errors
    /// There are fewer rows, or it stands for no entry of the dictionary.
    pub fn slice(&self, row: usize) -> Result<&[u8]> {
        let (bytes, range) = self.find(row)?;
        bytes.get(range).ok_or(CodecError::Truncated)
    }

    fn find(&self, row: usize) -> Result<(&Bytes, Range<usize>)> {
        match self {
            Strings::Empty { count } if row < *count => Ok((&NOTHING, 0..0)),
            Strings::Empty { .. } => Err(CodecError::Malformed("rows of a block")),
            Strings::Plain(strings) => strings.find(row),
            Strings::Templates(strings) => strings.find(row),
            Strings::Coded { codes, dictionary } => dictionary.strings.find(codes.place(row)?),
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
    /// There are fewer rows, the row stands for no entry of the dictionary, or its bytes are not UTF-8.
    pub fn text(&self, row: usize) -> Result<Text> {
        match self {
            Strings::Coded { codes, dictionary } => dictionary.text(codes.place(row)?),
            other => Bytes::text(other.bytes(row)?),
        }
    }

    /// A reader of the bytes of a row.
    ///
    /// # Errors
    /// There are fewer rows, or it stands for no entry of the dictionary.
    pub fn reader(&self, row: usize) -> Result<Reader> {
        self.bytes(row).map(Reader::new)
    }
}

/// Strings one after the other.
#[derive(Debug, Default)]
pub struct PlainStrings {
    bytes: Bytes,
    ends: Vec<usize>,
}

impl PlainStrings {
    fn read(reader: &mut Reader, count: usize) -> Result<PlainStrings> {
        let lengths = Numbers::read(reader, count)?;
        let bytes = reader.take(reader.remaining())?;
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

    fn find(&self, row: usize) -> Result<(&Bytes, Range<usize>)> {
        let end = *self.ends.get(row).ok_or(CodecError::Malformed("rows of a block"))?;
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        Ok((&self.bytes, start..end))
    }
}

/// A dictionary as it is read: entries become texts when first asked for.
#[derive(Debug, Default)]
pub struct SharedStrings {
    strings: PlainStrings,
    texts: RefCell<Vec<Option<Text>>>,
}

impl SharedStrings {
    fn read(mut reader: Reader) -> Result<SharedStrings> {
        if reader.remaining() == 0 {
            return Ok(SharedStrings::default());
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
        let (bytes, range) = self.strings.find(place)?;
        let text = Bytes::text(bytes.slice(range))?;
        *known = Some(text.clone());
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same frame for every column and block.
    struct Same(Vec<u8>);

    impl ColumnSource for Same {
        fn block(&mut self, _: &str, _: usize) -> Result<Option<Vec<u8>>> {
            Ok(Some(self.0.clone()))
        }
    }

    #[test]
    fn what_claims_to_shrink_more_than_records_do_has_a_bound_for_the_whole_segment() {
        let read = |content: &[u8], times: usize| {
            let mut source = Same(envelope::frame(content));
            let mut reader = ColumnReader::new(&mut source);
            (0..times).map(|_| reader.shared("c").map(drop)).take_while(Result::is_ok).count()
        };
        let of_zeros = read(&vec![0; 40 << 20], 20);
        assert_eq!(of_zeros, 6, "as many times 40 MiB as 256 MiB hold");
        let usual: Vec<u8> =
            (0..1_u32 << 20).flat_map(|number| number.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect();
        assert_eq!(read(&usual, 100), 100, "400 MiB that hardly shrink");
    }

    #[test]
    fn the_length_of_a_frame_is_read_without_its_content() {
        for length in [0, 1, 31, 127, 128, 70_000] {
            assert_eq!(envelope::frame_content_bytes(&envelope::frame(&vec![7; length])), length);
        }
        assert_eq!(envelope::frame_content_bytes(&[0, 0, 0, 0, 0xff]), 0x3f);
    }
}
