//! What subscribers are told of issues: that one is new, or that an event opened it again.

use crate::model::{Issue, Nanos};

/// Something that happened to an issue.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueNews {
    /// The issue as it is now.
    pub issue: Issue,
    /// Whether the issue is new; else an event opened it again.
    pub is_new: bool,
    /// The number of what happened, which no other of its kind has.
    pub number: i64,
    /// The place behind it.
    pub place: NewsPlace,
}

/// Up to where a subscriber has heard what happened to issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewsPlace {
    /// The number of the last new issue.
    pub issue: i64,
    /// The number of the last change of a status.
    pub change: i64,
    /// When the last of both happened, by our clock.
    pub time: Nanos,
}
