//! Spans on their way from the inbox into columns: where the parts of each lie in the bytes, and no further.
//!
//! Sealing moves values from rows into columns and need not know what they mean, so nothing is built here that would be
//! taken apart again: no attribute, no text, no event. What rows share is numbered across payloads.

use rustc_hash::FxHashMap;

use super::super::bytes::{Slice, Type, skip_attributes, skip_body, to_str};
use super::super::columns::{Columnar, RawAttributes, Shape};
use super::super::error::{CodecError, Result};
use super::span_rows::{HAS_DROPPED, HAS_EVENTS, HAS_FLAGS, HAS_LINKS, HAS_MESSAGE, HAS_PARENT, HAS_STATE};
use crate::model::{Nanos, SpanId, TraceId};

/// A span as it lies in a payload: numbers of what it shares with others, and slices of the rest.
pub struct SpanRow<'a> {
    /// The place of the span's payload among those added.
    pub payload: usize,
    /// The trace of the span.
    pub trace_id: TraceId,
    /// The id of the span.
    pub span_id: SpanId,
    /// The span this one was started in.
    pub parent_span_id: Option<SpanId>,
    /// When the span started.
    pub start: Nanos,
    /// When the span ended.
    pub end: Nanos,
    /// Number of the span's kind.
    pub kind: u8,
    /// Number of the span's status.
    pub status: u8,
    /// Trace flags.
    pub flags: u32,
    /// Attributes, events and links the SDK dropped.
    pub dropped: [u32; 3],
    /// Number of the resource in [`SpanRows::resources`].
    pub resource: usize,
    /// Number of the scope in [`SpanRows::scopes`].
    pub scope: usize,
    /// Number of the name in [`SpanRows::names`].
    pub name: usize,
    /// The service of the resource.
    pub service: &'a str,
    /// The attributes of the span.
    pub attributes: RawAttributes<'a>,
    /// Trace state; empty when not sent.
    pub trace_state: &'a [u8],
    /// The message of the status.
    pub message: &'a [u8],
    /// The events as [`put_events`](super::span_rows::put_events) writes them; nothing when there are none.
    pub events: &'a [u8],
    /// The links as [`put_links`](super::span_rows::put_links) writes them; nothing when there are none.
    pub links: &'a [u8],
    /// How many bytes the span takes in the inbox.
    bytes: usize,
}

impl Columnar for SpanRow<'_> {
    fn trace_id(&self) -> &TraceId {
        &self.trace_id
    }

    fn start(&self) -> Nanos {
        self.start
    }

    fn service(&self) -> &str {
        self.service
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Byte strings that many rows share, each once, numbered as they come.
#[derive(Default)]
pub struct Numbered<'a> {
    numbers: FxHashMap<&'a [u8], usize>,
    /// The strings, by their numbers.
    pub entries: Vec<&'a [u8]>,
}

impl<'a> Numbered<'a> {
    /// The number of a string, and whether it is new.
    fn number(&mut self, entry: &'a [u8]) -> (usize, bool) {
        let next = self.entries.len();
        let number = *self.numbers.entry(entry).or_insert(next);
        if number == next {
            self.entries.push(entry);
        }
        (number, number == next)
    }
}

/// Spans of any number of payloads, and what they share.
#[derive(Default)]
pub struct SpanRows<'a> {
    /// The spans, payload after payload, in the order sent.
    pub rows: Vec<SpanRow<'a>>,
    /// Resources as [`crate::store::sqlite::codec::shared_tables::put_resource`] writes them.
    pub resources: Numbered<'a>,
    /// Scopes as [`crate::store::sqlite::codec::shared_tables::put_scope`] writes them.
    pub scopes: Numbered<'a>,
    /// Names.
    pub names: Numbered<'a>,
    /// The keys and types of attributes.
    pub shapes: Vec<Shape<'a>>,
    shape_numbers: Numbered<'a>,
    /// The service of each resource.
    services: Vec<&'a str>,
    payloads: usize,
}

/// What the numbers in the rows of one payload stand for.
struct Tables {
    resources: Vec<usize>,
    scopes: Vec<usize>,
    names: Vec<usize>,
    shapes: Vec<usize>,
}

impl<'a> SpanRows<'a> {
    /// Adds the spans of what [`super::span_rows::encode`] wrote.
    ///
    /// # Errors
    /// The bytes are no such encoding.
    pub fn add(&mut self, content: &'a [u8]) -> Result<()> {
        let mut slice = Slice::new(content);
        let tables = self.read_tables(&mut slice)?;
        let count = slice.count()?;
        self.rows.reserve(count.min(slice.remaining() / 16));
        let mut previous_start = 0;
        for _ in 0..count {
            let row = self.read_row(&mut slice, &tables, previous_start)?;
            previous_start = row.start.0;
            self.rows.push(row);
        }
        self.payloads += 1;
        if slice.remaining() == 0 { Ok(()) } else { Err(CodecError::Malformed("bytes after the end")) }
    }

    fn read_tables(&mut self, slice: &mut Slice<'a>) -> Result<Tables> {
        let mut resources = Vec::new();
        for _ in 0..slice.count()? {
            let entry = slice.part(skip_resource)?;
            let (number, is_new) = self.resources.number(entry);
            if is_new {
                self.services.push(to_str(Slice::new(entry).bytes()?)?);
            }
            resources.push(number);
        }
        let mut scopes = Vec::new();
        for _ in 0..slice.count()? {
            scopes.push(self.scopes.number(slice.part(skip_scope)?).0);
        }
        let mut names = Vec::new();
        for _ in 0..slice.count()? {
            names.push(self.names.number(slice.bytes()?).0);
        }
        let mut shapes = Vec::new();
        for _ in 0..slice.count()? {
            let mut shape = Shape::new();
            let entry = slice.part(|slice| {
                for _ in 0..slice.count()? {
                    shape.push((to_str(slice.bytes()?)?, Type::from_tag(slice.byte()?)?));
                }
                Ok(())
            })?;
            let (number, is_new) = self.shape_numbers.number(entry);
            if is_new {
                self.shapes.push(shape);
            }
            shapes.push(number);
        }
        Ok(Tables { resources, scopes, names, shapes })
    }

    fn read_row(&self, slice: &mut Slice<'a>, tables: &Tables, previous_start: u64) -> Result<SpanRow<'a>> {
        let before = slice.remaining();
        let bits = slice.varint()?;
        let has = |bit| bits & bit != 0;
        let small = slice.byte()?;
        let resource = entry(&tables.resources, slice)?;
        let scope = entry(&tables.scopes, slice)?;
        let name = entry(&tables.names, slice)?;
        let shape = entry(&tables.shapes, slice)?;
        let trace_id = slice.trace_id()?;
        let span_id = SpanId(slice.array()?);
        let parent_span_id = if has(HAS_PARENT) { Some(SpanId(slice.array()?)) } else { None };
        let start = previous_start.wrapping_add(slice.signed()? as u64);
        let end = start.wrapping_add(slice.signed()? as u64);
        let types = self.shapes.get(shape).ok_or(CodecError::Malformed("no such table entry"))?;
        let bodies = slice.part(|slice| types.iter().try_for_each(|(_, kind)| skip_body(slice, *kind)))?;
        let trace_state = if has(HAS_STATE) { slice.bytes()? } else { &[] };
        let flags = if has(HAS_FLAGS) { slice.varint_u32()? } else { 0 };
        let mut dropped = [0; 3];
        if has(HAS_DROPPED) {
            dropped = [slice.varint_u32()?, slice.varint_u32()?, slice.varint_u32()?];
        }
        let events = if has(HAS_EVENTS) { slice.part(skip_events)? } else { &[] };
        let links = if has(HAS_LINKS) { slice.part(skip_links)? } else { &[] };
        let message = if has(HAS_MESSAGE) { slice.bytes()? } else { &[] };
        Ok(SpanRow {
            payload: self.payloads,
            trace_id,
            span_id,
            parent_span_id,
            start: Nanos(start),
            end: Nanos(end),
            kind: small & 15,
            status: small >> 4,
            flags,
            dropped,
            resource,
            scope,
            name,
            service: self.services.get(resource).copied().unwrap_or_default(),
            attributes: RawAttributes { shape, bodies },
            trace_state,
            message,
            events,
            links,
            bytes: before - slice.remaining(),
        })
    }
}

fn entry(table: &[usize], slice: &mut Slice<'_>) -> Result<usize> {
    let place = usize::try_from(slice.varint()?).unwrap_or(usize::MAX);
    table.get(place).copied().ok_or(CodecError::Malformed("no such table entry"))
}

fn skip_resource(slice: &mut Slice<'_>) -> Result<()> {
    slice.bytes()?;
    skip_attributes(slice)?;
    slice.varint_u32()?;
    slice.bytes()?;
    Ok(())
}

fn skip_scope(slice: &mut Slice<'_>) -> Result<()> {
    slice.bytes()?;
    skip_resource(slice)
}

fn skip_events(slice: &mut Slice<'_>) -> Result<()> {
    for _ in 0..slice.count()? {
        slice.varint()?;
        slice.bytes()?;
        skip_attributes(slice)?;
        slice.varint_u32()?;
    }
    Ok(())
}

fn skip_links(slice: &mut Slice<'_>) -> Result<()> {
    for _ in 0..slice.count()? {
        let present = slice.byte()?;
        if present & 1 != 0 {
            slice.trace_id()?;
        }
        if present & 2 != 0 {
            slice.take(8)?;
        }
        slice.bytes()?;
        skip_attributes(slice)?;
        slice.varint_u32()?;
        slice.varint_u32()?;
    }
    Ok(())
}
