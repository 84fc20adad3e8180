//! Questions for log records.

use super::DEFAULT_LOG_LIMIT;
use super::issues::{issue_ids, read_issue_ids};
use super::value::{
    BadParameter, Pairs, Writer, bad, read_filter, read_number, read_time, read_trace_id, read_word, shortened,
};
use crate::model::filter::Filter;
use crate::model::{Cursor, FieldFilter, LogQuery, Nanos, Severity, TraceId};

/// The parameters of a question for log records.
pub fn log_query_to_pairs(query: &LogQuery) -> Pairs {
    let mut pairs = Writer::default();
    pairs.text("text", query.text.as_deref());
    pairs.text("level", query.level.map(Severity::as_str));
    pairs.text("service", query.service.as_deref());
    pairs.text("module", query.module.as_deref());
    pairs.text("env", query.environment.as_deref());
    pairs.text("project", query.project.as_deref());
    pairs.text("host", query.host.as_deref());
    pairs.text("pid", query.pid.as_deref());
    pairs.owned("trace", query.trace.as_ref().map(TraceId::to_string));
    pairs.owned("issue", issue_ids(&query.issues));
    for field in &query.fields {
        pairs.owned("extra", Some(field.to_string()));
    }
    pairs.owned("q", query.filter.as_ref().map(Filter::to_string));
    pairs.owned("since", query.since.map(Nanos::to_rfc3339));
    pairs.owned("until", query.until.map(Nanos::to_rfc3339));
    pairs.text("order", Some(if query.oldest_first { "oldest" } else { "newest" }));
    pairs.owned("limit", Some(query.limit.to_string()));
    pairs.text("cursor", query.cursor.as_ref().map(|cursor| cursor.0.as_str()));
    pairs.0
}

/// The question for log records that parameters ask; unknown names mean nothing.
///
/// # Errors
/// The first value that cannot be read.
pub fn log_query_from_pairs(pairs: &[(String, String)], now: Nanos) -> Result<LogQuery, BadParameter> {
    let mut query = LogQuery { limit: DEFAULT_LOG_LIMIT, ..LogQuery::default() };
    for (name, value) in pairs {
        match name.as_str() {
            "text" => query.text = Some(value.clone()),
            "level" => {
                let known = "trace, debug, info, warn, error or fatal";
                query.level = Some(read_word(name, value, known, Severity::parse)?);
            }
            "service" | "service_name" => query.service = Some(value.clone()),
            "module" => query.module = Some(value.clone()),
            "env" | "environment" => query.environment = Some(value.clone()),
            "project" => query.project = Some(value.clone()),
            "host" => query.host = Some(value.clone()),
            "pid" => query.pid = Some(value.clone()),
            "trace" => query.trace = Some(read_trace_id(name, value)?),
            "issue" => read_issue_ids(name, value, &mut query.issues)?,
            "extra" => query.fields.push(read_field(name, value)?),
            "q" => {
                let filter = read_filter(name, value, now)?;
                if filter.selects_spans() {
                    return Err(bad(name, "TraceQL selects spans alone, and this is about log records"));
                }
                query.filter = Some(filter);
            }
            "since" => query.since = Some(read_time(name, value, now)?),
            "until" => query.until = Some(read_time(name, value, now)?),
            "order" => query.oldest_first = read_word(name, value, "newest or oldest", read_order)?,
            "limit" => query.limit = read_number(name, value)?,
            "cursor" => query.cursor = Some(Cursor(value.clone())),
            _ => {}
        }
    }
    Ok(query)
}

fn read_order(word: &str) -> Option<bool> {
    match word {
        "oldest" => Some(true),
        "newest" => Some(false),
        _ => None,
    }
}

fn read_field(name: &str, value: &str) -> Result<FieldFilter, BadParameter> {
    let wrong = || bad(name, format!("`{}` is not of the form key=value, key!=value or key~=value", shortened(value)));
    FieldFilter::parse(value).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::samples::{filter, pairs, text};
    use crate::model::{FieldOperator, IssueId};

    #[test]
    fn wrong_values_of_a_question_for_log_records_are_named() {
        for (name, value) in [
            ("level", "loud"),
            ("trace", ""),
            ("issue", "7f3"),
            ("issue", ""),
            ("issue", "3f2a9c1be8e8e8e8,7f3"),
            ("extra", "no-equals-sign"),
            ("extra", "!=v"),
            ("order", "down"),
            ("limit", "-1"),
            ("since", "whenever"),
            ("q", "a OR"),
        ] {
            let error = log_query_from_pairs(&pairs(&[(name, value)]), Nanos(0)).expect_err(value);
            assert_eq!(error.name, name);
        }
        let twice = log_query_from_pairs(
            &pairs(&[("issue", "0100000000000000,0200000000000000"), ("issue", "0300000000000000")]),
            Nanos(0),
        );
        let first = |id: &IssueId| id.0[0];
        assert_eq!(twice.expect("legal").issues.iter().map(first).collect::<Vec<_>>(), [1, 2, 3]);
        let usual = log_query_from_pairs(&pairs(&[("colour", "red")]), Nanos(0)).expect("legal");
        assert_eq!(usual, LogQuery { limit: DEFAULT_LOG_LIMIT, ..LogQuery::default() });
    }

    fn log_queries() -> impl Strategy<Value = LogQuery> {
        let field = ("[^=!~]{1,8}", 0..3_usize, ".{0,8}").prop_map(|(name, operator, value)| {
            let operator = [FieldOperator::Is, FieldOperator::IsNot, FieldOperator::Contains][operator];
            FieldFilter { name, operator, value }
        });
        let texts = (text(), text(), text(), text(), text(), text(), text(), text(), text());
        let numbers =
            (any::<usize>(), any::<Option<u64>>(), any::<Option<u64>>(), proptest::collection::vec(1_u64.., 0..4));
        let rest = (any::<bool>(), proptest::option::of(0..6_usize), proptest::collection::vec(field, 0..3), filter());
        (texts, numbers, rest).prop_map(|(texts, numbers, rest)| LogQuery {
            text: texts.0,
            service: texts.1,
            module: texts.2,
            environment: texts.3,
            project: texts.4,
            host: texts.5,
            pid: texts.6,
            trace: texts.7.and_then(|id| TraceId::parse(&id).ok()),
            cursor: texts.8.map(Cursor),
            limit: numbers.0,
            since: numbers.1.map(Nanos),
            until: numbers.2.map(Nanos),
            issues: numbers.3.into_iter().map(|id| IssueId(id.to_be_bytes())).collect(),
            oldest_first: rest.0,
            level: rest.1.map(|index| Severity::ALL[index]),
            fields: rest.2,
            filter: rest.3,
        })
    }

    proptest! {
        #[test]
        fn a_question_for_log_records_reads_back_as_it_was_written(query in log_queries()) {
            prop_assert_eq!(log_query_from_pairs(&log_query_to_pairs(&query), Nanos(0)), Ok(query));
        }
    }
}
