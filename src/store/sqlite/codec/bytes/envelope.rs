//! What surrounds every stored byte string: a format version, a checksum, and compression where it pays.
//!
//! The checksum covers all that follows it, so a damaged length is noticed before anything is allocated for it.

use std::cell::RefCell;

use bytes::Bytes;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::super::error::{CodecError, Result};
use super::{Reader, put_varint};

/// Version of every encoding in this module.
pub const VERSION: u8 = 1;
/// Version of what only means something beside a key that lies elsewhere: the checksum covers that, too.
const VERSION_WITH_KEY: u8 = 2;
/// Version of what means something only beside a key and other columns of its row.
const VERSION_WITH_COLUMNS: u8 = 3;
/// Bytes before the content: version and checksum.
const HEADER: usize = 9;
/// Bytes of a length before compressed content.
const LENGTH: usize = 4;
/// No content is larger than this, whatever a length says: a write is a quarter of it at most, and so is a block.
pub const MAX_CONTENT_BYTES: usize = 256 << 20;
/// How far zstd can shrink anything: a block of 128 KiB into four bytes.
const ZSTD_MAX_RATIO: usize = 1 << 15;
/// Bytes of checksum before a frame.
const FRAME_CHECKSUM: usize = 4;
/// Shorter content is never worth compressing.
const SMALLEST_COMPRESSED: usize = 32;
/// How far lz4 can shrink anything.
const LZ4_MAX_RATIO: usize = 256;

thread_local! {
    /// Contexts are large and slow to make; each thread keeps one of each.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Content as it is, with version and checksum.
pub fn wrap(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + content.len());
    out.resize(HEADER, 0);
    out.extend_from_slice(content);
    close(out)
}

/// The content of what [`wrap`] made.
///
/// # Errors
/// The bytes are damaged or of another version.
pub fn unwrap(bytes: &[u8]) -> Result<Bytes> {
    open(bytes).map(Bytes::copy_from_slice)
}

/// Content as it is, with version and a checksum of it and of a key that lies elsewhere.
pub fn wrap_with_key(content: &[u8], key: u64) -> Vec<u8> {
    wrap_version(VERSION_WITH_KEY, content, key)
}

/// [`wrap_with_key`] for content that is read another way, because the key stands for columns which it leaves out.
pub fn wrap_with_columns(content: &[u8], key: u64) -> Vec<u8> {
    wrap_version(VERSION_WITH_COLUMNS, content, key)
}

/// The content of what [`wrap_with_columns`] made with this key; `None` for bytes of another version.
///
/// # Errors
/// The bytes are damaged or belong to another key.
pub fn unwrap_with_columns(bytes: &[u8], key: u64) -> Result<Option<Bytes>> {
    match bytes.split_first_chunk::<HEADER>() {
        Some(([VERSION_WITH_COLUMNS, checksum @ ..], content)) => {
            let is_right = xxh3_64_with_seed(content, key) == u64::from_le_bytes(*checksum);
            if is_right { Ok(Some(Bytes::copy_from_slice(content))) } else { Err(CodecError::Checksum) }
        }
        _ => Ok(None),
    }
}

fn wrap_version(version: u8, content: &[u8], key: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + content.len());
    out.push(version);
    out.extend_from_slice(&xxh3_64_with_seed(content, key).to_le_bytes());
    out.extend_from_slice(content);
    out
}

/// The content of what [`wrap_with_key`] made with this key, or, in files of earlier versions, [`wrap`] without any.
///
/// # Errors
/// The bytes are damaged, of another version, or belong to another key.
pub fn unwrap_with_key(bytes: &[u8], key: u64) -> Result<Bytes> {
    match bytes.split_first_chunk::<HEADER>() {
        Some(([VERSION_WITH_KEY, checksum @ ..], content)) => {
            let is_right = xxh3_64_with_seed(content, key) == u64::from_le_bytes(*checksum);
            if is_right { Ok(Bytes::copy_from_slice(content)) } else { Err(CodecError::Checksum) }
        }
        _ => unwrap(bytes),
    }
}

/// Whether bytes that were wrapped are those that were wrapped, without looking into them.
///
/// # Errors
/// The bytes are damaged or of another version.
pub fn check(bytes: &[u8]) -> Result<()> {
    open(bytes).map(|_| ())
}

/// Content compressed with lz4, which is fast.
pub fn wrap_lz4(content: &[u8]) -> Vec<u8> {
    let mut out = vec![0; HEADER + LENGTH + lz4_flex::block::get_maximum_output_size(content.len())];
    let length = u32::try_from(content.len()).expect("batches and blocks are far below 4 GiB");
    out[HEADER..HEADER + LENGTH].copy_from_slice(&length.to_le_bytes());
    let used = lz4_flex::block::compress_into(content, &mut out[HEADER + LENGTH..])
        .expect("the buffer has the largest size compression can need");
    out.truncate(HEADER + LENGTH + used);
    close(out)
}

/// The content of what [`wrap_lz4`] made.
///
/// # Errors
/// The bytes are damaged or of another version.
pub fn unwrap_lz4(bytes: &[u8]) -> Result<Bytes> {
    let (length, body) = open(bytes)?.split_first_chunk::<LENGTH>().ok_or(CodecError::Truncated)?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_CONTENT_BYTES || length / LZ4_MAX_RATIO > body.len() + 1 {
        return Err(CodecError::Malformed("content length"));
    }
    let content =
        lz4_flex::block::decompress(body, length).map_err(|_| CodecError::Malformed("content does not decompress"))?;
    exactly(content, length)
}

/// How many bytes the records of a payload take when they are decompressed, as the payload says without being checked;
/// 0 for one that is cut short.
pub fn content_bytes(bytes: &[u8]) -> usize {
    let length = bytes.get(HEADER..).and_then(|rest| rest.first_chunk::<LENGTH>());
    length.map_or(0, |length| u32::from_le_bytes(*length) as usize)
}

/// One frame of a column: content compressed with zstd level 1 where that helps; nothing for nothing.
///
/// There are a thousand frames in a segment and many are tiny, so the header is short: four bytes of checksum and a
/// varint of the content's length and whether it is compressed.
pub fn frame(content: &[u8]) -> Vec<u8> {
    if content.is_empty() {
        return Vec::new();
    }
    let compressed = if content.len() < SMALLEST_COMPRESSED { None } else { compress(content, content.len()) };
    let body = compressed.as_deref().unwrap_or(content);
    let mut out = Vec::with_capacity(FRAME_CHECKSUM + 5 + body.len());
    out.resize(FRAME_CHECKSUM, 0);
    put_varint(&mut out, (content.len() as u64) << 1 | u64::from(compressed.is_some()));
    out.extend_from_slice(body);
    let checksum = frame_checksum(&out[FRAME_CHECKSUM..]);
    out[..FRAME_CHECKSUM].copy_from_slice(&checksum);
    out
}

/// How many bytes the content of a [`frame`] takes, as the frame says without being checked.
pub fn frame_content_bytes(frame: &[u8]) -> usize {
    let header = frame.get(FRAME_CHECKSUM..).unwrap_or_default();
    // A varint that is cut short or too long is found out where it is read.
    let length = header.iter().zip((0..63).step_by(7)).fold((0_u64, true), |(number, goes_on), (byte, shift)| {
        if goes_on { (number | u64::from(byte & 0x7f) << shift, *byte >= 0x80) } else { (number, false) }
    });
    usize::try_from(length.0 >> 1).unwrap_or(usize::MAX)
}

/// The content of a [`frame`].
///
/// # Errors
/// The bytes are damaged.
pub fn unframe(frame: Vec<u8>) -> Result<Bytes> {
    let Some((checksum, rest)) = frame.split_first_chunk::<FRAME_CHECKSUM>() else {
        return if frame.is_empty() { Ok(Bytes::new()) } else { Err(CodecError::Truncated) };
    };
    if *checksum != frame_checksum(rest) {
        return Err(CodecError::Checksum);
    }
    let frame = Bytes::from(frame);
    let mut reader = Reader::new(frame.slice(FRAME_CHECKSUM..));
    let header = reader.varint()?;
    let length = usize::try_from(header >> 1).map_err(|_| CodecError::Malformed("content length"))?;
    let body = reader.take(reader.remaining())?;
    if header & 1 == 0 {
        return if body.len() == length { Ok(body) } else { Err(CodecError::Malformed("content length")) };
    }
    decompress(&body, length)
}

/// What [`compress`] made of content of that length.
///
/// # Errors
/// The bytes are damaged.
pub fn decompress(compressed: &[u8], length: usize) -> Result<Bytes> {
    if length > MAX_CONTENT_BYTES || length / ZSTD_MAX_RATIO > compressed.len() {
        return Err(CodecError::Malformed("content length"));
    }
    let content = DECOMPRESSOR.with_borrow_mut(|decompressor| {
        let decompressor = decompressor
            .get_or_insert_with(|| zstd::bulk::Decompressor::new().expect("memory for a decompression context"));
        decompressor.decompress(compressed, length)
    });
    exactly(content.map_err(|_| CodecError::Malformed("content does not decompress"))?, length)
}

/// Content compressed with zstd level 1; `None` when it takes more than `most_bytes`.
pub fn compress(content: &[u8], most_bytes: usize) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        let compressor =
            compressor.get_or_insert_with(|| zstd::bulk::Compressor::new(1).expect("level 1 exists, memory is there"));
        let mut out = vec![0; most_bytes];
        // Too little room is the only way this fails, and then it was not worth it.
        let used = compressor.compress_to_buffer(content, &mut out[..]).ok()?;
        out.truncate(used);
        Some(out)
    })
}

fn frame_checksum(bytes: &[u8]) -> [u8; FRAME_CHECKSUM] {
    (xxh3_64(bytes) as u32).to_le_bytes()
}

fn exactly(content: Vec<u8>, length: usize) -> Result<Bytes> {
    if content.len() == length { Ok(content.into()) } else { Err(CodecError::Malformed("content length")) }
}

fn close(mut out: Vec<u8>) -> Vec<u8> {
    let checksum = xxh3_64(&out[HEADER..]).to_le_bytes();
    out[0] = VERSION;
    out[1..HEADER].copy_from_slice(&checksum);
    out
}

fn open(bytes: &[u8]) -> Result<&[u8]> {
    let (header, body) = bytes.split_first_chunk::<HEADER>().ok_or(CodecError::Truncated)?;
    let [version, checksum @ ..] = *header;
    if version != VERSION {
        return Err(CodecError::Version(version));
    }
    if xxh3_64(body) != u64::from_le_bytes(checksum) {
        return Err(CodecError::Checksum);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_claims_more_than_any_has_is_refused_before_room_is_made_for_it() {
        for (length, error) in [(MAX_CONTENT_BYTES + 1, "content length"), (1 << 20, "content does not decompress")] {
            let mut forged = vec![0; HEADER];
            forged.extend_from_slice(&(length as u32).to_le_bytes());
            forged.extend_from_slice(&vec![0xff; 2 << 20]);
            assert_eq!(unwrap_lz4(&close(forged)), Err(CodecError::Malformed(error)));
        }
        assert_eq!(decompress(&vec![0; 1 << 20], MAX_CONTENT_BYTES + 1), Err(CodecError::Malformed("content length")));
    }

    #[test]
    fn a_key_is_part_of_the_checksum() {
        let wrapped = wrap_with_key(b"fold", 7);
        assert_eq!(unwrap_with_key(&wrapped, 7).as_deref(), Ok(&b"fold"[..]));
        assert_eq!(unwrap_with_key(&wrapped, 8), Err(CodecError::Checksum));
        assert_eq!(unwrap_with_key(&wrap(b"fold"), 8).as_deref(), Ok(&b"fold"[..]));
        assert_eq!(unwrap(&wrapped), Err(CodecError::Version(VERSION_WITH_KEY)));
    }
}
