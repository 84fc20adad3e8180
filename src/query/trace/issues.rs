//! Which issues the errors of a trace belong to, as far as a store knows them.
//!
//! An exception on its way out through spans is one error here as it was when it was counted. Its spans may have been
//! counted one by one, though, so where the issue of all of them is not known, that of each is looked for.

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::grouping::{of_log, of_spans};
use crate::model::{Issue, IssueId, IssueQuery, Span, Trace};
use crate::query::facets;
use crate::query::issues::short_ids;
use crate::store::{self, Backend};

/// How many errors of a trace are grouped; a trace that failed ten thousand times fails in few ways.
const MOST_ERRORS: usize = 500;
/// How many issues are asked for one by one, because a store may know them under another id.
const MOST_ASKED: usize = 32;

/// The issues of one trace. Empty when nobody looked.
#[derive(Debug, Clone, Default)]
pub struct TraceIssues {
    /// The issue of each exception, by span and place of the event: that of the error where it was recorded furthest
    /// out, and that of the span alone.
    of_events: FxHashMap<(usize, usize), [IssueId; 2]>,
    /// The issue of each error log, by place of the record.
    of_logs: FxHashMap<usize, IssueId>,
    known: FxHashMap<IssueId, KnownIssue>,
}

/// An issue a store knows.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownIssue {
    /// The issue.
    pub issue: Issue,
    /// The beginning of the issue's id, as short as it still names the issue.
    pub short_id: String,
}

impl TraceIssues {
    /// Looks up the issues of a trace's exceptions and error logs.
    ///
    /// # Errors
    /// The store fails.
    pub async fn look_up(backend: &dyn Backend, trace: &Trace) -> Result<TraceIssues, store::Error> {
        let mut issues = TraceIssues::group(trace);
        let ids = issues.ids();
        if ids.is_empty() {
            return Ok(issues);
        }
        // Where no issues are kept, none are named.
        let Some(kept) = backend.issues() else { return Ok(issues) };
        let named = IssueQuery { ids: ids.clone(), ..IssueQuery::default() };
        let Some(page) = facets::if_offered(kept.list_issues(&named).await)? else { return Ok(issues) };
        let mut found = page.items;
        let mut leads_to: FxHashMap<IssueId, IssueId> = found.iter().map(|issue| (issue.id, issue.id)).collect();
        let others: Vec<IssueId> = ids.into_iter().filter(|id| !leads_to.contains_key(id)).take(MOST_ASKED).collect();
        for id in others {
            if let Some(detail) = kept.issue(&id).await? {
                let issue = detail.issue;
                if leads_to.insert(issue.id, issue.id).is_none() {
                    found.push(issue.clone());
                }
                leads_to.insert(id, issue.id);
            }
        }
        let short_ids = short_ids(backend, &found).await?;
        let known = found.into_iter().zip(short_ids);
        let known: FxHashMap<IssueId, KnownIssue> =
            known.map(|(issue, short_id)| (issue.id, KnownIssue { issue, short_id })).collect();
        issues.known = leads_to.iter().filter_map(|(id, issue)| Some((*id, known.get(issue)?.clone()))).collect();
        Ok(issues)
    }

    /// The ids of all issues there may be, each once, those that are likelier first.
    fn ids(&self) -> Vec<IssueId> {
        let mut ids: Vec<IssueId> = self.of_events.values().map(|[outermost, _]| *outermost).collect();
        ids.extend(self.of_logs.values());
        ids.sort_unstable();
        ids.extend(self.of_events.values().map(|[_, own]| *own));
        let mut seen = FxHashSet::default();
        ids.retain(|id| seen.insert(*id));
        ids
    }

    /// The issues as they would be called, none of them known.
    fn group(trace: &Trace) -> TraceIssues {
        let mut left = MOST_ERRORS;
        let spans: Vec<Cow<'_, Span>> = trace.spans.iter().map(|span| with_events(span, &mut left)).collect();
        let spans: Vec<&Span> = spans.iter().map(AsRef::as_ref).collect();
        let errors = of_spans(&spans);
        let mut of_events = FxHashMap::default();
        for error in &errors {
            let outermost = errors.get(error.outermost).unwrap_or(error);
            for event in &error.events {
                of_events.insert((error.span, *event), [outermost.grouping.issue, error.grouping.issue]);
            }
        }
        let logs = trace.logs.iter().enumerate().filter_map(|(index, log)| Some((index, of_log(log)?.issue)));
        TraceIssues { of_events, of_logs: logs.take(MOST_ERRORS).collect(), known: FxHashMap::default() }
    }

    /// The issue of an exception: the place of the span in the trace and of the event in the span.
    pub fn of_event(&self, span: usize, event: usize) -> Option<&KnownIssue> {
        self.of_events.get(&(span, event))?.iter().find_map(|id| self.known.get(id))
    }

    /// The issue of a log record, by its place in the trace.
    pub fn of_log(&self, log: usize) -> Option<&KnownIssue> {
        self.known.get(self.of_logs.get(&log)?)
    }

    /// Takes these issues for known; for pictures of traces no store holds.
    #[cfg(test)]
    pub(crate) fn knowing(trace: &Trace, describe: impl Fn(IssueId) -> Option<KnownIssue>) -> TraceIssues {
        let mut issues = TraceIssues::group(trace);
        issues.known = issues.ids().into_iter().filter_map(|id| Some((id, describe(id)?))).collect();
        issues
    }
}

/// The span, without its events when that are more exceptions than are left to be grouped.
fn with_events<'a>(span: &'a Span, left: &mut usize) -> Cow<'a, Span> {
    let count = span.events.iter().filter(|event| event.is_exception()).count();
    if count <= *left {
        *left -= count;
        return Cow::Borrowed(span);
    }
    *left = 0;
    Cow::Owned(Span { events: Vec::new(), ..span.clone() })
}
