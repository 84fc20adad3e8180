//! Which fields an object has, so that a misspelt `--fields` is an error before anything is read, also when the answer
//! is empty; and which of them were chosen.

use super::shape::Inner::{Object, Open, Plain, Rows};

/// Which fields an object has.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The fields in the order they are printed.
    pub fields: &'static [Field],
    /// The field `Format::Id` prints.
    pub id: &'static str,
}

/// What lies in a field.
#[derive(Debug, Clone, Copy)]
pub enum Inner {
    /// A value, or a list of values.
    Plain,
    /// An object with these fields; each is a column of its own.
    Object(&'static [&'static str]),
    /// An object with any fields, such as attributes.
    Open,
    /// A list of objects of this shape.
    Rows(&'static Shape),
}

/// A field of an object.
pub type Field = (&'static str, Inner);

/// The fields of several shapes one after the other, each name where it stands first. `N` is how many that are; another
/// number does not compile.
pub(super) const fn joined<const N: usize>(parts: &[&[Field]]) -> [Field; N] {
    let mut fields = [("", Plain); N];
    let (mut part, mut count) = (0, 0);
    while part < parts.len() {
        let mut at = 0;
        while at < parts[part].len() {
            let field = parts[part][at];
            if !has_name(&fields, count, field.0) {
                fields[count] = field;
                count += 1;
            }
            at += 1;
        }
        part += 1;
    }
    assert!(count == N, "so many names are not there");
    fields
}

const fn has_name(fields: &[Field], count: usize, name: &str) -> bool {
    let mut at = 0;
    while at < count {
        if is_same(fields[at].0.as_bytes(), name.as_bytes()) {
            return true;
        }
        at += 1;
    }
    false
}

const fn is_same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    a.len() == b.len() && at == a.len()
}

/// A field no object of the shape has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown field `{field}`; the fields are {known}")]
pub struct UnknownField {
    /// What was asked for.
    pub field: String,
    /// What there is.
    pub known: String,
}

/// Chosen fields, in the order they were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(pub(super) Vec<String>);

impl Fields {
    /// Reads `a,b.c`.
    ///
    /// # Errors
    /// [`UnknownField`] names the first field that `shape` does not have.
    pub fn parse(text: &str, shape: &Shape) -> Result<Fields, UnknownField> {
        let paths: Vec<String> = text.split(',').map(|path| path.trim().to_owned()).collect();
        match paths.iter().find(|path| !shape.has(path)) {
            Some(path) => Err(UnknownField { field: path.clone(), known: shape.paths().join(", ") }),
            None => Ok(Fields(paths)),
        }
    }

    /// All columns of a shape.
    pub(super) fn all(shape: &Shape) -> Fields {
        Fields(shape.paths())
    }
}

impl Shape {
    fn has(&self, path: &str) -> bool {
        let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
        let Some((_, inner)) = self.fields.iter().find(|(name, _)| *name == head) else { return false };
        match (rest, inner) {
            (None, _) | (Some(_), Open) => true,
            (Some(rest), Object(fields)) => fields.contains(&rest),
            (Some(rest), Rows(shape)) => shape.has(rest),
            (Some(_), Plain) => false,
        }
    }

    /// The fields, those of objects one by one.
    fn paths(&self) -> Vec<String> {
        let paths = self.fields.iter().flat_map(|(name, inner)| match inner {
            Object(fields) => fields.iter().map(|field| format!("{name}.{field}")).collect(),
            Plain | Open | Rows(_) => vec![(*name).to_owned()],
        });
        paths.collect()
    }
}
