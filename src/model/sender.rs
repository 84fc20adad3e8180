//! Senders: the programs that send records to a server, and what became of what they sent.
//!
//! A sender is told by the address it calls from, by what it calls itself, which for an SDK is its name and version, and by
//! the project of its key.
//! What is kept of one is small and bounded, whatever it sends: counts, a few of its services, a few of its troubles.

use crate::model::words::words;
use crate::model::{Nanos, Text};

/// Most services that are told apart for one sender.
pub const MOST_SERVICES: usize = 16;
/// Most troubles that are told apart for one sender.
pub const MOST_TROUBLES: usize = 16;
/// Most differences of clocks that are kept for a service.
pub const MOST_OFFSETS: usize = 31;

words! {
    /// A port of a server, by what is expected there; each answers every protocol.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
    pub enum Port {
        /// The main port.
        #[default]
        Main = "main",
        /// The side port for OTLP/gRPC.
        OtlpGrpc = "otlp_grpc",
        /// The side port for OTLP/HTTP.
        OtlpHttp = "otlp_http",
    }
}

/// A program that sends records, and what became of what it sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sender {
    /// The IP address the sender calls from.
    pub address: Text,
    /// What the sender calls itself (`User-Agent`); empty when it did not say.
    pub agent: Text,
    /// The project of the key the sender presents; empty for none.
    pub project: Text,
    /// When the sender was first heard of.
    pub first_seen: Nanos,
    /// When the sender was last heard of.
    pub last_seen: Nanos,
    /// How many requests were taken.
    pub requests: u64,
    /// How many requests, or connections that never became one, were refused.
    pub refused_requests: u64,
    /// How many of the requests taken brought records, and none that was new.
    pub repeated_requests: u64,
    /// How many records were stored.
    pub accepted: u64,
    /// How many records were there already.
    pub duplicates: u64,
    /// How many records were refused while their neighbours were taken.
    pub rejected: u64,
    /// Why a record was refused, of the last that was; empty for none.
    pub rejection: Text,
    /// What its records are about, the one heard of last first.
    pub services: Vec<SenderService>,
    /// What went wrong, the latest first.
    pub troubles: Vec<Trouble>,
}

/// One service that a sender sends records of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SenderService {
    /// The name of the service; of checkpoints, their source.
    pub name: Text,
    /// When the service was last heard of.
    pub last_seen: Nanos,
    /// How many records arrived, those that were there already included.
    pub records: u64,
    /// How many of those were there already, in requests of this service alone.
    pub duplicates: u64,
    /// How many records have a time that cannot be.
    pub odd_times: u64,
    /// The time of the last of those, as it was sent.
    pub odd_time_ns: u64,
    /// How far the newest record of each of the last requests lay ahead of the server's clock, in nanoseconds; below zero
    /// is behind. The oldest first.
    pub offsets_ns: Vec<i64>,
}

/// One kind of thing that went wrong with what a sender sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trouble {
    /// What went wrong, in one word.
    pub reason: Text,
    /// The path of the requests; empty for a connection that never became one.
    pub path: Text,
    /// The port they came to.
    pub port: Port,
    /// How often it went wrong.
    pub count: u64,
    /// When it went wrong last.
    pub last_seen: Nanos,
    /// What the sender was told the last time, one sentence.
    pub detail: Text,
}

impl SenderService {
    /// How far the clock of the service is ahead of the server's in nanoseconds, below zero behind: the median of what was
    /// seen. `None` when nothing was.
    pub fn clock_offset_ns(&self) -> Option<i64> {
        let mut sorted = self.offsets_ns.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }

    /// How far the differences of the clocks lie apart, in nanoseconds: a clock that is off is off by the same each time, a
    /// backlog is not.
    pub fn clock_spread_ns(&self) -> u64 {
        let (least, most) = (self.offsets_ns.iter().min(), self.offsets_ns.iter().max());
        least.zip(most).map_or(0, |(least, most)| most.abs_diff(*least))
    }
}

impl Sender {
    /// The SDK by its name and version, as far as its `User-Agent` says them: the first product of it.
    pub fn sdk(&self) -> (Option<&str>, Option<&str>) {
        let agent = self.agent.trim();
        let Some((name, rest)) = agent.split_once('/') else {
            return (Some(agent).filter(|agent| !agent.is_empty()), None);
        };
        (Some(name).filter(|name| !name.is_empty()), rest.split_whitespace().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_the_first_product_of_a_user_agent() {
        let sdk = |agent: &'static str| {
            let sender = Sender { agent: Text::from_static(agent), ..Sender::default() };
            let (name, version) = sender.sdk();
            format!("{name:?} {version:?}").replace("Some(", "").replace([')', '"'], "")
        };
        assert_eq!(sdk("OTel-OTLP-Exporter-Python/1.45.2"), "OTel-OTLP-Exporter-Python 1.45.2");
        assert_eq!(sdk("OTel OTLP Exporter Go/1.2.3 grpc-go/1.60"), "OTel OTLP Exporter Go 1.2.3");
        assert_eq!(sdk("curl"), "curl None");
        assert_eq!(sdk(""), "None None");
    }

    #[test]
    fn one_late_request_does_not_move_the_clock_of_a_service() {
        let service = SenderService { offsets_ns: vec![7, -3_600_000_000_000, 5, 9, 6], ..SenderService::default() };
        assert_eq!(service.clock_offset_ns(), Some(6));
        assert_eq!(service.clock_spread_ns(), 3_600_000_000_009);
        assert_eq!(SenderService::default().clock_offset_ns(), None);
    }
}
