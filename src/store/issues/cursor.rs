//! Cursors in lists of issues.

use crate::model::id::from_hex;
use crate::model::{Cursor, Issue, IssueId, IssueQuery, IssueSort};
use crate::store::{Error, Result};

/// The place behind an issue in a list of some order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueCursor {
    /// What the list is sorted by, of the issue the place is behind; at most [`i64::MAX`].
    pub key: u64,
    /// The issue's id.
    pub id: IssueId,
}

impl IssueCursor {
    /// The place behind an issue in a list sorted by `sort`.
    pub fn behind(issue: &Issue, sort: IssueSort) -> IssueCursor {
        let key = match sort {
            IssueSort::LastSeen => issue.last_seen.0,
            IssueSort::FirstSeen => issue.first_seen.0,
            IssueSort::Count => issue.event_count,
        };
        IssueCursor { key: key.min(i64::MAX as u64), id: issue.id }
    }

    /// The cursor as text, for the list that a query asks for.
    pub fn write(&self, query: &IssueQuery) -> Cursor {
        Cursor(format!("{}.{:x}.{}", order_name(query), self.key, self.id))
    }

    /// The place that a cursor names in the list that a query asks for.
    ///
    /// # Errors
    /// [`Error::BadCursor`] for anything [`IssueCursor::write`] did not make for a list of this order.
    pub fn read(cursor: &Cursor, query: &IssueQuery) -> Result<IssueCursor> {
        let rest = cursor.0.strip_prefix(&order_name(query)).and_then(|rest| rest.strip_prefix('.'));
        let (key, id) = rest.and_then(|rest| rest.split_once('.')).ok_or(Error::BadCursor)?;
        let key = i64::from_str_radix(key, 16).map_err(|_| Error::BadCursor)?;
        let id = from_hex::<8>(id.as_bytes()).ok_or(Error::BadCursor)?;
        Ok(IssueCursor { key: u64::try_from(key).map_err(|_| Error::BadCursor)?, id: IssueId(id) })
    }
}

fn order_name(query: &IssueQuery) -> String {
    format!("i1.{}.{}", query.sort.as_str(), if query.reverse { "up" } else { "down" })
}
