//! Events of issues are counted by the hour of their own clocks.

use crate::model::time::NANOS_PER_SECOND;

/// Nanoseconds of an hour.
pub const NANOS_PER_HOUR: u64 = 3_600 * NANOS_PER_SECOND;

/// The beginning of the hour a time lies in, unix nanoseconds.
pub fn hour_ns(time_ns: u64) -> u64 {
    time_ns - time_ns % NANOS_PER_HOUR
}
