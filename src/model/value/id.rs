//! Trace and span ids.
//!
//! A trace id is 16 bytes when it comes from OpenTelemetry and any other non-empty text up to 256 bytes when it is a
//! correlation id. Both are first-class: 32 hex digits *are* an OpenTelemetry id, whoever wrote them, so checkpoints
//! and logs that carry one join the spans. So are the ids of 64 bits that older tracers have (B3, Datadog), which are 16
//! digits in logs and the same with 16 zeros before them in OpenTelemetry, and X-Ray's way to write them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::model::Text;

/// Longest free-form trace id, in bytes.
pub const MAX_TRACE_ID_BYTES: usize = 256;

/// Names one request chain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TraceId {
    /// An OpenTelemetry id: 16 bytes, not all zero.
    Otel([u8; 16]),
    /// A correlation id: any other non-empty text.
    Text(Text),
}

/// Names one span within its trace: 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub [u8; 8]);

/// Why a text or bytes are no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// An id of no characters at all.
    #[error("id is empty")]
    Empty,
    /// Longer than [`MAX_TRACE_ID_BYTES`].
    #[error("trace id is {0} bytes long, the limit is {MAX_TRACE_ID_BYTES}")]
    TooLong(usize),
    /// A binary id of the wrong length.
    #[error("id is {found} bytes long instead of {expected}")]
    Length {
        /// How many bytes there were.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// All bytes are zero, which OpenTelemetry defines as "no id".
    #[error("id is all zero")]
    Zero,
    /// Not hexadecimal digits.
    #[error("id is not hexadecimal")]
    NotHex,
}

impl TraceId {
    /// 64 bits that stand for the trace where traces are counted. Stores keep them, so they never change.
    pub fn hash64(&self) -> u64 {
        match self {
            TraceId::Otel(raw) => xxh3_64(raw),
            TraceId::Text(text) => xxh3_64_with_seed(text.as_bytes(), 1),
        }
    }

    /// An OpenTelemetry id from its 16 raw bytes, or from the last 8 of an id of 64 bits.
    ///
    /// # Errors
    /// [`IdError::Length`] and [`IdError::Zero`] as the
    /// [data model](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto) rules.
    pub fn from_otel_bytes(bytes: &[u8]) -> Result<TraceId, IdError> {
        match <[u8; 8]>::try_from(bytes) {
            Ok(low) => raw_id::<16>(&u128::from(u64::from_be_bytes(low)).to_be_bytes()).map(TraceId::Otel),
            Err(_) => raw_id(bytes).map(TraceId::Otel),
        }
    }

    /// The id where there is room for its beginning only: an id of 64 bits without the zeros before it, any other as it is
    /// written.
    pub fn brief(&self) -> String {
        match self {
            TraceId::Otel([0, 0, 0, 0, 0, 0, 0, 0, low @ ..]) => to_hex(low),
            id => id.to_string(),
        }
    }

    /// Reads an id as people and clients write it: 32 hex digits in any case are an OpenTelemetry id, 16 are one of 64
    /// bits, and so is X-Ray's `1-5759e988-bd862e3fe1be46a994272793`; everything else is a correlation id and kept as it
    /// is.
    ///
    /// # Errors
    /// [`IdError::Empty`] and [`IdError::TooLong`].
    pub fn parse(text: &str) -> Result<TraceId, IdError> {
        if text.is_empty() {
            return Err(IdError::Empty);
        }
        if text.len() > MAX_TRACE_ID_BYTES {
            return Err(IdError::TooLong(text.len()));
        }
        let otel = otel_bytes(text.as_bytes()).filter(|raw| *raw != [0; 16]);
        Ok(otel.map_or_else(|| TraceId::Text(Text::from(text)), TraceId::Otel))
    }

    /// Compares ids as they are written, byte by byte, whatever kind they are of. Unlike `Ord`, which has all
    /// OpenTelemetry ids first, as they lie in a file.
    pub fn cmp_written(&self, other: &TraceId) -> Ordering {
        match (self, other) {
            (TraceId::Otel(raw), TraceId::Text(text)) => hex_digits(raw).cmp(text.bytes()),
            (TraceId::Text(text), TraceId::Otel(raw)) => text.bytes().cmp(hex_digits(raw)),
            _ => self.cmp(other),
        }
    }
}

impl FromStr for TraceId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<TraceId, IdError> {
        TraceId::parse(text)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceId::Otel(raw) => f.write_str(&to_hex(raw)),
            TraceId::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

impl SpanId {
    /// A span id from its 8 raw bytes.
    ///
    /// # Errors
    /// [`IdError::Length`] and [`IdError::Zero`].
    pub fn from_bytes(bytes: &[u8]) -> Result<SpanId, IdError> {
        raw_id(bytes).map(SpanId)
    }

    /// Reads 16 hex digits in any case.
    ///
    /// # Errors
    /// [`IdError::NotHex`] (which includes a wrong number of digits) and [`IdError::Zero`].
    pub fn parse(text: &str) -> Result<SpanId, IdError> {
        let raw = from_hex::<8>(text.as_bytes()).ok_or(IdError::NotHex)?;
        SpanId::from_bytes(&raw)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

/// The bytes of an OpenTelemetry trace id in any of its spellings; `None` when the text is none.
fn otel_bytes(text: &[u8]) -> Option<[u8; 16]> {
    match text.len() {
        32 => from_hex(text),
        16 => from_hex::<8>(text).map(|low| u128::from(u64::from_be_bytes(low)).to_be_bytes()),
        35 => {
            let (time, random) = text.strip_prefix(b"1-")?.split_at_checked(8)?;
            from_hex(&[time, random.strip_prefix(b"-")?].concat())
        }
        _ => None,
    }
}

/// The bytes of an OpenTelemetry id of a fixed length.
fn raw_id<const N: usize>(bytes: &[u8]) -> Result<[u8; N], IdError> {
    match bytes.try_into() {
        Ok(raw) if raw == [0; N] => Err(IdError::Zero),
        Ok(raw) => Ok(raw),
        Err(_) => Err(IdError::Length { found: bytes.len(), expected: N }),
    }
}

/// Bytes as hexadecimal digits in lower case, two each.
pub fn to_hex(raw: &[u8]) -> String {
    hex_digits(raw).map(char::from).collect()
}

fn hex_digits(raw: &[u8]) -> impl Iterator<Item = u8> {
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
    raw.iter().flat_map(move |byte| [digit(byte >> 4), digit(byte & 15)])
}

/// Decodes exactly `N` bytes of hexadecimal in any case; `None` on any other length or character.
pub fn from_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let mut raw = [0; N];
    for (byte, pair) in raw.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = (hex_digit(*high)? << 4) | hex_digit(*low)?;
    }
    Some(raw)
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_two_hex_digits_in_any_case_are_an_otel_id() {
        let lower = TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").expect("valid");
        let upper = TraceId::parse("4BF92F3577B34DA6A3CE929D0E0E4736").expect("valid");
        assert_eq!(lower, upper);
        assert!(matches!(lower, TraceId::Otel(_)));
        assert_eq!(lower.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn ids_of_64_bits_are_the_same_in_either_spelling() {
        let parse = |text: &str| TraceId::parse(text).expect("valid");
        let long = parse("0000000000000000b7ad6b7169203331");
        assert_eq!([parse("b7ad6b7169203331"), parse("B7AD6B7169203331")], [long.clone(), long.clone()]);
        assert_eq!(TraceId::from_otel_bytes(&[0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]), Ok(long.clone()));
        assert_eq!(long.brief(), "b7ad6b7169203331");
        assert_eq!(parse("4bf92f3577b34da6a3ce929d0e0e4736").brief(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(TraceId::from_otel_bytes(&[0; 8]), Err(IdError::Zero));
        assert_eq!(parse("0000000000000000").to_string(), "0000000000000000");
        assert_eq!(parse("1-5759e988-bd862e3fe1be46a994272793"), parse("5759e988bd862e3fe1be46a994272793"));
        for text in ["1-5759e988_bd862e3fe1be46a994272793", "2-5759e988-bd862e3fe1be46a994272793", "b7ad6b716920333g"] {
            assert_eq!(parse(text).to_string(), text);
        }
    }

    #[test]
    fn ids_of_both_kinds_compare_as_they_are_written() {
        let texts =
            ["", "0", "4bf9", "4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4737", "4c", "é"];
        let ids: Vec<TraceId> = texts.iter().filter_map(|text| TraceId::parse(text).ok()).collect();
        for (left, right) in ids.iter().flat_map(|left| ids.iter().map(move |right| (left, right))) {
            assert_eq!(left.cmp_written(right), left.to_string().cmp(&right.to_string()), "{left} {right}");
        }
    }

    #[test]
    fn any_other_text_is_a_correlation_id_kept_as_it_is() {
        for text in ["cli-12345-abc", "req/with slash?&", "ünïcode-✓", "00000000000000000000000000000000"] {
            assert_eq!(TraceId::parse(text).expect("valid").to_string(), text);
        }
    }

    #[test]
    fn empty_and_overlong_ids_are_refused() {
        assert_eq!(TraceId::parse(""), Err(IdError::Empty));
        assert_eq!(TraceId::parse(&"x".repeat(257)), Err(IdError::TooLong(257)));
        assert!(TraceId::parse(&"x".repeat(256)).is_ok());
    }

    #[test]
    fn binary_ids_must_have_their_length_and_a_bit_set() {
        assert_eq!(TraceId::from_otel_bytes(&[1; 15]), Err(IdError::Length { found: 15, expected: 16 }));
        assert_eq!(TraceId::from_otel_bytes(&[0; 16]), Err(IdError::Zero));
        assert_eq!(SpanId::from_bytes(&[1; 9]), Err(IdError::Length { found: 9, expected: 8 }));
        assert_eq!(SpanId::parse("b7ad6b7169203331").map(|id| id.to_string()), Ok("b7ad6b7169203331".into()));
    }
}
