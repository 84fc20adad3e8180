//! What a store does for issues: finding, making and changing single rows, without deciding anything.

use std::collections::BTreeMap;

use super::errors::Alias;
use super::traces::IssueTraces;
use crate::model::grouping::{Grouping, Why};
use crate::model::{IssueId, IssueStatus, Text};
use crate::store::Result;

/// The rows of issues in one transaction of a store.
///
/// A row is named by a number that the store chooses and never uses again. Every operation touches one row or a short
/// list, so that a store in SQL needs a statement or two for each. A store whose driver is asynchronous reads what
/// counting may ask ([`IssueRows::find_issue`], [`IssueRows::recent_issues`], states and traces of the fingerprints in
/// a write) with one query, counts over that in memory, and writes the changed rows.
///
/// # Errors
/// Every method fails when the store does; the transaction is to be rolled back then.
pub trait IssueRows {
    /// The row that a fingerprint leads to, given the id of the issue it would have made.
    fn find_issue(&self, grouping: &IssueId) -> Result<Option<i64>>;

    /// The issues of a service that were heard of last, at most `most`, each once for every fingerprint that leads to it
    /// with what that was made of.
    fn recent_issues(&self, project: &str, service: &str, most: u64) -> Result<Vec<(i64, Why)>>;

    /// How many issues were made since a time of our clock, unix nanoseconds: of one project, or of all.
    fn count_new_issues(&self, since_ns: u64, project: Option<&str>) -> Result<u64>;

    /// Makes an issue without events, open, and returns its row.
    fn insert_issue(&self, new: &NewIssue, received_ns: u64) -> Result<i64>;

    /// Makes a fingerprint lead to an issue, unless it leads to one already.
    fn add_fingerprint(&self, row: i64, alias: &Alias) -> Result<()>;

    /// What counting depends on of an issue as it is.
    fn issue_state(&self, row: i64) -> Result<IssueState>;

    /// The traces an issue was seen in; none for an issue that has no event yet.
    fn issue_traces(&self, row: i64) -> Result<IssueTraces>;

    /// Replaces the traces an issue was seen in.
    fn set_issue_traces(&self, row: i64, traces: &IssueTraces) -> Result<()>;

    /// Adds what some writes hold of an issue to its row, and to its counts by hour.
    fn update_issue(&self, row: i64, update: &IssueUpdate<'_>) -> Result<()>;

    /// Gives an issue another status, on account of an event or of a person, and notes it in the history.
    fn set_status(&self, row: i64, status: IssueStatus, by_event: bool, now_ns: u64) -> Result<()>;
}

/// An issue that is to be made.
#[derive(Debug, Clone)]
pub struct NewIssue {
    /// The project; empty for none.
    pub project: Text,
    /// The service; empty for none.
    pub service: Text,
    /// How the first event was grouped: the ids of the issue and its first fingerprint, and the texts that name it.
    pub grouping: Grouping,
}

/// What counting depends on of an issue as it is.
#[derive(Debug, Clone)]
pub struct IssueState {
    /// The status.
    pub status: IssueStatus,
    /// When the status last changed, by our clock, unix nanoseconds.
    pub changed_ns: u64,
    /// The message of the first event.
    pub message: Text,
    /// The names of the environments, sorted.
    pub environments: Vec<String>,
    /// The hour of the stack trace that is kept, unix nanoseconds; `None` without one.
    pub stack_hour_ns: Option<u64>,
}

/// What is to be added to an issue.
#[derive(Debug)]
pub struct IssueUpdate<'a> {
    /// Whether the messages of its events differ.
    pub messages_differ: bool,
    /// The names of all its environments, sorted; `None` when none is new.
    pub environments: Option<Vec<String>>,
    /// The time of the earliest new event, unix nanoseconds.
    pub first_ns: u64,
    /// The time of the latest new event, unix nanoseconds.
    pub last_ns: u64,
    /// How many events are new.
    pub events: u64,
    /// New events by the hour they happened in.
    pub hours: &'a BTreeMap<u64, u64>,
    /// In how many traces the issue was seen so far, new ones included; zero when no new event has a trace.
    pub traces: u64,
    /// When the latest of the writes was received, unix nanoseconds.
    pub received_ns: u64,
    /// A stack trace that takes the place of the kept one, and its hour.
    pub stack: Option<(u64, &'a str)>,
}
