//! What was found out of the strings of a column, so that each is looked at once in a segment.

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::super::error::Result;
use super::Strings;

/// What is known of the strings of a column, so that each is looked at once: by place in the dictionary, which costs
/// next to nothing to look up, or by its bytes in blocks without one.
#[derive(Debug, Clone)]
pub struct Known<T> {
    by_code: FxHashMap<usize, T>,
    by_bytes: FxHashMap<Bytes, T>,
}

impl<T> Default for Known<T> {
    fn default() -> Known<T> {
        Known { by_code: FxHashMap::default(), by_bytes: FxHashMap::default() }
    }
}

impl<T: Clone> Known<T> {
    /// What is known of the string of a row, found out by `look` when it is a new one.
    ///
    /// # Errors
    /// There are fewer rows, and those of `look`.
    pub fn look_up(&mut self, strings: &Strings, row: usize, look: impl FnOnce(Bytes) -> Result<T>) -> Result<T> {
        let code = strings.code(row)?;
        if let Some(known) = code.and_then(|code| self.by_code.get(&code)) {
            return Ok(known.clone());
        }
        let bytes = strings.bytes(row)?;
        if let Some(known) = self.by_bytes.get(&bytes) {
            return Ok(known.clone());
        }
        let found = look(bytes.clone())?;
        match code {
            Some(code) => self.by_code.insert(code, found.clone()),
            None => self.by_bytes.insert(bytes, found.clone()),
        };
        Ok(found)
    }
}
