//! Times as programs send them: ISO 8601 with and without an offset, RFC 2822, and unix time in any unit.

use jiff::civil;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

use crate::decode::python_json::Node;
use crate::model::Nanos;
use crate::model::time::NANOS_PER_SECOND;

/// Smallest number that is taken for a unix time, in seconds: less is a count of something else.
const MIN_UNIX_SECONDS: u128 = 100_000_000;

/// The time a value names; `None` for what is no time, or one that 64 bits of nanoseconds since 1970 cannot hold. A
/// time without an offset is UTC.
pub(super) fn read_time(node: &Node<'_>) -> Option<Nanos> {
    match node {
        Node::Text(text) => parse_text(text.trim()),
        Node::Int(digits) => parse_digits(digits),
        Node::Float(number) => from_number(*number),
        _ => None,
    }
    .filter(|time| time.0 > 0)
}

fn parse_text(text: &str) -> Option<Nanos> {
    let number = || parse_digits(text).or_else(|| text.parse().ok().and_then(from_number));
    parse_iso(text).or_else(number).or_else(|| parse_spaced(text)).or_else(|| parse_mail(text))
}

fn parse_iso(text: &str) -> Option<Nanos> {
    let instant = text.parse::<jiff::Timestamp>().ok();
    let civil = || text.parse::<civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    from_instant(instant.or_else(|| Some(civil()?.timestamp()))?)
}

/// Reads ISO 8601 with the offset, or `UTC`, or both behind a space, as Ruby and Go print it.
fn parse_spaced(text: &str) -> Option<Nanos> {
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    match text.rsplit_once(' ') {
        Some((time, offset)) if offset.starts_with(['+', '-']) => parse_iso(&format!("{time}{offset}")),
        _ => parse_iso(text),
    }
}

/// Reads `Sat, 21 Nov 2026 09:14:02 GMT`, as mail and HTTP have it.
fn parse_mail(text: &str) -> Option<Nanos> {
    from_instant(rfc2822::parse(text).ok()?.timestamp())
}

fn from_instant(instant: jiff::Timestamp) -> Option<Nanos> {
    u64::try_from(instant.as_nanosecond()).ok().map(Nanos)
}

/// Reads a whole number; its magnitude tells the unit.
fn parse_digits(digits: &str) -> Option<Nanos> {
    let number: u128 = digits.parse().ok()?;
    let factor = unit_ns(number)?;
    u64::try_from(number * factor).ok().map(Nanos)
}

/// Reads a fractional number, to the microsecond: a double of today's seconds resolves no more.
fn from_number(number: f64) -> Option<Nanos> {
    if !(0.0..1e20).contains(&number) {
        return None;
    }
    let units_per_us = match unit_ns(number as u128)? {
        1 => 1e-3,
        unit => unit as f64 / 1e3,
    };
    Some(Nanos(((number * units_per_us).round() as u64).checked_mul(1_000)?))
}

/// Nanoseconds of the unit in which a number of this size is a time between 1973 and 5138.
fn unit_ns(number: u128) -> Option<u128> {
    let seconds_end = 100_000_000_000;
    Some(match number {
        ..MIN_UNIX_SECONDS => return None,
        number if number < seconds_end => u128::from(NANOS_PER_SECOND),
        number if number < seconds_end * 1_000 => 1_000_000,
        number if number < seconds_end * 1_000_000 => 1_000,
        number if number <= u128::from(u64::MAX) => 1,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_way_to_write_a_time_is_read() {
        let text = |text: &'static str| Node::Text(text.into());
        const MS: u64 = 1_795_252_442_117_000_000;
        for (sent, expected) in [
            (text("2026-11-21T09:14:02.117+00:00"), Some(MS)),
            (text("2026-11-21T10:14:02.117+01:00"), Some(MS)),
            (text("2026-11-21T10:14:02.117+0100"), Some(MS)),
            (text("2026-11-21T09:14:02.117Z"), Some(MS)),
            (text("2026-11-21 09:14:02.117Z"), Some(MS)),
            (text("2026-11-21T09:14:02.117"), Some(MS)),
            (text("2026-11-21 09:14:02,117"), Some(MS)),
            (text("2026-11-21 10:14:02.117 +0100"), Some(MS)),
            (text("2026-11-21 09:14:02.117 UTC"), Some(MS)),
            (text("2026-11-21 09:14:02.117 +0000 UTC"), Some(MS)),
            (text("Sat, 21 Nov 2026 09:14:02 GMT"), Some(MS - 117_000_000)),
            (text(" 1795252442117 "), Some(MS)),
            (text("1795252442.117"), Some(MS)),
            (Node::Int("1795252442"), Some(MS - 117_000_000)),
            (Node::Int("1795252442117"), Some(MS)),
            (Node::Int("1795252442117000"), Some(MS)),
            (Node::Int("1795252442117000000"), Some(MS)),
            (Node::Float(1_795_252_442.117), Some(MS)),
            (Node::Float(1_795_252_442_117.5), Some(MS + 500_000)),
            (Node::Float(1.795252442117e18), Some(MS)),
            (Node::Int("0"), None),
            (Node::Int("-5"), None),
            (Node::Int("15"), None),
            (Node::Int("99999999999999999999999999999999"), None),
            (Node::Float(f64::NAN), None),
            (Node::Float(f64::INFINITY), None),
            (text("1969-12-31T23:59:59Z"), None),
            (text("9999-12-31T23:59:59Z"), None),
            (text("yesterday"), None),
            (text(""), None),
            (Node::Null, None),
            (Node::Bool(true), None),
        ] {
            assert_eq!(read_time(&sent), expected.map(Nanos), "{sent:?}");
        }
    }
}
