//! The best of what a list found so far: one page, which ends after so many items or so many bytes, and whether there
//! is another.
//!
//! Only that much is kept, however much is offered. What an item's place means is the list's business.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A page in the making; smaller places come first.
pub(super) struct TopPage<P, T> {
    limit: usize,
    most_bytes: usize,
    after: Option<P>,
    best: BinaryHeap<Candidate<P, T>>,
    /// Of all that is kept.
    bytes: usize,
    /// Whether something came behind a page that was full; it never gets on it again, since only better ones do.
    has_more: bool,
}

struct Candidate<P, T> {
    place: P,
    item: T,
    bytes: usize,
}

impl<P: Ord, T> TopPage<P, T> {
    /// An empty page of at most `limit` items, 0 being all, behind the place `after`.
    pub(super) fn new(limit: usize, after: Option<P>) -> TopPage<P, T> {
        TopPage { limit, most_bytes: usize::MAX, after, best: BinaryHeap::new(), bytes: 0, has_more: false }
    }

    /// The same, ending with the item that makes it this many bytes or more.
    pub(super) fn of_bytes(self, most_bytes: usize) -> TopPage<P, T> {
        TopPage { most_bytes: most_bytes.max(1), ..self }
    }

    /// The place behind which the page begins; `None` on the first page.
    pub(super) fn after(&self) -> Option<&P> {
        self.after.as_ref()
    }

    /// Most items that must be seen if they come in order: those of the page, and the next.
    pub(super) fn capacity(&self) -> usize {
        if self.limit == 0 { usize::MAX } else { self.limit.saturating_add(1) }
    }

    /// The last that is kept, once it is known that the page is full and not the last one: only better ones are kept.
    pub(super) fn worst(&self) -> Option<&P> {
        self.best.peek().filter(|_| self.has_more).map(|worst| &worst.place)
    }

    /// Whether a place lies behind the one the page begins at.
    pub(super) fn is_behind(&self, place: &P) -> bool {
        self.after.as_ref().is_none_or(|after| place > after)
    }

    /// Whether what has this place would be kept.
    pub(super) fn may_take(&self, place: &P) -> bool {
        self.is_behind(place) && self.worst().is_none_or(|worst| place < worst)
    }

    /// Keeps an item of so many bytes if it can be on the page.
    pub(super) fn offer(&mut self, place: P, item: T, bytes: usize) {
        if !self.may_take(&place) {
            return;
        }
        self.best.push(Candidate { place, item, bytes });
        self.bytes = self.bytes.saturating_add(bytes);
        while let Some(worst) = self.best.peek() {
            let bytes_before = self.bytes.saturating_sub(worst.bytes);
            let is_too_many = self.limit > 0 && self.best.len() > self.limit;
            if !is_too_many && bytes_before < self.most_bytes {
                break;
            }
            self.best.pop();
            (self.bytes, self.has_more) = (bytes_before, true);
        }
    }

    /// The items of the page with their places, the first first, and whether there are more behind them.
    pub(super) fn finish(self) -> (Vec<(P, T)>, bool) {
        let page = self.best.into_sorted_vec().into_iter().map(|one| (one.place, one.item)).collect();
        (page, self.has_more)
    }
}

impl<P: Ord, T> Ord for Candidate<P, T> {
    fn cmp(&self, other: &Candidate<P, T>) -> Ordering {
        self.place.cmp(&other.place)
    }
}

impl<P: Ord, T> PartialOrd for Candidate<P, T> {
    fn partial_cmp(&self, other: &Candidate<P, T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<P: Ord, T> PartialEq for Candidate<P, T> {
    fn eq(&self, other: &Candidate<P, T>) -> bool {
        self.place == other.place
    }
}

impl<P: Ord, T> Eq for Candidate<P, T> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_behind_one_another_hold_everything_once_in_order(
            mut places in proptest::collection::hash_set(0_u16..500, 0..60).prop_map(Vec::from_iter),
            limit in 0_usize..12,
            most_bytes in 1_usize..2_000,
        ) {
            let (mut after, mut listed) = (None, Vec::new());
            loop {
                let mut best = TopPage::new(limit, after).of_bytes(most_bytes);
                places.iter().for_each(|place| best.offer(*place, place.to_string(), usize::from(*place)));
                let (page, has_more) = best.finish();
                let bytes = |page: &[(u16, String)]| page.iter().map(|(place, _)| usize::from(*place)).sum::<usize>();
                let is_full = page.len() == limit || bytes(&page) >= most_bytes;
                prop_assert!(is_full || !has_more);
                prop_assert!(limit == 0 || page.len() <= limit);
                prop_assert!(page.len() <= 1 || bytes(&page[..page.len() - 1]) < most_bytes);
                prop_assert!(page.iter().all(|(place, item)| place.to_string() == *item));
                listed.extend(page.into_iter().map(|(place, _)| place));
                after = listed.last().copied();
                if !has_more {
                    break;
                }
            }
            places.sort();
            prop_assert_eq!(listed, places);
        }
    }
}
