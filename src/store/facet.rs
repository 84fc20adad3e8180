//! The names of what a store may offer besides lists and traces, and the sentence that says that one does not.
//!
//! The words cross the network (a server says which facet its store lacks), so they never change.

/// Something that some stores offer and some cannot: one optional part of [`super::Backend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Facet {
    /// [`super::Feed`]: all records in the order they arrived.
    Feed,
    /// [`super::Sink`]: writing and removing.
    Sink,
    /// [`super::Logs`]: searching log records.
    Logs,
    /// [`super::Issues`]: errors counted into issues.
    Issues,
    /// [`super::Keys`]: the keys of a server's callers.
    Keys,
}

impl Facet {
    /// All facets.
    pub const ALL: [Facet; 5] = [Facet::Feed, Facet::Sink, Facet::Logs, Facet::Issues, Facet::Keys];

    /// The facet's word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Facet::Feed => "feed",
            Facet::Sink => "sink",
            Facet::Logs => "logs",
            Facet::Issues => "issues",
            Facet::Keys => "keys",
        }
    }

    /// The facet of a word.
    pub fn parse(word: &str) -> Option<Facet> {
        Facet::ALL.into_iter().find(|facet| facet.as_str() == word)
    }

    /// The sentence for a kind of store that lacks this facet: `a Python tracehub file keeps no issues`.
    pub fn lacked_by(self, kind: &str) -> String {
        let lack = match self {
            Facet::Feed => "cannot be followed, for it has no order of arrival",
            Facet::Sink => "can only be read",
            Facet::Logs => "holds no log records",
            Facet::Issues => "keeps no issues",
            Facet::Keys => "keeps no keys",
        };
        format!("{kind} {lack}")
    }
}
