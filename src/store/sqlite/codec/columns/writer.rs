//! Columns being written, block by block, for any kind of record: numbers, strings, and bytes that mean something only to
//! their owner.
//!
//! Numbers are stored as byte planes ([`planes`](super::planes)). Strings are numbers into a dictionary the column's blocks share while
//! they repeat, and from the first block on where they do not as templates ([`templates`](super::templates)) or plain. A block of nothing but zeros or empty strings is
//! an empty frame, a column of such blocks is not stored.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::super::bytes::{envelope, put_varint, zigzag};
use super::{CODED, Distinct, PLAIN, SHARED_FRAME, TEMPLATES, decimals, put_planes, put_templates};

/// A dictionary grows to no more entries than this: reading one trace should not cost a long one.
const MAX_DICTIONARY_ENTRIES: usize = 8192;
/// A dictionary grows to no more bytes than this.
const MAX_DICTIONARY_BYTES: usize = 128 << 10;

/// Columns being written, block by block.
#[derive(Default)]
pub struct ColumnWriter<'a> {
    columns: IndexMap<String, Column<'a>, FxBuildHasher>,
    blocks: usize,
}

#[derive(Default)]
struct Column<'a> {
    dictionary: Dictionary<'a>,
    shared: Vec<u8>,
    frames: Vec<Vec<u8>>,
    /// Whether a block showed that its strings have no few templates in common.
    has_no_templates: bool,
}

impl<'a> ColumnWriter<'a> {
    /// The numbers of this block's rows.
    pub fn numbers(&mut self, name: &str, numbers: impl IntoIterator<Item = u64>) {
        let numbers: Vec<u64> = numbers.into_iter().collect();
        if numbers.iter().any(|number| *number != 0) {
            self.push_frame(name, frame_of(&[], &numbers));
        }
    }

    /// The doubles of this block's rows, as bits.
    pub fn doubles(&mut self, name: &str, doubles: Vec<u64>) {
        let as_decimals = decimals(&doubles).filter(|_| doubles.iter().any(|double| *double != 0));
        match as_decimals {
            Some((first, integers)) => self.push_frame(name, frame_of(&[first], &integers)),
            None => self.numbers(name, doubles),
        }
    }

    /// The times of this block's rows, unix nanoseconds: how far each is from the one before it, the first from
    /// `earliest_ns`.
    pub fn times(&mut self, name: &str, earliest_ns: u64, times_ns: impl Iterator<Item = u64>) {
        let mut previous = earliest_ns;
        let difference = |time: u64| zigzag(time.wrapping_sub(std::mem::replace(&mut previous, time)) as i64);
        self.numbers(name, times_ns.map(difference));
    }

    /// The strings of this block's rows, which may repeat from block to block.
    pub fn strings(&mut self, name: &str, strings: impl IntoIterator<Item = &'a [u8]>) {
        let strings: Vec<&[u8]> = strings.into_iter().collect();
        if strings.iter().all(|string| string.is_empty()) {
            return;
        }
        let codes = self.column(name).dictionary.codes(&strings, strings.len());
        self.string_block(name, codes, || strings);
    }

    /// The strings of this block's rows where rows share them: `entries`, and which of them each row has. Each is looked at
    /// once a block.
    pub fn shared_strings(
        &mut self,
        name: &str,
        entries: &'a Distinct<impl AsRef<[u8]>>,
        of_row: impl Iterator<Item = usize>,
    ) {
        let of_row: Vec<usize> = of_row.collect();
        let string = |entry: &usize| entries.get_index(*entry).map(AsRef::as_ref).unwrap_or_default();
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
        let Some(codes) = codes else { return self.bytes(name, &strings()) };
        let mut content = vec![CODED];
        put_planes(&mut content, &codes);
        self.raw(name, &content);
    }

    /// Byte strings that hardly repeat: as templates, or else lengths, and all bytes one after the other.
    pub fn bytes(&mut self, name: &str, strings: &[impl AsRef<[u8]>]) {
        if strings.iter().any(|string| !string.as_ref().is_empty()) {
            let mut content = vec![TEMPLATES];
            let column = self.column(name);
            column.has_no_templates = column.has_no_templates || !put_templates(&mut content, strings);
            if !column.has_no_templates {
                return self.raw(name, &content);
            }
            content = vec![PLAIN];
            put_strings(&mut content, strings);
            self.raw(name, &content);
        }
    }

    /// Content this block's reader understands by itself.
    pub fn raw(&mut self, name: &str, content: &[u8]) {
        self.push_frame(name, envelope::frame(content));
    }

    fn push_frame(&mut self, name: &str, frame: Vec<u8>) {
        let blocks = self.blocks;
        let column = self.column(name);
        column.frames.resize(blocks, Vec::new());
        column.frames.push(frame);
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
        let store = |(name, mut column): (String, Column<'a>)| {
            let shared = if column.shared.is_empty() { column.dictionary.encode() } else { column.shared };
            column.frames.resize(blocks, Vec::new());
            column.frames.insert(SHARED_FRAME, envelope::frame(&shared));
            (name, join(&column.frames))
        };
        self.columns.into_iter().map(store).collect()
    }

    fn column(&mut self, name: &str) -> &mut Column<'a> {
        if !self.columns.contains_key(name) {
            self.columns.insert(name.to_owned(), Column::default());
        }
        &mut self.columns[name]
    }
}

/// The distinct strings of a column so far.
#[derive(Default)]
struct Dictionary<'a> {
    entries: Distinct<&'a [u8]>,
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
            let (code, is_new) = self.entries.insert_full(string);
            self.bytes += if is_new { string.len() } else { 0 };
            codes.push(code as u64);
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
            put_strings(&mut out, &self.entries.iter().collect::<Vec<_>>());
        }
        out
    }
}

/// The frame of numbers behind some bytes.
fn frame_of(before: &[u8], numbers: &[u64]) -> Vec<u8> {
    let mut content = Vec::with_capacity(before.len() + 1 + 8 * numbers.len());
    content.extend_from_slice(before);
    put_planes(&mut content, numbers);
    envelope::frame(&content)
}

fn put_strings(out: &mut Vec<u8>, strings: &[impl AsRef<[u8]>]) {
    let lengths: Vec<u64> = strings.iter().map(|string| string.as_ref().len() as u64).collect();
    put_planes(out, &lengths);
    out.reserve(lengths.iter().sum::<u64>() as usize);
    strings.iter().for_each(|string| out.extend_from_slice(string.as_ref()));
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
