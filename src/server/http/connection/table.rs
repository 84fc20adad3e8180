//! The connections there are, of which there is a most. A newcomer gets the place of the one that has been idle longest,
//! so whoever opens many and asks nothing shuts nobody out but themselves.
//!
//! An address gets a share only, unless it is this machine: a reverse proxy brings everyone's requests from there.
//! Connections with a stream of events do not count; how many streams may be open says whoever opens them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::server::access::network_of;
use crate::server::descriptors::most_connections;
use crate::server::http::Limits;
use crate::server::http::connection::{Activity, Patience};

/// How long to wait for a place before looking again: whether a client keeps the server waiting shows only with time.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// All open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    most_per_address: usize,
    patience: Patience,
    open: Mutex<Open>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// In the order they came.
    connections: BTreeMap<u64, (IpAddr, Arc<Activity>)>,
    /// How many had to make way.
    released: u64,
}

/// What becomes of a newcomer.
#[derive(Debug)]
pub(crate) enum Entry {
    /// It gets a place.
    Admitted(Slot),
    /// There is no place, and nobody who could make way.
    Full,
    /// Its address has its share, all of it at work.
    Refused,
}

/// The place of one connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    connections: Arc<Connections>,
    number: u64,
    /// The other end of the connection.
    pub(crate) peer: SocketAddr,
    /// What happens on the connection.
    pub(crate) activity: Arc<Activity>,
}

impl Connections {
    /// Places for as many connections as the limits of a server allow.
    pub(crate) fn new(limits: &Limits) -> Arc<Connections> {
        Arc::new(Connections {
            most: most_connections(limits.connections),
            most_per_address: limits.connections_per_address,
            patience: Patience::new(limits),
            open: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// How long connections may wait for their clients.
    pub(crate) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// How many connections are open, and how many had to make way for others since the start.
    pub(crate) fn count(&self) -> (usize, u64) {
        let open = self.open();
        (open.connections.len(), open.released)
    }

    /// A place for a connection from this address, if need be that of another one.
    pub(crate) fn enter(self: &Arc<Connections>, peer: SocketAddr) -> Entry {
        let mut open = self.open();
        let network = network_of(peer.ip());
        let has_share = network.is_loopback() || open.has_place(self.most_per_address, |from| from == network);
        if !has_share && !open.release_one(&self.patience, |from| from == network) {
            return Entry::Refused;
        }
        if !open.has_place(self.most, |_| true) && !open.release_one(&self.patience, |_| true) {
            return Entry::Full;
        }
        let (number, activity) = (open.next, Activity::new());
        open.next += 1;
        open.connections.insert(number, (network, Arc::clone(&activity)));
        Entry::Admitted(Slot { connections: Arc::clone(self), number, peer, activity })
    }

    /// Returns when there may be a place.
    pub(crate) async fn wait_for_place(&self) {
        // It is worth a look in any case.
        let _ = timeout(LOOK_AGAIN, self.freed.notified()).await;
    }

    /// Ends the connections that have been idle longest, at most so many.
    pub(crate) fn release(&self, most: usize) {
        let mut open = self.open();
        (0..most).any(|_| !open.release_one(&self.patience, |_| true));
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Whether there are fewer than `most` connections from some addresses, not counting those with a stream.
    fn has_place(&self, most: usize, is_from: impl Fn(IpAddr) -> bool) -> bool {
        let is_counted = |(from, activity): &&(IpAddr, Arc<Activity>)| is_from(*from) && !activity.is_streaming();
        // Looking at each is for when there may be too many.
        self.connections.len() < most || self.connections.values().filter(is_counted).count() < most
    }

    /// Ends the connection that has been of no use for longest, of those from some addresses; false when all of them are.
    fn release_one(&mut self, patience: &Patience, is_from: impl Fn(IpAddr) -> bool) -> bool {
        let candidates = self.connections.iter().filter(|(_, (from, _))| is_from(*from));
        let expendable = candidates.filter_map(|(number, (_, activity))| {
            activity.expendable_since(patience).map(|(release, since)| (release, since, *number))
        });
        let Some((release, _, number)) = expendable.min() else { return false };
        if let Some((_, activity)) = self.connections.remove(&number) {
            activity.release(release);
            self.released += 1;
        }
        true
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.open().connections.remove(&self.number);
        self.connections.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn connections(most: usize, most_per_address: usize) -> Arc<Connections> {
        let limits = Limits { connections: most, connections_per_address: most_per_address, ..Limits::default() };
        Connections::new(&limits)
    }

    fn peer(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().expect("an address"), 1)
    }

    fn enter(connections: &Arc<Connections>, address: &str) -> Option<Slot> {
        match connections.enter(peer(address)) {
            Entry::Admitted(slot) => Some(slot),
            Entry::Full | Entry::Refused => None,
        }
    }

    async fn is_released(slot: &Slot) -> bool {
        timeout(Duration::ZERO, slot.activity.ended(slot.connections.patience())).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_idle_longest_makes_way_and_those_at_work_do_not() {
        let all = connections(3, 3);
        let slots: Vec<Slot> = (0..3).filter_map(|_| enter(&all, "127.0.0.1")).collect();
        tokio::time::advance(Duration::from_secs(1)).await;
        slots[0].activity.begin_request();
        slots[1].activity.begin_request();
        slots[1].activity.end_request(false);
        let newcomer = enter(&all, "127.0.0.1").expect("a place");
        assert!(is_released(&slots[2]).await && !is_released(&slots[0]).await && !is_released(&slots[1]).await);
        newcomer.activity.begin_request();
        slots[1].activity.begin_request();
        assert!(matches!(all.enter(peer("127.0.0.1")), Entry::Full));
        assert_eq!(all.count(), (3, 1));
        drop(newcomer);
        assert!(enter(&all, "127.0.0.1").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_keeps_the_server_waiting_makes_way_when_nobody_is_idle() {
        let all = connections(2, 2);
        let (slow, working) = (enter(&all, "127.0.0.1").expect("a place"), enter(&all, "127.0.0.1").expect("a place"));
        slow.activity.begin_request();
        slow.activity.note_client_turn(true);
        working.activity.begin_request();
        assert!(enter(&all, "127.0.0.1").is_none());
        tokio::time::advance(Duration::from_millis(600)).await;
        let other = enter(&all, "127.0.0.1").expect("a place");
        assert!(is_released(&slow).await && !is_released(&working).await);
        // A byte now and then does not help for long.
        other.activity.begin_request();
        other.activity.note_client_turn(true);
        for seconds in 1..=11 {
            tokio::time::advance(Duration::from_secs(1)).await;
            other.activity.note_progress();
            assert_eq!(enter(&all, "127.0.0.1").is_some(), seconds > 9, "{seconds}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_gets_its_share_but_this_machine_gets_all_and_streams_do_not_count() {
        let all = connections(4, 2);
        let begin = |address| {
            let slot = enter(&all, address).expect("a place");
            slot.activity.begin_request();
            slot
        };
        let _busy = (begin("192.0.2.1"), begin("192.0.2.1"));
        assert!(matches!(all.enter(peer("192.0.2.1")), Entry::Refused));
        assert!(matches!(all.enter(peer("::ffff:192.0.2.1")), Entry::Refused));
        let (first, _second) = (begin("::1"), begin("127.0.0.1"));
        assert!(matches!(all.enter(peer("::1")), Entry::Full));
        first.activity.begin_stream();
        let _third = begin("::1");
        let six = connections(9, 1);
        let kept = enter(&six, "2001:db8:0:0:1::2").expect("a place");
        kept.activity.begin_request();
        assert!(enter(&six, "2001:db8::3").is_none(), "all of a network are one");
        assert!(enter(&six, "2001:db8:0:1::3").is_some());
    }
}
