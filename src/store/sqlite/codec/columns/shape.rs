//! Shapes: the ordered keys and types of a record's attributes, of which programs send the same few again and again; and
//! the columns where attributes lie.

use std::hash::{Hash, Hasher};

use super::super::bytes::Type;
use super::Distinct;
use crate::model::{Attributes, Text, Value};

/// Place in a shape of an attribute in `rest`; columns count from 1.
pub const REST: usize = 0;
/// The column that says which shape each row has.
pub const SHAPE_COLUMN: &str = "shape";
/// The column of attributes whose keys are too rare for columns of their own.
pub const REST_COLUMN: &str = "rest";

/// The name of the column of a key and type.
pub fn column_name(key: &str, kind: Type) -> String {
    format!("attr.{key}.{}", kind.as_str())
}

/// The distinct shapes of some records, numbered as they first appear.
#[derive(Default)]
pub struct Shapes<'a>(Distinct<ShapeOf<'a>>);

impl<'a> Shapes<'a> {
    /// The number of the shape of `attributes`.
    pub fn id(&mut self, attributes: &'a Attributes) -> usize {
        self.0.insert_full(ShapeOf(attributes)).0
    }

    /// For each shape, in order of number, the first attributes that had it.
    pub fn distinct(&self) -> impl ExactSizeIterator<Item = &'a Attributes> {
        self.0.iter().map(|shape| shape.0)
    }
}

/// Attributes compared by keys and types only.
struct ShapeOf<'a>(&'a Attributes);

impl Hash for ShapeOf<'_> {
    /// The ends of each key are enough to tell shapes apart in practice, and much cheaper than all of it.
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (key, value) in self.0.iter() {
            let key = key.as_bytes();
            let (first, last) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
                (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
                _ => (key.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), 0),
            };
            state.write_u64(first ^ last.rotate_left(29) ^ (key.len() as u64) << 56 ^ (Type::of(value) as u64) << 48);
        }
    }
}

impl PartialEq for ShapeOf<'_> {
    fn eq(&self, other: &Self) -> bool {
        let same = |((key, value), (other_key, other)): (&(Text, Value), &(Text, Value))| {
            Type::of(value) == Type::of(other) && key.as_str() == other_key.as_str()
        };
        self.0.len() == other.0.len() && self.0.iter().zip(other.0.iter()).all(same)
    }
}

impl Eq for ShapeOf<'_> {}
