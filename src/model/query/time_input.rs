//! What people type for times and durations: `15m`, `yesterday`, `2026-11-21T09:00`, `1.5s`.
//!
//! A length of time stands for the moment that long before now, so `--since 15m` reads as it is meant. A day is 24 hours
//! and `1m` is a minute. Dates and clock times without an offset are local; where clocks jump, the gap is skipped and of
//! an hour that happens twice the first one counts.

use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned, civil};

use crate::model::Nanos;
use crate::model::time::{NANOS_PER_DAY, NANOS_PER_HOUR, NANOS_PER_MINUTE, NANOS_PER_MS, NANOS_PER_SECOND};

/// Why a text is no time or duration: one clause that says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TimeInputError(pub String);

/// Shortest unix time that is taken for one, in digits; `15` or `2026` alone are more likely a forgotten unit.
const MIN_UNIX_DIGITS: usize = 9;

/// Reads a time as people type it: a length of time before `now` (`15m`, `2 hours ago`), `now`, `today`, `yesterday`, a
/// clock time of today, a date with or without a time in `zone`, RFC 3339 with an offset, or a unix time in seconds,
/// milliseconds, microseconds or nanoseconds, told apart by magnitude.
///
/// # Errors
/// Says what was expected; also for instants before 1970 or after 2554, which 64 bits of nanoseconds cannot hold.
pub fn parse_time(text: &str, now: Nanos, zone: &TimeZone) -> Result<Nanos, TimeInputError> {
    let word = text.trim();
    if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return parse_unix(word);
    }
    if let Some(length) = parse_ago(word) {
        return Ok(Nanos(now.0.saturating_sub(length)));
    }
    if let Ok(instant) = word.parse::<jiff::Timestamp>() {
        return Nanos::from_timestamp(instant).ok_or_else(|| out_of_range(text));
    }
    let Some(civil) = parse_civil(word, &now.to_timestamp().to_zoned(zone.clone())) else {
        return Err(TimeInputError(format!(
            "`{text}` is not a time; use a length of time such as `15m`, `2h` or `7d`, `now`, `today`, `yesterday`, \
             `09:00`, `2026-11-21`, `2026-11-21T09:00`, RFC 3339, or unix seconds"
        )));
    };
    let instant = civil.to_zoned(zone.clone()).ok();
    instant.and_then(|instant| Nanos::from_timestamp(instant.timestamp())).ok_or_else(|| out_of_range(text))
}

/// Reads a duration, in nanoseconds: `250ms`, `1.5s`, `2m`, `1h30m`, `3d`, `0`.
///
/// # Errors
/// Says what was expected; a number without a unit is refused unless it is zero.
pub fn parse_duration(text: &str) -> Result<u64, TimeInputError> {
    let word = text.trim();
    if !word.is_empty() && word.bytes().all(|byte| byte == b'0') {
        return Ok(0);
    }
    match sum_of_parts(word) {
        Some(Ok(nanos)) => Ok(nanos),
        Some(Err(TooLong)) => {
            Err(TimeInputError(format!("`{text}` is too long; the longest duration is about 584 years")))
        }
        None if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            Err(TimeInputError(format!(
                "`{text}` has no unit; write `{word}ms`, `{word}s`, `{word}m`, `{word}h` or `{word}d`"
            )))
        }
        None => Err(TimeInputError(format!(
            "`{text}` is not a duration; use a number and a unit such as `250ms`, `1.5s`, `2m`, `1h30m` or `3d`"
        ))),
    }
}

/// A sum that does not fit.
struct TooLong;

/// The nanoseconds of `1h30m`, `2 hours`, `1.5s`; `None` when the text is no such thing.
fn sum_of_parts(text: &str) -> Option<Result<u64, TooLong>> {
    let mut rest = text;
    let mut sum: u128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(number_end);
        let after = after.trim_start();
        let unit_end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        match scaled(number, unit_ns(unit)?)? {
            Ok(nanos) => sum = sum.saturating_add(nanos),
            Err(TooLong) => return Some(Err(TooLong)),
        }
        rest = after.trim_start();
    }
    (!text.is_empty()).then(|| u64::try_from(sum).map_err(|_| TooLong))
}

/// A decimal number of units, exact; `None` when it is no number.
fn scaled(number: &str, unit_ns: u64) -> Option<Result<u128, TooLong>> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let Ok(whole) = format!("0{whole}").parse::<u64>() else { return Some(Err(TooLong)) };
    let kept = &fraction[..fraction.len().min(18)];
    let numerator: u128 = format!("0{kept}").parse().ok()?;
    let denominator = 10u128.pow(u32::try_from(kept.len()).ok()?);
    Some(Ok(u128::from(whole) * u128::from(unit_ns) + numerator * u128::from(unit_ns) / denominator))
}

fn unit_ns(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => NANOS_PER_MS,
        "s" | "sec" | "secs" | "second" | "seconds" => NANOS_PER_SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => NANOS_PER_MINUTE,
        "h" | "hr" | "hrs" | "hour" | "hours" => NANOS_PER_HOUR,
        "d" | "day" | "days" => NANOS_PER_DAY,
        "w" | "week" | "weeks" => 7 * NANOS_PER_DAY,
        _ => return None,
    })
}

/// The length of `15m` or `2 hours ago`; `None` when the text is something else. A length too long to hold reaches
/// back to 1970.
fn parse_ago(word: &str) -> Option<u64> {
    let length = word.strip_suffix(" ago").map_or(word, str::trim_end);
    sum_of_parts(length).map(|sum| sum.unwrap_or(u64::MAX))
}

fn parse_unix(digits: &str) -> Result<Nanos, TimeInputError> {
    if digits.bytes().all(|digit| digit == b'0') {
        return Ok(Nanos(0));
    }
    if digits.len() < MIN_UNIX_DIGITS {
        return Err(TimeInputError(format!(
            "`{digits}` is not a time; add a unit (`{digits}m`, `{digits}h`) or write a whole date or unix time"
        )));
    }
    // Seconds have up to 11 digits until the year 5138, and each finer unit three more.
    let factor = match digits.len() {
        ..=11 => NANOS_PER_SECOND,
        12..=14 => NANOS_PER_MS,
        15..=17 => 1_000,
        _ => 1,
    };
    let number = digits.parse::<u64>().ok();
    number.and_then(|number| number.checked_mul(factor)).map(Nanos).ok_or_else(|| out_of_range(digits))
}

/// Words, clock times, dates and dates with a time, as a local date and time.
fn parse_civil(word: &str, today: &Zoned) -> Option<civil::DateTime> {
    let midnight = civil::Time::midnight();
    let (first, clock) = match word.split_once(' ') {
        Some((first, clock)) => (first, Some(clock.trim_start().parse::<civil::Time>().ok()?)),
        None => (word, None),
    };
    match first.to_ascii_lowercase().as_str() {
        "now" if clock.is_none() => return Some(today.datetime()),
        "today" => return Some(today.date().to_datetime(clock.unwrap_or(midnight))),
        "yesterday" => return Some(today.date().checked_sub(1.day()).ok()?.to_datetime(clock.unwrap_or(midnight))),
        _ => {}
    }
    if word.starts_with(|c: char| !c.is_ascii_digit()) {
        return None;
    }
    if word.contains('-') {
        return word.parse::<civil::DateTime>().ok();
    }
    word.contains(':').then(|| word.parse::<civil::Time>().ok()).flatten().map(|time| today.date().to_datetime(time))
}

fn out_of_range(text: &str) -> TimeInputError {
    TimeInputError(format!("`{text}` is out of range; times reach from 1970 to 2554"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-21T09:14:02.117Z, a Saturday; 10:14 in Berlin.
    const NOW: Nanos = Nanos(1_795_252_442_117_000_000);

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a valid rule")
    }

    fn at(text: &str) -> String {
        parse_time(text, NOW, &berlin()).map_or_else(|error| format!("error: {error}"), Nanos::to_rfc3339)
    }

    fn back(text: &str) -> u64 {
        NOW.since(parse_time(text, NOW, &berlin()).expect(text))
    }

    #[test]
    fn a_length_of_time_is_that_long_before_now() {
        let second = NANOS_PER_SECOND;
        for (text, seconds) in [
            ("30s", 30),
            ("15m", 15 * 60),
            ("1m", 60),
            ("2h", 7_200),
            ("7d", 7 * 86_400),
            ("1w", 7 * 86_400),
            ("1h30m", 5_400),
            ("2 hours ago", 7_200),
            ("1 day ago", 86_400),
            ("15m ago", 900),
            (" 90 minutes ", 5_400),
        ] {
            assert_eq!(back(text), seconds * second, "{text}");
        }
        assert_eq!(back("1.5h"), 5_400 * second);
        assert_eq!(parse_time("99999w", NOW, &berlin()), Ok(Nanos(0)));
    }

    #[test]
    fn words_and_clock_times_are_local() {
        assert_eq!(at("now"), NOW.to_rfc3339());
        assert_eq!(at("today"), "2026-11-20T23:00:00.000000000Z");
        assert_eq!(at("Yesterday"), "2026-11-19T23:00:00.000000000Z");
        assert_eq!(at("yesterday 18:30"), "2026-11-20T17:30:00.000000000Z");
        assert_eq!(at("09:00"), "2026-11-21T08:00:00.000000000Z");
        assert_eq!(at("09:00:05.25"), "2026-11-21T08:00:05.250000000Z");
    }

    #[test]
    fn dates_take_the_offset_of_their_own_season() {
        assert_eq!(at("2026-11-21"), "2026-11-20T23:00:00.000000000Z");
        assert_eq!(at("2026-07-01"), "2026-06-30T22:00:00.000000000Z");
        assert_eq!(at("2026-11-21T09:00"), "2026-11-21T08:00:00.000000000Z");
        assert_eq!(at("2026-11-21 09:00:05"), "2026-11-21T08:00:05.000000000Z");
    }

    #[test]
    fn where_clocks_jump_the_gap_is_skipped_and_a_repeated_hour_is_the_first() {
        assert_eq!(at("2026-03-29T02:30"), "2026-03-29T01:30:00.000000000Z");
        assert_eq!(at("2026-10-25T02:30"), "2026-10-25T00:30:00.000000000Z");
    }

    #[test]
    fn a_day_back_over_a_clock_change_is_24_hours_and_yesterday_is_a_calendar_day() {
        let after_change = parse_time("2026-10-25T12:00", NOW, &berlin()).expect("valid");
        let day_back = parse_time("1d", after_change, &berlin()).expect("valid");
        assert_eq!(after_change.since(day_back), NANOS_PER_DAY);
        let day_later = parse_time("2026-10-26T12:00", NOW, &berlin()).expect("valid");
        let yesterday = parse_time("yesterday", day_later, &berlin()).expect("valid");
        assert_eq!(yesterday.to_rfc3339(), "2026-10-24T22:00:00.000000000Z");
        assert_eq!(parse_time("today", day_later, &berlin()).expect("valid").since(yesterday), 25 * NANOS_PER_HOUR);
    }

    #[test]
    fn an_offset_wins_over_the_local_zone() {
        assert_eq!(at("2026-11-21T09:14:02.117Z"), NOW.to_rfc3339());
        assert_eq!(at("2026-11-21T14:44:02.117000001+05:30"), "2026-11-21T09:14:02.117000001Z");
        assert_eq!(at("2026-11-21 09:14:02z"), "2026-11-21T09:14:02.000000000Z");
    }

    #[test]
    fn unix_times_are_told_apart_by_magnitude() {
        for text in ["1795252442", "1795252442000", "1795252442000000", "1795252442000000000"] {
            assert_eq!(at(text), "2026-11-21T09:14:02.000000000Z", "{text}");
        }
        assert_eq!(at("0"), "1970-01-01T00:00:00.000000000Z");
    }

    #[test]
    fn what_is_no_time_says_what_would_be() {
        for text in [
            "",
            "soon",
            "15",
            "2026",
            "1M",
            "-5m",
            "2026-13-01",
            "2026-02-30",
            "25:00",
            "ago",
            "5mago",
            "now 09:00",
            "15m/2",
        ] {
            assert!(at(text).starts_with("error: "), "{text}: {}", at(text));
        }
        insta::assert_snapshot!(at("soon"), @"error: `soon` is not a time; use a length of time such as `15m`, `2h` or `7d`, `now`, `today`, `yesterday`, `09:00`, `2026-11-21`, `2026-11-21T09:00`, RFC 3339, or unix seconds");
        insta::assert_snapshot!(at("15"), @"error: `15` is not a time; add a unit (`15m`, `15h`) or write a whole date or unix time");
        insta::assert_snapshot!(at("1969-01-01"), @"error: `1969-01-01` is out of range; times reach from 1970 to 2554");
        insta::assert_snapshot!(at("99999999999999999999"), @"error: `99999999999999999999` is out of range; times reach from 1970 to 2554");
    }

    #[test]
    fn durations_are_exact() {
        for (text, nanos) in [
            ("250ms", 250_000_000),
            ("1.5s", 1_500_000_000),
            ("2m", 120_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1h 30m", 5_400_000_000_000),
            ("3d", 259_200_000_000_000),
            ("0", 0),
            ("0s", 0),
            (".5ms", 500_000),
            ("0.1us", 100),
            ("17ns", 17),
            ("3µs", 3_000),
            ("18446744073709551615ns", u64::MAX),
        ] {
            assert_eq!(parse_duration(text), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_what_would_be() {
        let error = |text: &str| parse_duration(text).expect_err(text).to_string();
        for text in ["", " ", "ms", "1x", "-5ms", "1.2.3s", "1s2", "abc", "1e3s", "٣s", ".s"] {
            assert!(error(text).contains("is not a duration"), "{text}: {}", error(text));
        }
        insta::assert_snapshot!(error("500"), @"`500` has no unit; write `500ms`, `500s`, `500m`, `500h` or `500d`");
        insta::assert_snapshot!(error("fast"), @"`fast` is not a duration; use a number and a unit such as `250ms`, `1.5s`, `2m`, `1h30m` or `3d`");
        insta::assert_snapshot!(error("600000000w"), @"`600000000w` is too long; the longest duration is about 584 years");
        assert!(error("99999999999999999999s").contains("too long"));
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "\\PC*", digits in "[0-9:. TZ+-]{0,30}[a-z]{0,3}") {
            for text in [text, digits] {
                let _ = parse_time(&text, NOW, &berlin());
                let _ = parse_duration(&text);
            }
        }

        #[test]
        fn every_printed_instant_reads_back(nanos: u64) {
            prop_assert_eq!(parse_time(&Nanos(nanos).to_rfc3339(), NOW, &berlin()), Ok(Nanos(nanos)));
        }
    }
}
