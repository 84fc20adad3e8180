//! Questions for issues, and changes of them.

use serde_json::{Value as Json, json};

use super::value::{BadParameter, Pairs, Writer, bad, read_flag, read_number, read_time, read_word, shortened};
use super::{DEFAULT_LIMIT, MAX_ISSUE_IDS};
use crate::model::{Cursor, IssueChange, IssueId, IssueQuery, IssueSort, IssueStatus, Nanos};

/// The parameters of a question for issues.
pub fn issue_query_to_pairs(query: &IssueQuery) -> Pairs {
    let mut pairs = Writer::default();
    pairs.text("status", query.status.map(IssueStatus::as_str));
    pairs.text("service", query.service.as_deref());
    pairs.text("env", query.environment.as_deref());
    pairs.text("project", query.project.as_deref());
    pairs.owned("since", query.since.map(Nanos::to_rfc3339));
    pairs.owned("until", query.until.map(Nanos::to_rfc3339));
    pairs.text("id_prefix", query.id_prefix.as_deref());
    pairs.owned("ids", issue_ids(&query.ids));
    pairs.text("sort", Some(query.sort.as_str()));
    pairs.text("reverse", query.reverse.then_some("true"));
    pairs.owned("limit", Some(query.limit.to_string()));
    pairs.text("cursor", query.cursor.as_ref().map(|cursor| cursor.0.as_str()));
    pairs.owned("counts_since", query.counts_since.map(Nanos::to_rfc3339));
    pairs.0
}

/// The question for issues that parameters ask; unknown names mean nothing.
///
/// # Errors
/// The first value that cannot be read.
pub fn issue_query_from_pairs(pairs: &[(String, String)], now: Nanos) -> Result<IssueQuery, BadParameter> {
    let mut query = IssueQuery { limit: DEFAULT_LIMIT, ..IssueQuery::default() };
    for (name, value) in pairs {
        match name.as_str() {
            "status" if value == "all" => query.status = None,
            "status" => query.status = Some(read_status(name, value, "open, resolved, ignored or all")?),
            "service" | "service_name" => query.service = Some(value.clone()),
            "env" | "environment" => query.environment = Some(value.clone()),
            "project" => query.project = Some(value.clone()),
            "since" => query.since = Some(read_time(name, value, now)?),
            "until" => query.until = Some(read_time(name, value, now)?),
            "id_prefix" => query.id_prefix = Some(value.clone()),
            "ids" => read_issue_ids(name, value, &mut query.ids)?,
            "sort" => query.sort = read_word(name, value, "last-seen, first-seen or count", IssueSort::parse)?,
            "reverse" => query.reverse = read_flag(name, value)?,
            "limit" => query.limit = read_number(name, value)?,
            "cursor" => query.cursor = Some(Cursor(value.clone())),
            "counts_since" => query.counts_since = Some(read_time(name, value, now)?),
            _ => {}
        }
    }
    Ok(query)
}

/// The document that changes an issue.
pub fn issue_change_to_json(change: IssueChange) -> Json {
    match change {
        IssueChange::Status(status) => json!({ "status": status.as_str() }),
    }
}

/// The change a document asks for; keys it does not know mean nothing.
///
/// # Errors
/// There is no status, or none of that name.
pub fn issue_change_from_json(json: &Json) -> Result<IssueChange, BadParameter> {
    let word = json["status"].as_str().ok_or_else(|| bad("status", "is missing or no text"))?;
    Ok(IssueChange::Status(read_status("status", word, "open, resolved or ignored")?))
}

fn read_status(name: &str, value: &str, known: &str) -> Result<IssueStatus, BadParameter> {
    read_word(name, value, known, IssueStatus::parse)
}

/// Ids of issues with commas between them; `None` for no ids.
pub(super) fn issue_ids(ids: &[IssueId]) -> Option<String> {
    let ids: Vec<String> = ids.iter().map(IssueId::to_string).collect();
    (!ids.is_empty()).then(|| ids.join(","))
}

/// Reads ids of issues with commas between them, and adds them to those known.
pub(super) fn read_issue_ids(name: &str, value: &str, known: &mut Vec<IssueId>) -> Result<(), BadParameter> {
    let ids: Vec<&str> = value.split(',').filter(|id| !id.is_empty()).collect();
    if ids.is_empty() || known.len() + ids.len() > MAX_ISSUE_IDS {
        return Err(bad(name, format!("holds no id, or more than {MAX_ISSUE_IDS}")));
    }
    for id in ids {
        known.push(IssueId::parse(id).map_err(|_| bad(name, format!("`{}` is no id", shortened(id))))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::samples::{pairs, text};

    #[test]
    fn a_question_for_issues_names_what_it_cannot_read() {
        let long = vec!["3f2a9c1be8e8e8e8"; MAX_ISSUE_IDS + 1].join(",");
        for (name, value) in [("status", "closed"), ("ids", "xyz"), ("ids", ""), ("ids", &long), ("sort", "trend")] {
            let error = issue_query_from_pairs(&pairs(&[(name, value)]), Nanos(0)).expect_err(value);
            assert_eq!(error.name, name);
        }
        let all = issue_query_from_pairs(&pairs(&[("status", "open"), ("status", "all")]), Nanos(0)).expect("legal");
        assert_eq!(all, IssueQuery { limit: DEFAULT_LIMIT, ..IssueQuery::default() });
    }

    #[test]
    fn a_change_of_an_issue_reads_back_and_a_bad_one_is_refused() {
        for status in IssueStatus::ALL {
            let change = IssueChange::Status(status);
            assert_eq!(issue_change_from_json(&issue_change_to_json(change)), Ok(change));
        }
        for wrong in [json!({ "status": "closed" }), json!({}), json!([]), json!({ "status": 1 }), Json::Null] {
            assert!(issue_change_from_json(&wrong).is_err(), "{wrong}");
        }
    }

    fn issue_queries() -> impl Strategy<Value = IssueQuery> {
        let texts = (text(), text(), text(), text(), text());
        let times = (any::<Option<u64>>(), any::<Option<u64>>(), any::<Option<u64>>());
        let words = (proptest::option::of(0..3_usize), 0..3_usize, any::<bool>(), any::<usize>());
        (texts, times, words, proptest::collection::vec(any::<[u8; 8]>(), 0..4)).prop_map(
            |(texts, times, words, ids)| IssueQuery {
                service: texts.0,
                environment: texts.1,
                project: texts.2,
                id_prefix: texts.3,
                cursor: texts.4.map(Cursor),
                since: times.0.map(Nanos),
                until: times.1.map(Nanos),
                counts_since: times.2.map(Nanos),
                status: words.0.map(|index| IssueStatus::ALL[index]),
                sort: [IssueSort::LastSeen, IssueSort::FirstSeen, IssueSort::Count][words.1],
                reverse: words.2,
                limit: words.3,
                ids: ids.into_iter().map(IssueId).collect(),
            },
        )
    }

    proptest! {
        #[test]
        fn a_question_for_issues_reads_back_as_it_was_written(query in issue_queries()) {
            prop_assert_eq!(issue_query_from_pairs(&issue_query_to_pairs(&query), Nanos(0)), Ok(query));
        }
    }
}
