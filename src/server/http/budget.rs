//! The bytes that may be under way at once. A budget bounds all requests together, so that many large ones wait a
//! little, or are told to come back, instead of filling the memory.
//!
//! Small bodies have a reserve of their own, and no caller gets more than a share for bodies that are still on their way:
//! whoever sends much and slowly fills their share, and everybody else goes on. Of what has arrived, which is the server's
//! to finish, one caller may hold most but not all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::server::access::CallerId;

/// Largest body that counts as small.
pub(crate) const SMALL_BODY_BYTES: usize = 1 << 20;
/// Most bytes that a request with a small body takes from the reserve, as sent, inflated and as records.
const SMALL_REQUEST_BYTES: usize = 4 * SMALL_BODY_BYTES;
/// Largest body that gets room in the reserve although its caller has filled their share of it.
const TINY_BODY_BYTES: usize = 16 << 10;
/// What a budget is divided by for its reserve for small bodies, and for the share of one caller's unfinished large ones.
const PARTS: usize = 4;
/// What the reserve is divided by for the share of one caller's unfinished small bodies.
const PARTS_OF_RESERVE: usize = 2;

/// A number of bytes that may be held at once.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Bytes for small bodies only.
    reserve: usize,
    /// Bytes for everything.
    common: usize,
    /// Most bytes of `common` for unfinished bodies of one caller.
    share: usize,
    /// Most bytes of `common` for everything of one caller.
    most_of_caller: usize,
    held: Mutex<Held>,
    freed: Notify,
}

/// What is held now.
#[derive(Debug, Default)]
struct Held {
    bytes: Amount,
    callers: HashMap<CallerId, Account>,
}

/// What is held for one caller.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Account {
    /// For bodies that are still on their way.
    unfinished: Amount,
    /// For everything.
    all: Amount,
}

/// Bytes of both parts of a budget.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Amount {
    reserve: usize,
    common: usize,
}

impl Amount {
    fn sum(self) -> usize {
        self.reserve + self.common
    }

    fn plus(self, other: Amount) -> Amount {
        Amount { reserve: self.reserve + other.reserve, common: self.common + other.common }
    }

    fn minus(self, other: Amount) -> Amount {
        Amount { reserve: self.reserve.saturating_sub(other.reserve), common: self.common.saturating_sub(other.common) }
    }
}

impl Budget {
    /// A budget of so many bytes, the same for all.
    pub(crate) fn new(limit: usize) -> Arc<Budget> {
        Budget::of_parts(0, limit, limit)
    }

    /// A budget of so many bytes, of which a quarter is a reserve for small bodies, and another quarter the most for
    /// unfinished bodies of one caller.
    pub(crate) fn with_reserve(limit: usize) -> Arc<Budget> {
        let part = limit / PARTS;
        Budget::of_parts(part, limit - part, part)
    }

    fn of_parts(reserve: usize, common: usize, share: usize) -> Arc<Budget> {
        let most_of_caller = common - common / PARTS;
        Arc::new(Budget { reserve, common, share, most_of_caller, held: Mutex::default(), freed: Notify::new() })
    }

    /// The bytes that are held now.
    pub(crate) fn used(&self) -> usize {
        self.held().bytes.sum()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// What is held for a caller, without what one request of theirs holds.
    fn of_others(&self, caller: Option<&CallerId>, own: Account) -> Account {
        let account = caller.and_then(|caller| self.callers.get(caller)).copied().unwrap_or_default();
        Account { unfinished: account.unfinished.minus(own.unfinished), all: account.all.minus(own.all) }
    }

    /// Changes the account of a caller, which ends when there is nothing in it.
    fn change(&mut self, caller: Option<&CallerId>, change: impl FnOnce(&mut Account)) {
        let Some(caller) = caller else { return };
        let mut account = self.callers.get(caller).copied().unwrap_or_default();
        change(&mut account);
        match account == Account::default() {
            true => self.callers.remove(caller),
            false => self.callers.insert(caller.clone(), account),
        };
    }
}

/// A part of a [`Budget`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    bytes: Amount,
    /// Whether the bytes are those of a large body.
    is_large: bool,
    /// Whose request it is.
    caller: Option<CallerId>,
    /// Whether the body is still on its way.
    is_arriving: bool,
}

impl Reservation {
    /// A reservation of nothing yet.
    pub(crate) fn new(budget: &Arc<Budget>) -> Reservation {
        let (budget, bytes) = (Arc::clone(budget), Amount::default());
        Reservation { budget, bytes, is_large: false, caller: None, is_arriving: false }
    }

    /// A reservation of nothing yet for a body that a caller is about to send.
    pub(crate) fn for_body(budget: &Arc<Budget>, caller: CallerId) -> Reservation {
        let mut reservation = Reservation::new(budget);
        (reservation.caller, reservation.is_arriving) = (Some(caller), true);
        reservation
    }

    /// Notes that the body is a large one, for which the reserve is not: what it took of that moves with the next bytes.
    pub(crate) fn make_large(&mut self) {
        self.is_large = true;
    }

    /// Notes that all of the body has arrived, so that it is up to the server how long it is held.
    pub(crate) fn finish_body(&mut self) {
        if std::mem::take(&mut self.is_arriving) {
            let bytes = self.bytes;
            let finish = |account: &mut Account| account.unfinished = account.unfinished.minus(bytes);
            self.budget.held().change(self.caller.as_ref(), finish);
            self.budget.freed.notify_waiters();
        }
    }

    /// What the request holds of the account of its caller.
    fn account(&self, bytes: Amount) -> Account {
        Account { unfinished: if self.is_arriving { bytes } else { Amount::default() }, all: bytes }
    }

    /// Takes more bytes; false, and nothing taken, when there is not enough.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let budget = Arc::clone(&self.budget);
        let mut held = budget.held();
        if !self.is_large && self.fits_reserve(&held, bytes) {
            return self.add(&mut held, Amount { reserve: bytes, common: 0 });
        }
        let moved = if self.is_large { self.bytes.reserve } else { 0 };
        let more = bytes.saturating_add(moved);
        if !self.fits_common(&held, more) {
            return false;
        }
        self.remove(&mut held, Amount { reserve: moved, common: 0 });
        self.add(&mut held, Amount { reserve: 0, common: more })
    }

    /// Whether there is enough in the reserve, and the share of the caller allows it. Very small bodies need no share, so
    /// that whoever has an address in common with a slow sender is still heard.
    fn fits_reserve(&self, held: &Held, bytes: usize) -> bool {
        let others = held.of_others(self.caller.as_ref(), self.account(self.bytes)).unfinished.reserve;
        let own = self.bytes.reserve.saturating_add(bytes);
        let needs_no_share = !self.is_arriving || own <= TINY_BODY_BYTES || others == 0;
        own <= SMALL_REQUEST_BYTES
            && held.bytes.reserve.saturating_add(bytes) <= self.budget.reserve
            && (needs_no_share || others.saturating_add(own) <= self.budget.reserve / PARTS_OF_RESERVE)
    }

    /// Whether there is enough for more bytes, and the shares of the caller allow them; one request alone may be as large as
    /// it may.
    fn fits_common(&self, held: &Held, bytes: usize) -> bool {
        let others = held.of_others(self.caller.as_ref(), self.account(self.bytes));
        let own = self.bytes.common.saturating_add(bytes);
        let fits = |others: usize, most: usize| others == 0 || others.saturating_add(own) <= most;
        held.bytes.common.saturating_add(bytes) <= self.budget.common
            && (!self.is_arriving || fits(others.unfinished.common, self.budget.share))
            && fits(others.all.common, self.budget.most_of_caller)
    }

    fn add(&mut self, held: &mut Held, bytes: Amount) -> bool {
        let own = self.account(bytes);
        held.bytes = held.bytes.plus(bytes);
        held.change(self.caller.as_ref(), |account| {
            account.unfinished = account.unfinished.plus(own.unfinished);
            account.all = account.all.plus(own.all);
        });
        self.bytes = self.bytes.plus(bytes);
        true
    }

    fn remove(&mut self, held: &mut Held, bytes: Amount) {
        let own = self.account(bytes);
        held.bytes = held.bytes.minus(bytes);
        held.change(self.caller.as_ref(), |account| {
            account.unfinished = account.unfinished.minus(own.unfinished);
            account.all = account.all.minus(own.all);
        });
        self.bytes = self.bytes.minus(bytes);
    }

    /// Takes more bytes, and waits for others to give back what they have when there is not enough; false, and nothing taken,
    /// when that takes longer than `patience`.
    pub(crate) async fn grow_within(&mut self, bytes: usize, patience: Duration) -> bool {
        let (budget, deadline) = (Arc::clone(&self.budget), Instant::now() + patience);
        loop {
            let freed = budget.freed.notified();
            if self.grow(bytes) {
                return true;
            }
            if timeout_at(deadline, freed).await.is_err() {
                return false;
            }
        }
    }

    /// Gives back bytes that turned out to be too many.
    pub(crate) fn give_back(&mut self, bytes: usize) {
        let common = bytes.min(self.bytes.common);
        let reserve = (bytes - common).min(self.bytes.reserve);
        let budget = Arc::clone(&self.budget);
        self.remove(&mut budget.held(), Amount { reserve, common });
        budget.freed.notify_waiters();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.give_back(self.bytes.sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEBIBYTE: usize = 1 << 20;

    fn caller(last: u8) -> CallerId {
        CallerId { network: [192, 0, 2, last].into(), key: None }
    }

    #[test]
    fn a_budget_is_never_exceeded_and_comes_back() {
        let budget = Budget::new(100);
        let mut first = Reservation::new(&budget);
        assert!(first.grow(60));
        let mut second = Reservation::new(&budget);
        assert!(!second.grow(41) && second.grow(40) && !second.grow(1));
        assert!(!second.grow(usize::MAX));
        drop(first);
        assert_eq!(budget.used(), 40);
        drop(second);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn who_waits_for_room_gets_it_when_it_is_given_back_and_is_turned_away_after_a_while() {
        let budget = Budget::new(100);
        let (mut first, mut second) = (Reservation::new(&budget), Reservation::new(&budget));
        assert!(first.grow(60));
        assert!(!second.grow_within(50, Duration::from_millis(5)).await);
        let (is_taken, ()) = tokio::join!(second.grow_within(50, Duration::from_secs(60)), async { drop(first) });
        assert!(is_taken);
        second.give_back(20);
        assert_eq!(budget.used(), 30);
    }

    #[test]
    fn large_bodies_leave_the_reserve_to_small_ones() {
        let budget = Budget::with_reserve(256 * MEBIBYTE);
        let large = |last| {
            let mut body = Reservation::for_body(&budget, caller(last));
            body.make_large();
            body.grow(64 * MEBIBYTE - 60).then_some(body)
        };
        let mut bodies: Vec<Reservation> = (1..=3).filter_map(large).collect();
        assert!(bodies.len() == 3 && large(4).is_none());
        for last in 1..=60 {
            let mut small = Reservation::for_body(&budget, caller(last));
            assert!(small.grow(MEBIBYTE), "{last}");
            bodies.push(small);
        }
        drop(bodies);
        assert_eq!((budget.used(), budget.held().callers.len()), (0, 0));
    }

    #[test]
    fn a_caller_has_a_quarter_for_unfinished_bodies_but_one_body_may_be_larger() {
        let budget = Budget::with_reserve(256 * MEBIBYTE);
        let large = |bytes| {
            let mut body = Reservation::for_body(&budget, caller(1));
            body.make_large();
            body.grow(bytes).then_some(body)
        };
        let mut first = large(70 * MEBIBYTE).expect("room for one");
        assert!(large(2 * MEBIBYTE).is_none());
        first.finish_body();
        let second = large(40 * MEBIBYTE).expect("what has arrived is no part of the share");
        assert!(large(30 * MEBIBYTE).is_none() && large(24 * MEBIBYTE).is_some());
        let mut other = Reservation::for_body(&budget, caller(2));
        other.make_large();
        assert!(other.grow(50 * MEBIBYTE));
        drop((first, second, other));
        assert_eq!((budget.used(), budget.held().callers.len()), (0, 0));
    }

    #[test]
    fn very_small_bodies_find_room_beside_slow_ones_of_the_same_caller() {
        let budget = Budget::with_reserve(256 * MEBIBYTE);
        let body = |bytes| {
            let mut body = Reservation::for_body(&budget, caller(1));
            body.grow(bytes).then_some(body)
        };
        let mut slow: Vec<Reservation> = std::iter::from_fn(|| body(MEBIBYTE)).collect();
        assert_eq!(slow.len(), 96, "half of the reserve, and the share of what is there for all");
        let mut tiny = body(10_000).expect("room");
        tiny.finish_body();
        assert!(tiny.grow(2 * MEBIBYTE), "for its records");
        slow.pop();
        assert!(body(MEBIBYTE).is_some());
    }

    #[test]
    fn one_caller_holds_most_of_what_has_arrived_but_not_all() {
        let budget = Budget::with_reserve(256 * MEBIBYTE);
        let arrived = |last| {
            let mut body = Reservation::for_body(&budget, caller(last));
            body.make_large();
            let is_there = body.grow(8 * MEBIBYTE);
            body.finish_body();
            is_there.then_some(body)
        };
        let bodies: Vec<Reservation> = std::iter::from_fn(|| arrived(1)).collect();
        assert_eq!(bodies.len(), 18);
        assert!(arrived(2).is_some());
    }

    #[test]
    fn a_body_that_becomes_large_leaves_the_reserve() {
        let budget = Budget::with_reserve(16 * MEBIBYTE);
        let mut body = Reservation::for_body(&budget, caller(1));
        assert!(body.grow(MEBIBYTE) && body.bytes == Amount { reserve: MEBIBYTE, common: 0 });
        body.make_large();
        assert!(body.grow(10) && body.bytes == Amount { reserve: 0, common: MEBIBYTE + 10 });
        assert_eq!(budget.held().bytes, body.bytes);
        // What a small body needs beyond the reserve comes from what is there for all.
        let mut small = Reservation::for_body(&budget, caller(2));
        small.finish_body();
        assert!(small.grow(3 * MEBIBYTE) && small.grow(8 * MEBIBYTE));
        assert_eq!(small.bytes, Amount { reserve: 3 * MEBIBYTE, common: 8 * MEBIBYTE });
    }
}
