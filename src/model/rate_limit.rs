//! How much may be sent in a second: records, bytes, or both, written as `5000`, `10MB` or `5000,10MB`.

use std::fmt;

/// Units of bytes, the longer words first.
const UNITS: [(&str, u64); 7] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("b", 1),
];

/// The units an amount is written in, the largest first.
const WRITTEN_UNITS: [(&str, u64); 4] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1)];

/// What each key, and each address without one, may send in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// Spans, checkpoints and log records; `None` for any number.
    pub records_per_second: Option<u64>,
    /// Bytes of requests, once they are inflated; `None` for any number.
    pub bytes_per_second: Option<u64>,
}

/// A text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write records a second such as `5000`, bytes such as `10MB`, or both: `5000,10MB`")]
pub struct NotARate;

impl RateLimit {
    /// Whether anything is limited.
    pub fn is_any(&self) -> bool {
        *self != RateLimit::default()
    }

    /// Reads how much may be sent in a second.
    ///
    /// # Errors
    /// [`NotARate`]
    pub fn parse(text: &str) -> Result<RateLimit, NotARate> {
        let mut rate = RateLimit::default();
        for word in text.split(',') {
            let word = word.trim().to_ascii_lowercase();
            let amount = word.strip_suffix("/s").unwrap_or(&word).trim();
            let digits = amount.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
            let unit = amount.strip_prefix(digits).unwrap_or_default();
            let number = digits.trim().replace('_', "").parse::<u64>().ok().filter(|number| *number > 0);
            let place = if unit.is_empty() { &mut rate.records_per_second } else { &mut rate.bytes_per_second };
            let multiple = match unit {
                "" => 1,
                unit => UNITS.iter().find(|(name, _)| *name == unit).ok_or(NotARate)?.1,
            };
            if place.replace(number.and_then(|number| number.checked_mul(multiple)).ok_or(NotARate)?).is_some() {
                return Err(NotARate);
            }
        }
        Ok(rate)
    }

    /// The rate as it is read back, each part a word; none when nothing is limited.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let bytes = self.bytes_per_second.map(|bytes| {
            let (unit, length) = WRITTEN_UNITS.into_iter().find(|(_, length)| bytes % length == 0).unwrap_or(("B", 1));
            format!("{}{unit}", bytes / length)
        });
        self.records_per_second.map(|records| records.to_string()).into_iter().chain(bytes)
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_records_bytes_or_both() {
        for (text, records, bytes) in [
            ("5000", Some(5_000), None),
            ("5_000/s", Some(5_000), None),
            ("10MB", None, Some(10_000_000)),
            ("10 MiB/s", None, Some(10 << 20)),
            ("200, 64kib", Some(200), Some(64 << 10)),
            ("1gb,7/s", Some(7), Some(1_000_000_000)),
        ] {
            let expected = RateLimit { records_per_second: records, bytes_per_second: bytes };
            assert_eq!(RateLimit::parse(text), Ok(expected), "{text}");
            assert_eq!(RateLimit::parse(&expected.to_string()), Ok(expected), "{expected}");
        }
        for wrong in ["", "0", "-5", "5,6", "1kb,2kb", "5/m", "10mbit", "99999999999gb", "5,", "ü", "1.5"] {
            assert!(RateLimit::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rate_is_written_in_the_largest_unit_that_says_it_exactly() {
        let written =
            ["5000,10MB", "1500kb", "64kib", "7"].map(|text| RateLimit::parse(text).map(|rate| rate.to_string()));
        assert_eq!(written, ["5000,10MB", "1500kB", "65536B", "7"].map(|text| Ok(text.to_owned())));
        assert_eq!(RateLimit::default().to_string(), "");
    }
}
