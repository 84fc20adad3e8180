//! Spans as the inbox keeps them until they are sealed: row after row, behind tables of what many rows share.
//!
//! This is on the path of every write, so it does only what pays at once: resources, scopes, names and attribute
//! shapes are written once a batch, everything else in place; lz4 takes care of repeated values.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{
    bytes::{
        numbers::{Reader, put_bytes, put_signed, put_trace_id, put_varint},
        value::{Type, get_attributes, get_body, put_attributes, put_body},
    },
    columns::shape::Shapes,
    error::{CodecError, Result},
};
use crate::model::{Attributes, Event, Kind, Link, Nanos, Resource, Scope, Span, Status, StatusCode, Text, TraceId};

pub(crate) const HAS_PARENT: u64 = 1;
pub(crate) const HAS_STATE: u64 = 1 << 1;
pub(crate) const HAS_FLAGS: u64 = 1 << 2;
pub(crate) const HAS_DROPPED: u64 = 1 << 3;
pub(crate) const HAS_EVENTS: u64 = 1 << 4;
pub(crate) const HAS_LINKS: u64 = 1 << 5;
pub(crate) const HAS_MESSAGE: u64 = 1 << 6;

/// Encodes spans in their order, without envelope.
pub fn encode(spans: &[&Span]) -> Vec<u8> {
    let mut tables = Tables::default();
    let mut rows = Vec::with_capacity(spans.len() * 256);
    let mut previous_start = 0;
    for span in spans {
        tables.put_span(&mut rows, span, previous_start);
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
    let count = reader.count()?;
    let mut spans: Vec<Span> = Vec::with_capacity(count.min(reader.remaining() / 16));
    let mut previous_start = 0;
    for _ in 0..count {
        let span = tables.get_span(&mut reader, previous_start)?;
        previous_start = span.start.0;
        spans.push(span);
    }
    reader.finish()?;
    Ok(spans)
}

/// Values rows share behind an `Arc`: each distinct one once, whether it is behind one `Arc` or several.
pub struct Shared<T> {
    by_address: FxHashMap<*const T, u64>,
    by_content: FxHashMap<Vec<u8>, u64>,
    bytes: Vec<u8>,
}

impl<T> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared { by_address: FxHashMap::default(), by_content: FxHashMap::default(), bytes: Vec::new() }
    }
}

impl<T> Shared<T> {
    /// The number of a value.
    pub fn id(&mut self, value: &Arc<T>, put: impl FnOnce(&mut Vec<u8>, &T)) -> u64 {
        if let Some(known) = self.by_address.get(&Arc::as_ptr(value)) {
            return *known;
        }
        let mut encoded = Vec::new();
        put(&mut encoded, value);
        let next = self.by_content.len() as u64;
        let id = match self.by_content.get(&encoded) {
            Some(known) => *known,
            None => {
                self.bytes.extend_from_slice(&encoded);
                self.by_content.insert(encoded, next);
                next
            }
        };
        self.by_address.insert(Arc::as_ptr(value), id);
        id
    }

    fn table(&self) -> (usize, &[u8]) {
        (self.by_content.len(), &self.bytes)
    }
}

/// What the rows of a batch share, collected while they are written.
#[derive(Default)]
pub struct Tables<'a> {
    /// Who recorded.
    pub resources: Shared<Resource>,
    /// What recorded.
    pub scopes: Shared<Scope>,
    names: FxHashMap<&'a str, u64>,
    name_bytes: Vec<u8>,
    /// Keys and types of attributes.
    pub shapes: Shapes<'a>,
}

impl<'a> Tables<'a> {
    /// The tables, how many rows there are, and the rows.
    pub fn join(&self, count: usize, rows: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(rows.len() + 8192);
        for (count, bytes) in [self.resources.table(), self.scopes.table()] {
            put_varint(&mut out, count as u64);
            out.extend_from_slice(bytes);
        }
        put_varint(&mut out, self.names.len() as u64);
        out.extend_from_slice(&self.name_bytes);
        put_varint(&mut out, self.shapes.distinct().len() as u64);
        self.shapes.distinct().iter().for_each(|attributes| put_shape(&mut out, attributes));
        put_varint(&mut out, count as u64);
        out.extend_from_slice(rows);
        out
    }

    fn name(&mut self, name: &'a str) -> u64 {
        let next = self.names.len() as u64;
        *self.names.entry(name).or_insert_with(|| {
            put_bytes(&mut self.name_bytes, name.as_bytes());
            next
        })
    }

    fn put_span(&mut self, out: &mut Vec<u8>, span: &'a Span, previous_start: u64) {
        let resource = self.resources.id(&span.resource, put_resource);
        let scope = self.scopes.id(&span.scope, put_scope);
        let name = self.name(&span.name);
        let shape = self.shapes.id(&span.attributes) as u64;
        let dropped = [span.dropped_attributes, span.dropped_events, span.dropped_links];
        let bits = [
            (HAS_PARENT, span.parent_span_id.is_some()),
            (HAS_STATE, !span.trace_state.is_empty()),
            (HAS_FLAGS, span.flags != 0),
            (HAS_DROPPED, dropped != [0; 3]),
            (HAS_EVENTS, !span.events.is_empty()),
            (HAS_LINKS, !span.links.is_empty()),
            (HAS_MESSAGE, !span.status.message.is_empty()),
        ];
        let bits = bits.iter().filter(|(_, set)| *set).fold(0, |bits, (bit, _)| bits | bit);
        put_varint(out, bits);
        out.push(span.kind as u8 | (span.status.code as u8) << 4);
        for id in [resource, scope, name, shape] {
            put_varint(out, id);
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
}

/// What [`Tables`] wrote.
pub struct ReadTables {
    /// Who recorded.
    pub resources: Vec<Arc<Resource>>,
    /// What recorded.
    pub scopes: Vec<Arc<Scope>>,
    names: Vec<Text>,
    /// Keys and types of attributes.
    pub shapes: Vec<Vec<(Text, Type)>>,
}

impl ReadTables {
    /// Reads the tables in front of the rows.
    ///
    /// # Errors
    /// The bytes are no such tables.
    pub fn read(reader: &mut Reader) -> Result<ReadTables> {
        Ok(ReadTables {
            resources: table(reader, |reader| get_resource(reader).map(Arc::new))?,
            scopes: table(reader, |reader| get_scope(reader).map(Arc::new))?,
            names: table(reader, Reader::text)?,
            shapes: table(reader, |reader| table(reader, |reader| Ok((reader.text()?, get_type(reader)?))))?,
        })
    }

    fn get_span(&self, reader: &mut Reader, previous_start: u64) -> Result<Span> {
        let bits = reader.varint()?;
        let has = |bit| bits & bit != 0;
        let small = reader.byte()?;
        let resource = entry(&self.resources, reader)?.clone();
        let scope = entry(&self.scopes, reader)?.clone();
        let name = entry(&self.names, reader)?.clone();
        let shape = entry(&self.shapes, reader)?;
        let trace_id = reader.trace_id()?;
        let span_id = reader.span_id()?;
        let parent_span_id = has(HAS_PARENT).then(|| reader.span_id()).transpose()?;
        let start = previous_start.wrapping_add(reader.signed()? as u64);
        let end = start.wrapping_add(reader.signed()? as u64);
        let mut attributes = Vec::with_capacity(shape.len());
        for (key, kind) in shape {
            attributes.push((key.clone(), get_body(reader, *kind)?));
        }
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
            attributes: Attributes(attributes),
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
}

fn table<T>(reader: &mut Reader, mut get: impl FnMut(&mut Reader) -> Result<T>) -> Result<Vec<T>> {
    let count = reader.count()?;
    let mut entries = Vec::with_capacity(count.min(256));
    for _ in 0..count {
        entries.push(get(reader)?);
    }
    Ok(entries)
}

/// The entry of a table whose number comes next.
///
/// # Errors
/// There is no such entry.
pub fn entry<'a, T>(table: &'a [T], reader: &mut Reader) -> Result<&'a T> {
    let place = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    table.get(place).ok_or(CodecError::Malformed("no such table entry"))
}

fn put_shape(out: &mut Vec<u8>, attributes: &Attributes) {
    put_varint(out, attributes.len() as u64);
    for (key, value) in attributes.iter() {
        put_bytes(out, key.as_bytes());
        out.push(Type::of(value) as u8);
    }
}

fn get_type(reader: &mut Reader) -> Result<Type> {
    Type::from_tag(reader.byte()?)
}

/// Appends a resource.
pub fn put_resource(out: &mut Vec<u8>, resource: &Resource) {
    put_bytes(out, resource.service.as_bytes());
    put_attributes(out, &resource.attributes);
    put_varint(out, u64::from(resource.dropped_attributes));
    put_bytes(out, resource.schema_url.as_bytes());
}

/// Reads what [`put_resource`] wrote.
///
/// # Errors
/// The bytes are no resource.
pub fn get_resource(reader: &mut Reader) -> Result<Resource> {
    Ok(Resource {
        service: reader.text()?,
        attributes: get_attributes(reader)?,
        dropped_attributes: reader.varint_u32()?,
        schema_url: reader.text()?,
    })
}

/// Appends a scope.
pub fn put_scope(out: &mut Vec<u8>, scope: &Scope) {
    put_bytes(out, scope.name.as_bytes());
    put_bytes(out, scope.version.as_bytes());
    put_attributes(out, &scope.attributes);
    put_varint(out, u64::from(scope.dropped_attributes));
    put_bytes(out, scope.schema_url.as_bytes());
}

/// Reads what [`put_scope`] wrote.
///
/// # Errors
/// The bytes are no scope.
pub fn get_scope(reader: &mut Reader) -> Result<Scope> {
    Ok(Scope {
        name: reader.text()?,
        version: reader.text()?,
        attributes: get_attributes(reader)?,
        dropped_attributes: reader.varint_u32()?,
        schema_url: reader.text()?,
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
    table(reader, |reader| {
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
    table(reader, |reader| {
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
