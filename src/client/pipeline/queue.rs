//! A ring buffer bounded in items and bytes, which drops the oldest to make room.
//!
//! The newest records say what a program does now, so they stay when a server is away for long. Items carry sequence
//! numbers implicitly: what enters gets the next one, and the oldest one still held follows from the length. A ring
//! knows nothing of threads; [`super::accounts`] puts the lock around it.

use std::collections::VecDeque;

/// Room is made for this many items at the start; more grows with use.
const INITIAL_CAPACITY: usize = 64;

/// How much a ring may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Most items; at least one.
    pub max_items: usize,
    /// Most bytes, by the sizes given to [`Ring::push`].
    pub max_bytes: usize,
}

/// The ring buffer.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    limits: Limits,
    entered: u64,
}

impl<T> Ring<T> {
    /// An empty ring.
    pub fn new(limits: Limits) -> Ring<T> {
        let limits = Limits { max_items: limits.max_items.max(1), ..limits };
        let items = VecDeque::with_capacity(limits.max_items.min(INITIAL_CAPACITY));
        Ring { items, bytes: 0, limits, entered: 0 }
    }

    /// Adds `item` at the end and returns how many items were dropped for it: the oldest ones until it fits, or the
    /// item itself when it alone is larger than the ring, which then stays as it was.
    pub fn push(&mut self, item: T, bytes: usize) -> u64 {
        if bytes > self.limits.max_bytes {
            return 1;
        }
        let mut dropped = 0;
        while self.items.len() >= self.limits.max_items || self.bytes + bytes > self.limits.max_bytes {
            let Some((_, freed)) = self.items.pop_front() else { break };
            self.bytes -= freed;
            dropped += 1;
        }
        self.items.push_back((item, bytes));
        self.bytes += bytes;
        self.entered += 1;
        dropped
    }

    /// Takes up to `count` of the oldest items, oldest first.
    pub fn pop_oldest(&mut self, count: usize) -> Vec<T> {
        let mut taken = Vec::with_capacity(count.min(self.items.len()));
        for (item, bytes) in self.items.drain(..count.min(self.items.len())) {
            self.bytes -= bytes;
            taken.push(item);
        }
        taken
    }

    /// Whether the ring holds half of the items or bytes it may.
    pub fn is_half_full(&self) -> bool {
        self.items.len() >= self.limits.max_items.div_ceil(2) || self.bytes >= self.limits.max_bytes.div_ceil(2)
    }

    /// How many items the ring holds.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the ring holds no item.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Sequence number of the oldest item held; [`Ring::next_sequence`] when there is none.
    pub fn first_sequence(&self) -> u64 {
        self.entered - self.items.len() as u64
    }

    /// Sequence number the next item to enter will get.
    pub fn next_sequence(&self) -> u64 {
        self.entered
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_oldest_make_room_for_the_newest() {
        let mut ring = Ring::new(Limits { max_items: 2, max_bytes: 100 });
        assert_eq!((ring.push('a', 1), ring.push('b', 1), ring.push('c', 1)), (0, 0, 1));
        assert_eq!(ring.first_sequence(), 1);
        assert_eq!(ring.pop_oldest(9), vec!['b', 'c']);
        assert!(ring.is_empty());
    }

    #[test]
    fn an_item_larger_than_the_ring_is_dropped_and_the_others_stay() {
        let mut ring = Ring::new(Limits { max_items: 9, max_bytes: 10 });
        ring.push('a', 5);
        assert_eq!(ring.push('b', 11), 1);
        assert_eq!(ring.pop_oldest(9), vec!['a']);
    }

    #[test]
    fn a_ring_for_no_items_holds_one() {
        let mut ring = Ring::new(Limits { max_items: 0, max_bytes: 10 });
        assert_eq!((ring.push('a', 1), ring.push('b', 1)), (0, 1));
        assert_eq!(ring.pop_oldest(1), vec!['b']);
    }

    #[test]
    fn it_is_half_full_by_items_or_by_bytes() {
        let mut ring = Ring::new(Limits { max_items: 3, max_bytes: 10 });
        assert!(!ring.is_half_full());
        ring.push('a', 1);
        assert!(!ring.is_half_full());
        ring.push('b', 1);
        assert!(ring.is_half_full());
        ring.pop_oldest(2);
        ring.push('c', 5);
        assert!(ring.is_half_full());
    }

    #[derive(Debug, Clone)]
    enum Action {
        Push(usize),
        Take(usize),
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![
            6 => (0usize..40).prop_map(Action::Push),
            2 => (0usize..6).prop_map(Action::Take),
        ]
    }

    proptest! {
        #[test]
        fn it_behaves_as_a_plain_list_that_is_cut_at_the_front(
            max_items in 1usize..8, max_bytes in 1usize..64, actions in prop::collection::vec(action(), 0..80),
        ) {
            let mut ring = Ring::new(Limits { max_items, max_bytes });
            let mut model: Vec<(u64, usize)> = Vec::new();
            let (mut next, mut dropped, mut taken) = (0u64, 0u64, 0u64);
            let mut offered = 0u64;
            for action in actions {
                match action {
                    Action::Push(bytes) => {
                        offered += 1;
                        dropped += ring.push(next, bytes);
                        if bytes <= max_bytes {
                            model.push((next, bytes));
                            next += 1;
                        }
                        while model.len() > max_items || model.iter().map(|(_, bytes)| bytes).sum::<usize>() > max_bytes {
                            model.remove(0);
                        }
                    }
                    Action::Take(count) => {
                        let expected: Vec<u64> = model.drain(..count.min(model.len())).map(|(item, _)| item).collect();
                        taken += expected.len() as u64;
                        prop_assert_eq!(ring.pop_oldest(count), expected);
                    }
                }
                prop_assert_eq!(ring.len(), model.len());
                prop_assert_eq!(ring.bytes, model.iter().map(|(_, bytes)| bytes).sum::<usize>());
                prop_assert_eq!(ring.first_sequence(), model.first().map_or(next, |(item, _)| *item));
                prop_assert_eq!(ring.next_sequence(), next);
                prop_assert_eq!(offered, taken + dropped + ring.len() as u64);
            }
        }
    }
}
