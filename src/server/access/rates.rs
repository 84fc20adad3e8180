//! How much each caller may do in a second, as token buckets: what was not used within the last second is lost, and what
//! was used beyond it has to be waited for. Knows not what is counted.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Callers remembered at most.
const MOST_CALLERS: usize = 10_000;
/// Longest time told to a caller who has to wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// What each of many callers may do, of several things at once.
#[derive(Debug)]
pub(crate) struct Rates<K, const N: usize> {
    /// Of each thing how much in a second; infinite for as much as there is.
    per_second: [f64; N],
    /// Of each thing how much at once.
    at_once: [f64; N],
    callers: Mutex<HashMap<K, Balance<N>>>,
}

#[derive(Debug, Clone, Copy)]
struct Balance<const N: usize> {
    left: [f64; N],
    at: Instant,
}

impl<K: Hash + Eq + Clone, const N: usize> Rates<K, N> {
    /// Rates of `per_second`, of which `at_once` may be used in one go.
    pub(crate) fn new(per_second: [f64; N], at_once: [f64; N]) -> Rates<K, N> {
        Rates { per_second, at_once, callers: Mutex::default() }
    }

    /// Lets a caller do so much of each thing. What is more than may be done at once is let through when nothing else was
    /// done, and has to be waited for afterwards.
    ///
    /// # Errors
    /// It is too early; when to try again.
    pub(crate) fn take(&self, caller: &K, amounts: [f64; N]) -> Result<(), Duration> {
        self.change(caller, |rates, balance| {
            let pause = rates.pause(balance, amounts);
            if pause > Duration::ZERO {
                return Err(pause);
            }
            balance.left.iter_mut().zip(amounts).for_each(|(left, amount)| *left -= amount);
            Ok(())
        })
    }

    /// Notes that a caller did so much of each thing, whether they may or not.
    pub(crate) fn charge(&self, caller: &K, amounts: [f64; N]) {
        self.change(caller, |_, balance| {
            balance.left.iter_mut().zip(amounts).for_each(|(left, amount)| *left -= amount);
        });
    }

    /// Whether a caller may do so much of each thing.
    ///
    /// # Errors
    /// It is too early; when to try again.
    pub(crate) fn check(&self, caller: &K, amounts: [f64; N]) -> Result<(), Duration> {
        self.change(caller, |rates, balance| match rates.pause(balance, amounts) {
            Duration::ZERO => Ok(()),
            pause => Err(pause),
        })
    }

    fn change<T>(&self, caller: &K, change: impl FnOnce(&Self, &mut Balance<N>) -> T) -> T {
        let now = Instant::now();
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MOST_CALLERS && !callers.contains_key(caller) {
            self.forget(&mut callers, now);
        }
        let balance = callers.entry(caller.clone()).or_insert(Balance { left: self.at_once, at: now });
        self.refill(balance, now);
        change(self, balance)
    }

    fn refill(&self, balance: &mut Balance<N>, now: Instant) {
        let seconds = now.saturating_duration_since(balance.at).as_secs_f64();
        balance.at = now;
        for ((left, per_second), at_once) in balance.left.iter_mut().zip(self.per_second).zip(self.at_once) {
            *left = if per_second.is_infinite() { at_once } else { at_once.min(*left + seconds * per_second) };
        }
    }

    /// How long a caller has to wait before doing so much.
    fn pause(&self, balance: &Balance<N>, amounts: [f64; N]) -> Duration {
        let limits = self.per_second.iter().zip(self.at_once).zip(balance.left.iter().zip(amounts));
        let seconds = limits.map(|((per_second, at_once), (left, amount))| {
            let missing = amount.min(at_once) - left;
            if missing > 0.0 { missing / per_second } else { 0.0 }
        });
        Duration::try_from_secs_f64(seconds.fold(0.0, f64::max)).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
    }

    /// Forgets callers who may do everything again, or else those who did something longest ago.
    fn forget(&self, callers: &mut HashMap<K, Balance<N>>, now: Instant) {
        callers.retain(|_, balance| {
            self.refill(balance, now);
            balance.left != self.at_once
        });
        if callers.len() < MOST_CALLERS {
            return;
        }
        // All were just refilled, so the richest is the one who did least of late.
        let mut left: Vec<f64> = callers.values().map(|balance| self.share_left(balance)).collect();
        let middle = left.len() / 2;
        let (_, median, _) = left.select_nth_unstable_by(middle, f64::total_cmp);
        let median = *median;
        callers.retain(|_, balance| self.share_left(balance) < median);
    }

    /// How much a caller has left of what may be done at once, of the thing of which it is least.
    fn share_left(&self, balance: &Balance<N>) -> f64 {
        let shares = balance.left.iter().zip(self.at_once).map(|(left, at_once)| left / at_once);
        shares.filter(|share| !share.is_nan()).fold(1.0, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_caller_gets_so_much_a_second_and_hears_when_to_come_back() {
        let rates = Rates::new([10.0, f64::INFINITY], [10.0, f64::INFINITY]);
        assert_eq!(rates.take(&"a", [7.0, 1e12]), Ok(()));
        assert_eq!(rates.take(&"a", [7.0, 0.0]), Err(SECOND * 4 / 10));
        assert_eq!(rates.take(&"a", [3.0, 0.0]), Ok(()));
        assert_eq!(rates.take(&"b", [10.0, 0.0]), Ok(()), "others have their own");
        tokio::time::advance(SECOND / 2).await;
        assert_eq!((rates.check(&"a", [5.0, 0.0]), rates.take(&"a", [5.0, 0.0])), (Ok(()), Ok(())));
        tokio::time::advance(SECOND * 100).await;
        assert_eq!(rates.take(&"a", [10.0, 0.0]), Ok(()));
        assert_eq!(rates.take(&"a", [1.0, 0.0]), Err(SECOND / 10), "rest does not add up");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_more_than_a_second_gets_through_and_is_waited_for_afterwards() {
        let rates = Rates::new([10.0, 100.0], [10.0, 100.0]);
        assert_eq!(rates.take(&(), [35.0, 1.0]), Ok(()));
        assert_eq!(rates.take(&(), [1.0, 0.0]), Err(SECOND * 26 / 10));
        tokio::time::advance(SECOND * 3).await;
        assert_eq!(rates.take(&(), [35.0, 0.0]), Err(SECOND / 2), "only when nothing else was done");
        rates.charge(&(), [0.0, 250.0]);
        assert_eq!(rates.take(&(), [0.0, 100.0]), Err(SECOND * 25 / 10));
    }

    #[test]
    fn so_many_callers_are_remembered_and_those_who_owe_most_are() {
        let rates = Rates::new([1.0], [2.0]);
        rates.charge(&0, [1_000_000.0]);
        (1..3 * MOST_CALLERS).for_each(|caller| rates.charge(&caller, [1.5]));
        assert!(rates.callers.lock().expect("no panic").len() <= MOST_CALLERS);
        assert!(rates.check(&0, [1.0]).is_err());
    }
}
