//! Spans as the inbox keeps them until they are sealed: row after row, behind tables of what many rows share.
//!
//! This is on the path of every write, so it does only what pays at once: resources, scopes, names and attribute
//! shapes are written once a batch, everything else in place; lz4 takes care of repeated values.

use super::super::bytes::{
    Reader, bits_of, get_attributes, put_attributes, put_body, put_bytes, put_signed, put_trace_id, put_varint,
};
use super::super::error::Result;
use super::super::shared_tables::{ReadTables, SharedTables, entry, put_resource, put_scope};
use crate::model::{Event, Kind, Link, Nanos, Span, Status, StatusCode, Text, TraceId};

pub const HAS_PARENT: u64 = 1;
pub const HAS_STATE: u64 = 1 << 1;
pub const HAS_FLAGS: u64 = 1 << 2;
pub const HAS_DROPPED: u64 = 1 << 3;
pub const HAS_EVENTS: u64 = 1 << 4;
pub const HAS_LINKS: u64 = 1 << 5;
pub const HAS_MESSAGE: u64 = 1 << 6;

/// Encodes spans in their order, without envelope.
pub fn encode(spans: &[&Span]) -> Vec<u8> {
    let mut tables = SharedTables::default();
    let mut rows = Vec::with_capacity(spans.len() * 256);
    let mut previous_start = 0;
    for span in spans {
        put_span(&mut tables, &mut rows, span, previous_start);
        previous_start = span.start.0;
    }
    tables.join(spans.len(), &rows)
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// The bytes are no such encoding.
pub fn decode(mut reader: Reader) -> Result<Vec<Span>> {
    let tables = ReadTables::read(&mut reader)?;
    let mut previous_start = 0;
    let spans = reader.list(|reader| {
        let span = get_span(&tables, reader, previous_start)?;
        previous_start = span.start.0;
        Ok(span)
    })?;
    reader.finish()?;
    Ok(spans)
}

fn put_span<'a>(tables: &mut SharedTables<'a>, out: &mut Vec<u8>, span: &'a Span, previous_start: u64) {
    let resource = tables.resources.id(&span.resource, put_resource);
    let scope = tables.scopes.id(&span.scope, put_scope);
    let name = tables.names.insert_full(&span.name).0;
    let shape = tables.shapes.id(&span.attributes);
    let dropped = [span.dropped_attributes, span.dropped_events, span.dropped_links];
    let bits = bits_of([
        (HAS_PARENT, span.parent_span_id.is_some()),
        (HAS_STATE, !span.trace_state.is_empty()),
        (HAS_FLAGS, span.flags != 0),
        (HAS_DROPPED, dropped != [0; 3]),
        (HAS_EVENTS, !span.events.is_empty()),
        (HAS_LINKS, !span.links.is_empty()),
        (HAS_MESSAGE, !span.status.message.is_empty()),
    ]);
    put_varint(out, bits);
    out.push(span.kind as u8 | (span.status.code as u8) << 4);
    for id in [resource, scope, name, shape] {
        put_varint(out, id as u64);
    }
    put_trace_id(out, &span.trace_id);
    out.extend_from_slice(&span.span_id.0);
    if let Some(parent) = span.parent_span_id {
        out.extend_from_slice(&parent.0);
    }
    put_signed(out, span.start.0.wrapping_sub(previous_start) as i64);
    put_signed(out, span.end.0.wrapping_sub(span.start.0) as i64);
    span.attributes.iter().for_each(|(_, value)| put_body(out, value));
    if bits & HAS_STATE != 0 {
        put_bytes(out, span.trace_state.as_bytes());
    }
    if bits & HAS_FLAGS != 0 {
        put_varint(out, u64::from(span.flags));
    }
    if bits & HAS_DROPPED != 0 {
        dropped.iter().for_each(|count| put_varint(out, u64::from(*count)));
    }
    if bits & HAS_EVENTS != 0 {
        put_events(out, &span.events, span.start);
    }
    if bits & HAS_LINKS != 0 {
        put_links(out, &span.links);
    }
    if bits & HAS_MESSAGE != 0 {
        put_bytes(out, span.status.message.as_bytes());
    }
}

fn get_span(tables: &ReadTables, reader: &mut Reader, previous_start: u64) -> Result<Span> {
    let bits = reader.varint()?;
    let has = |bit| bits & bit != 0;
    let small = reader.byte()?;
    let resource = entry(&tables.resources, reader)?.clone();
    let scope = entry(&tables.scopes, reader)?.clone();
    let name = entry(&tables.names, reader)?.clone();
    let shape = entry(&tables.shapes, reader)?;
    let trace_id = reader.trace_id()?;
    let span_id = reader.span_id()?;
    let parent_span_id = has(HAS_PARENT).then(|| reader.span_id()).transpose()?;
    let start = previous_start.wrapping_add(reader.signed()? as u64);
    let end = start.wrapping_add(reader.signed()? as u64);
    let attributes = ReadTables::attributes(reader, shape)?;
    let trace_state = if has(HAS_STATE) { reader.text()? } else { Text::EMPTY };
    let flags = if has(HAS_FLAGS) { reader.varint_u32()? } else { 0 };
    let mut dropped = [0; 3];
    if has(HAS_DROPPED) {
        dropped = [reader.varint_u32()?, reader.varint_u32()?, reader.varint_u32()?];
    }
    let events = if has(HAS_EVENTS) { get_events(reader, Nanos(start))? } else { Vec::new() };
    let links = if has(HAS_LINKS) { get_links(reader)? } else { Vec::new() };
    let message = if has(HAS_MESSAGE) { reader.text()? } else { Text::EMPTY };
    Ok(Span {
        trace_id,
        span_id,
        parent_span_id,
        trace_state,
        flags,
        name,
        kind: Kind::from_number(i64::from(small & 15)),
        start: Nanos(start),
        end: Nanos(end),
        attributes,
        dropped_attributes: dropped[0],
        events,
        dropped_events: dropped[1],
        links,
        dropped_links: dropped[2],
        status: Status { code: StatusCode::from_number(i64::from(small >> 4)), message },
        resource,
        scope,
    })
}

/// Appends events; their times are relative to `start`.
pub fn put_events(out: &mut Vec<u8>, events: &[Event], start: Nanos) {
    put_varint(out, events.len() as u64);
    for event in events {
        put_signed(out, event.time.0.wrapping_sub(start.0) as i64);
        put_bytes(out, event.name.as_bytes());
        put_attributes(out, &event.attributes);
        put_varint(out, u64::from(event.dropped_attributes));
    }
}

/// Reads what [`put_events`] wrote.
///
/// # Errors
/// The bytes are no events.
pub fn get_events(reader: &mut Reader, start: Nanos) -> Result<Vec<Event>> {
    reader.list(|reader| {
        Ok(Event {
            time: Nanos(start.0.wrapping_add(reader.signed()? as u64)),
            name: reader.text()?,
            attributes: get_attributes(reader)?,
            dropped_attributes: reader.varint_u32()?,
        })
    })
}

/// Appends links.
pub fn put_links(out: &mut Vec<u8>, links: &[Link]) {
    put_varint(out, links.len() as u64);
    for link in links {
        out.push(u8::from(link.trace_id.is_some()) | u8::from(link.span_id.is_some()) << 1);
        if let Some(trace_id) = &link.trace_id {
            put_trace_id(out, trace_id);
        }
        if let Some(span_id) = link.span_id {
            out.extend_from_slice(&span_id.0);
        }
        put_bytes(out, link.trace_state.as_bytes());
        put_attributes(out, &link.attributes);
        put_varint(out, u64::from(link.dropped_attributes));
        put_varint(out, u64::from(link.flags));
    }
}

/// Reads what [`put_links`] wrote.
///
/// # Errors
/// The bytes are no links.
pub fn get_links(reader: &mut Reader) -> Result<Vec<Link>> {
    reader.list(|reader| {
        let present = reader.byte()?;
        let trace_id: Option<TraceId> = (present & 1 != 0).then(|| reader.trace_id()).transpose()?;
        Ok(Link {
            trace_id,
            span_id: (present & 2 != 0).then(|| reader.span_id()).transpose()?,
            trace_state: reader.text()?,
            attributes: get_attributes(reader)?,
            dropped_attributes: reader.varint_u32()?,
            flags: reader.varint_u32()?,
        })
    })
}
