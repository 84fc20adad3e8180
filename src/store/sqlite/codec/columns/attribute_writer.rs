//! Attributes as columns, for any kind of record that has them.
//!
//! A row's *shape* is the ordered list of its keys and types; there are few in a segment, so a row is a number of a
//! shape and its values stand in one column per key and type, `attr.http.route.string`, holding only the rows that have
//! it. Keys too rare to deserve a column go, with their values, into the column `rest`, one cell each; their place in
//! the shape says so, which keeps the order of attributes whatever keys a program invents.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{
    shape::Shapes,
    writer::{Cells, ColumnReader, ColumnWriter, Numbers, Strings, put_planes},
};
use crate::{
    model::{Attributes, Text, Value},
    store::sqlite::codec::{
        bytes::{
            numbers::{Reader, Slice, put_bytes, put_varint, unzigzag},
            value::{Type, get_body, get_value, put_body, skip_body},
        },
        error::{CodecError, Result},
    },
};

/// Most columns of attributes in a segment.
const MAX_COLUMNS: usize = 200;
/// A column of its own is for keys on at least one row in so many...
const RAREST_SHARE: usize = 200;
/// ...and on at least so many rows.
const RAREST_ROWS: usize = 4;
/// Longer keys get no column, because its name would hold them.
const MAX_KEY_BYTES: usize = 128;
/// Most keys in `rest` that are listed, for searches to know what is not there.
const MAX_LISTED_KEYS: usize = 256;
/// More values than any block holds; a damaged shape must not make a reader reserve more.
const MAX_VALUES_PER_BLOCK: usize = 1 << 24;
/// Place in a shape of an attribute in `rest`; columns count from 1.
const REST: usize = 0;
const SHAPE_COLUMN: &str = "shape";
const REST_COLUMN: &str = "rest";

/// Keys and types of a row's attributes, in their order.
pub type Shape<'a> = Vec<(&'a str, Type)>;

/// The attributes of a row as they lie in the inbox.
#[derive(Debug, Clone, Copy)]
pub struct RawAttributes<'a> {
    /// Which shape they have.
    pub shape: usize,
    /// Their values one after the other, as [`crate::store::sqlite::codec::bytes::value::put_body`] writes them.
    pub bodies: &'a [u8],
}

/// Attributes brought into the form they have in the inbox.
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
        let shape = |attributes: &&'a Attributes| {
            attributes.iter().map(|(key, value)| (key.as_str(), Type::of(value))).collect()
        };
        EncodedAttributes { shapes: known.distinct().iter().map(shape).collect(), bodies, rows }
    }

    /// What writes them.
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
        let mut cells: Vec<Buffer<'a>> = self.columns.iter().map(|column| Buffer::of(column.kind)).collect();
        let mut rest = Cells::default();
        for row in &self.rows[rows.clone()] {
            let mut bodies = Slice::new(row.bodies);
            for ((key, kind), place) in self.shapes[row.shape].iter().zip(&self.places[row.shape]) {
                match *place {
                    REST => {
                        let body = bodies.part(|bodies| skip_body(bodies, *kind))?;
                        rest.push(|out| {
                            put_bytes(out, key.as_bytes());
                            out.push(*kind as u8);
                            out.extend_from_slice(body);
                        });
                    }
                    place => cells[place - 1].push(&mut bodies, *kind)?,
                }
            }
        }
        self.write_shapes(out, rows);
        for (column, cells) in self.columns.iter().zip(&cells) {
            match cells {
                Buffer::Nothing => {}
                Buffer::Numbers(numbers) => out.numbers(&column.name, numbers),
                Buffer::Strings(strings) => out.strings(&column.name, strings),
                Buffer::Bodies(cells) => out.bytes(&column.name, cells),
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
        let mut local: FxHashMap<usize, u64> = FxHashMap::default();
        let mut shapes = Vec::new();
        let mut of_row = Vec::with_capacity(rows.len());
        for row in &self.rows[rows] {
            let next = local.len() as u64;
            of_row.push(*local.entry(row.shape).or_insert_with(|| {
                let places = &self.places[row.shape];
                put_varint(&mut shapes, places.len() as u64);
                places.iter().for_each(|place| put_varint(&mut shapes, *place as u64));
                next
            }));
        }
        // One shape without places: no row has attributes.
        if shapes == [0] {
            return;
        }
        let mut content = Vec::with_capacity(shapes.len() + 2 * of_row.len() + 16);
        put_varint(&mut content, local.len() as u64);
        content.extend_from_slice(&shapes);
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
    let mut uses: FxHashMap<(&'a str, Type), (usize, usize)> = FxHashMap::default();
    for (shape, rows) in shapes.iter().zip(uses_of_shape) {
        for attribute in shape {
            let next = uses.len();
            uses.entry(*attribute).or_insert((0, next)).0 += rows;
        }
    }
    let deserves = |key: &str, count| {
        count >= RAREST_ROWS.max(rows / RAREST_SHARE)
            && key.len() <= MAX_KEY_BYTES
            && !key.chars().any(char::is_control)
    };
    let mut chosen: Vec<_> = uses.into_iter().filter(|((key, _), (count, _))| deserves(key, *count)).collect();
    chosen.sort_unstable_by_key(|(_, (count, first))| (usize::MAX - count, *first));
    chosen.truncate(MAX_COLUMNS);
    let columns: Vec<_> = chosen
        .into_iter()
        .map(|((key, kind), _)| AttributeColumn { key, kind, name: column_name(key, kind) })
        .collect();
    let places = columns.iter().enumerate().map(|(place, column)| ((column.key, column.kind), place + 1)).collect();
    (columns, places)
}

fn column_name(key: &str, kind: Type) -> String {
    format!("attr.{key}.{}", kind.as_str())
}

/// Values of one column in one block, as they are collected.
enum Buffer<'a> {
    Nothing,
    Numbers(Vec<u64>),
    Strings(Vec<&'a [u8]>),
    Bodies(Cells),
}

impl<'a> Buffer<'a> {
    fn of(kind: Type) -> Buffer<'a> {
        match kind {
            Type::Empty => Buffer::Nothing,
            Type::Bool | Type::Int | Type::Double => Buffer::Numbers(Vec::new()),
            Type::String | Type::Bytes => Buffer::Strings(Vec::new()),
            Type::Array | Type::Map => Buffer::Bodies(Cells::default()),
        }
    }

    /// Adds the next value, which is of the column's type.
    fn push(&mut self, bodies: &mut Slice<'a>, kind: Type) -> Result<()> {
        match (self, kind) {
            (Buffer::Numbers(numbers), Type::Bool) => numbers.push(u64::from(bodies.byte()? != 0)),
            // Zigzag here and there.
            (Buffer::Numbers(numbers), Type::Int) => numbers.push(bodies.varint()?),
            (Buffer::Numbers(numbers), _) => numbers.push(u64::from_le_bytes(bodies.array()?)),
            (Buffer::Strings(strings), _) => strings.push(bodies.bytes()?),
            (Buffer::Bodies(cells), kind) => {
                let body = bodies.part(|bodies| skip_body(bodies, kind))?;
                cells.push(|out| out.extend_from_slice(body));
            }
            (Buffer::Nothing, kind) => skip_body(bodies, kind)?,
        }
        Ok(())
    }
}

/// The attribute columns of a segment, as they are read.
pub struct AttributeReader {
    columns: Vec<(Text, Type)>,
    /// The keys in `rest`; `None` when they are too many to list.
    rest_keys: Option<Vec<Text>>,
}

impl AttributeReader {
    /// Reads which columns there are.
    ///
    /// # Errors
    /// The source fails or the bytes are damaged; so for all readers below.
    pub fn open(columns: &mut ColumnReader<'_>) -> Result<AttributeReader> {
        let mut shared = columns.shared(SHAPE_COLUMN)?;
        if shared.remaining() == 0 {
            return Ok(AttributeReader { columns: Vec::new(), rest_keys: Some(Vec::new()) });
        }
        let count = shared.count()?;
        let columns =
            (0..count).map(|_| Ok((shared.text()?, Type::from_tag(shared.byte()?)?))).collect::<Result<_>>()?;
        let is_listed = shared.byte()? != 0;
        let count = shared.count()?;
        let listed = (0..count).map(|_| shared.text()).collect::<Result<_>>()?;
        shared.finish()?;
        Ok(AttributeReader { columns, rest_keys: is_listed.then_some(listed) })
    }

    /// The shapes of a block of `count` rows.
    ///
    /// # Errors
    /// As above.
    pub fn block(&self, columns: &mut ColumnReader<'_>, block: usize, count: usize) -> Result<BlockShapes> {
        let mut content = columns.raw(SHAPE_COLUMN, block)?;
        if content.remaining() == 0 {
            let of_row = Numbers::read(&mut Reader::new(bytes::Bytes::from_static(&[0])), count)?;
            return Ok(BlockShapes { block, count, shapes: vec![Vec::new()], of_row });
        }
        let shapes = content.count()?;
        let shapes = (0..shapes).map(|_| self.shape(&mut content)).collect::<Result<_>>()?;
        let of_row = Numbers::read(&mut content, count)?;
        content.finish()?;
        Ok(BlockShapes { block, count, shapes, of_row })
    }

    fn shape(&self, content: &mut Reader) -> Result<Vec<usize>> {
        let places = content.count()?;
        let mut shape = Vec::with_capacity(places);
        for _ in 0..places {
            match usize::try_from(content.varint()?) {
                Ok(place) if place <= self.columns.len() => shape.push(place),
                _ => return Err(CodecError::Malformed("no such attribute column")),
            }
        }
        Ok(shape)
    }

    /// The attributes of some rows of a block, which come in order.
    ///
    /// # Errors
    /// As above.
    pub fn read(
        &self,
        columns: &mut ColumnReader<'_>,
        shapes: &BlockShapes,
        rows: impl IntoIterator<Item = usize>,
    ) -> Result<Vec<Attributes>> {
        let totals = shapes.count_places(0..shapes.count, self.columns.len() + 1)?;
        let mut next = vec![0usize; self.columns.len() + 1];
        let mut passed = 0;
        let mut cells: Vec<Option<PlaceCells>> = totals.iter().map(|_| None).collect();
        let mut out = Vec::new();
        for row in rows {
            for row in passed..row {
                shapes.of(row)?.iter().for_each(|place| next[*place] += 1);
            }
            passed = row + 1;
            let shape = shapes.of(row)?;
            let mut pairs = Vec::with_capacity(shape.len());
            for place in shape {
                if cells[*place].is_none() {
                    cells[*place] = Some(self.cells(columns, shapes.block, *place, totals[*place])?);
                }
                if let Some(cells) = &cells[*place] {
                    pairs.push(cells.pair(next[*place])?);
                }
                next[*place] += 1;
            }
            out.push(Attributes(pairs));
        }
        Ok(out)
    }

    /// Whether any row of the segment may have an attribute of that key.
    pub fn may_have(&self, key: &str) -> bool {
        self.columns.iter().any(|(known, _)| known == key) || self.may_be_rest(key)
    }

    /// Tells, for each row of a block that has `key`, its value (the last one, when the key repeats).
    ///
    /// # Errors
    /// As above.
    pub fn find(
        &self,
        columns: &mut ColumnReader<'_>,
        shapes: &BlockShapes,
        key: &str,
        found: &mut dyn FnMut(usize, &PlaceCells, usize) -> Result<()>,
    ) -> Result<()> {
        let is_wanted = |place: usize| match place.checked_sub(1).and_then(|column| self.columns.get(column)) {
            Some((known, _)) => known == key,
            None => self.may_be_rest(key),
        };
        let wanted: Vec<bool> = (0..=self.columns.len()).map(is_wanted).collect();
        if !shapes.shapes.iter().flatten().any(|place| wanted[*place]) {
            return Ok(());
        }
        let totals = shapes.count_places(0..shapes.count, wanted.len())?;
        let mut cells = Vec::with_capacity(wanted.len());
        for (place, total) in totals.iter().enumerate() {
            let used = wanted[place] && *total > 0;
            cells.push(used.then(|| self.cells(columns, shapes.block, place, *total)).transpose()?);
        }
        let mut next = vec![0usize; wanted.len()];
        for row in 0..shapes.count {
            let shape = shapes.of(row)?;
            shape.iter().for_each(|place| next[*place] += 1);
            let mut rest_after = 0;
            for place in shape.iter().rev().filter(|place| wanted[**place]) {
                let Some(cells) = &cells[*place] else { continue };
                // Cells of `rest` are of any key, so all of them on the row are looked at, last one first.
                rest_after += usize::from(*place == REST);
                let cell = next[*place].saturating_sub(if *place == REST { rest_after } else { 1 });
                if *place != REST || cells.pair(cell)?.0 == key {
                    found(row, cells, cell)?;
                    break;
                }
            }
        }
        Ok(())
    }

    fn may_be_rest(&self, key: &str) -> bool {
        self.rest_keys.as_ref().is_none_or(|keys| keys.iter().any(|known| known == key))
    }

    fn cells(&self, columns: &mut ColumnReader<'_>, block: usize, place: usize, total: usize) -> Result<PlaceCells> {
        let Some((key, kind)) = place.checked_sub(1).and_then(|column| self.columns.get(column)) else {
            return columns.strings(REST_COLUMN, block, total).map(PlaceCells::Rest);
        };
        let name = column_name(key, *kind);
        let values = match kind {
            Type::Empty => Values::Nothing,
            Type::Bool | Type::Int | Type::Double => Values::Numbers(columns.numbers(&name, block, total)?),
            Type::String | Type::Bytes | Type::Array | Type::Map => {
                Values::Strings(columns.strings(&name, block, total)?)
            }
        };
        Ok(PlaceCells::Column { key: key.clone(), kind: *kind, values })
    }
}

/// The shapes of a block's rows.
pub struct BlockShapes {
    block: usize,
    count: usize,
    shapes: Vec<Vec<usize>>,
    of_row: Numbers,
}

impl BlockShapes {
    fn of(&self, row: usize) -> Result<&[usize]> {
        let shape = self.shapes.get(self.of_row.place(row)?);
        shape.map(Vec::as_slice).ok_or(CodecError::Malformed("no such shape"))
    }

    /// How many values of each place these rows have.
    fn count_places(&self, rows: Range<usize>, places: usize) -> Result<Vec<usize>> {
        let mut uses = vec![0usize; self.shapes.len()];
        for row in rows {
            *uses.get_mut(self.of_row.place(row)?).ok_or(CodecError::Malformed("no such shape"))? += 1;
        }
        let values: usize = uses.iter().zip(&self.shapes).map(|(uses, shape)| uses.saturating_mul(shape.len())).sum();
        if values > MAX_VALUES_PER_BLOCK {
            return Err(CodecError::Malformed("values of a block"));
        }
        let mut counts = vec![0usize; places];
        for (uses, shape) in uses.iter().zip(&self.shapes).filter(|(uses, _)| **uses > 0) {
            shape.iter().for_each(|place| counts[*place] += uses);
        }
        Ok(counts)
    }
}

/// The values of one place of the shapes in one block.
pub enum PlaceCells {
    /// A column of its own.
    Column {
        /// Its key.
        key: Text,
        /// The type of its values.
        kind: Type,
        /// The values.
        values: Values,
    },
    /// Rare keys with their values.
    Rest(Strings),
}

/// Values of a column, by how they are stored.
pub enum Values {
    /// Empty values need no room.
    Nothing,
    /// Booleans, integers and doubles.
    Numbers(Numbers),
    /// Text, bytes, and encoded arrays and maps.
    Strings(Strings),
}

impl PlaceCells {
    /// Key and value of a cell.
    ///
    /// # Errors
    /// The cell is damaged or not there.
    pub fn pair(&self, cell: usize) -> Result<(Text, Value)> {
        match self {
            PlaceCells::Rest(strings) => {
                let mut reader = strings.reader(cell)?;
                Ok((reader.text()?, get_value(&mut reader)?))
            }
            PlaceCells::Column { key, kind, values } => Ok((key.clone(), values.get(cell, *kind)?)),
        }
    }
}

impl Values {
    fn get(&self, cell: usize, kind: Type) -> Result<Value> {
        Ok(match (self, kind) {
            (Values::Numbers(numbers), Type::Bool) => Value::Bool(numbers.get(cell)? != 0),
            (Values::Numbers(numbers), Type::Int) => Value::Int(unzigzag(numbers.get(cell)?)),
            (Values::Numbers(numbers), _) => Value::Double(f64::from_bits(numbers.get(cell)?)),
            (Values::Strings(strings), Type::String) => Value::String(strings.text(cell)?),
            (Values::Strings(strings), Type::Bytes) => Value::Bytes(strings.bytes(cell)?),
            (Values::Strings(strings), _) => get_body(&mut strings.reader(cell)?, kind)?,
            (Values::Nothing, _) => Value::Empty,
        })
    }
}
