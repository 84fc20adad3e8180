//! Which write each record of a segment came with, where in it, and when it was received, in few bytes.
//!
//! The distinct writes lie first, as differences; then each row's place among them and its place in its
//! write, low bytes of all rows before high bytes, which is what makes zstd find the pattern.

use crate::model::Record;

/// First byte of the encoding.
const VERSION: u8 = 2;
/// The encoding without places within a write.
const VERSION_WITHOUT_POSITIONS: u8 = 1;
/// Nobody writes this much at once; a larger number is damage.
const MOST_BYTES: usize = 1 << 30;

/// How a record came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrival {
    /// Number of the write.
    pub seq: i64,
    /// When it was received, unix nanoseconds.
    pub received_ns: u64,
    /// Its place among the records of the write; 0 where that does not matter.
    pub position: u32,
}

/// A record with how it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arrived {
    /// With which write, and when.
    pub arrival: Arrival,
    /// The record.
    pub record: Record,
}

/// Encodes how each row came, in the order of the rows.
pub(crate) fn encode(rows: &[Arrival]) -> Vec<u8> {
    let write = |row: &Arrival| (row.seq, row.received_ns);
    let mut writes: Vec<(i64, u64)> = rows.iter().map(write).collect();
    writes.sort_unstable();
    writes.dedup();
    let mut plain = Vec::new();
    put(&mut plain, writes.len() as u64);
    let (mut seq_before, mut received_before) = (0_i64, 0_u64);
    for (seq, received_ns) in &writes {
        put(&mut plain, seq.wrapping_sub(seq_before) as u64);
        put(&mut plain, zigzag(received_ns.wrapping_sub(received_before) as i64));
        (seq_before, received_before) = (*seq, *received_ns);
    }
    put(&mut plain, rows.len() as u64);
    let place = |row: &Arrival| writes.partition_point(|known| *known < write(row)) as u32;
    put_planes(&mut plain, &rows.iter().map(place).collect::<Vec<_>>());
    put_planes(&mut plain, &rows.iter().map(|row| row.position).collect::<Vec<_>>());
    let mut encoded = vec![VERSION];
    encoded.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    encoded.extend_from_slice(&zstd::bulk::compress(&plain, 1).expect("compressing into memory cannot fail"));
    encoded
}

fn put_planes(out: &mut Vec<u8>, numbers: &[u32]) {
    for byte in 0..4 {
        out.extend(numbers.iter().map(|number| number.to_le_bytes()[byte]));
    }
}

/// Reads what [`encode`] wrote; `None` when it is something else.
pub(crate) fn decode(encoded: &[u8]) -> Option<Vec<Arrival>> {
    let (version, rest) = encoded.split_first()?;
    let has_positions = match *version {
        VERSION => true,
        VERSION_WITHOUT_POSITIONS => false,
        _ => return None,
    };
    let (length, compressed) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= MOST_BYTES)?;
    let plain = zstd::bulk::decompress(compressed, length).ok()?;
    let mut rest = plain.as_slice();
    let count = usize::try_from(take(&mut rest)?).ok().filter(|count| *count <= rest.len())?;
    let mut writes = Vec::with_capacity(count);
    let (mut seq, mut received_ns) = (0_i64, 0_u64);
    for _ in 0..count {
        seq = seq.wrapping_add(take(&mut rest)? as i64);
        received_ns = received_ns.wrapping_add(unzigzag(take(&mut rest)?) as u64);
        writes.push((seq, received_ns));
    }
    let rows = usize::try_from(take(&mut rest)?).ok()?;
    if rows.checked_mul(if has_positions { 8 } else { 4 })? != rest.len() {
        return None;
    }
    let number = |plane: usize, row: usize| -> Option<u32> {
        let byte = |byte: usize| rest.get((plane + byte) * rows + row).copied();
        Some(u32::from_le_bytes([byte(0)?, byte(1)?, byte(2)?, byte(3)?]))
    };
    let arrival = |row: usize| {
        let (seq, received_ns) = *writes.get(usize::try_from(number(0, row)?).ok()?)?;
        let position = if has_positions { number(4, row)? } else { 0 };
        Some(Arrival { seq, received_ns, position })
    };
    (0..rows).map(arrival).collect()
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
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
            prop_assert_eq!(decode(&encode(&rows)), Some(rows));
        }

        #[test]
        fn damaged_arrivals_are_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes).is_none_or(|rows| rows.len() <= MOST_BYTES));
        }
    }
}
