//! Issues: errors that are the same error, and what people decided about them.

mod id;

use crate::model::grouping::Why;
use crate::model::words::words;
use crate::model::{Cursor, Nanos, Text, TraceId};

pub use id::{Fingerprint, IssueId};

words! {
    /// What people decided about an issue.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
    #[repr(u8)]
    pub enum IssueStatus {
        /// Nothing yet, or it came back.
        #[default]
        Open = "open",
        /// It is mended; an event later than that opens it again.
        Resolved = "resolved",
        /// It may happen; events count and change nothing.
        Ignored = "ignored",
    }
}

/// Errors that are the same error.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// The id of the issue.
    pub id: IssueId,
    /// The project the records of the issue came under; empty for none.
    pub project: Text,
    /// The service the records of the issue came from.
    pub service: Text,
    /// What was decided about the issue.
    pub status: IssueStatus,
    /// Whether the issue is open because it came back after it was resolved.
    pub is_regressed: bool,
    /// One line: type and message; what differs from event to event stands as `<int>`, `<uuid>` and the like.
    pub title: Text,
    /// The type of the error, when it has one.
    pub error_type: Option<Text>,
    /// The message of the first event, its first line.
    pub message: Text,
    /// The frame where it happened: `payments/stripe.py in charge_card`.
    pub culprit: Option<Text>,
    /// Environments the issue was seen in, sorted.
    pub environments: Vec<Text>,
    /// Time of the earliest event, by its own clock.
    pub first_seen: Nanos,
    /// Time of the latest event, by its own clock.
    pub last_seen: Nanos,
    /// How many events of the issue there ever were.
    pub event_count: u64,
    /// In how many traces the issue was seen; a store may count beyond a thousand with an error of a few percent.
    pub trace_count: u64,
    /// The fingerprint the issue was made of.
    pub fingerprint: Fingerprint,
    /// A few traces with the issue, newest first.
    pub sample_trace_ids: Vec<TraceId>,
    /// Events by the hour of their own clocks, oldest first, hours without any left out; as far back as was asked for.
    pub counts: Vec<HourCount>,
}

/// How many events of an issue fell into an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourCount {
    /// When the hour began.
    pub hour: Nanos,
    /// How many events fell into the hour.
    pub count: u64,
}

/// An issue with all that is known about it.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueDetail {
    /// The issue.
    pub issue: Issue,
    /// The stack trace of a recent event, as it was sent.
    pub stack_trace: Option<Text>,
    /// What the fingerprint was made of.
    pub why: Why,
    /// All fingerprints that lead to this issue.
    pub fingerprints: Vec<Fingerprint>,
    /// What became of the issue's status, oldest first.
    pub history: Vec<StatusChange>,
}

impl IssueDetail {
    /// The ids that the errors of the issue have by themselves, one for each fingerprint that leads here; the issue's
    /// own is the first.
    pub fn ids(&self) -> Vec<IssueId> {
        let Issue { id, project, service, .. } = &self.issue;
        let of_fingerprints = self.fingerprints.iter().map(|print| IssueId::derive(project, service, print));
        std::iter::once(*id).chain(of_fingerprints.filter(|other| other != id)).collect()
    }
}

/// A change of an issue's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// When the status changed.
    pub time: Nanos,
    /// What the status became.
    pub status: IssueStatus,
    /// Whether an event changed the status; else a person did.
    pub by_event: bool,
}

/// What to change of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueChange {
    /// The status, from now on. Setting the present one is no change and no history.
    Status(IssueStatus),
}

/// Which issues to list, in which order, and how many.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IssueQuery {
    /// At most this many issues; 0 is all.
    pub limit: usize,
    /// Only issues of this status.
    pub status: Option<IssueStatus>,
    /// Only issues of this service.
    pub service: Option<String>,
    /// Only issues seen in this environment.
    pub environment: Option<String>,
    /// Only issues of this project.
    pub project: Option<String>,
    /// Only issues seen at or after this.
    pub since: Option<Nanos>,
    /// Only issues first seen before this.
    pub until: Option<Nanos>,
    /// Only issues whose id, written out, starts with this (hex digits in any case).
    pub id_prefix: Option<String>,
    /// Only issues of these ids; empty for any.
    pub ids: Vec<IssueId>,
    /// Order of the issues; ties by id.
    pub sort: IssueSort,
    /// Turns the order round.
    pub reverse: bool,
    /// Where the list goes on; `None` is the beginning.
    pub cursor: Option<Cursor>,
    /// [`Issue::counts`] go back to this; `None` leaves them empty.
    pub counts_since: Option<Nanos>,
}

words! {
    /// What comes first in a list of issues; every order begins with the largest.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum IssueSort {
        /// What was seen last.
        #[default]
        LastSeen = "last-seen",
        /// What is newest.
        FirstSeen = "first-seen",
        /// What happened most.
        Count = "count",
    }
}
