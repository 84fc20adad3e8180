//! Numbers: hexadecimal with a prefix, durations, sizes, versions, floats and integers.

use super::bytes::{count, ends_at};

/// Units of durations, longer ones first where one begins with another.
const DURATIONS: [&str; 14] =
    ["ns", "µs", "μs", "us", "ms", "msecs", "msec", "seconds", "secs", "sec", "mins", "min", "hours", "hrs"];
const SHORT_DURATIONS: [u8; 3] = [b's', b'm', b'h'];
const SIZES: [&[u8]; 14] =
    [b"B", b"KB", b"kB", b"MB", b"GB", b"TB", b"KiB", b"MiB", b"GiB", b"TiB", b"bytes", b"kb", b"mb", b"gb"];

/// `-5` and `.5`, where neither can be anything else than the beginning of a number.
pub fn signed(rest: &[u8], previous: u8) -> Option<(usize, &'static str)> {
    if !matches!(previous, b' ' | b'\t' | b'(' | b'[' | b'{' | b'=' | b',' | b':' | b'"' | b'\'') {
        return None;
    }
    let number = rest.strip_prefix(b"-").unwrap_or(rest);
    let sign = rest.len() - number.len();
    if let Some(fraction) = number.strip_prefix(b".") {
        // `.5` is read as if a zero stood before it.
        let digits = count(fraction, |byte| byte.is_ascii_digit());
        return (digits > 0 && ends_at(fraction, digits)).then_some((sign + 1 + digits, "<float>"));
    }
    at(number).map(|(length, class)| (sign + length, class))
}

/// A number at the beginning of a text.
pub fn at(rest: &[u8]) -> Option<(usize, &'static str)> {
    prefixed(rest).or_else(|| version(rest)).or_else(|| duration(rest)).or_else(|| plain(rest))
}

/// A hexadecimal number with a prefix, such as `0x7ffe12ab`.
fn prefixed(rest: &[u8]) -> Option<(usize, &'static str)> {
    let digits = rest.strip_prefix(b"0x").or_else(|| rest.strip_prefix(b"0X"))?;
    let length = count(digits, |byte| byte.is_ascii_hexdigit());
    (length > 0 && ends_at(digits, length)).then_some((length + 2, "<hex>"))
}

/// `1.2.3`, `v1.2`: numbers with more than one point between them, or a `v` before them.
fn version(rest: &[u8]) -> Option<(usize, &'static str)> {
    let number = rest.strip_prefix(b"v").unwrap_or(rest);
    let prefix = rest.len() - number.len();
    let mut length = count(number, |byte| byte.is_ascii_digit());
    let mut points = 0;
    while length > 0 && number.get(length) == Some(&b'.') {
        let digits = count(number.get(length + 1..).unwrap_or_default(), |byte| byte.is_ascii_digit());
        if digits == 0 {
            break;
        }
        length += 1 + digits;
        points += 1;
    }
    let is_version = points >= 2 || (prefix > 0 && points >= 1);
    (is_version && ends_at(number, length)).then_some((prefix + length, "<version>"))
}

/// `200µs`, `2m30s`, `1.5h`.
fn duration(rest: &[u8]) -> Option<(usize, &'static str)> {
    let mut length = 0;
    loop {
        let part = rest.get(length..).unwrap_or_default();
        let number = decimal(part);
        if number == 0 {
            break;
        }
        let unit = unit(part.get(number..).unwrap_or_default());
        if unit == 0 {
            return None;
        }
        length += number + unit;
    }
    (length > 0 && ends_at(rest, length)).then_some((length, "<duration>"))
}

/// How long the unit is a text begins with, when no letter follows it.
fn unit(rest: &[u8]) -> usize {
    let fits = |length: usize| rest.get(length).is_none_or(|byte| !byte.is_ascii_alphabetic());
    let long = DURATIONS.into_iter().find(|unit| rest.starts_with(unit.as_bytes()) && fits(unit.len())).map(str::len);
    let short = || usize::from(rest.first().is_some_and(|byte| SHORT_DURATIONS.contains(byte)) && fits(1));
    long.unwrap_or_else(short)
}

/// How long `12` or `12.5` or `1,234,567.8` is.
fn decimal(rest: &[u8]) -> usize {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let mut length = count(rest, is_digit);
    if (1..=3).contains(&length) {
        while let Some([b',', group @ ..]) = rest.get(length..length + 4)
            && group.iter().all(u8::is_ascii_digit)
            && !rest.get(length + 4).is_some_and(u8::is_ascii_digit)
        {
            length += 4;
        }
    }
    if length > 0 && rest.get(length) == Some(&b'.') {
        let fraction = count(rest.get(length + 1..).unwrap_or_default(), is_digit);
        if fraction > 0 {
            length += 1 + fraction;
        }
    }
    length
}

/// Floats, integers, and sizes such as `12KiB`.
fn plain(rest: &[u8]) -> Option<(usize, &'static str)> {
    let length = decimal(rest);
    if length == 0 {
        return None;
    }
    let number = rest.get(..length)?;
    let tail = rest.get(length..).unwrap_or_default();
    if SIZES.into_iter().any(|unit| tail.starts_with(unit) && ends_at(tail, unit.len())) {
        let unit = count(tail, |byte| byte.is_ascii_alphabetic());
        return Some((length + unit, "<size>"));
    }
    let exponent = exponent(tail);
    if ends_at(rest, length + exponent) {
        let is_float = exponent > 0 || number.contains(&b'.');
        return Some((length + exponent, if is_float { "<float>" } else { "<int>" }));
    }
    // `1.5x` is no number, but what stands before the point is.
    let whole = count(rest, |byte| byte.is_ascii_digit());
    ends_at(rest, whole).then_some((whole, "<int>"))
}

/// How long `e-7` is.
fn exponent(rest: &[u8]) -> usize {
    let [b'e' | b'E', digits @ ..] = rest else { return 0 };
    let sign = usize::from(matches!(digits.first(), Some(b'-' | b'+')));
    match count(digits.get(sign..).unwrap_or_default(), |byte| byte.is_ascii_digit()) {
        0 => 0,
        length => 1 + sign + length,
    }
}
