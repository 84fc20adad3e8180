//! Integers and strings in a byte string: LEB128 varints, zigzag for signed numbers, length-prefixed text.
//!
//! Writers append to a plain `Vec<u8>`. A cursor checks every bound; over [`Bytes`] it shares the buffer with the texts it
//! hands out, so that reading a string allocates nothing.

use std::ops::{Deref, Range};

use bytes::Bytes;

use super::super::error::{CodecError, Result};
use crate::model::{SpanId, Text, TraceId};

/// What is wrong with a text that is none.
const NOT_UTF8: CodecError = CodecError::Malformed("text is not UTF-8");
/// A list reserves room for one thing in so many bytes that are left, so that a damaged count cannot make it reserve much.
const BYTES_PER_RESERVED: usize = 16;

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
#[inline]
pub fn bits_of<const N: usize>(flags: [(u64, bool); N]) -> u64 {
    flags.iter().fold(0, |bits, (bit, is_set)| bits | if *is_set { *bit } else { 0 })
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

/// Bytes as text.
///
/// # Errors
/// The bytes are not UTF-8.
pub fn to_str(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| NOT_UTF8)
}

/// Bytes that a [`Cursor`] goes through, and how it hands out parts of them.
pub trait Buffer: Deref<Target = [u8]> {
    /// Some of the bytes.
    type Part;

    /// The bytes of a range that lies inside.
    fn part(&self, range: Range<usize>) -> Self::Part;

    /// A part as text.
    ///
    /// # Errors
    /// The part is not UTF-8.
    fn text(part: Self::Part) -> Result<Text>;
}

/// Parts share the buffer, and so do texts.
impl Buffer for Bytes {
    type Part = Bytes;

    #[inline]
    fn part(&self, range: Range<usize>) -> Bytes {
        self.slice(range)
    }

    #[inline]
    fn text(part: Bytes) -> Result<Text> {
        Text::from_utf8(part).ok_or(NOT_UTF8)
    }
}

/// Parts are borrowed, texts are copied.
impl<'a> Buffer for &'a [u8] {
    type Part = &'a [u8];

    #[inline]
    fn part(&self, range: Range<usize>) -> &'a [u8] {
        let bytes: &'a [u8] = self;
        &bytes[range]
    }

    fn text(part: &'a [u8]) -> Result<Text> {
        to_str(part).map(Text::from)
    }
}

/// Reads what the `put_` functions wrote, from the front.
#[derive(Debug, Clone)]
pub struct Cursor<B> {
    bytes: B,
    at: usize,
}

/// Takes things out of a buffer that they share.
pub type Reader = Cursor<Bytes>;

/// Finds where things lie without taking them out.
pub type Slice<'a> = Cursor<&'a [u8]>;

impl<B: Buffer> Cursor<B> {
    /// A cursor at the beginning of `bytes`.
    pub fn new(bytes: B) -> Cursor<B> {
        Cursor { bytes, at: 0 }
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

    /// Goes past `len` bytes; returns where they lie.
    #[inline]
    fn advance(&mut self, len: usize) -> Result<Range<usize>> {
        let start = self.at;
        let end = start.checked_add(len).filter(|end| *end <= self.bytes.len()).ok_or(CodecError::Truncated)?;
        self.at = end;
        Ok(start..end)
    }

    /// The next byte.
    ///
    /// # Errors
    /// No byte is left.
    #[inline]
    pub fn byte(&mut self) -> Result<u8> {
        let byte = *self.bytes.get(self.at).ok_or(CodecError::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// There are fewer bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let range = self.advance(N)?;
        self.bytes[range].try_into().map_err(|_| CodecError::Truncated)
    }

    /// An unsigned number.
    ///
    /// # Errors
    /// The number is cut short or does not fit 64 bits.
    #[inline(always)]
    pub fn varint(&mut self) -> Result<u64> {
        varint_at(&self.bytes, &mut self.at)
    }

    /// A signed number.
    ///
    /// # Errors
    /// The number is cut short or does not fit 64 bits.
    #[inline]
    pub fn signed(&mut self) -> Result<i64> {
        self.varint().map(unzigzag)
    }

    /// An unsigned number of at most 32 bits.
    ///
    /// # Errors
    /// The number is cut short or larger.
    #[inline]
    pub fn varint_u32(&mut self) -> Result<u32> {
        u32::try_from(self.varint()?).map_err(|_| CodecError::Malformed("number over 32 bits"))
    }

    /// How many things follow that take at least one byte each: never more than there are bytes left, so that room for
    /// them can be reserved.
    ///
    /// # Errors
    /// The number is cut short or larger.
    #[inline]
    pub fn count(&mut self) -> Result<usize> {
        let count = usize::try_from(self.varint()?).ok().filter(|count| *count <= self.remaining());
        count.ok_or(CodecError::Truncated)
    }

    /// A count and that many things, each read by `get`.
    ///
    /// # Errors
    /// There are fewer things, and those of `get`.
    #[inline]
    pub fn list<T>(&mut self, mut get: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.count()?;
        let mut things = Vec::with_capacity(count.min(self.remaining() / BYTES_PER_RESERVED));
        for _ in 0..count {
            things.push(get(self)?);
        }
        Ok(things)
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// There are fewer bytes.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<B::Part> {
        let range = self.advance(len)?;
        Ok(self.bytes.part(range))
    }

    /// What `walk` goes past.
    ///
    /// # Errors
    /// `walk` fails.
    #[inline]
    pub fn part(&mut self, walk: impl FnOnce(&mut Self) -> Result<()>) -> Result<B::Part> {
        let start = self.at;
        walk(self)?;
        Ok(self.bytes.part(start..self.at))
    }

    /// A length and that many bytes, without the length.
    ///
    /// # Errors
    /// There are fewer bytes.
    #[inline]
    pub fn bytes(&mut self) -> Result<B::Part> {
        let len = self.count()?;
        self.take(len)
    }

    /// A length and that many bytes of UTF-8.
    ///
    /// # Errors
    /// There are fewer bytes, or they are not UTF-8.
    #[inline]
    pub fn text(&mut self) -> Result<Text> {
        B::text(self.bytes()?)
    }

    /// What [`put_trace_id`] wrote.
    ///
    /// # Errors
    /// The id is cut short or not UTF-8.
    #[inline]
    pub fn trace_id(&mut self) -> Result<TraceId> {
        match self.varint()?.checked_sub(1) {
            None => Ok(TraceId::Otel(self.array()?)),
            Some(len) => {
                let text = self.take(usize::try_from(len).map_err(|_| CodecError::Truncated)?)?;
                B::text(text).map(TraceId::Text)
            }
        }
    }

    /// Eight bytes that name a span.
    ///
    /// # Errors
    /// There are fewer bytes.
    #[inline]
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
