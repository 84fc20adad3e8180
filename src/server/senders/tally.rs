//! The tally: what is known of each sender, in memory, within bounds.
//!
//! A thousand senders are known, and 64 of one address, so that no address can push out all others; whoever was not heard
//! of for longest yields. One lock is held for as long as it takes to add a few numbers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use http::Response;

use super::contents::{OfService, Outcome, Taken};
use super::head::{Head, Refused};
use crate::model::sender::{MOST_OFFSETS, MOST_SERVICES, MOST_TROUBLES, Port, Sender, SenderService, Trouble};
use crate::model::{Nanos, Text};

/// Most senders that are known.
const MOST_SENDERS: usize = 1_000;
/// Most senders that are known of one address.
const MOST_OF_ADDRESS: usize = 64;
/// Longest name of a service and longest sentence that are kept, in characters.
const MOST_CHARS: usize = 200;

/// Longest message that may be one around nothing, which is no mistake, in bytes.
const ENVELOPE_BYTES: usize = 200;

/// What is known of those who send.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Known>);

/// Address, what the sender calls itself, and its project.
type SenderKey = (Text, Text, Text);

#[derive(Debug, Default)]
struct Known {
    senders: HashMap<SenderKey, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    sender: Sender,
    is_changed: bool,
}

impl Tally {
    /// Takes in what was known before, as of an earlier run.
    pub(crate) fn restore(&self, senders: Vec<Sender>) {
        let mut known = self.lock();
        for sender in senders.into_iter().take(MOST_SENDERS) {
            known.senders.entry(key_of(&sender)).or_insert(Entry { sender, is_changed: false });
        }
    }

    /// Notes what became of a request.
    pub(crate) fn note(&self, head: &Head, response: &mut Response<Body>) {
        let taken = response.extensions_mut().remove::<Taken>();
        let refused = match &taken {
            Some(_) => None,
            None => head.refusal(response),
        };
        let now = Nanos::now();
        match (taken, refused) {
            // A request without any content asks whether somebody is there.
            (Some(Taken(outcome)), _) if outcome.message_bytes > 0 => {
                self.change(key(head), now, |sender| note_taken(sender, head, &outcome, now));
            }
            (None, Some(refused)) => {
                self.change(key(head), now, |sender| {
                    sender.refused_requests += 1;
                    note_trouble(sender, trouble(head, refused.reason, &refused), now);
                });
            }
            _ => {}
        }
    }

    /// Notes a connection that never became a request.
    pub(crate) fn note_connection(&self, address: IpAddr, port: Port, (reason, detail): (&'static str, &'static str)) {
        let now = Nanos::now();
        let key = (Text::from(address.to_canonical().to_string()), Text::default(), Text::default());
        self.change(key, now, |sender| {
            sender.refused_requests += 1;
            let (reason, detail) = (Text::from_static(reason), Text::from_static(detail));
            note_trouble(sender, Trouble { reason, port, detail, ..Trouble::default() }, now);
        });
    }

    /// All senders, the one heard of last first.
    pub(crate) fn senders(&self) -> Vec<Sender> {
        let mut senders: Vec<Sender> = self.lock().senders.values().map(|entry| entry.sender.clone()).collect();
        senders.sort_by(|a, b| {
            b.last_seen.cmp(&a.last_seen).then_with(|| (&a.address, &a.agent).cmp(&(&b.address, &b.agent)))
        });
        senders
    }

    /// The senders of which something is known that was not written down.
    pub(crate) fn take_changed(&self) -> Vec<Sender> {
        let mut known = self.lock();
        let changed = known.senders.values_mut().filter(|entry| entry.is_changed);
        changed
            .map(|entry| {
                entry.is_changed = false;
                entry.sender.clone()
            })
            .collect()
    }

    /// Notes that what was to be written down was not.
    pub(crate) fn put_back(&self, senders: &[Sender]) {
        let mut known = self.lock();
        for sender in senders {
            if let Some(entry) = known.senders.get_mut(&key_of(sender)) {
                entry.is_changed = true;
            }
        }
    }

    fn change(&self, key: SenderKey, now: Nanos, change: impl FnOnce(&mut Sender)) {
        let mut known = self.lock();
        if !known.senders.contains_key(&key) {
            known.make_room(&key.0);
            let (address, agent, project) = key.clone();
            let sender = Sender { address, agent, project, first_seen: now, ..Sender::default() };
            known.senders.insert(key.clone(), Entry { sender, is_changed: true });
        }
        if let Some(entry) = known.senders.get_mut(&key) {
            change(&mut entry.sender);
            entry.sender.last_seen = now;
            entry.is_changed = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(head: &Head) -> SenderKey {
    (Text::from(head.address.to_string()), head.agent.clone(), head.project.clone())
}

fn key_of(sender: &Sender) -> SenderKey {
    (sender.address.clone(), sender.agent.clone(), sender.project.clone())
}

impl Known {
    /// Forgets whoever was not heard of for longest, of the address if that has enough, so that one more can be known.
    fn make_room(&mut self, address: &Text) {
        let of_address = self.senders.keys().filter(|(known, ..)| known == address).count();
        let is_crowded = of_address >= MOST_OF_ADDRESS;
        if !is_crowded && self.senders.len() < MOST_SENDERS {
            return;
        }
        let candidates = self.senders.iter().filter(|((known, ..), _)| !is_crowded || known == address);
        let oldest = candidates.min_by_key(|(_, entry)| entry.sender.last_seen).map(|(key, _)| key.clone());
        if let Some(oldest) = oldest {
            self.senders.remove(&oldest);
        }
    }
}

fn note_taken(sender: &mut Sender, head: &Head, outcome: &Outcome, now: Nanos) {
    let written = outcome.written;
    sender.requests += 1;
    sender.accepted += written.accepted;
    sender.duplicates += written.duplicates;
    sender.rejected += outcome.rejected;
    sender.repeated_requests += u64::from(written.accepted == 0 && written.duplicates > 0);
    if let Some(reason) = &outcome.rejection {
        sender.rejection = short(reason);
    }
    let services = &outcome.contents.services;
    let is_alone = services.len() == 1;
    for service in services {
        note_service(sender, service, if is_alone { written.duplicates } else { 0 }, now);
    }
    let is_metrics = head.path.to_lowercase().contains("metrics");
    let is_empty = services.is_empty() && outcome.rejected == 0 && outcome.message_bytes > ENVELOPE_BYTES;
    for (is_so, reason) in [
        (head.port == Port::OtlpHttp && head.is_grpc, "grpc_on_http_port"),
        (head.port == Port::OtlpGrpc && !head.is_grpc, "http_on_grpc_port"),
        (outcome.contents.has_old_fields, "old_fields"),
        (is_empty && !is_metrics && !outcome.contents.has_old_fields, "nothing_understood"),
        (is_metrics, "metrics_dropped"),
    ] {
        if is_so {
            let silent = Refused { reason, detail: String::new() };
            note_trouble(sender, trouble(head, reason, &silent), now);
        }
    }
}

fn note_service(sender: &mut Sender, seen: &OfService, duplicates: u64, now: Nanos) {
    let name = short(&seen.name);
    let mut service = match sender.services.iter().position(|service| service.name == name) {
        Some(place) => sender.services.remove(place),
        None => SenderService { name, ..SenderService::default() },
    };
    service.last_seen = now;
    service.records += seen.records;
    service.duplicates += duplicates;
    service.odd_times += seen.odd_times;
    if seen.odd_times > 0 {
        service.odd_time_ns = seen.odd_time_ns;
    }
    // What was there already came late for another reason.
    if seen.newest_ns > 0 && duplicates == 0 {
        if service.offsets_ns.len() >= MOST_OFFSETS {
            service.offsets_ns.remove(0);
        }
        let offset = i128::from(seen.newest_ns) - i128::from(now.0);
        service.offsets_ns.push(i64::try_from(offset).unwrap_or(if offset < 0 { i64::MIN } else { i64::MAX }));
    }
    sender.services.insert(0, service);
    sender.services.truncate(MOST_SERVICES);
}

/// A trouble with a request.
fn trouble(head: &Head, reason: &'static str, refused: &Refused) -> Trouble {
    let (reason, path, detail) = (Text::from_static(reason), head.path.clone(), short(&refused.detail));
    Trouble { reason, path, port: head.port, detail, ..Trouble::default() }
}

fn note_trouble(sender: &mut Sender, trouble: Trouble, now: Nanos) {
    let is_same =
        |known: &Trouble| (&known.reason, &known.path, known.port) == (&trouble.reason, &trouble.path, trouble.port);
    let count = match sender.troubles.iter().position(is_same) {
        Some(place) => sender.troubles.remove(place).count,
        None => 0,
    };
    sender.troubles.insert(0, Trouble { count: count + 1, last_seen: now, ..trouble });
    sender.troubles.truncate(MOST_TROUBLES);
}

fn short(text: &str) -> Text {
    match text.char_indices().nth(MOST_CHARS) {
        None => Text::from(text),
        Some((end, _)) => Text::from(text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    const TLS: (&str, &str) = ("tls_on_plain_port", "TLS");

    #[test]
    fn a_thousand_senders_are_known_and_the_one_heard_of_first_yields() {
        let tally = Tally::default();
        for number in 1..=1_500 {
            tally.note_connection(address(number), Port::Main, TLS);
        }
        let senders = tally.senders();
        assert_eq!(senders.len(), MOST_SENDERS);
        assert!(senders.iter().any(|sender| sender.address == "0.0.5.220"), "the last one is known");
        assert!(!senders.iter().any(|sender| sender.address == "0.0.0.1"), "the first one is not");
    }

    #[test]
    fn one_address_cannot_push_out_the_others() {
        let tally = Tally::default();
        tally.note_connection(address(7), Port::Main, TLS);
        for number in 0..2_000 {
            let agent = Text::from(format!("agent/{number}"));
            tally.change((Text::from("0.0.0.9"), agent, Text::default()), Nanos::now(), |_| {});
        }
        let senders = tally.senders();
        assert_eq!(senders.len(), MOST_OF_ADDRESS + 1);
        assert!(senders.iter().any(|sender| sender.address == "0.0.0.7"));
    }

    #[test]
    fn troubles_are_counted_by_kind_and_only_so_many_kinds_are_kept() {
        let tally = Tally::default();
        for number in 0..100_usize {
            let path = Text::from(format!("/{}", number % 40));
            tally.change(Default::default(), Nanos(number as u64), |sender| {
                note_trouble(sender, Trouble { path, ..Trouble::default() }, Nanos(number as u64));
            });
        }
        let sender = tally.senders().remove(0);
        assert_eq!(sender.troubles.len(), MOST_TROUBLES);
        assert_eq!((sender.troubles[0].path.as_str(), sender.troubles[0].last_seen), ("/19", Nanos(99)));
        note_trouble_twice();
    }

    fn note_trouble_twice() {
        let mut sender = Sender::default();
        note_trouble(&mut sender, Trouble::default(), Nanos(1));
        note_trouble(&mut sender, Trouble::default(), Nanos(2));
        assert_eq!((sender.troubles.len(), sender.troubles[0].count), (1, 2));
    }

    #[test]
    fn what_changed_is_handed_out_once_unless_it_comes_back() {
        let tally = Tally::default();
        tally.note_connection(address(1), Port::Main, TLS);
        let changed = tally.take_changed();
        assert_eq!((changed.len(), tally.take_changed().len()), (1, 0));
        tally.put_back(&changed);
        assert_eq!(tally.take_changed(), changed);
        let later = Tally::default();
        later.restore(changed.clone());
        assert_eq!((later.senders(), later.take_changed()), (changed, Vec::new()));
    }
}
