//! Which issue an error is counted in, and how many new issues there may be.
//!
//! New issues are limited, so that neither a broken rule of grouping nor a hostile sender can make them without end:
//! in an hour of our clock a project gets [`MOST_NEW`] of its own. What would need one more is counted in one issue of
//! its service that says so, of which there are at most [`MOST_SHARED`] new ones; what is still left, and everything
//! once [`MOST_NEW_IN_ALL`] came into the store within the hour, in a single one without project and service. Errors of
//! issues that are known are always counted there.
//!
//! A new fingerprint is no new issue when its error is one that was recorded elsewhere in its trace, with more or less of
//! the stack: spans of one trace come in several writes, and so do their log records. It then leads to that issue.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use super::errors::{Alias, Group};
use super::hours::hour_ns;
use super::rows::{IssueRows, NewIssue};
use super::sums::{Home, Homes, Tally};
use crate::model::grouping::{Grouping, Why};
use crate::model::{Fingerprint, IssueId, Text};
use crate::store::Result;

/// New issues of a project in an hour.
pub(crate) const MOST_NEW: u64 = 1_000;
/// New issues of a project in an hour that its services share among errors beyond [`MOST_NEW`].
const MOST_SHARED: u64 = 100;
/// New issues of all projects in an hour.
const MOST_NEW_IN_ALL: u64 = 10_000;
/// How many issues of its service, those heard of last, are asked whether a new error of one of their traces is theirs.
const MOST_ASKED: u64 = 64;
/// What is hashed for issues that stand for many.
const SHARED: &str = "tracehub: errors beyond the limit of new issues";
/// The title of issues that stand for many.
pub(crate) const SHARED_TITLE: &str = "too many new issues in an hour: errors beyond 1,000 kinds are counted here";

/// Finds or makes the issue of each error, and how many may still be made.
pub(super) struct Limit<'r, R> {
    rows: &'r R,
    received_ns: u64,
    /// How many issues a project got in this hour, and with `None` all of them, as far as somebody asked.
    new_issues: FxHashMap<Option<Text>, u64>,
    /// What leads to the issues that were heard of last, by project and service.
    recent: FxHashMap<(Text, Text), Vec<(i64, Why)>>,
}

impl<'r, R: IssueRows> Limit<'r, R> {
    /// The limit as the rows say it is.
    pub(super) fn new(rows: &'r R, received_ns: u64) -> Limit<'r, R> {
        Limit { rows, received_ns, new_issues: FxHashMap::default(), recent: FxHashMap::default() }
    }

    /// Finds the issue errors are counted in, or makes it.
    pub(super) fn find_home(&mut self, tally: &Tally<'_>, homes: &Homes<'_>) -> Result<Home> {
        let group = tally.group;
        let grouping = &group.grouping;
        if let Some(row) = self.rows.find_issue(&grouping.issue)? {
            return Ok(Home { row, is_shared: false });
        }
        if self.has_room(&group.project, MOST_NEW)? {
            if let Some(row) = self.find_elsewhere(tally, homes)? {
                self.add_fingerprint(&Alias::of(grouping), row, group)?;
                return Ok(Home { row, is_shared: false });
            }
            let (project, service) = (group.project.clone(), group.service.clone());
            let row = self.make(&NewIssue { project, service, grouping: grouping.clone() })?;
            self.remember(row, &grouping.why, group);
            return Ok(Home { row, is_shared: false });
        }
        let of_service = shared_issue(group.project.clone(), group.service.clone());
        let row = match self.rows.find_issue(&of_service.grouping.issue)? {
            Some(row) => row,
            None if self.has_room(&group.project, MOST_NEW + MOST_SHARED)? => self.make(&of_service)?,
            None => {
                let of_all = shared_issue(Text::EMPTY, Text::EMPTY);
                match self.rows.find_issue(&of_all.grouping.issue)? {
                    Some(row) => row,
                    None => self.make(&of_all)?,
                }
            }
        };
        Ok(Home { row, is_shared: true })
    }

    /// Finds the issue of the same service that a trace of these errors has already, and whose stack begins or goes on
    /// as theirs.
    fn find_elsewhere(&mut self, tally: &Tally<'_>, homes: &Homes<'_>) -> Result<Option<i64>> {
        let Group { grouping, project, service, .. } = tally.group;
        if grouping.why.frames.is_empty() {
            return Ok(None);
        }
        let recent = match self.recent.entry((project.clone(), service.clone())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(self.rows.recent_issues(project, service, MOST_ASKED)?),
        };
        for (issue, known) in recent.iter() {
            let is_same = !known.frames.is_empty() && known.is_same_error(&grouping.why);
            if is_same
                && (homes.share_trace(*issue, tally)
                    || self.rows.issue_traces(*issue)?.newest().any(|trace| tally.traces.contains_key(trace)))
            {
                return Ok(Some(*issue));
            }
        }
        Ok(None)
    }

    /// Makes a fingerprint lead to the issue of a group, unless it leads to one already.
    pub(super) fn add_fingerprint(&mut self, alias: &Alias, row: i64, group: &Group) -> Result<()> {
        self.remember(row, &alias.why, group);
        self.rows.add_fingerprint(row, alias)
    }

    fn remember(&mut self, row: i64, why: &Why, group: &Group) {
        if let Some(recent) = self.recent.get_mut(&(group.project.clone(), group.service.clone())) {
            recent.push((row, why.clone()));
        }
    }

    fn has_room(&mut self, project: &Text, most: u64) -> Result<bool> {
        Ok(self.count_new(None)? < MOST_NEW_IN_ALL && self.count_new(Some(project.clone()))? < most)
    }

    fn count_new(&mut self, project: Option<Text>) -> Result<u64> {
        match self.new_issues.entry(project) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(unknown) => {
                let count = self.rows.count_new_issues(hour_ns(self.received_ns), unknown.key().as_deref())?;
                Ok(*unknown.insert(count))
            }
        }
    }

    fn make(&mut self, new: &NewIssue) -> Result<i64> {
        let row = self.rows.insert_issue(new, self.received_ns)?;
        self.rows.add_fingerprint(row, &Alias::of(&new.grouping))?;
        for project in [None, Some(new.project.clone())] {
            self.new_issues.entry(project).and_modify(|count| *count += 1);
        }
        Ok(row)
    }
}

/// The issue that errors of a service share which have none of their own.
fn shared_issue(project: Text, service: Text) -> NewIssue {
    let fingerprint = Fingerprint(Sha256::digest(SHARED).into());
    let title = Text::from_static(SHARED_TITLE);
    let grouping = Grouping {
        fingerprint,
        issue: IssueId::derive(&project, &service, &fingerprint),
        error_type: None,
        message: title.clone(),
        message_pattern: title,
        culprit: None,
        stack_trace: None,
        why: Why { text: Text::from_static(SHARED), ..Why::default() },
    };
    NewIssue { project, service, grouping }
}
