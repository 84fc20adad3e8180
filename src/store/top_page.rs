//! The first items of a list, found in any order: one page, which ends after so many items or so many bytes, and
//! whether there is another.
//!
//! Only that much is kept, however much is offered. What an item's place means is the list's business.

use std::collections::BTreeMap;

/// A page in the making; smaller places come first, and no two items have the same.
pub(super) struct TopPage<P, T> {
    limit: usize,
    most_bytes: usize,
    after: Option<P>,
    /// The items, each with its size in bytes.
    items: BTreeMap<P, (T, usize)>,
    /// Of all that is kept.
    bytes: usize,
    /// Whether something came behind a page that was full; it never gets on it again, since only what comes before does.
    has_more: bool,
}

impl<P: Ord, T> TopPage<P, T> {
    /// An empty page of at most `limit` items, 0 being all, behind the place `after`.
    pub(super) fn new(limit: usize, after: Option<P>) -> TopPage<P, T> {
        TopPage { limit, most_bytes: usize::MAX, after, items: BTreeMap::new(), bytes: 0, has_more: false }
    }

    /// The page, ending with the item that makes it this many bytes or more.
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

    /// The last place of the page, once it is known that the page is full and not the last one.
    pub(super) fn last(&self) -> Option<&P> {
        self.items.last_key_value().filter(|_| self.has_more).map(|(place, _)| place)
    }

    /// Whether a place lies behind the one the page begins at.
    pub(super) fn is_behind(&self, place: &P) -> bool {
        self.after.as_ref().is_none_or(|after| place > after)
    }

    /// Whether what has this place would be kept.
    pub(super) fn may_take(&self, place: &P) -> bool {
        self.is_behind(place) && self.last().is_none_or(|last| place < last)
    }

    /// Keeps an item of so many bytes if it can be on the page.
    pub(super) fn offer(&mut self, place: P, item: T, bytes: usize) {
        if !self.may_take(&place) {
            return;
        }
        self.items.insert(place, (item, bytes));
        self.bytes = self.bytes.saturating_add(bytes);
        while let Some((_, (_, last_bytes))) = self.items.last_key_value() {
            let bytes_before = self.bytes.saturating_sub(*last_bytes);
            let is_too_many = self.limit > 0 && self.items.len() > self.limit;
            if !is_too_many && bytes_before < self.most_bytes {
                break;
            }
            self.items.pop_last();
            (self.bytes, self.has_more) = (bytes_before, true);
        }
    }

    /// The items of the page with their places, the first first, and whether there are more behind them.
    pub(super) fn finish(self) -> (Vec<(P, T)>, bool) {
        (self.items.into_iter().map(|(place, (item, _))| (place, item)).collect(), self.has_more)
    }
}

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
                let mut top = TopPage::new(limit, after).of_bytes(most_bytes);
                places.iter().for_each(|place| top.offer(*place, place.to_string(), usize::from(*place)));
                let (page, has_more) = top.finish();
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
