//! What the records of a request tell of their sender: which services, how their clocks go, what looks odd.
//!
//! Looked at while the records are still there, in one pass without a lock.

use std::sync::Arc;

use crate::model::sender::MOST_SERVICES;
use crate::model::time::NANOS_PER_DAY;
use crate::model::{Batch, Nanos, Text, Written};

/// No record is older than this: 2000-01-01. What claims to be counts from elsewhere, or in another unit.
const OLDEST_NS: u64 = 946_684_800_000_000_000;

/// What the records of one service tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct OfService {
    /// The name of the service; of checkpoints, their source.
    pub(crate) name: Text,
    /// How many records there are.
    pub(crate) records: u64,
    /// The newest time that can be; 0 for none.
    pub(crate) newest_ns: u64,
    /// How many records have a time that cannot be.
    pub(crate) odd_times: u64,
    /// The time of the last of those.
    pub(crate) odd_time_ns: u64,
}

/// What the records of a request tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Contents {
    /// What they tell of each service, up to [`MOST_SERVICES`].
    pub(crate) services: Vec<OfService>,
    /// Whether the request has fields that OTLP no longer has.
    pub(crate) has_old_fields: bool,
}

/// A request that was taken, as an extension of its answer.
#[derive(Debug, Clone)]
pub(crate) struct Taken(pub(crate) Arc<Outcome>);

/// What became of a request that was taken.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What the store did with the records.
    pub(crate) written: Written,
    /// How many records were not taken.
    pub(crate) rejected: u64,
    /// Why, of one of them.
    pub(crate) rejection: Option<String>,
    /// How long the message was, in bytes.
    pub(crate) message_bytes: usize,
    /// What the records tell.
    pub(crate) contents: Contents,
}

impl Contents {
    /// Looks at records that were received at a time.
    pub(crate) fn look_at(&mut self, batch: &Batch, received: Nanos) {
        let latest_ns = received.0.saturating_add(NANOS_PER_DAY);
        let is_odd = |time_ns: u64| !(OLDEST_NS..=latest_ns).contains(&time_ns);
        for span in &batch.spans {
            let Some(service) = self.of(span.service()) else { continue };
            let (start, end) = (span.start.0, span.end.0);
            match [start, end].into_iter().find(|time_ns| is_odd(*time_ns) && *time_ns != 0) {
                Some(odd) => service.note_odd(odd),
                None if start == 0 => service.note_odd(0),
                None => service.note(start.max(end)),
            }
        }
        for log in &batch.logs {
            let Some(service) = self.of(&log.resource.service) else { continue };
            if is_odd(log.time.0) { service.note_odd(log.time.0) } else { service.note(log.time.0) }
        }
        for checkpoint in &batch.checkpoints {
            let Some(service) = self.of(&checkpoint.source_id) else { continue };
            // A float becomes the nearest integer there is.
            let time_ns = (checkpoint.timestamp_ms * 1e6) as u64;
            if is_odd(time_ns) { service.note_odd(time_ns) } else { service.note(time_ns) }
        }
    }

    /// What is known of a service; `None` when there are too many. Records of one service stand together.
    fn of(&mut self, name: &Text) -> Option<&mut OfService> {
        let place = self.services.iter().rposition(|service| service.name == *name);
        let place = match place {
            Some(place) => place,
            None if self.services.len() < MOST_SERVICES => {
                self.services.push(OfService { name: name.clone(), ..OfService::default() });
                self.services.len() - 1
            }
            None => return None,
        };
        self.services.get_mut(place)
    }
}

impl OfService {
    fn note(&mut self, time_ns: u64) {
        self.records += 1;
        self.newest_ns = self.newest_ns.max(time_ns);
    }

    fn note_odd(&mut self, time_ns: u64) {
        self.records += 1;
        self.odd_times += 1;
        self.odd_time_ns = time_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::body::MediaType;
    use crate::decode::otlp;

    const NOW: u64 = 1_795_252_442_000_000_000;

    fn contents(times: &[(u64, u64)]) -> Contents {
        let span = |(place, (start, end)): (usize, &(u64, u64))| {
            format!(
                r#"{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"{:016x}","name":"x",
                "startTimeUnixNano":"{start}","endTimeUnixNano":"{end}"}}"#,
                place + 1
            )
        };
        let spans: Vec<String> = times.iter().enumerate().map(span).collect();
        let request = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","));
        let decoded = otlp::traces(&bytes::Bytes::from(request), MediaType::Json).expect("OTLP");
        let mut contents = Contents::default();
        contents.look_at(&decoded.batch, Nanos(NOW));
        contents
    }

    #[test]
    fn the_newest_time_that_can_be_is_kept_beside_those_that_cannot() {
        let found = contents(&[(NOW - 9, NOW - 5), (NOW - 7, NOW - 6), (44_511_913_730_532, 44_511_913_730_540)]);
        assert_eq!(found.services.len(), 1);
        let service = &found.services[0];
        assert_eq!((service.records, service.newest_ns), (3, NOW - 5));
        assert_eq!((service.odd_times, service.odd_time_ns), (1, 44_511_913_730_532));
    }

    #[test]
    fn two_hours_ahead_can_be_and_two_days_cannot_and_a_missing_end_is_no_time() {
        let hours = 3_600_000_000_000;
        assert_eq!(contents(&[(NOW + 2 * hours, NOW + 2 * hours)]).services[0].odd_times, 0);
        assert_eq!(contents(&[(NOW + 48 * hours, NOW + 48 * hours)]).services[0].odd_times, 1);
        assert_eq!(contents(&[(NOW, 0)]).services[0].odd_times, 0);
        assert_eq!(contents(&[(0, 0)]).services[0].odd_times, 1);
    }

    #[test]
    fn only_so_many_services_are_told_apart() {
        let mut batch = Batch::default();
        for number in 0..100 {
            let checkpoint = crate::decode::checkpoint::single(
                format!(
                    r#"{{"source_id":"s{number}","correlation_id":"c","timestamp":1795252442000,"suffix":"","direction":"->",
                    "operation":"REST","endpoint":"/","data":null,"hostname":"h","raw_line":null}}"#
                )
                .as_bytes(),
            );
            batch.checkpoints.extend(checkpoint.expect("a checkpoint").0);
        }
        let mut contents = Contents::default();
        contents.look_at(&batch, Nanos(NOW));
        assert_eq!(contents.services.len(), MOST_SERVICES);
    }
}
