//! Questions about many traces: what sets some apart, which attributes they have.

use super::value::{BadParameter, Pairs, Writer, bad, read_filter, read_number, read_time};
use crate::model::filter::{Expression, Filter};
use crate::model::{AttributeQuery, ContrastQuery, Nanos};

/// Causes an answer holds when nobody says how many.
pub const DEFAULT_CAUSES: usize = 10;

/// Keys or values an answer holds when nobody says how many.
pub const DEFAULT_ATTRIBUTES: usize = 50;

/// The parameters of a question for attributes.
pub fn attribute_query_to_pairs(query: &AttributeQuery) -> Pairs {
    let mut pairs = Writer::default();
    pairs.text("key", query.key.as_deref());
    pairs.text("prefix", query.prefix.as_deref());
    pairs.owned("q", query.filter.as_ref().map(Filter::to_string));
    pairs.owned("since", query.since.map(Nanos::to_rfc3339));
    pairs.owned("until", query.until.map(Nanos::to_rfc3339));
    pairs.owned("newest", Some(query.newest.to_string()));
    pairs.owned("limit", Some(query.limit.to_string()));
    pairs.0
}

/// The question for attributes that parameters ask; unknown names mean nothing.
///
/// # Errors
/// The first value that cannot be read.
pub fn attribute_query_from_pairs(pairs: &[(String, String)], now: Nanos) -> Result<AttributeQuery, BadParameter> {
    let mut query = AttributeQuery { limit: DEFAULT_ATTRIBUTES, ..AttributeQuery::default() };
    for (name, value) in pairs {
        match name.as_str() {
            "key" => query.key = Some(value.clone()),
            "prefix" => query.prefix = Some(value.clone()),
            "q" => query.filter = Some(read_filter(name, value, now)?),
            "since" => query.since = Some(read_time(name, value, now)?),
            "until" => query.until = Some(read_time(name, value, now)?),
            "newest" => query.newest = read_number(name, value)?,
            "limit" => query.limit = read_number(name, value)?,
            _ => {}
        }
    }
    Ok(query)
}

/// The parameters of a question for what sets traces apart.
pub fn contrast_query_to_pairs(query: &ContrastQuery) -> Pairs {
    let mut pairs = Writer::default();
    pairs.owned("q", Some(query.selected.to_string()));
    pairs.owned("against", query.against.as_ref().map(Filter::to_string));
    pairs.owned("since", query.since.map(Nanos::to_rfc3339));
    pairs.owned("until", query.until.map(Nanos::to_rfc3339));
    pairs.text("project", query.project.as_deref());
    pairs.owned("limit", Some(query.limit.to_string()));
    pairs.0
}

/// The question for what sets traces apart that parameters ask; unknown names mean nothing.
///
/// # Errors
/// There is no filter, or the first value that cannot be read.
pub fn contrast_query_from_pairs(pairs: &[(String, String)], now: Nanos) -> Result<ContrastQuery, BadParameter> {
    let everything = Filter { expression: Expression::All(Vec::new()) };
    let mut query = ContrastQuery {
        selected: everything,
        against: None,
        since: None,
        until: None,
        project: None,
        limit: DEFAULT_CAUSES,
    };
    for (name, value) in pairs {
        match name.as_str() {
            "q" => query.selected = read_filter(name, value, now)?,
            "against" => query.against = Some(read_filter(name, value, now)?),
            "since" => query.since = Some(read_time(name, value, now)?),
            "until" => query.until = Some(read_time(name, value, now)?),
            "project" => query.project = Some(value.clone()),
            "limit" => query.limit = read_number(name, value)?,
            _ => {}
        }
    }
    match query.selected.is_everything() {
        true => Err(bad("q", "is missing: it selects the traces to explain")),
        false => Ok(query),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::samples::{filter, pairs, text};

    #[test]
    fn without_a_filter_there_is_nothing_to_set_apart() {
        assert_eq!(contrast_query_from_pairs(&[], Nanos(0)).expect_err("none").name, "q");
        assert_eq!(contrast_query_from_pairs(&pairs(&[("q", "")]), Nanos(0)).expect_err("empty").name, "q");
        let broken = pairs(&[("q", "a"), ("against", "(b")]);
        assert_eq!(contrast_query_from_pairs(&broken, Nanos(0)).expect_err("broken").name, "against");
    }

    proptest! {
        #[test]
        fn a_question_for_attributes_reads_back_as_it_was_written(
            key in text(), prefix in text(), filter in filter(), since: Option<u64>, until: Option<u64>,
            newest: usize, limit: usize,
        ) {
            let (since, until) = (since.map(Nanos), until.map(Nanos));
            let query = AttributeQuery { key, prefix, filter, since, until, newest, limit };
            prop_assert_eq!(attribute_query_from_pairs(&attribute_query_to_pairs(&query), Nanos(0)), Ok(query));
        }

        #[test]
        fn a_question_for_what_sets_traces_apart_reads_back_as_it_was_written(
            selected in filter(), against in filter(), since: Option<u64>, until: Option<u64>, project in text(),
            limit: usize,
        ) {
            let Some(selected) = selected else { return Ok(()) };
            let (since, until) = (since.map(Nanos), until.map(Nanos));
            let query = ContrastQuery { selected, against, since, until, project, limit };
            prop_assert_eq!(contrast_query_from_pairs(&contrast_query_to_pairs(&query), Nanos(0)), Ok(query));
        }
    }
}
