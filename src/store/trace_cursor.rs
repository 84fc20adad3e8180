//! Cursors in lists of traces.

use std::cmp::Ordering;

use crate::model::id::{from_hex, to_hex};
use crate::model::{Cursor, Sort, TraceId};
use crate::store::{Error, Result};

/// Where a trace stands in a list; what comes first is smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TraceCursor {
    /// What the list is sorted by; largest first.
    pub key: u64,
    /// Start of the trace, unix nanoseconds; latest first.
    pub start_ns: u64,
    /// The id of the trace; smallest first as it is written.
    pub id: TraceId,
    /// Whether all that is turned round.
    pub reverse: bool,
}

impl Ord for TraceCursor {
    fn cmp(&self, other: &TraceCursor) -> Ordering {
        let order = (other.key, other.start_ns).cmp(&(self.key, self.start_ns));
        let order = order.then_with(|| self.id.cmp_written(&other.id));
        if self.reverse { order.reverse() } else { order }
    }
}

impl PartialOrd for TraceCursor {
    fn partial_cmp(&self, other: &TraceCursor) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl TraceCursor {
    /// The cursor as text, for a list in this order.
    pub(super) fn write(&self, sort: Sort) -> Cursor {
        let order = if self.reverse { "up" } else { "down" };
        let (kind, id) = match &self.id {
            TraceId::Otel(raw) => ("o", to_hex(raw)),
            TraceId::Text(text) => ("t", to_hex(text.as_bytes())),
        };
        Cursor(format!("l1.{}.{order}.{:x}.{:x}.{kind}.{id}", sort.as_str(), self.key, self.start_ns))
    }

    /// The place that a cursor names in a list of this order.
    ///
    /// # Errors
    /// [`Error::BadCursor`] for anything [`TraceCursor::write`] did not make for a list of this order.
    pub(super) fn read(cursor: &Cursor, sort: Sort, reverse: bool) -> Result<TraceCursor> {
        TraceCursor::parse(&cursor.0, sort, reverse).ok_or(Error::BadCursor)
    }

    fn parse(text: &str, sort: Sort, reverse: bool) -> Option<TraceCursor> {
        let parts: Vec<&str> = text.split('.').collect();
        let ["l1", found_sort, order, key, start, kind, id] = parts.as_slice() else { return None };
        if *found_sort != sort.as_str() || *order != if reverse { "up" } else { "down" } {
            return None;
        }
        let raw = unhex(id)?;
        let id = match *kind {
            "o" => TraceId::from_otel_bytes(&raw).ok()?,
            "t" => TraceId::parse(std::str::from_utf8(&raw).ok()?).ok()?,
            _ => return None,
        };
        let number = |digits: &str| u64::from_str_radix(digits, 16).ok();
        Some(TraceCursor { key: number(key)?, start_ns: number(start)?, id, reverse })
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| from_hex::<1>(pair).map(|[byte]| byte)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_names_its_place_in_the_same_order_only(key: u64, start_ns: u64, id in "[a-z. ü]{1,20}", reverse: bool) {
            let place = TraceCursor { key, start_ns, id: TraceId::parse(&id).expect("valid"), reverse };
            let cursor = place.write(Sort::Spans);
            prop_assert_eq!(TraceCursor::read(&cursor, Sort::Spans, reverse).expect("own cursor"), place);
            prop_assert!(TraceCursor::read(&cursor, Sort::Spans, !reverse).is_err());
            prop_assert!(TraceCursor::read(&cursor, Sort::Start, reverse).is_err());
        }

        #[test]
        fn garbage_is_no_cursor(text in ".{0,60}") {
            prop_assert!(TraceCursor::read(&Cursor(text), Sort::Start, false).is_err());
        }
    }
}
