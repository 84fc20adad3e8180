//! What callers may send in a second, and how many wrong keys they may try. Whoever has a key is counted under it,
//! wherever they are, and everyone else under their address.

use std::net::IpAddr;
use std::time::Duration;

use crate::model::{RateLimit, Text};
use crate::server::access::rates::{Pace, Rates};
use crate::server::access::{Caller, CallerId};

/// Wrong keys an address may try at once, and in a second.
const WRONG_KEYS: Pace<1> = Pace { at_once: [200.0], per_second: [2.0] };

/// What callers sent of late, and may send now.
#[derive(Debug)]
pub(crate) struct Quota {
    /// What everyone may send who has no limit of their own.
    limit: RateLimit,
    /// Records and bytes.
    sent: Rates<Account, 2>,
    wrong_keys: Rates<IpAddr, 1>,
}

/// What a quota belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Account {
    Key(Text),
    Address(IpAddr),
}

/// A limit as a pace, of which a second's worth may be used at once.
fn pace_of(limit: RateLimit) -> Pace<2> {
    let rates = [limit.records_per_second, limit.bytes_per_second].map(|rate| match rate {
        Some(rate) => rate.max(1) as f64,
        None => f64::INFINITY,
    });
    Pace { per_second: rates, at_once: rates }
}

impl Quota {
    /// A quota for every caller.
    pub(crate) fn new(limit: RateLimit) -> Quota {
        Quota { limit, sent: Rates::default(), wrong_keys: Rates::default() }
    }

    /// Whether a caller may send anything at all now, asked before it is read.
    ///
    /// # Errors
    /// They have to wait; how long.
    pub(crate) fn check(&self, caller: &Caller, id: &CallerId) -> Result<(), Duration> {
        self.accounted(caller, id, |sent, account, pace| sent.check(account, pace, [1.0, 1.0]))
    }

    /// Lets a caller send records, which came in so many bytes.
    ///
    /// # Errors
    /// They have to wait; how long.
    pub(crate) fn take(&self, caller: &Caller, id: &CallerId, records: usize, bytes: usize) -> Result<(), Duration> {
        self.accounted(caller, id, |sent, account, pace| sent.take(account, pace, [records as f64, bytes as f64]))
    }

    /// Counts records that are stored in any case, because others of their request are.
    pub(crate) fn charge(&self, caller: &Caller, id: &CallerId, records: usize) {
        let charged = self.accounted(caller, id, |sent, account, pace| {
            sent.charge(account, pace, [records as f64, 0.0]);
            Ok(())
        });
        debug_assert!(charged.is_ok(), "charging asks nobody");
    }

    fn accounted(
        &self,
        caller: &Caller,
        id: &CallerId,
        ask: impl FnOnce(&Rates<Account, 2>, &Account, Pace<2>) -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        let own = match caller {
            // The owner of the server brings in what they like.
            Caller::Owner => return Ok(()),
            Caller::Holder(holder) => holder.key.limit,
            Caller::Anonymous | Caller::Neighbour => RateLimit::default(),
        };
        let limit = if own.is_any() { own } else { self.limit };
        if !limit.is_any() {
            return Ok(());
        }
        let account = id.key.clone().map_or(Account::Address(id.network), Account::Key);
        ask(&self.sent, &account, pace_of(limit))
    }

    /// Whether a key or secret may be tried from an address.
    ///
    /// # Errors
    /// There were too many wrong ones; how long to wait before the next.
    pub(crate) fn check_wrong_keys(&self, network: IpAddr) -> Result<(), Duration> {
        self.wrong_keys.check(&network, WRONG_KEYS, [1.0])
    }

    /// Counts a wrong key or secret that was tried from an address.
    ///
    /// # Errors
    /// There were too many; how long to wait before the next.
    pub(crate) fn note_wrong_key(&self, network: IpAddr) -> Result<(), Duration> {
        self.wrong_keys.take(&network, WRONG_KEYS, [1.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(network: [u8; 4], key: Option<&'static str>) -> CallerId {
        CallerId { network: IpAddr::from(network), key: key.map(Text::from_static) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_has_one_quota_wherever_it_is_used_and_an_address_its_own() {
        let limit = RateLimit { records_per_second: Some(10), ..RateLimit::default() };
        let quota = Quota::new(limit);
        let take = |network, key, records| quota.take(&Caller::Anonymous, &id(network, key), records, 1 << 40).is_ok();
        assert!(take([10, 0, 0, 1], Some("a"), 10) && !take([10, 0, 0, 2], Some("a"), 1));
        assert!(take([10, 0, 0, 1], Some("b"), 10) && take([10, 0, 0, 1], None, 10) && !take([10, 0, 0, 1], None, 1));
        assert!(take([10, 0, 0, 2], None, 10));
        assert!(quota.check(&Caller::Anonymous, &id([10, 0, 0, 2], None)).is_err());
        assert!(quota.take(&Caller::Owner, &id([10, 0, 0, 2], None), 1_000, 1).is_ok());
        let anyone = Quota::new(RateLimit::default());
        assert!(anyone.take(&Caller::Anonymous, &id([10, 0, 0, 2], None), 1 << 40, 1 << 40).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_keys_are_counted_by_address() {
        let (quota, here, there) = (Quota::new(RateLimit::default()), [10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        assert!((0..200).all(|_| quota.note_wrong_key(here).is_ok()));
        assert_eq!(quota.note_wrong_key(here), Err(Duration::from_millis(500)));
        assert!(quota.note_wrong_key(there).is_ok());
    }
}
