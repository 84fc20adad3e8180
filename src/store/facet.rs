//! The names of what a store may offer besides lists and traces, and the sentence that says that one does not.
//!
//! The words cross the network (a server says which facet its store lacks), so they never change.

use crate::model::words::words;

words! {
    /// Something that some stores offer and some cannot: one optional part of [`super::Backend`].
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Facet {
        /// All records in the order they arrived: [`super::Feed`].
        Feed = "feed",
        /// Writing and removing: [`super::Sink`].
        Sink = "sink",
        /// Searching log records: [`super::Logs`].
        Logs = "logs",
        /// Errors counted into issues: [`super::Issues`].
        Issues = "issues",
        /// The keys of a server's callers: [`super::Keys`].
        Keys = "keys",
        /// Filters under names: [`super::SavedFilters`].
        SavedFilters = "saved_filters",
    }
}

impl Facet {
    /// The sentence for a kind of store that lacks this facet: `a Python tracehub file keeps no issues`.
    pub fn lacked_by(self, kind: &str) -> String {
        let lack = match self {
            Facet::Feed => "cannot be followed, for it has no order of arrival",
            Facet::Sink => "can only be read",
            Facet::Logs => "holds no log records",
            Facet::Issues => "keeps no issues",
            Facet::Keys => "keeps no keys",
            Facet::SavedFilters => "keeps no filters",
        };
        format!("{kind} {lack}")
    }
}
