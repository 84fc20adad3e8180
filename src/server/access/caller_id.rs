//! Who counts as one caller where something is shared out: everyone from one network with one key.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::Text;
use crate::server::access::{Caller, Peer};

/// Bits of an IPv6 address that name a network; whoever has one has all addresses in it.
const NETWORK_BITS: u32 = 64;

/// One caller, as far as shares and quotas go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CallerId {
    /// The network of the caller.
    pub(crate) network: IpAddr,
    /// The id of the caller's key; `None` for someone without one.
    pub(crate) key: Option<Text>,
}

impl CallerId {
    /// The id of a caller at the other end of a connection; `None` for a request that came over none.
    pub(crate) fn new(caller: &Caller, peer: Option<Peer>) -> CallerId {
        let key = match caller {
            Caller::Holder(holder) => Some(holder.key.id.clone()),
            Caller::Anonymous | Caller::Neighbour | Caller::Owner => None,
        };
        let network = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(peer)| network_of(peer.ip()));
        CallerId { network, key }
    }
}

/// The network of an address, as the address that stands for it: an IPv4 address itself, and the first of its /64 for
/// IPv6.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let mask = u128::MAX << (128 - NETWORK_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one_and_those_of_ipv4_are_not() {
        let network = |text: &str| network_of(text.parse().expect("an address")).to_string();
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
            ("::1", "::1"),
        ] {
            assert_eq!(network(address), expected);
        }
    }
}
