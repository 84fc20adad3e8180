//! What lies around a message: its compression and its media type.
//!
//! A kilobyte can inflate to a gigabyte, so the cap counts *inflated* bytes and nothing beyond it is ever allocated.
//! HTTP bodies and gRPC frames come through here alike.

use std::fmt;
use std::io::{self, Read};

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// Smallest buffer an inflated body starts with.
const MIN_BUFFER_BYTES: usize = 64 * 1024;
/// Binary logarithm of the largest window of a zstd frame: 64 MiB.
const ZSTD_WINDOW_LOG: u32 = 26;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The body is not compressed.
    Identity,
    /// RFC 1952, one member or several.
    Gzip,
    /// RFC 1950 as HTTP defines "deflate", or bare RFC 1951 as some senders understand it.
    Deflate,
    /// RFC 8878, one frame or several.
    Zstd,
}

impl Encoding {
    /// Reads a `Content-Encoding` or `grpc-encoding` header value, in any case; no header means identity.
    ///
    /// # Errors
    /// [`BodyError::Unsupported`] for any other coding, and for several in a row.
    pub fn parse(header: Option<&str>) -> Result<Encoding, BodyError> {
        let name = header.unwrap_or_default().trim();
        let known = [
            ("", Encoding::Identity),
            ("identity", Encoding::Identity),
            ("gzip", Encoding::Gzip),
            ("x-gzip", Encoding::Gzip),
            ("deflate", Encoding::Deflate),
            ("zstd", Encoding::Zstd),
        ];
        let found = known.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        found.map_or_else(|| Err(BodyError::Unsupported(name.chars().take(64).collect())), |(_, encoding)| Ok(encoding))
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
            Encoding::Deflate => "deflate",
            Encoding::Zstd => "zstd",
        })
    }
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is, or inflates to, more than the cap; HTTP says 413.
    #[error("body is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The cap on inflated bytes.
        limit_bytes: usize,
    },
    /// An encoding other than gzip, deflate, zstd and identity; HTTP says 415.
    #[error("content encoding {0:?} is not supported; send gzip, deflate, zstd or identity")]
    Unsupported(String),
    /// The compressed stream is broken, cut short, or followed by something else; HTTP says 400.
    #[error("body is not valid {encoding} data")]
    Corrupt {
        /// The encoding it was said to have.
        encoding: Encoding,
        /// What is wrong with the stream.
        #[source]
        source: io::Error,
    },
}

/// What a body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `application/x-protobuf`, also written `application/protobuf`; what gRPC carries too.
    Protobuf,
    /// `application/json`.
    Json,
}

impl MediaType {
    /// Reads a `Content-Type` header value in any case, with or without parameters; `None` for every other type.
    pub fn parse(header: &str) -> Option<MediaType> {
        let essence = header.split(';').next().unwrap_or_default().trim();
        let known = [
            ("application/x-protobuf", MediaType::Protobuf),
            ("application/protobuf", MediaType::Protobuf),
            ("application/json", MediaType::Json),
        ];
        known.into_iter().find(|(name, _)| essence.eq_ignore_ascii_case(name)).map(|(_, media)| media)
    }
}

/// Undoes the compression named by the header value `encoding`. Without one the body is returned as it is, not copied.
///
/// # Errors
/// [`BodyError::TooLarge`] as soon as there are more than `limit_bytes` inflated bytes, [`BodyError::Unsupported`] and
/// [`BodyError::Corrupt`] as they say.
pub fn inflate(body: Bytes, encoding: Option<&str>, limit_bytes: usize) -> Result<Bytes, BodyError> {
    let encoding = Encoding::parse(encoding)?;
    let inflated = match encoding {
        Encoding::Identity => Ok(Some(body).filter(|body| body.len() <= limit_bytes)),
        Encoding::Gzip => inflate_gzip(&body, limit_bytes),
        Encoding::Deflate => inflate_deflate(&body, limit_bytes),
        Encoding::Zstd => inflate_zstd(&body, limit_bytes),
    };
    let inflated = inflated.map_err(|source| BodyError::Corrupt { encoding, source })?;
    inflated.ok_or(BodyError::TooLarge { limit_bytes })
}

/// An inflated body; `None` when it is more than the cap, an error when its stream is broken.
type Inflated = io::Result<Option<Bytes>>;

fn inflate_gzip(body: &[u8], limit_bytes: usize) -> Inflated {
    read_all(&mut MultiGzDecoder::new(body), body.len(), limit_bytes)
}

/// HTTP's "deflate" is zlib; a stream whose first bytes cannot be a zlib header, or that fails as one, is tried bare.
fn inflate_deflate(body: &[u8], limit_bytes: usize) -> Inflated {
    let mut zlib = ZlibDecoder::new(body);
    let as_zlib = read_all(&mut zlib, body.len(), limit_bytes);
    as_zlib.and_then(|out| nothing_follows(zlib.into_inner(), out)).or_else(|failure| {
        let mut bare = DeflateDecoder::new(body);
        let as_bare = read_all(&mut bare, body.len(), limit_bytes);
        as_bare.and_then(|out| nothing_follows(bare.into_inner(), out)).map_err(|_| failure)
    })
}

/// A frame says how far back it refers, and the decoder keeps so much: a short body could claim gigabytes. No sender needs
/// to refer further back than the largest body is long.
fn inflate_zstd(body: &[u8], limit_bytes: usize) -> Inflated {
    if body.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut frames = zstd::stream::read::Decoder::with_buffer(body)?;
    frames.window_log_max(ZSTD_WINDOW_LOG)?;
    read_all(&mut frames, body.len(), limit_bytes)
}

fn nothing_follows(rest: &[u8], inflated: Option<Bytes>) -> Inflated {
    if rest.is_empty() || inflated.is_none() {
        return Ok(inflated);
    }
    let problem = format!("{} bytes follow the end of the stream", rest.len());
    Err(io::Error::new(io::ErrorKind::InvalidData, problem))
}

/// Reads to the end into a buffer that never grows past one byte more than the cap: that byte tells "full" from "over".
fn read_all(stream: &mut impl Read, compressed_bytes: usize, limit_bytes: usize) -> Inflated {
    let most_bytes = limit_bytes.saturating_add(1);
    let mut out = vec![0; compressed_bytes.saturating_mul(4).max(MIN_BUFFER_BYTES).min(most_bytes)];
    let mut filled_bytes = 0;
    loop {
        if filled_bytes == most_bytes {
            return Ok(None);
        }
        if filled_bytes == out.len() {
            out.resize(out.len().saturating_mul(2).min(most_bytes), 0);
        }
        let free = out.get_mut(filled_bytes..).unwrap_or_default();
        match stream.read(free) {
            Ok(0) => break,
            Ok(read_bytes) => filled_bytes += read_bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    out.truncate(filled_bytes);
    Ok(Some(Bytes::from(out)))
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        time::{Duration, Instant},
    };

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    const LIMIT_BYTES: usize = 1 << 20;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).expect("into memory");
        encoder.finish().expect("into memory")
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).expect("into memory");
        encoder.finish().expect("into memory")
    }

    fn bare_deflate(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).expect("into memory");
        encoder.finish().expect("into memory")
    }

    fn inflated(body: Vec<u8>, encoding: &str) -> Result<Bytes, BodyError> {
        inflate(Bytes::from(body), Some(encoding), LIMIT_BYTES)
    }

    #[test]
    fn identity_hands_the_same_buffer_back() {
        let body = Bytes::from_static(b"plain");
        for encoding in [None, Some(""), Some("identity"), Some(" Identity ")] {
            let same = inflate(body.clone(), encoding, 5).expect("fits");
            assert_eq!(same.as_ptr(), body.as_ptr());
        }
        assert!(matches!(inflate(body, None, 4), Err(BodyError::TooLarge { limit_bytes: 4 })));
    }

    #[test]
    fn all_members_of_a_gzip_body_are_read() {
        let body = [gzip(b"one "), gzip(b""), gzip(b"two")].concat();
        assert_eq!(inflated(body.clone(), "gzip").expect("valid"), "one two");
        assert_eq!(inflated(body, "X-GZIP").expect("valid"), "one two");
    }

    #[test]
    fn deflate_is_zlib_and_also_bare() {
        assert_eq!(inflated(zlib(b"hello"), "deflate").expect("valid"), "hello");
        assert_eq!(inflated(bare_deflate(b"hello"), "Deflate").expect("valid"), "hello");
    }

    #[test]
    fn broken_streams_are_corrupt_and_not_shorter_bodies() {
        let whole = gzip(b"some text that is long enough to be cut");
        let mut wrong_sum = whole.clone();
        let sum_at = wrong_sum.len() - 8;
        wrong_sum[sum_at] ^= 1;
        let garbage = [whole.clone(), b"garbage".to_vec()].concat();
        for body in [wrong_sum, garbage, b"not gzip at all".to_vec(), Vec::new()] {
            assert!(matches!(inflated(body, "gzip"), Err(BodyError::Corrupt { .. })));
        }
        for cut in 0..whole.len() {
            assert!(inflated(whole[..cut].to_vec(), "gzip").is_err(), "cut at {cut}");
        }
        let mut followed = zlib(b"hello");
        followed.push(0);
        assert!(matches!(inflated(followed, "deflate"), Err(BodyError::Corrupt { .. })));
        for stream in [zlib(b"hello hello hello"), bare_deflate(b"hello hello hello")] {
            for cut in 0..stream.len() {
                assert!(inflated(stream[..cut].to_vec(), "deflate").is_err(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn the_cap_counts_inflated_bytes_of_all_members() {
        let (full, over) = (vec![7; LIMIT_BYTES], vec![7; LIMIT_BYTES + 1]);
        assert_eq!(inflated(gzip(&full), "gzip").expect("just fits").len(), LIMIT_BYTES);
        assert_eq!(inflated(zlib(&full), "deflate").expect("just fits").len(), LIMIT_BYTES);
        let two_members = [gzip(&full), gzip(b"x")].concat();
        for (body, encoding) in [(gzip(&over), "gzip"), (two_members, "gzip"), (zlib(&over), "deflate")] {
            assert!(matches!(inflated(body, encoding), Err(BodyError::TooLarge { limit_bytes: LIMIT_BYTES })));
        }
        assert_eq!(inflate(Bytes::from(gzip(b"")), Some("gzip"), 0).expect("empty"), "");
    }

    #[test]
    fn a_bomb_of_many_gigabytes_ends_at_the_cap() {
        for (member, encoding) in [(gzip(&vec![0; 8 << 20]), "gzip"), (zstd(&vec![0; 8 << 20]), "zstd")] {
            let bomb = member.repeat(1_280);
            let began = Instant::now();
            assert!(matches!(inflated(bomb, encoding), Err(BodyError::TooLarge { .. })));
            assert!(began.elapsed() < Duration::from_secs(1));
        }
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 3).expect("memory")
    }

    #[test]
    fn all_frames_of_a_zstd_body_are_read_and_a_broken_one_is_corrupt() {
        let body = [zstd(b"one "), zstd(b""), zstd(b"two")].concat();
        assert_eq!(inflated(body, "ZSTD").expect("valid"), "one two");
        let (full, over) = (vec![7; LIMIT_BYTES], vec![7; LIMIT_BYTES + 1]);
        assert_eq!(inflated(zstd(&full), "zstd").expect("just fits").len(), LIMIT_BYTES);
        assert!(matches!(inflated(zstd(&over), "zstd"), Err(BodyError::TooLarge { .. })));
        let whole = zstd(b"some text that is long enough to be cut");
        let garbage = [whole.clone(), b"garbage".to_vec()].concat();
        for body in [garbage, b"not zstd at all".to_vec(), gzip(b"x")] {
            assert!(matches!(inflated(body, "zstd"), Err(BodyError::Corrupt { .. })));
        }
        for cut in 0..whole.len() {
            assert!(matches!(inflated(whole[..cut].to_vec(), "zstd"), Err(BodyError::Corrupt { .. })), "cut at {cut}");
        }
    }

    #[test]
    fn a_zstd_frame_that_claims_a_huge_window_is_refused_before_there_is_memory_for_it() {
        // A frame without a size, with a window of 2 GiB, and one empty block.
        let claims = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
        assert!(matches!(inflated(claims, "zstd"), Err(BodyError::Corrupt { .. })));
    }

    #[test]
    fn a_body_of_empty_members_ends() {
        let body = gzip(b"").repeat(20_000);
        assert_eq!(inflated(body, "gzip").expect("valid"), "");
    }

    #[test]
    fn other_encodings_and_chains_have_an_error_of_their_own() {
        for encoding in ["lz4", "br", "snappy", "gzip, zstd", "identity, gzip"] {
            assert!(matches!(inflated(Vec::new(), encoding), Err(BodyError::Unsupported(name)) if name == encoding));
        }
    }

    #[test]
    fn media_types_are_read_in_any_case_and_with_parameters() {
        for header in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x=y"] {
            assert_eq!(MediaType::parse(header), Some(MediaType::Json));
        }
        for header in ["application/x-protobuf", "APPLICATION/X-PROTOBUF", "application/protobuf; v=1"] {
            assert_eq!(MediaType::parse(header), Some(MediaType::Protobuf));
        }
        for header in ["", "text/plain", "application/jsonl", "application/grpc", "application/json, text/html"] {
            assert_eq!(MediaType::parse(header), None);
        }
    }
}
