//! Attribute columns being read: what [`attribute_writer`](super::attribute_writer) wrote, only the columns asked for.

use std::ops::Range;

use super::super::bytes::{Reader, Type, get_body, get_value, unzigzag};
use super::super::error::{CodecError, Result};
use super::{ColumnReader, Numbers, REST, REST_COLUMN, SHAPE_COLUMN, Strings, column_name};
use crate::model::{Attributes, Text, Value};

/// More values than any block holds; a damaged shape must not make a reader reserve more.
const MAX_VALUES_PER_BLOCK: usize = 1 << 24;
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
    /// The source fails or the bytes are damaged.
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
    /// The source fails or the bytes are damaged.
    pub fn block(&self, columns: &mut ColumnReader<'_>, block: usize, count: usize) -> Result<BlockShapes> {
        let mut content = columns.raw(SHAPE_COLUMN, block)?;
        if content.remaining() == 0 {
            return Ok(BlockShapes { block, count, shapes: vec![Vec::new()], of_row: Numbers::zeros(count) });
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
    /// The source fails or the bytes are damaged.
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

    /// Tells the value of `key` for each row of a block that has it: the last one, when the key repeats.
    ///
    /// # Errors
    /// The source fails or the bytes are damaged.
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
    /// The values of one key and type, which have a column of their own.
    Column {
        /// The key of the column.
        key: Text,
        /// The type of the values.
        kind: Type,
        /// The values.
        values: Values,
    },
    /// Rare keys, each with its value.
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
