//! Issues: errors that are the same error, and what people decided about them.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{
    Cursor, Nanos, Text, TraceId,
    grouping::Why,
    id::{IdError, from_hex},
    words::words,
};

/// The id of an issue: 16 hex digits that follow from project, service and fingerprint, so that the same error has the
/// same id in every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssueId(pub [u8; 8]);

impl IssueId {
    /// The id of what has this fingerprint in this service of this project; no project is the empty one.
    pub fn of(project: &str, service: &str, fingerprint: &Fingerprint) -> IssueId {
        let mut hash = Sha256::new();
        for part in [project.as_bytes(), service.as_bytes(), &fingerprint.0] {
            // With its length, so that no two splits of one text are alike.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        IssueId(id)
    }

    /// Reads 16 hex digits of any case.
    ///
    /// # Errors
    /// [`IdError::NotHex`] for anything else.
    pub fn parse(text: &str) -> Result<IssueId, IdError> {
        from_hex(text.as_bytes()).map(IssueId).ok_or(IdError::NotHex)
    }
}

impl fmt::Display for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What makes two errors the same: a SHA-256 of what [`super::grouping`] keeps of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

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
    /// Its id.
    pub id: IssueId,
    /// The project its records came under; empty for none.
    pub project: Text,
    /// The service they came from.
    pub service: Text,
    /// What was decided about it.
    pub status: IssueStatus,
    /// Whether it is open because it came back after it was resolved.
    pub is_regressed: bool,
    /// One line: type and message; what differs from event to event stands as `<int>`, `<uuid>` and the like.
    pub title: Text,
    /// The type of the error, when it has one.
    pub error_type: Option<Text>,
    /// The message of the first event, its first line.
    pub message: Text,
    /// The frame where it happened: `payments/stripe.py in charge_card`.
    pub culprit: Option<Text>,
    /// Environments it was seen in, sorted.
    pub environments: Vec<Text>,
    /// Time of the earliest event, by its own clock.
    pub first_seen: Nanos,
    /// Time of the latest event, by its own clock.
    pub last_seen: Nanos,
    /// How many events there ever were.
    pub event_count: u64,
    /// In how many traces; a store may count beyond a thousand with an error of a few percent.
    pub trace_count: u64,
    /// The fingerprint it was made of.
    pub fingerprint: Fingerprint,
    /// A few traces with it, newest first.
    pub sample_trace_ids: Vec<TraceId>,
    /// Events by the hour of their own clocks, oldest first, hours without any left out; as far back as was asked for.
    pub counts: Vec<HourCount>,
}

/// How many events of an issue fell into an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourCount {
    /// When the hour began.
    pub hour: Nanos,
    /// How many.
    pub count: u64,
}

/// An issue with all that is known of it.
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
    /// What became of its status, oldest first.
    pub history: Vec<StatusChange>,
}

impl IssueDetail {
    /// The ids that its errors have by themselves, one for each fingerprint that leads here; its own is the first.
    pub fn ids(&self) -> Vec<IssueId> {
        let Issue { id, project, service, .. } = &self.issue;
        let of_fingerprints = self.fingerprints.iter().map(|print| IssueId::of(project, service, print));
        std::iter::once(*id).chain(of_fingerprints.filter(|other| other != id)).collect()
    }
}

/// A change of an issue's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// When.
    pub time: Nanos,
    /// To what.
    pub status: IssueStatus,
    /// Whether an event did it; else a person.
    pub by_event: bool,
}

/// What to change of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueChange {
    /// Its status, now. What is so already is no change and no history.
    Status(IssueStatus),
}

/// Which issues to list, in which order, and how many.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IssueQuery {
    /// At most this many; 0 is all.
    pub limit: usize,
    /// Only of this status.
    pub status: Option<IssueStatus>,
    /// Only of this service.
    pub service: Option<String>,
    /// Only those seen in this environment.
    pub environment: Option<String>,
    /// Only of this project.
    pub project: Option<String>,
    /// Only those seen at or after this.
    pub since: Option<Nanos>,
    /// Only those first seen before this.
    pub until: Option<Nanos>,
    /// Only those whose id, written out, starts with this (hex digits in any case).
    pub id_prefix: Option<String>,
    /// Only these; none is no such restriction.
    pub ids: Vec<IssueId>,
    /// Order; ties by id.
    pub sort: IssueSort,
    /// Turns the order round.
    pub reverse: bool,
    /// Goes on after this place.
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
