//! Parameters for tests.

use proptest::prelude::*;

use super::Pairs;
use crate::model::Nanos;
use crate::model::filter::{Clock, Filter};

/// Parameters with these names and values.
pub(super) fn pairs(text: &[(&str, &str)]) -> Pairs {
    text.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Any text, or none.
pub(super) fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(".{0,12}")
}

/// Some filter, or none.
pub(super) fn filter() -> impl Strategy<Value = Option<Filter>> {
    let texts = vec!["a OR \"b c\"", "!(status=error) level>=warn", "k=1,\"2\",5xx x~=\"[ü ]\"", "duration>1.5s"];
    let read = |text| Filter::parse(text, &Clock { now: Nanos(0), zone: jiff::tz::TimeZone::UTC });
    proptest::option::of(proptest::sample::select(texts).prop_map(move |text| read(text).expect("a filter")))
}
