//! Questions for statistics.

use super::value::{BadParameter, Pairs, Writer, read_filter, read_time, read_word};
use crate::model::filter::Filter;
use crate::model::{Nanos, StatsBy, StatsQuery};

/// The parameters of a question for statistics.
pub fn stats_query_to_pairs(query: &StatsQuery) -> Pairs {
    let mut pairs = Writer::default();
    pairs.owned("since", query.since.map(Nanos::to_rfc3339));
    pairs.owned("until", query.until.map(Nanos::to_rfc3339));
    pairs.text("service", query.service.as_deref());
    pairs.text("project", query.project.as_deref());
    pairs.owned("q", query.filter.as_ref().map(Filter::to_string));
    pairs.text("by", Some(query.by.as_str()));
    pairs.0
}

/// The question for statistics that parameters ask; unknown names mean nothing.
///
/// # Errors
/// The first value that cannot be read.
pub fn stats_query_from_pairs(pairs: &[(String, String)], now: Nanos) -> Result<StatsQuery, BadParameter> {
    let mut query = StatsQuery::default();
    for (name, value) in pairs {
        match name.as_str() {
            "since" => query.since = Some(read_time(name, value, now)?),
            "until" => query.until = Some(read_time(name, value, now)?),
            "service" | "service_name" => query.service = Some(value.clone()),
            "project" => query.project = Some(value.clone()),
            "q" => query.filter = Some(read_filter(name, value, now)?),
            "by" => query.by = read_word(name, value, "operation, service, source, model or nothing", StatsBy::parse)?,
            _ => {}
        }
    }
    Ok(query)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::samples::{filter_of_any_notation, text};

    proptest! {
        #[test]
        fn a_question_for_statistics_reads_back_as_it_was_written(
            since: Option<u64>, until: Option<u64>, service in text(), project in text(),
            filter in filter_of_any_notation(),
            by in 0..5_usize,
        ) {
            let by = [StatsBy::Operation, StatsBy::Service, StatsBy::Source, StatsBy::Model, StatsBy::Nothing][by];
            let query = StatsQuery { since: since.map(Nanos), until: until.map(Nanos), service, project, filter, by };
            prop_assert_eq!(stats_query_from_pairs(&stats_query_to_pairs(&query), Nanos(0)), Ok(query));
        }
    }
}
