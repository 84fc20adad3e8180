//! Attribute columns being read: what [`attribute_writer`](super::attribute_writer) wrote, only the columns asked for.

use std::rc::Rc;

use super::super::bytes::{Reader, Type, get_body, get_value, unzigzag};
use super::super::error::{CodecError, Result};
use super::{Block, ColumnReader, Numbers, REST, REST_COLUMN, SHAPE_COLUMN, Strings, column_name};
use crate::model::{Attributes, Keys, Text, Value};

/// More values than any block holds; a damaged shape must not make a reader reserve more.
const MAX_VALUES_PER_BLOCK: usize = 1 << 24;

/// The attribute columns of a segment, as they are read.
pub struct AttributeReader {
    columns: Vec<(Text, Type)>,
    /// The keys in `rest`; `None` when they are too many to list.
    rest_keys: Option<Vec<Text>>,
    /// The shapes of the block that was read last.
    shapes: Option<Rc<BlockShapes>>,
}

impl AttributeReader {
    /// Reads which columns there are.
    ///
    /// # Errors
    /// The source fails or the bytes are damaged.
    pub fn open(columns: &mut ColumnReader<'_>) -> Result<AttributeReader> {
        let mut shared = columns.shared(SHAPE_COLUMN)?;
        if shared.remaining() == 0 {
            return Ok(AttributeReader { columns: Vec::new(), rest_keys: Some(Vec::new()), shapes: None });
        }
        let columns = shared.list(|shared| Ok((shared.text()?, Type::from_tag(shared.byte()?)?)))?;
        let is_listed = shared.byte()? != 0;
        let listed = shared.list(Reader::text)?;
        shared.finish()?;
        Ok(AttributeReader { columns, rest_keys: is_listed.then_some(listed), shapes: None })
    }

    /// The shapes of a block.
    fn shapes(&mut self, block: &mut Block<'_, '_>) -> Result<Rc<BlockShapes>> {
        let known = self.shapes.clone().filter(|known| known.block == block.number);
        let shapes = match known {
            Some(known) => known,
            None => Rc::new(self.read_shapes(block)?),
        };
        self.shapes = Some(shapes.clone());
        Ok(shapes)
    }

    fn read_shapes(&self, block: &mut Block<'_, '_>) -> Result<BlockShapes> {
        let mut content = block.raw(SHAPE_COLUMN)?;
        let count = block.summary.rows;
        if content.remaining() == 0 {
            let (shapes, of_row) = (vec![Vec::new()], Numbers::zeros(count));
            return Ok(BlockShapes { block: block.number, count, shapes, of_row });
        }
        let place = |content: &mut Reader| match usize::try_from(content.varint()?) {
            Ok(place) if place <= self.columns.len() => Ok(place),
            _ => Err(CodecError::Malformed("no such attribute column")),
        };
        let shapes = content.list(|content| content.list(place))?;
        let of_row = Numbers::read(&mut content, count)?;
        content.finish()?;
        Ok(BlockShapes { block: block.number, count, shapes, of_row })
    }

    /// The attributes of these keys of some rows of a block, which come in order.
    ///
    /// # Errors
    /// The source fails or the bytes are damaged.
    pub fn read(
        &mut self,
        block: &mut Block<'_, '_>,
        rows: impl IntoIterator<Item = usize>,
        keys: &Keys,
    ) -> Result<Vec<Attributes>> {
        let shapes = self.shapes(block)?;
        let totals = shapes.count_places(self.columns.len() + 1)?;
        let mut next = vec![0usize; totals.len()];
        let mut passed = 0;
        let mut cells: Vec<Option<PlaceCells>> = totals.iter().map(|_| None).collect();
        // Behind the place of rare keys, of which each is asked.
        let mut is_wanted = vec![keys != &Keys::These(Vec::new())];
        is_wanted.extend(self.columns.iter().map(|(key, _)| keys.has(key)));
        let mut out = Vec::new();
        for row in rows {
            for row in passed..row {
                shapes.of(row)?.iter().for_each(|place| next[*place] += 1);
            }
            passed = row + 1;
            let shape = shapes.of(row)?;
            let most = if *keys == Keys::All { shape.len() } else { 0 };
            let mut pairs = Vec::with_capacity(most);
            for place in shape {
                if !is_wanted[*place] {
                    next[*place] += 1;
                    continue;
                }
                let cells = match &mut cells[*place] {
                    Some(cells) => cells,
                    unread => unread.insert(self.cells(block, *place, totals[*place])?),
                };
                let pair = cells.pair(next[*place])?;
                if *place != REST || keys.has(&pair.0) {
                    pairs.push(pair);
                }
                next[*place] += 1;
            }
            out.push(Attributes(pairs));
        }
        Ok(out)
    }

    /// Tells the value of `key` for each row of a block that has it: the last one, when the key repeats.
    ///
    /// # Errors
    /// The source fails or the bytes are damaged.
    pub fn find(
        &mut self,
        block: &mut Block<'_, '_>,
        key: &str,
        found: &mut dyn FnMut(usize, &PlaceCells, usize) -> Result<()>,
    ) -> Result<()> {
        let may_be_rest = self.rest_keys.as_ref().is_none_or(|keys| keys.iter().any(|known| known == key));
        let mut wanted = vec![may_be_rest];
        wanted.extend(self.columns.iter().map(|(known, _)| known == key));
        if !wanted.contains(&true) {
            return Ok(());
        }
        let shapes = self.shapes(block)?;
        if !shapes.shapes.iter().flatten().any(|place| wanted[*place]) {
            return Ok(());
        }
        let totals = shapes.count_places(wanted.len())?;
        let mut cells = Vec::with_capacity(wanted.len());
        for (place, total) in totals.iter().enumerate() {
            let used = wanted[place] && *total > 0;
            cells.push(used.then(|| self.cells(block, place, *total)).transpose()?);
        }
        let mut next = vec![0usize; wanted.len()];
        for row in 0..shapes.count {
            let shape = shapes.of(row)?;
            shape.iter().for_each(|place| next[*place] += 1);
            let mut rest_after = 0;
            for place in shape.iter().rev() {
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

    /// Tells each value of a block whose key and type are `wanted`, by its row and by a number that stands for its column
    /// in all of the segment. A value of a rare key is told whatever its type, and its key is for the caller to look at.
    ///
    /// # Errors
    /// The source fails or the bytes are damaged.
    pub fn each(
        &mut self,
        block: &mut Block<'_, '_>,
        wanted: &dyn Fn(&str, Type) -> bool,
        found: &mut dyn FnMut(usize, usize, &PlaceCells, usize) -> Result<()>,
    ) -> Result<()> {
        let shapes = self.shapes(block)?;
        let totals = shapes.count_places(self.columns.len() + 1)?;
        let mut cells = Vec::with_capacity(totals.len());
        for (place, total) in totals.iter().enumerate() {
            let column = place.checked_sub(1).and_then(|column| self.columns.get(column));
            let is_wanted = *total > 0 && column.is_none_or(|(key, kind)| wanted(key, *kind));
            cells.push(is_wanted.then(|| self.cells(block, place, *total)).transpose()?);
        }
        let mut next = vec![0usize; cells.len()];
        for row in 0..shapes.count {
            for place in shapes.of(row)? {
                if let Some(cells) = &cells[*place] {
                    found(row, *place, cells, next[*place])?;
                }
                next[*place] += 1;
            }
        }
        Ok(())
    }

    fn cells(&self, block: &mut Block<'_, '_>, place: usize, total: usize) -> Result<PlaceCells> {
        let Some((key, kind)) = place.checked_sub(1).and_then(|column| self.columns.get(column)) else {
            return block.some_strings(REST_COLUMN, total).map(PlaceCells::Rest);
        };
        let (key, name) = (key.clone(), column_name(key, *kind));
        match kind {
            Type::Empty | Type::Bool | Type::Int | Type::Double => {
                Ok(PlaceCells::Numbers(key, *kind, block.some_numbers(&name, total)?))
            }
            Type::String | Type::Bytes | Type::Array | Type::Map => {
                Ok(PlaceCells::Strings(key, *kind, block.some_strings(&name, total)?))
            }
        }
    }
}

/// The shapes of a block's rows.
struct BlockShapes {
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

    /// How many values of each place the rows have.
    fn count_places(&self, places: usize) -> Result<Vec<usize>> {
        let mut uses = vec![0usize; self.shapes.len()];
        for row in 0..self.count {
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
    /// Empty values, booleans, integers or doubles of a key.
    Numbers(Text, Type, Numbers),
    /// Texts, bytes, or encoded arrays or maps of a key.
    Strings(Text, Type, Strings),
    /// Rare keys, each with its value.
    Rest(Strings),
}

impl PlaceCells {
    /// Key and value of a cell.
    ///
    /// # Errors
    /// The cell is damaged or not there.
    pub fn pair(&self, cell: usize) -> Result<(Text, Value)> {
        let (key, value) = match self {
            PlaceCells::Rest(strings) => {
                let mut reader = strings.reader(cell)?;
                return Ok((reader.text()?, get_value(&mut reader)?));
            }
            PlaceCells::Numbers(key, kind, numbers) => {
                let number = numbers.get(cell)?;
                let value = match kind {
                    Type::Empty => Value::Empty,
                    Type::Bool => Value::Bool(number != 0),
                    Type::Int => Value::Int(unzigzag(number)),
                    _ => Value::Double(f64::from_bits(number)),
                };
                (key, value)
            }
            PlaceCells::Strings(key, kind, strings) => {
                let value = match kind {
                    Type::String => Value::String(strings.text(cell)?),
                    Type::Bytes => Value::Bytes(strings.bytes(cell)?),
                    _ => get_body(&mut strings.reader(cell)?, *kind)?,
                };
                (key, value)
            }
        };
        Ok((key.clone(), value))
    }
}
