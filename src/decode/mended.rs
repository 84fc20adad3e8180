//! What had to be changed in a request so that its records could be kept, counted by kind, and said in one sentence.
//!
//! A byte that is not UTF-8, a name without end or a broken parent id costs itself and not the request. But whoever sent it
//! has to hear of it: the decoders count here, and answers and the log say the sentence.

use std::cell::Cell;
use std::fmt;
use std::ops::AddAssign;

use crate::model::limits::{Cuts, MAX_ATTRIBUTES, MAX_EVENTS};
use crate::model::value::MAX_VALUE_DEPTH;

/// What was mended, by kind. Displayed as one sentence without a full stop; empty when nothing was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mended {
    /// Texts that were not UTF-8, or held half a surrogate pair.
    pub not_utf8: u64,
    /// Values nested deeper than [`MAX_VALUE_DEPTH`].
    pub nested: u64,
    /// Values that are not of the type they were sent as.
    pub mistyped: u64,
    /// Parent ids that are none.
    pub parents: u64,
    /// Ids of links that are none.
    pub links: u64,
    /// What was cut off.
    pub cuts: Cuts,
    /// The bytes of memory of texts that could not share the request's.
    pub copied_bytes: usize,
}

impl Mended {
    /// Whether nothing was mended.
    pub fn is_nothing(&self) -> bool {
        Mended { copied_bytes: 0, ..*self } == Mended::default()
    }
}

impl AddAssign for Mended {
    fn add_assign(&mut self, other: Mended) {
        self.not_utf8 += other.not_utf8;
        self.nested += other.nested;
        self.mistyped += other.mistyped;
        self.parents += other.parents;
        self.links += other.links;
        self.cuts += other.cuts;
        self.copied_bytes += other.copied_bytes;
    }
}

impl fmt::Display for Mended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mended { not_utf8, nested, mistyped, parents, links, cuts, .. } = *self;
        let kinds = [
            (not_utf8, "text", "not UTF-8, kept with U+FFFD for what is not".to_owned()),
            (nested, "value", format!("nested deeper than {MAX_VALUE_DEPTH}, cut there")),
            (mistyped, "value", "of another type than said, kept as sent".to_owned()),
            (parents, "parent id", "not valid, kept as a root".to_owned()),
            (links, "link id", "not valid, left out".to_owned()),
            (cuts.names, "name", "longer than 64 KiB, cut".to_owned()),
            (cuts.values, "value", "larger than 4 MiB, cut".to_owned()),
            (cuts.attributes, "attribute", format!("beyond {MAX_ATTRIBUTES}, dropped")),
            (cuts.events, "event or link", format!("beyond {MAX_EVENTS}, dropped")),
        ];
        let said = kinds.iter().filter(|(count, ..)| *count > 0);
        for (place, (count, noun, what)) in said.enumerate() {
            let separator = if place == 0 { "mended: " } else { "; " };
            let plural = if *count == 1 { "" } else { "s" };
            write!(f, "{separator}{count} {noun}{plural} {what}")?;
        }
        Ok(())
    }
}

/// What was mended so far, counted where it happens.
#[derive(Debug, Default)]
pub(super) struct Notes(Cell<Mended>);

impl Notes {
    /// Counts something.
    pub(super) fn add(&self, change: impl FnOnce(&mut Mended)) {
        let mut mended = self.0.get();
        change(&mut mended);
        self.0.set(mended);
    }

    /// What was counted so far.
    pub(super) fn so_far(&self) -> Mended {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_mended_is_one_sentence_and_nothing_is_none() {
        assert_eq!(Mended::default().to_string(), "");
        assert!(Mended { copied_bytes: 9, ..Mended::default() }.is_nothing());
        let mut mended = Mended { not_utf8: 1, parents: 1, ..Mended::default() };
        mended += Mended { not_utf8: 2, cuts: Cuts { attributes: 7, ..Cuts::default() }, ..Mended::default() };
        assert!(!mended.is_nothing());
        insta::assert_snapshot!(mended.to_string(), @"mended: 3 texts not UTF-8, kept with U+FFFD for what is not; 1 parent id not valid, kept as a root; 7 attributes beyond 1024, dropped");
    }
}
