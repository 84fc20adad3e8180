//! Filters of records, and what is to be deleted.

use super::value::{BadParameter, Pairs, Writer, bad, read_flag, read_kind, read_time, read_trace_id};
use crate::model::{Nanos, RecordFilter, RecordKind, TraceId};

/// The parameters of a filter of records.
pub fn filter_to_pairs(filter: &RecordFilter) -> Pairs {
    let mut pairs = Writer::default();
    pairs.text("kind", filter.kind.map(RecordKind::as_str));
    pairs.owned("trace", filter.trace.as_ref().map(TraceId::to_string));
    pairs.owned("ended_before", filter.ended_before.map(Nanos::to_rfc3339));
    pairs.0
}

/// The filter of records that parameters name, and the parameters that are no part of it.
///
/// # Errors
/// The first value that cannot be read.
pub fn filter_from_pairs(pairs: &[(String, String)], now: Nanos) -> Result<(RecordFilter, Pairs), BadParameter> {
    let (mut filter, mut others) = (RecordFilter::default(), Pairs::new());
    for (name, value) in pairs {
        match name.as_str() {
            "kind" => filter.kind = Some(read_kind(name, value)?),
            "trace" => filter.trace = Some(read_trace_id(name, value)?),
            "ended_before" => filter.ended_before = Some(read_time(name, value, now)?),
            _ => others.push((name.clone(), value.clone())),
        }
    }
    Ok((filter, others))
}

/// What to delete, and whether only to count it. Unlike in questions an unknown name is refused: a filter that was
/// misspelt and ignored would delete everything.
///
/// # Errors
/// The first name or value that cannot be used.
pub fn deletion_from_pairs(pairs: &[(String, String)], now: Nanos) -> Result<(RecordFilter, bool), BadParameter> {
    let (filter, others) = filter_from_pairs(pairs, now)?;
    let mut dry_run = false;
    for (name, value) in &others {
        match name.as_str() {
            "dry_run" => dry_run = read_flag(name, value)?,
            _ => return Err(bad(name, "is not known; a deletion takes kind, trace, ended_before and dry_run")),
        }
    }
    Ok((filter, dry_run))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::samples::{pairs, text};

    #[test]
    fn a_deletion_with_a_misspelt_filter_is_refused() {
        let error = deletion_from_pairs(&pairs(&[("ended-before", "2026-11-21T00:00:00Z")]), Nanos(0));
        assert_eq!(error.map_err(|error| error.name), Err("ended-before".to_owned()));
    }

    proptest! {
        #[test]
        fn a_filter_reads_back_as_it_was_written(kind in proptest::option::of(0..3_usize), id in text(), before: Option<u64>) {
            let filter = RecordFilter {
                kind: kind.map(|index| RecordKind::ALL[index]),
                trace: id.and_then(|id| TraceId::parse(&id).ok()),
                ended_before: before.map(Nanos),
            };
            prop_assert_eq!(filter_from_pairs(&filter_to_pairs(&filter), Nanos(0)), Ok((filter, Pairs::new())));
        }
    }
}
