//! Numbers and times as people read them. Rounding happens here and nowhere below.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{Cost, Nanos};

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// A duration in two or three digits: `0 900ns 12µs 0.6ms 6.0ms 27ms 1.24s 12.4s 1m52s 2h03m 3d04h`.
pub fn duration(nanos: u64) -> String {
    short_duration(nanos, 9_950_000)
}

/// A duration in three digits: like [`duration`], but with `38.2ms` instead of `38ms`.
pub fn fine_duration(nanos: u64) -> String {
    short_duration(nanos, 99_950_000)
}

/// A duration below an hour in few digits; `whole_ms_from` is from how many nanoseconds on milliseconds are written
/// without a fraction. Every limit lies where rounding would give one digit more than its form has.
fn short_duration(nanos: u64, whole_ms_from: u64) -> String {
    let (ms, seconds) = (nanos as f64 / MILLI as f64, nanos as f64 / SECOND as f64);
    let whole_seconds = (nanos.saturating_add(SECOND / 2)) / SECOND;
    match nanos {
        0 => "0".to_owned(),
        1..MICRO => format!("{nanos}ns"),
        MICRO..99_500 => format!("{:.0}µs", nanos as f64 / MICRO as f64),
        _ if nanos < whole_ms_from => format!("{ms:.1}ms"),
        _ if nanos < 999_500_000 => format!("{ms:.0}ms"),
        _ if nanos < 9_995_000_000 => format!("{seconds:.2}s"),
        _ if nanos < 59_950_000_000 => format!("{seconds:.1}s"),
        _ => long_duration(whole_seconds),
    }
}

fn long_duration(seconds: u64) -> String {
    let (minutes, hours) = ((seconds + 30) / 60, (seconds + 1_800) / 3_600);
    match seconds {
        ..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_370 => format!("{}h{:02}m", minutes / 60, minutes % 60),
        86_370..8_640_000 => format!("{}d{:02}h", hours / 24, hours % 24),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long ago something was: `12s 4m 3h 2d`; what lies in the future is `0s`.
pub fn age(nanos: u64) -> String {
    let seconds = nanos / SECOND;
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A count with commas: `11,470`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and what is counted: `1 span`, `47 spans`.
pub fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A count in two or three digits: `412 8.1k 73k 1.2M`.
pub fn rough_count(number: u64) -> String {
    match number {
        ..1_000 => number.to_string(),
        1_000..9_950 => format!("{:.1}k", number as f64 / 1e3),
        9_950..999_500 => format!("{:.0}k", number as f64 / 1e3),
        999_500..9_950_000 => format!("{:.1}M", number as f64 / 1e6),
        _ => format!("{:.0}M", number as f64 / 1e6),
    }
}

/// Tokens sent to a model and received from it: `8.1k→412`.
pub fn tokens(input: u64, output: u64) -> String {
    format!("{}→{}", rough_count(input), rough_count(output))
}

/// An amount of money: `$0.0061 $12.40 0.0061 EUR`.
pub fn cost(cost: &Cost) -> String {
    let digits = if cost.amount.abs() < 1.0 { 4 } else { 2 };
    let is_tiny = cost.amount > 0.0 && cost.amount < 0.000_05;
    let amount = if is_tiny { "0.0001".to_owned() } else { format!("{:.digits$}", cost.amount) };
    let less = if is_tiny { "<" } else { "" };
    match cost.currency.as_str() {
        "USD" => format!("{less}${amount}"),
        currency => format!("{less}{amount} {currency}"),
    }
}

/// Part of a whole with one digit after the point: `2.4% <0.1% 100%`; `·` when it is none.
pub fn rate(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "·".to_owned();
    }
    match part as f64 / whole as f64 * 100.0 {
        percent if percent < 0.1 => "<0.1%".to_owned(),
        percent if percent < 9.95 => format!("{percent:.1}%"),
        percent => format!("{percent:.0}%"),
    }
}

/// Part of a whole in whole percent: `41% <1%`.
pub fn share(part: u64, whole: u64) -> String {
    match part as f64 / whole.max(1) as f64 * 100.0 {
        percent if percent < 0.5 && part > 0 => "<1%".to_owned(),
        percent => format!("{percent:.0}%"),
    }
}

/// How many a minute, in about three digits: `0.21 2.1 21.3 191`.
pub fn per_minute(number: u64, within_ns: u64) -> String {
    let minutes = within_ns.max(1) as f64 / (60 * SECOND) as f64;
    match number as f64 / minutes {
        rate if rate < 1.0 => format!("{rate:.2}"),
        rate if rate < 99.95 => format!("{rate:.1}"),
        rate => count(rate.round() as u64),
    }
}

/// A size: `512 B`, `84.2 MiB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number < 1_024 {
        return format!("{number} B");
    }
    let mut size = number as f64 / 1_024.0;
    let mut unit = 0;
    while size >= 1_023.95 && unit + 1 < UNITS.len() {
        size /= 1_024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// How long records are kept: `24h`, `7d`, `30m`.
pub fn retention(seconds: u64) -> String {
    match seconds {
        _ if seconds >= 172_800 && seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// A point in time in a time zone, by a pattern as `strftime` has them.
pub fn clock(time: Nanos, zone: &TimeZone, pattern: &str) -> String {
    match Timestamp::from_nanosecond(i128::from(time.0)) {
        Ok(timestamp) => timestamp.to_zoned(zone.clone()).strftime(pattern).to_string(),
        Err(_) => time.to_rfc3339(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_two_or_three_digits_and_round_into_the_next_unit() {
        let ms = |ms: f64| duration((ms * 1e6) as u64);
        let written = [0.0, 0.000_9, 0.012, 0.6, 6.0, 9.96, 27.0, 577.0, 999.6, 1_240.0, 12_400.0].map(ms);
        assert_eq!(
            written,
            ["0", "900ns", "12µs", "0.6ms", "6.0ms", "10ms", "27ms", "577ms", "1.00s", "1.24s", "12.4s"]
        );
        let seconds = |seconds: u64| duration(seconds * SECOND);
        let written = [60, 112, 3_599, 3_600, 7_380, 86_399, 273_600, 1_700_000_000].map(seconds);
        assert_eq!(written, ["1m00s", "1m52s", "59m59s", "1h00m", "2h03m", "1d00h", "3d04h", "19675d"]);
        assert_eq!([38_200_000, 412_000_000, 99_960_000].map(fine_duration), ["38.2ms", "412ms", "100ms"]);
        assert_eq!(duration(u64::MAX), "213503d");
    }

    #[test]
    fn counts_have_commas_or_few_digits() {
        assert_eq!([0, 999, 1_284, 1_000_000].map(count), ["0", "999", "1,284", "1,000,000"]);
        assert_eq!([412, 8_100, 73_200, 999_600].map(rough_count), ["412", "8.1k", "73k", "1.0M"]);
        assert_eq!(counted(1, "span") + ", " + &counted(2, "span"), "1 span, 2 spans");
        assert_eq!(tokens(8_100, 412), "8.1k→412");
    }

    #[test]
    fn money_sizes_and_shares() {
        let money = |amount, currency: &str| cost(&Cost { amount, currency: currency.to_owned() });
        assert_eq!(money(0.00612, "USD"), "$0.0061");
        assert_eq!(money(12.4, "USD"), "$12.40");
        assert_eq!(money(0.000_001, "EUR"), "<0.0001 EUR");
        assert_eq!([512, 88_290_099, 1_048_575].map(bytes), ["512 B", "84.2 MiB", "1.0 MiB"]);
        assert_eq!([rate(31, 1_284), rate(0, 9), rate(1, 10_000), rate(9, 9)], ["2.4%", "·", "<0.1%", "100%"]);
        assert_eq!([share(41, 100), share(1, 1_000), share(0, 0)], ["41%", "<1%", "0%"]);
        assert_eq!([86_400, 604_800, 5_400, 61].map(retention), ["24h", "7d", "90m", "61s"]);
        assert_eq!(per_minute(1_284, 3_600 * SECOND), "21.4");
    }

    #[test]
    fn clocks_follow_the_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(
            clock(Nanos(1_795_252_442_117_000_000), &zone, "%a %Y-%m-%d %H:%M:%S.%3f"),
            "Sat 2026-11-21 11:14:02.117"
        );
    }
}
