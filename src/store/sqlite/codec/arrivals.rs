//! Which write each record of a segment came with, where in it, and when it was received, in few bytes.
//!
//! The distinct writes lie first, as differences; then each row's place among them and its place in its write, low bytes
//! of all rows before high bytes, which is what makes zstd find the pattern.

use super::bytes::{Reader, envelope, put_signed, put_varint};
use super::columns::{Numbers, put_planes_of_width};
use super::error::{CodecError, Result};
use crate::model::Record;

/// First byte of the encoding.
const VERSION: u8 = 2;
/// The encoding without places within a write.
const VERSION_WITHOUT_POSITIONS: u8 = 1;
/// No segment has more arrivals than these bytes hold, some millions; decoded they take three times as many.
const MAX_BYTES: usize = 64 << 20;
/// Bytes of a place among the writes, and of one within a write.
const PLACE_BYTES: usize = 4;

/// How a record came into the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// Number of the write.
    pub seq: i64,
    /// When the write was received, unix nanoseconds.
    pub received_ns: u64,
    /// The place of the record among those of the write; 0 where that does not matter.
    pub position: u32,
}

/// A record with how it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// With which write the record came, and when.
    pub arrival: Arrival,
    /// The record.
    pub record: Record,
}

/// Encodes how each row came, in the order of the rows.
pub fn encode(rows: &[Arrival]) -> Vec<u8> {
    let write = |row: &Arrival| (row.seq, row.received_ns);
    let mut writes: Vec<(i64, u64)> = rows.iter().map(write).collect();
    writes.sort_unstable();
    writes.dedup();
    let mut plain = Vec::new();
    put_varint(&mut plain, writes.len() as u64);
    let (mut seq_before, mut received_before) = (0_i64, 0_u64);
    for (seq, received_ns) in &writes {
        put_varint(&mut plain, seq.wrapping_sub(seq_before) as u64);
        put_signed(&mut plain, received_ns.wrapping_sub(received_before) as i64);
        (seq_before, received_before) = (*seq, *received_ns);
    }
    put_varint(&mut plain, rows.len() as u64);
    let place = |row: &Arrival| writes.partition_point(|known| *known < write(row)) as u64;
    put_planes_of_width(&mut plain, &rows.iter().map(place).collect::<Vec<_>>(), PLACE_BYTES);
    let positions: Vec<u64> = rows.iter().map(|row| u64::from(row.position)).collect();
    put_planes_of_width(&mut plain, &positions, PLACE_BYTES);
    let mut encoded = vec![VERSION];
    encoded.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    let most_bytes = zstd::zstd_safe::compress_bound(plain.len());
    encoded.extend_from_slice(&envelope::compress(&plain, most_bytes).expect("there is room for any outcome"));
    encoded
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// The bytes are no such encoding.
pub fn decode(encoded: &[u8]) -> Result<Vec<Arrival>> {
    let (version, rest) = encoded.split_first().ok_or(CodecError::Truncated)?;
    let has_positions = match *version {
        VERSION => true,
        VERSION_WITHOUT_POSITIONS => false,
        other => return Err(CodecError::Version(other)),
    };
    let (length, compressed) = rest.split_first_chunk::<4>().ok_or(CodecError::Truncated)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| CodecError::Truncated)?;
    if length > MAX_BYTES {
        return Err(CodecError::Malformed("more arrivals than a segment can have"));
    }
    let mut reader = Reader::new(envelope::decompress(compressed, length)?);
    let count = reader.count()?;
    let mut writes = Vec::with_capacity(count);
    let (mut seq, mut received_ns) = (0_i64, 0_u64);
    for _ in 0..count {
        seq = seq.wrapping_add(reader.varint()? as i64);
        received_ns = received_ns.wrapping_add(reader.signed()? as u64);
        writes.push((seq, received_ns));
    }
    let rows = usize::try_from(reader.varint()?).map_err(|_| CodecError::Truncated)?;
    let places = Numbers::read_of_width(&mut reader, rows, PLACE_BYTES)?;
    let positions = Numbers::read_of_width(&mut reader, rows, if has_positions { PLACE_BYTES } else { 0 })?;
    reader.finish()?;
    let arrival = |row: usize| {
        let write = writes.get(places.place(row)?).ok_or(CodecError::Malformed("no such write"))?;
        Ok(Arrival { seq: write.0, received_ns: write.1, position: positions.get(row)? as u32 })
    };
    (0..rows).map(arrival).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn arrivals_read_back_in_the_order_of_the_rows(rows in prop::collection::vec((1_i64..100, any::<u64>(), any::<u32>()), 0..200)) {
            let arrival = |(seq, received_ns, position)| Arrival { seq, received_ns, position };
            let rows: Vec<Arrival> = rows.into_iter().map(arrival).collect();
            prop_assert_eq!(decode(&encode(&rows)), Ok(rows));
        }

        #[test]
        fn damaged_arrivals_are_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes).map_or(0, |rows| rows.len()) <= 1 << 30);
        }
    }
}
