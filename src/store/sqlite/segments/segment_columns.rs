//! Columns of one segment as the codec wants them: frames by column and number, read from SQLite as late as possible.

use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;

use super::super::codec::{CodecError, ColumnSource, block_range, column_header_bytes};
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
    /// For reading most blocks: a column is read once, as a whole.
    pub fn whole(connection: &'c Connection, segment: i64, blocks: usize) -> Columns<'c> {
        Columns::new(connection, segment, blocks, true)
    }

    /// For reading a few blocks: only their bytes are read.
    pub fn by_block(connection: &'c Connection, segment: i64, blocks: usize) -> Columns<'c> {
        Columns::new(connection, segment, blocks, false)
    }

    fn new(connection: &'c Connection, segment: i64, blocks: usize, whole: bool) -> Columns<'c> {
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
            let mut select =
                self.connection.prepare_cached("SELECT name, id FROM segment_columns WHERE segment = ?1")?;
            let names = select.query_map([self.segment], |row| Ok((row.get(0)?, row.get(1)?)))?;
            self.names = Some(names.collect::<rusqlite::Result<_>>()?);
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
            let mut select = self.connection.prepare_cached("SELECT data FROM segment_columns WHERE id = ?1")?;
            let data: Vec<u8> = select.query_row(params![rowid], |row| row.get(0))?;
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

    fn keep_failure<T>(&mut self, result: Result<T>) -> std::result::Result<T, CodecError> {
        result.map_err(|error| {
            self.failure = Some(error);
            CodecError::MissingColumn
        })
    }
}

impl ColumnSource for Columns<'_> {
    fn block(&mut self, column: &str, block: usize) -> std::result::Result<Option<Vec<u8>>, CodecError> {
        let frame = self.frame(column, block);
        self.keep_failure(frame)
    }
}
