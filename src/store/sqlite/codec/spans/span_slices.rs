//! Spans on their way from the inbox into columns: where the parts of each lie in the bytes, and no further.
//!
//! Sealing moves values from rows into columns and need not know what they mean, so nothing is built here that would be
//! taken apart again: no attribute, no text, no event. What rows share is numbered across payloads.

use super::super::bytes::{Slice, Type, skip_attributes, skip_body, to_str};
use super::super::columns::{Columnar, Distinct, RawAttributes, Shape};
use super::super::error::{CodecError, Result};
use super::super::shared_tables::entry;
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

/// Spans of any number of payloads, and what they share.
#[derive(Default)]
pub struct SpanRows<'a> {
    /// The spans, payload after payload, in the order sent.
    pub rows: Vec<SpanRow<'a>>,
    /// Resources as [`crate::store::sqlite::codec::shared_tables::put_resource`] writes them.
    pub resources: Distinct<&'a [u8]>,
    /// Scopes as [`crate::store::sqlite::codec::shared_tables::put_scope`] writes them.
    pub scopes: Distinct<&'a [u8]>,
    /// Names.
    pub names: Distinct<&'a [u8]>,
    /// The keys and types of attributes.
    pub shapes: Vec<Shape<'a>>,
    shape_numbers: Distinct<&'a [u8]>,
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
        let mut previous_start = 0;
        let rows = slice.list(|slice| {
            let row = self.read_row(slice, &tables, previous_start)?;
            previous_start = row.start.0;
            Ok(row)
        })?;
        self.rows.extend(rows);
        self.payloads += 1;
        slice.finish()
    }

    fn read_tables(&mut self, slice: &mut Slice<'a>) -> Result<Tables> {
        let resources = slice.list(|slice| {
            let entry = slice.part(skip_resource)?;
            let (number, is_new) = self.resources.insert_full(entry);
            if is_new {
                self.services.push(to_str(Slice::new(entry).bytes()?)?);
            }
            Ok(number)
        })?;
        let scopes = slice.list(|slice| Ok(self.scopes.insert_full(slice.part(skip_scope)?).0))?;
        let names = slice.list(|slice| Ok(self.names.insert_full(slice.bytes()?).0))?;
        let shapes = slice.list(|slice| {
            let mut shape = Shape::new();
            let entry = slice.part(|slice| {
                shape = slice.list(|slice| Ok((to_str(slice.bytes()?)?, Type::from_tag(slice.byte()?)?)))?;
                Ok(())
            })?;
            let (number, is_new) = self.shape_numbers.insert_full(entry);
            if is_new {
                self.shapes.push(shape);
            }
            Ok(number)
        })?;
        Ok(Tables { resources, scopes, names, shapes })
    }

    fn read_row(&self, slice: &mut Slice<'a>, tables: &Tables, previous_start: u64) -> Result<SpanRow<'a>> {
        let before = slice.remaining();
        let bits = slice.varint()?;
        let has = |bit| bits & bit != 0;
        let small = slice.byte()?;
        let resource = *entry(&tables.resources, slice)?;
        let scope = *entry(&tables.scopes, slice)?;
        let name = *entry(&tables.names, slice)?;
        let shape = *entry(&tables.shapes, slice)?;
        let trace_id = slice.trace_id()?;
        let span_id = slice.span_id()?;
        let parent_span_id = has(HAS_PARENT).then(|| slice.span_id()).transpose()?;
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
