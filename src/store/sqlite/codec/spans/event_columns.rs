//! Events of spans as columns: what programs repeat in a dictionary, the times as numbers, the texts beside each other.
//!
//! An exception is three texts under the same three keys each time. Its shape (names, keys, types and what is no text)
//! stands once in a dictionary, and its texts are a column like any other, where numbers and ids in stack traces are
//! stored as such.

use std::ops::Range;

use bytes::Bytes;
use rustc_hash::FxBuildHasher;

use super::super::bytes::{Slice, Type, get_value, put_bytes, put_varint, skip_body, to_str, unzigzag};
use super::super::columns::{Block, ColumnWriter, Distinct, Known, Numbers, Strings};
use super::super::error::{CodecError, Result};
use crate::model::{Attributes, Event, Keys, Nanos, Value};

const SHAPES: &str = "event.shape";
const TIMES: &str = "event.time";
const TEXTS: &str = "event.text";
/// The column of whole events in segments of earlier versions.
pub const WHOLE: &str = "events";
/// The tag of a text that stands in the column of texts; types have smaller ones.
const TEXT_ELSEWHERE: u8 = u8::MAX;
/// More events or texts than any block holds; a damaged shape must not make a reader reserve more.
const MOST_IN_BLOCK: usize = 1 << 24;

/// The events of the rows of a segment, taken apart.
pub struct EventParts<'a> {
    shapes: Distinct<Vec<u8>>,
    rows: Vec<RowParts>,
    /// As they lie in the inbox: zigzag, from the start of the span.
    times: Vec<u64>,
    texts: Vec<&'a [u8]>,
}

/// The shape of a row, and where its times and texts end.
struct RowParts {
    shape: usize,
    times: usize,
    texts: usize,
}

impl<'a> EventParts<'a> {
    /// Takes apart the events of each row, as [`put_events`](super::span_rows::put_events) wrote them; nothing for none.
    ///
    /// # Errors
    /// The bytes are no events.
    pub fn new(rows: impl Iterator<Item = &'a [u8]>) -> Result<EventParts<'a>> {
        let shapes = Distinct::with_hasher(FxBuildHasher);
        let mut parts = EventParts { shapes, rows: Vec::new(), times: Vec::new(), texts: Vec::new() };
        let none = parts.shapes.insert_full(Vec::new()).0;
        for events in rows {
            let shape = if events.is_empty() { none } else { parts.add(events)? };
            parts.rows.push(RowParts { shape, times: parts.times.len(), texts: parts.texts.len() });
        }
        Ok(parts)
    }

    fn add(&mut self, events: &'a [u8]) -> Result<usize> {
        let (times_before, texts_before) = (self.times.len(), self.texts.len());
        let (mut slice, mut shape) = (Slice::new(events), Vec::new());
        for _ in 0..slice.count()? {
            self.times.push(slice.varint()?);
            put_bytes(&mut shape, slice.bytes()?);
            let attributes = slice.count()?;
            put_varint(&mut shape, attributes as u64);
            for _ in 0..attributes {
                put_bytes(&mut shape, slice.bytes()?);
                let tag = slice.byte()?;
                match Type::from_tag(tag)? {
                    Type::String => {
                        shape.push(TEXT_ELSEWHERE);
                        self.texts.push(slice.bytes()?);
                    }
                    kind => {
                        shape.push(tag);
                        shape.extend_from_slice(slice.part(|slice| skip_body(slice, kind))?);
                    }
                }
            }
            put_varint(&mut shape, u64::from(slice.varint_u32()?));
        }
        slice.finish()?;
        let mut whole = Vec::with_capacity(shape.len() + 4);
        put_varint(&mut whole, (self.times.len() - times_before) as u64);
        put_varint(&mut whole, (self.texts.len() - texts_before) as u64);
        whole.extend_from_slice(&shape);
        Ok(self.shapes.insert_full(whole).0)
    }

    /// Writes the events of a block of rows.
    pub fn write_block<'w>(&'w self, columns: &mut ColumnWriter<'w>, rows: Range<usize>) {
        let before = |row: usize| row.checked_sub(1).and_then(|row| self.rows.get(row));
        let (first, last) = (before(rows.start), before(rows.end));
        let end = |row: Option<&RowParts>, of: fn(&RowParts) -> usize| row.map_or(0, of);
        let times = end(first, |row| row.times)..end(last, |row| row.times);
        let texts = end(first, |row| row.texts)..end(last, |row| row.texts);
        if times.is_empty() {
            return;
        }
        columns.shared_strings(SHAPES, &self.shapes, self.rows[rows].iter().map(|row| row.shape));
        columns.numbers(TIMES, self.times[times].iter().copied());
        columns.strings(TEXTS, self.texts[texts].iter().copied());
    }
}

/// The events of a block, as they are read.
pub struct EventReader {
    shapes: Strings,
    times: Numbers,
    /// `None` when no event of the block has a text that is asked for.
    texts: Option<Strings>,
    /// How many times and texts stand before those of each row.
    before: Vec<(usize, usize)>,
}

impl EventReader {
    /// Reads where the events of a block are, and the texts of these keys; `None` when none stand in these columns.
    ///
    /// # Errors
    /// The source fails or what it gives is damaged.
    pub fn open(block: &mut Block<'_, '_>, keys: &Keys) -> Result<Option<EventReader>> {
        let shapes = block.strings(SHAPES)?;
        if matches!(shapes, Strings::Empty { .. }) {
            return Ok(None);
        }
        let (mut times, mut texts) = (0_usize, 0_usize);
        let mut before = Vec::with_capacity(block.summary.rows);
        for row in 0..block.summary.rows {
            before.push((times, texts));
            let mut shape = Slice::new(shapes.slice(row)?);
            if shape.remaining() > 0 {
                let mut count = || usize::try_from(shape.varint()?).map_err(|_| CodecError::Truncated);
                (times, texts) = (times.saturating_add(count()?), texts.saturating_add(count()?));
            }
        }
        if times.max(texts) > MOST_IN_BLOCK {
            return Err(CodecError::Malformed("events of a block"));
        }
        let mut has_text = Known::<bool>::default();
        let mut any_text = *keys == Keys::All;
        for row in 0..block.summary.rows {
            any_text = any_text || has_text.look_up(&shapes, row, |shape| has_text_of(shape, keys))?;
        }
        let texts = any_text.then(|| block.some_strings(TEXTS, texts)).transpose()?;
        Ok(Some(EventReader { shapes, times: block.some_numbers(TIMES, times)?, texts, before }))
    }

    /// The events of a row, whose span starts then, with the attributes of these keys.
    ///
    /// # Errors
    /// What was read is damaged.
    pub fn read(&self, row: usize, start: Nanos, keys: &Keys) -> Result<Vec<Event>> {
        let mut shape = self.shapes.reader(row)?;
        if shape.remaining() == 0 {
            return Ok(Vec::new());
        }
        let (mut time, mut text) = *self.before.get(row).ok_or(CodecError::Malformed("rows of a block"))?;
        let (count, _) = (shape.varint()?, shape.varint()?);
        let mut events = Vec::new();
        for _ in 0..count {
            let after_ns = unzigzag(self.times.get(time)?);
            time += 1;
            let name = shape.text()?;
            let mut attributes = Vec::new();
            for _ in 0..shape.count()? {
                let key = shape.text()?;
                let is_wanted = keys.has(&key);
                let value = match shape.clone().byte()? {
                    TEXT_ELSEWHERE => {
                        shape.byte()?;
                        text += 1;
                        match &self.texts {
                            Some(texts) if is_wanted => Value::String(texts.text(text - 1)?),
                            _ => Value::Empty,
                        }
                    }
                    _ => get_value(&mut shape)?,
                };
                if is_wanted {
                    attributes.push((key, value));
                }
            }
            events.push(Event {
                time: Nanos(start.0.wrapping_add(after_ns as u64)),
                name,
                attributes: Attributes(attributes),
                dropped_attributes: shape.varint_u32()?,
            });
        }
        shape.finish()?;
        Ok(events)
    }
}

/// Notes the rows that have an event with one of these keys.
///
/// # Errors
/// The source fails or what it gives is damaged.
pub fn rows_with_events(block: &mut Block<'_, '_>, keys: &[String], found: &mut [bool]) -> Result<()> {
    let shapes = block.strings(SHAPES)?;
    // Segments of earlier versions have all of the events in one column.
    let whole = block.strings(WHOLE)?;
    let mut known = Known::<bool>::default();
    for (row, is_found) in found.iter_mut().enumerate() {
        *is_found = *is_found
            || !whole.slice(row)?.is_empty()
            || known.look_up(&shapes, row, |shape| has_key(&shape, |key, _| keys.iter().any(|known| known == key)))?;
    }
    Ok(())
}

/// Whether a shape has a text of these keys.
fn has_text_of(shape: Bytes, keys: &Keys) -> Result<bool> {
    has_key(&shape, |key, tag| tag == TEXT_ELSEWHERE && keys.has(key))
}

/// Whether `is_meant` is true of a key of a shape and the tag of its value.
fn has_key(shape: &[u8], is_meant: impl Fn(&str, u8) -> bool) -> Result<bool> {
    let mut shape = Slice::new(shape);
    if shape.remaining() == 0 {
        return Ok(false);
    }
    let (count, _) = (shape.varint()?, shape.varint()?);
    let mut has_key = false;
    for _ in 0..count {
        shape.bytes()?;
        for _ in 0..shape.count()? {
            let key = to_str(shape.bytes()?)?;
            let tag = shape.byte()?;
            has_key |= is_meant(key, tag);
            if tag != TEXT_ELSEWHERE {
                skip_body(&mut shape, Type::from_tag(tag)?)?;
            }
        }
        shape.varint_u32()?;
    }
    Ok(has_key)
}
