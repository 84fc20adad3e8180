//! Which fields an object has, so that a misspelt `--fields` is an error before anything is read, also when the answer
//! is empty; and which of them were chosen.

use crate::view::machine::shape::Inner::{Object, Open, Rows};

/// Names of fields, in parts.
pub type Keys = &'static [&'static [&'static str]];

/// Which fields an object has.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The fields in the order they are printed, in parts; a name of several parts counts in the first.
    pub keys: Keys,
    /// The fields that are more than a value or a list of values.
    pub inner: &'static [(&'static str, Inner)],
    /// The field `Format::Id` prints.
    pub id: &'static str,
}

/// What lies in a field that is more than a value or a list of values.
#[derive(Debug, Clone, Copy)]
pub enum Inner {
    /// An object with these fields; each is a column of its own.
    Object(Keys),
    /// An object with any fields, such as attributes, or a list of such objects.
    Open,
    /// A list of objects of this shape.
    Rows(&'static Shape),
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
    /// The names of all fields.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for name in self.keys.iter().copied().flatten() {
            if !names.contains(name) {
                names.push(*name);
            }
        }
        names
    }

    fn inner(&self, name: &str) -> Option<Inner> {
        self.inner.iter().find(|(known, _)| *known == name).map(|(_, inner)| *inner)
    }

    fn has(&self, path: &str) -> bool {
        let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
        let is_known = self.keys.iter().any(|names| names.contains(&head));
        is_known
            && match (rest, self.inner(head)) {
                (None, _) | (Some(_), Some(Open)) => true,
                (Some(rest), Some(Object(keys))) => keys.iter().any(|names| names.contains(&rest)),
                (Some(rest), Some(Rows(shape))) => shape.has(rest),
                (Some(_), None) => false,
            }
    }

    /// The fields, those of objects one by one.
    fn paths(&self) -> Vec<String> {
        let paths = self.names().into_iter().flat_map(|name| match self.inner(name) {
            Some(Object(keys)) => keys.iter().copied().flatten().map(|field| format!("{name}.{field}")).collect(),
            _ => vec![name.to_owned()],
        });
        paths.collect()
    }
}
