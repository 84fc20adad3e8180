//! What many rows share: the tables in front of the rows of spans and of log records in the inbox, which hold resources,
//! scopes, names, and the shapes of attributes; and what their columns in a segment share.

use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::bytes::{Buffer, Cursor, Reader, Type, get_attributes, get_body, put_attributes, put_bytes, put_varint};
use super::columns::{AttributeReader, ColumnReader, Distinct, Known, Shapes, Strings};
use super::error::{CodecError, Result};
use crate::model::{Attributes, Resource, Scope, Text};

/// Values rows share behind an `Arc`: each distinct one once, whether it is behind one `Arc` or several.
#[derive(Default)]
pub struct Interned<T> {
    by_address: FxHashMap<*const T, usize>,
    /// The values, encoded, by their numbers.
    pub encoded: Distinct<Vec<u8>>,
}

impl<T> Interned<T> {
    /// The number of a value, which `put` encodes.
    pub fn id(&mut self, value: &Arc<T>, put: impl FnOnce(&mut Vec<u8>, &T)) -> usize {
        *self.by_address.entry(Arc::as_ptr(value)).or_insert_with(|| {
            let mut encoded = Vec::new();
            put(&mut encoded, value);
            self.encoded.insert_full(encoded).0
        })
    }
}

/// What the rows of a batch share, collected while they are written.
#[derive(Default)]
pub struct SharedTables<'a> {
    /// Who recorded.
    pub resources: Interned<Resource>,
    /// What recorded.
    pub scopes: Interned<Scope>,
    /// Names of spans.
    pub names: Distinct<&'a str>,
    /// Keys and types of attributes.
    pub shapes: Shapes<'a>,
}

impl<'a> SharedTables<'a> {
    /// The tables, how many rows there are, and the rows, one after the other.
    pub fn join(&self, count: usize, rows: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(rows.len() + 8192);
        for encoded in [&self.resources.encoded, &self.scopes.encoded] {
            put_varint(&mut out, encoded.len() as u64);
            encoded.iter().for_each(|bytes| out.extend_from_slice(bytes));
        }
        put_varint(&mut out, self.names.len() as u64);
        self.names.iter().for_each(|name| put_bytes(&mut out, name.as_bytes()));
        put_varint(&mut out, self.shapes.distinct().len() as u64);
        self.shapes.distinct().for_each(|attributes| put_shape(&mut out, attributes));
        put_varint(&mut out, count as u64);
        out.extend_from_slice(rows);
        out
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
            resources: reader.list(|reader| get_resource(reader).map(Arc::new))?,
            scopes: reader.list(|reader| get_scope(reader).map(Arc::new))?,
            names: reader.list(Reader::text)?,
            shapes: reader
                .list(|reader| reader.list(|reader| Ok((reader.text()?, Type::from_tag(reader.byte()?)?))))?,
        })
    }

    /// The attributes of a row, whose values come next, in a shape of the table.
    ///
    /// # Errors
    /// The bytes are no such values.
    pub fn attributes(reader: &mut Reader, shape: &[(Text, Type)]) -> Result<Attributes> {
        let mut attributes = Vec::with_capacity(shape.len());
        for (key, kind) in shape {
            attributes.push((key.clone(), get_body(reader, *kind)?));
        }
        Ok(Attributes(attributes))
    }
}

/// What the rows of a segment share, as it is read.
pub struct SharedColumns {
    /// The columns of attributes.
    pub attributes: AttributeReader,
    resources: Known<Arc<Resource>>,
    scopes: Known<Arc<Scope>>,
}

impl SharedColumns {
    /// Reads what all blocks share.
    ///
    /// # Errors
    /// The source fails or the bytes are damaged.
    pub fn open(columns: &mut ColumnReader<'_>) -> Result<SharedColumns> {
        let attributes = AttributeReader::open(columns)?;
        Ok(SharedColumns { attributes, resources: Known::default(), scopes: Known::default() })
    }

    /// The resource of a row; equal ones are one.
    ///
    /// # Errors
    /// There are fewer rows, or the bytes are no resource.
    pub fn resource(&mut self, column: &Strings, row: usize) -> Result<Arc<Resource>> {
        self.resources.look_up(column, row, |bytes| get_resource(&mut Reader::new(bytes)).map(Arc::new))
    }

    /// The scope of a row; equal ones are one.
    ///
    /// # Errors
    /// There are fewer rows, or the bytes are no scope.
    pub fn scope(&mut self, column: &Strings, row: usize) -> Result<Arc<Scope>> {
        self.scopes.look_up(column, row, |bytes| get_scope(&mut Reader::new(bytes)).map(Arc::new))
    }
}

/// The entry of a table whose number comes next.
///
/// # Errors
/// There is no such entry.
pub fn entry<'a, T>(table: &'a [T], cursor: &mut Cursor<impl Buffer>) -> Result<&'a T> {
    let place = usize::try_from(cursor.varint()?).unwrap_or(usize::MAX);
    table.get(place).ok_or(CodecError::Malformed("no such table entry"))
}

fn put_shape(out: &mut Vec<u8>, attributes: &Attributes) {
    put_varint(out, attributes.len() as u64);
    for (key, value) in attributes.iter() {
        put_bytes(out, key.as_bytes());
        out.push(Type::of(value) as u8);
    }
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

/// The service of an encoded resource, which begins with it.
///
/// # Errors
/// The bytes are no resource.
pub fn get_service(resource: Bytes) -> Result<Text> {
    Reader::new(resource).text()
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
