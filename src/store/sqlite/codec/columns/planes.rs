//! Numbers as byte planes: all lowest bytes, then all second bytes, and so on.
//!
//! They are as wide as the largest number needs, readable at any row, and kind to zstd.

use bytes::Bytes;

use super::super::bytes::Reader;
use super::super::error::{CodecError, Result};

/// Appends numbers as byte planes: one byte for how many planes, then the planes, lowest bytes first.
pub fn put_planes(out: &mut Vec<u8>, numbers: &[u64]) {
    let width = 8 - numbers.iter().fold(0, |all, number| all | number).leading_zeros() / 8;
    out.push(width as u8);
    put_planes_of_width(out, numbers, width as usize);
}

/// Appends the lowest `width` byte planes of numbers.
pub fn put_planes_of_width(out: &mut Vec<u8>, numbers: &[u64], width: usize) {
    for plane in 0..width {
        out.extend(numbers.iter().map(|number| (number >> (8 * plane)) as u8));
    }
}

/// Numbers of a block.
#[derive(Debug, Clone)]
pub struct Numbers {
    planes: Bytes,
    width: usize,
    count: usize,
}

impl Numbers {
    /// As many zeros.
    pub fn zeros(count: usize) -> Numbers {
        Numbers { planes: Bytes::new(), width: 0, count }
    }

    /// Reads what [`put_planes`] wrote.
    ///
    /// # Errors
    /// There are fewer than `count` numbers.
    pub fn read(reader: &mut Reader, count: usize) -> Result<Numbers> {
        let width = usize::from(reader.byte()?);
        if width > 8 {
            return Err(CodecError::Malformed("number over 64 bits"));
        }
        Numbers::read_of_width(reader, count, width)
    }

    /// Reads what [`put_planes_of_width`] wrote; `width` is at most 8.
    ///
    /// # Errors
    /// There are fewer than `count` numbers.
    pub fn read_of_width(reader: &mut Reader, count: usize, width: usize) -> Result<Numbers> {
        let planes = reader.take(width.checked_mul(count).ok_or(CodecError::Truncated)?)?;
        Ok(Numbers { planes, width, count })
    }

    /// The number of a row.
    ///
    /// # Errors
    /// There are fewer rows.
    pub fn get(&self, row: usize) -> Result<u64> {
        if row >= self.count {
            return Err(CodecError::Malformed("rows of a block"));
        }
        let mut number = 0;
        for plane in (0..self.width).rev() {
            let byte = self.planes.get(plane * self.count + row).ok_or(CodecError::Truncated)?;
            number = number << 8 | u64::from(*byte);
        }
        Ok(number)
    }

    /// The number of a row, which has at most 32 bits.
    ///
    /// # Errors
    /// There are fewer rows, or the number is larger.
    pub fn small(&self, row: usize) -> Result<u32> {
        u32::try_from(self.get(row)?).map_err(|_| CodecError::Malformed("number over 32 bits"))
    }

    /// The number of a row as a place in something.
    ///
    /// # Errors
    /// There are fewer rows, or the number is larger than any place.
    pub fn place(&self, row: usize) -> Result<usize> {
        usize::try_from(self.get(row)?).map_err(|_| CodecError::Malformed("number over 64 bits"))
    }
}
