//! Points in time: nanoseconds since the Unix epoch, UTC, as OpenTelemetry sends them.
//!
//! Reading what people type ("15m", "yesterday") is [`time_input`](crate::model::query::time_input); rounding and ages are the view's.

use std::fmt;

/// Nanoseconds in a millisecond.
pub const NANOS_PER_MS: u64 = 1_000_000;
/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;
/// Nanoseconds in a minute.
pub const NANOS_PER_MINUTE: u64 = 60 * NANOS_PER_SECOND;
/// Nanoseconds in an hour.
pub const NANOS_PER_HOUR: u64 = 60 * NANOS_PER_MINUTE;
/// Nanoseconds in a day of 24 hours.
pub const NANOS_PER_DAY: u64 = 24 * NANOS_PER_HOUR;

/// Nanoseconds since 1970-01-01T00:00:00Z; zero also means "not set", as in OTLP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The clock of this machine; 1970 when it is set before that.
    pub fn now() -> Nanos {
        Nanos::from(std::time::SystemTime::now())
    }

    /// Nanoseconds from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Nanos) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC with nine digits, `2026-11-21T09:14:02.117000000Z`; the same instant always prints the same.
    pub fn to_rfc3339(self) -> String {
        format!("{:.9}", self.to_timestamp())
    }

    /// Reads RFC 3339 with any offset and up to nine digits; `None` for anything else and for times before 1970 or
    /// past 2554, which the 64 bits cannot hold.
    pub fn parse_rfc3339(text: &str) -> Option<Nanos> {
        Nanos::from_timestamp(text.parse().ok()?)
    }

    /// The point in time as the calendar library has it.
    pub(crate) fn to_timestamp(self) -> jiff::Timestamp {
        // Its years go on long after those that 64 bits of nanoseconds can hold.
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or_default()
    }

    /// A point in time of the calendar library; `None` before 1970 or past 2554, which the 64 bits cannot hold.
    pub(crate) fn from_timestamp(timestamp: jiff::Timestamp) -> Option<Nanos> {
        u64::try_from(timestamp.as_nanosecond()).ok().map(Nanos)
    }
}

impl From<std::time::SystemTime> for Nanos {
    /// A time of the system; 1970 when it is before that.
    fn from(time: std::time::SystemTime) -> Nanos {
        let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// Milliseconds as JSON shows them: a fraction of the exact nanoseconds.
pub fn nanos_to_ms(nanos: u64) -> f64 {
    nanos as f64 / NANOS_PER_MS as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_instants_print_with_nine_digits() {
        assert_eq!(Nanos(0).to_rfc3339(), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(Nanos(1_795_252_442_117_000_000).to_rfc3339(), "2026-11-21T09:14:02.117000000Z");
        assert_eq!(Nanos(u64::MAX).to_rfc3339(), "2554-07-21T23:34:33.709551615Z");
    }

    #[test]
    fn offsets_and_missing_fractions_are_read() {
        assert_eq!(Nanos::parse_rfc3339("2026-11-21T10:14:02.117+01:00"), Some(Nanos(1_795_252_442_117_000_000)));
        assert_eq!(Nanos::parse_rfc3339("1969-12-31T23:59:59Z"), None);
        assert_eq!(Nanos::parse_rfc3339("yesterday"), None);
    }

    proptest! {
        #[test]
        fn every_instant_reads_back_as_it_was_printed(nanos: u64) {
            prop_assert_eq!(Nanos::parse_rfc3339(&Nanos(nanos).to_rfc3339()), Some(Nanos(nanos)));
        }
    }
}
