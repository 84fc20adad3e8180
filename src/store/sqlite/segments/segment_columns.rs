//! Columns of one segment as the codec wants them: frames by column and number, read from SQLite as late as possible.

use rusqlite::Connection;
use rustc_hash::FxHashMap;

use super::super::codec::{CodecError, ColumnSource, block_range, column_header_bytes};
use super::super::sql;
use crate::store::{Error, Result};

/// The columns of one segment.
pub struct Columns<'c> {
    connection: &'c Connection,
    segment: i64,
    header_bytes: usize,
    whole: bool,
    names: Option<FxHashMap<String, i64>>,
    loaded: FxHashMap<String, Vec<u8>>,
    failure: Option<Error>,
}

impl<'c> Columns<'c> {
    /// The columns of a segment of so many blocks. For reading most of those `whole` reads a column once, as a whole;
    /// otherwise only the bytes of the blocks are read that are asked for.
    pub fn new(connection: &'c Connection, segment: i64, blocks: usize, whole: bool) -> Columns<'c> {
        let header_bytes = column_header_bytes(blocks);
        Columns { connection, segment, header_bytes, whole, names: None, loaded: FxHashMap::default(), failure: None }
    }

    /// What reading through `self` came to: the store's failure, when there was one, rather than the codec's guess.
    pub fn check<T>(&mut self, result: std::result::Result<T, CodecError>) -> Result<T> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(result?),
        }
    }

    fn names(&mut self) -> Result<&FxHashMap<String, i64>> {
        if self.names.is_none() {
            let sql = "SELECT name, id FROM segment_columns WHERE segment = ?1";
            let names = sql::all(self.connection, sql, [self.segment], |row| Ok((row.get(0)?, row.get(1)?)))?;
            self.names = Some(names.into_iter().collect());
        }
        Ok(self.names.get_or_insert_default())
    }

    fn frame(&mut self, column: &str, block: usize) -> Result<Option<Vec<u8>>> {
        let Some(rowid) = self.names()?.get(column).copied() else { return Ok(None) };
        let damaged = || Error::Corrupt(format!("column `{column}` of segment {}", self.segment));
        if let Some(known) = self.loaded.get(column)
            && self.whole
        {
            let range = block_range(known, block).ok_or_else(damaged)?;
            return known.get(range).map(|frame| Some(frame.to_vec())).ok_or_else(damaged);
        }
        if self.whole {
            let data = sql::value(self.connection, "SELECT data FROM segment_columns WHERE id = ?1", [rowid])?;
            self.loaded.insert(column.to_owned(), data);
            return self.frame(column, block);
        }
        let blob = self.connection.blob_open("main", "segment_columns", "data", rowid, true)?;
        if !self.loaded.contains_key(column) {
            let mut header = vec![0; self.header_bytes.min(blob.len())];
            blob.read_at_exact(&mut header, 0)?;
            self.loaded.insert(column.to_owned(), header);
        }
        let range = self.loaded.get(column).and_then(|header| block_range(header, block));
        let range = range.filter(|range| range.end <= blob.len()).ok_or_else(damaged)?;
        let mut frame = vec![0; range.len()];
        blob.read_at_exact(&mut frame, range.start)?;
        Ok(Some(frame))
    }
}

impl ColumnSource for Columns<'_> {
    fn block(&mut self, column: &str, block: usize) -> std::result::Result<Option<Vec<u8>>, CodecError> {
        self.frame(column, block).map_err(|error| {
            self.failure = Some(error);
            CodecError::MissingColumn
        })
    }
}
