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
    proptest::option::of(proptest::sample::select(texts).prop_map(read))
}

/// Some filter in any notation, or none.
pub(super) fn filter_of_any_notation() -> impl Strategy<Value = Option<Filter>> {
    let query = Just(Some(read("{ .a = \"b\" } >> { status = error } | count() > 1")));
    prop_oneof![3 => filter(), 1 => query]
}

fn read(text: &str) -> Filter {
    Filter::parse(text, &Clock { now: Nanos(0), zone: jiff::tz::TimeZone::UTC }).expect("a filter")
}
