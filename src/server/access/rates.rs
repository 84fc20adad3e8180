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
    callers: Mutex<HashMap<K, Balance<N>>>,
}

/// How much a caller may do of each thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace<const N: usize> {
    /// In a second; infinite for as much as there is.
    pub(crate) per_second: [f64; N],
    /// At once.
    pub(crate) at_once: [f64; N],
}

#[derive(Debug, Clone, Copy)]
struct Balance<const N: usize> {
    pace: Pace<N>,
    left: [f64; N],
    at: Instant,
}

impl<K, const N: usize> Default for Rates<K, N> {
    fn default() -> Rates<K, N> {
        Rates { callers: Mutex::default() }
    }
}

impl<K: Hash + Eq + Clone, const N: usize> Rates<K, N> {
    /// Lets a caller do so much of each thing. What is more than may be done at once is let through when nothing else was
    /// done, and has to be waited for afterwards.
    ///
    /// # Errors
    /// It is too early; when to try again.
    pub(crate) fn take(&self, caller: &K, pace: Pace<N>, amounts: [f64; N]) -> Result<(), Duration> {
        self.change(caller, pace, |balance| {
            let pause = balance.pause(amounts);
            if pause > Duration::ZERO {
                return Err(pause);
            }
            balance.left.iter_mut().zip(amounts).for_each(|(left, amount)| *left -= amount);
            Ok(())
        })
    }

    /// Notes that a caller did so much of each thing, whether they may or not.
    pub(crate) fn charge(&self, caller: &K, pace: Pace<N>, amounts: [f64; N]) {
        self.change(caller, pace, |balance| {
            balance.left.iter_mut().zip(amounts).for_each(|(left, amount)| *left -= amount);
        });
    }

    /// Whether a caller may do so much of each thing.
    ///
    /// # Errors
    /// It is too early; when to try again.
    pub(crate) fn check(&self, caller: &K, pace: Pace<N>, amounts: [f64; N]) -> Result<(), Duration> {
        self.change(caller, pace, |balance| match balance.pause(amounts) {
            Duration::ZERO => Ok(()),
            pause => Err(pause),
        })
    }

    fn change<T>(&self, caller: &K, pace: Pace<N>, change: impl FnOnce(&mut Balance<N>) -> T) -> T {
        let now = Instant::now();
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MOST_CALLERS && !callers.contains_key(caller) {
            forget(&mut callers, now);
        }
        let new = Balance { pace, left: pace.at_once, at: now };
        let balance = callers.entry(caller.clone()).or_insert(new);
        if balance.pace != pace {
            *balance = new;
        }
        balance.refill(now);
        change(balance)
    }
}

impl<const N: usize> Balance<N> {
    fn refill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        for ((left, per_second), at_once) in self.left.iter_mut().zip(self.pace.per_second).zip(self.pace.at_once) {
            *left = if per_second.is_infinite() { at_once } else { at_once.min(*left + seconds * per_second) };
        }
    }

    /// How long a caller has to wait before doing so much.
    fn pause(&self, amounts: [f64; N]) -> Duration {
        let limits = self.pace.per_second.iter().zip(self.pace.at_once).zip(self.left.iter().zip(amounts));
        let seconds = limits.map(|((per_second, at_once), (left, amount))| {
            let missing = amount.min(at_once) - left;
            if missing > 0.0 { missing / per_second } else { 0.0 }
        });
        Duration::try_from_secs_f64(seconds.fold(0.0, f64::max)).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
    }

    /// How much a caller has left of what may be done at once, of the thing of which it is least.
    fn share_left(&self) -> f64 {
        let shares = self.left.iter().zip(self.pace.at_once).map(|(left, at_once)| left / at_once);
        shares.filter(|share| !share.is_nan()).fold(1.0, f64::min)
    }
}

/// Forgets callers who may do everything again, or else those who did something longest ago.
fn forget<K: Hash + Eq, const N: usize>(callers: &mut HashMap<K, Balance<N>>, now: Instant) {
    callers.retain(|_, balance| {
        balance.refill(now);
        balance.left != balance.pace.at_once
    });
    if callers.len() < MOST_CALLERS {
        return;
    }
    // All were just refilled, so the richest is the one who did least of late.
    let mut left: Vec<f64> = callers.values().map(Balance::share_left).collect();
    let middle = left.len() / 2;
    let (_, median, _) = left.select_nth_unstable_by(middle, f64::total_cmp);
    let median = *median;
    callers.retain(|_, balance| balance.share_left() < median);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_caller_gets_so_much_a_second_and_hears_when_to_come_back() {
        let (rates, rate) = (Rates::default(), [10.0, f64::INFINITY]);
        let pace = Pace { per_second: rate, at_once: rate };
        assert_eq!(rates.take(&"a", pace, [7.0, 1e12]), Ok(()));
        assert_eq!(rates.take(&"a", pace, [7.0, 0.0]), Err(SECOND * 4 / 10));
        assert_eq!(rates.take(&"a", pace, [3.0, 0.0]), Ok(()));
        assert_eq!(rates.take(&"b", pace, [10.0, 0.0]), Ok(()), "others have their own");
        tokio::time::advance(SECOND / 2).await;
        assert_eq!((rates.check(&"a", pace, [5.0, 0.0]), rates.take(&"a", pace, [5.0, 0.0])), (Ok(()), Ok(())));
        tokio::time::advance(SECOND * 100).await;
        assert_eq!(rates.take(&"a", pace, [10.0, 0.0]), Ok(()));
        assert_eq!(rates.take(&"a", pace, [1.0, 0.0]), Err(SECOND / 10), "rest does not add up");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_more_than_a_second_gets_through_and_is_waited_for_afterwards() {
        let (rates, rate) = (Rates::default(), [10.0, 100.0]);
        let pace = Pace { per_second: rate, at_once: rate };
        assert_eq!(rates.take(&(), pace, [35.0, 1.0]), Ok(()));
        assert_eq!(rates.take(&(), pace, [1.0, 0.0]), Err(SECOND * 26 / 10));
        tokio::time::advance(SECOND * 3).await;
        assert_eq!(rates.take(&(), pace, [35.0, 0.0]), Err(SECOND / 2), "only when nothing else was done");
        rates.charge(&(), pace, [0.0, 250.0]);
        assert_eq!(rates.take(&(), pace, [0.0, 100.0]), Err(SECOND * 25 / 10));
    }

    #[test]
    fn so_many_callers_are_remembered_and_those_who_owe_most_are() {
        let (rates, pace) = (Rates::default(), Pace { per_second: [1.0], at_once: [2.0] });
        rates.charge(&0, pace, [1_000_000.0]);
        (1..3 * MOST_CALLERS).for_each(|caller| rates.charge(&caller, pace, [1.5]));
        assert!(rates.callers.lock().expect("no panic").len() <= MOST_CALLERS);
        assert!(rates.check(&0, pace, [1.0]).is_err());
    }
}
