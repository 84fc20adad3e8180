//! Tables of what many rows of a batch share, in front of the rows of spans and of log records in the inbox: resources,
//! scopes, names, and the shapes of attributes.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::bytes::{Reader, Type, get_attributes, put_attributes, put_bytes, put_varint};
use super::columns::Shapes;
use super::error::{CodecError, Result};
use crate::model::{Attributes, Resource, Scope, Text};

/// Values rows share behind an `Arc`: each distinct one once, whether it is behind one `Arc` or several.
pub struct Interned<T> {
    by_address: FxHashMap<*const T, u64>,
    by_content: FxHashMap<Vec<u8>, u64>,
    bytes: Vec<u8>,
}

impl<T> Default for Interned<T> {
    fn default() -> Interned<T> {
        Interned { by_address: FxHashMap::default(), by_content: FxHashMap::default(), bytes: Vec::new() }
    }
}

impl<T> Interned<T> {
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
pub struct SharedTables<'a> {
    /// Who recorded.
    pub resources: Interned<Resource>,
    /// What recorded.
    pub scopes: Interned<Scope>,
    names: FxHashMap<&'a str, u64>,
    name_bytes: Vec<u8>,
    /// Keys and types of attributes.
    pub shapes: Shapes<'a>,
}

impl<'a> SharedTables<'a> {
    /// The tables, how many rows there are, and the rows, one after the other.
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

    /// The number of a name.
    pub fn name(&mut self, name: &'a str) -> u64 {
        let next = self.names.len() as u64;
        *self.names.entry(name).or_insert_with(|| {
            put_bytes(&mut self.name_bytes, name.as_bytes());
            next
        })
    }
}

/// What [`SharedTables`] wrote.
pub struct ReadTables {
    /// Who recorded.
    pub resources: Vec<Arc<Resource>>,
    /// What recorded.
    pub scopes: Vec<Arc<Scope>>,
    /// Names of spans.
    pub names: Vec<Text>,
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
}

/// Reads how many entries a table has, and the entries.
///
/// # Errors
/// The bytes are no such table, and those of `get`.
pub fn table<T>(reader: &mut Reader, mut get: impl FnMut(&mut Reader) -> Result<T>) -> Result<Vec<T>> {
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
