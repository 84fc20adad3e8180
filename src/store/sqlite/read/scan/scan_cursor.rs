//! The cursor of a scan: a place in commit order, written down with the file it is of.
//!
//! The place lies behind a write or, of a write too large for one chunk, within it. There it is told by the record before
//! it, not by how many came before: that stays right when the write is sealed, and when some of its records are removed.

use crate::model::{Cursor, Record};
use crate::store::sqlite::codec::Arrived;
use crate::store::{Error, Result};

/// Where a record stands among those of its write: log records and checkpoints in the order they were sent, spans by
/// when they began, and by their identities, because their order within a write is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Within(u64, u64);

impl Within {
    pub fn new(arrived: &Arrived) -> Within {
        let first = match &arrived.record {
            Record::Span(span) => span.start.0,
            Record::Checkpoint(_) | Record::Log(_) => u64::from(arrived.arrival.position),
        };
        Within(first, arrived.record.identity())
    }
}

/// A place in commit order, where a scan goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanCursor {
    /// The last write all of which lies before the place.
    pub whole: i64,
    /// The last record before the place of the write after `whole`, if the place lies within that write.
    pub part: Option<Within>,
}

impl ScanCursor {
    /// The place behind a write.
    pub fn behind(seq: i64) -> ScanCursor {
        ScanCursor { whole: seq, part: None }
    }

    /// The place before a write, or `self` if that lies within the write.
    pub fn before(self, seq: i64) -> ScanCursor {
        if seq - 1 == self.whole { self } else { ScanCursor::behind(seq - 1) }
    }

    /// The place in a write behind its record `within`.
    pub fn inside(seq: i64, within: Within) -> ScanCursor {
        ScanCursor { whole: seq - 1, part: Some(within) }
    }

    /// The last record of a write that lies before the place; `None` when all or none do.
    pub fn part_of(self, seq: i64) -> Option<Within> {
        self.part.filter(|_| seq - 1 == self.whole)
    }

    /// The place as a cursor of a file.
    pub fn write(self, file: Option<&str>) -> Cursor {
        let mut text = match file {
            Some(file) => format!("s2.{file}.{:x}", self.whole),
            None => format!("s1.{:x}", self.whole),
        };
        if let Some(Within(first, identity)) = self.part {
            text.push_str(&format!(".{first:x}.{identity:x}"));
        }
        Cursor(text)
    }

    /// The place of a cursor; `s1.` is how those begin that do not say which file they are of.
    ///
    /// # Errors
    /// [`Error::BadCursor`] for anything else, and when this file never got that far: it was replaced by an older state
    /// of itself, or by another one.
    pub fn read(cursor: &Cursor, file: Option<&str>, last_seq: i64) -> Result<ScanCursor> {
        let place = match cursor.0.strip_prefix("s2.").and_then(|rest| rest.split_once('.')) {
            Some((given, numbers)) if file == Some(given) => parse(numbers),
            Some(_) => None,
            None => cursor.0.strip_prefix("s1.").and_then(parse),
        };
        let is_there = |place: &ScanCursor| (0..=last_seq - i64::from(place.part.is_some())).contains(&place.whole);
        place.filter(is_there).ok_or(Error::BadCursor)
    }
}

fn parse(numbers: &str) -> Option<ScanCursor> {
    let mut numbers = numbers.split('.');
    let whole = i64::from_str_radix(numbers.next()?, 16).ok()?;
    let Some(first) = numbers.next() else { return Some(ScanCursor::behind(whole)) };
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    let within = Within(number(first)?, number(numbers.next()?)?);
    numbers.next().is_none().then_some(ScanCursor { whole, part: Some(within) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_names_its_place_in_its_file_only(
            whole in 0..i64::MAX,
            part in proptest::option::of((any::<u64>(), any::<u64>())),
            file in proptest::option::of("[0-9a-f]{32}"),
        ) {
            let place = ScanCursor { whole, part: part.map(|(first, identity)| Within(first, identity)) };
            let cursor = place.write(file.as_deref());
            let read = |file: Option<&str>, last_seq| ScanCursor::read(&cursor, file, last_seq).ok();
            prop_assert_eq!(read(file.as_deref(), i64::MAX), Some(place));
            prop_assert_eq!(read(file.as_deref(), whole + i64::from(part.is_some())), Some(place));
            prop_assert_eq!(read(file.as_deref(), whole + i64::from(part.is_some()) - 1), None);
            prop_assert_eq!(read(Some("another"), i64::MAX).is_some(), file.is_none());
        }

        #[test]
        fn garbage_is_no_cursor(text in "(s[12]\\.)?(a\\.)?[-+.0-9a-gx]{0,20}") {
            let read = ScanCursor::read(&Cursor(text.clone()), Some("a"), 0x10);
            let is_cursor = read.is_ok_and(|place| place.whole <= 0x10);
            prop_assert!(!is_cursor || text.starts_with("s1.") || text.starts_with("s2.a."));
        }
    }
}
