//! Questions for traces.

use super::DEFAULT_LIMIT;
use super::value::{
    BadParameter, Pairs, Writer, bad, read_filter, read_flag, read_kind, read_number, read_time, read_word, shortened,
};
use crate::model::filter::Filter;
use crate::model::time::NANOS_PER_MS;
use crate::model::{Cursor, Nanos, RecordKind, Sort, TraceQuery};

/// The parameters of a question for traces.
pub fn trace_query_to_pairs(query: &TraceQuery) -> Pairs {
    let mut pairs = Writer::default();
    pairs.text("service", query.service.as_deref());
    pairs.text("name", query.name.as_deref());
    pairs.text("workflow_name", query.workflow.as_deref());
    pairs.text("has_errors", query.has_errors.map(|flag| if flag { "true" } else { "false" }));
    pairs.owned("min_duration_ms", query.min_duration_ns.map(milliseconds));
    pairs.owned("max_duration_ms", query.max_duration_ns.map(milliseconds));
    for (key, value) in &query.attributes {
        pairs.owned("attr", Some(format!("{key}={value}")));
    }
    pairs.text("project", query.project.as_deref());
    pairs.text("kind", query.kind.map(RecordKind::as_str));
    pairs.owned("q", query.filter.as_ref().map(Filter::to_string));
    pairs.owned("since", query.since.map(Nanos::to_rfc3339));
    pairs.owned("until", query.until.map(Nanos::to_rfc3339));
    pairs.text("id_prefix", query.id_prefix.as_deref());
    pairs.text("sort", Some(query.sort.as_str()));
    pairs.text("reverse", query.reverse.then_some("true"));
    pairs.owned("limit", Some(query.limit.to_string()));
    pairs.text("cursor", query.cursor.as_ref().map(|cursor| cursor.0.as_str()));
    pairs.0
}

/// The question for traces that parameters ask; unknown names mean nothing.
///
/// # Errors
/// The first value that cannot be read.
pub fn trace_query_from_pairs(pairs: &[(String, String)], now: Nanos) -> Result<TraceQuery, BadParameter> {
    let mut query = TraceQuery { limit: DEFAULT_LIMIT, ..TraceQuery::default() };
    for (name, value) in pairs {
        match name.as_str() {
            "service" | "service_name" => query.service = Some(value.clone()),
            "name" => query.name = Some(value.clone()),
            "workflow_name" | "workflow" => query.workflow = Some(value.clone()),
            "has_errors" => query.has_errors = Some(read_flag(name, value)?),
            "min_duration_ms" => query.min_duration_ns = Some(read_milliseconds(name, value)?),
            "max_duration_ms" => query.max_duration_ns = Some(read_milliseconds(name, value)?),
            "project" => query.project = Some(value.clone()),
            "attr" => query.attributes.push(read_attribute(name, value)?),
            "kind" => query.kind = Some(read_kind(name, value)?),
            "q" => query.filter = Some(read_filter(name, value, now)?),
            "since" => query.since = Some(read_time(name, value, now)?),
            "until" => query.until = Some(read_time(name, value, now)?),
            "id_prefix" => query.id_prefix = Some(value.clone()),
            "sort" => query.sort = read_word(name, value, "start, duration, spans or errors", Sort::parse)?,
            "reverse" => query.reverse = read_flag(name, value)?,
            "limit" => query.limit = read_number(name, value)?,
            "cursor" => query.cursor = Some(Cursor(value.clone())),
            _ => {}
        }
    }
    Ok(query)
}

fn read_attribute(name: &str, value: &str) -> Result<(String, String), BadParameter> {
    match value.split_once('=') {
        Some((key, wanted)) if !key.is_empty() => Ok((key.to_owned(), wanted.to_owned())),
        _ => Err(bad(name, format!("`{}` is not of the form key=value", shortened(value)))),
    }
}

/// Milliseconds with six decimals, so that every nanosecond survives.
fn milliseconds(nanos: u64) -> String {
    format!("{}.{:06}", nanos / NANOS_PER_MS, nanos % NANOS_PER_MS)
}

fn read_milliseconds(name: &str, value: &str) -> Result<u64, BadParameter> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let wrong = || bad(name, format!("`{}` is not a number of milliseconds", shortened(value)));
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(wrong());
    }
    let decimals: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let part: u64 = decimals.parse().map_err(|_| wrong())?;
    whole.checked_mul(NANOS_PER_MS).and_then(|nanos| nanos.checked_add(part)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::samples::{filter_of_any_notation, pairs, text};

    #[test]
    fn a_list_without_parameters_holds_the_default_number_of_traces() {
        let query = trace_query_from_pairs(&[], Nanos(0)).expect("no parameters");
        assert_eq!(query, TraceQuery { limit: DEFAULT_LIMIT, ..TraceQuery::default() });
    }

    #[test]
    fn values_that_cannot_be_read_are_named_and_unknown_names_mean_nothing() {
        for (name, value) in [
            ("limit", "-1"),
            ("limit", "many"),
            ("has_errors", "perhaps"),
            ("min_duration_ms", "1e3"),
            ("max_duration_ms", "-1"),
            ("max_duration_ms", ""),
            ("min_duration_ms", "99999999999999999999"),
            ("attr", "no-equals-sign"),
            ("attr", "=v"),
            ("kind", "metrics"),
            ("sort", "colour"),
            ("q", "(a"),
        ] {
            let error = trace_query_from_pairs(&pairs(&[(name, value)]), Nanos(0)).expect_err(value);
            assert_eq!(error.name, name);
        }
        assert!(trace_query_from_pairs(&pairs(&[("colour", "red")]), Nanos(0)).is_ok());
    }

    #[test]
    fn milliseconds_may_have_fractions() {
        let query = trace_query_from_pairs(&pairs(&[("min_duration_ms", "1.5"), ("workflow", "w")]), Nanos(0));
        let query = query.expect("legal");
        assert_eq!((query.min_duration_ns, query.workflow.as_deref()), (Some(1_500_000), Some("w")));
    }

    fn trace_queries() -> impl Strategy<Value = TraceQuery> {
        let texts = (text(), text(), text(), text(), text(), text());
        let numbers = (any::<usize>(), any::<Option<u64>>(), any::<Option<u64>>(), any::<Option<bool>>());
        let times = (any::<Option<u64>>(), any::<Option<u64>>(), any::<bool>());
        let words = (
            0..4_usize,
            proptest::option::of(0..3_usize),
            proptest::collection::vec(("[^=]{1,8}", ".{0,8}"), 0..3),
            filter_of_any_notation(),
        );
        (texts, numbers, times, words).prop_map(|(texts, numbers, times, words)| TraceQuery {
            service: texts.0,
            name: texts.1,
            workflow: texts.2,
            id_prefix: texts.3,
            cursor: texts.4.map(Cursor),
            project: texts.5,
            limit: numbers.0,
            min_duration_ns: numbers.1,
            max_duration_ns: numbers.2,
            has_errors: numbers.3,
            since: times.0.map(Nanos),
            until: times.1.map(Nanos),
            reverse: times.2,
            sort: [Sort::Start, Sort::Duration, Sort::Spans, Sort::Errors][words.0],
            kind: words.1.map(|index| RecordKind::ALL[index]),
            attributes: words.2,
            filter: words.3,
        })
    }

    proptest! {
        #[test]
        fn a_question_for_traces_reads_back_as_it_was_written(query in trace_queries()) {
            prop_assert_eq!(trace_query_from_pairs(&trace_query_to_pairs(&query), Nanos(0)), Ok(query));
        }
    }
}
