//! What errors mean in every store that keeps issues: which errors a write holds, in which issue each is counted, when
//! an issue comes back, and what it is called.
//!
//! A store keeps rows and offers row operations ([`IssueRows`]); everything that would have to be decided again for the
//! next store is decided here. Counting ([`count`]) belongs into the transaction that stores the records, or soon after.

mod cursor;
mod errors;
mod limits;
mod news;
mod rows;
mod sums;
mod title;
mod traces;

pub mod counting;
pub mod hours;

pub use counting::{change_status, count};
pub use cursor::IssueCursor;
pub use errors::{Alias, Errors};
#[cfg(test)]
pub(crate) use limits::{MOST_NEW, SHARED_TITLE};
pub use news::{IssueNews, NewsPlace};
pub use rows::{IssueRows, IssueState, IssueUpdate, NewIssue};
pub use title::issue_title;
pub use traces::IssueTraces;
