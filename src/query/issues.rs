//! Issues as people ask for them: a list with short ids and what it leaves out, one with its traces, and ids typed in
//! part.
//!
//! Knows stores only by their contract, so it works on a file and on a server alike.

use rustc_hash::{FxHashMap, FxHashSet};

use super::facets;
use crate::model::{Issue, IssueDetail, IssueId, IssueQuery, IssueStatus, Page, TraceId, TraceQuery, TraceSummary};
use crate::store::{self, Backend};

/// Shortest id shown or looked for, in characters.
pub const MIN_ISSUE_PREFIX_CHARS: usize = 4;
/// How many issues an ambiguous prefix names at most.
const MAX_CANDIDATES: usize = 5;
/// How many issues of a list have their ids told apart from those it leaves out.
const MOST_TOLD_APART: usize = 100;
/// How many ids that begin alike are looked at.
const MOST_ALIKE: usize = 50;
/// How many sample traces are looked up.
const MOST_SAMPLES: usize = 10;

/// A page of issues with what a person wants to know besides.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueList {
    /// The page; its `total` counts what matches on all pages.
    pub page: Page<Issue>,
    /// For each issue of the page the beginning of its id, as short as it still names it.
    pub short_ids: Vec<String>,
    /// How many issues match but for their status, by status; only statuses with any.
    pub hidden: Vec<(IssueStatus, u64)>,
}

/// Reads a page of issues, with ids short enough to type.
///
/// # Errors
/// The store fails, or the cursor is foreign.
pub async fn list(backend: &dyn Backend, query: &IssueQuery) -> Result<IssueList, store::Error> {
    let kept = facets::issues(backend)?;
    let page = kept.list_issues(query).await?;
    let mut hidden = Vec::new();
    for status in IssueStatus::ALL.into_iter().filter(|status| query.status.is_some_and(|shown| shown != *status)) {
        let other = IssueQuery { status: Some(status), limit: 1, cursor: None, counts_since: None, ..query.clone() };
        if let Some(count) = kept.list_issues(&other).await?.total.filter(|count| *count > 0) {
            hidden.push((status, count));
        }
    }
    let short_ids = short_ids(backend, &page.items).await?;
    Ok(IssueList { page, short_ids, hidden })
}

/// For each issue the beginning of its id that no other issue of the store has; at least [`MIN_ISSUE_PREFIX_CHARS`]
/// long.
///
/// # Errors
/// The store fails.
pub async fn short_ids(backend: &dyn Backend, issues: &[Issue]) -> Result<Vec<String>, store::Error> {
    let ids: Vec<String> = issues.iter().map(|issue| issue.id.to_string()).collect();
    let mut lengths = vec![MIN_ISSUE_PREFIX_CHARS; ids.len()];
    let mut sorted: Vec<usize> = (0..ids.len()).collect();
    sorted.sort_by_key(|at| ids.get(*at));
    for pair in sorted.windows(2) {
        let [one, other] = pair else { continue };
        let needed = shared_length(&ids[*one], &ids[*other]) + 1;
        for at in [*one, *other] {
            lengths[at] = lengths[at].max(needed);
        }
    }
    let mut alike: FxHashMap<String, Vec<String>> = FxHashMap::default();
    for (id, length) in ids.iter().zip(&mut lengths).take(MOST_TOLD_APART) {
        let prefix: String = id.chars().take(MIN_ISSUE_PREFIX_CHARS).collect();
        let others = match alike.get(&prefix) {
            Some(known) => known,
            None => {
                let page = facets::issues(backend)?.list_issues(&starting_with(&prefix, MOST_ALIKE)).await?;
                alike.entry(prefix).or_insert(page.items.iter().map(|issue| issue.id.to_string()).collect())
            }
        };
        let needed = others.iter().filter(|other| *other != id).map(|other| shared_length(id, other) + 1).max();
        *length = needed.map_or(*length, |needed| needed.max(*length));
    }
    Ok(ids.iter().zip(lengths).map(|(id, length)| id.chars().take(length).collect()).collect())
}

/// How many characters two ids have in common at their beginnings.
fn shared_length(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count()
}

fn starting_with(prefix: &str, limit: usize) -> IssueQuery {
    IssueQuery { limit, id_prefix: Some(prefix.to_owned()), ..IssueQuery::default() }
}

/// An issue with its traces.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueReport {
    /// All that is known of the issue.
    pub detail: IssueDetail,
    /// The beginning of the issue's id, as short as it still names the issue.
    pub short_id: String,
    /// Traces the issue was seen in, newest first.
    pub samples: Vec<SampleTrace>,
}

/// A trace an issue was seen in.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleTrace {
    /// The id of the trace.
    pub id: TraceId,
    /// The summary of the trace; `None` when the trace is no longer kept.
    pub summary: Option<TraceSummary>,
}

/// Reads an issue with the summaries of its sample traces.
///
/// # Errors
/// No such issue, more than one, or the store fails.
pub async fn report(backend: &dyn Backend, reference: &str) -> Result<IssueReport, FindIssueError> {
    let id = find(backend, reference).await?.id;
    let detail = facets::issues(backend)?.issue(&id).await?;
    let detail = detail.ok_or_else(|| FindIssueError::NotFound(reference.to_owned()))?;
    let short_id = short_ids(backend, std::slice::from_ref(&detail.issue)).await?.pop().unwrap_or_default();
    let mut samples = Vec::new();
    for id in detail.issue.sample_trace_ids.iter().take(MOST_SAMPLES) {
        samples.push(SampleTrace { id: id.clone(), summary: summary(backend, id).await? });
    }
    Ok(IssueReport { detail, short_id, samples })
}

/// The summary of a trace without its records, where the list gives it.
async fn summary(backend: &dyn Backend, id: &TraceId) -> Result<Option<TraceSummary>, store::Error> {
    let query = TraceQuery { limit: 1, id_prefix: Some(id.to_string()), ..TraceQuery::default() };
    let mut page = backend.traces(&query).await?;
    match page.items.pop() {
        Some(summary) if summary.trace_id == *id => Ok(Some(summary)),
        // Ids of free form may begin other ids.
        Some(_) => Ok(backend.trace(id).await?.map(|trace| trace.summary)),
        None => Ok(None),
    }
}

/// Why a reference names no one issue.
#[derive(Debug, thiserror::Error)]
pub enum FindIssueError {
    /// No issue matches the reference.
    #[error("no issue `{0}`")]
    NotFound(String),
    /// More than one issue id begins with the reference.
    #[error("`{reference}` is ambiguous")]
    Ambiguous {
        /// What was typed.
        reference: String,
        /// Up to five candidates, those seen last first.
        candidates: Vec<Issue>,
    },
    /// The reference is too short to look for, or none at all.
    #[error("`{reference}` is not an issue id: {reason}")]
    Invalid {
        /// What was typed.
        reference: String,
        /// What is wrong with the reference.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The issue a reference names: a whole id, a unique prefix of at least [`MIN_ISSUE_PREFIX_CHARS`] hex digits in any
/// case, or `latest`, the issue seen last. A whole id may also be one that a record tells and that leads to another
/// issue.
///
/// # Errors
/// See [`FindIssueError`].
pub async fn find(backend: &dyn Backend, reference: &str) -> Result<Issue, FindIssueError> {
    let issues = facets::issues(backend)?;
    let not_found = || FindIssueError::NotFound(reference.to_owned());
    if reference == "latest" {
        let mut page = issues.list_issues(&IssueQuery { limit: 1, ..IssueQuery::default() }).await?;
        return page.items.pop().ok_or_else(not_found);
    }
    check_spelling(reference)?;
    let prefix = reference.to_ascii_lowercase();
    let mut candidates = issues.list_issues(&starting_with(&prefix, MAX_CANDIDATES + 1)).await?.items;
    if candidates.len() > 1 {
        candidates.truncate(MAX_CANDIDATES);
        return Err(FindIssueError::Ambiguous { reference: reference.to_owned(), candidates });
    }
    match (candidates.pop(), IssueId::parse(reference)) {
        (Some(issue), _) => Ok(issue),
        (None, Ok(id)) => Ok(issues.issue(&id).await?.ok_or_else(not_found)?.issue),
        (None, Err(_)) => Err(not_found()),
    }
}

/// The ids that errors of some issues have by themselves: those of all fingerprints that lead to one of the issues. An
/// id that leads to no issue stays as it is.
///
/// # Errors
/// The store fails.
pub async fn with_aliases(backend: &dyn Backend, ids: &[IssueId]) -> Result<Vec<IssueId>, store::Error> {
    // Where no issues are kept, nothing else leads to one.
    let Some(issues) = backend.issues() else { return Ok(ids.to_vec()) };
    let mut all: Vec<IssueId> = Vec::new();
    let mut known: FxHashSet<IssueId> = FxHashSet::default();
    for id in ids {
        if known.contains(id) {
            continue;
        }
        let detail = facets::if_offered(issues.issue(id).await)?.flatten();
        let aliases = detail.map(|detail| detail.ids()).unwrap_or_default();
        all.extend(std::iter::once(*id).chain(aliases).filter(|id| known.insert(*id)));
    }
    Ok(all)
}

fn check_spelling(reference: &str) -> Result<(), FindIssueError> {
    let invalid = |reason: String| Err(FindIssueError::Invalid { reference: reference.to_owned(), reason });
    match reference.len() {
        _ if !reference.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            invalid("it is not made of hex digits".to_owned())
        }
        ..MIN_ISSUE_PREFIX_CHARS => invalid(format!("a prefix has at least {MIN_ISSUE_PREFIX_CHARS} characters")),
        MIN_ISSUE_PREFIX_CHARS..=16 => Ok(()),
        _ => invalid("an id has 16 hex digits".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(reference: &str) -> String {
        check_spelling(reference).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn references_are_four_to_sixteen_hex_digits() {
        assert_eq!(["7f3a", "7F3A", "0123456789abcdef"].map(refusal), ["fine"; 3]);
        assert_eq!(refusal("7f3"), "`7f3` is not an issue id: a prefix has at least 4 characters");
        assert_eq!(refusal("0123456789abcdef0"), "`0123456789abcdef0` is not an issue id: an id has 16 hex digits");
        for odd in ["7f3a ", "7f3ä", "latest~1"] {
            assert!(refusal(odd).contains("not made of hex digits"), "{odd}");
        }
    }

    #[test]
    fn ids_share_what_they_begin_with() {
        assert_eq!(
            [shared_length("7f3a", "7f3b"), shared_length("7f3a", "7f3a"), shared_length("0", "7f3a")],
            [3, 4, 0]
        );
    }
}
