//! Integers and strings in a byte string: LEB128 varints, zigzag for signed numbers, length-prefixed text.
//!
//! Writers append to a plain `Vec<u8>`. The reader checks every bound and shares its buffer with the texts it hands
//! out, so reading a string allocates nothing.

use bytes::Bytes;

use super::super::error::{CodecError, Result};
use crate::model::{SpanId, Text, TraceId};

/// Appends an unsigned number, small ones in few bytes.
pub fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number as u8) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number, those near zero in few bytes.
pub fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_varint(out, zigzag(number));
}

/// Maps signed to unsigned so that numbers near zero stay small.
pub fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

/// The inverse of [`zigzag`].
pub fn unzigzag(number: u64) -> i64 {
    ((number >> 1) as i64) ^ -((number & 1) as i64)
}

/// The bits that are set, in one number.
pub fn bits_of<const N: usize>(flags: [(u64, bool); N]) -> u64 {
    flags.into_iter().filter(|(_, is_set)| *is_set).fold(0, |bits, (bit, _)| bits | bit)
}

/// Appends a length and the bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a trace id: a zero and 16 bytes, or one more than the text's length and the text.
pub fn put_trace_id(out: &mut Vec<u8>, id: &TraceId) {
    match id {
        TraceId::Otel(raw) => {
            out.push(0);
            out.extend_from_slice(raw);
        }
        TraceId::Text(text) => {
            put_varint(out, text.len() as u64 + 1);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// The unsigned number at a place, which moves past it.
///
/// # Errors
/// The number is cut short or does not fit 64 bits.
#[inline(always)]
fn varint_at(bytes: &[u8], at: &mut usize) -> Result<u64> {
    let first = *bytes.get(*at).ok_or(CodecError::Truncated)?;
    *at += 1;
    if first < 0x80 { Ok(u64::from(first)) } else { long_varint_at(bytes, at, first) }
}

/// The unsigned number at a place that is past the first byte already, which was not its last.
fn long_varint_at(bytes: &[u8], at: &mut usize, first: u8) -> Result<u64> {
    let mut next = || {
        let byte = *bytes.get(*at).ok_or(CodecError::Truncated)?;
        *at += 1;
        Ok(byte)
    };
    let mut number = u64::from(first & 0x7f);
    for shift in (7..64).step_by(7) {
        let byte = next()?;
        if shift == 63 && byte > 1 {
            break;
        }
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(CodecError::Malformed("number over 64 bits"))
}

/// Finds where things lie in what the `put_` functions wrote, without taking them out. Errors are those of [`Reader`].
#[derive(Debug, Clone, Copy)]
pub struct Slice<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Slice<'a> {
    /// A slice that begins with `bytes`.
    pub fn new(bytes: &'a [u8]) -> Slice<'a> {
        Slice { bytes, at: 0 }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// What `walk` goes past.
    pub fn part(&mut self, walk: impl FnOnce(&mut Slice<'a>) -> Result<()>) -> Result<&'a [u8]> {
        let start = self.at;
        walk(self)?;
        self.bytes.get(start..self.at).ok_or(CodecError::Truncated)
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(len).ok_or(CodecError::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(CodecError::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    /// The next byte.
    pub fn byte(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| CodecError::Truncated)
    }

    /// An unsigned number.
    #[inline(always)]
    pub fn varint(&mut self) -> Result<u64> {
        varint_at(self.bytes, &mut self.at)
    }

    /// A signed number.
    pub fn signed(&mut self) -> Result<i64> {
        self.varint().map(unzigzag)
    }

    /// An unsigned number of at most 32 bits.
    pub fn varint_u32(&mut self) -> Result<u32> {
        u32::try_from(self.varint()?).map_err(|_| CodecError::Malformed("number over 32 bits"))
    }

    /// How many things follow that take at least one byte each.
    pub fn count(&mut self) -> Result<usize> {
        let count = usize::try_from(self.varint()?).ok().filter(|count| *count <= self.remaining());
        count.ok_or(CodecError::Truncated)
    }

    /// A length and that many bytes, without the length.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.count()?;
        self.take(len)
    }

    /// What [`put_trace_id`] wrote.
    pub fn trace_id(&mut self) -> Result<TraceId> {
        match self.varint()?.checked_sub(1) {
            None => Ok(TraceId::Otel(self.array()?)),
            Some(len) => {
                let text = self.take(usize::try_from(len).map_err(|_| CodecError::Truncated)?)?;
                Ok(TraceId::Text(Text::from(to_str(text)?)))
            }
        }
    }
}

/// Bytes as text.
///
/// # Errors
/// The bytes are not UTF-8.
pub fn to_str(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| CodecError::Malformed("text is not UTF-8"))
}

/// Reads what the `put_` functions wrote.
#[derive(Debug, Clone)]
pub struct Reader {
    bytes: Bytes,
    at: usize,
}

impl Reader {
    /// A reader at the beginning of `bytes`.
    pub fn new(bytes: Bytes) -> Reader {
        Reader { bytes, at: 0 }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// # Errors
    /// There are bytes left.
    pub fn finish(&self) -> Result<()> {
        if self.remaining() == 0 { Ok(()) } else { Err(CodecError::Malformed("bytes after the end")) }
    }

    /// The next byte.
    ///
    /// # Errors
    /// No byte is left.
    pub fn byte(&mut self) -> Result<u8> {
        let byte = *self.bytes.get(self.at).ok_or(CodecError::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    /// An unsigned number.
    ///
    /// # Errors
    /// The number is cut short or does not fit 64 bits.
    pub fn varint(&mut self) -> Result<u64> {
        varint_at(&self.bytes, &mut self.at)
    }

    /// A signed number.
    ///
    /// # Errors
    /// Those of [`Reader::varint`].
    pub fn signed(&mut self) -> Result<i64> {
        self.varint().map(unzigzag)
    }

    /// An unsigned number of at most 32 bits.
    ///
    /// # Errors
    /// Those of [`Reader::varint`], or the number is larger.
    pub fn varint_u32(&mut self) -> Result<u32> {
        u32::try_from(self.varint()?).map_err(|_| CodecError::Malformed("number over 32 bits"))
    }

    /// How many things follow that take at least one byte each: never more than there are bytes left, so that room for
    /// them can be reserved.
    ///
    /// # Errors
    /// Those of [`Reader::varint`], or the number is larger.
    pub fn count(&mut self) -> Result<usize> {
        let count = self.varint()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.remaining() => Ok(count),
            _ => Err(CodecError::Truncated),
        }
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// There are fewer bytes.
    pub fn take(&mut self, len: usize) -> Result<&[u8]> {
        let end = self.at.checked_add(len).ok_or(CodecError::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(CodecError::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// There are fewer bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| CodecError::Truncated)
    }

    /// The next `len` bytes, sharing the buffer.
    ///
    /// # Errors
    /// There are fewer bytes.
    pub fn slice(&mut self, len: usize) -> Result<Bytes> {
        let start = self.at;
        self.take(len)?;
        Ok(self.bytes.slice(start..self.at))
    }

    /// A length and that many bytes, sharing the buffer.
    ///
    /// # Errors
    /// There are fewer bytes.
    pub fn bytes(&mut self) -> Result<Bytes> {
        let len = self.count()?;
        self.slice(len)
    }

    /// A length and that many bytes of UTF-8, sharing the buffer.
    ///
    /// # Errors
    /// There are fewer bytes, or they are not UTF-8.
    pub fn text(&mut self) -> Result<Text> {
        let len = self.count()?;
        self.text_of(len)
    }

    /// The next `len` bytes as text, sharing the buffer.
    ///
    /// # Errors
    /// There are fewer bytes, or they are not UTF-8.
    pub fn text_of(&mut self, len: usize) -> Result<Text> {
        if len == 0 {
            return Ok(Text::EMPTY);
        }
        Text::from_utf8(self.slice(len)?).ok_or(CodecError::Malformed("text is not UTF-8"))
    }

    /// What [`put_trace_id`] wrote.
    ///
    /// # Errors
    /// The id is cut short or not UTF-8.
    pub fn trace_id(&mut self) -> Result<TraceId> {
        match self.varint()?.checked_sub(1) {
            None => Ok(TraceId::Otel(self.array()?)),
            Some(len) => {
                let len = usize::try_from(len).map_err(|_| CodecError::Truncated)?;
                Ok(TraceId::Text(self.text_of(len)?))
            }
        }
    }

    /// Eight bytes that name a span.
    ///
    /// # Errors
    /// There are fewer bytes.
    pub fn span_id(&mut self) -> Result<SpanId> {
        self.array().map(SpanId)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_reads_back(number: u64, signed: i64) {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            put_signed(&mut out, signed);
            let mut reader = Reader::new(out.into());
            prop_assert_eq!(reader.varint(), Ok(number));
            prop_assert_eq!(reader.signed(), Ok(signed));
            prop_assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn numbers_over_64_bits_and_lengths_past_the_end_are_refused() {
        let mut reader = Reader::new(Bytes::from_static(&[0xff; 11]));
        assert_eq!(reader.varint(), Err(CodecError::Malformed("number over 64 bits")));
        let mut reader = Reader::new(Bytes::from_static(&[200, 1, b'x']));
        assert_eq!(reader.text(), Err(CodecError::Truncated));
    }
}
