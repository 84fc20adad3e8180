//! Attributes as columns, for any kind of record that has them.
//!
//! A row's *shape* is the ordered list of its keys and types; there are few in a segment, so a row is a number of a
//! shape and its values stand in one column per key and type, `attr.http.route.string`, holding only the rows that have
//! it. Keys too rare to deserve a column go, with their values, into the column `rest`, one cell each; their place in
//! the shape says so, which keeps the order of attributes whatever keys a program invents.

use std::cmp::Reverse;
use std::ops::Range;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::super::bytes::{Slice, Type, put_body, put_bytes, put_varint, skip_body};
use super::super::error::Result;
use super::{ColumnWriter, Distinct, REST, REST_COLUMN, SHAPE_COLUMN, Shapes, column_name, put_planes};
use crate::model::Attributes;

/// Most columns of attributes in a segment.
const MAX_COLUMNS: usize = 200;
/// A column of its own is for keys on at least one row in so many, and on at least [`RAREST_ROWS`].
const RAREST_SHARE: usize = 200;
/// A column of its own is for keys on at least so many rows.
const RAREST_ROWS: usize = 4;
/// Longer keys get no column, because its name would hold them.
const MAX_KEY_BYTES: usize = 128;
/// Most keys in `rest` that are listed, for searches to know what is not there.
const MAX_LISTED_KEYS: usize = 256;

/// Keys and types of a row's attributes, in their order.
pub type Shape<'a> = Vec<(&'a str, Type)>;

/// The attributes of a row as they lie in the inbox.
#[derive(Debug, Clone, Copy)]
pub struct RawAttributes<'a> {
    /// Which shape the attributes have.
    pub shape: usize,
    /// The values one after the other, as [`put_body`] writes them.
    pub bodies: &'a [u8],
}

/// Attributes in the form they have in the inbox.
pub struct EncodedAttributes<'a> {
    shapes: Vec<Shape<'a>>,
    bodies: Vec<u8>,
    /// The shape of each row, and where its values end.
    rows: Vec<(usize, usize)>,
}

impl<'a> EncodedAttributes<'a> {
    /// Encodes the attributes of rows.
    pub fn new(rows: impl Iterator<Item = &'a Attributes>) -> EncodedAttributes<'a> {
        let (mut known, mut bodies) = (Shapes::default(), Vec::new());
        let mut encode = |attributes: &'a Attributes| {
            attributes.iter().for_each(|(_, value)| put_body(&mut bodies, value));
            (known.id(attributes), bodies.len())
        };
        let rows = rows.map(&mut encode).collect();
        let shape = |attributes: &'a Attributes| {
            attributes.iter().map(|(key, value)| (key.as_str(), Type::of(value))).collect()
        };
        EncodedAttributes { shapes: known.distinct().map(shape).collect(), bodies, rows }
    }

    /// What writes the attributes into columns.
    pub fn writer(&self) -> AttributeWriter<'_> {
        let mut start = 0;
        let row = |(shape, end): &(usize, usize)| {
            let bodies = self.bodies.get(std::mem::replace(&mut start, *end)..*end).unwrap_or_default();
            RawAttributes { shape: *shape, bodies }
        };
        AttributeWriter::new(&self.shapes, self.rows.iter().map(row).collect())
    }
}

/// Where the attributes of a segment's rows go; made once a segment, asked once a block.
pub struct AttributeWriter<'a> {
    rows: Vec<RawAttributes<'a>>,
    shapes: &'a [Shape<'a>],
    /// The places of each shape.
    places: Vec<Vec<usize>>,
    columns: Vec<AttributeColumn<'a>>,
    rest_keys: Vec<&'a str>,
}

struct AttributeColumn<'a> {
    key: &'a str,
    kind: Type,
    name: String,
}

impl<'a> AttributeWriter<'a> {
    /// Looks at all rows, whose shapes are numbers of `shapes`, and decides what gets a column.
    pub fn new(shapes: &'a [Shape<'a>], rows: Vec<RawAttributes<'a>>) -> AttributeWriter<'a> {
        let mut uses = vec![0; shapes.len()];
        rows.iter().for_each(|row| uses[row.shape] += 1);
        let (columns, place_of) = choose(shapes, &uses, rows.len());
        let place_of = |attribute: &(&'a str, Type)| place_of.get(attribute).copied().unwrap_or(REST);
        let places: Vec<Vec<usize>> = shapes.iter().map(|shape| shape.iter().map(place_of).collect()).collect();
        let mut rest_keys: Vec<&str> = Vec::new();
        for (shape, places) in shapes.iter().zip(&places) {
            let rest = shape.iter().zip(places).filter(|(_, place)| **place == REST);
            rest_keys.extend(rest.map(|((key, _), _)| *key));
        }
        rest_keys.sort_unstable();
        rest_keys.dedup();
        AttributeWriter { rows, shapes, places, columns, rest_keys }
    }

    /// Writes one block of rows.
    ///
    /// # Errors
    /// A row's values are none of its shape.
    pub fn write_block(&self, out: &mut ColumnWriter<'a>, rows: Range<usize>) -> Result<()> {
        let mut cells: Vec<Collected<'a>> = self.columns.iter().map(|column| Collected::new(column.kind)).collect();
        let mut rest = Vec::new();
        for row in &self.rows[rows.clone()] {
            let mut bodies = Slice::new(row.bodies);
            for ((key, kind), place) in self.shapes[row.shape].iter().zip(&self.places[row.shape]) {
                match *place {
                    REST => {
                        let mut cell = Vec::new();
                        put_bytes(&mut cell, key.as_bytes());
                        cell.push(*kind as u8);
                        cell.extend_from_slice(bodies.part(|bodies| skip_body(bodies, *kind))?);
                        rest.push(cell);
                    }
                    place => cells[place - 1].push(&mut bodies, *kind)?,
                }
            }
        }
        self.write_shapes(out, rows);
        for (column, cells) in self.columns.iter().zip(cells) {
            match (cells, column.kind) {
                (Collected::Numbers(numbers), Type::Double) => out.doubles(&column.name, numbers),
                (Collected::Numbers(numbers), _) => out.numbers(&column.name, numbers),
                (Collected::Strings(bodies), Type::Array | Type::Map) => out.bytes(&column.name, &bodies),
                (Collected::Strings(strings), _) => out.strings(&column.name, strings),
            }
        }
        out.bytes(REST_COLUMN, &rest);
        Ok(())
    }

    /// Writes what all blocks share; nothing when no row has attributes.
    pub fn finish(&self, out: &mut ColumnWriter<'a>) {
        if self.columns.is_empty() && self.rest_keys.is_empty() {
            return;
        }
        let mut shared = Vec::new();
        put_varint(&mut shared, self.columns.len() as u64);
        for column in &self.columns {
            put_bytes(&mut shared, column.key.as_bytes());
            shared.push(column.kind as u8);
        }
        let list =
            self.rest_keys.len() <= MAX_LISTED_KEYS && self.rest_keys.iter().all(|key| key.len() <= MAX_KEY_BYTES);
        shared.push(u8::from(list));
        let listed = if list { self.rest_keys.as_slice() } else { &[] };
        put_varint(&mut shared, listed.len() as u64);
        listed.iter().for_each(|key| put_bytes(&mut shared, key.as_bytes()));
        out.shared(SHAPE_COLUMN, shared);
    }

    /// The shapes of a block stand in the block, so that a segment of many shapes is no dearer to read a trace from.
    fn write_shapes(&self, out: &mut ColumnWriter<'a>, rows: Range<usize>) {
        let mut shapes = Distinct::default();
        let of_row: Vec<u64> = self.rows[rows].iter().map(|row| shapes.insert_full(row.shape).0 as u64).collect();
        let places: Vec<&[usize]> = shapes.iter().map(|shape| self.places[*shape].as_slice()).collect();
        // No row has attributes.
        if places.iter().all(|places| places.is_empty()) {
            return;
        }
        let mut content = Vec::new();
        put_varint(&mut content, places.len() as u64);
        for places in places {
            put_varint(&mut content, places.len() as u64);
            places.iter().for_each(|place| put_varint(&mut content, *place as u64));
        }
        put_planes(&mut content, &of_row);
        out.raw(SHAPE_COLUMN, &content);
    }
}

/// Chooses the keys and types that get a column, most used first, and numbers them from 1; `uses_of_shape` says how
/// many rows have each shape.
fn choose<'a>(
    shapes: &[Shape<'a>],
    uses_of_shape: &[usize],
    rows: usize,
) -> (Vec<AttributeColumn<'a>>, FxHashMap<(&'a str, Type), usize>) {
    let mut uses: IndexMap<(&'a str, Type), usize, FxBuildHasher> = IndexMap::default();
    for (shape, rows) in shapes.iter().zip(uses_of_shape) {
        shape.iter().for_each(|attribute| *uses.entry(*attribute).or_default() += rows);
    }
    let deserves = |key: &str, count| {
        count >= RAREST_ROWS.max(rows / RAREST_SHARE)
            && key.len() <= MAX_KEY_BYTES
            && !key.chars().any(char::is_control)
    };
    let mut chosen: Vec<_> = uses.into_iter().filter(|((key, _), count)| deserves(key, *count)).collect();
    // Stable, so that those used as often stay as they first came.
    chosen.sort_by_key(|(_, count)| Reverse(*count));
    chosen.truncate(MAX_COLUMNS);
    let columns: Vec<_> = chosen
        .into_iter()
        .map(|((key, kind), _)| AttributeColumn { key, kind, name: column_name(key, kind) })
        .collect();
    let places = columns.iter().enumerate().map(|(place, column)| ((column.key, column.kind), place + 1)).collect();
    (columns, places)
}

/// Values of one column in one block, as they are collected.
enum Collected<'a> {
    Numbers(Vec<u64>),
    Strings(Vec<&'a [u8]>),
}

impl<'a> Collected<'a> {
    fn new(kind: Type) -> Collected<'a> {
        match kind {
            Type::Empty | Type::Bool | Type::Int | Type::Double => Collected::Numbers(Vec::new()),
            Type::String | Type::Bytes | Type::Array | Type::Map => Collected::Strings(Vec::new()),
        }
    }

    /// Adds the next value, which is of the column's type.
    fn push(&mut self, bodies: &mut Slice<'a>, kind: Type) -> Result<()> {
        match (self, kind) {
            // A column of zeros is not stored.
            (Collected::Numbers(numbers), Type::Empty) => numbers.push(0),
            (Collected::Numbers(numbers), Type::Bool) => numbers.push(u64::from(bodies.byte()? != 0)),
            // Zigzag here and there.
            (Collected::Numbers(numbers), Type::Int) => numbers.push(bodies.varint()?),
            (Collected::Numbers(numbers), _) => numbers.push(u64::from_le_bytes(bodies.array()?)),
            (Collected::Strings(strings), Type::String | Type::Bytes) => strings.push(bodies.bytes()?),
            (Collected::Strings(strings), _) => strings.push(bodies.part(|bodies| skip_body(bodies, kind))?),
        }
        Ok(())
    }
}
