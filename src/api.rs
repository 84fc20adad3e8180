//! Floor 1: our own HTTP API in writing: paths, header names, and how questions look as query parameters.
//!
//! The server reads what the remote store writes, so both take it from here and a round trip is exact to the
//! nanosecond. Parameters are pairs of text; percent-encoding is the business of whoever holds the URL.

use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use crate::model::{
    Cursor, FieldFilter, IssueChange, IssueId, IssueQuery, IssueSort, IssueStatus, LogQuery, Nanos, RecordFilter,
    RecordKind, Severity, Sort, StatsBy, StatsQuery, TraceId, TraceQuery, time::NANOS_PER_MS, when,
};

/// Response header that says which version of this API answered; every answer of the query API has it.
pub const API_HEADER: &str = "x-tracehub-api";
/// The version of this API.
pub const API_VERSION: &str = "1";
/// Response header of a list: the cursor of the next page; absent on the last.
pub const NEXT_CURSOR_HEADER: &str = "x-tracehub-next-cursor";
/// Response header of a list: how many traces or issues match on all pages.
pub const TOTAL_HEADER: &str = "x-tracehub-total";
/// Response header of a list: how many of those traces have errors, or of those issues are open.
pub const FAILED_HEADER: &str = "x-tracehub-failed";
/// Request header that holds an API key.
pub const KEY_HEADER: &str = "x-api-key";

/// Traces or issues a list holds when nobody says how many.
pub const DEFAULT_LIMIT: usize = 20;
/// Most issues a question may name one by one.
pub const MAX_ISSUE_IDS: usize = 1_000;
/// Log records a list holds when nobody says how many.
pub const DEFAULT_LOG_LIMIT: usize = 100;
/// Most log records one answer holds, unless all are asked for; a cursor leads to the others.
pub const MAX_LOGS: usize = 1_000;
/// Most records one answer of a scan holds.
pub const MAX_SCAN: usize = 10_000;
/// Longest a scan waits for something new, milliseconds.
pub const MAX_WAIT_MS: u64 = 30_000;

/// Paths of the API.
pub mod path {
    /// List and delete traces.
    pub const TRACES: &str = "/api/v1/traces";
    /// One trace; the id stands in the query, where it may hold anything (`..`, slashes) and no proxy rewrites it.
    pub const TRACE: &str = "/api/v1/trace";
    /// One trace; the id stands percent-encoded in the path.
    pub const TRACE_BY_ID: &str = "/api/v1/traces/{id}";
    /// One trace as a tree.
    pub const TREE: &str = "/api/v1/traces/{id}/tree";
    /// Statistics.
    pub const STATS: &str = "/api/v1/stats";
    /// List issues.
    pub const ISSUES: &str = "/api/v1/issues";
    /// Look at one issue, and change it.
    pub const ISSUE: &str = "/api/v1/issues/{id}";
    /// List log records.
    pub const LOGS: &str = "/api/v1/logs";
    /// What runs here.
    pub const SERVER: &str = "/api/v1/server";
    /// Records in commit order.
    pub const SCAN: &str = "/api/v1/scan";
    /// Records in commit order, and those that arrive, as events.
    pub const SCAN_STREAM: &str = "/api/v1/scan/stream";
    /// Where in commit order a time lies.
    pub const CURSOR: &str = "/api/v1/scan/cursor";
    /// A place near the end of the records, to scan from.
    pub const PLACE: &str = "/api/v1/place";
    /// Takes log entries of the published logger.
    pub const INGEST: &str = "/api/v1/ingest";
    /// Takes records.
    pub const RECORDS: &str = "/api/v1/records";
    /// List and issue keys.
    pub const KEYS: &str = "/api/v1/keys";
    /// One key.
    pub const KEY_BY_ID: &str = "/api/v1/keys/{id}";
    /// When keys were used.
    pub const KEY_USES: &str = "/api/v1/keys/used";
    /// Removes what is past its retention.
    pub const PRUNE: &str = "/api/v1/prune";
}

/// Query parameters in the order they are written.
pub type Pairs = Vec<(String, String)>;

/// A query parameter whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{name}`: {reason}")]
pub struct BadParameter {
    /// Its name.
    pub name: String,
    /// What is wrong with its value.
    pub reason: String,
}

fn bad(name: &str, reason: impl Into<String>) -> BadParameter {
    BadParameter { name: name.to_owned(), reason: reason.into() }
}

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
    pairs.owned("since", query.since.map(Nanos::to_rfc3339));
    pairs.owned("until", query.until.map(Nanos::to_rfc3339));
    pairs.text("id_prefix", query.id_prefix.as_deref());
    pairs.text("sort", Some(query.sort.as_str()));
    pairs.text("reverse", query.reverse.then_some("true"));
    pairs.owned("limit", Some(query.limit.to_string()));
    pairs.text("cursor", query.cursor.as_ref().map(|cursor| cursor.0.as_str()));
    pairs.0
}

/// The question for traces that parameters ask; names it does not know mean nothing.
///
/// # Errors
/// The first value that cannot be read.
pub fn trace_query_from_pairs(pairs: &[(String, String)], now: Nanos) -> Result<TraceQuery, BadParameter> {
    let mut query = TraceQuery { limit: DEFAULT_LIMIT, ..TraceQuery::default() };
    for (name, value) in pairs {
        match name.as_str() {
            "service" => query.service = Some(value.clone()),
            "name" => query.name = Some(value.clone()),
            "workflow_name" | "workflow" => query.workflow = Some(value.clone()),
            "has_errors" => query.has_errors = Some(read_flag(name, value)?),
            "min_duration_ms" => query.min_duration_ns = Some(read_milliseconds(name, value)?),
            "max_duration_ms" => query.max_duration_ns = Some(read_milliseconds(name, value)?),
            "project" => query.project = Some(value.clone()),
            "attr" => query.attributes.push(read_attribute(name, value)?),
            "kind" => query.kind = Some(read_kind(name, value)?),
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
    pairs.owned("since", query.since.map(Nanos::to_rfc3339));
    pairs.owned("until", query.until.map(Nanos::to_rfc3339));
    pairs.text("order", Some(if query.oldest_first { "oldest" } else { "newest" }));
    pairs.owned("limit", Some(query.limit.to_string()));
    pairs.text("cursor", query.cursor.as_ref().map(|cursor| cursor.0.as_str()));
    pairs.0
}

/// The question for log records that parameters ask; names it does not know mean nothing.
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
            "service" => query.service = Some(value.clone()),
            "module" => query.module = Some(value.clone()),
            "env" => query.environment = Some(value.clone()),
            "project" => query.project = Some(value.clone()),
            "host" => query.host = Some(value.clone()),
            "pid" => query.pid = Some(value.clone()),
            "trace" => query.trace = Some(read_trace_id(name, value)?),
            "issue" => read_issue_ids(name, value, &mut query.issues)?,
            "extra" => query.fields.push(read_field(name, value)?),
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

/// The parameters of a question for statistics.
pub fn stats_query_to_pairs(query: &StatsQuery) -> Pairs {
    let mut pairs = Writer::default();
    pairs.owned("since", query.since.map(Nanos::to_rfc3339));
    pairs.owned("until", query.until.map(Nanos::to_rfc3339));
    pairs.text("service", query.service.as_deref());
    pairs.text("by", Some(query.by.as_str()));
    pairs.0
}

/// The question for statistics that parameters ask; names it does not know mean nothing.
///
/// # Errors
/// The first value that cannot be read.
pub fn stats_query_from_pairs(pairs: &[(String, String)], now: Nanos) -> Result<StatsQuery, BadParameter> {
    let mut query = StatsQuery::default();
    for (name, value) in pairs {
        match name.as_str() {
            "since" => query.since = Some(read_time(name, value, now)?),
            "until" => query.until = Some(read_time(name, value, now)?),
            "service" => query.service = Some(value.clone()),
            "by" => query.by = read_word(name, value, "operation, service, source, model or nothing", StatsBy::parse)?,
            _ => {}
        }
    }
    Ok(query)
}

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

/// The question for issues that parameters ask; names it does not know mean nothing.
///
/// # Errors
/// The first value that cannot be read.
pub fn issue_query_from_pairs(pairs: &[(String, String)], now: Nanos) -> Result<IssueQuery, BadParameter> {
    let mut query = IssueQuery { limit: DEFAULT_LIMIT, ..IssueQuery::default() };
    for (name, value) in pairs {
        match name.as_str() {
            "status" if value == "all" => query.status = None,
            "status" => query.status = Some(read_status(name, value, "open, resolved, ignored or all")?),
            "service" => query.service = Some(value.clone()),
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

/// Reads the id of a trace.
///
/// # Errors
/// The value is no trace id.
pub fn read_trace_id(name: &str, value: &str) -> Result<TraceId, BadParameter> {
    TraceId::parse(value).map_err(|error| bad(name, error.to_string()))
}

/// Reads a whole number.
///
/// # Errors
/// The value is none, or too large.
pub fn read_number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, BadParameter> {
    value.parse().map_err(|_| bad(name, format!("`{}` is not a whole number", shortened(value))))
}

/// Reads a time: RFC 3339 exactly, or anything people type for one, in UTC.
///
/// # Errors
/// The value is no time.
pub fn read_time(name: &str, value: &str, now: Nanos) -> Result<Nanos, BadParameter> {
    if let Some(time) = Nanos::parse_rfc3339(value) {
        return Ok(time);
    }
    when::parse_time(value, now, &TimeZone::UTC).map_err(|error| bad(name, error.to_string()))
}

fn read_flag(name: &str, value: &str) -> Result<bool, BadParameter> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(bad(name, format!("`{}` is neither true nor false", shortened(value)))),
    }
}

fn read_status(name: &str, value: &str, known: &str) -> Result<IssueStatus, BadParameter> {
    read_word(name, value, known, IssueStatus::parse)
}

/// Ids with commas between them; `None` for none.
fn issue_ids(ids: &[IssueId]) -> Option<String> {
    let ids: Vec<String> = ids.iter().map(IssueId::to_string).collect();
    (!ids.is_empty()).then(|| ids.join(","))
}

/// Adds the ids of a value with commas between them.
fn read_issue_ids(name: &str, value: &str, known: &mut Vec<IssueId>) -> Result<(), BadParameter> {
    let ids: Vec<&str> = value.split(',').filter(|id| !id.is_empty()).collect();
    if ids.is_empty() || known.len() + ids.len() > MAX_ISSUE_IDS {
        return Err(bad(name, format!("holds no id, or more than {MAX_ISSUE_IDS}")));
    }
    for id in ids {
        known.push(IssueId::parse(id).map_err(|_| bad(name, format!("`{}` is no id", shortened(id))))?);
    }
    Ok(())
}

fn read_kind(name: &str, value: &str) -> Result<RecordKind, BadParameter> {
    read_word(name, value, "spans, checkpoints or logs", RecordKind::parse)
}

fn read_word<T>(name: &str, value: &str, known: &str, parse: fn(&str) -> Option<T>) -> Result<T, BadParameter> {
    parse(value).ok_or_else(|| bad(name, format!("`{}` is not one of {known}", shortened(value))))
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

fn shortened(value: &str) -> String {
    value.chars().take(80).collect()
}

#[derive(Default)]
struct Writer(Pairs);

impl Writer {
    fn text(&mut self, name: &str, value: Option<&str>) {
        self.owned(name, value.map(str::to_owned));
    }

    fn owned(&mut self, name: &str, value: Option<String>) {
        self.0.extend(value.map(|value| (name.to_owned(), value)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::FieldOperator;

    fn pairs(text: &[(&str, &str)]) -> Pairs {
        text.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

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
        ] {
            let error = trace_query_from_pairs(&pairs(&[(name, value)]), Nanos(0)).expect_err(value);
            assert_eq!(error.name, name);
        }
        assert!(trace_query_from_pairs(&pairs(&[("colour", "red")]), Nanos(0)).is_ok());
    }

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

    #[test]
    fn milliseconds_may_have_fractions() {
        let query = trace_query_from_pairs(&pairs(&[("min_duration_ms", "1.5"), ("workflow", "w")]), Nanos(0));
        let query = query.expect("legal");
        assert_eq!((query.min_duration_ns, query.workflow.as_deref()), (Some(1_500_000), Some("w")));
    }

    #[test]
    fn a_deletion_with_a_misspelt_filter_is_refused() {
        let error = deletion_from_pairs(&pairs(&[("ended-before", "2026-11-21T00:00:00Z")]), Nanos(0));
        assert_eq!(error.map_err(|error| error.name), Err("ended-before".to_owned()));
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        proptest::option::of(".{0,12}")
    }

    fn trace_queries() -> impl Strategy<Value = TraceQuery> {
        let texts = (text(), text(), text(), text(), text(), text());
        let numbers = (any::<usize>(), any::<Option<u64>>(), any::<Option<u64>>(), any::<Option<bool>>());
        let times = (any::<Option<u64>>(), any::<Option<u64>>(), any::<bool>());
        let words =
            (0..4_usize, proptest::option::of(0..3_usize), proptest::collection::vec(("[^=]{1,8}", ".{0,8}"), 0..3));
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
        })
    }

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

    fn log_queries() -> impl Strategy<Value = LogQuery> {
        let field = ("[^=!~]{1,8}", 0..3_usize, ".{0,8}").prop_map(|(name, operator, value)| {
            let operator = [FieldOperator::Is, FieldOperator::IsNot, FieldOperator::Contains][operator];
            FieldFilter { name, operator, value }
        });
        let texts = (text(), text(), text(), text(), text(), text(), text(), text(), text());
        let numbers =
            (any::<usize>(), any::<Option<u64>>(), any::<Option<u64>>(), proptest::collection::vec(1_u64.., 0..4));
        let rest = (any::<bool>(), proptest::option::of(0..6_usize), proptest::collection::vec(field, 0..3));
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
        })
    }

    proptest! {
        #[test]
        fn a_question_for_issues_reads_back_as_it_was_written(query in issue_queries()) {
            prop_assert_eq!(issue_query_from_pairs(&issue_query_to_pairs(&query), Nanos(0)), Ok(query));
        }

        #[test]
        fn a_question_for_log_records_reads_back_as_it_was_written(query in log_queries()) {
            prop_assert_eq!(log_query_from_pairs(&log_query_to_pairs(&query), Nanos(0)), Ok(query));
        }

        #[test]
        fn a_question_for_traces_reads_back_as_it_was_written(query in trace_queries()) {
            prop_assert_eq!(trace_query_from_pairs(&trace_query_to_pairs(&query), Nanos(0)), Ok(query));
        }

        #[test]
        fn a_question_for_statistics_reads_back_as_it_was_written(
            since: Option<u64>, until: Option<u64>, service in text(), by in 0..5_usize,
        ) {
            let by = [StatsBy::Operation, StatsBy::Service, StatsBy::Source, StatsBy::Model, StatsBy::Nothing][by];
            let query = StatsQuery { since: since.map(Nanos), until: until.map(Nanos), service, by };
            prop_assert_eq!(stats_query_from_pairs(&stats_query_to_pairs(&query), Nanos(0)), Ok(query));
        }

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
