//! Pieces of the index of traces: sorted keys, each with the row it leads to.

use super::bytes::{Reader, envelope, put_signed, put_varint};
use super::columns::{Numbers, put_planes};
use super::error::{CodecError, Result};

/// Encodes keys with their rows, sorted by key.
pub fn encode_piece(entries: &[(u64, i64)]) -> Vec<u8> {
    let least_key = entries.first().map_or(0, |(key, _)| *key);
    let least_row = entries.iter().map(|(_, row)| *row).min().unwrap_or(0);
    let mut out = Vec::with_capacity(16 + 12 * entries.len());
    put_varint(&mut out, entries.len() as u64);
    put_varint(&mut out, least_key);
    put_signed(&mut out, least_row);
    put_planes(&mut out, &entries.iter().map(|(key, _)| key - least_key).collect::<Vec<_>>());
    put_planes(&mut out, &entries.iter().map(|(_, row)| row.wrapping_sub(least_row) as u64).collect::<Vec<_>>());
    envelope::wrap(&out)
}

/// A piece, as it is read.
pub struct Piece {
    count: usize,
    least_key: u64,
    least_row: i64,
    keys: Numbers,
    rows: Numbers,
}

impl Piece {
    /// Reads what [`encode_piece`] wrote.
    ///
    /// # Errors
    /// The bytes are no piece.
    pub fn read(bytes: &[u8]) -> Result<Piece> {
        let mut reader: Reader = Reader::new(envelope::unwrap(bytes)?);
        let count = usize::try_from(reader.varint()?).map_err(|_| CodecError::Truncated)?;
        // Only the first key may be no further than the least.
        if count > bytes.len() {
            return Err(CodecError::Truncated);
        }
        let (least_key, least_row) = (reader.varint()?, reader.signed()?);
        let (keys, rows) = (Numbers::read(&mut reader, count)?, Numbers::read(&mut reader, count)?);
        reader.finish()?;
        Ok(Piece { count, least_key, least_row, keys, rows })
    }

    fn key(&self, place: usize) -> Result<u64> {
        Ok(self.least_key.wrapping_add(self.keys.get(place)?))
    }

    /// Appends the rows of the keys from `low` to `high`; whether there may be more of them behind the piece.
    ///
    /// # Errors
    /// The piece is damaged.
    pub fn find(&self, low: u64, high: u64, rows: &mut Vec<i64>) -> Result<bool> {
        let (mut start, mut end) = (0, self.count);
        while start < end {
            let middle = start + (end - start) / 2;
            if self.key(middle)? < low { start = middle + 1 } else { end = middle }
        }
        for place in start..self.count {
            if self.key(place)? > high {
                return Ok(false);
            }
            rows.push(self.least_row.wrapping_add(self.rows.get(place)? as i64));
        }
        Ok(true)
    }

    /// Appends all keys with their rows.
    ///
    /// # Errors
    /// The piece is damaged.
    pub fn entries(&self, entries: &mut Vec<(u64, i64)>) -> Result<()> {
        for place in 0..self.count {
            entries.push((self.key(place)?, self.least_row.wrapping_add(self.rows.get(place)? as i64)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_key_leads_to_its_rows(mut entries in prop::collection::vec((prop_oneof![0..9_u64, any::<u64>()], any::<i64>()), 0..60), asked: u64) {
            entries.sort_unstable();
            let piece = Piece::read(&encode_piece(&entries)).expect("a piece");
            let mut all = Vec::new();
            piece.entries(&mut all).expect("entries");
            prop_assert_eq!(&all, &entries);
            for key in entries.iter().map(|(key, _)| *key).chain([asked, 0, 4, u64::MAX]) {
                let mut rows = Vec::new();
                let may_go_on = piece.find(key, key, &mut rows).expect("looked up");
                let meant: Vec<i64> = entries.iter().filter(|(known, _)| *known == key).map(|(_, row)| *row).collect();
                prop_assert_eq!(rows, meant);
                prop_assert_eq!(may_go_on, entries.last().is_none_or(|(last, _)| *last <= key));
            }
        }

        #[test]
        fn bytes_that_are_no_piece_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(Piece::read(&bytes).is_err());
        }
    }
}
